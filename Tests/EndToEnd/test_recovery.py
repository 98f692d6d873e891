"""Publishers that crash and return, and pages that recover without a reload."""

import time

import pytest

from harness import media, pion
from harness.processes import wait_until


def media_returned(page, frames_before, seconds):
    """How long until pictures are decoded again; the page may have changed to a new session meanwhile."""
    begun = time.monotonic()

    def decoding():
        statistics = page.statistics()
        video = (statistics or {}).get("video") or {}
        return page.state == "live" and (video.get("framesDecoded") or 0) not in (0, frames_before)

    wait_until(decoding, seconds, lambda: f"no pictures: {page.state} {page.detail} {page.statistics()}", 0.05)
    return time.monotonic() - begun


def start_publisher(kind, gateway, stream):
    if kind == "rtmp":
        return media.publish_rtmp(gateway.rtmp(stream))
    if kind == "whip-ffmpeg":
        return media.publish_whip(gateway.whip(stream))
    return pion.publish(gateway.whip(stream), media.h264_file(), media.opus_file())


@pytest.mark.parametrize("pause", [1, 6])
@pytest.mark.parametrize("kind", ["rtmp", "whip-pion"])
def test_a_viewer_recovers_when_a_killed_publisher_returns(gateway, stream, chromium, kind, pause):
    first = start_publisher(kind, gateway, stream)
    gateway.wait_for_stream(stream)
    chromium.open(gateway.page("play", stream))
    chromium.wait_for_frames(30)
    first.kill()
    time.sleep(pause)
    frames = chromium.statistics()
    frames = ((frames or {}).get("video") or {}).get("framesDecoded", 0)
    with start_publisher(kind, gateway, stream) as second:
        # Until media flow again: the encoder's own start and a possible takeover.
        wait_until(
            lambda: publishing_again(gateway, stream),
            15,
            lambda: f"not live again: {gateway.streams()}\n{second.tail()}\n{gateway.program.tail()}",
        )
        assert media_returned(chromium, frames, 10) <= 3


def test_a_viewer_recovers_after_the_grace_is_over(start_gateway, stream, chromium):
    """Its session has ended by then: the page must ask for a new one by itself."""
    gateway = start_gateway(publish__grace="1s")
    first = media.publish_rtmp(gateway.rtmp(stream))
    gateway.wait_for_stream(stream)
    chromium.open(gateway.page("play", stream))
    chromium.wait_for_frames(30)
    first.kill()
    chromium.wait_for_state("waiting")
    with media.publish_rtmp(gateway.rtmp(stream)):
        wait_until(lambda: publishing_again(gateway, stream), 15, lambda: str(gateway.streams()))
        assert media_returned(chromium, 0, 10) <= 3


def publishing_again(gateway, stream):
    status = gateway.stream(stream)
    return status and status["state"] == "live" and any(track["bitrate"] > 0 for track in status["tracks"])


def test_a_page_waits_for_a_stream_that_is_not_live_yet(gateway, stream, chromium):
    chromium.open(gateway.page("play", stream))
    chromium.wait_for_state("waiting")
    assert "Waiting for the stream" in chromium.text("headline")
    with pion.publish(gateway.whip(stream), media.h264_file(), media.opus_file()) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream(stream)
        begun = time.monotonic()
        chromium.wait_for_frames(1)
        assert time.monotonic() - begun <= 3


def test_a_page_returns_after_the_gateway_was_restarted(start_gateway, stream, chromium):
    gateway = start_gateway()
    with pion.publish(gateway.whip(stream), media.h264_file()) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream(stream)
        chromium.open(gateway.page("play", stream))
        chromium.wait_for_frames(10)
        gateway.program.kill()
    gateway.start()
    with pion.publish(gateway.whip(stream), media.h264_file()) as publisher:
        publisher.wait_connected()
        chromium.wait_for_state("live", seconds=20)
        chromium.wait_for_frames(10)


def test_a_viewer_learns_that_the_stream_has_ended(start_gateway, stream):
    gateway = start_gateway(publish__grace="2s")
    with pion.publish(gateway.whip(stream), media.h264_file()) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream(stream)
        viewer = pion.watch(gateway.whep(stream), seconds=60).wait_connected()
        publisher.stop()
        assert viewer.summary(20)["reason"] == "ended"
        assert gateway.stream(stream) is None


def test_twenty_takeovers_in_a_row_lose_no_viewer(gateway, stream):
    """One session from the first publisher to the last: every packet number used, none twice, no time going back."""
    publisher = start_publisher("whip-pion", gateway, stream)
    publisher.wait_connected()
    gateway.wait_for_stream(stream)
    viewer = pion.watch(gateway.whep(stream), seconds=45).wait_connected()
    for _ in range(20):
        successor = start_publisher("whip-pion", gateway, stream)
        successor.wait_connected()
        publisher.kill()
        publisher = successor
        time.sleep(0.5)
    summary = viewer.summary(90)
    publisher.stop()
    video = summary["tracks"]["video"]
    assert (video["missing"], video["duplicates"], video["backwardsTime"]) == (0, 0, 0), summary
    assert video["keyFrames"] >= 20, summary
    # The session did not end before its viewer ended it.
    assert summary["delete"] == 200, summary
