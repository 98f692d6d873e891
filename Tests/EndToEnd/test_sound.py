"""Sound as Chromium hears it: both channels apart, whichever way it came in."""

import pytest

from harness import media
from harness.processes import Program, wait_until

# The loudest frequency of each channel, and how much louder it is there than in the other one, in decibels.
LISTEN = """
const audio = new AudioContext({ sampleRate: 48000 });
const source = audio.createMediaStreamSource(document.querySelector("video").srcObject);
const splitter = audio.createChannelSplitter(2);
source.connect(splitter);
const analysers = [0, 1].map((channel) => {
  const analyser = new AnalyserNode(audio, { fftSize: 16384, smoothingTimeConstant: 0 });
  splitter.connect(analyser, channel);
  return analyser;
});
window.heard = () => {
  const levels = analysers.map((analyser) => {
    const values = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(values);
    return values;
  });
  return levels.map((own, channel) => {
    const loudest = own.reduce((best, value, index) => (value > own[best] ? index : best), 0);
    return {
      frequency: (loudest * audio.sampleRate) / 16384,
      level: Math.max(own[loudest], -200),
      apart: own[loudest] - Math.max(levels[1 - channel][loudest], -200),
    };
  });
};
"""

# 440 Hz on the left, 880 Hz on the right.
CHANNELS = ["-f", "lavfi", "-i", "aevalsrc='0.3*sin(2*PI*440*t)|0.3*sin(2*PI*880*t)':c=stereo:sample_rate=48000"]


def publish(gateway, stream, way):
    options = {
        "whip": ["-c:a", "libopus", "-b:a", "96k", "-f", "whip", gateway.whip(stream)],
        "rtmp": ["-c:a", "aac", "-b:a", "128k", "-f", "flv", gateway.rtmp(stream)],
    }[way]
    return Program(
        [media.ffmpeg_new(), "-hide_banner", "-loglevel", "info", "-re", *media.PICTURE, "-re", *CHANNELS,
         *media.h264_options(), *options],
        f"ffmpeg-stereo-{way}",
    )  # fmt: skip


@pytest.mark.parametrize("way", ["whip", "rtmp"])
def test_both_channels_are_heard_apart(gateway, stream, chromium, way):
    with publish(gateway, stream, way):
        gateway.wait_for_stream(stream, ("video", "audio"))
        chromium.open(gateway.page("play", stream))
        chromium.wait_for_state("live")
        chromium.wait_for_frames(30)
        chromium.click("sound")
        chromium.run(LISTEN)

        def right():
            left, right = chromium.run("return window.heard()")
            return (
                abs(left["frequency"] - 440) < 10 and abs(right["frequency"] - 880) < 10
                and min(left["level"], right["level"]) > -60 and min(left["apart"], right["apart"]) > 20
            )  # fmt: skip

        wait_until(right, 20, lambda: chromium.run("return window.heard()"), 0.5)
