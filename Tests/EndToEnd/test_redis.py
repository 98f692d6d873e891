"""Gateways that share a real Redis, and a Redis that is killed, comes back empty, or stops."""

import base64
import json
import subprocess
import time

import pytest

from harness import media, pion
from harness.gateway import binary
from harness.offers import offer
from harness.processes import free_port, wait_until
from harness.redis import RedisServer

SDP = {"Content-Type": "application/sdp"}
SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def redis():
    with RedisServer() as server:
        yield server


@pytest.fixture
def two(start_gateway, redis):
    """Two gateways that know of each other."""
    gateways = [
        start_gateway("serve", redis__url=redis.url, node__id=name, auth__jwt__secret=SECRET) for name in ("one", "two")
    ]
    wait_until(lambda: all(names(each) == ["one", "two"] for each in gateways), 15, lambda: gateways[1].program.tail())
    return gateways


def names(gateway):
    return [node["id"] for node in gateway.request("GET", "/api/v1/nodes").json["nodes"]]


def health(gateway):
    answer = gateway.request("GET", "/health/ready")
    return answer.status, answer.json.get("redis")


def redis_up(gateway):
    lines = gateway.request("GET", "/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("martlet_redis_up "))


def publish(gateway, stream):
    publisher = pion.publish(gateway.whip(stream), media.h264_file(), media.opus_file())
    publisher.wait_connected()
    gateway.wait_for_stream(stream, ("video", "audio"))
    return publisher


def claim(redis, stream):
    fields = redis.ask("HGETALL", f"martlet:stream:{stream}")
    texts = [line for line in fields[1:] if line and line[0] != "$"]
    return dict(zip(texts[::2], texts[1::2], strict=False))


def test_a_stream_has_one_publisher_among_all_gateways(two, redis, stream):
    one, two = two
    assert health(one) == (200, "ok")
    assert redis_up(one) == 1
    with publish(one, stream):
        assert wait_until(lambda: claim(redis, stream).get("owner"), 5, "no claim") == "one"
        # Somebody else, who may not take it over.
        token = two.token(stream, "publish")
        answer = two.request(
            "POST", f"/whip/{stream}", offer(direction="sendonly"), {**SDP, "Authorization": f"Bearer {token}"}
        )
        assert (answer.status, answer.json["type"].rsplit(":", 1)[-1]) == (409, "stream-already-publishing"), answer
        assert answer.headers["Retry-After"]
        # The same publisher, who may: the one before is told that it is over.
        with publish(two, stream):
            assert wait_until(lambda: claim(redis, stream)["owner"] == "two", 5, "not taken over")
            wait_until(lambda: one.stream(stream)["state"] == "waiting", 5, lambda: one.program.tail())
            assert 'martlet_refusals_total{reason="stream.superseded"} 1' in one.request("GET", "/metrics").text
            assert two.stream(stream)["state"] == "live"
    # Who leaves gives up: anybody may have it at once.
    wait_until(lambda: claim(redis, stream)["owner"] != "two", 5, lambda: f"{claim(redis, stream)}")


def test_a_gateway_that_dies_is_forgotten(two, redis, stream):
    one, two = two
    with publish(one, stream):
        wait_until(lambda: claim(redis, stream).get("owner") == "one", 5, "no claim")
        one.program.kill()
        token = two.token(stream, "publish")

        def is_free():
            answer = two.request(
                "POST", f"/whip/{stream}", offer(direction="sendonly"), {**SDP, "Authorization": f"Bearer {token}"}
            )
            return answer.status == 201

        begun = time.monotonic()
        wait_until(is_free, 10, lambda: two.program.tail(), interval=0.2)
        assert time.monotonic() - begun < 5
        wait_until(lambda: names(two) == ["two"], 5, lambda: two.program.tail())


def test_a_token_that_is_revoked_on_one_gateway_ends_sessions_on_the_other(two, redis, stream):
    one, two = two
    token = one.token(stream, "publish")
    with pion.publish(two.whip(stream), media.h264_file(), media.opus_file(), token=token) as publisher:
        publisher.wait_connected()
        two.wait_for_stream(stream, ("video", "audio"))
        body = token.split(".")[1]
        said = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        revocation = json.dumps({"jti": said["jti"], "exp": said["exp"]})
        begun = time.monotonic()
        answer = one.request("POST", "/api/v1/tokens/revocations", revocation, {"Content-Type": "application/json"})
        assert answer.status == 204, answer
        wait_until(lambda: two.stream(stream)["state"] == "waiting", 5, lambda: two.program.tail())
        assert time.monotonic() - begun < 2
        headers = {**SDP, "Authorization": f"Bearer {token}"}
        assert two.request("POST", f"/whip/{stream}", offer(direction="sendonly"), headers).status == 401


@pytest.mark.parametrize(
    ("way", "seconds"), [("killed", 2), ("stopped", 3), pytest.param("stopped", 20, marks=pytest.mark.soak)]
)
def test_media_does_not_notice_that_redis_is_away(two, redis, stream, way, seconds):
    one, two = two
    with publish(one, stream), pion.watch(one.whep(stream), seconds=0) as viewer:
        viewer.wait_connected()
        wait_until(lambda: claim(redis, stream).get("owner") == "one", 5, "no claim")
        epoch = claim(redis, stream)["epoch"]
        if way == "killed":
            redis.kill()
        else:
            redis.pause()
        wait_until(lambda: health(one) == (200, "degraded"), 5, lambda: one.program.tail())
        assert redis_up(one) == 0
        assert one.request("GET", "/api/v1/nodes").json["state"] == "degraded"
        # Whoever comes here is served.
        begun = time.monotonic()
        with publish(one, f"{stream}-local"), pion.watch(one.whep(stream), seconds=2) as late:
            late.wait_connected()
            time.sleep(max(0, seconds - (time.monotonic() - begun)))
            if way == "killed":
                redis.start()
            else:
                redis.resume()
            back = time.monotonic()
            # What is true is there again, once.
            wait_until(
                lambda: names(two) == ["one", "two"] and health(one) == health(two) == (200, "ok"),
                10, lambda: one.program.tail(),
            )  # fmt: skip
            for name in (stream, f"{stream}-local"):
                wait_until(lambda name=name: claim(redis, name).get("owner") == "one", 10, lambda: one.program.tail())
            assert time.monotonic() - back < 5
            assert claim(redis, stream)["epoch"] == epoch
        viewer.stop()
        tracks = viewer.summary(10)["tracks"]
        for track in tracks.values():
            assert (track["missing"], track["duplicates"]) == (0, 0), tracks


def test_the_doctor_tells_what_is_wrong_with_redis():
    def examine(url):
        environment = {
            "MARTLET_REDIS_URL": url, "MARTLET_WEBRTC_ANNOUNCE": "127.0.0.1",
            "MARTLET_HTTP_PORT": str(free_port()), "MARTLET_RTMP_PORT": str(free_port()),
            "MARTLET_WEBRTC_PORT": str(free_port()),
        }  # fmt: skip
        done = subprocess.run([binary(), "doctor", "--json"], env=environment, capture_output=True, text=True, timeout=60)
        assert "hush-hush" not in done.stdout + done.stderr
        return next(each for each in json.loads(done.stdout)["checks"] if each["check"] == "redis")

    with RedisServer("--requirepass", "hush-hush") as server:
        right = examine(f"redis://:hush-hush@127.0.0.1:{server.port}")
        assert right["verdict"] == "ok", right
        wrong = examine(f"redis://127.0.0.1:{server.port}")
        assert wrong["verdict"] == "failed", wrong
        assert "password" in wrong["cure"], wrong
    away = examine(server.url)
    assert away["verdict"] == "failed", away
    assert "start Redis" in away["cure"], away
