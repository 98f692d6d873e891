"""Webhooks: an application that decides and is told what happens, that is slow, wrong, away and back."""

import base64
import contextlib
import hashlib
import hmac
import http.server
import json
import threading
import time

import pytest

from harness import media
from harness.gateway import Gateway
from harness.offers import offer
from harness.processes import free_port, wait_until

SDP = {"Content-Type": "application/sdp"}
SECRET = "0123456789abcdef0123456789abcdef"


class Application:
    """A receiver that checks every signature, and answers as `answer` says: (status, body, seconds to wait)."""

    def __init__(self):
        self.port = free_port()
        self.received = []
        self.bad = []
        self.answer = lambda message: (204, b"", 0)
        self.server = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hook"

    def start(self):
        application = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                application.check(self.headers, body)
                message = json.loads(body)
                application.received.append((self.headers["webhook-id"], message))
                status, answer, seconds = application.answer(message)
                time.sleep(seconds)
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    if status in (301, 302, 307, 308):
                        self.send_header("Location", application.url)
                    self.send_header("Content-Type", "application/json" if answer[:1] == b"{" else "text/plain")
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            # It comes back at the same address at once.
            allow_reuse_address = True

        self.server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def check(self, headers, body):
        text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.new(SECRET.encode(), text, hashlib.sha256).digest()).decode()
        is_fresh = abs(time.time() - int(headers["webhook-timestamp"])) < 30
        if headers["webhook-signature"] != f"v1,{expected}" or not is_fresh:
            self.bad.append((dict(headers), body))

    def messages(self, kind, stream=None):
        found = [message for _, message in self.received if message["type"] == kind]
        return [each for each in found if stream is None or each["data"]["stream"] == stream]

    def wait_for(self, kind, stream, seconds=15):
        return wait_until(lambda: self.messages(kind, stream), seconds, lambda: self.received)[0]


@pytest.fixture
def application():
    running = Application()
    running.start()
    yield running
    running.stop()
    assert not running.bad


@contextlib.contextmanager
def gateway_of(application, **settings):
    names = {f"webhooks.{key}": value for key, value in settings.items()}
    with Gateway(
        settings={"webhooks.url": application.url, "webhooks.secret": SECRET, "publish.grace": "500ms", **names},
        name="gateway-webhooks",
    ) as gateway:
        yield gateway


def post(gateway, path, token=None):
    headers = {**SDP, **({"Authorization": f"Bearer {token}"} if token else {})}
    return gateway.request("POST", path, offer("sendonly" if "whip" in path else "recvonly"), headers)


def deliveries(gateway, state):
    return gateway.request("GET", f"/api/v1/webhooks/deliveries?state={state}").json["deliveries"]


def problem(answer):
    return answer.status, answer.json["type"].rsplit(":", 1)[1]


def test_the_application_decides_about_each_way_in(application):
    """It lets `good` in and nobody else, and is told who came by which way."""
    application.answer = lambda message: (
        (204, b"", 0) if message["data"]["stream"] == "good" else (403, b'{"reason":"Closed on Mondays."}', 0)
    )
    with gateway_of(application) as gateway:
        assert post(gateway, "/whip/good").status == 201
        for path in ("/whip/bad", "/whep/bad"):
            answer = post(gateway, path)
            assert problem(answer) == (403, "decision-refused"), answer
            assert answer.json["detail"] == "Closed on Mondays."
        # Allowed, and then nobody publishes it.
        assert problem(post(gateway, "/whep/good-night")) == (403, "decision-refused")
        assert problem(gateway.request("GET", "/hls/bad/index.m3u8")) == (403, "decision-refused")
        with media.publish_rtmp(gateway.rtmp("bad")) as encoder:
            wait_until(lambda: not encoder.running, 10, encoder.tail)
        ways = {message["data"]["transport"] for message in application.messages("publish.requested")}
        assert ways == {"whip", "rtmp"}
        ways = {message["data"]["transport"] for message in application.messages("play.requested")}
        assert ways == {"whep", "hls"}
        data = application.messages("publish.requested", "good")[0]["data"]
        assert data["address"] == "127.0.0.1" and data["credential"]["kind"] == "none"
        metrics = gateway.request("GET", "/metrics").text
        assert 'martlet_webhook_decisions_total{verdict="denied"}' in metrics
        assert 'martlet_refusals_total{reason="decision-refused"}' in metrics


def test_a_key_of_the_application_opens_what_it_opens_there(application):
    def answer(message):
        known = message["data"]["credential"].get("value") == "key-of-the-shop"
        return (200, json.dumps({"allow": known, "expires_in": 3}).encode(), 0)

    application.answer = answer
    settings = {"auth.anonymous.publish": "nobody"}
    with Gateway(
        settings={**settings, "webhooks.url": application.url, "webhooks.secret": SECRET}, name="gateway-webhooks"
    ) as gateway:
        assert post(gateway, "/whip/shop").status == 401
        assert problem(post(gateway, "/whip/shop", "key-of-somebody")) == (403, "decision-refused")
        assert post(gateway, "/whip/shop", "key-of-the-shop").status == 201
        # What it allowed for three seconds is over after three seconds.
        wait_until(lambda: not (gateway.stream("shop") or {}).get("state") == "live", 6, gateway.program.tail)
        assert "key-of-the-shop" not in gateway.program.log


WRONG = {
    "slow": (204, b"", 3),
    "an error": (500, b"", 0),
    "nothing there": (404, b"", 0),
    "elsewhere": (307, b"", 0),
    "no JSON": (200, b"{", 0),
    "endless": (200, b"x" * 20_000, 0),
    "away": None,
}


def test_without_an_answer_nobody_is_let_in_unless_configured_otherwise(application):
    for policy, expected in (("deny", 503), ("allow", 201)):
        if application.server is None:
            application.start()
        with gateway_of(application, on_failure=policy, timeout="500ms") as gateway:
            for name, answer in WRONG.items():
                if answer is None:
                    application.stop()
                else:
                    application.answer = lambda message, answer=answer: answer
                begun = time.monotonic()
                given = post(gateway, f"/whip/{name.replace(' ', '-')}")
                assert given.status == expected, (name, given)
                # Half a second, and a machine that is busy.
                assert time.monotonic() - begun < 2.5, name
                if expected == 503:
                    assert problem(given) == (503, "decision-missing") and int(given.headers["Retry-After"]) > 0
            assert gateway.is_ready()


def test_events_are_told_signed_and_in_full(application):
    """A stream that is recorded: its start and end, those of its recording, and nothing else."""
    with Gateway(
        settings={
            "webhooks.url": application.url, "webhooks.secret": SECRET, "publish.grace": "500ms",
            "recording.streams": "told",
        },
        name="gateway-webhooks",
    ) as gateway:  # fmt: skip
        with media.publish_rtmp(gateway.rtmp("told")):
            started = application.wait_for("stream.started", "told")
            assert started["data"]["source"] == "rtmp" and started["node"] and started["timestamp"].endswith("Z")
            recording = application.wait_for("recording.started", "told")["data"]["recording"]
            assert recording.startswith("told-")
            time.sleep(2)
        ended = application.wait_for("recording.ended", "told")["data"]
        assert ended["recording"] == recording and ended["durationSeconds"] > 1 and ended["bytes"] > 10_000
        assert application.wait_for("stream.ended", "told")["data"]["durationSeconds"] > 1
        for kind in ("stream.started", "stream.ended", "recording.started", "recording.ended"):
            assert len(application.messages(kind, "told")) == 1
        wait_until(lambda: len(deliveries(gateway, "delivered")) >= 4, 5, lambda: deliveries(gateway, "delivered"))


def test_what_the_application_missed_is_told_when_it_is_back(application):
    with gateway_of(application, decisions="none") as gateway:
        application.answer = lambda message: (500, b"", 0)
        with media.publish_rtmp(gateway.rtmp("missed")):
            first = application.wait_for("stream.started", "missed")
            application.stop()
        waiting = wait_until(lambda: len(deliveries(gateway, "waiting")) == 2 and deliveries(gateway, "waiting"), 10, "")
        # The second one never reached anybody.
        wait_until(
            lambda: any("no connection" in each.get("lastProblem", "") for each in deliveries(gateway, "waiting")),
            10, lambda: deliveries(gateway, "waiting"),
        )  # fmt: skip
        assert {each["type"] for each in waiting} == {"stream.started", "stream.ended"}
        application.answer = lambda message: (204, b"", 0)
        application.start()
        application.wait_for("stream.ended", "missed", 40)
        wait_until(lambda: len(application.messages("stream.started", "missed")) >= 2, 40, lambda: application.received)
        assert first == application.messages("stream.started", "missed")[-1]
        # The same event has the same name each time, and so a receiver knows it again.
        names = {name for name, message in application.received if message == first}
        assert len(names) == 1
        (name,) = names
        wait_until(lambda: not deliveries(gateway, "waiting"), 10, lambda: deliveries(gateway, "waiting"))
        assert gateway.request("POST", f"/api/v1/webhooks/deliveries/{name}/replay").status == 202
        count = len(application.messages("stream.started", "missed"))
        wait_until(lambda: len(application.messages("stream.started", "missed")) > count, 10, lambda: application.received)
        assert gateway.request("GET", f"/api/v1/webhooks/deliveries/{name}").json == first


def test_a_url_without_a_secret_is_refused_at_the_start():
    gateway = Gateway(settings={"webhooks.url": "http://127.0.0.1:1/"}, name="gateway-webhooks-secret")
    gateway.start(ready=False)
    assert gateway.program.wait(20) != 0
    assert "webhooks.secret" in gateway.program.log
    gateway.stop()
