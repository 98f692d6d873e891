"""GStreamer's webrtcbin as a publisher or a viewer; the last line of output is a JSON summary.

    gstreamer_client.py publish URL --codec h264 --seconds 8
    gstreamer_client.py watch URL --codec h264 --seconds 5

Runs with the system's Python, which has the bindings.
"""

import argparse
import json
import urllib.error
import urllib.parse
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

ENCODERS = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast bitrate=800 key-int-max=30"
    " ! video/x-h264,profile=constrained-baseline ! rtph264pay config-interval=-1 aggregate-mode=zero-latency"
    " ! application/x-rtp,media=video,encoding-name=H264,payload=96",
    "vp8": "vp8enc deadline=1 keyframe-max-dist=30 target-bitrate=800000 ! rtpvp8pay picture-id-mode=2"
    " ! application/x-rtp,media=video,encoding-name=VP8,payload=96",
}
PUBLISHER = (
    "webrtcbin name=peer bundle-policy=max-bundle"
    " videotestsrc is-live=1 ! video/x-raw,width=640,height=360,framerate=30/1 ! videoconvert ! queue ! {video} ! peer."
    " audiotestsrc is-live=1 ! audioconvert ! audioresample ! queue ! opusenc ! rtpopuspay"
    " ! application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! peer."
)
WANTED = {
    "h264": "application/x-rtp,media=video,encoding-name=H264,payload=96,clock-rate=90000,"
    "packetization-mode=(string)1,profile-level-id=(string)42e01f,level-asymmetry-allowed=(string)1",
    "vp8": "application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000",
    "audio": "application/x-rtp,media=audio,encoding-name=OPUS,payload=97,clock-rate=48000,encoding-params=(string)2",
}


class Client:
    def __init__(self, arguments):
        self.arguments = arguments
        self.loop = GLib.MainLoop()
        self.summary = {"state": "new", "frames": {}, "delete": None, "error": None}
        self.session = None
        self.offered = False
        self.posted = False
        if arguments.mode == "publish":
            self.pipeline = Gst.parse_launch(PUBLISHER.format(video=ENCODERS[arguments.codec]))
            self.peer = self.pipeline.get_by_name("peer")
            self.peer.connect("on-negotiation-needed", lambda _: self.create_offer())
        else:
            self.pipeline = Gst.Pipeline.new("viewer")
            self.peer = Gst.ElementFactory.make("webrtcbin", "peer")
            self.peer.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
            self.pipeline.add(self.peer)
            self.peer.connect("pad-added", self.decode)
        self.peer.connect("notify::ice-gathering-state", lambda *_: GLib.idle_add(self.post))
        self.peer.connect("notify::connection-state", self.note_state)
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self.fail)

    def note_state(self, *_):
        self.summary["state"] = self.peer.get_property("connection-state").value_nick

    def fail(self, _, message):
        self.summary["error"] = str(message.parse_error())
        self.loop.quit()

    def create_offer(self):
        if not self.offered:
            self.offered = True
            self.peer.emit("create-offer", None, Gst.Promise.new_with_change_func(self.use_offer, None))

    def use_offer(self, promise, _):
        promise.wait()
        self.offer = promise.get_reply()
        self.peer.emit("set-local-description", self.offer.get_value("offer"), Gst.Promise.new())

    def post(self):
        complete = GstWebRTC.WebRTCICEGatheringState.COMPLETE
        if self.posted or self.peer.get_property("ice-gathering-state") != complete:
            return False
        self.posted = True
        body = self.peer.get_property("local-description").sdp.as_text().encode()
        request = urllib.request.Request(
            self.arguments.url, data=body, method="POST", headers={"Content-Type": "application/sdp"}
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                answer = response.read().decode()
                self.session = urllib.parse.urljoin(self.arguments.url, response.headers["Location"])
        except urllib.error.HTTPError as error:
            self.summary["error"] = f"{error.code} {error.read().decode()}"
            self.loop.quit()
            return False
        _, message = GstSdp.SDPMessage.new_from_text(answer)
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
        self.peer.emit("set-remote-description", description, Gst.Promise.new())
        return False

    def decode(self, _, pad):
        if pad.direction != Gst.PadDirection.SRC:
            return
        decoder = Gst.ElementFactory.make("decodebin", None)
        self.pipeline.add(decoder)
        decoder.connect("pad-added", self.count)
        decoder.sync_state_with_parent()
        pad.link(decoder.get_static_pad("sink"))

    def count(self, _, pad):
        kind = pad.get_current_caps().get_structure(0).get_name().split("/")[0]
        sink = Gst.ElementFactory.make("fakesink", None)
        sink.set_property("signal-handoffs", True)
        sink.set_property("sync", False)
        frames = self.summary["frames"]
        sink.connect("handoff", lambda *_: frames.__setitem__(kind, frames.get(kind, 0) + 1))
        self.pipeline.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))

    def run(self):
        self.pipeline.set_state(Gst.State.PLAYING)
        if self.arguments.mode == "watch":
            receive = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
            for wanted in (self.arguments.codec, "audio"):
                self.peer.emit("add-transceiver", receive, Gst.Caps.from_string(WANTED[wanted]))
            self.create_offer()
        GLib.timeout_add(int(self.arguments.seconds * 1000), self.loop.quit)
        self.loop.run()
        if self.session:
            request = urllib.request.Request(self.session, method="DELETE")
            with urllib.request.urlopen(request, timeout=10) as response:
                self.summary["delete"] = response.status
        self.pipeline.set_state(Gst.State.NULL)
        print(json.dumps(self.summary), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["publish", "watch"])
    parser.add_argument("url")
    parser.add_argument("--codec", default="h264", choices=list(ENCODERS))
    parser.add_argument("--seconds", type=float, default=5)
    Gst.init(None)
    Client(parser.parse_args()).run()
