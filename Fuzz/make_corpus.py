"""Writes the seeds of Fuzz/Corpus: small valid inputs of each format. Needs ffmpeg for the media.

    python3 Fuzz/make_corpus.py

Findings of a fuzzer are added beside them and stay.
"""

import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests/EndToEnd"))
from harness.offers import CODECS, offer  # noqa: E402

RANDOM = random.Random(3)


def write(target, name, content):
    directory = ROOT / "Fuzz/Corpus" / target
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_bytes(content)


def stun():
    def attribute(kind, value):
        return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)

    def message(kind, attributes):
        body = b"".join(attributes)
        return struct.pack("!HHI", kind, len(body), 0x2112A442) + bytes(range(12)) + body

    request = message(
        0x0001,
        [
            attribute(0x0006, b"local:remote"), attribute(0x0024, struct.pack("!I", 1845501695)),
            attribute(0x802A, bytes(8)), attribute(0x0025, b""), attribute(0x0008, bytes(20)),
            attribute(0x8028, bytes(4)),
        ],
    )  # fmt: skip
    response = message(0x0101, [attribute(0x0020, bytes.fromhex("0001a147e112a643")), attribute(0x8022, b"martlet")])
    refusal = message(0x0111, [attribute(0x0009, b"\x00\x00\x04\x57Role Conflict")])
    for name, content in (("request", request), ("response", response), ("refusal", refusal)):
        write("stun", name, content)
        write("ice", name, content)
        write("frames", name, b"".join(struct.pack("!H", len(part)) + part for part in (content, b"", bytes(7), content)))
    write("frames", "too-long", struct.pack("!H", 3) + b"abc" + struct.pack("!H", 2049) + bytes(40))


def rtp():
    def header(first, second=96):
        return struct.pack("!BBHII", first, second, 65535, 90000, 0x11223344)

    one_byte = struct.pack("!HH", 0xBEDE, 2) + b"\x10\x30\x21\x00\x07\x00\x00\x00"
    two_byte = struct.pack("!HH", 0x1000, 2) + b"\x01\x01\x30\x02\x02\x00\x07\x00"
    write("rtp", "plain", header(0x80) + bytes(20))
    write("rtp", "contributors", header(0x82) + bytes(8) + b"payload")
    write("rtp", "one-byte-extensions", header(0x90) + one_byte + b"payload")
    write("rtp", "two-byte-extensions", header(0x90) + two_byte + b"payload")
    write("rtp", "padding", header(0xA0) + b"payload\x00\x00\x00\x04")


def rtcp():
    def packet(count, kind, body):
        body += bytes(-len(body) % 4)
        return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body

    block = struct.pack("!IIIIII", 2, 0x01000005, 70000, 10, 20, 30)
    sender = packet(1, 200, struct.pack("!IQIII", 1, 0xE0000000_00000000, 90000, 10, 1000) + block)
    receiver = packet(1, 201, struct.pack("!I", 1) + block)
    names = packet(1, 202, struct.pack("!I", 1) + b"\x01\x07martlet\x00")
    goodbye = packet(1, 203, struct.pack("!I", 1) + b"\x04done")
    nack = packet(1, 205, struct.pack("!IIHH", 1, 2, 65535, 0x8001))
    congestion = packet(15, 205, struct.pack("!IIHHI", 1, 2, 100, 6, 0x00001001) + b"\x20\x03\xd0\x00\x10\x10\x10\xff\xf0")
    loss = packet(1, 206, struct.pack("!II", 1, 2))
    intra = packet(4, 206, struct.pack("!IIIBBBB", 1, 0, 2, 7, 0, 0, 0))
    estimate = packet(15, 206, struct.pack("!II", 1, 0) + b"REMB\x01\x12\x34\x56" + struct.pack("!I", 2))
    write("rtcp", "sender", sender + names)
    write("rtcp", "receiver", receiver + names + nack + loss)
    write("rtcp", "congestion", receiver + congestion)
    write("rtcp", "feedback", receiver + intra + estimate + goodbye)
    write("rtcp", "others", packet(1, 204, b"\x00\x00\x00\x01namedata") + packet(0, 207, b"\x00\x00\x00\x01\x04\x00\x00\x02" + bytes(8)))


def counter_answers():
    """Answers to what the target offers: H.264 as 96 with 97, Opus as 111 with 98 for RED."""
    answer = offer("recvonly", setup="active")
    answer = answer.replace("SAVPF 102", "SAVPF 96 97").replace(":102 ", ":96 ").replace("SAVPF 111", "SAVPF 111 98")
    extensions = (
        "a=extmap:1 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
        "a=extmap:3 http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time\r\n"
    )
    video = (
        extensions + "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\r\n"
        "a=rtcp-fb:96 transport-cc\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
    )
    audio = extensions + "a=rtcp-fb:111 transport-cc\r\na=rtpmap:98 red/48000/2\r\na=fmtp:98 111/111\r\n"
    browser = answer.replace("a=mid:0\r\n", "a=mid:0\r\n" + video).replace("a=mid:1\r\n", "a=mid:1\r\n" + audio)
    return {
        "browser": browser,
        "plain": answer,
        "passive": answer.replace("setup:active", "setup:passive"),
        "sound-alone": answer.replace("m=video 9", "m=video 0").replace("BUNDLE 0 1", "BUNDLE 1"),
        "picture-alone": answer.replace("m=audio 9", "m=audio 0").replace("BUNDLE 0 1", "BUNDLE 0"),
        "unbundled": answer.replace("a=group:BUNDLE 0 1\r\n", ""),
        "another-offer": offer("recvonly", "VP8", setup="active"),
    }


def sdp():
    for codec in CODECS:
        for direction in ("sendonly", "recvonly"):
            text = offer(direction, codec).encode()
            write("sdp", f"{codec}-{direction}", text)
            write("offer", f"{codec}-{direction}", text)
    simulcast = ["a=rid:h send", "a=rid:l send", "a=simulcast:send h;l", "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid"]
    write("offer", "simulcast", offer(codec="VP8", extra=simulcast).encode())
    for name, text in counter_answers().items():
        write("counter-answer", name, text.encode())
    fragment = (
        "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789abcdefghijklmn\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
        "a=candidate:1 1 udp 2122194687 192.0.2.1 61764 typ host\r\n"
        "a=candidate:2 1 tcp 1518280447 2001:db8::1 9 typ host tcptype active\r\n"
        "a=candidate:3 1 udp 2122194687 a.local 61764 typ srflx raddr 0.0.0.0 rport 0\r\na=end-of-candidates\r\n"
    )
    write("trickle", "fragment", fragment.encode())
    write("trickle", "candidate", b"candidate:1 1 udp 2122194687 192.0.2.1 61764 typ host generation 0 ufrag abcd")


def ffmpeg(name, *options):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, name)
        subprocess.run(["ffmpeg", "-v", "error", *options, path], check=True)
        return pathlib.Path(path).read_bytes()


PICTURE = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=10:duration=0.5", "-pix_fmt", "yuv420p"]
TONE = ["-f", "lavfi", "-i", "sine=sample_rate=48000:duration=0.2"]


def flv_tags():
    content = ffmpeg("film.flv", *PICTURE[:4], *TONE, "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-b:a", "32k")
    offset, tags = 13, []
    while offset + 11 <= len(content):
        kind = content[offset]
        size = int.from_bytes(content[offset + 1 : offset + 4], "big")
        time = int.from_bytes(content[offset + 4 : offset + 7], "big")
        tags.append((kind, time, content[offset + 11 : offset + 11 + size]))
        offset += 11 + size + 4
    return tags


def units(stream):
    pieces = stream.replace(b"\x00\x00\x00\x01", b"\x00\x00\x01").split(b"\x00\x00\x01")
    return [piece for piece in pieces if piece]


def codecs():
    h264 = ffmpeg("film.h264", *PICTURE, "-c:v", "libx264", "-profile:v", "high", "-bf", "2", "-frames:v", "3")
    write("h264", "stream", h264[:1500])
    for unit in units(h264):
        if unit[0] & 0x1F in (7, 8):
            write("h264", f"unit-{unit[0] & 0x1F}", unit)
    baseline = ffmpeg("film.h264", *PICTURE, "-c:v", "libx264", "-profile:v", "baseline", "-frames:v", "1")
    write("h264", "sps-baseline", next(unit for unit in units(baseline) if unit[0] & 0x1F == 7))
    h265 = ffmpeg("film.hevc", *PICTURE, "-c:v", "libx265", "-x265-params", "log-level=none", "-frames:v", "1")
    write("h265", "stream", h265[:1500])
    for unit in units(h265):
        if unit[0] >> 1 & 0x3F in (32, 33, 34):
            write("h265", f"unit-{unit[0] >> 1 & 0x3F}", unit)
    write("av1", "configuration", bytes.fromhex("81000c000a0a00000002affc9bdf3008"))
    write("av1", "aac-configuration", bytes.fromhex("119056e500"))
    write("payload", "h264-aggregate", b"\x78\x00\x04\x67\x42\xe0\x1f\x00\x03\x68\xce\x3c\x00\x04\x65\x88\x80\x10")
    write("payload", "h264-fragment", b"\x7c\x85\x88\x80\x10\x00")
    write("payload", "h265-fragment", b"\x62\x01\x93\x01\x02\x03")
    write("payload", "vp8", b"\x90\x80\x81\x23\x10\x02\x00\x9d\x01\x2a\x40\x00\x30\x00")
    write("payload", "vp9", b"\x8f\x81\x23\x00\x49\x83\x42")
    write("payload", "av1", b"\x18\x0a\x0a\x00\x00\x00\x02\xaf\xfc\x9b\xdf")
    write("payload", "opus", b"\xfc\xff\xfe")
    for number, (kind, _, body) in enumerate(flv_tags()[:6]):
        if kind in (8, 9):
            write("flv", f"tag-{number}", body)
    write("flv", "enhanced-start", b"\x90hvc1" + bytes(23))
    write("flv", "enhanced-frames", b"\x91hvc1\x00\x00\x21" + bytes(12))
    write("flv", "enhanced-opus", b"\x90OpusOpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00")
    write("flv", "enhanced-metadata", b"\xd4hvc1" + b"\x02\x00\x09colorInfo\x05")


def depacketizers():
    """Runs of payloads behind flags (1 marker, 2 next timestamp, 4 a packet lost) and a length."""

    def run(*packets):
        return b"".join(bytes([flags, len(payload)]) + payload for flags, payload in packets)

    sets = b"\x78\x00\x04\x67\x42\xe0\x1f\x00\x03\x68\xce\x3c"
    start, middle, end = (bytes([0x7C, head]) + body for head, body in ((0x85, b"\x88\x80"), (5, b"\x10\x11"), (0x45, b"\x12")))
    write("depacketize-h264", "key-frame", run((0, sets), (0, start), (0, middle), (1, end)))
    write("depacketize-h264", "loss", run((0, sets), (0, start), (5, end), (3, b"\x41\x9a\x21"), (6, b"\x41\x9a"), (3, b"\x09\xf0")))
    sets = b"\x60\x01\x00\x04\x40\x01\x0c\x01\x00\x04\x42\x01\x01\x01\x00\x04\x44\x01\xc1\x72"
    start, end = b"\x62\x01\x93\xaf\x01", b"\x62\x01\x53\x02"
    write("depacketize-h265", "key-frame", run((0, sets), (0, start), (1, end)))
    write("depacketize-h265", "loss", run((0, sets), (5, end), (3, b"\x02\x01\xd0\x10")))
    key, rest = b"\x90\x80\x81\x23\x10\x02\x00\x9d\x01\x2a\x40\x00\x30\x00", b"\x80\x80\x81\x23\x01\x02"
    write("depacketize-vp8", "key-frame", run((0, key), (1, rest), (3, b"\x90\x80\x81\x24\x11\x01")))
    write("depacketize-vp8", "layers", run((1, b"\xb0\xf0\x81\x23\x05\x60\x10\x02"), (7, rest)))
    write("depacketize-vp9", "key-frame", run((0, b"\x8b\x81\x23\x18\x02\x80\x01\x68\x49\x83"), (1, b"\x84\x81\x23\x42")))
    write("depacketize-vp9", "layers", run((0, b"\xac\x01\x00\x00\x01"), (1, b"\xac\x01\x03\x00\x02"), (3, b"\xcc\x02\x02\x01")))
    header = b"\x0a\x00\x00\x00\x02\xaf\xfc\x9b\xdf"
    write("depacketize-av1", "key-frame", run((0, b"\x68" + bytes([len(header)]) + b"\x08" + header[1:] + b"\x30\x01"), (1, b"\x90\x02\x03")))
    write("depacketize-av1", "counts", run((1, b"\x38\x01\x10\x03\x08\x07\x07\x32\x02\x01\x02"), (3, b"\x00\x03\x34\x08\x01\x02\x30\x01")))
    write("depacketize-opus", "talk", run((1, b"\xfc\xff\xfe"), (2, b"\x78\x01"), (6, b"\xfb\x03\x01")))


def amf(value):
    if isinstance(value, bool):
        return b"\x01" + bytes([value])
    if isinstance(value, (int, float)):
        return b"\x00" + struct.pack("!d", value)
    if isinstance(value, str):
        return b"\x02" + struct.pack("!H", len(value)) + value.encode()
    if value is None:
        return b"\x05"
    return b"\x03" + b"".join(struct.pack("!H", len(k)) + k.encode() + amf(v) for k, v in value.items()) + b"\x00\x00\x09"


def command(*values):
    return b"".join(amf(value) for value in values)


def message(stream, kind, body, time=0, message_stream=0, chunk=128):
    head = bytes([stream]) + time.to_bytes(3, "big") + len(body).to_bytes(3, "big") + bytes([kind])
    head += struct.pack("<I", message_stream)
    pieces = [body[start : start + chunk] for start in range(0, len(body), chunk)] or [b""]
    return head + bytes([0xC0 | stream]).join(pieces)


def rtmp():
    connect = command("connect", 1, {"app": "live", "type": "nonprivate", "tcUrl": "rtmp://localhost/live", "fpad": False})
    write("amf", "connect", connect)
    write("amf", "publish", command("publish", 5, None, "cam?token=x", "live"))
    write("amf", "metadata", b"\x02\x00\x0aonMetaData\x08\x00\x00\x00\x01\x00\x05width" + amf(640) + b"\x00\x00\x09")
    write("amf", "array", b"\x0a\x00\x00\x00\x02" + amf("a") + amf(None) + b"\x0b" + bytes(10) + b"\x0c\x00\x00\x00\x01x")
    commands = (
        message(3, 20, connect)
        + message(3, 20, command("releaseStream", 2, None, "cam"))
        + message(3, 20, command("FCPublish", 3, None, "cam"))
        + message(3, 20, command("createStream", 4, None))
        + message(8, 20, command("publish", 5, None, "cam", "live"), message_stream=1)
    )
    media = b"".join(
        message({8: 4, 9: 6, 18: 4}[kind], kind, body, time, 1) for kind, time, body in flv_tags() if kind in (8, 9, 18)
    )
    handshake = b"\x03" + bytes(8) + RANDOM.randbytes(1528) + RANDOM.randbytes(1536)
    write("rtmp", "session", b"\xff" + handshake + commands + media[:4000])
    write("rtmp", "in-small-pieces", b"\x00" + handshake + commands)
    write("chunks", "commands", commands)
    write("chunks", "media", media[:3000])
    write("chunks", "control", message(2, 1, struct.pack("!I", 4096)) + message(2, 2, struct.pack("!I", 3)) + message(2, 5, struct.pack("!I", 1 << 20)))
    write("chunks", "extended-time", b"\x03\xff\xff\xff\x00\x00\x04\x14" + bytes(4) + b"\x01\x00\x00\x00body\xc3\x01\x00\x00\x00")


def signaling():
    texts = (
        '{"type":"authenticate","id":1,"token":"abc","resume":{"session":"0123","event":7}}',
        '{"type":"join","id":2,"room":"lobby","namespace":"acme","name":"Ada \\ud83d\\ude00","metadata":{"a":[1,-0.5e+3,true,null]}}',
        '{"type":"send","text":"hello","to":"p1"}',
        '{"type":"kick","participant":"p1","reason":"spam"}',
    )
    for index, text in enumerate(texts):
        write("signaling", f"text-{index}", text.encode())
    write("signaling", "binary", b"\x01\x02p1payload")
    write("signaling", "binary-to-all", b"\x01\x00payload")


def hls():
    for index, name in enumerate(("index.m3u8", "audio.m3u8", "video-5-7-init.mp4", "video-5-7.m4s", "audio-5-7-3.m4s")):
        write("hls-request", f"name-{index}", name.encode())
    write("hls-request", "query", b"_HLS_msn=12&_HLS_part=3&_HLS_skip=YES&a=b")

    def frames(steps):
        """Sound and picture in turn; 4 marks a key frame and 2 a step that may be large or go back."""
        content = b""
        for flags, step in steps:
            content += struct.pack("!Bh", flags, step)
        return content

    steady = [step for index in range(140) for step in ((4 if index % 30 == 0 else 0, 33), (1, 20), (1, 13))]
    write("hls-frames", "steady", frames(steady))
    write("hls-frames", "jumps", frames([*steady[:200], (2, 20000), (3, 20000), *steady[:120], (2, -5000), *steady[:100]]))
    write("hls-frames", "two-publishers", frames([*steady[:200], (255, 0), *steady[:200]]))
    write("hls-frames", "sound-alone", frames([*steady[:60], *((1, 20) for _ in range(400))]))


def mp4():
    def box(kind, content):
        return struct.pack("!I", len(content) + 8) + kind + content

    def full(kind, content, version=0, flags=0):
        return box(kind, struct.pack("!I", version << 24 | flags) + content)

    def track(number, handler, entry, width, height, scale):
        header = full(b"tkhd", bytes(8) + struct.pack("!I", number) + bytes(60) + struct.pack("!II", width << 16, height << 16), flags=7)
        table = box(b"stbl", full(b"stsd", struct.pack("!I", 1) + box(entry, bytes(28))) + full(b"stts", bytes(4)))
        clock = full(b"mdhd", bytes(8) + struct.pack("!III", scale, 0, 0x55C40000))
        return box(b"trak", header + box(b"mdia", clock + full(b"hdlr", bytes(4) + handler + bytes(13)) + box(b"minf", table)))

    def fragment(number, run):
        header = full(b"tfhd", struct.pack("!III", number, 3000, 0x2000000), flags=0x020028)
        return box(b"traf", header + full(b"tfdt", struct.pack("!Q", 1 << 33), version=1) + run)

    tracks = track(1, b"vide", b"avc1", 640, 360, 90000) + track(2, b"soun", b"Opus", 0, 0, 48000)
    write("mp4", "movie", full(b"mvhd", bytes(96)) + tracks)
    alike = full(b"trun", struct.pack("!II", 3, 200) + struct.pack("!III", 10, 20, 30), version=1, flags=0x201)
    samples = struct.pack("!IIIi", 3000, 10, 0x2000000, 0) + struct.pack("!IIIi", 3000, 20, 0x1010000, 3000)
    each = full(b"trun", struct.pack("!II", 2, 200) + samples, version=1, flags=0xF01)
    write("mp4", "fragment", full(b"mfhd", struct.pack("!I", 7)) + fragment(1, alike) + fragment(2, each))
    entries = struct.pack("!QQBBB", 0, 1000, 1, 1, 1) + struct.pack("!QQBBB", 90000, 90000, 1, 1, 1)
    index = full(b"tfra", struct.pack("!III", 1, 0, 2) + entries, version=1)
    write("mp4", "index", box(b"mfra", index + full(b"mfro", struct.pack("!I", len(index) + 24))))
    write("mp4", "tail", full(b"mfro", struct.pack("!I", 90)))


if __name__ == "__main__":
    for make in (stun, rtp, rtcp, sdp, codecs, depacketizers, rtmp, signaling, hls, mp4):
        make()
