// The first page: which streams are live, and the way to each of them.

import { element, fragment, make, pageAddress, say, streamNamePattern } from "/assets/page.js";
import { bitrate, codecName } from "/assets/statistics.js";

const list = element("streams");
const status = element("status");

async function refresh() {
  const token = fragment().get("token");
  let response;
  try {
    response = await fetch("/api/v1/streams", {
      headers: { Accept: "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) },
      cache: "no-store",
    });
  } catch {
    say(status, "The gateway cannot be reached. Trying again.");
    return;
  }
  if (response.status === 401 || response.status === 403) {
    list.replaceChildren();
    say(status, "The list is shown on the gateway's own machine, or with a token for it. Below you can watch a stream by its name.");
    return;
  }
  if (!response.ok) {
    say(status, "The gateway cannot list its streams at the moment. Trying again.");
    return;
  }
  const answer = await response.json();
  show(Array.isArray(answer) ? answer : (answer.streams ?? []));
}

function show(streams) {
  const live = streams.filter(({ state }) => state !== "waiting").length;
  say(status, streams.length === 0
    ? "No stream is live. Publish one: it appears here by itself."
    : `${live} ${live === 1 ? "stream is" : "streams are"} live.`);
  const known = new Map([...list.children].map((item) => [item.dataset.name, item]));
  for (const stream of streams) {
    const item = known.get(stream.name) ?? newItem(stream.name);
    known.delete(stream.name);
    fill(item, stream);
  }
  for (const gone of known.values()) {
    gone.remove();
  }
}

function newItem(name) {
  const item = make("li", { className: "card stream" },
    make("img", { className: "still", alt: "", hidden: true }),
    make("a", { className: "name", href: pageAddress("play", name), textContent: name }),
    make("span", { className: "badge" }),
    make("p", { className: "facts" }),
    make("ul", { className: "warnings" }));
  item.dataset.name = name;
  list.append(item);
  return item;
}

const sourceNames = { rtmp: "by RTMP", whip: "by WHIP", demo: "test picture" };

/** How often a picture is asked for anew, in milliseconds: one of a WHIP publisher may cost a key frame. */
const stillInterval = 15_000;

/** Shows the last key frame of a stream, if there is one to show. */
async function refreshStill(image, stream) {
  const hasPicture = stream.state !== "waiting" && (stream.tracks ?? []).some(({ kind }) => kind === "video");
  if (!hasPicture) {
    image.hidden = true;
    return;
  }
  const now = performance.now();
  if (now < Number(image.dataset.next ?? 0)) {
    return;
  }
  image.dataset.next = String(now + stillInterval);
  const token = fragment().get("token");
  try {
    const response = await fetch(`/api/v1/streams/${encodeURIComponent(stream.name)}/snapshot.jpg?height=144`, {
      headers: token ? { Authorization: `Bearer ${token}` } : {},
    });
    image.hidden = !response.ok;
    if (response.ok) {
      image.src = await dataAddress(await response.blob());
    }
  } catch {
    image.hidden = true;
  }
}

/** An image of the page itself: one that needs a token cannot be named by its address. */
function dataAddress(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(blob);
  });
}

function fill(item, stream) {
  const [still, , badge, facts, warnings] = item.children;
  refreshStill(still, stream);
  badge.dataset.state = stream.state === "waiting" ? "waiting" : "live";
  say(badge, stream.state === "waiting" ? "waiting for its publisher" : "live");
  const pictureFirst = [...(stream.tracks ?? [])].sort((a, b) => Number(a.kind !== "video") - Number(b.kind !== "video"));
  const tracks = pictureFirst.map((track) => {
    const size = track.width ? ` ${track.width} × ${track.height}` : "";
    // Sound that is made for viewers only has no rate while there are none.
    const rate = track.bitrate > 0 ? `, ${bitrate(track.bitrate)}` : "";
    return `${codecName(track.codec)}${size}${rate}`;
  });
  const viewers = `${stream.viewers} ${stream.viewers === 1 ? "viewer" : "viewers"}`;
  say(facts, [sourceNames[stream.source], ...tracks, viewers].filter(Boolean).join(" · "));
  const messages = (stream.warnings ?? []).map(({ message, since }) => {
    const begun = since ? new Date(since) : null;
    return begun ? `${message} (Since ${begun.toLocaleTimeString()}.)` : message;
  });
  if (messages.join("\n") !== [...warnings.children].map(({ textContent }) => textContent).join("\n")) {
    warnings.replaceChildren(...messages.map((message) => make("li", { textContent: message })));
  }
}

element("go").addEventListener("submit", (event) => {
  event.preventDefault();
  const input = element("name");
  const name = input.value.trim();
  input.setCustomValidity(streamNamePattern.test(name) ? "" : "Letters, digits, dots, hyphens and underscores; no dot in front.");
  if (input.reportValidity()) {
    location.href = pageAddress(event.submitter?.value === "publish" ? "publish" : "play", name);
  }
});
element("name").addEventListener("input", ({ target }) => target.setCustomValidity(""));

for (const place of document.querySelectorAll("[data-address]")) {
  say(place, place.dataset.address === "rtmp" ? `rtmp://${location.hostname}/live` : `${location.origin}/whip`);
}

refresh();
setInterval(() => {
  if (!document.hidden) {
    refresh();
  }
}, 2000);
