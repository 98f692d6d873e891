"""The Pion peer of `pion/`: built once from Debian's Go packages, without a network."""

import functools
import json
import os
import shutil
import subprocess

from .processes import ROOT, WORK, Program, wait_until


@functools.cache
def executable():
    # Without modules Go wants its sources inside a GOPATH.
    source = WORK / "go/src/pionpeer"
    source.mkdir(parents=True, exist_ok=True)
    for file in (ROOT / "Tests/EndToEnd/pion").glob("*.go"):
        shutil.copy(file, source)
    (source / "go.mod").write_text("module pionpeer\n")
    target = WORK / "pionpeer"
    environment = {**os.environ, "GO111MODULE": "off", "GOFLAGS": "", "GOPATH": f"{WORK / 'go'}:/usr/share/gocode"}
    subprocess.run(["go", "build", "-o", str(target), "."], cwd=source, env=environment, check=True, timeout=300)
    return target


class Peer(Program):
    """A publisher or viewer; what it reports is read from its log."""

    def events(self, kind=None):
        found = []
        for line in self.log.splitlines():
            if line.startswith("{"):
                event = json.loads(line)
                if kind is None or event["event"] == kind:
                    found.append(event)
        return found

    @property
    def connected(self):
        return any(event["state"] == "connected" for event in self.events("state"))

    def wait_connected(self, seconds=15):
        wait_until(lambda: self.connected or not self.running, seconds, lambda: f"not connected\n{self.tail()}")
        assert self.connected, self.tail()
        return self

    def summary(self, seconds):
        """Waits for the end, and returns the last word."""
        self.wait(seconds)
        summaries = self.events("summary")
        assert summaries, self.tail()
        return summaries[-1]


def crowd(url, total, at_once, seconds, per_second=0):
    """Viewers that come, stay for some seconds and leave, a bounded number of them at once."""
    arguments = [executable(), "crowd", "-url", url, "-total", total, "-at-once", at_once, "-seconds", seconds]
    return Peer([*arguments, "-per-second", per_second], "pion-crowd")


def publish(
    url, video=None, audio=None, answer_pli=False, seconds=0, token=None, wrong_fingerprint=False, lies=False
):  # fmt: skip
    arguments = [executable(), "publish", "-url", url, "-seconds", seconds]
    for flag, value in (("-video", video), ("-audio", audio), ("-token", token)):
        if value:
            arguments += [flag, value]
    for flag, wanted in (("-answer-pli", answer_pli), ("-wrong-fingerprint", wrong_fingerprint), ("-lies", lies)):
        if wanted:
            arguments.append(flag)
    return Peer(arguments, "pion-publish")


def watch(url, seconds=5, pli=False, token=None, lies=False):
    arguments = [executable(), "watch", "-url", url, "-seconds", seconds]
    if pli:
        arguments.append("-pli")
    if lies:
        arguments.append("-lies")
    if token:
        arguments += ["-token", token]
    return Peer(arguments, "pion-watch")
