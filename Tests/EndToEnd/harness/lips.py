"""Whether lips are in sync: when flashes are seen and beeps are heard in a player page, second after second."""

import statistics
import time

# A flash begins with the first picture whose square is bright, a beep with the first loud sample after silence. Both
# are given as milliseconds since 1970. The square lies at the right end of the lower third, as in the demo.
WATCH = """
const video = document.querySelector("video");
const canvas = Object.assign(document.createElement("canvas"), { width: 4, height: 4 });
const context = canvas.getContext("2d", { willReadFrequently: true });
const lips = window.lips = { flashes: [], beeps: [] };
let lit = true;
const look = (_, picture) => {
  const { videoWidth: width, videoHeight: height } = video;
  const side = height / 6;
  context.drawImage(video, width - 1.25 * side, 0.75 * height + side / 4, side / 2, side / 2, 0, 0, 4, 4);
  const bright = context.getImageData(1, 1, 1, 1).data[1] > 128;
  if (bright && !lit) {
    lips.flashes.push(performance.timeOrigin + picture.expectedDisplayTime);
  }
  lit = bright;
  video.requestVideoFrameCallback(look);
};
video.requestVideoFrameCallback(look);

const audio = new AudioContext({ sampleRate: 48000, latencyHint: "interactive" });
const analyser = new AnalyserNode(audio, { fftSize: 32768 });
audio.createMediaStreamSource(video.srcObject).connect(analyser);
const samples = new Float32Array(analyser.fftSize);
const silence = 0.2 * audio.sampleRate;
setInterval(() => {
  analyser.getFloatTimeDomainData(samples);
  // What is here now has the way through the sound device before it.
  const heardAt = performance.timeOrigin + performance.now() + 1000 * audio.outputLatency;
  let quiet = 0;
  for (let index = 0; index < samples.length; index += 1) {
    if (Math.abs(samples[index]) < 0.03) {
      quiet += 1;
      continue;
    }
    if (quiet > silence) {
      const at = heardAt - (1000 * (samples.length - index)) / audio.sampleRate;
      // Two looks overlap: the same beep is seen twice.
      if (at - (lips.beeps.at(-1) ?? 0) > 500) {
        lips.beeps.push(at);
      }
    }
    quiet = 0;
  }
}, 200);
"""


class Lips:
    """Pairs of flash and beep.

    `skews` is how many milliseconds a beep comes after its flash; `delays` how long after the full second of the wall
    clock a flash is seen, which is the age of the picture where the source flashes at full seconds.
    """

    def __init__(self, flashes, beeps):
        self.flashes = flashes
        self.beeps = beeps
        self.skews = []
        self.delays = []
        for flash in flashes:
            beep = min(beeps, key=lambda at: abs(at - flash), default=None)
            if beep is not None and abs(beep - flash) < 500:
                self.skews.append(beep - flash)
                # Around the first one, so that a delay near a full second does not jump.
                first = self.delays[0] if self.delays else flash % 1000
                self.delays.append(first + (flash - first + 500) % 1000 - 500)

    @property
    def skew(self):
        return median(self.skews)

    @property
    def growth(self):
        """How much later the last flashes are than the first ones."""
        count = max(3, len(self.delays) // 10)
        return median(self.delays[-count:]) - median(self.delays[:count])

    def __repr__(self):
        return (
            f"<{len(self.flashes)} flashes, {len(self.beeps)} beeps, skew {self.skew:.0f} ms,"
            f" growth {self.growth:.0f} ms, delay {median(self.delays):.0f} ms;"
            f" skew over time {over_time(self.skews)}; delay over time {over_time(self.delays)}>"
        )


def median(values):
    return statistics.median(values) if values else float("nan")


def over_time(values):
    """Medians of twelve equal parts."""
    size = max(1, len(values) // 12)
    return " ".join(f"{median(values[at : at + size]):.0f}" for at in range(0, len(values), size))


def watch(browser, seconds, settle=15):
    """Lets the player page play with sound for some seconds.

    Chromium begins with more sound in its buffer than it needs, comes into step within ten seconds or so, and then
    leaves alone what is less than 30 ms.
    """
    if browser.run("return document.querySelector('video').muted"):
        browser.click("sound")
    time.sleep(settle)
    browser.run(WATCH)
    time.sleep(seconds)
    seen = browser.run("return window.lips")
    return Lips(seen["flashes"], seen["beeps"])
