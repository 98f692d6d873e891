"""The gateway under test: one process on ports of its own."""

import json
import os
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request

from . import openapi
from .processes import ROOT, WORK, Program, free_port, wait_until


def binary():
    return pathlib.Path(os.environ.get("MARTLET_BINARY", ROOT / ".build/debug/martlet")).resolve()


class Answer:
    """What an HTTP request was answered with; an error status is an answer like any other."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def text(self):
        return self.body.decode()

    def __repr__(self):
        return f"<{self.status} {dict(self.headers)} {self.body[:300]!r}>"


class Gateway:
    """`martlet serve` (or `demo`) with settings by environment.

    HTTP and RTMP are on 127.0.0.1 alone; media are on the addresses that a gateway announces by default.
    """

    def __init__(self, command="serve", settings=None, name="gateway", terminal=None, prefix=()):
        self.http_port, self.rtmp_port, self.webrtc_port = free_port(), free_port(), free_port()
        self.checks_api = False
        WORK.mkdir(exist_ok=True)
        self.data = pathlib.Path(tempfile.mkdtemp(prefix="data-", dir=WORK))
        self.settings = {
            "http.host": "127.0.0.1",
            "http.port": self.http_port,
            "rtmp.host": "127.0.0.1",
            "rtmp.port": self.rtmp_port,
            "webrtc.port": self.webrtc_port,
            "data.directory": self.data,
            "shutdown.grace": "2s",
            "log.level": "debug",
            "log.format": "text",
            **(settings or {}),
        }
        self.command = command
        self.name = name
        self.terminal = terminal
        # A program that runs the gateway in circumstances of its own.
        self.prefix = list(prefix)
        self.program = None

    @property
    def http(self):
        return f"{self.scheme}://127.0.0.1:{self.http_port}"

    @property
    def scheme(self):
        return "https" if any(key.startswith("http.tls.") for key in self.settings) else "http"

    def whip(self, stream):
        return f"{self.http}/whip/{stream}"

    def whep(self, stream):
        return f"{self.http}/whep/{stream}"

    def rtmp(self, stream):
        return f"rtmp://127.0.0.1:{self.rtmp_port}/live/{stream}"

    def page(self, kind, stream, fragment=""):
        return f"{self.http}/{kind}/{stream}{'#' + fragment if fragment else ''}"

    def environment(self):
        return {f"MARTLET_{key.replace('.', '_').upper()}": str(value) for key, value in self.settings.items()}

    def start(self, ready=True):
        self.program = Program([*self.prefix, binary(), self.command], self.name, self.environment(), terminal=self.terminal)
        if ready:
            wait_until(
                lambda: not self.program.running or self.is_ready(),
                30,
                lambda: f"the gateway is not ready\n{self.program.tail()}",
            )
            assert self.program.running, f"the gateway ended at once\n{self.program.tail(40)}"
        return self

    def is_ready(self):
        try:
            return self.request("GET", "/health/ready").status == 200
        except OSError:
            return False

    def request(self, method, path, body=None, headers=None, timeout=10):
        """Asks, and checks what the API answers against its description where a test wants that."""
        answer = self._request(method, path, body, headers, timeout)
        if self.checks_api:
            openapi.check(method, path.removeprefix(self.http), answer)
        return answer

    def _request(self, method, path, body, headers, timeout):
        address = path if path.startswith("http") else self.http + path
        data = body.encode() if isinstance(body, str) else body
        request = urllib.request.Request(address, data=data, method=method, headers=headers or {})
        try:
            # The certificates of tests are signed by nobody.
            context = ssl._create_unverified_context() if self.scheme == "https" else None
            with urllib.request.urlopen(request, timeout=timeout, context=context) as response:
                return Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())

    def streams(self):
        answer = self.request("GET", "/api/v1/streams")
        assert answer.status == 200, answer
        content = answer.json
        return content if isinstance(content, list) else content["streams"]

    def stream(self, name):
        """The status of a stream that is there, or None."""
        return next((each for each in self.streams() if each["name"] == name), None)

    def wait_for_stream(self, name, kinds=("video",), seconds=15):
        """Waits until a stream is live with at least one track of each of these kinds."""

        def ready():
            stream = self.stream(name)
            there = {track["kind"] for track in stream["tracks"]} if stream else set()
            return stream and stream["state"] == "live" and set(kinds) <= there and stream

        return wait_until(ready, seconds, lambda: f"{name} is not live: {self.streams()}\n{self.program.tail()}")

    def token(self, stream, *allowed):
        """A token of this gateway."""
        arguments = [binary(), "token", "create", "--stream", stream, "--allow", ",".join(allowed)]
        return subprocess.run(
            [str(argument) for argument in arguments],
            env=self.environment(), check=True, capture_output=True, text=True, timeout=30,
        ).stdout.strip()  # fmt: skip

    def resident_kilobytes(self):
        with open(f"/proc/{self.program.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    def stop(self):
        status = self.program.stop() if self.program else None
        shutil.rmtree(self.data, ignore_errors=True)
        return status

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
