"""The player page finds a way by itself: it heals its session when the network changes."""

import pytest

from harness import browser as browsers
from harness import media, network, pion
from harness.gateway import Gateway
from harness.processes import wait_until

no_namespaces = network.missing()


# Media by UDP alone, so that a path that is lost cannot be replaced by TCP in the same ICE session.
WITHOUT_TCP = {"http.host": "0.0.0.0", "webrtc.tcp": "false"}


@pytest.fixture
def across():
    """A gateway on the near side of a path; `gateway.path` is the path, `gateway.there` its address from the far side."""
    if no_namespaces:
        pytest.skip(no_namespaces)
    with network.Path() as path:
        path.settle()
        with path.near.inside(), Gateway(settings=WITHOUT_TCP, name="gateway-fallback") as running:
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


def decoded(browser):
    return ((browser.statistics() or {}).get("video") or {}).get("framesDecoded") or 0


def test_a_viewer_whose_path_is_lost_stays_in_its_session(across, live, far_chromium):
    far_chromium.open(f"{across.there}/play/{live}?via=webrtc")
    far_chromium.wait_for_state("live")
    far_chromium.wait_for_frames(30)
    port = far_chromium.run_async(
        "await (async () => { martlet.first = martlet.pc; const all = [...(await martlet.pc.getStats()).values()];"
        " const pair = all.find((each) => each.type === 'candidate-pair' && each.nominated);"
        " return all.find((each) => each.id === pair.localCandidateId).port; })()"
    )
    across.path.block_client_port(port)
    far_chromium.wait_for_state("stalled", seconds=10)
    frames = decoded(far_chromium)
    wait_until(
        lambda: decoded(far_chromium) > frames + 30,
        8,
        lambda: f"no picture: {far_chromium.state} {far_chromium.detail}",
        0.2,
    )
    assert far_chromium.run("return martlet.pc === martlet.first"), "it made another session"
    assert across.stream(live)["viewers"] == 1
