"""A gateway with several addresses: answers leave from the address that was asked."""

import hashlib
import hmac
import os
import re
import socket
import struct
import sys
import zlib

import pytest

from harness import media, pion, without_ipv6
from harness.gateway import Gateway
from harness.offers import offer


def binding_request(username, password):
    """A Binding request with USE-CANDIDATE, integrity and fingerprint (RFC 8489, RFC 8445)."""
    name = username.encode()
    attributes = struct.pack("!HH", 0x0006, len(name)) + name + bytes(-len(name) % 4)
    attributes += struct.pack("!HHI", 0x0024, 4, 2113937151)
    attributes += struct.pack("!HHQ", 0x802A, 8, 1) + struct.pack("!HH", 0x0025, 0)
    transaction = os.urandom(12)

    def message(length):
        return struct.pack("!HHI", 0x0001, length, 0x2112A442) + transaction + attributes

    # Each check value is computed over a header that already counts its own attribute.
    mac = hmac.new(password.encode(), message(len(attributes) + 24), hashlib.sha1).digest()
    attributes += struct.pack("!HH", 0x0008, 20) + mac
    check = zlib.crc32(message(len(attributes) + 8)) ^ 0x5354554E
    attributes += struct.pack("!HHI", 0x8028, 4, check)
    return message(len(attributes))


@pytest.mark.parametrize("asked", ["127.0.0.1", "127.0.0.2"])
def test_an_answer_leaves_from_the_address_that_was_asked(gateway, asked):
    """Clients drop a check's answer that comes from elsewhere (RFC 8445, 7.2.5.2.1)."""
    answer = gateway.request("POST", "/whip/addresses", offer(), {"Content-Type": "application/sdp"})
    assert answer.status == 201, answer
    fragment = re.search(r"a=ice-ufrag:(\S+)", answer.text).group(1)
    password = re.search(r"a=ice-pwd:(\S+)", answer.text).group(1)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind(("127.0.0.1", 0))
            udp.settimeout(5)
            udp.sendto(binding_request(f"{fragment}:h4ndM4de", password), (asked, gateway.webrtc_port))
            reply, source = udp.recvfrom(2048)
            assert struct.unpack("!H", reply[:2])[0] == 0x0101, reply.hex()
            assert source == (asked, gateway.webrtc_port)
    finally:
        gateway.request("DELETE", answer.headers["Location"])


def test_a_machine_without_ipv6_is_served_over_ipv4():
    """Every listener is on `::` by default, which such a kernel does not know."""
    settings = {"http.host": "::", "rtmp.host": "::"}
    with Gateway(settings=settings, name="gateway-ipv4", prefix=[sys.executable, without_ipv6.__file__]) as gateway:
        with media.publish_rtmp(gateway.rtmp("cam")):
            gateway.wait_for_stream("cam")
            tracks = pion.watch(gateway.whep("cam"), seconds=2).summary(30)["tracks"]
            assert tracks["video"]["frames"] > 30, tracks
