"""Hostile and broken input over HTTP, UDP and RTMP: a clear answer or silence, and nobody else notices."""

import concurrent.futures
import os
import random
import re
import socket
import struct
import time

import pytest

from harness import media
from harness.offers import offer
from harness.processes import wait_until

SDP = {"Content-Type": "application/sdp"}


@pytest.fixture(autouse=True)
def unharmed(gateway, bystander):
    yield
    assert gateway.program.running, gateway.program.tail(60)
    assert bystander.running, bystander.tail()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (offer(fingerprint=None), "fingerprint"),
        (offer(fingerprint="sha-1 " + ":".join(["AB"] * 20)), "fingerprint"),
        (offer(fingerprint="sha-256 not:hex"), "fingerprint"),
        (offer(ice=False), "ICE"),
        (offer(codec="H264").replace("a=rtpmap:102 H264", "a=rtpmap:102 Theora"), "codec"),
        (offer().replace("a=rtcp-mux\r\n", ""), "rtcp-mux"),
    ],
    ids=["no fingerprint", "weak fingerprint", "garbled fingerprint", "no ICE", "unknown codec", "no rtcp-mux"],
)
def test_an_offer_that_lacks_something_is_told_what(gateway, body, words):
    answer = gateway.request("POST", "/whip/lacking", body, SDP)
    assert answer.status in (400, 406), answer
    assert words.lower() in answer.json["detail"].lower(), answer.json


def test_truncated_offers_never_break_anything(gateway):
    whole = offer()
    for length in range(0, len(whole), 23):
        answer = gateway.request("POST", "/whip/truncated", whole[:length], SDP)
        assert answer.status in (201, 400, 406, 409), (length, answer)


def test_random_bytes_as_an_offer(gateway):
    generator = random.Random(1)
    for _ in range(40):
        body = generator.randbytes(generator.randrange(1, 5000))
        assert gateway.request("POST", "/whip/garbage", body, SDP).status == 400


def test_datagrams_of_every_kind_of_garbage(gateway):
    generator = random.Random(2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.setblocking(False)
        address = ("127.0.0.1", gateway.webrtc_port)
        sent = received = 0
        # RFC 7983: the first byte decides who reads it: STUN, DTLS, RTP and RTCP, or nobody.
        for first in [0, 1, 3, 20, 22, 63, 64, 79, 128, 129, 144, 200, 255]:
            for length in [1, 2, 12, 20, 28, 60, 576, 1472]:
                datagram = bytes([first]) + generator.randbytes(length - 1)
                udp.sendto(datagram, address)
                sent += length
        time.sleep(0.3)
        try:
            while True:
                received += len(udp.recv(2048))
        except BlockingIOError:
            pass
        assert received == 0, "an unauthenticated stranger got an answer"


def stun_request(username, transaction=None):
    """A Binding request (RFC 8489) whose integrity is 20 bytes of nothing."""
    name = username.encode()
    padded = name + bytes(-len(name) % 4)
    attributes = struct.pack("!HH", 0x0006, len(name)) + padded + struct.pack("!HH", 0x0008, 20) + bytes(20)
    header = struct.pack("!HHI", 0x0001, len(attributes), 0x2112A442) + (transaction or os.urandom(12))
    return header + attributes


def test_binding_requests_for_unknown_or_unproven_sessions(gateway):
    answer = gateway.request("POST", "/whep/bystander", offer("recvonly"), SDP)
    assert answer.status == 201, answer
    fragment = re.search(r"a=ice-ufrag:(\S+)", answer.text).group(1)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(0.5)
            for username in ["nobody:else", "", ":", "x" * 400, f"{fragment}:h4ndM4de", fragment]:
                request = stun_request(username)
                udp.sendto(request, ("127.0.0.1", gateway.webrtc_port))
                try:
                    reply = udp.recv(2048)
                except TimeoutError:
                    continue
                # A refusal is allowed, a success is not, and neither may amplify.
                kind = struct.unpack("!H", reply[:2])[0]
                assert kind == 0x0111, reply.hex()
                assert len(reply) <= len(request), (len(reply), len(request))
    finally:
        gateway.request("DELETE", answer.headers["Location"])


def test_a_stranger_cannot_speak_dtls(gateway):
    """A ClientHello from an address that never authenticated is not answered."""
    hello = bytes.fromhex("16feff0000000000000000003a0100002e000000000000002efefd") + bytes(32) + bytes.fromhex(
        "000000040030002f01000000"
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(0.5)
        udp.sendto(hello, ("127.0.0.1", gateway.webrtc_port))
        with pytest.raises(TimeoutError):
            udp.recv(2048)


def test_a_thousand_offers_that_never_connect(gateway):
    before = gateway.resident_kilobytes()

    def post(_):
        return gateway.request("POST", "/whep/bystander", offer("recvonly"), SDP)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, range(1000)))
    statuses = {answer.status for answer in answers}
    assert statuses <= {201, 429, 503}, statuses
    created = [answer.headers["Location"] for answer in answers if answer.status == 201]
    grown = gateway.resident_kilobytes() - before
    assert grown < 150_000, f"{len(created)} sessions cost {grown} kB"
    # They end by themselves: within the time of consent, here not waited for but helped along.
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = {answer.status for answer in pool.map(lambda path: gateway.request("DELETE", path), created)}
    assert statuses <= {200, 404}, statuses


def rtmp_socket(gateway):
    connection = socket.create_connection(("127.0.0.1", gateway.rtmp_port), timeout=5)
    connection.settimeout(5)
    return connection


def ended(connection, seconds):
    """Whether the other side closes within this time."""
    connection.settimeout(seconds)
    try:
        while connection.recv(65536):
            pass
        return True
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def handshake(connection):
    """The simple handshake: versions, times and 1,528 random bytes each way."""
    connection.sendall(b"\x03" + bytes(8) + os.urandom(1528))
    received = b""
    while len(received) < 1 + 2 * 1536:
        piece = connection.recv(65536)
        assert piece, "closed during the handshake"
        received += piece
    connection.sendall(received[1:1537])


def test_rtmp_garbage_is_closed(gateway):
    for first in (b"\x00", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 4000):
        with rtmp_socket(gateway) as connection:
            connection.sendall(first)
            assert ended(connection, 15), first[:10]


def test_a_slow_rtmp_handshake_is_closed(gateway):
    with rtmp_socket(gateway) as connection:
        connection.sendall(b"\x03" + bytes(100))
        assert ended(connection, 20)


@pytest.mark.parametrize(
    "message",
    [
        # Chunk basic header, 11 bytes of message header: a message of 16 MB on stream 3, of type 20.
        b"\x03" + b"\x00\x00\x00" + b"\xff\xff\xff" + b"\x14" + bytes(4) + b"\x02",
        # Set Chunk Size to 0 and to its highest bit.
        b"\x02" + bytes(3) + b"\x00\x00\x04" + b"\x01" + bytes(4) + b"\x00\x00\x00\x00",
        b"\x02" + bytes(3) + b"\x00\x00\x04" + b"\x01" + bytes(4) + b"\xff\xff\xff\xff",
        # A nesting bomb: objects in objects without end, as the arguments of `connect`.
        b"\x03" + bytes(3) + b"\x00\x00\x80" + b"\x14" + bytes(4) + b"\x02\x00\x07connect" + b"\x03\x00\x01a" * 30,
        # Type 3 without a message before it.
        b"\xc5" + bytes(400),
    ],
    ids=["huge message", "chunk size 0", "chunk size negative", "nesting bomb", "continuation of nothing"],
)
def test_rtmp_messages_out_of_bounds_are_closed(gateway, message):
    with rtmp_socket(gateway) as connection:
        handshake(connection)
        try:
            connection.sendall(message)
            for _ in range(200):
                connection.sendall(bytes(4096))
        except OSError:
            return
        assert ended(connection, 15)


def test_an_rtmp_publisher_that_stops_in_the_middle_of_a_frame(gateway):
    publisher = media.publish_rtmp(gateway.rtmp("halfway"))
    gateway.wait_for_stream("halfway")
    publisher.kill()
    with media.publish_rtmp(gateway.rtmp("halfway")):
        wait_until(
            lambda: (gateway.stream("halfway") or {}).get("state") == "live", 10, "the stream did not come back"
        )


def test_a_port_in_use_is_named(start_gateway, gateway):
    other = start_gateway(ready=False, http__port=gateway.http_port)
    assert other.program.wait(20) != 0
    words = f"port {gateway.http_port} on 127.0.0.1 is in use by martlet (process"
    assert words in other.program.log, other.program.tail()


def test_a_second_gateway_never_joins_the_udp_port(start_gateway, gateway):
    other = start_gateway(ready=False, webrtc__port=gateway.webrtc_port)
    assert other.program.wait(20) != 0
    words = f"port {gateway.webrtc_port} on :: is in use by martlet (process"
    assert words in other.program.log, other.program.tail()


@pytest.mark.parametrize(
    ("line", "words"),
    [("http:\n  prot: 1", "prot"), ("http:\n  port: many", "port"), ("http:\n  port: 99999", "port")],
)
def test_a_wrong_configuration_is_named_with_its_line(tmp_path, line, words):
    import subprocess

    from harness.gateway import binary

    file = tmp_path / "martlet.yaml"
    file.write_text(line + "\n")
    result = subprocess.run([binary(), "check-config", file], capture_output=True, text=True, timeout=30)
    output = result.stdout + result.stderr
    assert result.returncode != 0
    assert words in output and "2" in output, output
    assert len(output.strip().splitlines()) <= 3, output
