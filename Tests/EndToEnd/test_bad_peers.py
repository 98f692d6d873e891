"""Clients that were let in and misbehave: nobody else notices, and what is sound in what they send goes on."""

import threading
import time

import pytest

from harness import media, pion, rtmp
from harness.processes import wait_until
from harness.relay import Relay, is_dtls, is_media
from harness.watching import watch


@pytest.fixture(autouse=True)
def unharmed(gateway, bystander):
    yield
    assert gateway.program.running, gateway.program.tail(60)
    assert bystander.running, bystander.tail()


# WebRTC


def test_a_certificate_other_than_the_announced_one_is_refused(gateway, stream):
    publisher = pion.publish(gateway.whip(stream), media.h264_file(), wrong_fingerprint=True)
    wait_until(
        lambda: not publisher.running or any(state["state"] == "failed" for state in publisher.events("state")),
        20,
        lambda: publisher.tail(),
    )
    assert not publisher.connected, publisher.tail()
    publisher.stop()
    wait_until(lambda: gateway.stream(stream) is None, 20, lambda: str(gateway.streams()))
    assert "fingerprint" in gateway.program.log, gateway.program.tail()


def test_media_that_contradict_themselves_are_passed_over(gateway, stream):
    """A publisher and a viewer with the keys, whose packets lie about their lengths and contents."""
    with pion.publish(gateway.whip(stream), media.h264_file(), media.opus_file(), lies=True) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream(stream, ("video", "audio"))
        with pion.watch(gateway.whep(stream), seconds=6, lies=True) as liar:
            honest = pion.watch(gateway.whep(stream), seconds=5).summary(30)["tracks"]
            assert honest["video"]["frames"] >= 120 and honest["audio"]["frames"] >= 180, honest
            lied_to = liar.summary(30)["tracks"]
            assert lied_to["video"]["frames"] >= 120 and lied_to["audio"]["frames"] >= 180, lied_to
        assert publisher.running, publisher.tail()


def test_media_that_are_replayed_or_forged_are_refused(gateway, stream):
    recent = []

    def twice_and_again_later_and_spoilt(datagram):
        if not is_media(datagram):
            return [datagram]
        recent.append(datagram)
        spoilt = datagram[:-1] + bytes([datagram[-1] ^ 1])
        return [spoilt, datagram, datagram, recent[-min(len(recent), 40)], datagram[: len(datagram) // 2]]

    with Relay(gateway, to_gateway=twice_and_again_later_and_spoilt) as relay:
        with pion.publish(relay.url("whip", stream), media.h264_file(), media.opus_file()) as publisher:
            publisher.wait_connected()
            gateway.wait_for_stream(stream, ("video", "audio"))
            tracks = pion.watch(gateway.whep(stream), seconds=4).summary(30)["tracks"]
            for track in tracks.values():
                assert track["frames"] >= 100, tracks
                assert (track["missing"], track["duplicates"], track["backwardsTime"]) == (0, 0, 0), tracks
    assert len(recent) > 500


def test_a_handshake_that_is_left_to_rot_is_given_up(gateway, stream):
    flights = []

    def nothing_after_the_first(datagram):
        if is_dtls(datagram):
            flights.append(datagram)
            return [datagram] if len(flights) == 1 else []
        return [datagram]

    with Relay(gateway, to_gateway=nothing_after_the_first) as relay:
        with pion.publish(relay.url("whip", stream), media.h264_file()) as publisher:
            wait_until(lambda: len(flights) > 1, 10, lambda: publisher.tail())
            publisher.kill()
            # The time of a handshake and that of `publish.grace`: a session with media would be given 15 s more.
            wait_until(lambda: gateway.stream(stream) is None, 40, lambda: str(gateway.streams()), 0.5)


def test_a_picture_that_changes_its_size_goes_on(gateway, stream, chromium):
    with pion.publish(gateway.whip(stream), media.h264_file_of_two_sizes(), media.opus_file()) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream(stream)
        assert_shows_both_sizes(chromium, gateway, stream)


def assert_shows_both_sizes(chromium, gateway, stream):
    chromium.open(gateway.page("play", stream))
    chromium.wait_for_state("live")
    for width in (640, 320, 640):
        wait_until(
            lambda: chromium.run("return document.querySelector('video').videoWidth") == width,
            15,
            lambda: f"never {width} wide: {chromium.state} {chromium.detail} {chromium.statistics()}",
        )
    assert watch(chromium, 2).decoded >= 45


# RTMP


def play_film(publisher, film, begin=0, audio=True):
    """Sends a film in real time, its time stamps moved by `begin` milliseconds; returns where it ends."""
    tags = [tag for tag in rtmp.flv_tags(film) if tag[0] == rtmp.VIDEO or (audio and tag[0] == rtmp.AUDIO)]
    started = time.monotonic()
    for kind, at, body in tags:
        time.sleep(max(0.0, started + at / 1000 - time.monotonic()))
        publisher.send(kind, begin + at, body)
    return begin + tags[-1][1]


def test_time_stamps_that_jump_go_back_and_wrap(gateway, stream):
    film = media.flv_file(seconds=3)
    # From the beginning, an hour ahead, back, and over the end of the 32 bits.
    begins = [0, 3_600_000, 10_000, 2**32 - 1500, 1_500]
    with rtmp.Publisher(gateway, stream) as publisher:
        play_film(publisher, film)
        with pion.watch(gateway.whep(stream), seconds=3 * len(begins) - 1) as viewer:
            for begin in begins:
                play_film(publisher, film, begin)
            tracks = viewer.summary(30)["tracks"]
            for kind, count in (("video", 30), ("audio", 50)):
                track = tracks[kind]
                assert track["frames"] >= 0.85 * count * 3 * len(begins) - count, tracks
                assert (track["missing"], track["duplicates"], track["backwardsTime"]) == (0, 0, 0), tracks
                assert track["longestGapMs"] < 700, tracks


def test_an_rtmp_picture_that_changes_its_size_goes_on(gateway, stream, chromium):
    """A new sequence header in the middle, as from an encoder whose canvas was changed."""
    films = [media.flv_file(seconds=4), media.flv_file(seconds=4, size="320:180")]
    ended = threading.Event()

    def encode(publisher):
        at = 0
        while not ended.is_set():
            for film in films:
                at = play_film(publisher, film, at) + 33

    with rtmp.Publisher(gateway, stream) as publisher:
        encoder = threading.Thread(target=encode, args=(publisher,), daemon=True)
        encoder.start()
        try:
            gateway.wait_for_stream(stream, ("video", "audio"))
            assert_shows_both_sizes(chromium, gateway, stream)
        finally:
            ended.set()
            encoder.join(20)


def test_a_publisher_that_stops_in_the_middle_of_a_message(gateway, stream):
    film = media.flv_file(seconds=3)
    viewer = None
    with rtmp.Publisher(gateway, stream) as publisher:
        play_film(publisher, film)
        viewer = pion.watch(gateway.whep(stream), seconds=8).wait_connected()
        kind, at, body = next(tag for tag in rtmp.flv_tags(film) if tag[0] == rtmp.VIDEO and len(tag[2]) > 1000)
        publisher.send(kind, 3_100, body, upto=600)
    with rtmp.Publisher(gateway, stream) as publisher:
        play_film(publisher, film)
        video = viewer.summary(20)["tracks"]["video"]
        assert video["frames"] >= 80 and video["missing"] == 0, video
