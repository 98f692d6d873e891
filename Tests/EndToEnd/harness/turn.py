"""A real coturn with the configuration that the project ships, on loopback."""

import shutil
import socket

from .processes import ROOT, WORK, Program, free_port, wait_until

SECRET = "a-secret-of-the-turn-server-and-the-gateway"


class TURNServer:
    """Relays on 127.0.0.1 alone; to 127.0.0.1 only where that is allowed."""

    def __init__(self, *options, relays_to_loopback=True):
        self.port = free_port()
        allowed = ["--allow-loopback-peers", "--allowed-peer-ip=127.0.0.1"] if relays_to_loopback else []
        self.arguments = [
            shutil.which("turnserver") or "/usr/bin/turnserver", "-c", ROOT / "turn/turnserver.conf",
            "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", f"--listening-port={self.port}",
            f"--static-auth-secret={SECRET}", "--log-file=stdout", f"--pidfile={WORK}/turn-{self.port}.pid",
            f"--userdb={WORK}/turn-{self.port}.db", *allowed, *options,
        ]  # fmt: skip
        self.program = None

    def url(self, transport="udp"):
        return f"turn:127.0.0.1:{self.port}?transport={transport}"

    def setting(self, *transports, secret=SECRET):
        """The value of `webrtc.ice_servers`."""
        return ",".join(f"{self.url(each)} secret={secret}" for each in transports)

    def __enter__(self):
        self.program = Program(self.arguments, "coturn")

        def listens():
            with socket.socket() as probe:
                return not self.program.running or probe.connect_ex(("127.0.0.1", self.port)) == 0

        wait_until(listens, 10, lambda: self.program.tail())
        assert self.program.running, self.program.tail()
        return self

    def __exit__(self, *_):
        self.program.stop()
        for file in WORK.glob(f"turn-{self.port}.*"):
            file.unlink()
