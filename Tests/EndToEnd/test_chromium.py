"""Chromium publishes by WHIP and watches by WHEP, through the pages a user sees."""

import pytest

from harness import browser as browsers
from harness import media, pion
from harness.watching import ages, assert_plays_well, percentile, watch


def publish_test_card(browser, gateway, stream, codec):
    browser.open(gateway.page("publish", stream, f"source=card&codec={codec}&size=640x360&start"))
    browser.wait_for_state("live")
    gateway.wait_for_stream(stream, ("video", "audio"))


def play(browser, gateway, stream):
    browser.open(gateway.page("play", stream))
    browser.wait_for_state("live")
    browser.wait_for_frames(30)


@pytest.mark.parametrize("codec", ["H264", "VP8", "VP9", pytest.param("AV1", marks=pytest.mark.soak)])
def test_a_browser_publishes_and_another_one_plays(gateway, stream, chromium, codec):
    publish_test_card(chromium, gateway, stream, codec)
    with browsers.chromium() as viewer:
        play(viewer, gateway, stream)
        assert_plays_well(watch(viewer), codec)
        assert viewer.run("return document.querySelector('video').videoWidth") >= 320
        viewer.screenshot(f"chromium-{codec}")


def test_the_picture_is_a_few_frames_old(gateway, stream, chromium):
    publish_test_card(chromium, gateway, stream, "H264")
    with browsers.chromium() as viewer:
        play(viewer, gateway, stream)
        seen = ages(viewer, 8)
        assert len(seen) > 150, len(seen)
        assert percentile(seen, 50) <= 60, f"p50 {percentile(seen, 50)} ms, p95 {percentile(seen, 95)} ms"


def test_the_gateway_encrypts_with_gcm(gateway, stream, chromium):
    with pion.publish(gateway.whip(stream), media.h264_file(), media.opus_file()) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream(stream, ("video", "audio"))
        play(chromium, gateway, stream)
        watched = watch(chromium, 4)
        assert watched.cipher.endswith("AEAD_AES_128_GCM"), watched
        assert_plays_well(watched, "H264", 27)


def test_a_viewer_that_hides_its_addresses_connects(gateway, stream):
    """As a real viewer's browser does: only mDNS names among its candidates."""
    with pion.publish(gateway.whip(stream), media.h264_file()) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream(stream)
        with browsers.chromium(loopback=False) as viewer:
            play(viewer, gateway, stream)
