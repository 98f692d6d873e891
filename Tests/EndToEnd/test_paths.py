"""Ways between client and gateway: networks without UDP, NATs that forget, ICE restarts, and sessions that fail."""

import os
import re
import signal
import socket
import struct
import time

import pytest

from harness import browser as browsers
from harness import media, network, pion
from harness.gateway import Gateway
from harness.offers import offer
from harness.processes import WORK, wait_until
from harness.relay import Relay
from harness.watching import assert_plays_well, watch
from test_addresses import binding_request

no_namespaces = network.missing()
SDP = {"Content-Type": "application/sdp"}

# A viewer without the cunning of our player, which would make a new session before an old one is healed.
VIEWER = """
window.viewer = { states: [] };
const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
viewer.pc = pc;
viewer.stream = new MediaStream();
for (const kind of ["video", "audio"]) pc.addTransceiver(kind, { direction: "recvonly" });
pc.addEventListener("track", ({ track }) => viewer.stream.addTrack(track));
pc.addEventListener("connectionstatechange", () => viewer.states.push(pc.connectionState));
const video = document.body.appendChild(document.createElement("video"));
Object.assign(video, { muted: true, autoplay: true, srcObject: viewer.stream });

const gathered = () => new Promise((resolve) => {
  if (pc.iceGatheringState === "complete") resolve();
  pc.addEventListener("icegatheringstatechange", () => pc.iceGatheringState === "complete" && resolve());
});
const send = async (address, method, type, body, more = {}) => {
  const answer = await fetch(address, { method, body, headers: { "Content-Type": type, ...more } });
  if (!answer.ok) throw new Error(`${method} ${answer.status} ${await answer.text()}`);
  return answer;
};

viewer.open = async (endpoint) => {
  await pc.setLocalDescription();
  await gathered();
  const answer = await send(endpoint, "POST", "application/sdp", pc.localDescription.sdp);
  viewer.session = new URL(answer.headers.get("Location"), endpoint).href;
  viewer.tag = answer.headers.get("ETag");
  await pc.setRemoteDescription({ type: "answer", sdp: await answer.text() });
};

// RFC 9725, 4.3.3: the fragment has the client's new credentials, its answer those of the server.
viewer.restart = async () => {
  const before = pc.remoteDescription.sdp;
  pc.restartIce();
  await pc.setLocalDescription();
  await gathered();
  const lines = pc.localDescription.sdp.split("\\r\\n");
  const own = (name) => lines.find((line) => line.startsWith(`a=${name}:`));
  const fragment = [
    lines.find((line) => line.startsWith("a=group:BUNDLE")), "m=video 9 UDP/TLS/RTP/SAVPF 0", own("mid"),
    own("ice-ufrag"), own("ice-pwd"), ...lines.filter((line) => line.startsWith("a=candidate:")), "a=end-of-candidates",
  ];
  const answer = await send(
    viewer.session, "PATCH", "application/trickle-ice-sdpfrag", `${fragment.join("\\r\\n")}\\r\\n`, { "If-Match": "*" });
  const restarted = await answer.text();
  viewer.status = answer.status;
  viewer.tagBefore = viewer.tag;
  viewer.tag = answer.headers.get("ETag");
  const theirs = (name) => restarted.match(new RegExp(`^a=${name}:.*$`, "m"))[0];
  await pc.setRemoteDescription({
    type: "answer",
    sdp: before.replace(/^a=ice-ufrag:.*$/gm, theirs("ice-ufrag")).replace(/^a=ice-pwd:.*$/gm, theirs("ice-pwd")),
  });
};

viewer.figures = async () => {
  const all = [...(await pc.getStats()).values()];
  const video = all.find((each) => each.type === "inbound-rtp" && each.kind === "video");
  const transport = all.find((each) => each.type === "transport");
  const pair = all.find((each) => each.id === transport?.selectedCandidatePairId);
  const local = all.find((each) => each.id === pair?.localCandidateId);
  const remote = all.find((each) => each.id === pair?.remoteCandidateId);
  return {
    state: pc.connectionState, states: viewer.states, frames: video?.framesDecoded ?? 0, freezes: video?.freezeCount ?? 0,
    lost: video?.packetsLost ?? 0, fragment: local?.usernameFragment, protocol: remote?.protocol, type: remote?.tcpType,
  };
};
"""


class Viewer:
    """The page's viewer, seen from here."""

    def __init__(self, browser, page, endpoint):
        self.browser = browser
        browser.open(page)
        # The page is only there for its origin; its policy allows connections to that alone.
        browser.run(VIEWER)
        browser.run_async("await viewer.open(args[0]).then(() => null)", endpoint)
        wait_until(lambda: self.figures()["frames"] > 30, 20, lambda: f"no pictures: {self.figures()}", 0.2)

    def figures(self):
        return self.browser.run_async("await viewer.figures()")

    def frames_in(self, seconds):
        before = self.figures()["frames"]
        time.sleep(seconds)
        return self.figures()["frames"] - before


@pytest.fixture
def live(gateway, stream):
    with pion.publish(gateway.whip(stream), media.h264_file(), media.opus_file()) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream(stream, ("video", "audio"))
        yield stream


def viewers(gateway, stream):
    return gateway.stream(stream)["viewers"]


# UDP blocked


@pytest.fixture
def without_udp():
    """A gateway on the near side of a path that lets no UDP through to it."""
    if no_namespaces:
        pytest.skip(no_namespaces)
    settings = {"http.host": "0.0.0.0", "auth.anonymous.publish": "anyone"}
    with network.Path() as path:
        path.block_udp()
        path.settle()
        with path.near.inside(), Gateway(settings=settings, name="gateway-without-udp") as running:
            running.path = path
            yield running
            assert running.program.running and running.is_ready(), running.program.tail(60)


def far_address(gateway, kind, stream, fragment=""):
    page = gateway.page(kind, stream, fragment)
    return page.replace("127.0.0.1", gateway.path.GATEWAY)


def test_a_browser_plays_where_udp_is_blocked(without_udp):
    gateway = without_udp
    with pion.publish(gateway.whip("cam"), media.h264_file(), media.opus_file()) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream("cam", ("video", "audio"))
        with gateway.path.far.inside(), browsers.chromium(loopback=False) as chromium:
            chromium.open(far_address(gateway, "play", "cam"))
            chromium.wait_for_state("live", seconds=30)
            chromium.wait_for_frames(60)
            watched = watch(chromium, 10)
            assert_plays_well(watched, "H264", 27)
            viewer = Viewer(chromium, far_address(gateway, "play", "nothing"), far_address(gateway, "whep", "cam"))
            figures = viewer.figures()
            assert (figures["protocol"], figures["type"]) == ("tcp", "passive"), figures


def test_a_browser_publishes_where_udp_is_blocked(without_udp):
    gateway = without_udp
    with gateway.path.far.inside(), browsers.chromium() as chromium:
        # Cameras and screens need a secure origin, the test card does not.
        chromium.open(far_address(gateway, "publish", "cam", "source=card&codec=H264&size=640x360&start"))
        chromium.wait_for_state("live", seconds=30)
        with gateway.path.near.inside():
            gateway.wait_for_stream("cam", ("video", "audio"))
            with pion.watch(gateway.whep("cam"), seconds=8) as viewer:
                video = viewer.summary(40)["tracks"]["video"]
    assert video["missing"] == 0, video
    assert video["longestGapMs"] < 1000, video


@pytest.fixture
def credentials(gateway):
    answer = gateway.request("POST", "/whip/tcp", offer(), SDP)
    assert answer.status == 201, answer
    yield [re.search(rf"a=ice-{name}:(\S+)", answer.text).group(1) for name in ("ufrag", "pwd")]
    gateway.request("DELETE", answer.headers["Location"])


def framed(datagram):
    return struct.pack("!H", len(datagram)) + datagram


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_check_by_tcp_is_answered_with_the_address_it_came_from(gateway, credentials, host):
    fragment, password = credentials
    with socket.create_connection((host, gateway.webrtc_port), 5) as tcp:
        check = framed(binding_request(f"{fragment}:h4ndM4de", password))
        # In pieces, and the beginning of the next with the end of the first.
        for piece in (check[:1], check[1:50], check[50:] + check[:9], check[9:]):
            tcp.sendall(piece)
        for _ in range(2):
            reply = b""
            while len(reply) < 2 or len(reply) < 2 + struct.unpack("!H", reply[:2])[0]:
                reply += tcp.recv(1)
            assert struct.unpack("!H", reply[2:4])[0] == 0x0101, reply.hex()
            mapped = reply[reply.index(b"\x00\x20\x00") :]
            assert struct.unpack("!H", mapped[6:8])[0] ^ 0x2112 == tcp.getsockname()[1]


@pytest.mark.parametrize(
    "greeting",
    [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"\x00\x00", b"\xff\xff", framed(b"\x80" * 40), "wrong"],
    ids=["HTTP", "TLS", "an empty frame", "a long frame", "media", "a wrong password"],
)
def test_nobody_else_is_answered_by_tcp(gateway, credentials, greeting):
    if greeting == "wrong":
        greeting = framed(binding_request(f"{credentials[0]}:h4ndM4de", "wrong" * 5))
    with socket.create_connection(("127.0.0.1", gateway.webrtc_port), 5) as tcp:
        tcp.sendall(greeting)
        try:
            assert tcp.recv(100) == b""
        except ConnectionResetError:
            pass


# NATs that forget, and restarts


def test_the_picture_goes_on_when_the_client_comes_from_another_port(gateway, live, chromium):
    with Relay(gateway) as relay:
        viewer = Viewer(chromium, relay.url("play", "nothing"), relay.url("whep", live))
        for _ in range(3):
            relay.rebind()
            # A browser checks a path that works every 2.5 s: until then the gateway cannot know.
            time.sleep(3)
            assert viewer.frames_in(3) >= 80, viewer.figures()
        figures = viewer.figures()
        assert figures["state"] == "connected" and "failed" not in figures["states"], figures
        assert viewers(gateway, live) == 1


def test_a_restart_of_ice_keeps_session_and_picture(gateway, live, chromium):
    viewer = Viewer(chromium, gateway.page("play", "nothing"), gateway.whep(live))
    for _ in range(2):
        before = viewer.figures()
        chromium.run_async("await viewer.restart().then(() => null)")
        assert chromium.run("return viewer.status") == 200
        assert chromium.run("return viewer.tag !== viewer.tagBefore")
        wait_until(
            lambda: viewer.figures()["fragment"] not in (None, before["fragment"]),
            10,
            lambda: f"the old pair is still in use: {viewer.figures()}",
        )
        assert viewer.frames_in(3) >= 80, viewer.figures()
        after = viewer.figures()
        assert after["freezes"] == before["freezes"], after
        assert after["state"] == "connected", after
    assert viewers(gateway, live) == 1


def test_a_restart_that_nobody_comes_for_leaves_the_session_alive(gateway, live, chromium):
    viewer = Viewer(chromium, gateway.page("play", "nothing"), gateway.whep(live))
    fragment = "a=ice-ufrag:nobody\r\na=ice-pwd:nobody-comes-with-these-credentials\r\n"
    session = chromium.run("return new URL(viewer.session).pathname")
    headers = {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": "*"}
    for _ in range(3):
        assert gateway.request("PATCH", session, fragment, headers).status in (200, 204)
    assert viewer.frames_in(8) >= 220, viewer.figures()
    assert viewers(gateway, live) == 1


# Announced addresses


@pytest.fixture
def hosts():
    """A file that stands for /etc/hosts, in the eyes of a program that is started so."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a program another /etc/hosts")
    WORK.mkdir(exist_ok=True)
    file = WORK / "hosts"
    file.write_text("127.0.0.1 localhost\n192.0.2.7 gateway.test\n")
    return file


def as_hosts(file):
    return ["unshare", "--mount", "sh", "-c", f'mount --bind "{file}" /etc/hosts && exec "$@"', "sh"]


def candidates(gateway):
    answer = gateway.request("POST", "/whip/names", offer(), SDP)
    assert answer.status == 201, answer
    gateway.request("DELETE", answer.headers["Location"])
    found = re.findall(r"^a=candidate:\S+ 1 (udp|tcp) \d+ (\S+) (\d+) typ host( tcptype passive)?\r$", answer.text, re.M)
    assert {int(port) for _, _, port, _ in found} == {gateway.webrtc_port}
    return [(protocol, host) for protocol, host, _, _ in found]


def test_announced_names_are_looked_up_and_looked_up_again(hosts):
    settings = {"webrtc.announce": "gateway.test,198.51.100.7"}
    with Gateway(settings=settings, name="gateway-names", prefix=as_hosts(hosts)) as gateway:
        fixed = "198.51.100.7"
        assert candidates(gateway) == [("udp", "192.0.2.7"), ("udp", fixed), ("tcp", "192.0.2.7"), ("tcp", fixed)]
        hosts.write_text("192.0.2.8 gateway.test\n")
        gateway.program.process.send_signal(signal.SIGHUP)
        wait_until(lambda: ("udp", "192.0.2.8") in candidates(gateway), 10, lambda: gateway.program.tail())
        assert ("udp", "192.0.2.7") not in candidates(gateway)

        # A name that is gone for the moment takes nothing away.
        hosts.write_text("127.0.0.1 localhost\n")
        gateway.program.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "has no address at the moment" in gateway.program.log, 30, lambda: gateway.program.tail())
        assert ("udp", "192.0.2.8") in candidates(gateway)


def test_tcp_can_be_turned_off(start_gateway):
    gateway = start_gateway(webrtc__tcp="false", webrtc__announce="192.0.2.7")
    assert candidates(gateway) == [("udp", "192.0.2.7")]


def test_a_gateway_that_only_this_machine_can_reach_says_so(start_gateway):
    gateway = start_gateway(webrtc__host="127.0.0.1")
    assert "Only this machine can publish or watch" in gateway.program.log
    assert "webrtc.announce" in gateway.program.log


# Sessions that fail


def failures(gateway, reason):
    text = gateway.request("GET", "/metrics").text
    found = re.search(rf'^martlet_refusals_total\{{reason="{reason}"\}} (\d+)', text, re.MULTILINE)
    return int(found.group(1)) if found else 0


@pytest.mark.parametrize("reason", ["no-stun", "no-pair"])
def test_a_session_that_fails_says_why(gateway, reason):
    before = failures(gateway, reason)
    answer = gateway.request("POST", "/whip/failing", offer(), SDP)
    assert answer.status == 201, answer
    if reason == "no-pair":
        fragment = re.search(r"a=ice-ufrag:(\S+)", answer.text).group(1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.sendto(binding_request(f"{fragment}:h4ndM4de", "wrong" * 5), ("127.0.0.1", gateway.webrtc_port))
    wait_until(lambda: failures(gateway, reason) > before, 35, "the failure was not counted", 0.5)
    late = gateway.request("DELETE", answer.headers["Location"])
    assert late.status == 404
    assert ("no STUN packet" if reason == "no-stun" else "STUN packets came") in late.json["detail"]
