// Where a browser's media come from: the camera, the screen, or a drawn test card.

export const frameRate = 30;

/** @returns {Promise<MediaStream>} */
export function openSource(kind, width, height) {
  const size = { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: frameRate } };
  switch (kind) {
    case "camera":
      return navigator.mediaDevices.getUserMedia({ video: size, audio: true });
    case "screen":
      return navigator.mediaDevices.getDisplayMedia({ video: size, audio: true });
    default:
      return Promise.resolve(openTestCard(width, height));
  }
}

export function closeSource(stream) {
  for (const track of stream?.getTracks() ?? []) {
    track.stop();
  }
  stream?.closeTestCard?.();
}

/**
 * A moving picture with a clock and a beep each second, made of nothing but this script.
 *
 * The two rows of black and white cells at the top are the wall clock in milliseconds, modulo 2^32, least
 * significant bit first: a viewer on the same machine reads the delay from glass to glass out of them.
 */
function openTestCard(width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { alpha: false });
  const drawing = setInterval(() => draw(context, width, height), 1000 / frameRate);
  draw(context, width, height);
  const stream = canvas.captureStream(frameRate);
  const sound = openBeep();
  stream.addTrack(sound.track);
  stream.closeTestCard = () => {
    clearInterval(drawing);
    sound.close();
  };
  return stream;
}

function draw(context, width, height) {
  const now = performance.timeOrigin + performance.now();
  const unit = width / 40;
  const bars = ["#c0c0c0", "#c0c000", "#00c0c0", "#00c000", "#c000c0", "#c00000", "#0000c0"];
  bars.forEach((colour, index) => {
    context.fillStyle = colour;
    context.fillRect((index * width) / bars.length, 0, width / bars.length + 1, height);
  });
  drawTime(context, now, unit);
  // A hand that turns once a second, and a square that crosses the picture in four.
  context.fillStyle = "#101418";
  context.fillRect(0, height - 7 * unit, width, 7 * unit);
  context.fillStyle = "#f2a33a";
  context.fillRect(((now % 4000) / 4000) * (width + 4 * unit) - 4 * unit, height - 6.5 * unit, 4 * unit, 2 * unit);
  const angle = ((now % 1000) / 1000) * 2 * Math.PI - Math.PI / 2;
  context.strokeStyle = "#ffffff";
  context.lineWidth = unit / 3;
  context.beginPath();
  context.arc(width - 4 * unit, height - 3.5 * unit, 2.6 * unit, 0, 2 * Math.PI);
  context.moveTo(width - 4 * unit, height - 3.5 * unit);
  context.lineTo(width - 4 * unit + 2.2 * unit * Math.cos(angle), height - 3.5 * unit + 2.2 * unit * Math.sin(angle));
  context.stroke();
  context.fillStyle = "#ffffff";
  context.font = `${3 * unit}px monospace`;
  context.fillText(new Date(now).toISOString().slice(11, 23), unit, height - 1.2 * unit);
  // The picture flashes with the beep, so that sound and picture can be compared.
  if (now % 1000 < beepMilliseconds) {
    context.fillRect(width / 2 - 3 * unit, height / 2 - 3 * unit, 6 * unit, 6 * unit);
  }
}

function drawTime(context, now, cell) {
  const time = Math.floor(now) % 2 ** 32;
  for (let bit = 0; bit < 32; bit += 1) {
    context.fillStyle = Math.floor(time / 2 ** bit) % 2 === 1 ? "#ffffff" : "#000000";
    context.fillRect((bit % 16) * cell, Math.floor(bit / 16) * cell, cell, cell);
  }
}

const beepMilliseconds = 80;

function openBeep() {
  const audio = new AudioContext({ sampleRate: 48000 });
  const oscillator = new OscillatorNode(audio, { frequency: 1000 });
  const gate = new GainNode(audio, { gain: 0 });
  const destination = new MediaStreamAudioDestinationNode(audio, { channelCount: 2 });
  oscillator.connect(gate).connect(destination);
  oscillator.start();
  let scheduled = 0;
  const scheduling = setInterval(() => {
    // The next full second of the wall clock, on the clock of the sound device.
    const now = performance.timeOrigin + performance.now();
    const second = Math.ceil(now / 1000);
    if (second > scheduled) {
      const at = audio.currentTime + (1000 * second - now) / 1000;
      gate.gain.setValueAtTime(0.25, at);
      gate.gain.setValueAtTime(0, at + beepMilliseconds / 1000);
      scheduled = second;
    }
  }, 100);
  return {
    track: destination.stream.getAudioTracks()[0],
    close: () => {
      clearInterval(scheduling);
      audio.close();
    },
  };
}
