"""Load and latency by a measuring tool outside this project, where `LOAD_TOOL` names one: see CONTRIBUTING.md."""

import json
import os
import subprocess
import time

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


def start_tool(gateway, name, viewers, *options, ramp=50, seconds=None):
    """Starts the tool on another core than the gateway's; returns it and where its report will be."""
    report = WORK / f"load-{name}-{viewers}.json"
    command = [
        "taskset", "-c", "1", TOOL, "--play", gateway.whep("load"), "--viewers", viewers, "--ramp", ramp,
        "--duration", seconds or setting("LOAD_SECONDS", 20), "--json", report, *options,
    ]  # fmt: skip
    process = subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return process, report


def figures_of(tool):
    process, report = tool
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output[-3000:]
    figures = json.loads(report.read_text())
    print(json.dumps(figures))
    return figures


def measure(gateway, source, viewers, *options, ramp=50):
    """A 2 Mbps stream in groups of four seconds, watched by many from another core than the gateway's."""
    return figures_of(start_tool(gateway, source, viewers, *publishing(gateway, source), *options, ramp=ramp))


def publishing(gateway, source):
    publish = {"whip": gateway.whip("load"), "rtmp": gateway.rtmp("load")}[source]
    server = ["--pid", gateway.program.process.pid, "--server-cpu", 0]
    return ["--publish", publish, "--h264", media.load_file(), *server]


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


@pytest.mark.parametrize("source", ["whip", "rtmp"])
def test_twelve_hundred_viewers_fit_on_a_core(one_core, source):
    figures = measure(one_core, source, 1200, "--decrypt", 50, ramp=100)
    assert_lossless(figures, 1200)
    assert figures["latency_ms"]["p99"] < 50, figures["latency_ms"]
    assert figures["server"]["cpu_s_per_1e6_packets"] <= 1.8, figures["server"]
    assert figures["server"]["rss_kb_per_viewer"] <= 64, figures["server"]


def test_viewers_without_gcm_cost_more_and_lose_nothing(one_core):
    figures = measure(one_core, "whip", 1000, "--srtp", "cm", ramp=100)
    assert_lossless(figures, 1000, gcm=0)
    assert figures["server"]["cpu_s_per_1e6_packets"] <= 3.5, figures["server"]


def test_a_storm_of_joins_does_not_hold_up_those_who_watch(one_core):
    watching = start_tool(one_core, "watching", 200, *publishing(one_core, "whip"), "--decrypt", 50, ramp=100)
    time.sleep(8)
    joining = start_tool(one_core, "joining", 500, "--warmup", 0, ramp=250, seconds=5)
    joined, watched = figures_of(joining), figures_of(watching)
    assert_lossless(joined, 500)
    assert_lossless(watched, 200)
    assert watched["latency_ms"]["p99"] < 50, watched["latency_ms"]
    assert joined["setup_ms"]["p99"] <= 250, joined["setup_ms"]


def assert_lossless(figures, viewers, gcm=None):
    assert figures["connected"] == viewers and figures["failed"] == 0, figures
    assert figures["srtp_gcm"] == (viewers if gcm is None else gcm), figures["srtp_gcm"]
    loss = figures["loss"]
    assert loss["video_lost"] == 0 and loss["audio_lost"] == 0 and loss["socket_overflow"] == 0, loss
    assert not figures["tool"]["bottleneck"], figures["tool"]
