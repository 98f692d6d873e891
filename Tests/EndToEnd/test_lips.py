"""Lip sync: flash and beep of a source come together in Chromium, and stay together."""

import pytest

from harness import lips, media
from harness.soak import setting


def play(gateway, chromium, stream):
    gateway.wait_for_stream(stream, ("video", "audio"))
    chromium.open(gateway.page("play", stream))
    chromium.wait_for_state("live")
    chromium.wait_for_frames(30)


def assert_in_sync(seen, seconds):
    assert len(seen.skews) >= 0.8 * seconds, seen
    assert abs(seen.skew) < 60, seen
    assert abs(seen.growth) < 60, seen


def test_lips_of_an_rtmp_encoder(gateway, stream, chromium):
    """Its AAC becomes Opus on the way."""
    with media.publish_lips(gateway.rtmp(stream)):
        play(gateway, chromium, stream)
        assert_in_sync(lips.watch(chromium, 10), 10)


def assert_stays_in_sync(gateway, chromium, stream, seconds):
    play(gateway, chromium, stream)
    seen = lips.watch(chromium, seconds, settle=min(60, seconds / 2))
    print(f"{stream}: {seen}, {chromium.statistics()['video']['freezeCount']} freezes")
    assert_in_sync(seen, seconds)
    # Not one beep by itself, either: a glitch of a second would hide in the median of ten minutes.
    apart = [skew for skew in seen.skews if abs(skew - seen.skew) > 60]
    assert len(apart) <= 0.02 * len(seen.skews) + 1, (len(apart), seen)


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("source", ["demo", "rtmp"])
def test_lips_over_minutes(start_gateway, chromium, source):
    seconds = setting("LIPS_SECONDS", 600)
    if source == "demo":
        assert_stays_in_sync(start_gateway("demo"), chromium, "demo", seconds)
    else:
        gateway = start_gateway()
        with media.publish_lips(gateway.rtmp("lips")):
            assert_stays_in_sync(gateway, chromium, "lips", seconds)
