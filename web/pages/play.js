// The player page: ties the `Watcher` to the document.

import { element, fragment, make, say, showRows, streamFromAddress } from "/assets/page.js";
import { Stage } from "/assets/stage.js";
import { Meter, rowsForHLS, rowsForPlayback } from "/assets/statistics.js";
import { Watcher } from "/assets/watcher.js";

const stream = streamFromAddress();
const token = fragment().get("token");
const videos = { webrtc: element("video"), hls: element("segments") };
const stage = new Stage(Object.values(videos));
const meter = new Meter();
const name = encodeURIComponent(stream ?? "");
const player = new Watcher({
  endpoint: `/whep/${name}`, playlist: `/hls/${name}/index.m3u8`, token, stage, videos,
  only: new URLSearchParams(location.search).get("via"),
});

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
  /** "webrtc" or "hls", or null while there is no picture. */
  get via() {
    return player.via;
  },
  get reason() {
    return player.reason;
  },
  stats: async () => player.hls?.figures() ?? (player.connection ? ownMeter.read(player.connection) : null),
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
  say(badge, state === "live" && player.via === "hls" ? "live, HLS" : badges[state]);
  const { video } = stage;
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
  showWay();
  say(element("status"), state === "live" ? `The stream is live. ${words} ${wayWords()}`.trim() : `${headline()}. ${words} ${hint}`.trim());
  showSound();
  showViewers();
  showLayers();
}

/** Why the picture is further behind than it might be. */
function wayWords() {
  return player.reason === "" ? "" : `The picture comes by HLS, some seconds behind. ${player.reason}`;
}

function showWay() {
  const words = wayWords();
  element("way").hidden = words === "";
  say(element("way"), words);
}

function showViewers() {
  const { viewers } = player;
  element("viewers").hidden = viewers === null;
  say(element("viewers"), viewers === 1 ? "1 viewer" : `${viewers} viewers`);
}

const quality = element("layer");

/** Lists what there is of the picture, where its publisher sends several sizes or layers. */
function showLayers() {
  const { layers } = player;
  element("quality").hidden = layers.length < 2;
  const entries = [["", "Automatic"], ...layers.map((layer) => [layer.rid, labelOf(layer, layers)])];
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

/** A layer by its size, and by its name where that is not enough. */
function labelOf({ rid, height }, layers) {
  if (!height) {
    return rid;
  }
  return layers.filter((other) => other.height === height).length > 1 ? `${height}p ${rid}` : `${height}p`;
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
  const { video } = stage;
  element("unmute").hidden = !(video.muted && player.hasSound && player.state === "live");
  const sound = element("sound");
  sound.setAttribute("aria-pressed", String(!video.muted));
  say(sound, video.muted ? "Sound is off" : "Sound is on");
}

element("unmute").addEventListener("click", () => {
  stage.mute(false);
  element("sound").focus();
});
element("sound").addEventListener("click", () => stage.mute(!stage.video.muted));
element("volume").addEventListener("input", ({ target }) => {
  stage.video.volume = target.valueAsNumber;
  stage.mute(target.valueAsNumber === 0);
});
stage.on("volumechange", () => {
  const { muted, volume } = stage.video;
  element("volume").valueAsNumber = muted ? 0 : volume;
  showSound();
});
stage.on("resize", showState);
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
  if (element("statistics").hidden) {
    return;
  }
  if (player.hls) {
    showRows(element("figures"), rowsForHLS(player.hls.figures()));
  } else if (player.connection) {
    showRows(element("figures"), rowsForPlayback(await meter.read(player.connection)));
  }
}

const full = element("full");
full.hidden = !document.fullscreenEnabled && !videos.webrtc.webkitEnterFullscreen;
full.addEventListener("click", () => {
  if (document.fullscreenElement) {
    document.exitFullscreen();
  } else if (document.fullscreenEnabled) {
    stage.video.parentElement.requestFullscreen().catch(() => {});
  } else {
    stage.video.webkitEnterFullscreen();
  }
});
document.addEventListener("fullscreenchange", () => {
  say(full, document.fullscreenElement ? "Leave full screen" : "Full screen");
});
element("picture").hidden = !document.pictureInPictureEnabled;
element("picture").addEventListener("click", () => {
  (document.pictureInPictureElement ? document.exitPictureInPicture() : stage.video.requestPictureInPicture()).catch(() => {});
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
} else {
  document.title = `${stream} · Martlet`;
  say(element("stream"), stream);
  player.start();
  setInterval(showFigures, 1000);
}
