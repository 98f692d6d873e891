"""The player page finds a way by itself: it heals its session, plays by HLS where WebRTC cannot be, and returns."""

import statistics
import time

import pytest

from harness import browser as browsers
from harness import media, network, pion
from harness.gateway import Gateway, binary
from harness.processes import Program, wait_until

no_namespaces = network.missing()


@pytest.fixture
def path():
    if no_namespaces:
        pytest.skip(no_namespaces)
    with network.Path() as path:
        path.settle()
        yield path


@pytest.fixture
def across(request, path):
    """A gateway on the near side of the path; `gateway.there` is its address from the far side."""
    settings = {"http.host": "0.0.0.0", **getattr(request, "param", {})}
    with path.near.inside(), Gateway(settings=settings, name="gateway-fallback") as running:
        running.there = f"http://{path.GATEWAY}:{running.http_port}"
        yield running
        assert running.program.running and running.is_ready(), running.program.tail(60)


def publish(gateway, stream):
    return pion.publish(gateway.whip(stream), media.h264_file(), media.opus_file())


@pytest.fixture
def live(across):
    with publish(across, "cam") as publisher:
        publisher.wait_connected()
        across.wait_for_stream("cam", ("video", "audio"))
        yield "cam"


@pytest.fixture
def far_chromium(path):
    with path.far.inside():
        browser = browsers.chromium(loopback=False)
    with browser:
        yield browser


def decoded(browser):
    return ((browser.statistics() or {}).get("video") or {}).get("framesDecoded") or 0


def via(browser):
    return browser.run("return martlet.via")


# Media by UDP alone, so that a path that is lost cannot be replaced by TCP in the same ICE session.
@pytest.mark.parametrize("across", [{"webrtc.tcp": "false"}], indirect=True)
def test_a_viewer_whose_path_is_lost_stays_in_its_session(across, path, live, far_chromium):
    far_chromium.open(f"{across.there}/play/{live}?via=webrtc")
    far_chromium.wait_for_state("live")
    far_chromium.wait_for_frames(30)
    port = far_chromium.run_async(
        "await (async () => { martlet.first = martlet.pc; const all = [...(await martlet.pc.getStats()).values()];"
        " const pair = all.find((each) => each.type === 'candidate-pair' && each.nominated);"
        " return all.find((each) => each.id === pair.localCandidateId).port; })()"
    )
    path.block_client_port(port)
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


def test_the_page_falls_back_to_hls_and_returns(across, path, live, far_chromium):
    path.block_port(across.webrtc_port)
    far_chromium.open(f"{across.there}/play/{live}")
    began = far_chromium.run("return performance.timeOrigin") / 1000
    wait_until(lambda: via(far_chromium) == "hls", 15, lambda: f"{far_chromium.state} {far_chromium.detail}")
    took = time.time() - began
    assert took <= 4, f"{took:.1f} s"
    assert far_chromium.state == "live"
    assert "does not let WebRTC through" in far_chromium.text("way")
    far_chromium.screenshot("fallback")
    before = decoded(far_chromium)
    wait_until(lambda: decoded(far_chromium) > before + 60, 10, "the picture by HLS stands still", 0.2)
    # From now on, what the viewer sees: is there ever a moment without a picture?
    far_chromium.run(
        "martlet.dark = 0; setInterval(() => { const shown = document.querySelector('.stage video:not(.under)');"
        " if (shown.readyState < 2 || shown.videoWidth === 0) martlet.dark += 1; }, 20);"
    )
    path.unblock()
    wait_until(lambda: via(far_chromium) == "webrtc", 45, "it does not return to WebRTC", 0.2)
    far_chromium.wait_for_frames(30)
    assert far_chromium.run("return martlet.dark") == 0
    assert far_chromium.run("return document.getElementById('way').hidden")


def distances(browser, seconds):
    """How far behind live a page is, by the playlist and by the dates in it, several times a second."""
    behind, ages = [], []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        figures = browser.statistics()
        behind.append(figures["behindSeconds"])
        ages.append(figures["ageSeconds"])
        time.sleep(0.25)
    return behind, ages


@pytest.mark.parametrize("name", ["chromium", "firefox"])
def test_hls_alone_is_two_seconds_behind_at_most(gateway, stream, name):
    with publish(gateway, stream) as publisher, getattr(browsers, name)() as browser:
        publisher.wait_connected()
        gateway.wait_for_stream(stream, ("video", "audio"))
        browser.open(f"{gateway.page('play', stream)}?via=hls")
        browser.wait_for_state("live")
        browser.wait_for_frames(30)
        # What it came too late with at first it makes up for.
        time.sleep(6)
        behind, ages = distances(browser, 8)
        print(f"{name}: {statistics.median(behind):.2f} s by the playlist, {statistics.median(ages):.2f} s by its dates")
        assert browser.statistics()["via"] == "LL-HLS by hls.js"
        assert statistics.median(behind) <= 2.0, behind
        frames = decoded(browser)
        wait_until(lambda: decoded(browser) > frames + 60, 6, "the picture stands still", 0.2)
        browser.click("details")
        wait_until(lambda: "Behind live" in browser.text("figures"), 5, "no figures")
        browser.screenshot(f"hls-{name}")


def test_a_browser_without_the_codec_plays_by_hls_at_once(gateway, stream, firefox):
    """Firefox has H.264 for HLS, and none for WebRTC where no plug-in brings it."""
    with publish(gateway, stream) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream(stream, ("video", "audio"))
        firefox.open(gateway.page("play", stream))
        firefox.wait_for_state("live")
        if via(firefox) == "webrtc":
            pytest.skip("this Firefox has H.264 for WebRTC")
        assert "codec" in firefox.text("way")
        firefox.wait_for_frames(30)


def test_a_private_stream_plays_by_hls_with_the_token_of_the_page(start_gateway, stream, chromium):
    gateway = start_gateway(auth__anonymous__play="nobody")
    token = gateway.token(stream, "play")
    with publish(gateway, stream) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream(stream, ("video", "audio"))
        chromium.open(f"{gateway.page('play', stream)}?via=hls")
        chromium.wait_for_state("refused")
        chromium.open(f"{gateway.page('play', stream)}?via=hls#token={token}")
        chromium.wait_for_state("live")
        chromium.wait_for_frames(30)
        # No address holds the token.
        addresses = chromium.run("return performance.getEntriesByType('resource').map(({ name }) => name)")
        assert not any(token in address for address in addresses)


def test_the_playlists_conform(gateway, stream):
    with publish(gateway, stream) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream(stream, ("video", "audio"))
        address = f"{gateway.http}/hls/{stream}/index.m3u8"
        checker = Program([binary(), "conformance", "--hls", address, "--duration", "20s"], "conformance-hls")
        assert checker.wait(60) == 0, checker.log
