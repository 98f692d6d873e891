"""A client of martlet.v1 that checks every message, its own too, against the published schemas."""

import asyncio
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


class Client:
    """One connection; made by ``connect``."""

    def __init__(self, http, socket):
        self.http = http
        self.socket = socket
        self.numbers = itertools.count(1)
        self.event = 0
        self.early = []

    async def send(self, type, **members):
        """Sends a request, and gives its number."""
        message = {"type": type, "id": next(self.numbers), **members}
        SENT.validate(message)
        await self.socket.send_json(message)
        return message["id"]

    async def receive(self, seconds=20):
        """The next message: an object, or for binary ones a pair of the sender and the payload."""
        frame = await asyncio.wait_for(self.socket.receive(), seconds)
        if frame.type == aiohttp.WSMsgType.BINARY:
            layout, private, event, length = struct.unpack_from("!BBQB", frame.data)
            assert layout == 1 and private in (0, 1), frame
            self.count(event)
            return frame.data[11 : 11 + length].decode(), frame.data[11 + length :]
        if frame.type != aiohttp.WSMsgType.TEXT:
            raise Closed(self.socket.close_code)
        message = json.loads(frame.data)
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
        self.socket._response.connection.transport.abort()
        await self.http.close()

    async def close(self):
        await self.socket.close()
        await self.http.close()


async def connect(gateway, protocols=("martlet.v1",), **options):
    http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False))
    try:
        socket = await http.ws_connect(gateway.http + "/signaling", protocols=protocols, **options)
    except BaseException:
        await http.close()
        raise
    return Client(http, socket)


async def enter(gateway, room, token=None, **members):
    """A client in a room, and what it was told on joining."""
    client = await connect(gateway)
    welcome = await client.ask("authenticate", **({"token": token} if token else {}))
    assert welcome["type"] == "welcome", welcome
    joined = await client.ask("join", room=room, **members)
    assert joined["type"] == "joined", joined
    return client, joined
