"""The JavaScript client: its own tests, and it in Chromium with a gateway."""

import asyncio
import functools
import http.server
import threading

import pytest

from harness import signaling
from harness.processes import ROOT, wait_until
from harness.proxy import Proxy

SDK = ROOT / "signaling" / "sdk" / "javascript"

# What a page of an application would have in its script.
ENTER = """
window.heard = [];
const { Client } = await import("/assets/sdk/index.js");
const { timing } = await import("/assets/sdk/link.js");
Object.assign(timing, { probe: 1500, opening: 3000 });
window.client = new Client(location.origin, args[1]);
for (const type of ["joined", "resync", "ended", "migrate", "error", "participant-joined", "participant-left", "message", "state"])
  client.addEventListener(type, ({ detail }) => heard.push({ ...detail, kind: type, data: detail.data && [...detail.data], error: null }));
await client.connect();
await client.join(args[0], { name: "Ada", metadata: { colour: "blue" } });
return client.room.me;
"""


def in_page(browser, script, *arguments):
    return browser.run_async(f"await (async () => {{ {script} }})()", *arguments)


def heard(browser, kind):
    return [each for each in browser.run("return window.heard") if each["kind"] == kind]


def say(gateway, room, *texts):
    """Somebody comes, says these things, and goes."""

    async def run():
        ben, _ = await signaling.enter(gateway, room, name="Ben")
        for text in texts:
            assert (await ben.ask("send", text=text))["type"] == "ok"
        assert (await ben.ask("leave"))["type"] == "ok"
        await ben.close()

    asyncio.run(run())


@pytest.fixture
def proxy(gateway):
    with Proxy(gateway) as running:
        yield running


def test_its_own_tests_pass_in_a_browser(chromium):
    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=SDK)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        chromium.open(f"http://127.0.0.1:{server.server_port}/tests/index.html")
        results = wait_until(lambda: chromium.run("return window.outcome"), 30, lambda: f"no results: {chromium.console()}")
        server.shutdown()
    assert len(results) >= 22
    assert not [result for result in results if result["error"]], results


@pytest.mark.parametrize("way", ["socket", "stream"])
def test_it_joins_talks_and_comes_back(gateway, proxy, stream, chromium, way):
    chromium.open(proxy.http + "/")
    me = in_page(chromium, ENTER, stream, {"ways": [way]})
    assert in_page(chromium, "return client.way") == way

    async def run():
        ben, joined = await signaling.enter(gateway, stream, name="Ben")
        assert [each["name"] for each in joined["participants"]] == ["Ada", "Ben"]
        assert joined["participants"][0]["metadata"] == {"colour": "blue"}
        page = functools.partial(asyncio.to_thread, in_page, chromium)
        await page("await client.send('hello', { to: args[0] })", joined["participant"])
        message = await ben.next("message")
        assert (message["from"], message["text"], message["private"]) == (me, "hello", True)
        await page("client.sendBinary(new Uint8Array([0, 127, 255]))")
        assert await ben.receive() == (me, bytes([0, 127, 255]))
        await ben.carrier.send(b"\x01\x00" + bytes([3, 2, 1]))
        await page("await client.update({ hand: true })")
        assert (await ben.next("participant-updated"))["participant"]["metadata"] == {"hand": True}
        wait_until(lambda: heard(chromium, "message"), 5, "no binary message")
        assert heard(chromium, "message")[0]["data"] == [3, 2, 1]

        # The connection is cut, and what is said meanwhile is heard afterwards.
        proxy.is_down = True
        proxy.cut()
        assert (await ben.next("participant-presence"))["presence"] == "away"
        for number in range(5):
            assert (await ben.ask("send", text=str(number)))["type"] == "ok"
        proxy.is_down = False
        assert (await ben.next("participant-presence"))["presence"] == "here"
        await asyncio.to_thread(
            wait_until, lambda: [each.get("text") for each in heard(chromium, "message")[1:]] == list("01234"), 5, "messages are lost"
        )
        assert await page("return client.room.participants.size") == 2
        assert len(heard(chromium, "joined")) == 1
        # Errors say what helps.
        error = await page("return client.kick('p0').catch(({ code, message, cure }) => ({ code, message, cure }))")
        assert error["code"] == "unknown-participant" and error["cure"], error
        await page("await client.leave(); client.close()")
        assert (await ben.next("participant-left"))["cause"] == "left"
        await ben.close()

    asyncio.run(run())


def test_it_falls_back_where_websocket_is_broken_and_returns(gateway, proxy, stream, chromium):
    proxy.breaks_websocket = True
    chromium.open(proxy.http + "/")
    in_page(chromium, ENTER, stream, {})
    assert in_page(chromium, "return client.way") == "stream"
    say(gateway, stream, "one")
    proxy.breaks_websocket = False
    wait_until(lambda: in_page(chromium, "return [client.way, client.state]") == ["socket", "open"], 15, "it does not return")
    say(gateway, stream, "two")
    wait_until(lambda: len(heard(chromium, "message")) == 2, 5, lambda: heard(chromium, "message"))
    assert [each["text"] for each in heard(chromium, "message")] == ["one", "two"]
    # Nobody has noticed: one place, never away, and the old connection did not end the new one.
    assert [each["state"] for each in heard(chromium, "state")][-1] == "open"
    assert not heard(chromium, "resync") and len(heard(chromium, "joined")) == 1


def test_a_refusal_says_what_to_do(start_gateway, chromium):
    gateway = start_gateway(auth__anonymous__rooms="nobody")
    chromium.open(gateway.http + "/")
    enter = f"try {{ {ENTER} }} catch ({{ code, message, cure }}) {{ return {{ code, message, cure }}; }}"
    refused = in_page(chromium, enter, "lobby", {})
    assert refused["code"] == "credential-refused" and "martlet token create" in refused["message"], refused
    refused = in_page(chromium, enter, "lobby", {"token": "wrong"})
    assert refused["code"] == "credential-refused" and refused["cure"], refused
    assert in_page(chromium, enter, "lobby", {"token": gateway.token("lobby", "subscribe")}).startswith("p")
    assert in_page(chromium, "return client.closeRoom().catch(({ code }) => code)") == "role-not-allowed"
