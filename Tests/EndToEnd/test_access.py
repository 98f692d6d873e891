"""Who may do what: each kind of credential at each way in, and what ends with it."""

import base64
import json
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
    return gateway.request("GET", f"/api/v1/streams/{stream}", headers=bearer(admin)).json.get("state") == "live"


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
    made = {"anonymous": None}
    admin = make_token(guarded, ADMIN, "admin")
    for name, stream in (("one", "cam"), ("all", ADMIN)):
        allow = "publish,play,admin"
        made["right", name] = make_token(guarded, stream, allow)
        made["expired", name] = make_token(guarded, stream, allow, "1s")
        made["revoked", name] = make_token(guarded, stream, allow)
        answer = revoke(guarded, admin, made["revoked", name])
        assert answer.status == 204, answer
    made["wrong"] = made["right", "all"].rsplit(".", 1)[0] + "." + "A" * 43
    made["other stream"] = make_token(guarded, "elsewhere", "publish,play,admin")
    made["admin"] = admin
    time.sleep(1.2)
    return made


# Requests that are refused before anything else is looked at; the last are for what shows the inside.
WAYS = {
    "WHIP": ("POST", "/whip/{}"),
    "WHEP": ("POST", "/whep/{}"),
    "HLS": ("GET", "/hls/{}/index.m3u8"),
    "HLS media": ("GET", "/hls/{}/video-1-1.m4s"),
    "API": ("GET", "/api/v1/streams/{}"),
    "API sessions": ("GET", "/api/v1/streams/{}/sessions"),
    "API recorder": ("POST", "/api/v1/streams/{}/recording"),
    "API recordings": ("GET", "/api/v1/recordings?stream={}"),
    "API recording": ("GET", "/api/v1/recordings/{}-20260101T000000000Z"),
    "API all streams": ("GET", "/api/v1/streams"),
    "metrics": ("GET", "/metrics"),
}
ALL = ("API all streams", "metrics")


def knock(gateway, way, token, stream="cam"):
    """An answer to a request by this way."""
    method, path = WAYS[way]
    body = {"WHIP": offer(), "WHEP": offer("recvonly")}.get(way)
    return gateway.request(method, path.format(stream), body, {**(SDP if body else {}), **bearer(token)})


def refusals(gateway, admin, reason):
    name = f'martlet_refusals_total{{reason="{reason}"}}'
    text = gateway.request("GET", "/metrics", headers=bearer(admin)).text
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


# What each kind of credential gets, and the reason that problems, logs and metrics name. RTMP knows no statuses.
TABLE = {
    "anonymous": (401, "credential-missing"),
    "wrong": (401, "credential-wrong"),
    "expired": (401, "credential-expired"),
    "revoked": (401, "credential-revoked"),
    "other stream": (403, "stream-not-allowed"),
}
# A good credential gets as far as the stream, which nobody publishes.
RIGHT = {
    "WHIP": 201, "WHEP": 409, "HLS": 404, "HLS media": 404, "API": 404, "API sessions": 404, "API recorder": 409,
    "API recordings": 200, "API recording": 404, "API all streams": 200, "metrics": 200,
}  # fmt: skip


def credential(tokens, who, way=None):
    return tokens[who] if who in tokens else tokens[who, "all" if way in ALL else "one"]


@pytest.mark.parametrize("who", TABLE)
@pytest.mark.parametrize("way", WAYS)
def test_whoever_has_no_right_is_told_why(guarded, tokens, who, way):
    token = credential(tokens, who, way)
    answer = knock(guarded, way, token)
    status, reason = TABLE[who]
    assert (answer.status, answer.json["type"]) == (status, f"urn:martlet:problem:{reason}"), answer
    assert answer.json["status"] == status and answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer") and "Set-Cookie" not in answer.headers
    assert not token or token not in answer.text + str(answer.headers)


@pytest.mark.parametrize("way", WAYS)
def test_whoever_has_the_right_gets_on(guarded, tokens, way):
    answer = knock(guarded, way, tokens["right", "all"], way.replace(" ", "-"))
    assert answer.status == RIGHT[way], answer


@pytest.mark.parametrize("who", TABLE)
def test_an_encoder_without_the_right_is_told_why(guarded, tokens, who):
    token, reason = credential(tokens, who), TABLE[who][1]
    before = refusals(guarded, tokens["admin"], reason)
    with media.publish_rtmp(guarded.rtmp("cam") + (f"?token={token}" if token else "")) as encoder:
        wait_until(lambda: not encoder.running, 10, encoder.tail)
        assert encoder.process.returncode != 0
        assert not token or token not in encoder.log.replace(f"?token={token}", "")
    assert refusals(guarded, tokens["admin"], reason) == before + 1


def test_an_encoder_with_the_right_publishes(guarded, tokens):
    with media.publish_rtmp(guarded.rtmp("encoder") + f"?token={tokens['right', 'all']}") as encoder:
        wait_until(lambda: is_live(guarded, tokens["admin"], "encoder"), 10, encoder.tail)


@pytest.mark.parametrize("who", TABLE)
def test_a_refusal_does_not_tell_whether_there_is_a_stream(guarded, tokens, present, who):
    """What differs is the name that was asked for, and nothing else: no header, and no length."""
    absent = "x" * len(present)
    for way in WAYS:
        if way in ALL:
            continue
        seen = []
        for name in (present, absent):
            answer = knock(guarded, way, credential(tokens, who), name)
            headers = {key: value for key, value in answer.headers.items() if key not in ("Date", "Retry-After")}
            seen.append((answer.status, headers, answer.text.replace(name, "NAME")))
        assert seen[0] == seen[1] and seen[0][0] in (401, 403), (way, seen)


@pytest.fixture(scope="module")
def present(guarded, tokens):
    """A stream that is there, with a viewer by HLS, and which none of the bad tokens is for."""
    with media.publish_rtmp(guarded.rtmp("present") + f"?token={tokens['right', 'all']}") as encoder:
        admin = bearer(tokens["admin"])
        path = "/api/v1/streams/present"
        wait_until(lambda: guarded.request("GET", path, headers=admin).status == 200, 15, encoder.tail)
        playing = bearer(tokens["right", "all"])
        guarded.request("GET", "/hls/present/index.m3u8", headers=playing, timeout=30)
        yield "present"


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


def test_revocation_ends_the_cookie_of_a_page(guarded, tokens, present):
    watching = make_token(guarded, present, "play")
    path = f"/hls/{present}/index.m3u8"
    first = guarded.request("GET", path, headers=bearer(watching), timeout=30)
    assert first.status == 200, first
    cookie = {"Cookie": first.headers["Set-Cookie"].split(";")[0]}
    assert guarded.request("GET", path, headers=cookie).status == 200
    assert revoke(guarded, tokens["admin"], watching).status == 204
    assert guarded.request("GET", path, headers=cookie).status == 401


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
