"""Firefox, which has no H.264 here: it publishes and plays VP8; where nothing is encoded anew it is told why it cannot play."""

from harness import media, pion
from harness.watching import assert_plays_well, watch


def test_firefox_plays_vp8(gateway, stream, firefox):
    with pion.publish(gateway.whip(stream), media.vp8_file(), media.opus_file()) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream(stream, ("video", "audio"))
        firefox.open(gateway.page("play", stream))
        firefox.wait_for_state("live", seconds=30)
        firefox.wait_for_frames(30)
        assert_plays_well(watch(firefox, 6), "VP8", 25)


def test_firefox_publishes_vp8(gateway, stream, firefox):
    firefox.open(gateway.page("publish", stream, "source=card&codec=VP8&size=640x360&start"))
    firefox.wait_for_state("live", seconds=30)
    gateway.wait_for_stream(stream)
    video = pion.watch(gateway.whep(stream), seconds=4).summary(30)["tracks"]["video"]
    assert video["codec"] == "video/VP8"
    assert video["frames"] >= 60 and video["missing"] == 0, video


def test_firefox_is_told_that_it_lacks_the_codec(start_gateway, stream, firefox):
    gateway = start_gateway(transcode__max_streams=0)
    with pion.publish(gateway.whip(stream), media.h264_file()) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream(stream)
        firefox.open(gateway.page("play", stream))
        firefox.wait_for_state("refused", seconds=30)
        explanation = firefox.text("explanation")
        assert "H264" in explanation.replace(".", ""), explanation
        assert "VP8" in firefox.text("hint"), firefox.text("hint")
        firefox.screenshot("firefox-refused")
