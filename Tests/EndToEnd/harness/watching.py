"""How well a browser plays: counts over some seconds, and the age of the picture it shows."""

import statistics
import time

# Reads the clock that the test card and `clock_source.py` draw, for each picture that is shown.
CLOCK_READER = """
const video = document.querySelector("video");
const canvas = Object.assign(document.createElement("canvas"), { width: 256, height: 32 });
const context = canvas.getContext("2d", { willReadFrequently: true });
window.ages = [];
window.pictures = 0;
const read = () => {
  window.pictures += 1;
  const scale = video.videoWidth / 640;
  context.drawImage(video, 0, 0, 256 * scale, 32 * scale, 0, 0, 256, 32);
  const pixels = context.getImageData(0, 0, 256, 32).data;
  let time = 0;
  for (let bit = 0; bit < 32; bit += 1) {
    const x = (bit % 16) * 16 + 8;
    const y = Math.floor(bit / 16) * 16 + 8;
    if (pixels[4 * (256 * y + x)] > 128) {
      time += 2 ** bit;
    }
  }
  const now = performance.timeOrigin + performance.now();
  window.ages.push({ at: now, age: (Math.floor(now) % 2 ** 32) - time });
  video.requestVideoFrameCallback(read);
};
video.requestVideoFrameCallback(read);
"""


class Watched:
    """What happened between two readings of a page's statistics."""

    def __init__(self, before, after, seconds):
        video_before, video_after = before["video"], after["video"]
        self.seconds = seconds
        self.decoded = video_after["framesDecoded"] - video_before["framesDecoded"]
        self.frames_per_second = self.decoded / seconds
        self.freezes = video_after["freezeCount"] - video_before["freezeCount"]
        self.lost = video_after["packetsLost"] - video_before["packetsLost"]
        self.key_frame_requests = video_after["keyFrameRequests"] - video_before["keyFrameRequests"]
        self.codec = video_after["codec"]
        self.size = (video_after["width"], video_after["height"])
        self.cipher = after.get("cipher")
        energy = [(each.get("audio") or {}).get("audioEnergy") or 0 for each in (before, after)]
        self.audio_energy = energy[1] - energy[0]

    def __repr__(self):
        return f"<{self.__dict__}>"


def watch(browser, seconds=20):
    """Lets the player page play with sound, and counts."""
    if browser.run("return document.querySelector('video').muted"):
        browser.click("sound")
    begun = time.monotonic()
    before = browser.statistics()
    time.sleep(seconds)
    after = browser.statistics()
    return Watched(before, after, time.monotonic() - begun)


def assert_plays_well(watched, codec=None, frames_per_second=28):
    """The bar for every way in: nearly all of 30 pictures a second, no freeze, and sound."""
    assert watched.frames_per_second >= frames_per_second, watched
    assert watched.freezes == 0, watched
    assert watched.audio_energy > 0, watched
    if codec:
        assert watched.codec == codec, watched


def ages(browser, seconds=8):
    """Ages of the pictures shown, in milliseconds; the rare misread cell is left out."""
    browser.run(CLOCK_READER)
    time.sleep(seconds)
    return [each["age"] for each in browser.run("return window.ages") if 0 <= each["age"] < 10000]


def percentile(values, share):
    return statistics.quantiles(values, n=100, method="inclusive")[round(share) - 1]
