"""Who may do what: each kind of credential at each way in, and what ends with it."""

import base64
import json
import re
import subprocess
import time

import pytest

from harness import media, pion
from harness.gateway import Gateway, binary
from harness.offers import offer
from harness.processes import wait_until

SDP = {"Content-Type": "application/sdp"}
ADMIN = "*"


def make_token(gateway, stream, allow, expires="1h", *more):
    made = subprocess.run(
        [binary(), "token", "create", "--stream", stream, "--allow", allow, "--expires", expires, *more],
        env=gateway.environment(), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def claims(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def bearer(token):
    return {"Authorization": f"Bearer {token}"} if token else {}


def revoke(gateway, admin, token):
    said = claims(token)
    body = json.dumps({"jti": said["jti"], "exp": said["exp"]})
    return gateway.request(
        "POST", "/api/v1/tokens/revocations", body, {"Content-Type": "application/json", **bearer(admin)}
    )


def viewers(gateway, admin, stream):
    return gateway.request("GET", f"/api/v1/streams/{stream}/sessions", headers=bearer(admin)).json["sessions"]


def is_live(gateway, admin, stream):
    return gateway.request("GET", f"/api/v1/streams/{stream}", headers=bearer(admin)).json["state"] == "live"


@pytest.fixture(scope="module")
def guarded():
    """Everybody needs a credential, also on this machine."""
    settings = {f"auth.anonymous.{each}": "nobody" for each in ("publish", "play", "admin")}
    settings["limits.posts_burst"] = 1000
    with Gateway(settings=settings, name="gateway-guarded") as gateway:
        yield gateway


@pytest.fixture(scope="module")
def tokens(guarded):
    """Tokens by what is wrong with them, for stream `cam`, or for everything where there is no stream."""
    made = {"anonymous": None, "wrong": "eyJhbGciOiJIUzI1NiJ9.e30.AAAA"}
    admin = make_token(guarded, ADMIN, "admin")
    for name, stream in (("one", "cam"), ("all", ADMIN)):
        allow = "publish,play,admin"
        made["right", name] = make_token(guarded, stream, allow)
        made["expired", name] = make_token(guarded, stream, allow, "1s")
        made["revoked", name] = make_token(guarded, stream, allow)
        answer = revoke(guarded, admin, made["revoked", name])
        assert answer.status == 204, answer
    made["other stream"] = make_token(guarded, "elsewhere", "publish,play,admin")
    made["admin"] = admin
    time.sleep(1.2)
    return made


def knock(gateway, way, token):
    """The status that a credential gets: an HTTP status, or True and False for RTMP."""
    if way == "RTMP":
        with media.publish_rtmp(gateway.rtmp("cam") + (f"?token={token}" if token else "")) as encoder:
            try:
                wait_until(lambda: not encoder.running, 3, "")
            except AssertionError:
                return 201
            return 401
    method, path = {
        "WHIP": ("POST", "/whip/cam"), "WHEP": ("POST", "/whep/cam"), "API": ("GET", "/api/v1/streams"),
    }[way]  # fmt: skip
    body = {"WHIP": offer(), "WHEP": offer("recvonly"), "API": None}[way]
    answer = gateway.request(method, path, body, {**(SDP if body else {}), **bearer(token)})
    if answer.status in (401, 403):
        problem = answer.json
        assert problem["type"].startswith("urn:martlet:problem:") and "WWW-Authenticate" in answer.headers, answer
        assert not token or token not in answer.text
    return answer.status


# A good credential gets as far as the stream, of which a viewer is told that nobody publishes it.
TABLE = {
    "anonymous": {"WHIP": 401, "WHEP": 401, "RTMP": 401, "API": 401},
    "wrong": {"WHIP": 401, "WHEP": 401, "RTMP": 401, "API": 401},
    "expired": {"WHIP": 401, "WHEP": 401, "RTMP": 401, "API": 401},
    "revoked": {"WHIP": 401, "WHEP": 401, "RTMP": 401, "API": 401},
    "other stream": {"WHIP": 403, "WHEP": 403, "RTMP": 401, "API": 403},
    "right": {"WHIP": 201, "WHEP": 409, "RTMP": 201, "API": 200},
}


@pytest.mark.parametrize("who", TABLE)
@pytest.mark.parametrize("way", ["WHEP", "API", "RTMP", "WHIP"])
def test_who_may_do_what(guarded, tokens, who, way):
    token = tokens[who] if who in tokens else tokens[who, "all" if way == "API" else "one"]
    expected = TABLE[who][way]
    if way == "WHEP" and who == "right":
        # Whether another case publishes at the moment does not matter here.
        assert knock(guarded, way, token) in (201, 409)
    else:
        assert knock(guarded, way, token) == expected


def test_a_refusal_does_not_tell_whether_there_is_a_stream(guarded, tokens):
    answers = [
        guarded.request("POST", f"/whep/{name}", offer("recvonly"), {**SDP, **bearer(tokens["other stream"])})
        for name in ("cam", "nobody-ever-published-this")
    ]
    first, second = (re.sub(r"--stream \S+", "", answer.text) for answer in answers)
    assert first == second and {answer.status for answer in answers} == {403}


def test_revocation_ends_what_is_live(guarded, tokens):
    """A publisher and a viewer are gone within two seconds, and neither gets in again."""
    publishing, watching = (make_token(guarded, "live", each) for each in ("publish", "play"))
    with pion.publish(guarded.whip("live"), media.h264_file(), token=publishing) as publisher:
        publisher.wait_connected()
        with pion.watch(guarded.whep("live"), seconds=30, token=watching) as viewer:
            viewer.wait_connected()
            # Pion takes five seconds to notice what it is told at once, so the gateway is asked.
            assert len(viewers(guarded, tokens["admin"], "live")) == 1
            assert revoke(guarded, tokens["admin"], watching).status == 204
            wait_until(lambda: not viewers(guarded, tokens["admin"], "live"), 2, viewer.tail)
            assert publisher.running and viewer.running
            assert revoke(guarded, tokens["admin"], publishing).status == 204
            wait_until(lambda: not is_live(guarded, tokens["admin"], "live"), 2, publisher.tail)
            viewer.wait(15)
            publisher.wait(15)
    answer = guarded.request("POST", "/whep/live", offer("recvonly"), {**SDP, **bearer(watching)})
    assert answer.status == 401 and answer.json["type"].endswith("credential-revoked"), answer


def test_expiry_ends_an_encoder(guarded):
    token = make_token(guarded, "short", "publish", "5s")
    with media.publish_rtmp(guarded.rtmp("short") + f"?token={token}") as encoder:
        end = claims(token)["exp"]
        wait_until(lambda: not encoder.running, 15, encoder.tail)
        assert time.time() - end < 2.5


def test_no_log_holds_a_credential(guarded, tokens):
    secrets = [each for each in tokens.values() if each and each != tokens["wrong"]]
    secrets.append((guarded.data / "jwt.secret").read_text().strip())
    log = guarded.program.log
    assert not [secret for secret in secrets if secret in log]
