"""HLS as players take it: ffmpeg, GStreamer and Chromium, from encoders by RTMP and WHIP and from the demo."""

import contextlib
import json
import re
import socket
import subprocess
import time

import pytest

from harness import media, pion
from harness.peers import CLIENTS
from harness.processes import wait_until

SOURCES = ["rtmp", "whip-h264", "whip-vp8", "demo"]

HIGH = media.h264_options(gop=60, profile="high", b_frames=2)
HIGH = [word for word in HIGH if word not in ("-tune", "zerolatency")]
AAC_44100 = ("-c:a", "aac", "-ar", "44100", "-ac", "2", "-b:a", "96k")


@contextlib.contextmanager
def published(gateway, source, stream):
    """A live stream: High profile with B-frames and AAC of 44.1 kHz by RTMP, or WHIP with Opus."""
    if source == "rtmp":
        publisher = media.publish_rtmp(gateway.rtmp(stream), video=HIGH, audio=AAC_44100)
    else:
        picture = media.h264_file() if source == "whip-h264" else media.vp8_file()
        publisher = pion.publish(gateway.whip(stream), picture, media.opus_file())
    with publisher:
        gateway.wait_for_stream(stream, ("video", "audio"))
        yield


def playlist(gateway, stream, name="index.m3u8"):
    answer = gateway.request("GET", f"/hls/{stream}/{name}", timeout=20)
    assert answer.status == 200, answer
    return answer.text


def epochs(text):
    """Of the publishers whose complete segments are listed."""
    return set(re.findall(r"^video-(\d+)-\d+\.m4s", text, re.M))


def address(gateway, stream):
    return f"{gateway.http}/hls/{stream}/index.m3u8"


def play_with_ffmpeg(url, seconds):
    """Frames decoded, and how loud the sound is in decibels."""
    arguments = [
        media.FFMPEG_DEBIAN, "-hide_banner", "-nostdin", "-i", url, "-t", str(seconds), "-map", "0:v:0", "-map", "0:a:0",
        "-af", "volumedetect", "-f", "null", "-",
    ]  # fmt: skip
    result = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr[-3000:]
    frames = re.findall(r"frame=\s*(\d+)", result.stderr)
    volume = re.search(r"mean_volume: (-?[\d.]+) dB", result.stderr)
    assert frames and volume, result.stderr[-3000:]
    return int(frames[-1]), float(volume.group(1)), result.stderr


@pytest.fixture(scope="module")
def live(request, gateway):
    """The source that a test asks for, published once for all that ask for it."""
    source = request.param
    if source == "demo":
        from harness.gateway import Gateway

        with Gateway("demo", name="gateway-hls-demo") as running:
            running.wait_for_stream("demo", ("video", "audio"))
            yield running, "demo"
    else:
        with published(gateway, source, source):
            yield gateway, source


each_source = pytest.mark.parametrize("live", SOURCES, indirect=True, scope="module")


@each_source
def test_ffprobe_and_ffmpeg_play_picture_and_sound(live):
    gateway, stream = live
    text = playlist(gateway, stream)
    codecs = re.search(r'CODECS="([^"]+)"', text).group(1)
    assert re.fullmatch(r"avc1\.[0-9a-f]{6},mp4a\.40\.2", codecs), text
    assert re.search(r"RESOLUTION=\d+x\d+,FRAME-RATE=\d+\.\d{3}", text), text
    probe = subprocess.run(
        ["ffprobe", "-v", "error", "-show_streams", "-of", "json", address(gateway, stream)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    streams = {each["codec_type"]: each for each in json.loads(probe.stdout)["streams"]}
    assert streams["video"]["codec_name"] == "h264" and streams["audio"]["codec_name"] == "aac", probe
    frames, volume, log = play_with_ffmpeg(address(gateway, stream), 5)
    assert 0.9 * 150 <= frames <= 160, f"{frames} frames\n{log[-2000:]}"
    assert volume > -60, f"{volume} dB"
    assert "non-existing PPS" not in log and "Non-monotonous DTS" not in log, log[-3000:]


@each_source
def test_gstreamer_plays_picture_and_sound(live):
    gateway, stream = live
    client = ["/usr/bin/python3", CLIENTS / "gstreamer_hls.py", address(gateway, stream)]
    result = subprocess.run(client, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, (result.stdout, result.stderr[-3000:])


@each_source
def test_chromium_plays_by_itself(live, chromium):
    gateway, stream = live
    chromium.open(f"{gateway.http}/")
    chromium.run(
        f"""const video = document.createElement("video");
        video.id = "native"; video.src = "/hls/{stream}/index.m3u8"; video.muted = true;
        document.body.append(video); video.play();"""
    )
    read = """const video = document.getElementById("native");
        return {frames: video.getVideoPlaybackQuality().totalVideoFrames, sound: video.webkitAudioDecodedByteCount,
                error: video.error?.message ?? null};"""
    wait_until(
        lambda: (seen := chromium.run(read)) and seen["frames"] > 60 and seen["sound"] > 1000,
        20,
        lambda: f"{chromium.run(read)}\n{playlist(gateway, stream)}",
        0.25,
    )


def test_a_player_goes_on_when_the_publisher_comes_back(gateway, stream):
    with published(gateway, "rtmp", stream):
        playlist(gateway, stream)
        player = subprocess.Popen(
            [media.FFMPEG_DEBIAN, "-hide_banner", "-nostdin", "-i", address(gateway, stream), "-map", "0:v:0", "-t", "14",
             "-f", "null", "-"],
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        before = playlist(gateway, stream, "video.m3u8")
    with published(gateway, "rtmp", stream):
        # The new publisher's first segment is complete.
        wait_until(
            lambda: len(epochs(playlist(gateway, stream, "video.m3u8"))) == 2, 15, "no segment of the second publisher", 0.25
        )
        after = playlist(gateway, stream, "video.m3u8")
        _, log = player.communicate(timeout=60)
    assert after.count("#EXT-X-DISCONTINUITY\n") == 1 and "#EXT-X-ENDLIST" not in after, after
    # What was published before is still there, under the same names.
    assert set(re.findall(r"^video-\S+", before, re.M)) <= set(re.findall(r"^video-\S+", after, re.M))
    assert player.returncode == 0, log[-3000:]
    frames = re.findall(r"frame=\s*(\d+)", log)
    assert int(frames[-1]) >= 0.85 * 14 * 30, log[-2000:]


def test_blocked_reloads_come_as_parts_do_and_those_too_far_ahead_are_refused(gateway, stream):
    with published(gateway, "rtmp", stream):
        playlist(gateway, stream)
        text = playlist(gateway, stream, "video.m3u8")
        newest = int(re.findall(r"video-\d+-(\d+)", text)[-1])
        target = float(re.search(r"PART-TARGET=([\d.]+)", text).group(1))
        for ahead in range(newest + 1, newest + 3):
            answer = gateway.request("GET", f"/hls/{stream}/video.m3u8?_HLS_msn={ahead}&_HLS_part=1", timeout=15)
            assert answer.status == 200 and f"-{ahead}-1.m4s" in answer.text, answer
        parts = [float(each) for each in re.findall(r"EXT-X-PART:DURATION=([\d.]+)", answer.text)]
        assert parts and max(parts) <= target
        assert gateway.request("GET", f"/hls/{stream}/video.m3u8?_HLS_msn={newest + 50}").status == 400
        hint = re.search(r'PRELOAD-HINT:TYPE=PART,URI="([^"]+)"', answer.text).group(1)
        part = gateway.request("GET", f"/hls/{stream}/{hint}", timeout=5)
        assert part.status == 200 and b"moof" in part.body[:200], part


def test_readers_who_do_not_read_hold_nobody_up(gateway, stream):
    with published(gateway, "rtmp", stream), contextlib.ExitStack() as stack:
        playlist(gateway, stream)
        segment = re.findall(r"^video-\S+", playlist(gateway, stream, "video.m3u8"), re.M)[-1]
        before = gateway.resident_kilobytes()
        for _ in range(200):
            lazy = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            lazy.connect(("127.0.0.1", gateway.http_port))
            lazy.sendall(f"GET /hls/{stream}/{segment} HTTP/1.1\r\nHost: martlet\r\n\r\n".encode() * 4)
        text = playlist(gateway, stream, "video.m3u8")
        for _ in range(6):
            newest = int(re.findall(r"video-\d+-(\d+)", text)[-1])
            began = time.monotonic()
            answer = gateway.request("GET", f"/hls/{stream}/video.m3u8?_HLS_msn={newest + 1}", timeout=15)
            assert answer.status == 200 and time.monotonic() - began < 5, (answer, time.monotonic() - began)
            text = answer.text
        # They share what they were sent: a segment is some hundred kilobytes.
        assert gateway.resident_kilobytes() - before < 64 << 10, f"{gateway.resident_kilobytes() - before} kB more"


def test_a_stream_that_nobody_publishes_is_not_found(gateway):
    answer = gateway.request("GET", "/hls/nobody/index.m3u8")
    assert answer.status == 404 and answer.headers["Retry-After"], answer


def test_a_signed_path_plays_where_watching_takes_a_credential(start_gateway, stream):
    private = start_gateway(auth__anonymous__play="nobody")
    with media.publish_rtmp(private.rtmp(stream)):
        private.wait_for_stream(stream, ("video", "audio"))
        assert private.request("GET", f"/hls/{stream}/index.m3u8").status == 401
        made = subprocess.run(
            [private.program.process.args[0], "token", "create", "--hls", "--stream", stream, "--expires", "1h"],
            capture_output=True, text=True, env=private.environment(), timeout=20,
        )  # fmt: skip
        path = made.stdout.strip()
        assert re.fullmatch(rf"/hls/{stream}/~\d+\.[0-9a-f]+/index\.m3u8", path), made
        frames, volume, log = play_with_ffmpeg(private.http + path, 3)
        assert frames >= 80 and volume > -60, log[-2000:]
