"""Tracks by signaling: Chromium sends and is sent them over two peer connections."""

import asyncio

import pytest

from harness import media, signaling
from harness.processes import wait_until

# What an application would do with martlet.v1 itself: a participant with one connection for each way.
PARTICIPANT = """
window.Participant = class {
  constructor() { this.heard = []; this.waiting = new Map(); this.number = 1; this.names = {}; this.videos = {}; }
  async enter(room, all = true) {
    this.socket = new WebSocket(location.origin.replace("http", "ws") + "/signaling", "martlet.v1");
    this.socket.onmessage = ({ data }) => this.hear(JSON.parse(data));
    await new Promise((done) => (this.socket.onopen = done));
    await this.ask({ type: "authenticate" });
    this.joined = await this.ask({ type: "join", room });
    this.me = this.joined.participant;
    this.incoming = new RTCPeerConnection();
    this.incoming.ontrack = ({ transceiver, track }) => { this.show(transceiver, track); };
    if (all) await this.ask({ type: "subscribe", all: true });
    return this.me;
  }
  ask(message) {
    const id = this.number++;
    this.socket.send(JSON.stringify({ ...message, id }));
    return new Promise((done, fail) => this.waiting.set(id, [done, fail]));
  }
  hear(message) {
    if (message.id !== undefined && this.waiting.has(message.id)) {
      const [done, fail] = this.waiting.get(message.id);
      this.waiting.delete(message.id);
      return message.type === "error" ? fail(new Error(message.code + ": " + message.message)) : done(message);
    }
    this.heard.push(message);
    if (message.type === "subscription-offer") this.accept(message);
  }
  async accept({ offer, sdp, tracks }) {
    try {
      await this.incoming.setRemoteDescription({ type: "offer", sdp });
      await this.incoming.setLocalDescription();
      this.names = Object.fromEntries(tracks.map(({ mid, participant, track }) => [mid, participant + " " + track]));
      await this.ask({ type: "subscription-answer", offer, sdp: this.incoming.localDescription.sdp });
    } catch (error) { this.trouble = String(error); }
  }
  show(transceiver, track) {
    if (track.kind !== "video") return;
    const video = document.createElement("video");
    video.muted = true; video.srcObject = new MediaStream([track]); video.play();
    document.body.append(video);
    this.videos[transceiver.mid] = video;
  }
  async publish() {
    const sections = this.outgoing.getTransceivers();
    await this.outgoing.setLocalDescription();
    const tracks = sections.filter((each) => each.sender.track && each.direction !== "inactive")
      .map((each) => ({ mid: each.mid, track: each.name, source: each.name }));
    const { sdp } = await this.ask({ type: "publish", sdp: this.outgoing.localDescription.sdp, tracks });
    await this.outgoing.setRemoteDescription({ type: "answer", sdp });
  }
  add(name, track) {
    this.outgoing ??= new RTCPeerConnection();
    this.outgoing.addTransceiver(track, { direction: "sendonly" }).name = name;
  }
  async frames() {
    const result = {};
    const ids = new Map();
    const report = await this.incoming.getStats();
    for (const each of report.values())
      if (each.type === "inbound-rtp" && this.names[each.mid]) result[this.names[each.mid]] = each.framesDecoded ?? each.packetsReceived;
    return result;
  }
};
window.picture = () => {
  const canvas = document.createElement("canvas");
  canvas.width = 320; canvas.height = 180;
  const context = canvas.getContext("2d");
  setInterval(() => {
    context.fillStyle = `hsl(${Math.random() * 360} 80% 50%)`;
    context.fillRect(0, 0, 320, 180);
  }, 100);
  return canvas.captureStream(10).getVideoTracks()[0];
};
window.sound = () => {
  const context = new AudioContext(), to = context.createMediaStreamDestination(), tone = new OscillatorNode(context);
  tone.connect(to); tone.start();
  return to.stream.getAudioTracks()[0];
};
"""


class Page:
    """Participants in one page of Chromium."""

    def __init__(self, browser, gateway):
        self.browser = browser.open(gateway.http + "/play/nothing")
        browser.run(PARTICIPANT)

    def run(self, script, *arguments):
        return self.browser.run_async(f"await (async () => {{ {script} }})()", *arguments)

    def enter(self, name, room, all=True):
        script = "window[args[0]] = new Participant(); return window[args[0]].enter(args[1], args[2]);"
        return self.run(script, name, room, all)

    def publish(self, name, *tracks):
        self.run(
            "for (const each of args[1]) window[args[0]].add(each, each === 'microphone' ? sound() : picture());"
            "await window[args[0]].publish();",
            name,
            tracks,
        )

    def frames(self, name):
        return self.run("return window[args[0]].frames();", name)

    def events(self, name, type):
        heard = self.run("return window[args[0]].heard;", name)
        return [each for each in heard if each["type"] == type]

    def wait_for(self, name, *tracks, more=5, seconds=20):
        """Waits until so many more pictures or packets have come of each of these tracks, and of nothing else."""
        before = self.frames(name)

        def enough():
            now = self.frames(name)
            return set(now) == set(tracks) and all(now[each] >= before.get(each, 0) + more for each in tracks)

        wait_until(
            enough,
            seconds,
            lambda: f"{name} is not sent {tracks}: {self.frames(name)} after {before}; "
            f"{self.run('return [window[args[0]].trouble, window[args[0]].incoming.connectionState];', name)}",
            0.2,
        )


def test_two_participants_see_each_other_while_tracks_come_and_go(gateway, chromium, stream):
    page = Page(chromium, gateway)
    ada = page.enter("ada", stream)
    ben = page.enter("ben", stream)
    page.publish("ada", "camera", "microphone")
    page.publish("ben", "camera")
    page.wait_for("ada", f"{ben} camera")
    page.wait_for("ben", f"{ada} camera", f"{ada} microphone")
    assert {each["track"]["track"] for each in page.events("ben", "track-published")} == {"camera", "microphone"}

    # A screen comes on the connection that is there; what goes on is not disturbed.
    page.publish("ada", "screen")
    page.wait_for("ben", f"{ada} camera", f"{ada} microphone", f"{ada} screen")

    # Muted is not gone: nothing comes, and the others are told.
    page.run("await ada.ask({ type: 'mute', track: 'camera' });")
    wait_until(lambda: page.events("ben", "track-updated"), 10, "Ben is not told that the camera is muted")
    assert page.events("ben", "track-updated")[0]["track"]["muted"] is True
    still = page.frames("ben")[f"{ada} camera"]
    page.wait_for("ben", f"{ada} camera", f"{ada} microphone", f"{ada} screen", more=0)
    page.run("await ada.ask({ type: 'unmute', track: 'camera' });")
    page.wait_for("ben", f"{ada} camera", f"{ada} microphone", f"{ada} screen")
    assert page.frames("ben")[f"{ada} camera"] > still

    # The camera goes, and comes again; the screen goes on.
    page.run(
        "const camera = ada.outgoing.getTransceivers().find((each) => each.name === 'camera');"
        "camera.direction = 'inactive'; await ada.publish();"
    )
    page.wait_for("ben", f"{ada} microphone", f"{ada} screen")
    page.run(
        "const camera = ada.outgoing.getTransceivers().find((each) => each.name === 'camera');"
        "camera.direction = 'sendonly'; await ada.publish();"
    )
    page.wait_for("ben", f"{ada} camera", f"{ada} microphone", f"{ada} screen")

    # Ben wants less.
    page.run("await ben.ask({ type: 'unsubscribe', all: true });")
    page.run(
        "await ben.ask({ type: 'subscribe', tracks: [{ participant: args[0], track: 'screen' }] });", ada
    )
    page.wait_for("ben", f"{ada} screen")
    page.run("await ben.ask({ type: 'subscription-restart' });")
    page.wait_for("ben", f"{ada} screen")

    # Whoever leaves takes its tracks along.
    page.run("await ada.ask({ type: 'leave' });")
    wait_until(lambda: page.frames("ben") == {}, 10, lambda: f"Ben is still sent {page.frames('ben')}")


def test_media_goes_on_while_only_the_socket_is_away(gateway, chromium, stream):
    page = Page(chromium, gateway)
    ada = page.enter("ada", stream)
    page.enter("ben", stream)
    page.publish("ada", "camera")
    page.wait_for("ben", f"{ada} camera")
    page.run("ada.socket.close();")
    wait_until(lambda: page.events("ben", "participant-presence"), 10, "nobody is told that the socket is gone")
    page.wait_for("ben", f"{ada} camera", more=10)


def test_a_stream_by_rtmp_is_subscribed_to_in_its_room(gateway, chromium, stream):
    with media.publish_rtmp(gateway.rtmp(stream)):
        page = Page(chromium, gateway)
        page.enter("ben", stream)
        page.wait_for("ben", "stream video", "stream audio")


def test_what_is_not_there_has_a_code(gateway, stream):
    async def run():
        ben, joined = await signaling.enter(gateway, stream)
        for type, members, code in [
            ("publish", {"sdp": "v=0", "tracks": []}, "unsuitable-description"),
            ("mute", {"track": "camera"}, "unknown-track"),
            ("subscribe", {"tracks": [{"participant": joined["participant"], "track": "none"}]}, "unknown-track"),
            ("subscription-answer", {"offer": 1, "sdp": "v=0"}, "offer-outdated"),
            ("subscription-restart", {}, "unknown-track"),
        ]:
            answer = await ben.ask(type, **members)
            assert (answer["type"], answer.get("code")) == ("error", code), answer
        assert (await ben.ask("unpublish"))["type"] == "ok"
        await ben.close()

    asyncio.run(run())
