"""HTTPS and HTTP/2 on the port of HTTP."""

import json
import re
import signal
import socket
import ssl
import subprocess
import time

import pytest

from harness import browser as browsers
from harness import certificates, media
from harness.gateway import binary
from harness.processes import WORK, free_port, wait_until


def run(*arguments, environment=None, seconds=40):
    return subprocess.run(
        [str(each) for each in (binary(), *arguments)], capture_output=True, text=True, timeout=seconds, env=environment
    )


def shown(gateway):
    """The certificate that a new connection is shown, and the connection."""
    context = ssl._create_unverified_context()
    connection = context.wrap_socket(socket.create_connection(("127.0.0.1", gateway.http_port), 10))
    return ssl.DER_cert_to_PEM_cert(connection.getpeercert(True)).strip(), connection


def is_answered(connection):
    """Whether a request on a connection that is open already gets its answer."""
    connection.sendall(b"HEAD /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += connection.recv(1000)
    return answer.startswith(b"HTTP/1.1 200")


def test_a_self_signed_certificate_serves_pages_and_media_over_http_2(start_gateway):
    gateway = start_gateway(http__tls__self_signed="true", http__tls__hsts_max_age="1h")
    silent = socket.create_connection(("127.0.0.1", gateway.http_port), 10)
    connected_at = time.monotonic()
    assert (gateway.data / "tls.pem").stat().st_mode & 0o777 == 0o600
    seen = subprocess.run(
        ["curl", "-sk", "--http2", "-D", "-", "-o", "/dev/null", "-w", "%{http_version}", gateway.http + "/"],
        capture_output=True, text=True, timeout=20,
    )  # fmt: skip
    assert seen.stdout.endswith("2") and seen.stdout.startswith("HTTP/2 200"), seen
    for field in (
        "strict-transport-security: max-age=3600", "content-security-policy: default-src 'none'",
        "x-content-type-options: nosniff", "referrer-policy: no-referrer",
    ):  # fmt: skip
        assert field in seen.stdout.lower()
    text = subprocess.run(
        ["openssl", "x509", "-in", gateway.data / "tls.pem", "-noout", "-ext", "subjectAltName"],
        capture_output=True, text=True, timeout=20,
    ).stdout  # fmt: skip
    assert "DNS:localhost" in text and "IP Address:127.0.0.1" in text and "IP Address:0:0:0:0:0:0:0:1" in text
    assert "martlet_certificate_expiry_timestamp_seconds 1" in gateway.request("GET", "/metrics").text
    with media.publish_rtmp(gateway.rtmp("cam")):
        gateway.wait_for_stream("cam", ("video", "audio"))
        with browsers.chromium(insecure=True) as browser:
            # As people type addresses: it is sent on.
            browser.open(gateway.page("play", "cam").replace("https://", "http://"))
            assert browser.run("return location.protocol") == "https:"
            browser.wait_for_state("live")
            browser.wait_for_frames(30)
            assert browser.run("return performance.getEntriesByType('navigation')[0].nextHopProtocol") == "h2"
            # hls.js makes a worker of a blob and feeds the picture by another: what the policy must let pass.
            browser.open(gateway.page("play", "cam") + "?via=hls")
            browser.wait_for_state("live")
            browser.wait_for_frames(30)
            assert browser.statistics()["via"] == "LL-HLS by hls.js"
            assert not [line for line in browser.console() if "Content Security Policy" in line]
        played = run("play", gateway.whep("cam"), "--insecure", "--duration", "2s", "--json")
        assert played.returncode == 0, played.stderr
    told = subprocess.run(
        ["curl", "-s", "-X", "POST", "-H", "Authorization: Bearer t", gateway.whep("cam").replace("https://", "http://")],
        capture_output=True, text=True, timeout=20,
    )  # fmt: skip
    assert told.stdout.startswith("This port speaks HTTPS"), told
    # A handshake that never begins has ended by now, or does so in time.
    silent.settimeout(max(1, 20 - (time.monotonic() - connected_at)))
    assert silent.recv(1) == b""


def test_a_browser_publishes_and_watches_a_private_stream(start_gateway):
    gateway = start_gateway(http__tls__self_signed="true", auth__anonymous__play="nobody")
    token = gateway.token("cam", "play")
    with browsers.chromium(insecure=True) as publisher, browsers.chromium(insecure=True) as viewer:
        publisher.open(gateway.page("publish", "cam", "source=card&codec=H264&size=640x360&start"))
        publisher.wait_for_state("live")
        gateway.wait_for_stream("cam", ("video", "audio"))
        viewer.open(f"{gateway.page('play', 'cam')}?via=hls#token={token}")
        viewer.wait_for_state("live")
        viewer.wait_for_frames(30)
    # Python speaks HTTP/1.1, the browser has spoken HTTP/2.
    answer = gateway.request("GET", "/hls/cam/index.m3u8", headers={"Authorization": f"Bearer {token}"})
    assert answer.status in (200, 404), answer
    if answer.status == 200:
        assert answer.headers["Set-Cookie"].endswith("; HttpOnly; SameSite=Lax; Secure")


def test_a_certificate_is_read_again_while_connections_go_on(start_gateway):
    pairs = [certificates.self_signed(name) for name in ("first", "second")]
    live = certificates.Pair("live")
    pairs[0].copy_to(live)
    gateway = start_gateway(**live.settings)
    before, connection = shown(gateway)
    assert before == pairs[0].text
    pairs[1].copy_to(live)
    gateway.program.signal(signal.SIGHUP)
    wait_until(lambda: shown(gateway)[0] == pairs[1].text, 10, "the old one is shown")
    assert is_answered(connection)
    for content, cure in (("no key", "privkey.pem"), (pairs[0].key.read_text(), "both files")):
        live.key.write_text(content)
        gateway.program.signal(signal.SIGHUP)
        wait_until(lambda: cure in gateway.program.log, 10, "nothing is said")
        assert "cannot be read again" in gateway.program.log and "SIGHUP once more" in gateway.program.log
        assert shown(gateway)[0] == pairs[1].text
    live.certificate.write_text("no certificate")
    gateway.program.signal(signal.SIGHUP)
    wait_until(lambda: "fullchain.pem" in gateway.program.log, 10, "nothing is said")
    assert is_answered(connection)


def test_our_clients_trust_an_authority_that_they_are_told_of(start_gateway):
    authority = certificates.self_signed("authority")
    gateway = start_gateway(**certificates.signed_by(authority, "signed").settings)
    stranger = certificates.self_signed("stranger")
    playlist = f"{gateway.http}/hls/cam/index.m3u8"
    with media.publish_rtmp(gateway.rtmp("cam")):
        gateway.wait_for_stream("cam", ("video", "audio"))
        for command in (
            ("play", gateway.whep("cam"), "--duration", "1s"),
            ("publish", gateway.whip("other"), "--test-pattern", "--duration", "1s"),
            ("load-test", playlist, "--hls", "--viewers", "2", "--duration", "5s"),
            ("conformance", "--hls", playlist, "--duration", "2s"),
        ):
            trusted = run(*command, "--ca", authority.certificate)
            # The tester asks for more than can be seen in two seconds: that it reads the playlist is enough here.
            assert trusted.returncode == 0 or re.search(r"[1-9]\d* passed", trusted.stdout), (command, trusted)
            for refused in (run(*command), run(*command, "--ca", stranger.certificate)):
                assert refused.returncode != 0, (command, refused)
                assert "--ca FILE, or --insecure" in refused.stdout + refused.stderr, (command, refused)
    nothing = run("play", gateway.whep("cam"), "--ca", "/none")
    assert nothing.returncode != 0 and "--ca: /none" in nothing.stderr, nothing


@pytest.fixture
def examine():
    """What the doctor finds about a certificate."""

    def examine(pair, command="doctor"):
        environment = {
            "PATH": "/usr/bin:/bin", "MARTLET_HTTP_TLS_CERTIFICATE": str(pair.certificate),
            "MARTLET_HTTP_TLS_KEY": str(pair.key), "MARTLET_HTTP_PORT": "0", "MARTLET_RTMP_PORT": "0",
            "MARTLET_WEBRTC_PORT": str(free_port()), "MARTLET_DATA_DIRECTORY": str(WORK / "data-tls"),
        }  # fmt: skip
        return run(*command.split(), environment=environment)

    def finding(pair):
        checks = json.loads(examine(pair, "doctor --json").stdout)["checks"]
        return next(check for check in checks if check["check"] == "https certificate")

    examine.finding = finding
    return examine


def test_the_doctor_looks_at_the_certificate(examine):
    authority = certificates.self_signed("authority")
    good = examine.finding(certificates.self_signed("good", names="DNS:stream.example.org,IP:192.0.2.1"))
    assert good["verdict"] == "ok" and "stream.example.org, 192.0.2.1" in good["detail"], good
    alone = examine.finding(certificates.signed_by(authority, "alone"))
    assert alone["verdict"] == "ok" and "without its issuer" in alone["detail"], alone
    ending = examine.finding(certificates.self_signed("ending", days=5))
    assert ending["verdict"] == "warning" and "expires on" in ending["detail"] and "SIGHUP" in ending["cure"], ending
    nameless = examine.finding(certificates.self_signed("nameless", names=None))
    assert nameless["verdict"] == "warning" and "names no host" in nameless["detail"], nameless


def test_a_key_of_another_certificate_is_refused_in_one_line(examine):
    mixed = certificates.self_signed("mixed")
    mixed.key = certificates.self_signed("stranger").key
    for command in ("serve", "doctor"):
        done = examine(mixed, command)
        assert done.returncode != 0
        assert "http.tls.key" in done.stdout + done.stderr and "does not belong" in done.stdout + done.stderr
