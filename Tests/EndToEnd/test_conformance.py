"""`martlet conformance` against the gateway: every row that can be tried passes."""

import json
import subprocess

import pytest

from harness import media, pion
from harness.gateway import binary

# What a gateway without ICE servers, extensions and redirects has nothing to show for, and what takes a minute.
NOT_TRIED = {"offer.redirect", "offer.ice-servers", "offer.extensions", "end.abandoned"}
# What the gateway does not do yet; an entry that passes is an entry to delete.
NOT_YET = {
    "restart.answered", "restart.type", "restart.etag", "restart.credentials", "restart.attributes",
    "restart.old-tag", "counter-offer.location", "counter-offer.sdp", "counter-offer.valid-until",
    "counter-offer.answer",
}  # fmt: skip


def examine(url, *options):
    """The exit status and the report."""
    done = subprocess.run(
        [binary(), "conformance", url, "--json", *options], capture_output=True, text=True, timeout=300
    )
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    return done.returncode, json.loads(done.stdout)


def rows(report, verdict):
    return {row["id"]: f"{row['requirement']}: {row['seen']}" for row in report["rows"] if row["verdict"] == verdict}


@pytest.fixture(scope="module")
def live(gateway):
    with pion.publish(gateway.whip("live-one"), media.h264_file(), media.opus_file()) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream("live-one", ("video", "audio"))
        yield "live-one"


@pytest.mark.parametrize("kind", ["whip", "whep"])
def test_the_gateway_conforms(gateway, live, kind):
    status, report = examine(gateway.whep(live) if kind == "whep" else gateway.whip("conformance"))
    assert rows(report, "failed") == {}
    assert status == 0 and report["conforms"] and report["complete"]
    assert set(rows(report, "skipped")) - NOT_TRIED - NOT_YET == set(), rows(report, "skipped")
    assert NOT_YET & set(rows(report, "passed")) == set()
    assert gateway.stream("conformance") is None or gateway.stream("conformance")["state"] != "live"
    assert gateway.stream(live)["viewers"] == 0


def test_ice_servers_are_examined(start_gateway):
    gateway = start_gateway(webrtc__ice_servers="stun:stun.example.net,turn:turn.example.net secret=s3cr3t")
    status, report = examine(gateway.whip("conformance"))
    assert status == 0, rows(report, "failed")
    assert "offer.ice-servers" in rows(report, "passed"), report


def test_a_token_is_needed_and_stays_hidden(start_gateway):
    gateway = start_gateway(auth__anonymous__publish="nobody")
    status, report = examine(gateway.whip("cam"))
    assert status != 0 and "offer.created" in rows(report, "failed")
    created = subprocess.run(
        [binary(), "token", "create", "--stream", "cam", "--allow", "publish"],
        env=gateway.environment(), capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    token = created.stdout.strip()
    status, report = examine(gateway.whip("cam"), "--token", token)
    assert status == 0, rows(report, "failed")
    assert token not in json.dumps(report) and token not in gateway.program.log


def test_what_cannot_be_examined_is_said_in_one_line(gateway):
    for arguments in (["nonsense"], [gateway.http + "/nothing"], [gateway.whep("x"), "--hls"]):
        done = subprocess.run([binary(), "conformance", *arguments], capture_output=True, text=True, timeout=30)
        assert done.returncode != 0
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
