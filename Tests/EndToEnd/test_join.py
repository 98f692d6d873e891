"""Instant join: a viewer who comes in the middle of a ten-second group of pictures."""

import time

from harness import media
from harness.watching import CLOCK_READER

# Asks for the stream only after the reader is in place, so that the first picture is counted too.
MEASURE_JOIN = (
    "(async () => {"
    + CLOCK_READER
    + """
  martlet.player.stop();
  await new Promise((resolve) => setTimeout(resolve, 500));
  window.ages = [];
  window.pictures = 0;
  martlet.player.start();
  const at = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  const decoded = async () => (await martlet.stats())?.video?.framesDecoded ?? 0;
  const begun = performance.now();
  while (window.pictures === 0 && performance.now() - begun < 8000) {
    await at(5);
  }
  const first = performance.now();
  const firstAt = first - begun;
  await at(1000);
  const ageAtOneSecond = window.ages.at(-1)?.age ?? null;
  await at(2000 - (performance.now() - first));
  const framesInTwoSeconds = await decoded();
  const statistics = await martlet.stats();
  return { firstAt, ageAtOneSecond, framesInTwoSeconds, video: statistics.video };
})()"""
)


def measure(gateway, stream, chromium):
    gateway.wait_for_stream(stream)
    chromium.open(gateway.page("play", stream))
    chromium.wait_for_state("live")
    # Into the middle of the group: the key frame came with the connection, or ten seconds after it.
    time.sleep(3)
    return chromium.run_async(MEASURE_JOIN)


def assert_instant(joined):
    assert joined["framesInTwoSeconds"] >= 55, joined
    assert joined["ageAtOneSecond"] < 300, joined
    assert joined["video"]["keyFrameRequests"] == 0, joined
    assert joined["video"]["freezeCount"] == 0, joined


def test_a_join_in_the_middle_of_a_ten_second_group_by_rtmp(gateway, stream, chromium):
    with media.ClockedPublisher(gateway.rtmp(stream), gop=300):
        assert_instant(measure(gateway, stream, chromium))


def test_a_join_in_the_middle_of_a_ten_second_group_by_whip(gateway, stream, chromium):
    """ffmpeg answers no request for a key frame."""
    with media.ClockedPublisher(gateway.whip(stream), gop=300, whip=True):
        assert_instant(measure(gateway, stream, chromium))
