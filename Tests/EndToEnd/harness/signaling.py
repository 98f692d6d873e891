"""A client of martlet.v1 that checks every message, its own too, against the published schemas."""

import asyncio
import base64
import itertools
import json
import struct

import aiohttp
import jsonschema

from .processes import ROOT


def _validator(name):
    schema = json.loads((ROOT / "signaling" / "schema" / name).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


SENT = _validator("client-message.json")
RECEIVED = _validator("server-message.json")


class Closed(Exception):
    """The gateway has closed the connection."""

    def __init__(self, code):
        super().__init__(f"closed with {code}")
        self.code = code


class Socket:
    """The messages of one connection, by WebSocket."""

    def __init__(self, http, socket):
        self.http = http
        self.socket = socket

    async def send(self, content):
        await (self.socket.send_str(content) if isinstance(content, str) else self.socket.send_bytes(content))

    async def receive(self, seconds):
        """What comes next: text, or bytes."""
        frame = await asyncio.wait_for(self.socket.receive(), seconds)
        if frame.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            raise Closed(self.socket.close_code)
        return frame.data

    def cut(self):
        self.socket._response.connection.transport.abort()

    async def close(self):
        await self.socket.close()


class Stream:
    """The messages of one connection, by an event stream and POST."""

    def __init__(self, gateway, http, response):
        self.gateway = gateway
        self.http = http
        self.response = response
        self.address = None

    async def open(self):
        name, data = await self.event(20)
        assert name == "open" and data["version"] == "martlet.v1", (name, data)
        self.address = self.gateway.http + data["post"]
        return self

    async def event(self, seconds):
        name, data = "message", None
        while True:
            line = (await asyncio.wait_for(self.response.content.readline(), seconds)).decode()
            if not line:
                raise Closed(None)
            if line == "\n":
                return name, data if name in ("message", "binary") else json.loads(data)
            field, _, value = line.rstrip("\n").partition(": ")
            assert field in ("event", "data"), line
            name, data = (value, data) if field == "event" else (name, value)

    async def send(self, content):
        assert (await self.post(content)) == 204

    async def post(self, content, type=None):
        type = type or ("application/json" if isinstance(content, str) else "application/octet-stream")
        data = content.encode() if isinstance(content, str) else content
        async with self.http.post(self.address, data=data, headers={"Content-Type": type}) as answer:
            return answer.status

    async def receive(self, seconds):
        while True:
            name, data = await self.event(seconds)
            if name == "message":
                return data
            if name == "binary":
                return base64.b64decode(data, validate=True)
            if name == "close":
                raise Closed(data["code"])
            assert name == "ping", name

    def cut(self):
        self.response.connection.transport.abort()

    async def close(self):
        self.response.close()


class Client:
    """One connection; made by ``connect``."""

    def __init__(self, http, carrier):
        self.http = http
        self.carrier = carrier
        self.numbers = itertools.count(1)
        self.event = 0
        self.early = []

    async def send(self, type, **members):
        """Sends a request, and gives its number."""
        message = {"type": type, "id": next(self.numbers), **members}
        SENT.validate(message)
        await self.carrier.send(json.dumps(message))
        return message["id"]

    async def receive(self, seconds=20):
        """The next message: an object, or for binary ones a pair of the sender and the payload."""
        data = await self.carrier.receive(seconds)
        if isinstance(data, bytes):
            layout, private, event, length = struct.unpack_from("!BBQB", data)
            assert layout == 1 and private in (0, 1), data
            self.count(event)
            return data[11 : 11 + length].decode(), data[11 + length :]
        message = json.loads(data)
        RECEIVED.validate(message)
        if "participants" in message:
            self.event = message["event"]
        elif "event" in message:
            self.count(message["event"])
        return message

    def count(self, event):
        assert event > self.event, (event, self.event)
        self.event = event

    async def next(self, type):
        """The next event or message of this type, past those that come before it."""
        while True:
            message = self.early.pop(0) if self.early else await self.receive()
            if isinstance(message, dict) and message["type"] == type:
                return message

    async def ask(self, type, **members):
        """Sends a request and gives its answer; what comes before it is kept."""
        number = await self.send(type, **members)
        while True:
            message = await self.receive()
            if isinstance(message, dict) and message.get("id") == number:
                return message
            self.early.append(message)

    async def cut(self):
        """Loses the connection, without a word."""
        self.carrier.cut()
        await self.http.close()

    async def close(self):
        await self.carrier.close()
        await self.http.close()


async def connect(gateway, protocols=("martlet.v1",), by="socket", **options):
    """A connection that nobody has authenticated, by a WebSocket ("socket") or by an event stream and POST ("stream")."""
    http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False), timeout=aiohttp.ClientTimeout(total=None))
    try:
        if by == "stream":
            response = await http.get(gateway.http + "/signaling/events", raise_for_status=True)
            return Client(http, await Stream(gateway, http, response).open())
        socket = await http.ws_connect(gateway.http + "/signaling", protocols=protocols, **options)
        return Client(http, Socket(http, socket))
    except BaseException:
        await http.close()
        raise


async def enter(gateway, room, token=None, by="socket", **members):
    """A client in a room, and what it was told on joining."""
    client = await connect(gateway, by=by)
    welcome = await client.ask("authenticate", **({"token": token} if token else {}))
    assert welcome["type"] == "welcome", welcome
    joined = await client.ask("join", room=room, **members)
    assert joined["type"] == "joined", joined
    return client, joined
