"""aiortc and GStreamer as publishers and viewers."""

import json
import sys

from .processes import ROOT, Program

CLIENTS = ROOT / "Tests/EndToEnd/clients"


class Client(Program):
    def summary(self, seconds):
        """Waits for the end, and returns the last word."""
        self.wait(seconds)
        lines = [line for line in self.log.splitlines() if line.startswith("{")]
        assert lines, self.tail()
        return json.loads(lines[-1])


def aiortc(mode, url, seconds, codec="H264", film=None):
    arguments = [sys.executable, CLIENTS / "aiortc_client.py", mode, url, "--seconds", seconds, "--codec", codec]
    return Client([*arguments, *(["--input", film] if film else [])], f"aiortc-{mode}")


def gstreamer_rtmp(url):
    return Client(["/usr/bin/python3", CLIENTS / "gstreamer_rtmp.py", url], "gstreamer-rtmp")


def gstreamer(mode, url, seconds, codec="h264"):
    script = CLIENTS / "gstreamer_client.py"
    return Client(
        ["/usr/bin/python3", script, mode, url, "--seconds", seconds, "--codec", codec], f"gstreamer-{mode}"
    )
