"""No log holds a secret, at its most talkative: every one is configured, used as it should be, and used wrongly."""

import base64
import hashlib
import http.server
import re
import secrets
import signal
import subprocess
import threading

import pytest

from harness import certificates, media
from harness.gateway import binary
from harness.offers import offer
from harness.processes import Program, free_port, wait_until

SDP = {"Content-Type": "application/sdp"}
STREAM = "cam"


class Issuer(http.server.BaseHTTPRequestHandler):
    """A server of keys that is of no use, whose address holds a password."""

    def do_GET(self):
        self.send_error(404)

    def log_message(self, *_):
        pass


@pytest.fixture
def issuer():
    server = http.server.HTTPServer(("127.0.0.1", 0), Issuer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class Kept:
    """Secrets by name, and what of them a log would show."""

    def __init__(self):
        self.all = {}

    def make(self, name, size=16):
        return self.add(name, secrets.token_hex(size))

    def add(self, name, *values):
        self.all.setdefault(name, []).extend(values)
        return values[0]

    def token(self, name, text):
        """The signature alone is as good as a secret; the claims are anybody's guess."""
        self.add(name, text.split(".")[-1])
        return text

    def seen_in(self, text):
        return sorted(name for name, values in self.all.items() if any(value in text for value in values))


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def ask_all(gateway, token, more=None):
    """One request of each kind; what is answered does not matter here."""
    headers = {**(bearer(token) if token else {}), **(more or {})}
    sessions = []
    for kind, direction in (("whip", "sendonly"), ("whep", "recvonly")):
        answer = gateway.request("POST", f"/{kind}/{STREAM}", offer(direction), {**SDP, **headers})
        if answer.status == 201:
            sessions.append((answer, answer.headers["Location"]))
        # Without If-Match, and of a session that there is not.
        location = answer.headers["Location"] or f"/{kind}/{STREAM}/{secrets.token_hex(8)}"
        gateway.request("PATCH", location, "a=ice-ufrag:x", {"Content-Type": "application/trickle-ice-sdpfrag", **headers})
        gateway.request("OPTIONS", f"/{kind}/{STREAM}", headers=headers)
    for path in ("/api/v1/streams", "/api/v1/recordings", f"/api/v1/streams/{STREAM}/sessions", "/metrics",
                 f"/hls/{STREAM}/index.m3u8", f"/play/{STREAM}", "/nothing"):  # fmt: skip
        gateway.request("GET", path, headers=headers)
        if token:
            gateway.request("GET", f"{path}?token={token}&key={token}")
    gateway.request("POST", "/api/v1/tokens/revocations", f'{{"jti":"{token}"}}', {**headers, "Content-Type": "application/json"})
    return sessions


def test_no_log_holds_a_secret(start_gateway, issuer):
    kept = Kept()
    pair = certificates.self_signed("secrets")
    kept.add("TLS key", *pair.key.read_text().splitlines()[1:-1])
    stream_key, wrong = kept.make("stream key"), kept.make("wrong credential")
    password = kept.make("password of the issuer's address")
    rtmps_port = free_port()
    gateway = start_gateway(
        log__level="trace", **pair.settings, rtmps__port=rtmps_port,
        auth__anonymous__publish="nobody", auth__anonymous__play="nobody", auth__anonymous__admin="nobody",
        auth__jwt__secret=kept.make("token secret", 32), auth__jwt__jwks=f"http://keys:{password}@{issuer}/keys.json",
        auth__keys=f"{STREAM}={hashlib.sha256(stream_key.encode()).hexdigest()}",
        webrtc__ice_servers=f"turn:turn.example.org:3478 secret={kept.make('TURN secret')},"
        f"turn:fixed.example.org username=martlet credential={kept.make('TURN password')}",
    )  # fmt: skip
    tokens = {
        "publish token": kept.token("publish token", gateway.token(STREAM, "publish", "play")),
        "admin token": kept.token("admin token", gateway.token("*", "admin", "publish", "play")),
        "other token": kept.token("other token", gateway.token("elsewhere", "publish", "play")),
    }

    # By RTMP, plain and over TLS: the key, a token, and neither.
    servers = (f"rtmp://127.0.0.1:{gateway.rtmp_port}", f"rtmps://127.0.0.1:{rtmps_port}")
    for server in servers:
        for query in (f"?key={wrong}", f"?token={wrong}", f"?token={tokens['other token']}"):
            with media.publish_rtmp(f"{server}/live/{STREAM}{query}") as encoder:
                encoder.wait(30)
        for query in (f"?token={tokens['publish token']}", f"?key={stream_key}"):
            with media.publish_rtmp(f"{server}/live/{STREAM}{query}"):
                wait_until(
                    lambda: any(each["name"] == STREAM and each["state"] == "live" for each in gateway.request(
                        "GET", "/api/v1/streams", headers=bearer(tokens["admin token"])).json["streams"]),
                    30, gateway.program.tail,
                )  # fmt: skip

    # By HTTP, and by our own clients, while somebody publishes.
    with media.publish_rtmp(f"{servers[1]}/live/{STREAM}?key={stream_key}"):
        # HLS: the cookie, and addresses that are signed, spoilt, and of another stream.
        path = f"/hls/{STREAM}/index.m3u8"
        answer = wait_until(
            lambda: (found := gateway.request("GET", path, headers=bearer(tokens["publish token"]))).status == 200 and found,
            20, gateway.program.tail,
        )  # fmt: skip
        cookie = kept.add("cookie", re.search(r"martlet_hls=([^;]+)", answer.headers["Set-Cookie"])[1])
        assert gateway.request("GET", path, headers={"Cookie": f"martlet_hls={cookie}"}).status == 200
        gateway.request("GET", path.replace(STREAM, "other"), headers={"Cookie": f"martlet_hls={cookie}"})
        signed = subprocess.run(
            [binary(), "token", "create", "--hls", "--stream", STREAM, "--expires", "1h"],
            env=gateway.environment(), check=True, capture_output=True, text=True, timeout=60,
        ).stdout.strip()  # fmt: skip
        signature = kept.add("signed path", re.search(r"~\d+\.([^/]+)/", signed)[1])
        signed = signed[signed.index("/hls/"):]
        assert gateway.request("GET", signed).status == 200
        gateway.request("GET", signed.replace("index.m3u8", "nothing.m4s"))
        gateway.request("GET", signed + "?_HLS_part=x")
        gateway.request("GET", signed.replace("~", "~1"))
        gateway.request("GET", signed + "/" + signature)
        gateway.request("GET", signed.replace("/hls/", "/hls/-"))
        gateway.request("GET", f"/whep/{STREAM}/{signature}/events/{tokens['publish token']}")

        # What our own clients tell people is a log as well.
        environment = {"MARTLET_TOKEN": tokens["publish token"]}
        said = ""
        for address, token in ((gateway.whep(STREAM), tokens["publish token"]), (gateway.whep(STREAM), wrong)):
            with Program([binary(), "play", address, "--insecure", "--duration", "1s"], "play", {"MARTLET_TOKEN": token}) as client:
                client.wait(40)
                said += client.log
        with Program(
            [binary(), "publish", f"{servers[1]}/live/{STREAM}?key={wrong}", "--insecure", "--test-pattern", "--duration", "1s"],
            "publish", environment,
        ) as client:  # fmt: skip
            assert client.wait(40) != 0
            said += client.log
        address = gateway.whep(STREAM).replace("https://", f"https://user:{wrong}@")
        with Program([binary(), "play", address, "--duration", "1s", "--wait", "1s"], "play", environment) as client:
            assert client.wait(40) != 0
            said += client.log

        # Last, because the stream key takes the stream over.
        made = []
        for token in (*tokens.values(), stream_key, wrong, None):
            made += ask_all(gateway, token)
        ask_all(gateway, None, {"Authorization": "Basic " + base64.b64encode(f"user:{wrong}".encode()).decode()})
        assert len(made) >= 2, made
        for answer, location in made:
            kept.add("ICE password", *re.findall(r"a=ice-pwd:(\S+)", answer.text))
            kept.add("TURN credential", *re.findall(r'credential="([^"]+)"', answer.headers["Link"]))
            kept.add("address of a session", location.split("/")[-1])

    # A key that is not the certificate's, and no key at all.
    pair.key.write_text(certificates.self_signed("other-secrets").key.read_text())
    kept.add("TLS key", *pair.key.read_text().splitlines()[1:-1])
    gateway.program.signal(signal.SIGHUP)
    wait_until(lambda: "does not belong" in gateway.program.log, 10, "nothing is said")
    pair.key.write_text(f"password {wrong}")
    gateway.program.signal(signal.SIGHUP)
    wait_until(lambda: "holds no private key" in gateway.program.log, 10, "nothing is said")

    with Program([binary(), "doctor"], "doctor", gateway.environment()) as doctor:
        doctor.wait(60)
        said += doctor.log
    gateway.program.signal(signal.SIGTERM)
    assert gateway.program.wait(20) == 0
    log = gateway.program.log
    # What was done has left its traces, so that there is something to look through.
    for trace in ("Request refused", "RTMP publisher started", "stream published", "cannot be read again"):
        assert trace in log, trace
    assert not kept.seen_in(log), [
        line[:400] for line in log.splitlines() if kept.seen_in(line)
    ][:20]
    assert not kept.seen_in(said), [line[:400] for line in said.splitlines() if kept.seen_in(line)][:20]
