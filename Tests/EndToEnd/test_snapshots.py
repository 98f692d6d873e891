"""Snapshots: the last key frame of a stream as a JPEG file, as a real decoder sees it."""

import concurrent.futures
import subprocess

import numpy
import pytest

from harness import media, pion
from harness.gateway import Gateway
from harness.processes import Program, wait_until

RED_LEFT_BLUE_RIGHT = "color=red:size=320x360:rate=30[l];color=blue:size=320x360:rate=30[r];[l][r]hstack"


def snapshot(gateway, stream, query="", headers=None):
    return gateway.request("GET", f"/api/v1/streams/{stream}/snapshot.jpg{query}", headers=headers)


def pixels(answer):
    """The picture in red, green and blue, as ffmpeg decodes the file."""
    assert answer.status == 200 and answer.headers["Content-Type"] == "image/jpeg", answer
    shown = ["-show_entries", "stream=codec_name,width,height", "-of", "csv=p=0"]
    probe = ["ffprobe", "-v", "error", "-f", "jpeg_pipe", *shown, "-"]
    said = subprocess.run(probe, input=answer.body, capture_output=True, check=True).stdout.decode()
    codec, width, height = said.split(",")
    assert codec == "mjpeg"
    decode = ["ffmpeg", "-v", "error", "-f", "jpeg_pipe", "-i", "-", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(decode, input=answer.body, capture_output=True, check=True)
    assert not raw.stderr, raw.stderr
    return numpy.frombuffer(raw.stdout, numpy.uint8).reshape(int(height), int(width), 3).astype(int)


def coloured(url, size="640:360", extra=()):
    """Red on the left, blue on the right, and a tone."""
    arguments = [
        media.FFMPEG_DEBIAN, "-hide_banner", "-re", "-f", "lavfi", "-i", RED_LEFT_BLUE_RIGHT, "-re", *media.TONE,
        "-vf", f"scale={size}:out_color_matrix={'bt709' if extra else 'bt601'}", *media.h264_options(), *extra,
        "-c:a", "aac", "-f", "flv", url,
    ]  # fmt: skip
    return Program(arguments, "ffmpeg-coloured")


@pytest.mark.parametrize("space", ["bt601", "bt709"])
def test_a_snapshot_of_an_rtmp_stream_has_its_colours_and_the_size_asked_for(gateway, stream, space):
    extra = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709") if space == "bt709" else ()
    with coloured(gateway.rtmp(stream), extra=extra):
        gateway.wait_for_stream(stream, ("video", "audio"))
        wait_until(lambda: snapshot(gateway, stream).status == 200, 10, "no snapshot")
        sizes = {"": (360, 640), "?width=320": (180, 320), "?height=90": (90, 160), "?width=64&height=64": (36, 64)}
        for query, (height, width) in sizes.items():
            picture = pixels(snapshot(gateway, stream, query))
            assert picture.shape[:2] == (height, width), query
            left, right = picture[height // 2, width // 4], picture[height // 2, width * 3 // 4]
            assert numpy.abs(left - (255, 0, 0)).max() <= 16, left
            assert numpy.abs(right - (0, 0, 255)).max() <= 16, right
        assert pixels(snapshot(gateway, stream, "?width=4096&height=4096")).shape[:2] == (360, 640), "it was made larger"
        assert snapshot(gateway, stream, "?width=0").json["type"].endswith("bad-size")


def test_the_same_key_frame_is_not_sent_twice(gateway, stream):
    # One key frame in the whole test.
    with media.publish_rtmp(gateway.rtmp(stream), video=media.h264_options(gop=1500)):
        gateway.wait_for_stream(stream)
        first = wait_until(lambda: (answer := snapshot(gateway, stream)).status == 200 and answer, 10, "no snapshot")
        tag = first.headers["ETag"]
        assert first.headers["Cache-Control"] == "public, max-age=1"
        again = snapshot(gateway, stream, headers={"If-None-Match": tag})
        assert again.status == 304 and not again.body
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: snapshot(gateway, stream, "?height=120"), range(64)))
        assert {answer.status for answer in answers} == {200}
        assert len({answer.body for answer in answers}) == 1 and len({answer.headers["ETag"] for answer in answers}) == 1


@pytest.mark.parametrize("codec", ["H264", "VP8"])
def test_a_whip_publisher_whom_nobody_reads_is_asked_for_a_key_frame(gateway, stream, codec):
    picture = media.h264_file() if codec == "H264" else media.vp8_file()
    with pion.publish(gateway.whip(stream), picture, media.opus_file()):
        gateway.wait_for_stream(stream, ("video", "audio"))
        first = pixels(snapshot(gateway, stream, "?width=320"))
        assert first.shape == (180, 320, 3)
        assert first.std() > 30, "it shows nothing"
        assert pixels(snapshot(gateway, stream, "?width=160")).shape == (90, 160, 3)


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("H265", media.H265_OPTIONS),
        ("VP9", ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"]),
        ("AV1", ["-c:v", "libsvtav1", "-preset", "12", "-svtav1-params", "pred-struct=1:rc=2"]),
    ],
)
def test_a_snapshot_of_other_codecs_by_enhanced_rtmp(gateway, stream, codec, options):
    video = [*options, "-g", "30", "-b:v", "800k"]
    with media.publish_rtmp(gateway.rtmp(stream), media.ffmpeg_new(), video, extra=media.ENHANCED_OPTIONS):
        status = gateway.wait_for_stream(stream, seconds=25)
        assert codec in {track["codec"] for track in status["tracks"]}, status
        answer = wait_until(lambda: (seen := snapshot(gateway, stream)).status == 200 and seen, 10, "no snapshot")
        picture = pixels(answer)
        assert picture.shape == (360, 640, 3) and picture.std() > 30


def test_the_demo_has_a_snapshot_which_the_first_page_shows(chromium):
    with Gateway("demo", name="gateway-snapshot-demo") as gateway:
        gateway.wait_for_stream("demo")
        picture = pixels(wait_until(lambda: (seen := snapshot(gateway, "demo")).status == 200 and seen, 10, "no snapshot"))
        height, width = picture.shape[:2]
        track = next(one for one in gateway.stream("demo")["tracks"] if one["kind"] == "video")
        assert (width, height) == (track["width"], track["height"])
        # Colour bars: white, yellow, cyan, green, magenta, red, blue.
        bars = picture[height // 8, [width * (2 * bar + 1) // 14 for bar in range(7)]]
        assert [tuple(channel > 128 for channel in bar) for bar in bars.tolist()] == [
            (True, True, True), (True, True, False), (False, True, True), (False, True, False), (True, False, True),
            (True, False, False), (False, False, True),
        ], bars  # fmt: skip
        chromium.open(f"{gateway.http}/")
        width = "return document.querySelector('img.still:not([hidden])')?.naturalWidth ?? 0"
        wait_until(lambda: chromium.run(width) == 256, 10, "the page shows no picture")


def test_a_stream_without_a_picture_says_so(gateway, stream):
    with media.publish_rtmp(gateway.rtmp(stream), video=["-vn"]):
        gateway.wait_for_stream(stream, ("audio",))
        answer = snapshot(gateway, stream)
        assert answer.status == 409 and answer.json["type"].endswith("no-picture"), answer
    wait_until(lambda: snapshot(gateway, stream).json["type"].endswith("stream-not-publishing"), 10, "it goes on")
    assert snapshot(gateway, "nobody").status == 404


def test_only_those_who_may_watch_see_it(start_gateway, stream):
    gateway = start_gateway(auth__anonymous__play="nobody")
    with media.publish_rtmp(gateway.rtmp(stream)):
        gateway.wait_for_stream(stream)
        refused = [snapshot(gateway, name) for name in (stream, "nobody")]
        assert [answer.status for answer in refused] == [401, 401]
        assert refused[0].json["type"] == refused[1].json["type"]
        allowed = {"Authorization": f"Bearer {gateway.token(stream, 'play')}"}
        answer = wait_until(lambda: (seen := snapshot(gateway, stream, headers=allowed)).status == 200 and seen, 10, "none")
        assert answer.headers["Cache-Control"] == "private, max-age=1"
