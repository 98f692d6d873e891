"""Viewers that only a TURN server reaches, and the doctor's opinion of that server."""

import json
import re
import subprocess

import pytest

from harness.gateway import binary
from harness.processes import free_port
from harness.turn import SECRET, TURNServer
from harness.watching import assert_plays_well, watch

RELAY_ONLY = """
const Native = window.RTCPeerConnection;
window.connections = [];
window.RTCPeerConnection = class extends Native {
  constructor(configuration = {}) {
    super({ ...configuration, iceTransportPolicy: "relay" });
    window.connections.push(this);
  }
};
"""

SELECTED = """(async () => {
  const stats = await window.connections.at(-1).getStats();
  for (const transport of stats.values()) {
    const pair = transport.type === "transport" && stats.get(transport.selectedCandidatePairId);
    if (pair) {
      const local = stats.get(pair.localCandidateId);
      return { type: local.candidateType, protocol: local.relayProtocol };
    }
  }
  return null;
})()"""


def examine(setting):
    """What the doctor finds about the TURN server."""
    environment = {
        "MARTLET_WEBRTC_ICE_SERVERS": setting, "MARTLET_WEBRTC_ANNOUNCE": "127.0.0.1",
        "MARTLET_HTTP_PORT": str(free_port()), "MARTLET_RTMP_PORT": str(free_port()),
        "MARTLET_WEBRTC_PORT": str(free_port()),
    }  # fmt: skip
    done = subprocess.run([binary(), "doctor", "--json"], env=environment, capture_output=True, text=True, timeout=60)
    assert SECRET not in done.stdout + done.stderr
    checks = json.loads(done.stdout)["checks"]
    return {each["check"]: each for each in checks if each["check"].startswith("turn")}


@pytest.fixture(scope="module")
def turn():
    with TURNServer() as server:
        yield server


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_browser_behind_a_relay_plays(start_gateway, chromium, turn, transport):
    gateway = start_gateway(
        "demo", webrtc__announce="127.0.0.1", webrtc__ice_servers=turn.setting(transport), webrtc__tcp="false"
    )
    gateway.wait_for_stream("demo", ("video", "audio"))
    chromium.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": RELAY_ONLY})
    chromium.open(gateway.page("play", "demo"))
    chromium.wait_for_frames(30)
    assert_plays_well(watch(chromium), "H264")
    assert chromium.run_async(f"await {SELECTED}") == {"type": "relay", "protocol": transport}
    assert SECRET not in gateway.program.log and SECRET not in chromium.driver.page_source


def test_credentials_are_for_those_who_may_watch(start_gateway, turn):
    gateway = start_gateway(webrtc__ice_servers=turn.setting("udp"), auth__anonymous__play="nobody")
    answer = gateway.request("OPTIONS", "/whep/cam")
    assert answer.status == 200 and answer.headers["Link"] is None, answer
    created = subprocess.run(
        [binary(), "token", "create", "--stream", "cam", "--allow", "play", "--expires", "1h"],
        env=gateway.environment(), capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    answer = gateway.request("OPTIONS", "/whep/cam", headers={"Authorization": f"Bearer {created.stdout.strip()}"})
    assert re.search(r'rel="ice-server"; username="\d+:\w+"; credential="[^"]+"', answer.headers["Link"]), answer


def test_the_doctor_makes_real_allocations(turn):
    found = examine(turn.setting("udp", "tcp"))
    assert set(found) == {turn.url("udp"), turn.url("tcp")}
    for each in found.values():
        assert each["verdict"] == "ok" and "relays from 127.0.0.1:" in each["detail"], each


def test_the_doctor_knows_a_quota():
    """A user may have one address here, and coturn counts one that was given back for some time yet."""
    with TURNServer("--user-quota=1") as server:
        found = examine(server.setting("udp", "tcp"))
        assert found[server.url("udp")]["verdict"] == "ok", found
        refused = found[server.url("tcp")]
        assert refused["verdict"] == "failed" and refused["detail"].startswith("486"), refused
        assert "user-quota" in refused["cure"]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_the_doctor_knows_a_wrong_secret(turn, transport):
    (found,) = examine(turn.setting(transport, secret="another-secret")).values()
    assert found["verdict"] == "failed" and found["detail"].startswith("401"), found
    assert "static-auth-secret" in found["cure"]


def test_the_doctor_knows_a_relay_that_does_not_reach_the_gateway():
    """The configuration as it is shipped: nothing on loopback is relayed to."""
    with TURNServer(relays_to_loopback=False) as server:
        (found,) = examine(server.setting("udp")).values()
        assert found["verdict"] == "failed" and "does not relay to this gateway" in found["detail"], found
        assert "allowed-peer-ip=127.0.0.1" in found["cure"]


@pytest.mark.parametrize(("transport", "words"), [("udp", "refused|no answer"), ("tcp", "refused")])
def test_the_doctor_knows_that_nothing_is_there(transport, words):
    url = f"turn:127.0.0.1:{free_port()}?transport={transport}"
    (found,) = examine(f"{url} secret={SECRET}").values()
    assert found["verdict"] == "failed" and re.search(words, found["detail"], re.IGNORECASE), found
    assert found["cure"].startswith("start the TURN server")
