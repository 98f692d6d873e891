"""A real redis-server on loopback, in memory alone."""

import shutil
import signal
import socket

from .processes import Program, free_port, wait_until


class RedisServer:
    """Keeps its port over restarts, and nothing else."""

    def __init__(self, *options):
        self.port = free_port()
        self.options = options
        self.program = None

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    def start(self):
        self.program = Program(
            [
                shutil.which("redis-server") or "/usr/bin/redis-server", "--bind", "127.0.0.1", "--port", str(self.port),
                "--save", "", "--appendonly", "no", *self.options,
            ],
            "redis",
        )  # fmt: skip

        def listens():
            with socket.socket() as probe:
                return not self.program.running or probe.connect_ex(("127.0.0.1", self.port)) == 0

        wait_until(listens, 10, lambda: self.program.tail())
        assert self.program.running, self.program.tail()
        return self

    def kill(self):
        self.program.kill()

    def pause(self):
        self.program.signal(signal.SIGSTOP)

    def resume(self):
        self.program.signal(signal.SIGCONT)

    def ask(self, *words):
        """The answer to one command, as RESP lines."""
        command = f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(command.encode())
            return connection.recv(65536).decode().split("\r\n")

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.program.running:
            self.resume()
            self.program.kill()
