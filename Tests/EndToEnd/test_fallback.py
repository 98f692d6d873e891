"""The player page finds a way by itself: it heals its session when the network changes."""

import pytest

from harness import browser as browsers
from harness import media, network, pion
from harness.gateway import Gateway
from harness.processes import wait_until

no_namespaces = network.missing()


@pytest.fixture
def across():
    """A gateway on the near side of a path; `gateway.path` is the path, `gateway.there` its address from the far side."""
    if no_namespaces:
        pytest.skip(no_namespaces)
    with network.Path() as path:
        path.settle()
        with path.near.inside(), Gateway(settings={"http.host": "0.0.0.0"}, name="gateway-fallback") as running:
            running.path = path
            running.there = f"http://{path.GATEWAY}:{running.http_port}"
            yield running
            assert running.program.running and running.is_ready(), running.program.tail(60)


@pytest.fixture
def live(across):
    with pion.publish(across.whip("cam"), media.h264_file(), media.opus_file()) as publisher:
        publisher.wait_connected()
        across.wait_for_stream("cam", ("video", "audio"))
        yield "cam"


@pytest.fixture
def far_chromium(across):
    with across.path.far.inside():
        browser = browsers.chromium(loopback=False)
    with browser:
        yield browser


def test_a_viewer_whose_network_changes_stays_in_its_session(across, live, far_chromium):
    far_chromium.open(f"{across.there}/play/{live}?via=webrtc")
    far_chromium.wait_for_state("live")
    far_chromium.wait_for_frames(30)
    far_chromium.run("martlet.first = martlet.pc")
    far = across.path.far
    # As a telephone does that leaves the Wi-Fi: another address, and the old one is gone.
    far.command("ip", "address", "add", "10.77.1.3/24", "dev", "far")
    far.command("ip", "address", "delete", f"{across.path.VIEWERS}/24", "dev", "far")
    far.command("ip", "address", "replace", "10.77.1.3/24", "dev", "far")
    frames = far_chromium.statistics()["video"]["framesDecoded"]
    wait_until(
        lambda: (far_chromium.statistics() or {}).get("video", {}).get("framesDecoded", 0) > frames + 30,
        12,
        lambda: f"no picture after the change: {far_chromium.state} {far_chromium.detail}",
        0.2,
    )
    assert far_chromium.run("return martlet.pc === martlet.first"), "it made another session"
    assert across.stream(live)["viewers"] == 1
