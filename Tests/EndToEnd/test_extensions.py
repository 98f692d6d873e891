"""The extensions of WHEP: layers that a viewer chooses, and what it is told while it watches."""

import json
import statistics
import threading
import time
import urllib.request

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select

from harness import browser as browsers
from harness import media, pion
from harness.offers import offer
from harness.processes import wait_until

SDP = {"Content-Type": "application/sdp"}
JSON = {"Content-Type": "application/json"}


class Listener(threading.Thread):
    """Reads a stream of events until it ends."""

    def __init__(self, address, timeout=60):
        super().__init__(daemon=True)
        self.address = address
        self.timeout = timeout
        self.lines = []
        self.ended = False
        self.start()

    def run(self):
        with urllib.request.urlopen(self.address, timeout=self.timeout) as response:
            self.type = response.headers["Content-Type"]
            for line in response:
                self.lines.append(line.decode().rstrip("\n"))
        self.ended = True

    @property
    def events(self):
        """Pairs of name and data."""
        lines = [line for line in self.lines if line and not line.startswith(":")]
        return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: ")))
                for name, data in zip(lines[::2], lines[1::2])]  # fmt: skip

    def wait_for(self, name, data=None, seconds=10):
        def found():
            return any(event == name and data in (None, value) for event, value in self.events)

        wait_until(found, seconds, lambda: f"no {name} {data}: {self.events}")


def links(answer):
    return {value.split('rel="')[1].split('"')[0].rsplit(":", 1)[-1]: value.split(">")[0][1:]
            for value in answer.headers.get_all("Link")}  # fmt: skip


@pytest.fixture
def publisher(gateway, stream):
    with pion.publish(gateway.whip(stream), media.h264_file()) as peer:
        peer.wait_connected()
        gateway.wait_for_stream(stream)
        yield peer


def test_a_viewer_is_told_what_happens_and_its_events_end_with_it(gateway, stream, publisher):
    session = gateway.request("POST", f"/whep/{stream}", offer("recvonly"), SDP)
    linked = links(session)
    assert "layer" not in linked, linked
    opened = gateway.request("POST", linked["server-sent-events"], '["active","inactive","viewercount"]', JSON)
    assert opened.status == 201, opened
    listener = Listener(gateway.http + opened.headers["Location"])
    listener.wait_for("active", {})
    with pion.watch(gateway.whep(stream), seconds=20) as viewer:
        viewer.wait_connected()
        listener.wait_for("viewercount", {"viewercount": 1})
        publisher.stop()
        listener.wait_for("inactive", {})
        assert listener.type == "text/event-stream"
    # It heard nothing of what it did not ask for.
    assert {name for name, _ in listener.events} == {"active", "inactive", "viewercount"}
    assert gateway.request("DELETE", session.headers["Location"]).status == 200
    wait_until(lambda: listener.ended, 5, "the events did not end with their session")
    gone = gateway.request("GET", opened.headers["Location"])
    assert gone.status == 404, gone


def test_a_page_waits_in_its_session_while_the_publisher_is_away(gateway, stream, publisher, chromium):
    chromium.open(gateway.page("play", stream))
    chromium.wait_for_state("live")
    chromium.wait_for_frames(30)
    wait_until(lambda: chromium.text("viewers") == "1 viewer", 5, lambda: chromium.text("viewers"))
    session = chromium.run("return martlet.pc.remoteDescription.sdp")
    publisher.stop()
    chromium.wait_for_state("waiting", seconds=5)
    assert chromium.text("headline") == "The publisher is away, waiting"
    chromium.screenshot("extensions-away")
    with pion.publish(gateway.whip(stream), media.h264_file()) as again:
        again.wait_connected()
        chromium.wait_for_state("live", seconds=10)
    assert chromium.run("return martlet.pc.remoteDescription.sdp") == session, "it made another session"


@pytest.mark.parametrize("codec", ["H264", "VP8"])
def test_a_viewer_chooses_its_layer_in_a_menu(gateway, stream, chromium, codec):
    chromium.open(gateway.page("publish", stream, f"source=card&codec={codec}&size=1280x720&simulcast&start"))
    chromium.wait_for_state("live")
    gateway.wait_for_stream(stream)

    def layers():
        tracks = [track for track in gateway.stream(stream)["tracks"] if track["kind"] == "video"]
        return tracks[0].get("layers") or []

    wait_until(
        lambda: sum(layer["bitrate"] > 0 for layer in layers()) >= 2, 40, lambda: f"too few layers: {layers()}", 0.5
    )
    with browsers.chromium() as viewer:
        viewer.open(gateway.page("play", stream))
        viewer.wait_for_state("live")
        menu = viewer.driver.find_element(By.ID, "layer")
        wait_until(menu.is_displayed, 10, "no menu of layers")
        select = Select(menu)
        names = [option.text for option in select.options]
        assert names[0] == "Automatic" and len(names) == len(layers()) + 1, names
        assert all(name.endswith("p") for name in names[1:]), names

        def width():
            return viewer.run("return document.querySelector('video').videoWidth")

        largest = max(layer["width"] for layer in layers() if layer["bitrate"] > 0)
        wait_until(lambda: width() == largest, 25, lambda: f"{width()} wide, {layers()}", 0.2)
        smaller = [layer for layer in layers() if layer["bitrate"] > 0 and layer["width"] < largest]
        choice = max(smaller, key=lambda layer: layer["width"])
        select.select_by_visible_text(f"{choice['height']}p")
        wait_until(lambda: width() == choice["width"], 10, lambda: f"still {width()} wide, {layers()}", 0.1)
        viewer.screenshot(f"extensions-layer-{codec}")
        sessions = gateway.request("GET", f"/api/v1/streams/{stream}/sessions").json["sessions"]
        assert [each["layer"] for each in sessions if each["isConnected"]] == [choice["name"]], sessions
        time.sleep(3)
        assert width() == choice["width"], "it did not stay"
        select.select_by_visible_text("Automatic")
        wait_until(lambda: width() == largest, 20, lambda: f"still {width()} wide, {layers()}", 0.1)


def test_a_page_is_told_to_reconnect_before_its_gateway_ends(start_gateway, stream, chromium):
    gateway = start_gateway(shutdown__grace="4s")
    with pion.publish(gateway.whip(stream), media.h264_file()) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream(stream)
        chromium.open(gateway.page("play", stream))
        chromium.wait_for_state("live")
        chromium.run(
            "martlet.asked = 0; const real = fetch;"
            "window.fetch = (address, options) => { if (options?.method === 'POST' && String(address).endsWith(arguments[0]))"
            " martlet.asked += 1; return real(address, options); };",
            f"/whep/{stream}",
        )
        gateway.program.process.terminate()
        wait_until(lambda: chromium.run("return martlet.asked") > 0, 4, "the page did not look for another session")
        assert chromium.state == "live", "the picture was given up before there was another"
        assert gateway.program.wait(15) == 0
    gateway.start()
    with pion.publish(gateway.whip(stream), media.h264_file()) as publisher:
        publisher.wait_connected()
        chromium.wait_for_state("live", seconds=20)


def test_somebody_who_listens_does_not_hold_a_shutdown(start_gateway, stream):
    gateway = start_gateway(shutdown__grace="60s")
    with pion.publish(gateway.whip(stream), media.h264_file()) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream(stream)
        session = gateway.request("POST", f"/whep/{stream}", offer("recvonly"), SDP)
        opened = gateway.request("POST", links(session)["server-sent-events"])
        listener = Listener(gateway.http + opened.headers["Location"])
        listener.wait_for("active")
    begun = time.monotonic()
    gateway.program.process.terminate()
    listener.wait_for("reconnect", {})
    assert gateway.program.wait(20) == 0
    assert time.monotonic() - begun < 10


# Chromium knows the extension, but offers it only when asked to.
OFFER_CAPTURE_TIME = """
const add = RTCPeerConnection.prototype.addTransceiver;
RTCPeerConnection.prototype.addTransceiver = function (...rest) {
  const transceiver = add.apply(this, rest);
  transceiver.setHeaderExtensionsToNegotiate(transceiver.getHeaderExtensionsToNegotiate().map((extension) =>
    extension.uri.endsWith("/abs-capture-time") ? { ...extension, direction: "sendrecv" } : extension));
  return transceiver;
};
"""

# How much later than the clock that is drawn in a picture the browser believes that it was captured, and how far apart the
# capture time and the sender reports put the sound, in milliseconds.
READ_CAPTURE_TIMES = """
const video = document.querySelector("video");
const canvas = Object.assign(document.createElement("canvas"), { width: 256, height: 32 });
const context = canvas.getContext("2d", { willReadFrequently: true });
const receiver = (kind) => martlet.pc.getReceivers().find(({ track }) => track.kind === kind);
const unix = (ntp) => ntp - 2208988800000;
const captured = window.captured = { pictures: [], sounds: [] };
const look = (_, { rtpTimestamp }) => {
  const [source] = receiver("video").getSynchronizationSources();
  if (source?.captureTimestamp !== undefined && rtpTimestamp !== undefined) {
    const scale = video.videoWidth / 640;
    context.drawImage(video, 0, 0, 256 * scale, 32 * scale, 0, 0, 256, 32);
    const pixels = context.getImageData(0, 0, 256, 32).data;
    let drawn = 0;
    for (let bit = 0; bit < 32; bit += 1) {
      const x = (bit % 16) * 16 + 8;
      const y = Math.floor(bit / 16) * 16 + 8;
      drawn += pixels[4 * (256 * y + x)] > 128 ? 2 ** bit : 0;
    }
    // The source is that of the newest picture, which need not be this one.
    const time = unix(source.captureTimestamp) + ((rtpTimestamp - source.rtpTimestamp) | 0) / 90;
    captured.pictures.push((Math.floor(time) % 2 ** 32) - drawn);
  }
  video.requestVideoFrameCallback(look);
};
video.requestVideoFrameCallback(look);
setInterval(async () => {
  const reports = [...(await receiver("audio").getStats()).values()];
  const report = reports.find(({ type, estimatedPlayoutTimestamp }) => type === "inbound-rtp" && estimatedPlayoutTimestamp);
  const [source] = receiver("audio").getSynchronizationSources();
  if (report && source?.captureTimestamp !== undefined) {
    captured.sounds.push(source.captureTimestamp - report.estimatedPlayoutTimestamp);
  }
}, 200);
"""


def test_a_browser_knows_when_a_picture_was_captured(gateway, stream, chromium):
    """By a publisher in a browser, which draws its clock into each picture."""
    chromium.open(gateway.page("publish", stream, "source=card&codec=VP8&size=640x360&start"))
    chromium.wait_for_state("live")
    gateway.wait_for_stream(stream, ("video", "audio"))
    with browsers.chromium() as viewer:
        viewer.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": OFFER_CAPTURE_TIME})
        viewer.open(gateway.page("play", stream))
        viewer.wait_for_state("live")
        viewer.wait_for_frames(60)
        viewer.click("sound")
        viewer.run(READ_CAPTURE_TIMES)

        def seen():
            return viewer.run("return window.captured")

        wait_until(lambda: len(seen()["pictures"]) >= 90 and len(seen()["sounds"]) >= 10, 20, lambda: f"{seen()}", 0.5)
        pictures, sounds = (statistics.median(seen()[kind]) for kind in ("pictures", "sounds"))
        print(f"captured {pictures:.0f} ms after the clock in the picture; sound {sounds:.0f} ms from its reports")
        assert abs(pictures) < 100 and abs(sounds) < 100, seen()
