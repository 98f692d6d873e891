"""A GStreamer player of HLS: plays until enough pictures and sound have been decoded, and says how much came.

    gstreamer_hls.py URL --frames 100 --samples 130000

Prints a line of JSON: frames, and samples of sound. Runs with the system's Python, which has GStreamer.
"""

import argparse
import json
import sys
import time

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--samples", type=int, default=130_000)
    arguments = parser.parse_args()
    Gst.init(None)
    pipeline = Gst.parse_launch(
        f"uridecodebin uri={arguments.url} name=source "
        "source. ! queue ! videoconvert ! fakesink name=picture sync=true signal-handoffs=true "
        "source. ! queue ! audioconvert ! audio/x-raw,format=S16LE,channels=2 ! fakesink name=sound sync=true signal-handoffs=true"
    )
    seen = {"frames": 0, "samples": 0}

    def on_picture(*_):
        seen["frames"] += 1

    def on_sound(_, buffer, __):
        seen["samples"] += buffer.get_size() // 4

    pipeline.get_by_name("picture").connect("handoff", on_picture)
    pipeline.get_by_name("sound").connect("handoff", on_sound)
    pipeline.set_state(Gst.State.PLAYING)
    bus = pipeline.get_bus()
    error = None
    deadline = time.monotonic() + 30
    while seen["frames"] < arguments.frames or seen["samples"] < arguments.samples:
        message = bus.timed_pop_filtered(Gst.SECOND // 10, Gst.MessageType.ERROR | Gst.MessageType.EOS)
        if message is not None:
            error = str(message.parse_error()) if message.type == Gst.MessageType.ERROR else "the stream ended"
            break
        if time.monotonic() > deadline:
            error = "not enough in 30 s"
            break
    pipeline.set_state(Gst.State.NULL)
    print(json.dumps({**seen, "error": error}), flush=True)
    return 1 if error else 0


sys.exit(main())
