"""GStreamer publishes a picture and a tone by RTMP or RTMPS until it is told to stop.

    gstreamer_rtmp.py rtmps://127.0.0.1:1936/live/cam
"""

import signal
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

Gst.init(None)
pipeline = Gst.parse_launch(
    "flvmux streamable=true name=mux ! rtmp2sink name=out "
    "videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=15/1 "
    "! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! h264parse ! mux. "
    "audiotestsrc is-live=true ! audioconvert ! avenc_aac ! aacparse ! mux."
)
out = pipeline.get_by_name("out")
out.set_property("location", sys.argv[1])
# The certificates of tests are signed by nobody.
out.set_property("tls-validation-flags", 0)
loop = GLib.MainLoop()


def on_message(_, message):
    if message.type in (Gst.MessageType.ERROR, Gst.MessageType.EOS):
        print(message.parse_error() if message.type == Gst.MessageType.ERROR else "end", flush=True)
        loop.quit()


bus = pipeline.get_bus()
bus.add_signal_watch()
bus.connect("message", on_message)
GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGTERM, loop.quit)
pipeline.set_state(Gst.State.PLAYING)
loop.run()
pipeline.set_state(Gst.State.NULL)
