"""Test media, made by ffmpeg when a test needs them, and encoders that publish live."""

import functools
import subprocess
import sys

import imageio_ffmpeg

from .processes import ROOT, WORK, Program

FFMPEG_DEBIAN = "/usr/bin/ffmpeg"


@functools.cache
def ffmpeg_new():
    """A current ffmpeg that speaks WHIP and Enhanced RTMP; Debian's does neither."""
    return imageio_ffmpeg.get_ffmpeg_exe()


def _make(name, arguments):
    WORK.mkdir(exist_ok=True)
    path = WORK / name
    if not path.exists():
        partial = path.with_name("partial-" + path.name)
        subprocess.run([FFMPEG_DEBIAN, "-v", "error", "-y", *arguments, str(partial)], check=True, timeout=120)
        partial.rename(path)
    return path


PICTURE = ["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30"]
TONE = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"]


def h264_options(gop=30, bitrate="800k", profile="baseline", b_frames=0):
    return [
        "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-profile:v", profile, "-pix_fmt", "yuv420p",
        "-g", str(gop), "-keyint_min", str(gop), "-sc_threshold", "0", "-bf", str(b_frames), "-b:v", bitrate,
        "-maxrate", bitrate, "-bufsize", bitrate, "-x264-params", "slices=1:sliced-threads=0",
    ]  # fmt: skip


def h264_file(gop=30, bitrate="800k", seconds=10, size=""):
    scale = ["-vf", f"scale={size}"] if size else []
    options = [*PICTURE, "-t", str(seconds), *scale, *h264_options(gop, bitrate)]
    name = f"picture-{gop}-{bitrate}-{seconds}{size and '-' + size.replace(':', 'x')}.h264"
    return _make(name, [*options, "-bsf:v", "h264_mp4toannexb", "-f", "h264"])


def h264_file_of_two_sizes():
    """Four seconds of 640x360, four of 320x180."""
    path = WORK / "picture-two-sizes.h264"
    path.write_bytes(h264_file(seconds=4).read_bytes() + h264_file(seconds=4, size="320:180").read_bytes())
    return path


def load_file():
    """What load is measured with: 1280x720, 2 Mbps, a key frame every four seconds."""
    picture = ["-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30,noise=alls=12:allf=t", "-t", "20"]
    encoder = [
        "-c:v", "libx264", "-profile:v", "baseline", "-preset", "veryfast", "-tune", "zerolatency",
        "-pix_fmt", "yuv420p", "-b:v", "2000k", "-x264-params",
        "keyint=120:min-keyint=120:scenecut=0:bframes=0:vbv-maxrate=2000:vbv-bufsize=1000:sliced-threads=0",
    ]  # fmt: skip
    return _make("load.h264", [*picture, *encoder, "-bsf:v", "h264_mp4toannexb", "-f", "h264"])


def flv_file(seconds=4, size="640:360"):
    """H.264 and AAC as an RTMP encoder sends them."""
    options = [*PICTURE, *TONE, "-t", str(seconds), "-vf", f"scale={size}", *h264_options()]
    return _make(f"film-{seconds}-{size.replace(':', 'x')}.flv", [*options, "-c:a", "aac", "-ar", "48000", "-f", "flv"])


def large_file():
    """4K at 60 pictures per second."""
    options = [
        "-vf", "scale=3840:2160,fps=60", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "fastdecode",
        "-profile:v", "baseline", "-g", "60", "-bf", "0", "-pix_fmt", "yuv420p", "-b:v", "8M", "-f", "flv",
    ]  # fmt: skip
    return _make("large.flv", [*PICTURE, "-t", "3", *options])


def vp8_file(seconds=10):
    options = ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-g", "30", "-b:v", "800k", "-f", "ivf"]
    return _make("picture.ivf", [*PICTURE, "-t", str(seconds), *options])


def opus_file(seconds=10):
    options = ["-c:a", "libopus", "-ac", "2", "-b:a", "64k", "-frame_duration", "20", "-page_duration", "20000"]
    return _make("tone.ogg", [*TONE, "-t", str(seconds), *options, "-f", "ogg"])


def mp4_file(codec="h264", seconds=10):
    vp8 = ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-g", "30"]
    video = h264_options() if codec == "h264" else vp8
    suffix = "mp4" if codec == "h264" else "webm"
    return _make(f"film-{codec}.{suffix}", [*PICTURE, *TONE, "-t", str(seconds), *video, "-c:a", "libopus", "-ac", "2"])


def publish_rtmp(url, ffmpeg=FFMPEG_DEBIAN, video=None, audio=("-c:a", "aac", "-ar", "48000", "-b:a", "96k"), extra=()):
    """A moving picture and a tone, encoded live."""
    arguments = [
        ffmpeg, "-hide_banner", "-loglevel", "info", "-re", *PICTURE, "-re", *TONE, *(video or h264_options()), *audio,
        "-f", "flv", *extra, url,
    ]  # fmt: skip
    return Program(arguments, "ffmpeg-rtmp")


def publish_file(url, path):
    """A file again and again, as it is."""
    arguments = [
        FFMPEG_DEBIAN, "-hide_banner", "-loglevel", "info", "-re", "-stream_loop", "-1", "-i", str(path), "-c", "copy",
        "-f", "flv", url,
    ]  # fmt: skip
    return Program(arguments, "ffmpeg-file")


# H.265 by Enhanced RTMP, which takes a current ffmpeg.
H265_OPTIONS = ["-c:v", "libx265", "-preset", "ultrafast", "-tune", "zerolatency", "-x265-params", "bframes=0"]
ENHANCED_OPTIONS = ["-rtmp_enhanced_codecs", "hvc1,av01,vp09"]


def publish_lips(url):
    """A square that flashes and a tone that beeps together, each full second of the encoder's time."""
    square = "drawbox=x=iw-ih/4:y=ih*3/4:w=ih/6:h=ih/6:t=fill"
    lit = "lt(mod(t,1),0.1)"
    picture = f"testsrc2=size=640x360:rate=30,{square}:color=black,{square}:color=white:enable='{lit}'"
    tone = f"aevalsrc='0.4*sin(2*PI*1000*t)*{lit}':sample_rate=48000"
    arguments = [
        FFMPEG_DEBIAN, "-hide_banner", "-loglevel", "info", "-re", "-f", "lavfi", "-i", picture, "-re", "-f", "lavfi",
        "-i", tone, *h264_options(), "-c:a", "aac", "-ac", "2", "-b:a", "96k", "-f", "flv", url,
    ]  # fmt: skip
    return Program(arguments, "ffmpeg-lips")


def publish_whip(url, token=None, video=None, extra=()):
    arguments = [
        ffmpeg_new(), "-hide_banner", "-loglevel", "info", "-re", *PICTURE, "-re", *TONE, *(video or h264_options()),
        "-c:a", "libopus", "-ac", "2", "-ar", "48000", "-b:a", "64k", "-f", "whip", *extra,
        *(("-authorization", token) if token else ()), url,
    ]  # fmt: skip
    return Program(arguments, "ffmpeg-whip")


class ClockedPublisher:
    """Publishes pictures that carry the wall clock, drawn frame by frame and encoded live."""

    def __init__(self, url, gop=30, bitrate="1000k", whip=False, h265=False, video=None):
        self.source_log = open(WORK / "clock-source.log", "wb")
        self.source = subprocess.Popen(
            [sys.executable, str(ROOT / "Tests/EndToEnd/clients/clock_source.py")],
            stdout=subprocess.PIPE,
            stderr=self.source_log,
        )
        # With the frames' arrival as time stamps nothing is buffered before the encoder.
        picture = [
            "-fflags", "nobuffer", "-probesize", "32", "-analyzeduration", "0", "-use_wallclock_as_timestamps", "1",
            "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "640x360", "-r", "30", "-i", "pipe:0",
        ]  # fmt: skip
        encoding = [*H265_OPTIONS, "-g", str(gop), "-b:v", bitrate] if h265 else h264_options(gop, bitrate)
        encoder = [*(video or encoding), "-fps_mode", "passthrough"]
        enhanced = ENHANCED_OPTIONS if h265 else []
        output = ["-f", "whip", url] if whip else ["-flush_packets", "1", "-f", "flv", *enhanced, url]
        self.program = Program(
            [ffmpeg_new() if whip or h265 else FFMPEG_DEBIAN, "-hide_banner", "-loglevel", "info", *picture, *encoder, *output],
            "ffmpeg-clock",
            stdin=self.source.stdout,
        )
        self.source.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.program.stop()
        self.source.kill()
        self.source.wait()
        self.source_log.close()
