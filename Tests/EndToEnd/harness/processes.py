"""Programs that run beside a test: started with a log file, always ended, and easy to ask about."""

import os
import pathlib
import random
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
WORK = pathlib.Path(__file__).resolve().parents[1] / ".work"


def wait_until(condition, seconds, message, interval=0.05):
    """Returns the first true value of `condition()`; fails with `message` when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s: {message() if callable(message) else message}")
        time.sleep(interval)


def free_port():
    """A port that is free for TCP and UDP, and below those that the system gives to clients by itself."""
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as tcp:
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
                try:
                    tcp.bind(("::", port))
                    udp.bind(("::", port))
                    return port
                except OSError:
                    continue


def _environment():
    """Ours without the settings of the build, which would be unknown settings to the gateway."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MARTLET_")}


class Program:
    """A running program whose standard output and error go to one log file, or the output to a terminal."""

    _count = 0

    def __init__(self, arguments, name, environment=None, stdin=None, terminal=None):
        WORK.mkdir(exist_ok=True)
        Program._count += 1
        self.log_path = WORK / f"{Program._count:03}-{name}.log"
        self.name = name
        self._log = open(self.log_path, "wb")
        self.process = subprocess.Popen(
            [str(argument) for argument in arguments],
            stdin=stdin if stdin is not None else subprocess.DEVNULL,
            stdout=self._log if terminal is None else terminal,
            stderr=self._log,
            env={**_environment(), **(environment or {})},
            # Its own group, so that its children end with it.
            start_new_session=True,
        )

    @property
    def running(self):
        return self.process.poll() is None

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    def tail(self, lines=25):
        return f"--- {self.log_path}\n" + "\n".join(self.log.splitlines()[-lines:])

    def wait(self, seconds):
        """The exit status."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} still runs after {seconds} s\n{self.tail()}") from None

    def signal(self, number):
        if self.running:
            os.killpg(self.process.pid, number)

    def kill(self):
        """As a crash would: without a goodbye."""
        self.signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self, seconds=10):
        """Asks it to end, insists after a while, and returns the exit status."""
        self.signal(signal.SIGTERM)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        self._log.close()
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
