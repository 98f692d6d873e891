"""Offers that cannot be answered as they stand get one of the gateway's own (WHEP, Server Sends Counter-offer)."""

import http.client
import http.server
import threading
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import pytest

from harness import browser as browsers
from harness import media, pion
from harness.offers import offer
from harness.processes import wait_until
from test_client import play

SDP = {"Content-Type": "application/sdp"}


@pytest.fixture
def live(gateway, stream):
    with pion.publish(gateway.whip(stream), media.h264_file(), media.opus_file()) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream(stream, ("video", "audio"))
        yield stream


def unbundled(text):
    return text.replace("a=group:BUNDLE 0 1\r\n", "")


def test_an_offer_of_the_gateways_says_where_and_until_when_it_is_answered(gateway, live):
    made = gateway.request("POST", gateway.whep(live), unbundled(offer("recvonly")), SDP)
    assert made.status == 406
    kind, _, validity = made.headers["Content-Type"].partition("; valid-until=")
    assert kind == "application/sdp"
    ends = parsedate_to_datetime(validity.strip('"')) - parsedate_to_datetime(made.headers["Date"])
    assert 25 <= ends.total_seconds() <= 31
    text = made.body.decode()
    assert text.count("m=") == 2 and text.count("a=sendonly") == 2 and "a=group:BUNDLE 0 1" in text
    session = gateway.http + made.headers["Location"]
    assert gateway.request("PATCH", session, "garbage", SDP).status == 400
    assert gateway.request("PATCH", session, offer("recvonly", codec="VP8"), SDP).status == 422
    wrong = gateway.request("PATCH", session, text, {**SDP, "If-Match": '"another"'})
    assert wrong.status == 412
    assert gateway.request("DELETE", session).status == 200
    gone = gateway.request("PATCH", session, text, SDP)
    assert gone.status == 404 and gone.json["type"].endswith("unknown-session")


def test_a_browser_answers_an_offer_of_the_gateways(gateway, live):
    """The page of the gateway gives the script its origin."""
    with browsers.chromium() as browser:
        browser.open(gateway.http + "/")
        size = browser.run_async(
            """await (async () => {
                const made = await fetch(args[0], { method: "POST", body: args[1], headers: args[2] });
                if (made.status !== 406) throw new Error(`POST: ${made.status}`);
                const peer = new RTCPeerConnection();
                const video = document.createElement("video");
                video.muted = true;
                video.srcObject = new MediaStream();
                peer.ontrack = ({ track }) => video.srcObject.addTrack(track);
                await peer.setRemoteDescription({ type: "offer", sdp: await made.text() });
                await peer.setLocalDescription(await peer.createAnswer());
                const answered = await fetch(made.headers.get("Location"),
                    { method: "PATCH", body: peer.localDescription.sdp, headers: args[2] });
                if (answered.status !== 204) throw new Error(`PATCH: ${answered.status} ${await answered.text()}`);
                await video.play();
                while (video.videoWidth === 0) await new Promise((done) => setTimeout(done, 50));
                return [video.videoWidth, video.srcObject.getTracks().length];
            })()""",
            gateway.whep(live), unbundled(offer("recvonly")), SDP,
        )  # fmt: skip
    assert size == [640, 2]


class Unbundling(http.server.BaseHTTPRequestHandler):
    """Passes requests on, and takes the BUNDLE group out of offers."""

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if self.command == "POST":
            body = unbundled(body)
        there = http.client.HTTPConnection(self.server.target, timeout=20)
        fields = {name: value for name, value in self.headers.items() if name in ("Content-Type", "content-type")}
        there.request(self.command, self.path, body, fields)
        answer = there.getresponse()
        content = answer.read()
        self.server.seen.append((self.command, answer.status))
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() in ("content-type", "location", "etag"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_PATCH = do_DELETE = pass_on

    def log_message(self, *_):
        pass


def test_our_player_answers_an_offer_of_the_gateways(gateway, live):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Unbundling) as proxy:
        proxy.target, proxy.seen = urlsplit(gateway.http).netloc, []
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        seen = play(f"http://127.0.0.1:{proxy.server_port}/whep/{live}", "--duration", "3s").finish()
        proxy.shutdown()
    # The end of the transport may have ended the session before DELETE does.
    assert proxy.seen[:2] == [("POST", 406), ("PATCH", 204)] and proxy.seen[2][0] == "DELETE"
    assert seen["video"]["frames"] > 60 and seen["audio"]["frames"] > 100, seen
    wait_until(lambda: gateway.stream(live)["viewers"] == 0, 5, "the viewer is still there")
