"""Paths between gateway and viewers that are narrow or refuse segmentation: two network namespaces and a cable."""

import socket
import time

import pytest

from harness import media, network, pion
from harness.gateway import Gateway

# The least that Linux allows: one datagram group in flight, and the socket is full.
TINY_SEND_BUFFER = 1

reason = network.missing()
pytestmark = pytest.mark.skipif(reason is not None, reason=reason or "")


@pytest.fixture
def path():
    with network.Path() as path:
        yield path


@pytest.fixture
def gateway(path):
    """A gateway on its side of the path; requests to it go from there too."""
    settings = {"http.host": "0.0.0.0", "webrtc.workers": 1}
    with path.near.inside(), Gateway(settings=settings, name="gateway-narrow") as running:
        yield running
        assert running.program.running, running.program.tail(60)
        assert running.is_ready()


@pytest.fixture
def live(gateway):
    with pion.publish(gateway.whip("cam"), media.h264_file(), media.opus_file()) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream("cam", ("video", "audio"))
        yield "cam"


def watch_across(path, gateway, seconds):
    with path.far.inside():
        return pion.watch(f"http://{path.GATEWAY}:{gateway.http_port}/whep/cam", seconds=seconds)


def shrink_send_buffers(gateway):
    handles = network.udp_sockets(gateway.program.process.pid, gateway.webrtc_port)
    assert handles, "the gateway's UDP sockets were not found"
    for handle in handles:
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, TINY_SEND_BUFFER)
    return handles


def share_of_time_full(handles, seconds):
    full = looks = 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        full += any(network.is_full(handle) for handle in handles)
        looks += 1
        time.sleep(0.002)
    return full / looks


def test_a_full_socket_delays_packets_and_loses_none(path, gateway, live):
    """The path takes what six viewers need, but not the bursts in which it comes."""
    path.shape("9mbit", "16kb", "400ms")
    handles = shrink_send_buffers(gateway)
    across = [watch_across(path, gateway, 8) for _ in range(6)]
    with pion.watch(gateway.whep(live), seconds=8) as beside:
        for viewer in across:
            viewer.wait_connected()
        assert share_of_time_full(handles, 4) > 0.05, "the send buffer was hardly ever full"
        for viewer in [*across, beside]:
            tracks = viewer.summary(40)["tracks"]
            for kind, frames in (("video", 200), ("audio", 300)):
                track = tracks[kind]
                assert (track["missing"], track["duplicates"], track["reordered"]) == (0, 0, 0), (viewer.name, track)
                assert track["frames"] >= frames, (viewer.name, track)
                assert track["longestGapMs"] < 700, (viewer.name, track)
    shaped = path.shaped()
    assert shaped["dropped"] == 0 and shaped["overlimits"] > 0, shaped


def test_a_socket_that_stays_full_skips_and_goes_on(path, gateway, live):
    """The path takes half of what its viewers need: all who share the socket miss pictures, but nothing piles up.

    What they get is in order and begins with a key frame after each gap; this holds for the viewer beside the path too.
    """
    path.shape("2mbit", "16kb", "400ms")
    shrink_send_buffers(gateway)
    before = gateway.resident_kilobytes()
    viewers = [pion.watch(gateway.whep(live), seconds=10), *(watch_across(path, gateway, 10) for _ in range(4))]
    for viewer in viewers:
        viewer.wait_connected()
    summaries = [viewer.summary(40)["tracks"] for viewer in viewers]
    for tracks in summaries:
        for track in tracks.values():
            assert (track["missing"], track["duplicates"], track["reordered"]) == (0, 0, 0), tracks
        assert tracks["video"]["keyFrames"] >= 3 and tracks["video"]["longestGapMs"] < 2000, tracks
    assert path.shaped()["dropped"] == 0
    # 8 MB may wait for the socket.
    assert gateway.resident_kilobytes() - before < 30_000
    # The path is free again: a new viewer finds the socket at its service.
    path.shape("100mbit", "64kb", "400ms")
    video = pion.watch(gateway.whep(live), seconds=3).summary(30)["tracks"]["video"]
    assert video["frames"] >= 75 and video["missing"] == 0, video


def test_a_path_that_drops_costs_only_its_own_viewers(path, gateway, live):
    path.shape("1mbit", "16kb", "30ms")
    with pion.watch(gateway.whep(live), seconds=8) as beside:
        beside.wait_connected()
        across = [watch_across(path, gateway, 5) for _ in range(2)]
        lost = sum(viewer.summary(40)["tracks"]["video"]["missing"] for viewer in across)
        assert 0 < lost <= path.shaped()["dropped"]
        video = beside.summary(30)["tracks"]["video"]
        assert (video["missing"], video["duplicates"], video["reordered"]) == (0, 0, 0), video
        assert video["longestGapMs"] < 500, video


def test_a_path_that_refuses_segmentation_is_served_datagram_by_datagram(path, gateway, live):
    """The kernel cuts no datagrams that are larger than the path's packets: each must be sent, and broken up, alone."""
    path.limit_packets(1100)
    assert path.near.counter("Ip", "FragCreates") == 0
    with pion.watch(gateway.whep(live), seconds=6) as beside:
        beside.wait_connected()
        across = [watch_across(path, gateway, 4) for _ in range(2)]
        for viewer in [*across, beside]:
            video = viewer.summary(40)["tracks"]["video"]
            assert (video["missing"], video["duplicates"], video["reordered"]) == (0, 0, 0), (viewer.name, video)
            assert video["frames"] >= 100, (viewer.name, video)
    assert path.near.counter("Ip", "FragCreates") > 100
