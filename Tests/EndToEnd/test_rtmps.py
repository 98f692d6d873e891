"""RTMP over TLS, by encoders and by our own client."""

import json
import signal
import subprocess

import pytest

from harness import certificates, media, peers
from harness.gateway import binary
from harness.processes import Program, free_port, wait_until


@pytest.fixture
def pair():
    return certificates.self_signed("rtmps")


@pytest.fixture
def gateway(start_gateway, pair):
    gateway = start_gateway(**pair.settings, rtmps__port=free_port())
    gateway.rtmps = f"rtmps://127.0.0.1:{gateway.settings['rtmps.port']}/live/cam"
    return gateway


@pytest.mark.parametrize("encoder", ["ffmpeg of Debian", "current ffmpeg", "GStreamer", "Martlet"])
def test_an_encoder_publishes(gateway, pair, encoder):
    publisher = {
        "ffmpeg of Debian": lambda: media.publish_rtmp(gateway.rtmps),
        # It looks at certificates, which the other one does not unless it is told to.
        "current ffmpeg": lambda: media.publish_rtmp(
            gateway.rtmps, media.ffmpeg_new(), extra=("-ca_file", pair.certificate)
        ),
        "GStreamer": lambda: peers.gstreamer_rtmp(gateway.rtmps),
        "Martlet": lambda: Program(
            [binary(), "publish", gateway.rtmps, "--ca", pair.certificate, "--test-pattern"], "publish"
        ),
    }[encoder]
    with publisher() as program:
        gateway.wait_for_stream("cam", ("video", "audio"))
        played = subprocess.run(
            [binary(), "play", gateway.whep("cam"), "--insecure", "--duration", "2s", "--json"],
            capture_output=True, text=True, timeout=40,
        )  # fmt: skip
        assert played.returncode == 0, played.stderr
        figures = json.loads(played.stdout)
        assert min(figures[kind]["frames"] for kind in ("video", "audio")) > 10, figures
        assert program.running, program.tail()


def test_a_publisher_goes_on_when_the_certificate_changes(gateway, pair):
    def new_connection(certificate):
        return subprocess.run(
            [binary(), "publish", gateway.rtmps + "-new", "--ca", certificate, "--test-pattern", "--duration", "1s"],
            capture_output=True, text=True, timeout=40,
        )  # fmt: skip

    with media.publish_rtmp(gateway.rtmps) as encoder:
        gateway.wait_for_stream("cam", ("video", "audio"))
        before = certificates.Pair("rtmps-before")
        pair.copy_to(before)
        certificates.self_signed("rtmps-next").copy_to(pair)
        gateway.program.signal(signal.SIGHUP)
        wait_until(lambda: "Certificate read again" in gateway.program.log, 10, gateway.program.tail)
        refused = new_connection(before.certificate)
        assert refused.returncode != 0 and "--ca FILE, or --insecure" in refused.stderr, refused
        assert new_connection(pair.certificate).returncode == 0
        assert encoder.running, encoder.tail()
        assert gateway.stream("cam")["state"] == "live"


def test_without_a_certificate_there_is_none(start_gateway):
    gateway = start_gateway(ready=False, rtmps__port=free_port())
    assert gateway.program.wait(20) != 0
    assert "rtmps.port: there is no certificate; set http.tls.certificate" in gateway.program.log
