"""Encoders by RTMP and WHIP, watched in Chromium and by the other WebRTC stacks."""

import pytest

from harness import media, peers, pion
from harness.offers import offer
from harness.processes import wait_until
from harness.watching import ages, assert_plays_well, percentile, watch


def play(browser, gateway, stream):
    browser.open(gateway.page("play", stream))
    browser.wait_for_state("live")
    browser.wait_for_frames(30)


def test_ffmpeg_by_rtmp_with_aac_plays_with_sound(gateway, stream, chromium):
    with media.publish_rtmp(gateway.rtmp(stream)):
        gateway.wait_for_stream(stream, ("video", "audio"))
        play(chromium, gateway, stream)
        assert_plays_well(watch(chromium), "H264")


def test_ffmpeg_by_whip_plays_with_sound(gateway, stream, chromium):
    with media.publish_whip(gateway.whip(stream)):
        gateway.wait_for_stream(stream, ("video", "audio"))
        play(chromium, gateway, stream)
        assert_plays_well(watch(chromium), "H264")


def test_the_picture_of_an_rtmp_encoder_is_a_few_frames_old(gateway, stream, chromium):
    with media.ClockedPublisher(gateway.rtmp(stream)):
        gateway.wait_for_stream(stream)
        play(chromium, gateway, stream)
        seen = ages(chromium, 8)
        assert len(seen) > 150, len(seen)
        # Encoding and the encoder's own muxing are in it.
        assert percentile(seen, 50) <= 150, f"p50 {percentile(seen, 50)} ms, p95 {percentile(seen, 95)} ms"


@pytest.mark.parametrize(
    ("codec", "options", "plays_as"),
    [
        ("AV1", "libsvtav1 -preset 12 -g 60 -svtav1-params pred-struct=1:rc=2", "AV1"),
        ("VP9", "libvpx-vp9 -deadline realtime -cpu-used 8 -lag-in-frames 0 -g 60", "VP9"),
        # Chromium cannot decode it, and gets something else.
        ("H265", "libx265 -preset ultrafast -tune zerolatency -x265-params bframes=0", "H264"),
    ],
)
def test_enhanced_rtmp_carries_other_codecs(gateway, stream, chromium, codec, options, plays_as):
    video = ["-c:v", *options.split(), "-pix_fmt", "yuv420p", "-b:v", "600k"]
    extra = ["-rtmp_enhanced_codecs", "hvc1,av01,vp09"]
    with media.publish_rtmp(gateway.rtmp(stream), media.ffmpeg_new(), video, extra=extra):
        gateway.wait_for_stream(stream, ("video", "audio"), 25)
        chromium.open(gateway.page("play", stream))
        chromium.wait_for_frames(30)
        assert chromium.statistics()["video"]["codec"] == plays_as


def test_a_codec_that_chromium_lacks_is_named_where_nothing_is_encoded_anew(start_gateway, stream, chromium):
    gateway = start_gateway(transcode__max_streams=0)
    video = [*media.H265_OPTIONS, "-pix_fmt", "yuv420p", "-b:v", "600k"]
    with media.publish_rtmp(gateway.rtmp(stream), media.ffmpeg_new(), video, extra=media.ENHANCED_OPTIONS):
        gateway.wait_for_stream(stream, ("video", "audio"), 25)
        chromium.open(gateway.page("play", stream))
        chromium.wait_for_state("refused")
        assert "265" in chromium.text("explanation"), chromium.text("explanation")


def b_frames(pyramid):
    """Three B-frames after each other picture; with a pyramid, two of them depend on the third."""
    return [
        "-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-pix_fmt", "yuv420p", "-g", "60", "-bf", "3",
        "-x264-params", f"b-pyramid={pyramid}:b-adapt=0", "-b:v", "800k",
    ]  # fmt: skip


def warning_codes(gateway, stream):
    return {warning["code"] for warning in gateway.stream(stream)["warnings"]}


def test_b_frames_that_others_need_are_refused_with_the_cure(start_gateway, stream, chromium):
    """They make a browser stutter: where they cannot be taken out, the stream must not reach it unexplained."""
    gateway = start_gateway(transcode__max_streams=0)
    with media.publish_rtmp(gateway.rtmp(stream), video=b_frames("normal")):
        gateway.wait_for_stream(stream)
        wait_until(lambda: "b-frames" in warning_codes(gateway, stream), 10, "no warning about B-frames")
        chromium.open(gateway.page("play", stream))
        chromium.wait_for_state("refused")
        words = chromium.text("explanation")
        assert "B-frame" in words and "bframes=0" in words, words


def test_b_frames_that_nothing_needs_are_left_out(gateway, stream, chromium):
    with media.publish_rtmp(gateway.rtmp(stream), video=b_frames("none")):
        gateway.wait_for_stream(stream)
        wait_until(lambda: "b-frames-dropped" in warning_codes(gateway, stream), 10, "no warning about B-frames")
        play(chromium, gateway, stream)
        seen = watch(chromium, 8)
        # One picture in four is left.
        assert seen.freezes == 0 and seen.frames_per_second >= 7, seen


def test_b_frames_are_kept_where_that_was_asked_for(start_gateway, stream):
    gateway = start_gateway(rtmp__b_frames="hls_only")
    with media.publish_rtmp(gateway.rtmp(stream), video=b_frames("none")):
        gateway.wait_for_stream(stream)
        wait_until(lambda: "b-frames" in warning_codes(gateway, stream), 10, "no warning about B-frames")
        answer = gateway.request("POST", f"/whep/{stream}", offer("recvonly"), {"Content-Type": "application/sdp"})
        assert answer.status == 406 and answer.json["type"].endswith("reordered-video"), answer


@pytest.mark.parametrize("codec", ["H264", "VP8"])
def test_aiortc_publishes_and_watches(gateway, stream, codec):
    film = media.mp4_file(codec.lower())
    with peers.aiortc("publish", gateway.whip(stream), 14, codec, film) as publisher:
        gateway.wait_for_stream(stream, ("video", "audio"))
        summary = peers.aiortc("watch", gateway.whep(stream), 5).summary(30)
        assert summary["frames"]["video"] >= 100, summary
        assert summary["frames"]["audio"] >= 150, summary
        assert summary["delete"] == 200
        assert publisher.summary(30)["delete"] == 200


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_gstreamer_publishes_and_watches(gateway, stream, codec):
    with peers.gstreamer("publish", gateway.whip(stream), 14, codec) as publisher:
        gateway.wait_for_stream(stream, ("video", "audio"))
        summary = peers.gstreamer("watch", gateway.whep(stream), 6, codec).summary(30)
        assert summary["frames"].get("video", 0) >= 100, summary
        assert summary["frames"].get("audio", 0) >= 150, summary
        assert publisher.summary(30)["error"] is None


def test_an_rtmp_stream_reaches_pion_without_a_gap(gateway, stream):
    with media.publish_rtmp(gateway.rtmp(stream)):
        gateway.wait_for_stream(stream, ("video", "audio"))
        tracks = pion.watch(gateway.whep(stream), seconds=5).summary(30)["tracks"]
        assert tracks["video"]["frames"] >= 130 and tracks["video"]["missing"] == 0, tracks
        assert tracks["audio"]["packets"] >= 200 and tracks["audio"]["missing"] == 0, tracks
        assert tracks["audio"]["codec"] == "audio/opus"
        # The clocks run at their nominal rates: lips stay in step.
        assert abs(tracks["audio"]["timestampRate"] / 48000 - 1) < 0.02, tracks
