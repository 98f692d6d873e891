"""Load and latency by a measuring tool outside this project, where `LOAD_TOOL` names one: see CONTRIBUTING.md."""

import json
import os
import subprocess

import pytest

from harness import media
from harness.processes import WORK
from harness.soak import setting

TOOL = os.environ.get("LOAD_TOOL")
pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(0),
    pytest.mark.skipif(not TOOL, reason="LOAD_TOOL names no tool"),
    pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="gateway and tool need a core each"),
]


def measure(gateway, source, viewers, *options):
    """A 2 Mbps stream in groups of four seconds, watched by many from another core than the gateway's."""
    publish = {"whip": gateway.whip("load"), "rtmp": gateway.rtmp("load")}[source]
    report = WORK / f"load-{source}-{viewers}.json"
    command = [
        "taskset", "-c", "1", TOOL, "--publish", publish, "--play", gateway.whep("load"),
        "--h264", media.load_file(), "--viewers", viewers, "--ramp", 50, "--duration", setting("LOAD_SECONDS", 20),
        "--pid", gateway.program.process.pid, "--server-cpu", 0, "--json", report, *options,
    ]  # fmt: skip
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, (result.stdout + result.stderr)[-3000:]
    figures = json.loads(report.read_text())
    print(json.dumps(figures))
    return figures


@pytest.fixture
def one_core(start_gateway):
    """A gateway with one worker, alone on its core."""
    gateway = start_gateway(webrtc__workers=1, webrtc__announce="127.0.0.1", log__level="info")
    os.sched_setaffinity(gateway.program.process.pid, {0})
    for thread in os.listdir(f"/proc/{gateway.program.process.pid}/task"):
        os.sched_setaffinity(int(thread), {0})
    return gateway


@pytest.mark.parametrize("source", ["whip", "rtmp"])
def test_a_hundred_viewers_are_served_at_once(one_core, source):
    figures = measure(one_core, source, 100)
    assert_lossless(figures, 100)
    assert figures["first_keyframe_ms"]["p99"] <= 100, figures["first_keyframe_ms"]
    assert figures["latency_ms"]["p50"] <= 2 and figures["latency_ms"]["p99"] <= 20, figures["latency_ms"]


@pytest.mark.parametrize("source", ["whip", "rtmp"])
def test_five_hundred_viewers_fit_on_a_core(one_core, source):
    figures = measure(one_core, source, 500)
    assert_lossless(figures, 500)
    assert figures["server"]["cpu_s_per_1e6_packets"] <= 3, figures["server"]


def assert_lossless(figures, viewers):
    assert figures["connected"] == viewers and figures["failed"] == 0, figures
    assert figures["srtp_gcm"] == viewers, figures["srtp_gcm"]
    loss = figures["loss"]
    assert loss["video_lost"] == 0 and loss["audio_lost"] == 0 and loss["socket_overflow"] == 0, loss
    assert not figures["tool"]["bottleneck"], figures["tool"]
