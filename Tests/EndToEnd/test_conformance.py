"""`martlet conformance` against the gateway: every row that can be tried passes."""

import json
import signal
import socket
import subprocess
import threading
import time

import pytest

from harness import media, pion
from harness.gateway import binary
from harness.processes import Program, wait_until

# What a gateway without ICE servers, extensions and redirects has nothing to show for, and what takes a minute.
NOT_TRIED = {"offer.redirect", "offer.ice-servers", "offer.extensions", "end.abandoned"}


def examine(url, *options):
    """The exit status and the report."""
    done = subprocess.run(
        [binary(), "conformance", url, "--json", *options], capture_output=True, text=True, timeout=300
    )
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    return done.returncode, json.loads(done.stdout)


def rows(report, verdict):
    return {row["id"]: f"{row['requirement']}: {row['seen']}" for row in report["rows"] if row["verdict"] == verdict}


@pytest.fixture(scope="module")
def live(gateway):
    with pion.publish(gateway.whip("live-one"), media.h264_file(), media.opus_file()) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream("live-one", ("video", "audio"))
        yield "live-one"


@pytest.mark.parametrize("kind", ["whip", "whep"])
def test_the_gateway_conforms(gateway, live, kind):
    status, report = examine(gateway.whep(live) if kind == "whep" else gateway.whip("conformance"))
    assert rows(report, "failed") == {}
    assert status == 0 and report["conforms"] and report["complete"]
    assert set(rows(report, "skipped")) - NOT_TRIED == set(), rows(report, "skipped")
    assert gateway.stream("conformance") is None or gateway.stream("conformance")["state"] != "live"
    assert gateway.stream(live)["viewers"] == 0


def test_playlists_conform_while_their_publisher_crashes_and_comes_back(gateway, stream):
    address = f"{gateway.http}/hls/{stream}/index.m3u8"

    def publish():
        publisher = media.publish_rtmp(gateway.rtmp(stream))
        wait_until(lambda: (gateway.stream(stream) or {}).get("state") == "live", 20, "nothing is published", 0.1)
        return publisher

    publisher = publish()
    try:
        # Its first segment is complete.
        assert gateway.request("GET", f"/hls/{stream}/index.m3u8", timeout=20).status == 200
        arguments = [binary(), "conformance", "--hls", address, "--duration", "26s", "--json"]
        with Program(arguments, "conformance-hls") as checker:
            for _ in range(2):
                time.sleep(7)
                assert checker.running, checker.log
                publisher.kill()
                publisher = publish()
            status = checker.wait(60)
            report = json.loads(checker.log)
        text = gateway.request("GET", f"/hls/{stream}/video.m3u8", timeout=20).text
    finally:
        publisher.stop()
    assert rows(report, "failed") == {}, json.dumps(report, indent=1)
    assert status == 0 and report["conforms"] and report["complete"], report
    assert text.count("#EXT-X-DISCONTINUITY\n") == 2 and "#EXT-X-ENDLIST" not in text, text
    # What takes an hour, or the end of the stream.
    assert set(rows(report, "skipped")) <= {"media.window", "media.discontinuity-sequence", "media.ended"}, report


def test_ice_servers_are_examined(start_gateway):
    gateway = start_gateway(webrtc__ice_servers="stun:stun.example.net,turn:turn.example.net secret=s3cr3t")
    status, report = examine(gateway.whip("conformance"))
    assert status == 0, rows(report, "failed")
    assert "offer.ice-servers" in rows(report, "passed"), report


def test_a_token_is_needed_and_stays_hidden(start_gateway):
    gateway = start_gateway(auth__anonymous__publish="nobody")
    status, report = examine(gateway.whip("cam"))
    assert status != 0 and "offer.created" in rows(report, "failed")
    created = subprocess.run(
        [binary(), "token", "create", "--stream", "cam", "--allow", "publish"],
        env=gateway.environment(), capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    token = created.stdout.strip()
    status, report = examine(gateway.whip("cam"), "--token", token)
    assert status == 0, rows(report, "failed")
    assert token not in json.dumps(report) and token not in gateway.program.log


def test_what_cannot_be_examined_is_said_in_one_line(gateway):
    for arguments in (["nonsense"], [gateway.http + "/nothing"], [gateway.whep("x"), "--hls", "--duration", "x"]):
        done = subprocess.run([binary(), "conformance", *arguments], capture_output=True, text=True, timeout=30)
        assert done.returncode != 0
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr


class OddServer:
    """Answers each connection with `head`, and then with `drop` again and again."""

    def __init__(self, head, drop=b"", pause=0.05):
        self.head, self.drop, self.pause = head, drop, pause
        self.requests = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/whep/cam"
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection):
        with connection:
            try:
                self.requests.append(connection.recv(1 << 16).split(b" ")[0])
                connection.sendall(self.head)
                while self.drop:
                    connection.sendall(self.drop)
                    time.sleep(self.pause)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\n", b"X-Field: " + b"x" * 2000 + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"8000\r\n" + b"x" * 32768 + b"\r\n"),
        (b"\x16\x03junk\r\n\r\n", b""),
    ],
)
def test_a_server_that_never_ends_is_given_up(head, drop):
    with OddServer(head, drop) as server:
        begun = time.monotonic()
        status, report = examine(server.url, "--timeout", "500ms")
        assert status != 0 and not report["conforms"]
        assert time.monotonic() - begun < 60


def test_an_answer_cannot_steer_the_terminal():
    head = b"HTTP/1.1 405 \x1b[2J\r\nAllow: \x1b[31mGET\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with OddServer(head) as server:
        done = subprocess.run([binary(), "conformance", server.url], capture_output=True, timeout=120)
    assert done.returncode != 0
    assert all(byte == 10 or 32 <= byte for byte in done.stdout) and b"\x7f" not in done.stdout


def test_a_signal_ends_the_session_that_was_made(gateway, live):
    """The run waits for a minute to see whether an abandoned session ends."""
    with Program([binary(), "conformance", gateway.whep(live), "--slow"], "conformance") as program:
        wait_until(lambda: "counter-offer.answer" in program.log, 60, program.tail)
        program.signal(signal.SIGINT)
        assert program.wait(40) != 0
        assert "not finished" in program.log
