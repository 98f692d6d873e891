"""Layers inside one stream, as Chromium sends and decodes them: fewer pictures a second, or smaller ones."""

import time

import pytest

from harness import browser as browsers
from harness.impaired import ImpairedPath, Link
from harness.processes import wait_until
from harness.watching import watch

SCALE = """
(async () => {
  const sender = martlet.pc.getSenders().find(({ track }) => track?.kind === "video");
  const parameters = sender.getParameters();
  for (const encoding of parameters.encodings) {
    encoding.scalabilityMode = args[0];
    encoding.maxBitrate = args[1];
  }
  await sender.setParameters(parameters);
  return sender.getParameters().encodings[0].scalabilityMode;
})()
"""


def publish(chromium, gateway, stream, codec, mode, bitrate=1_200_000):
    chromium.open(gateway.page("publish", stream, f"source=card&codec={codec}&size=640x360&start"))
    chromium.wait_for_state("live")
    gateway.wait_for_stream(stream)
    assert chromium.run_async(SCALE, mode, bitrate) == mode


def layers(gateway, stream):
    tracks = [track for track in gateway.stream(stream)["tracks"] if track["kind"] == "video"]
    return tracks[0].get("layers") or []


def wait_for_layers(gateway, stream, names, seconds=30):
    def found():
        return [layer["name"] for layer in layers(gateway, stream) if layer["bitrate"] > 0] == names

    wait_until(found, seconds, lambda: f"not {names}: {layers(gateway, stream)}", 0.5)


def choose(gateway, stream, name):
    """Limits the only viewer by the layer extension of WHEP."""
    session = gateway.request("GET", f"/api/v1/streams/{stream}/sessions").json["sessions"][0]["id"]
    body = f'{{"rid":"{name}"}}' if name else "{}"
    answer = gateway.request("POST", f"/whep/{stream}/{session}/layer", body, {"Content-Type": "application/json"})
    assert answer.status == 200, answer


def shown(gateway, stream):
    return gateway.request("GET", f"/api/v1/streams/{stream}/sessions").json["sessions"][0]["layer"]


def watch_layer(viewer, gateway, stream, name, seconds=4):
    choose(gateway, stream, name)
    wait_until(lambda: name in (None, shown(gateway, stream)), 10, lambda: f"shown: {shown(gateway, stream)}", 0.2)
    time.sleep(1.5)
    return watch(viewer, seconds)


def play(viewer, page):
    viewer.open(page)
    viewer.wait_for_state("live", seconds=30)
    viewer.wait_for_frames(30, seconds=30)


@pytest.mark.parametrize("codec, mode", [("VP8", "L1T3"), ("VP9", "L1T3"), ("AV1", "L1T3")])
def test_a_viewer_gets_a_part_of_the_pictures_without_a_freeze(gateway, stream, chromium, codec, mode):
    publish(chromium, gateway, stream, codec, mode)
    wait_for_layers(gateway, stream, ["T0", "T1", "T2"])
    with browsers.chromium() as viewer:
        play(viewer, gateway.page("play", stream))
        if codec == "AV1":
            for browser in (chromium, viewer):
                assert "#dependency-descriptor" in browser.run("return martlet.pc.remoteDescription.sdp")
        time.sleep(3)
        for name, least, most in [("T1", 12, 18), ("T0", 6, 10), (None, 25, 32)]:
            watched = watch_layer(viewer, gateway, stream, name)
            assert least <= watched.frames_per_second <= most, (name, watched)
            assert watched.freezes == 0 and watched.codec == codec, (name, watched)


@pytest.mark.parametrize("codec", ["VP9", pytest.param("AV1", marks=pytest.mark.soak)])
def test_a_viewer_gets_a_smaller_picture_of_a_scalable_stream(gateway, stream, chromium, codec):
    # Two sizes: a browser on a small machine turns the largest of three off, because it cannot encode it in time.
    publish(chromium, gateway, stream, codec, "L2T3_KEY")
    names = ["S0T0", "S0T1", "S0T2", "S1T1", "S1T2"]
    wait_for_layers(gateway, stream, names, 40)
    with browsers.chromium() as viewer:
        play(viewer, gateway.page("play", stream))
        time.sleep(4)
        for name, width in [("S1T1", 640), ("S0T2", 320), ("S0T1", 320), (None, 640)]:
            choose(gateway, stream, name)
            wait_until(
                lambda width=width: viewer.statistics()["video"]["width"] == width, 15,
                lambda: f"{viewer.statistics()['video']}, {layers(gateway, stream)}", 0.2,
            )  # fmt: skip
            time.sleep(1)
            watched = watch(viewer, 3)
            assert watched.size[0] == width and watched.freezes == 0, (name, watched)


@pytest.mark.parametrize("codec", ["VP8", pytest.param("AV1", marks=pytest.mark.soak)])
def test_a_narrow_path_costs_pictures_and_not_the_picture(gateway, stream, chromium, codec):
    publish(chromium, gateway, stream, codec, "L1T3", bitrate=1_500_000)
    wait_for_layers(gateway, stream, ["T0", "T1", "T2"])
    time.sleep(3)
    whole = layers(gateway, stream)[-1]["bitrate"]
    down = Link(delay=0.020, rate=4_000_000)
    with ImpairedPath(gateway, Link(delay=0.020), down) as path, browsers.chromium() as viewer:
        play(viewer, path.page("play", stream))
        time.sleep(3)
        down.rate = whole * 0.75
        wait_until(lambda: shown(gateway, stream) in ("T0", "T1"), 10, lambda: shown(gateway, stream), 0.2)
        time.sleep(4)
        watched = watch(viewer, 6)
        assert watched.frames_per_second >= 6 and watched.freezes == 0, watched
        down.rate = 6_000_000
        wait_until(lambda: shown(gateway, stream) == "T2", 20, lambda: shown(gateway, stream), 0.2)
