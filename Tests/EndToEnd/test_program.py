"""The program itself: the demo, the token command, and signals."""

import json
import os
import pty
import re
import signal
import socket
import subprocess
import time

import pytest

from harness import media, pion
from harness.gateway import binary
from harness.offers import offer
from harness.processes import wait_until
from harness.watching import assert_plays_well, watch


def test_the_demo_plays_with_clock_and_beep(start_gateway, chromium):
    gateway = start_gateway("demo")
    assert f"{gateway.http_port}/play/demo" in gateway.program.log, gateway.program.tail()
    gateway.wait_for_stream("demo", ("video", "audio"))
    chromium.open(gateway.page("play", "demo"))
    chromium.wait_for_frames(30)
    assert_plays_well(watch(chromium), "H264")
    chromium.screenshot("demo")


def test_a_token_opens_what_it_names_and_nothing_else(start_gateway):
    gateway = start_gateway(auth__anonymous__publish="nobody", auth__anonymous__play="nobody")
    created = subprocess.run(
        [binary(), "token", "create", "--stream", "cam", "--allow", "publish,play", "--expires", "1h"],
        env={**gateway.environment()}, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert created.returncode == 0, created.stderr
    token = re.search(r"[\w-]+\.[\w-]+\.[\w-]+", created.stdout).group(0)
    refused = pion.publish(gateway.whip("cam"), media.h264_file(), seconds=2)
    refused.wait(30)
    assert any("401" in event["message"] for event in refused.events("error")), refused.tail()
    other = pion.publish(gateway.whip("other"), media.h264_file(), seconds=2, token=token)
    other.wait(30)
    assert any("403" in event["message"] for event in other.events("error")), other.tail()
    with pion.publish(gateway.whip("cam"), media.h264_file(), token=token) as publisher:
        publisher.wait_connected()
        time.sleep(1)
        tracks = pion.watch(gateway.whep("cam"), seconds=2, token=token).summary(30)["tracks"]
        assert tracks["video"]["frames"] > 30
    with media.publish_rtmp(gateway.rtmp("cam") + f"?token={token}") as encoder:
        time.sleep(3)
        assert encoder.running, encoder.tail()
    unknown = media.publish_rtmp(gateway.rtmp("cam") + "?token=wrong")
    assert unknown.wait(15) != 0
    assert token not in gateway.program.log


def own_address():
    """The address that other machines would use, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: the system only chooses the way.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = probe.getsockname()[0]
    return None if address.startswith("127.") else address


def test_a_terminal_is_shown_how_to_publish_from_other_machines(start_gateway):
    """The addresses work as they stand: from an address that is not loopback, with the token in them."""
    if own_address() is None:
        pytest.skip("this machine has no address but loopback")
    controller, terminal = pty.openpty()
    gateway = start_gateway(http__host="0.0.0.0", rtmp__host="0.0.0.0", terminal=terminal)
    os.close(terminal)
    os.set_blocking(controller, False)
    shown = ""

    def address():
        nonlocal shown
        try:
            shown += os.read(controller, 65536).decode()
        except BlockingIOError:
            pass
        found = re.search(r"rtmp://(?!localhost)\S+token=\S+", shown)
        return found and found.group(0)

    url = wait_until(address, 10, lambda: shown)
    with media.publish_rtmp(url) as encoder:
        name = re.search(r"/live/([^?]+)", url).group(1)
        wait_until(lambda: gateway.stream(name), 15, lambda: f"{url}\n{encoder.tail()}")
    with media.publish_rtmp(re.sub(r"\?.*", "", url)) as encoder:
        assert encoder.wait(15) != 0
    os.close(controller)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_an_idle_gateway_at_once(start_gateway, number):
    gateway = start_gateway()
    begun = time.monotonic()
    gateway.program.signal(number)
    assert gateway.program.wait(10) == 0, gateway.program.tail()
    assert time.monotonic() - begun < 3


def test_a_signal_drains_and_a_second_one_ends(start_gateway):
    gateway = start_gateway(shutdown__grace="20s")
    with pion.publish(gateway.whip("cam"), media.h264_file()) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream("cam")
        viewer = pion.watch(gateway.whep("cam"), seconds=30).wait_connected()
        gateway.program.signal(signal.SIGTERM)
        time.sleep(1)
        assert gateway.program.running, gateway.program.tail()
        assert gateway.request("GET", "/health/ready").status == 503
        answer = gateway.request("POST", "/whep/cam", "v=0", {"Content-Type": "application/sdp"})
        assert answer.status == 503 and answer.headers["Retry-After"], answer
        gateway.program.signal(signal.SIGTERM)
        gateway.program.wait(5)
        viewer.stop()


def test_offers_that_never_connect_do_not_hold_a_shutdown(start_gateway):
    gateway = start_gateway(shutdown__grace="20s")
    answer = gateway.request("POST", "/whip/cam", offer(), {"Content-Type": "application/sdp"})
    assert answer.status == 201, answer
    begun = time.monotonic()
    gateway.program.signal(signal.SIGTERM)
    assert gateway.program.wait(10) == 0, gateway.program.tail()
    assert time.monotonic() - begun < 3


def test_the_doctor_names_cause_and_cure(start_gateway, tmp_path):
    gateway = start_gateway()
    environment = {**gateway.environment(), "MARTLET_DATA_DIRECTORY": str(tmp_path / "data")}
    examined = subprocess.run(
        [binary(), "doctor", "--json"], env=environment, capture_output=True, text=True, timeout=60
    )
    assert examined.returncode != 0
    report = json.loads(examined.stdout)
    assert not report["ok"]
    failed = {check["check"]: check for check in report["checks"] if check["verdict"] == "failed"}
    assert set(failed) == {"http port", "rtmp port", "media port"}, failed
    for check in failed.values():
        assert "in use by martlet (process" in check["detail"] and check["cure"], check
    assert not (tmp_path / "data").exists(), "an examination leaves nothing behind"
