"""Several gateways: any of them serves any stream, over one link from the one that has it."""

import asyncio
import time

import pytest

import test_load as load
from harness import media, pion, signaling
from harness.impaired import ImpairedPath, Link
from harness.offers import offer
from harness.processes import wait_until
from harness.soak import setting
from test_extensions import SDP, Listener
from test_extensions import links as links_of


def links(gateway):
    """Sessions with other gateways, as the metrics count them."""
    for line in gateway.request("GET", "/metrics").text.splitlines():
        if line.startswith('martlet_sessions{kind="link"}'):
            return int(line.split()[-1])
    raise AssertionError("no such metric")


def counter(gateway, name):
    lines = gateway.request("GET", "/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


def pulls(gateway):
    return gateway.program.tail(10_000).count("stream pulled")


def publish(gateway, stream, video=None, **options):
    publisher = pion.publish(gateway.whip(stream), video or media.h264_file(), media.opus_file(), **options)
    publisher.wait_connected()
    gateway.wait_for_stream(stream, ("video", "audio"))
    return publisher


def test_many_viewers_of_an_edge_watch_by_one_link(cluster, stream):
    origin, edge = cluster("origin"), cluster("edge")
    with publish(origin, stream):
        viewers = [pion.watch(edge.whep(stream), seconds=6) for _ in range(8)]
        for viewer in viewers:
            viewer.wait_connected(30)
        assert (links(origin), links(edge), pulls(edge)) == (1, 1, 1)
        status = edge.stream(stream)
        assert (status["source"], status["viewers"]) == ("node", 8), status
        assert origin.stream(stream)["viewers"] == 0
        sessions = origin.request("GET", f"/api/v1/streams/{stream}/sessions").json["sessions"]
        assert [session["isNodeLink"] for session in sessions] == [True], sessions
        for viewer in viewers:
            tracks = viewer.summary(30)["tracks"]
            assert tracks["video"]["frames"] >= 60 and tracks["video"]["missing"] == 0, tracks
            assert tracks["audio"]["missing"] == 0, tracks
        assert pulls(edge) == 1
        # It ends five seconds after the last of them.
        wait_until(lambda: links(origin) == 0, 15, lambda: str(origin.streams()))
        assert edge.stream(stream) is None


def test_the_first_viewer_of_an_edge_has_a_picture_at_once(cluster, stream):
    origin, edge = cluster("origin"), cluster("edge")
    # Ten seconds from one key frame to the next, and none when asked for.
    with publish(origin, stream, video=media.h264_file(gop=300)):
        time.sleep(2)
        video = pion.watch(edge.whep(stream), seconds=3).summary(30)["tracks"]["video"]
        # From the request to the edge, with the link that it makes.
        assert 0 <= video["firstKeyMs"] < 1000, video
        assert video["missing"] == 0, video


def test_a_lossy_link_is_repaired_before_viewers_notice(cluster, stream):
    origin = cluster.prepare("origin")
    with ImpairedPath(origin, down=Link(loss=0.05, delay=0.01), up=Link(delay=0.01)) as path:
        # Other gateways reach it by the path alone.
        cluster.start(origin, url=path.url("", "").rstrip("/"))
        edge = cluster("edge")
        with publish(origin, stream, answer_pli=True):
            asked = counter(origin, 'martlet_keyframe_requests_total{direction="out"}')
            video = pion.watch(edge.whep(stream), seconds=8, pli=True).summary(40)["tracks"]["video"]
            assert path.down.lost >= 20
            assert video["frames"] >= 150 and video["missing"] <= 2, video
            assert counter(edge, 'martlet_nacks_total{direction="out"}') >= 20
            assert counter(origin, "martlet_retransmissions_total") >= 20
            assert counter(origin, 'martlet_keyframe_requests_total{direction="out"}') > asked


def test_viewers_go_on_when_the_publisher_moves(cluster, stream):
    first, second, edge = cluster("first"), cluster("second"), cluster("edge")
    publisher = publish(first, stream)
    with pion.watch(edge.whep(stream), seconds=0) as viewer:
        viewer.wait_connected(30)
        wait_until(lambda: edge.stream(stream)["tracks"][0]["packetsReceived"] > 100, 15, edge.program.tail)
        first.program.kill()
        publisher.kill()
        killed = time.monotonic()
        # Its lease ends after three seconds.
        time.sleep(3.5)
        returned = time.monotonic()
        with publish(second, stream):
            wait_until(lambda: links(second) == 1, 10, edge.program.tail)
            time.sleep(3)
            viewer.stop()
            video = viewer.summary(15)["tracks"]["video"]
        # The rest of the gap is the encoder's own start and the new link.
        assert video["longestGapMs"] / 1000 - (returned - killed) <= 3, video
        assert (video["missing"], video["duplicates"], video["backwardsTime"]) == (0, 0, 0), video
        assert pulls(edge) == 2


def test_a_gateway_that_goes_away_sends_its_clients_to_one_that_stays(cluster, stream):
    leaving, staying = cluster("leaving", shutdown__grace="8s"), cluster("staying")
    with publish(leaving, stream):
        session = leaving.request("POST", f"/whep/{stream}", offer("recvonly"), SDP)
        opened = leaving.request("POST", links_of(session)["server-sent-events"])
        listener = Listener(leaving.http + opened.headers["Location"])
        listener.wait_for("active")

        async def talk():
            client, _ = await signaling.enter(leaving, "lobby")
            leaving.program.process.terminate()
            assert (await client.next("migrate"))["url"] == staying.http
            await client.close()
            # It is open to newcomers.
            client, _ = await signaling.enter(staying, "lobby")
            await client.close()

        asyncio.run(talk())
        address = f"{staying.http}/whep/{stream}"
        listener.wait_for("reconnect", {"url": address})
        # What is published at the old gateway goes on until its grace is over, and is watched at the other.
        video = pion.watch(address, seconds=2).summary(20)["tracks"]["video"]
        assert video["frames"] >= 30 and video["missing"] == 0, video
        nodes = staying.request("GET", "/api/v1/nodes").json["nodes"]
        assert {node["id"]: node["draining"] for node in nodes} == {"leaving": True, "staying": False}, nodes
        assert leaving.program.wait(20) == 0


def test_a_user_cannot_have_a_link(cluster, stream):
    origin = cluster("origin")
    with publish(origin, stream):
        address = f"/whep/{stream}?layers=all"
        token = origin.token(stream, "publish", "play", "admin")
        for credential in (None, token, "node.e30.00", "node." + "A" * 3000):
            fields = {"Content-Type": "application/sdp"}
            if credential:
                fields["Authorization"] = f"Bearer {credential}"
            answer = origin.request("POST", address, b"", fields)
            assert answer.status == 401 and answer.json["type"].endswith("credential-wrong"), answer
        assert links(origin) == 0


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_a_thousand_joins_at_once_make_one_link(cluster, stream):
    origin, edge = cluster("origin", log__level="info"), cluster("edge", log__level="info")
    with publish(origin, stream):
        summary = pion.crowd(edge.whep(stream), total=1000, at_once=200, seconds=2).summary(600)
        print(summary)
        assert (summary["joined"], summary["errors"]) == (1000, {}), summary
        assert pulls(edge) == 1


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.skipif(not load.TOOL, reason="LOAD_TOOL names no tool")
def test_an_edge_adds_little_to_the_delay(cluster):
    """Against viewers of the origin, in the same minute on the same machine."""
    settings = {"webrtc__announce": "127.0.0.1", "webrtc__workers": 1, "log__level": "info"}
    origin, edge = cluster("origin", **settings), cluster("edge", **settings)
    viewers = setting("VIEWERS", 200)
    direct = load.figures_of(load.start_tool(origin, "origin", viewers, *load.publishing(origin, "whip")))
    time.sleep(2)
    publishing = load.publishing(origin, "whip")
    behind = load.figures_of(load.start_tool(edge, "edge", viewers, *publishing))
    assert pulls(edge) == 1
    print(direct, behind)
