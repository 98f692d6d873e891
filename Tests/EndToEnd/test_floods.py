"""Floods of connections, requests and datagrams: they are refused and counted, and media goes on."""

import os
import socket
import struct
import threading
import time

import pytest

from harness import media, pion
from harness.gateway import Gateway
from harness.offers import offer

SECONDS = 4
SDP = {"Content-Type": "application/sdp"}


@pytest.fixture(scope="module")
def limited():
    """Limits hold on this machine too, and are small."""
    settings = {
        "limits.loopback": "true", "limits.posts_per_minute": 60, "limits.posts_burst": 10,
        "limits.requests_per_minute": 6000, "limits.requests_burst": 300, "limits.rtmp_per_minute": 60,
        "limits.rtmp_burst": 10, "log.level": "info",
    }  # fmt: skip
    with Gateway(settings=settings, name="gateway-limited") as gateway:
        yield gateway
        assert gateway.program.running and gateway.is_ready()


@pytest.fixture(scope="module")
def viewer(limited):
    """Somebody who watches all the time, and must not miss a packet."""
    with pion.publish(limited.whip("calm"), media.h264_file(), media.opus_file()) as publisher:
        publisher.wait_connected()
        limited.wait_for_stream("calm", ("video", "audio"))
        with pion.watch(limited.whep("calm"), seconds=0) as watching:
            watching.wait_connected()
            yield watching
            watching.stop()
            video = watching.summary(10)["tracks"]["video"]
            assert (video["missing"], video["duplicates"]) == (0, 0), video
            assert video["longestGapMs"] < 1000, video


def scrape(gateway):
    """Metrics; whoever floods has used up the requests of this machine, so it may take a moment."""
    for _ in range(100):
        answer = gateway.request("GET", "/metrics")
        if answer.status == 200:
            return answer.text
        assert answer.status == 429, answer
        time.sleep(0.2)
    raise AssertionError("the flood is over, and still nobody is let in")


def refusals(text, reason):
    name = f'martlet_refusals_total{{reason="{reason}"}}'
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


def delays(text):
    """How many packets were forwarded within each time, in seconds."""
    counts = {}
    for line in text.splitlines():
        if line.startswith("martlet_forward_delay_seconds_bucket"):
            limit = line.split('le="')[1].split('"')[0]
            counts[float(limit.replace("+Inf", "inf"))] = float(line.split()[-1])
    return counts


def percentile(before, after, share):
    passed = {limit: after[limit] - before.get(limit, 0) for limit in sorted(after)}
    total = passed[float("inf")]
    assert total > 100, "no media went on meanwhile"
    return next(limit for limit, count in passed.items() if count >= share * total)


def flood(action, threads=2, pause=0.0):
    """Does something again and again for a few seconds; how often."""
    counts = [0] * threads
    end = time.monotonic() + SECONDS

    def run(index):
        while time.monotonic() < end:
            action()
            counts[index] += 1
            if pause:
                time.sleep(pause)

    running = [threading.Thread(target=run, args=(index,)) for index in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(SECONDS + 30)
    return sum(counts)


def connect(gateway):
    with socket.socket() as one:
        one.settimeout(2)
        try:
            one.connect(("127.0.0.1", gateway.rtmp_port))
            one.sendall(b"\x03" + bytes(1536))
            one.recv(1)
        except OSError:
            pass


def binding_request(username):
    """A Binding request with a user name and an integrity that is none (RFC 8489)."""
    name = username.encode()
    attributes = struct.pack("!HH", 0x0006, len(name)) + name + bytes(-len(name) % 4)
    attributes += struct.pack("!HH", 0x0008, 20) + os.urandom(20)
    return struct.pack("!HHI", 0x0001, len(attributes), 0x2112A442) + os.urandom(12) + attributes


def datagrams(gateway):
    """Bursts of Binding requests of nobody's sessions, and of bytes without a meaning."""
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def send():
        for _ in range(20):
            sender.sendto(binding_request("nobody00:somebody"), ("127.0.0.1", gateway.webrtc_port))
            sender.sendto(os.urandom(200), ("127.0.0.1", gateway.webrtc_port))

    return send


FLOODS = {
    "RTMP connections": (lambda gateway: lambda: connect(gateway), 0.005, "too-many-connects"),
    "sessions": (
        lambda gateway: lambda: gateway.request("POST", "/whep/calm", offer("recvonly"), SDP), 0.01, "too-many-requests",
    ),
    "requests": (lambda gateway: lambda: gateway.request("GET", "/health"), 0.001, "too-many-requests"),
    "datagrams": (datagrams, 0.005, None),
}  # fmt: skip


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_is_turned_away_and_media_goes_on(limited, viewer, name):
    make, pause, reason = FLOODS[name]
    before = scrape(limited)
    count = flood(make(limited), pause=pause)
    after = scrape(limited)
    p99 = percentile(delays(before), delays(after), 0.99)
    print(f"{name}: {count} in {SECONDS} s, p99 of forwarding at most {p99 * 1000:g} ms")
    assert count > 100
    assert p99 < 0.05
    if reason:
        assert refusals(after, reason) - refusals(before, reason) > 50
    assert viewer.running and limited.is_ready()


def test_whoever_is_turned_away_is_told_for_how_long(limited, viewer):
    answer = None
    for _ in range(30):
        answer = limited.request("POST", "/whep/calm", offer("recvonly"), SDP)
        if answer.status == 429:
            break
    assert answer.status == 429 and 1 <= int(answer.headers["Retry-After"]) <= 60, answer
    assert answer.json["type"].endswith("too-many-requests") and answer.headers["Access-Control-Allow-Origin"] == "*"
    time.sleep(int(answer.headers["Retry-After"]))
    assert limited.request("POST", "/whep/calm", offer("recvonly"), SDP).status == 201
