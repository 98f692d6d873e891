"""HTTPS and HTTP/2 on the port of HTTP."""

import signal
import socket
import ssl
import subprocess

import pytest

from harness import browser as browsers
from harness import media
from harness.gateway import binary
from harness.processes import WORK, free_port, wait_until


@pytest.fixture(scope="module")
def certificate():
    """Two pairs of a certificate and its key."""
    pairs = []
    for name in ("first", "second"):
        paths = WORK / f"tls-{name}.crt", WORK / f"tls-{name}.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "60",
             "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-out", paths[0], "-keyout", paths[1]],
            check=True, capture_output=True, timeout=30,
        )  # fmt: skip
        pairs.append(paths)
    return pairs


def shown(gateway):
    """The certificate that a new connection is shown, and the connection."""
    context = ssl._create_unverified_context()
    connection = context.wrap_socket(socket.create_connection(("127.0.0.1", gateway.http_port), 10))
    return ssl.DER_cert_to_PEM_cert(connection.getpeercert(True)), connection


def test_a_self_signed_certificate_serves_pages_and_media_over_http_2(start_gateway):
    gateway = start_gateway(http__tls__self_signed="true", http__tls__hsts_max_age="1h")
    assert (gateway.data / "tls.pem").stat().st_mode & 0o777 == 0o600
    seen = subprocess.run(
        ["curl", "-sk", "--http2", "-D", "-", "-o", "/dev/null", "-w", "%{http_version}", gateway.http + "/"],
        capture_output=True, text=True, timeout=20,
    )  # fmt: skip
    assert seen.stdout.endswith("2") and seen.stdout.startswith("HTTP/2 200"), seen
    assert "strict-transport-security: max-age=3600" in seen.stdout.lower()
    text = subprocess.run(
        ["openssl", "x509", "-in", gateway.data / "tls.pem", "-noout", "-ext", "subjectAltName"],
        capture_output=True, text=True, timeout=20,
    ).stdout  # fmt: skip
    assert "DNS:localhost" in text and "IP Address:127.0.0.1" in text and "IP Address:0:0:0:0:0:0:0:1" in text
    with media.publish_rtmp(gateway.rtmp("cam")):
        gateway.wait_for_stream("cam", ("video", "audio"))
        with browsers.chromium(insecure=True) as browser:
            browser.open(gateway.page("play", "cam"))
            browser.wait_for_state("live")
            browser.wait_for_frames(30)
            assert browser.run("return performance.getEntriesByType('navigation')[0].nextHopProtocol") == "h2"
        played = subprocess.run(
            [binary(), "play", gateway.whep("cam"), "--insecure", "--duration", "2s", "--json"],
            capture_output=True, text=True, timeout=40,
        )  # fmt: skip
        assert played.returncode == 0, played.stderr


def test_a_certificate_is_read_again_while_connections_go_on(start_gateway, certificate):
    pair = WORK / "tls-live.crt", WORK / "tls-live.key"
    for source, target in zip(certificate[0], pair):
        target.write_bytes(source.read_bytes())
    gateway = start_gateway(http__tls__certificate=pair[0], http__tls__key=pair[1])
    before, connection = shown(gateway)
    assert before.strip() == certificate[0][0].read_text().strip()
    for source, target in zip(certificate[1], pair):
        target.write_bytes(source.read_bytes())
    gateway.program.signal(signal.SIGHUP)
    wait_until(lambda: shown(gateway)[0].strip() == certificate[1][0].read_text().strip(), 10, "the old one is shown")
    connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert connection.recv(100).startswith(b"HTTP/1.1 200")
    pair[1].write_text("no key")
    gateway.program.signal(signal.SIGHUP)
    wait_until(lambda: "cannot be read again" in gateway.program.log, 10, "nothing is said")
    assert shown(gateway)[0].strip() == certificate[1][0].read_text().strip()


def test_a_key_of_another_certificate_is_refused_in_one_line(start_gateway, certificate):
    for command in ("serve", "doctor"):
        done = subprocess.run(
            [binary(), command], capture_output=True, text=True, timeout=30,
            env={"PATH": "/usr/bin:/bin", "MARTLET_HTTP_TLS_CERTIFICATE": str(certificate[0][0]),
                 "MARTLET_HTTP_TLS_KEY": str(certificate[1][1]), "MARTLET_HTTP_PORT": "0", "MARTLET_RTMP_PORT": "0",
                 "MARTLET_WEBRTC_PORT": str(free_port()), "MARTLET_DATA_DIRECTORY": str(WORK / "data-tls")},
        )  # fmt: skip
        assert done.returncode != 0
        assert "http.tls.key" in done.stdout + done.stderr and "does not belong" in done.stdout + done.stderr
