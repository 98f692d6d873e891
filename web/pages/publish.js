// The publishing page: ties a source and the `Publisher` to the document.
//
// `#source=card&codec=VP8&size=640x360&simulcast&start` chooses beforehand, and starts where no permission is needed.

import { element, fragment, make, pageAddress, say, showRows, streamFromAddress } from "/assets/page.js";
import { Publisher, sendableCodecs } from "/assets/publisher.js";
import { closeSource, openSource } from "/assets/sources.js";
import { codecName, Meter, rowsForPublishing } from "/assets/statistics.js";

const stream = streamFromAddress();
const wishes = fragment();
const token = wishes.get("token");
const form = element("form");
const publisher = new Publisher();
const meter = new Meter();
let media = null;

/** For tests and for the curious: `martlet.pc`, `martlet.state`, and `await martlet.stats()`, whose rates are since the last call. */
const ownMeter = new Meter();
window.martlet = {
  publisher,
  get pc() {
    return publisher.connection;
  },
  get state() {
    return publisher.state;
  },
  get detail() {
    return publisher.detail;
  },
  stats: async () => (publisher.connection ? ownMeter.read(publisher.connection) : null),
};

const words = {
  idle: ["off", "Choose a source and start"],
  connecting: ["connecting", "Connecting …"],
  live: ["live", "Live"],
  retrying: ["offline", "No connection"],
  refused: ["refused", "The gateway refused the stream"],
};

function showState() {
  const { state, detail } = publisher;
  const [short, headline] = words[state];
  element("badge").dataset.state = state;
  say(element("badge"), short);
  say(element("headline"), headline);
  element("cover").hidden = media !== null;
  element("start").disabled = stream === null || media !== null;
  element("stop").disabled = media === null;
  for (const input of form.querySelectorAll("input, select")) {
    input.disabled = media !== null;
  }
  element("watch-line").hidden = state !== "live";
  element("statistics").hidden = state !== "live";
  if (state === "refused") {
    release();
  }
  say(element("status"), state === "live" ? "You are live." : detail);
}

function release() {
  closeSource(media);
  media = null;
  element("preview").srcObject = null;
}

async function start() {
  const kind = new FormData(form).get("source");
  const [width, height] = element("size").value.split("x").map(Number);
  try {
    media = await openSource(kind, width, height);
  } catch (error) {
    say(element("status"), sourceProblem(kind, error));
    return;
  }
  for (const track of media.getVideoTracks()) {
    track.contentHint = kind === "screen" ? "detail" : "motion";
    // Browsers end a screen capture from their own bar.
    track.addEventListener("ended", stop);
  }
  element("preview").srcObject = media;
  publisher.start({
    endpoint: `/whip/${encodeURIComponent(stream)}`, token, stream: media, codec: element("codec").value,
    simulcast: element("simulcast").checked,
  });
  showState();
  element("stop").focus();
}

function stop() {
  const hadFocus = document.activeElement === element("stop");
  publisher.stop();
  release();
  showState();
  if (hadFocus) {
    element("start").focus();
  }
}

function sourceProblem(kind, error) {
  if (error instanceof TypeError) {
    return "Browsers give camera and screen only to pages over HTTPS or from localhost. The test card works anywhere.";
  }
  const what = kind === "screen" ? "screen" : "camera";
  return {
    NotAllowedError: `The browser was not allowed to use the ${what}. Allow it beside the address, and start again.`,
    NotFoundError: `No ${what} was found.`,
    NotReadableError: `The ${what} is used by another program.`,
  }[error.name] ?? `The ${what} could not be opened: ${error.message}`;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  start();
});
element("stop").addEventListener("click", stop);
publisher.addEventListener("change", showState);
addEventListener("pagehide", () => publisher.stop());

setInterval(async () => {
  if (publisher.connection && publisher.state === "live") {
    showRows(element("figures"), rowsForPublishing(await meter.read(publisher.connection)));
  }
}, 1000);

element("codec").append(...sendableCodecs().map((name) => make("option", { value: name, textContent: codecName(name) })));
for (const [id, value] of [["codec", wishes.get("codec")], ["size", wishes.get("size")]]) {
  const choice = [...element(id).options].find((option) => option.value === value);
  if (choice) {
    choice.selected = true;
  }
}
element("simulcast").checked = wishes.has("simulcast");
const wished = form.querySelector(`input[value="${CSS.escape(wishes.get("source") ?? "")}"]`);
if (wished) {
  wished.checked = true;
}
if (token) {
  element("home").href = `/#token=${encodeURIComponent(token)}`;
}
if (stream === null) {
  say(element("headline"), "There is no stream of this name");
  element("start").disabled = true;
} else if (!window.RTCPeerConnection) {
  say(element("headline"), "This browser has no WebRTC, or it is switched off.");
  element("start").disabled = true;
} else {
  document.title = `Publish ${stream} · Martlet`;
  say(element("stream"), stream);
  element("watch").href = pageAddress("play", stream);
  say(element("watch"), new URL(pageAddress("play", stream).replace(/#.*/, ""), location.href).href);
  if (wishes.has("start") && wished?.value === "card") {
    start();
  }
}
