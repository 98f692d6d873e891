"""WHIP and WHEP over HTTP, and the pages: status codes, headers, and the contract's small print."""

import json
import re

import pytest

from harness import media, pion
from harness.offers import offer

SDP = {"Content-Type": "application/sdp"}
FRAGMENT = "application/trickle-ice-sdpfrag"


@pytest.fixture(scope="module")
def live(gateway):
    with pion.publish(gateway.whip("live-one"), media.h264_file()) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream("live-one")
        yield "live-one"


def problem(answer):
    """The problem of an answer, which must be one."""
    assert answer.headers["Content-Type"].split(";")[0] == "application/problem+json", answer
    content = answer.json
    assert content["type"] and content["detail"] and content["status"] == answer.status, content
    return content


def test_watching_a_stream_that_nobody_publishes(gateway):
    answer = gateway.request("POST", "/whep/nobody", offer("recvonly"), SDP)
    assert answer.status == 409, answer
    assert 0 < float(answer.headers["Retry-After"]) <= 10
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    problem(answer)


def test_a_session_has_an_address_a_tag_and_an_end(gateway, live):
    answer = gateway.request("POST", f"/whep/{live}", offer("recvonly"), SDP)
    assert answer.status == 201, answer
    assert answer.headers["Content-Type"] == "application/sdp"
    assert answer.headers["Location"].startswith(f"/whep/{live}/")
    tag = answer.headers["ETag"]
    assert tag.startswith('"') and tag.endswith('"')
    exposed = {name.strip().lower() for name in answer.headers["Access-Control-Expose-Headers"].split(",")}
    assert {"location", "etag", "link", "retry-after"} <= exposed
    assert "a=setup:passive" in answer.text and "a=ice-lite" in answer.text
    session = answer.headers["Location"]

    def patch(fragment, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return gateway.request("PATCH", session, fragment, {"Content-Type": FRAGMENT, **headers})

    candidates = "m=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
    candidates += "a=candidate:1 1 udp 2122194687 127.0.0.1 40000 typ host\r\na=end-of-candidates\r\n"
    trickle = "".join(re.findall(r"a=ice-(?:ufrag|pwd):.*\r\n", offer("recvonly"))[:2]) + candidates
    assert patch(trickle, If_Match=tag).status == 204
    for refused, status in [
        (patch(trickle), 428),
        (patch(trickle, If_Match='"another"'), 412),
        (gateway.request("PATCH", session, trickle, {"Content-Type": "text/plain", "If-Match": tag}), 415),
    ]:
        assert refused.status == status, refused
        assert refused.headers["Access-Control-Allow-Origin"] == "*"
        problem(refused)
    # None of it has ended the session.
    assert patch(trickle, If_Match=tag).status == 204

    # Other credentials restart ICE: ours are new too, and so is the tag.
    restart = "a=group:BUNDLE 0 1\r\n" + candidates.replace(
        "a=candidate", "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=candidate"
    )
    restarted = patch(restart, If_Match="*")
    assert restarted.status == 200, restarted
    assert restarted.headers["Content-Type"] == FRAGMENT
    assert restarted.headers["ETag"] != tag
    lines = restarted.text.split("\r\n")
    assert lines[:2] == ["a=ice-lite", "a=group:BUNDLE 0 1"] and "a=mid:0" in lines
    ours = {line for line in lines if line.startswith(("a=ice-ufrag", "a=ice-pwd"))}
    assert len(ours) == 2 and not any(line in answer.text for line in ours)
    assert any(line.startswith("a=candidate") and " udp " in line for line in lines)
    assert any(line.startswith("a=candidate") and line.endswith("tcptype passive") for line in lines)
    assert patch(restart, If_Match=tag).status == 412
    assert patch(restart, If_Match=restarted.headers["ETag"]).status == 204
    assert gateway.request("DELETE", answer.headers["Location"]).status == 200
    assert gateway.request("DELETE", answer.headers["Location"]).status == 404


@pytest.mark.parametrize("endpoint", ["/whip/some", "/whep/some"])
def test_options_answer_without_a_token(gateway, endpoint):
    answer = gateway.request(
        "OPTIONS", endpoint, headers={"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    )
    assert answer.status == 200, answer
    assert answer.headers["Accept-Post"] == "application/sdp"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("POST", "/whep/x", "v=0", {"Content-Type": "text/plain"}, 415),
        ("POST", "/whip/x", "not an offer", SDP, 400),
        ("POST", "/whip/x", "", SDP, 400),
        ("POST", "/whip/x", "v=0\r\n" * 40000, SDP, 413),
        ("PUT", "/whip/x", "v=0", SDP, 405),
        ("DELETE", "/whep/x/unknown", None, {}, 404),
        ("PATCH", "/whep/x/unknown", "", {"Content-Type": "application/trickle-ice-sdpfrag"}, 404),
        ("GET", "/nothing/here", None, {}, 404),
    ],
)
def test_refusals_are_problems_with_a_reason(gateway, method, path, body, headers, status):
    answer = gateway.request(method, path, body, headers)
    assert answer.status == status, answer
    problem(answer)


@pytest.mark.parametrize("name", ["..", ".hidden", "%2e%2e", "a%2fb", "a b", "a" * 129, "%00", "ü"])
def test_names_that_are_none(gateway, name):
    path = f"/whip/{name}".replace(" ", "%20").replace("ü", "%C3%BC")
    answer = gateway.request("POST", path, offer(), SDP)
    assert answer.status in (400, 404), answer


def test_the_newest_publisher_has_the_stream(gateway, stream):
    """Anonymous publishers on this machine have the same right: an encoder that returns is back at once."""
    with pion.publish(gateway.whip(stream), media.h264_file()) as first:
        first.wait_connected()
        gateway.wait_for_stream(stream)
        with pion.publish(gateway.whip(stream), media.h264_file()) as second:
            second.wait_connected()
            assert first.summary(20)["reason"] == "ended"
            assert gateway.wait_for_stream(stream)


def test_a_takeover_can_be_rejected(start_gateway, stream):
    gateway = start_gateway(publish__takeover="reject")
    with pion.publish(gateway.whip(stream), media.h264_file()) as first:
        first.wait_connected()
        gateway.wait_for_stream(stream)
        answer = gateway.request("POST", f"/whip/{stream}", offer(), SDP)
        assert answer.status == 409, answer
        problem(answer)
        assert first.running


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
        {"Origin": "https://evil.example"},
        {"Host": "gateway.example"},
        {"Authorization": "Bearer not.a.token"},
    ],
)
def test_only_true_loopback_publishes_without_a_credential(gateway, headers):
    answer = gateway.request("POST", "/whip/stranger", offer(), {**SDP, **headers})
    assert answer.status in (401, 403), answer
    problem(answer)
    assert "not.a.token" not in answer.text


def test_probes_and_the_list_of_streams(gateway, live):
    assert gateway.request("GET", "/health/live").status == 200
    assert gateway.request("GET", "/health/ready").status == 200
    status = gateway.stream(live)
    assert status["state"] == "live" and status["source"] == "whip"
    track = next(track for track in status["tracks"] if track["kind"] == "video")
    assert track["codec"].replace(".", "").upper() == "H264"
    single = gateway.request("GET", f"/api/v1/streams/{live}")
    assert single.status == 200 and single.json["name"] == live
    problem(gateway.request("GET", "/api/v1/streams/nobody"))


@pytest.mark.parametrize("path", ["/", "/play/cam", "/publish/cam"])
def test_pages_are_strict(gateway, path):
    answer = gateway.request("GET", path)
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/html")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"]
    for reference in [part.split('"')[0] for part in answer.text.split('="/assets/')[1:]]:
        asset = gateway.request("GET", f"/assets/{reference}")
        assert asset.status == 200, reference
        tagged = gateway.request("GET", f"/assets/{reference}", headers={"If-None-Match": asset.headers["ETag"]})
        assert tagged.status == 304
    assert gateway.request("GET", "/assets/..%2fPackage.swift").status == 404


def test_problems_hold_neither_a_token_nor_an_offer(gateway):
    answer = gateway.request("POST", "/whip/x?token=s3cr3t", "v=0\r\no=s3cr3t-session", SDP)
    assert answer.status >= 400
    assert "s3cr3t" not in json.dumps(answer.json)
