"""Many viewers: ten thousand who come and go, and a hundred at once."""

import time

import pytest

from harness import media, network, pion
from harness.processes import wait_until
from harness.soak import setting

pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]


def come_and_go(gateway, stream, count):
    """Joins and leaves; returns the kilobytes that the gateway holds once all is quiet again."""
    summary = pion.crowd(gateway.whep(stream), total=count, at_once=16, seconds=0.1).summary(3600)
    print(summary)
    assert (summary["joined"], summary["errors"]) == (count, {}), summary
    assert summary["deletes"] == {"200": count}, summary
    wait_until(lambda: gateway.stream(stream)["viewers"] == 0, 10, lambda: str(gateway.stream(stream)))
    time.sleep(5)
    return gateway.resident_kilobytes()


def test_ten_thousand_joins_leave_memory_flat(start_gateway):
    joins = setting("JOINS", 10_000)
    gateway = start_gateway(log__level="info")
    with pion.publish(gateway.whip("cam"), media.h264_file(), media.opus_file()) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream("cam", ("video", "audio"))
        early = come_and_go(gateway, "cam", joins // 5)
        late = come_and_go(gateway, "cam", joins - joins // 5)
        print(f"resident: {early} kB after {joins // 5} joins, {late} kB after {joins}")
        # A kilobyte left behind by each would be 8 MB.
        assert late - early < 6_000, f"{early} kB grew to {late} kB"
        video = pion.watch(gateway.whep("cam"), seconds=3).summary(30)["tracks"]["video"]
        assert video["frames"] >= 80 and video["missing"] == 0, video


@pytest.mark.parametrize("source", ["whip", "rtmp"])
def test_a_hundred_viewers_miss_nothing(start_gateway, source):
    viewers, seconds = setting("VIEWERS", 100), setting("CROWD_SECONDS", 20)
    gateway = start_gateway(log__level="info")
    video = media.h264_file(gop=120, bitrate="1000k")
    encoders = {
        "whip": lambda: pion.publish(gateway.whip("cam"), video, media.opus_file()),
        "rtmp": lambda: media.publish_rtmp(gateway.rtmp("cam"), video=media.h264_options(120, "1000k")),
    }
    with encoders[source]():
        gateway.wait_for_stream("cam", ("video", "audio"))
        time.sleep(3)
        before = network.counter("Udp", "RcvbufErrors")
        summary = pion.crowd(gateway.whep("cam"), viewers, viewers, seconds, per_second=20).summary(180)
        print(source, summary)
        assert (summary["joined"], summary["errors"]) == (viewers, {}), summary
        # A hundred viewers in one process may read too slowly: the system says what they left lying.
        overflows = network.counter("Udp", "RcvbufErrors") - before
        assert summary["missing"] <= overflows and summary["duplicates"] == 0, (summary, overflows)
        assert summary["frames"] >= 0.95 * 30 * seconds * viewers, summary
        # All of them got a key frame, in groups of four seconds, and none waited for the next one.
        assert summary["firstKeyMs"]["count"] == viewers and summary["firstKeyMs"]["p99"] < 1000, summary
