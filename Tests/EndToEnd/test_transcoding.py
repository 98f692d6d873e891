"""Pictures that are encoded anew for those who cannot take what the publisher sends."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select

from harness import media, pion
from harness.offers import offer
from harness.processes import wait_until
from harness.watching import ages, assert_plays_well, percentile, watch

SDP = {"Content-Type": "application/sdp"}


def b_frames(size="640x360"):
    """High profile, three B-frames after each other picture, two of them depending on the third."""
    return [
        "-vf", f"scale={size}", "-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-pix_fmt", "yuv420p",
        "-g", "60", "-bf", "3", "-x264-params", "b-pyramid=normal:b-adapt=0", "-b:v", "800k",
    ]  # fmt: skip


# What an encoder of live pictures does without; x264 holds back pictures for it, and for its threads.
NO_LOOKAHEAD = ["-x264-params", "b-pyramid=normal:b-adapt=0:rc-lookahead=0:sync-lookahead=0:mbtree=0:threads=1"]


def play(browser, gateway, stream, frames=30):
    browser.open(gateway.page("play", stream))
    browser.wait_for_state("live", seconds=30)
    browser.wait_for_frames(frames, seconds=30)


def metric(gateway, name):
    for line in gateway.request("GET", "/metrics").body.decode().splitlines():
        if line.startswith(name + " ") or line.startswith(name + "{"):
            return float(line.rsplit(" ", 1)[1])
    return None


def codes(gateway, stream):
    return {warning["code"] for warning in gateway.stream(stream)["warnings"]}


def test_b_frames_that_others_need_play_without_freezes(gateway, stream, chromium):
    with media.publish_rtmp(gateway.rtmp(stream), video=b_frames()):
        gateway.wait_for_stream(stream, ("video", "audio"))
        wait_until(lambda: "b-frames-transcoded" in codes(gateway, stream), 10, "no warning about B-frames")
        assert metric(gateway, "martlet_transcodes") == 0, "nobody watches yet"
        play(chromium, gateway, stream)
        assert_plays_well(watch(chromium, 8), "H264")
        assert metric(gateway, "martlet_transcodes") == 1
        chromium.open("about:blank")
        wait_until(lambda: metric(gateway, "martlet_transcodes") == 0, 20, "it goes on without viewers")


def test_h265_plays_in_chromium_as_h264_and_goes_on_when_the_publisher_comes_again(gateway, stream, chromium):
    def publish():
        video = [*media.H265_OPTIONS, "-g", "60", "-b:v", "800k"]
        return media.publish_rtmp(gateway.rtmp(stream), media.ffmpeg_new(), video, extra=media.ENHANCED_OPTIONS)

    with publish():
        gateway.wait_for_stream(stream, ("video", "audio"), 25)
        play(chromium, gateway, stream)
        assert_plays_well(watch(chromium, 6), "H264")
        session = chromium.run("return martlet.pc.remoteDescription.sdp")
    with publish():
        before = chromium.statistics()["video"]["framesDecoded"]
        chromium.wait_for_frames(before + 60)
        assert chromium.run("return martlet.pc.remoteDescription.sdp") == session, "it made another session"
        assert_plays_well(watch(chromium, 4), "H264")


@pytest.mark.parametrize("way", ["rtmp", "whip"])
def test_firefox_plays_h264_as_vp8(gateway, stream, firefox, way):
    publish = media.publish_rtmp if way == "rtmp" else media.publish_whip
    with publish(getattr(gateway, way)(stream)):
        gateway.wait_for_stream(stream, ("video", "audio"))
        play(firefox, gateway, stream)
        assert_plays_well(watch(firefox, 6), "VP8", 25)


def test_beyond_the_limit_a_viewer_is_told_so(start_gateway, stream):
    gateway = start_gateway(transcode__max_streams=1)
    with pion.publish(gateway.whip("one"), media.vp8_file()), pion.publish(gateway.whip("two"), media.vp8_file()):
        for name in ("one", "two"):
            gateway.wait_for_stream(name)
        h264 = offer("recvonly")
        # Pion lists several codecs; which one it sends shows with the first packet.
        wait_until(lambda: gateway.request("POST", "/whep/one", offer("recvonly", "VP8"), SDP).status == 201, 10, "one")
        wait_until(lambda: gateway.request("POST", "/whep/two", offer("recvonly", "VP8"), SDP).status == 201, 10, "two")
        first = gateway.request("POST", "/whep/one", h264, SDP)
        again = gateway.request("POST", "/whep/one", h264, SDP)
        assert (first.status, again.status) == (201, 201), (first, again)
        second = gateway.request("POST", "/whep/two", h264, SDP)
        assert second.status == 406 and second.json["type"].endswith("transcoding-limit"), second
        assert "max_streams" in second.json["detail"]
        assert second.headers["Link"].startswith('</hls/two/index.m3u8>; rel="alternate"'), second.headers
        for answer in (first, again):
            gateway.request("DELETE", answer.headers["Location"])
        # What is only kept in case somebody comes back makes room.
        assert gateway.request("POST", "/whep/two", h264, SDP).status == 201


def test_a_viewer_chooses_a_step_of_the_ladder(start_gateway, stream, chromium):
    gateway = start_gateway(transcode__ladder="240p,120p@150k")
    with media.publish_rtmp(gateway.rtmp(stream)):
        gateway.wait_for_stream(stream, ("video", "audio"))
        play(chromium, gateway, stream)

        def width():
            return chromium.run("return document.querySelector('video').videoWidth")

        wait_until(lambda: width() == 640, 20, lambda: f"{width()} wide")
        menu = chromium.driver.find_element(By.ID, "layer")
        wait_until(menu.is_displayed, 10, "no menu of layers")
        select = Select(menu)
        assert {option.text for option in select.options} == {"Automatic", "360p", "240p", "120p"}
        for height, expected in ((240, 426), (120, 212)):
            select.select_by_visible_text(f"{height}p")
            wait_until(lambda: width() == expected, 15, lambda: f"{width()} wide, not {expected}", 0.1)
        seen = watch(chromium, 5)
        assert seen.freezes == 0 and seen.frames_per_second >= 27, seen
        select.select_by_visible_text("Automatic")
        wait_until(lambda: width() == 640, 30, lambda: f"still {width()} wide", 0.1)


def test_a_picture_encoded_anew_is_hardly_older(gateway, stream, chromium):
    """The clock in the picture is sent as H.265, watched as H.264."""
    with media.ClockedPublisher(gateway.rtmp(stream), h265=True):
        gateway.wait_for_stream(stream, seconds=25)
        play(chromium, gateway, stream)
        seen = ages(chromium, 8)
        assert len(seen) > 150, len(seen)
        assert percentile(seen, 50) <= 250, f"p50 {percentile(seen, 50)} ms, p95 {percentile(seen, 95)} ms"


def test_b_frames_cost_little_more_than_their_order(gateway, stream, chromium):
    """The clock in the picture is sent with three B-frames after each other picture, and watched without.

    Such an encoder has to hold four pictures back before it can write one, and a decoder two before it can show one:
    200 ms of what is measured, at 30 pictures per second, are the publisher's choice.
    """
    with media.ClockedPublisher(gateway.rtmp(stream), video=[*b_frames(), "-tune", "fastdecode", *NO_LOOKAHEAD]):
        gateway.wait_for_stream(stream, seconds=25)
        play(chromium, gateway, stream)
        assert "b-frames-transcoded" in codes(gateway, stream)
        seen = ages(chromium, 8)
        assert len(seen) > 150, len(seen)
        print(f"B-frames: p50 {percentile(seen, 50):.0f} ms, p95 {percentile(seen, 95):.0f} ms")
        assert percentile(seen, 50) <= 450, f"p50 {percentile(seen, 50)} ms, p95 {percentile(seen, 95)} ms"


def test_a_transcoder_that_cannot_keep_up_does_not_delay_others(gateway, stream, chromium):
    """4K at 60 pictures per second is more than a thread can decode and encode."""
    with media.ClockedPublisher(gateway.rtmp("clock")):
        gateway.wait_for_stream("clock")
        play(chromium, gateway, "clock")
        before = percentile(ages(chromium, 5), 50)
        dropped = metric(gateway, "martlet_transcode_frames_dropped_total")
        with media.publish_file(gateway.rtmp(stream), media.large_file()):
            gateway.wait_for_stream(stream)
            viewer = gateway.request("POST", f"/whep/{stream}", offer("recvonly", "VP8"), SDP)
            assert viewer.status == 201, viewer
            wait_until(
                lambda: metric(gateway, "martlet_transcode_frames_dropped_total") > dropped, 15, "nothing was left out"
            )
            wait_until(lambda: "transcode-overloaded" in codes(gateway, stream), 5, "no warning")
            during = percentile(ages(chromium, 5), 50)
            gateway.request("DELETE", viewer.headers["Location"])
        assert during <= before + 34, f"{before} ms before, {during} ms during: more than a frame later"
