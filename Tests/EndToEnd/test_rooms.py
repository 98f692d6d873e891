"""Rooms by signaling: everything said is checked against the schemas by the harness."""

import asyncio
import json

import aiohttp
import pytest

from harness import media, signaling
from harness.processes import wait_until


def people(message):
    return [each["id"] for each in message["participants"]]


@pytest.mark.parametrize("ways", [("socket", "socket"), ("stream", "socket"), ("socket", "stream"), ("stream", "stream")])
def test_two_participants_meet_talk_and_part(gateway, stream, ways):
    async def run():
        ada, first = await signaling.enter(gateway, stream, by=ways[0], name="Ada", metadata={"colour": "blue"})
        ben, second = await signaling.enter(gateway, stream, by=ways[1], name="Ben")
        assert people(second) == [first["participant"], second["participant"]]
        assert second["participants"][0]["metadata"] == {"colour": "blue"}
        assert (await ada.next("participant-joined"))["participant"]["name"] == "Ben"

        assert (await ben.ask("send", text="hello", to=first["participant"]))["type"] == "ok"
        message = await ada.next("message")
        assert (message["from"], message["text"], message["private"]) == (second["participant"], "hello", True)
        await ben.carrier.send(b"\x01\x00" + bytes(range(256)))
        assert await ada.receive() == (second["participant"], bytes(range(256)))

        assert (await ben.ask("update", metadata={"hand": True}))["type"] == "ok"
        assert (await ada.next("participant-updated"))["participant"]["metadata"] == {"hand": True}
        assert people(await ada.ask("snapshot")) == people(second)

        # On this machine, without a token, everybody is a moderator.
        assert (await ada.ask("kick", participant=second["participant"], reason="over"))["type"] == "ok"
        ended = await ben.next("ended")
        assert (ended["cause"], ended["reason"]) == ("kicked", "over")
        assert (await ada.next("participant-left"))["cause"] == "kicked"
        assert (await ben.ask("send", text="?"))["code"] == "not-joined"
        assert (await ben.ask("join", room=stream))["type"] == "joined"
        assert (await ben.ask("leave"))["type"] == "ok"
        await ada.close()
        await ben.close()

    asyncio.run(run())


@pytest.mark.parametrize("ways", [("socket", "socket"), ("socket", "stream"), ("stream", "socket"), ("stream", "stream")])
def test_whoever_comes_back_has_missed_nothing(gateway, stream, ways):
    async def run():
        ada, first = await signaling.enter(gateway, stream, by=ways[0])
        ben, _ = await signaling.enter(gateway, stream)
        await ada.next("participant-joined")
        await ada.cut()
        assert (await ben.next("participant-presence"))["presence"] == "away"
        for number in range(10):
            assert (await ben.ask("send", text=str(number)))["type"] == "ok"
        back = await signaling.connect(gateway, by=ways[1])
        back.event = ada.event
        welcome = await back.ask("authenticate", resume={"session": first["session"], "event": ada.event})
        assert welcome["resumed"] and welcome["participant"] == first["participant"]
        assert [(await back.next("message"))["text"] for _ in range(10)] == [str(number) for number in range(10)]
        assert (await ben.next("participant-presence"))["presence"] == "here"

        # Whoever has missed more than the room remembers is told how things stand.
        await back.cut()
        await ben.next("participant-presence")
        again = await signaling.connect(gateway, by=ways[0])
        await again.ask("authenticate", resume={"session": first["session"], "event": 10**9})
        assert first["participant"] in people(await again.next("resync"))

        # Another connection takes the place of one that is still there.
        later = await signaling.connect(gateway, by=ways[1])
        await later.ask("authenticate", resume={"session": first["session"], "event": again.event})
        with pytest.raises(signaling.Closed) as closed:
            await again.next("ended")
        assert closed.value.code == 4409
        for client in (ben, later):
            await client.close()

    asyncio.run(run())


def test_a_stream_is_seen_in_its_room_and_rest_shows_and_closes_it(gateway, stream):
    gateway.checks_api = True

    async def run():
        with media.publish_rtmp(gateway.rtmp(stream)):
            gateway.wait_for_stream(stream)
            ada, joined = await signaling.enter(gateway, stream)
            if len(joined["participants"]) == 1:
                await ada.next("participant-joined")
            # An answer of HTTP is waited for in a thread: the client must go on meanwhile.
            path = f"/api/v1/rooms/{stream}"
            room = (await asyncio.to_thread(gateway.request, "GET", path)).json
            assert {each["kind"] for each in room["participants"]} == {"stream", "client"}
            rooms = (await asyncio.to_thread(gateway.request, "GET", "/api/v1/rooms")).json["rooms"]
            assert {"namespace": "default", "room": stream, "participants": 2} in rooms
            refused = await asyncio.to_thread(gateway.request, "DELETE", path + "/participants/stream")
            assert refused.status == 404
            closed = await asyncio.to_thread(gateway.request, "DELETE", path)
            assert closed.status == 204
            assert (await ada.next("ended"))["cause"] == "room-closed"
            assert (await ada.ask("join", room=stream))["type"] == "joined"
        wait_until(lambda: (gateway.stream(stream) or {"state": ""})["state"] != "live", 20, "the stream goes on")
        presence = await ada.next("participant-presence")
        assert (presence["participant"], presence["presence"]) == ("stream", "away")
        await ada.close()

    asyncio.run(run())


def test_tokens_decide_who_comes_in_and_what_they_may(start_gateway):
    gateway = start_gateway(auth__anonymous__rooms="nobody")

    async def run():
        stranger = await signaling.connect(gateway)
        answer = await stranger.ask("authenticate")
        assert answer["code"] == "credential-refused" and "martlet token create" in answer["message"]
        with pytest.raises(signaling.Closed) as closed:
            await stranger.receive()
        assert closed.value.code == 4401
        await stranger.http.close()

        guest_token, host_token = gateway.token("lobby", "subscribe"), gateway.token("lobby", "subscribe", "admin")
        guest, seen = await signaling.enter(gateway, "lobby", guest_token)
        host, _ = await signaling.enter(gateway, "lobby", host_token)
        assert seen["participants"][0]["role"] == "subscriber"
        assert (await guest.ask("close"))["code"] == "role-not-allowed"
        assert (await guest.ask("leave"))["type"] == "ok"
        assert (await guest.ask("join", room="other"))["code"] == "credential-refused"
        assert (await host.ask("close"))["type"] == "ok"
        assert (await host.next("ended"))["cause"] == "room-closed"
        await guest.close()
        await host.close()

    asyncio.run(run())


def test_who_is_no_client_is_turned_away_in_words(gateway):
    async def run():
        async def refusal(**options):
            with pytest.raises(aiohttp.WSServerHandshakeError) as error:
                await signaling.connect(gateway, **options)
            return error.value.status

        assert await refusal(protocols=()) == 400
        assert await refusal(origin="https://evil.example") == 403
        own = await signaling.connect(gateway, origin=gateway.http)
        assert own.carrier.socket.protocol == "martlet.v1"
        # The first message is one that says who this is.
        await own.send("ping")
        assert (await own.receive())["code"] == "not-authenticated"
        with pytest.raises(signaling.Closed) as closed:
            await own.receive()
        assert closed.value.code == 4401
        await own.http.close()

        silent = await signaling.connect(gateway)
        assert (await silent.receive())["code"] == "authentication-timeout"
        await silent.http.close()

        clumsy = await signaling.connect(gateway)
        await clumsy.ask("authenticate")
        for text, code in [("{", "malformed-message"), ('{"type":"dance"}', "unknown-type"), ("[" * 1000, "malformed-message")]:
            await clumsy.carrier.send(text)
            assert (await clumsy.receive())["code"] == code
        await clumsy.carrier.send(" " * 70_000)
        assert (await clumsy.receive())["code"] == "message-too-large"
        assert (await clumsy.ask("ping"))["type"] == "pong"
        await clumsy.close()

    asyncio.run(run())
    # Whatever else somebody wants to upgrade to, it is answered as if it had not asked.
    for upgrade in ("h2c", "websocket"):
        asked = {"Connection": "Upgrade", "Upgrade": upgrade}
        assert gateway.request("GET", "/health/live", headers=asked).status == 200
    answer = gateway.request("GET", "/signaling")
    assert answer.status == 426 and answer.json["type"].endswith("upgrade-required"), answer
    assert "martlet_signaling_connections" in gateway.request("GET", "/metrics").text


def test_an_event_stream_is_a_connection_and_its_end_the_end(gateway, stream):
    async def run():
        client = await signaling.connect(gateway, by="stream")
        post = client.carrier.post
        # Several messages in one request stay in order.
        lines = [{"type": "authenticate", "id": 1}, {"type": "join", "id": 2, "room": stream}, {"type": "leave", "id": 3}]
        assert await post("\n".join(map(json.dumps, lines)) + "\n", "application/x-ndjson") == 204
        assert [(await client.receive())["type"] for _ in lines] == ["welcome", "joined", "ok"]
        assert await post("{}", "text/plain") == 415
        assert await post("x" * 70_000) == 413
        # Two at once would lose their order.
        lines = "\n".join([json.dumps({"type": "ping"})] * 30)
        assert {204} <= set(await asyncio.gather(*[post(lines, "application/x-ndjson") for _ in range(3)])) <= {204, 409}
        await post("{", "application/json")
        while (message := await client.receive())["type"] == "pong":
            pass
        assert message["code"] == "malformed-message"
        address = client.carrier.address.removeprefix(gateway.http)
        await client.cut()
        status = lambda: gateway.request("POST", address, b"{}", {"Content-Type": "application/json"}).status
        wait_until(lambda: status() == 404, 5, "a connection outlives its stream")

        silent = await signaling.connect(gateway, by="stream")
        assert (await silent.receive())["code"] == "authentication-timeout"
        with pytest.raises(signaling.Closed) as closed:
            await silent.receive()
        assert closed.value.code == 4401
        with pytest.raises(signaling.Closed):
            await silent.receive()
        await silent.http.close()

    asyncio.run(run())
    foreign = {"Origin": "https://evil.example"}
    assert gateway.request("GET", "/signaling/events", headers=foreign).json["type"].endswith("origin-not-allowed")


@pytest.mark.parametrize("way", ["socket", "stream"])
def test_over_tls_and_until_the_gateway_goes_away(start_gateway, way):
    gateway = start_gateway(http__tls__self_signed="true")

    async def run():
        client, _ = await signaling.enter(gateway, "lobby", by=way)
        gateway.program.process.terminate()
        assert (await client.next("migrate"))["type"] == "migrate"
        with pytest.raises(signaling.Closed) as closed:
            await client.receive()
        assert closed.value.code == 1001
        await client.http.close()

    asyncio.run(run())
    assert gateway.program.process.wait(20) == 0
