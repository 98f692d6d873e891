"""`martlet load-test --hls` against the gateway: a few viewers always, a crowd with `make soak`."""

import json

import pytest

from harness import media, pion
from harness.gateway import binary
from harness.processes import Program


def load(gateway, stream, viewers, seconds, ramp=50):
    with pion.publish(gateway.whip(stream), media.h264_file(), media.opus_file()) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream(stream, ("video", "audio"))
        address = f"{gateway.http}/hls/{stream}/index.m3u8"
        arguments = ["--viewers", viewers, "--ramp", f"{ramp}/s", "--duration", f"{seconds}s", "--hls", "--json"]
        with Program([binary(), "load-test", address, *arguments], "load-test") as tool:
            status = tool.wait(seconds + viewers / ramp + 60)
            lines = [line for line in tool.log.splitlines() if line.startswith("{")]
            assert lines, tool.tail()
            return status, json.loads(lines[-1])


def test_twenty_viewers_see_every_part(gateway, stream):
    status, report = load(gateway, stream, 20, 8)
    print(report)
    assert status == 0 and report["errors"] == 0, report
    # Two renditions, two parts a second each, but for the ends.
    assert report["reload_ms"]["count"] >= 20 * 2 * 2 * 6, report


@pytest.mark.soak
@pytest.mark.parametrize("viewers,limit", [(300, 100), (1000, 250)])
def test_a_crowd_gets_its_playlists_in_time(gateway, stream, viewers, limit):
    status, report = load(gateway, stream, viewers, 20, ramp=100)
    print(report)
    assert status == 0 and report["errors"] == 0, report
    assert report["reload_ms"]["p99"] <= limit, report


def test_whep_is_said_to_be_missing(gateway):
    with Program([binary(), "load-test", gateway.whep("cam"), "--viewers", "1"], "load-test") as tool:
        assert tool.wait(20) != 0
        assert "not there yet" in tool.log
