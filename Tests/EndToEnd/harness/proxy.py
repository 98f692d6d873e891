"""A TCP proxy before the gateway that can break WebSocket, and cut what goes through it."""

import asyncio
import threading


class Proxy:
    """Passes connections on; `breaks_websocket` ends those that ask for one without an answer."""

    def __init__(self, gateway):
        self.target = gateway.http_port
        self.breaks_websocket = False
        self.is_down = False
        self._writers = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        started = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop)
        self._server = started.result(10)
        self.http = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader, writer):
        head = b""
        try:
            head = await reader.read(4096)
            if self.is_down or (self.breaks_websocket and b"upgrade: websocket" in head.lower()):
                return writer.close()
            back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            return writer.close()
        self._writers |= {writer, back_writer}
        back_writer.write(head)
        await asyncio.gather(self._pass(reader, back_writer), self._pass(back_reader, writer))
        self._writers -= {writer, back_writer}

    async def _pass(self, reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.close()

    def cut(self):
        """Cuts every connection, in the middle of whatever it is doing."""

        def abort():
            for writer in self._writers:
                writer.transport.abort()

        self._loop.call_soon_threadsafe(abort)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cut()
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
