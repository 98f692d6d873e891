"""An RTMP publisher written by hand, so that a test decides about each message and its time stamp."""

import os
import socket
import struct

CHUNK_SIZE = 128  # Until somebody says otherwise.
AUDIO, VIDEO, COMMAND = 8, 9, 20


def _string(text):
    return b"\x02" + struct.pack("!H", len(text)) + text.encode()


def _number(value):
    return b"\x00" + struct.pack("!d", value)


def _object(**fields):
    pairs = b"".join(struct.pack("!H", len(key)) + key.encode() + _string(value) for key, value in fields.items())
    return b"\x03" + pairs + b"\x00\x00\x09"


def flv_tags(path):
    """Kind, time stamp in milliseconds and body of each tag of a file."""
    content = path.read_bytes()
    offset, tags = 13, []
    while offset + 11 <= len(content):
        size = int.from_bytes(content[offset + 1 : offset + 4], "big")
        time = int.from_bytes(content[offset + 4 : offset + 7], "big") | content[offset + 7] << 24
        tags.append((content[offset] & 0x1F, time, content[offset + 11 : offset + 11 + size]))
        offset += 11 + size + 4
    return tags


class Publisher:
    """Connected and publishing once it exists; the gateway's answers are not looked at beyond that they come."""

    def __init__(self, gateway, stream):
        self.socket = socket.create_connection(("127.0.0.1", gateway.rtmp_port), timeout=5)
        self.socket.sendall(b"\x03" + bytes(8) + os.urandom(1528))
        self.socket.sendall(self._receive(1 + 2 * 1536)[1:1537])
        url = f"rtmp://127.0.0.1:{gateway.rtmp_port}/live"
        self._command("connect", 1, _object(app="live", tcUrl=url, type="nonprivate"))
        self._command("createStream", 2, b"\x05")
        self._command("publish", 3, b"\x05" + _string(stream) + _string("live"), stream_number=1)
        self._wait_for(b"NetStream.Publish.Start")

    def _receive(self, count):
        received = b""
        while len(received) < count:
            piece = self.socket.recv(65536)
            assert piece, "the gateway hung up"
            received += piece
        return received

    def _wait_for(self, words):
        received = b""
        while words not in received:
            piece = self.socket.recv(65536)
            assert piece, received[-300:]
            received += piece

    def _command(self, name, transaction, arguments, stream_number=0):
        self.send(COMMAND, 0, _string(name) + _number(transaction) + arguments, stream_number)

    def send(self, kind, time, body, stream_number=1, upto=None):
        """Sends a message, or only its first `upto` bytes, with a full header and an absolute time stamp."""
        time %= 1 << 32
        chunk_stream = {AUDIO: 4, VIDEO: 6, COMMAND: 3}.get(kind, 5)
        short = min(time, 0xFFFFFF)
        extended = struct.pack("!I", time) if short == 0xFFFFFF else b""
        header = struct.pack("!B", chunk_stream) + short.to_bytes(3, "big") + len(body).to_bytes(3, "big")
        header += bytes([kind]) + struct.pack("<I", stream_number) + extended
        message = header + body[:CHUNK_SIZE]
        for offset in range(CHUNK_SIZE, len(body), CHUNK_SIZE):
            message += struct.pack("!B", 0xC0 | chunk_stream) + extended + body[offset : offset + CHUNK_SIZE]
        self.socket.sendall(message[:upto])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
