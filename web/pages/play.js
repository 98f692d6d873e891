// The player page: ties the `Player` to the document.

import { element, fragment, make, say, showRows, streamFromAddress } from "/assets/page.js";
import { Player } from "/assets/player.js";
import { Meter, rowsForPlayback } from "/assets/statistics.js";

const stream = streamFromAddress();
const token = fragment().get("token");
const video = element("video");
const meter = new Meter();
const player = new Player({ endpoint: `/whep/${encodeURIComponent(stream ?? "")}`, token, video });

/** For tests and for the curious: `martlet.pc`, `martlet.state`, and `await martlet.stats()`, whose rates are since the last call. */
const ownMeter = new Meter();
window.martlet = {
  player,
  get pc() {
    return player.connection;
  },
  get state() {
    return player.state;
  },
  get detail() {
    return player.detail;
  },
  stats: async () => (player.connection ? ownMeter.read(player.connection) : null),
};

const headlines = {
  idle: "Stopped",
  connecting: "Connecting …",
  waiting: "Waiting for the stream",
  live: "Live",
  stalled: "The stream has paused",
  unreachable: "No connection",
  refused: "This stream cannot be played here",
};
const badges = { ...headlines, connecting: "connecting", waiting: "waiting", live: "live", stalled: "paused",
  unreachable: "offline", refused: "refused", idle: "off" };

/** Says in the viewer's words what happened and what can be done. */
function explanation() {
  const { state, detail, refusal } = player;
  if (state === "waiting" && player.away) {
    return [detail, ""];
  }
  if (state === "waiting" && refusal?.status === 409) {
    return ["Nobody is publishing it at the moment. The picture appears here as soon as somebody does.", ""];
  }
  if (state === "refused" && (refusal?.status === 401 || refusal?.status === 403)) {
    return [detail, token
      ? "The token in this address is not accepted. Ask for a new link."
      : "A link to this stream carries a token after “#token=”. Ask for such a link."];
  }
  if (state === "refused" && refusal?.status === 406) {
    return [detail, `This browser can play ${playableCodecs().join(", ")}.`];
  }
  return [detail, ""];
}

function playableCodecs() {
  const codecs = window.RTCRtpReceiver?.getCapabilities?.("video")?.codecs ?? [];
  const names = codecs.map(({ mimeType }) => mimeType.split("/")[1]);
  return [...new Set(names)].filter((name) => !/^(rtx|red|ulpfec|flexfec.*)$/i.test(name));
}

function headline() {
  return player.state === "waiting" && player.away ? "The publisher is away, waiting" : headlines[player.state];
}

function showState() {
  const { state, refusal } = player;
  const [words, hint] = explanation();
  const badge = element("badge");
  badge.dataset.state = state;
  say(badge, badges[state]);
  const soundOnly = state === "live" && words !== "";
  element("cover").hidden = state === "live" && !soundOnly;
  // A last picture that stays is better than a black one: the cover is only a strip then.
  const keepsPicture = soundOnly || ["stalled", "connecting", "waiting"].includes(state);
  element("cover").classList.toggle("strip", video.videoWidth > 0 && keepsPicture);
  say(element("headline"), soundOnly ? "Sound only" : headline());
  say(element("explanation"), words);
  say(element("hint"), hint);
  if (refusal?.alternate && state === "refused") {
    element("hint").append(" ", make("a", { href: refusal.alternate, textContent: "Try the other form of this stream." }));
  }
  element("retry").hidden = !["refused", "idle"].includes(state) || stream === null;
  say(element("status"), state === "live" ? `The stream is live. ${words}`.trim() : `${headline()}. ${words} ${hint}`.trim());
  showSound();
  showViewers();
  showLayers();
}

function showViewers() {
  const { viewers } = player;
  element("viewers").hidden = viewers === null;
  say(element("viewers"), viewers === 1 ? "1 viewer" : `${viewers} viewers`);
}

const quality = element("layer");

/** Lists the sizes of the picture, where its publisher sends several. */
function showLayers() {
  const { layers } = player;
  element("quality").hidden = layers.length < 2;
  const entries = [["", "Automatic"], ...layers.map(({ rid, height }) => [rid, height ? `${height}p` : rid])];
  const shown = [...quality.options].map(({ value, textContent }) => [value, textContent]);
  if (JSON.stringify(entries) !== JSON.stringify(shown)) {
    quality.replaceChildren(...entries.map(([value, textContent]) => make("option", { value, textContent })));
  }
  layers.forEach(({ bitrate }, index) => {
    // Its publisher has turned it off.
    quality.options[index + 1].disabled = !bitrate;
  });
  if (document.activeElement !== quality) {
    quality.value = player.layer ?? "";
  }
}

quality.addEventListener("change", async () => {
  const { value } = quality;
  const agreed = await player.choose(value === "" ? null : value);
  const label = quality.selectedOptions[0]?.textContent;
  say(element("status"), agreed ? `Quality: ${label}.` : "The quality could not be changed.");
  if (!agreed) {
    quality.value = player.layer ?? "";
  }
});

function showSound() {
  const hasAudio = video.srcObject?.getAudioTracks().length > 0;
  element("unmute").hidden = !(video.muted && hasAudio && player.state === "live");
  const sound = element("sound");
  sound.setAttribute("aria-pressed", String(!video.muted));
  say(sound, video.muted ? "Sound is off" : "Sound is on");
}

function setMuted(muted) {
  video.muted = muted;
  if (!muted && video.volume === 0) {
    video.volume = 1;
  }
  video.play().catch(() => {
    video.muted = true;
  });
}

element("unmute").addEventListener("click", () => {
  setMuted(false);
  element("sound").focus();
});
element("sound").addEventListener("click", () => setMuted(!video.muted));
element("volume").addEventListener("input", ({ target }) => {
  video.volume = target.valueAsNumber;
  setMuted(target.valueAsNumber === 0);
});
video.addEventListener("volumechange", () => {
  element("volume").valueAsNumber = video.muted ? 0 : video.volume;
  showSound();
});
video.addEventListener("resize", showState);
element("retry").addEventListener("click", () => player.start());

element("details").addEventListener("click", ({ currentTarget }) => {
  const open = currentTarget.getAttribute("aria-expanded") !== "true";
  currentTarget.setAttribute("aria-expanded", String(open));
  element("statistics").hidden = !open;
  if (open) {
    showFigures();
  }
});

async function showFigures() {
  if (!element("statistics").hidden && player.connection) {
    showRows(element("figures"), rowsForPlayback(await meter.read(player.connection)));
  }
}

const full = element("full");
full.hidden = !document.fullscreenEnabled && !video.webkitEnterFullscreen;
full.addEventListener("click", () => {
  if (document.fullscreenElement) {
    document.exitFullscreen();
  } else if (document.fullscreenEnabled) {
    video.parentElement.requestFullscreen().catch(() => {});
  } else {
    video.webkitEnterFullscreen();
  }
});
document.addEventListener("fullscreenchange", () => {
  say(full, document.fullscreenElement ? "Leave full screen" : "Full screen");
});
element("picture").hidden = !document.pictureInPictureEnabled;
element("picture").addEventListener("click", () => {
  (document.pictureInPictureElement ? document.exitPictureInPicture() : video.requestPictureInPicture()).catch(() => {});
});

player.addEventListener("change", showState);
addEventListener("pagehide", () => player.stop());
addEventListener("pageshow", (event) => {
  if (event.persisted && stream !== null) {
    player.start();
  }
});

if (token) {
  element("home").href = `/#token=${encodeURIComponent(token)}`;
}
/** Says why the player does not even start. */
function giveUp(headline, reason) {
  say(element("headline"), headline);
  say(element("explanation"), reason);
  say(element("status"), `${headline}. ${reason}`);
}

if (stream === null) {
  giveUp("There is no stream of this name",
    "A name has 1 to 128 letters, digits, dots, hyphens and underscores, and does not start with a dot.");
} else if (!window.RTCPeerConnection) {
  giveUp(headlines.refused, "This browser has no WebRTC, or it is switched off.");
} else {
  document.title = `${stream} · Martlet`;
  say(element("stream"), stream);
  player.start();
  setInterval(showFigures, 1000);
}
