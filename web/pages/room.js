// The page of a room: ties the client of signaling to the document.
//
// `#token=…&name=Ada&join` says who comes, and goes in at once.

import { Devices } from "/assets/devices.js";
import { element, fragment, make, pageAddress, say, streamFromAddress } from "/assets/page.js";
import { Client, Media } from "/assets/sdk/index.js";
import { Tiles } from "/assets/tiles.js";

const room = streamFromAddress();
const wishes = fragment();
const token = wishes.get("token");
/** Lines of talk that are kept. */
const longestTalk = 500;

const client = new Client(location.origin, token ? { token } : {});
const media = new Media(client);
const tiles = new Tiles(element("tiles"), () => (element("unmute").hidden = false));
const devices = new Devices(send, complain);
const names = new Map();
let speakers = [];

/** For tests and for the curious. */
window.martlet = {
  client,
  media,
  get state() {
    return client.state === "open" && client.room ? "live" : client.state;
  },
  get detail() {
    return client.error?.message ?? "";
  },
};

const badges = {
  idle: ["idle", "off"], connecting: ["connecting", "connecting"], waiting: ["retrying", "offline"], closed: ["refused", "off"],
};
const causes = {
  kicked: "You were sent away.", "room-closed": "The room was closed.", credential: "Your permission has ended.",
  lost: "Your place in the room could not be kept.",
};

function showState() {
  const [state, word] = client.state === "open" ? [client.room ? "live" : "idle", client.room ? "in the room" : "ready"] : badges[client.state];
  element("badge").dataset.state = state;
  say(element("badge"), word);
  element("inside").hidden = client.room === null;
  element("entrance").hidden = client.room !== null;
  if (client.state === "waiting") {
    say(element("status"), "The connection was lost. Trying again; your place is kept for half a minute.");
  } else if (client.state === "closed" && client.error) {
    complain(`${client.error.message} ${client.error.cure}`);
  } else if (client.state === "open") {
    say(element("status"), "");
  }
}

function complain(text) {
  element("problem").hidden = text === "";
  say(element("problem"), text);
}

/** Does what somebody wants, or says why not. */
async function attempt(action) {
  complain("");
  try {
    await action();
  } catch (error) {
    complain(`${error.message} ${error.cure ?? ""}`);
  }
}

// People.

/** Also of those who have just left. */
function nameOf(id) {
  return names.get(id) ?? "Somebody";
}

function person(participant) {
  const { id, kind, role, presence, tracks = [] } = participant;
  const facts = [
    id === client.room.me && "you", role === "moderator" && "moderator", presence === "away" && "away",
    ...tracks.map(({ source, kind, muted }) => `${source === "other" ? kind : source}${muted ? " (off)" : ""}`),
  ];
  const line = make("li", {}, make("span", { textContent: nameOf(id), className: speakers.includes(id) ? "speaks" : "" }),
    make("span", { className: "facts", textContent: facts.filter(Boolean).join(", ") }));
  if (kind === "stream") {
    line.append(make("a", { href: pageAddress("play", room), target: "_blank", textContent: "Watch" }));
  }
  if (client.room.self?.role === "moderator" && kind === "client" && id !== client.room.me) {
    const button = make("button", { type: "button", textContent: "Send away", "aria-label": `Send ${nameOf(id)} away` });
    button.addEventListener("click", () => attempt(() => client.kick(id)));
    line.append(button);
  }
  return line;
}

function showPeople() {
  if (client.room) {
    for (const { id, name, kind } of client.room.participants.values()) {
      names.set(id, name || (kind === "stream" ? `Stream (${room})` : "Somebody"));
    }
    const people = element("people");
    // A list that is made anew takes the focus away from its buttons.
    const focused = [...people.querySelectorAll("button")].indexOf(document.activeElement);
    people.replaceChildren(...[...client.room.participants.values()].map(person));
    people.querySelectorAll("button")[focused]?.focus();
    tiles.label((owner, key) => (key.endsWith("/screen") ? `${nameOf(owner)}: screen` : nameOf(owner)), speakers);
  }
}

// Talk.

function tell(name, text) {
  const talk = element("talk");
  const isAtEnd = talk.scrollTop + talk.clientHeight >= talk.scrollHeight - 8;
  talk.append(make("li", {}, make("span", { className: "from", textContent: name ? `${name}: ` : "" }), make("span", { textContent: text })));
  while (talk.childElementCount > longestTalk) {
    talk.firstElementChild.remove();
  }
  if (isAtEnd) {
    talk.scrollTop = talk.scrollHeight;
  }
}

// Sound and picture.

function send(source, track) {
  if (client.room === null) {
    return;
  }
  const key = `${client.room.me}/${source}`;
  attempt(async () => {
    if (track === null) {
      tiles.remove(key);
      await media.unpublish(source);
    } else {
      tiles.add(key, track, { owner: client.room.me, isOwn: true, mirrored: source === "camera" });
      showPeople();
      await media.publish(track, { source });
    }
  });
}

async function enter() {
  const name = element("name").value.trim();
  element("join").disabled = true;
  say(element("status"), "Connecting …");
  await attempt(async () => {
    // Only a refusal ends this; until then the client tries.
    await client.connect();
    await client.join(room, { name });
    say(element("status"), "");
    element("text").focus();
    await media.subscribe("all").catch((error) => {
      // A gateway that knows rooms but no tracks.
      if (error.code !== "unknown-type") {
        throw error;
      }
      element("sending").hidden = true;
    });
  });
  element("join").disabled = client.state === "closed";
}

function goOut(reason) {
  devices.stop();
  tiles.clear();
  speakers = [];
  showState();
  say(element("status"), reason);
  element("name").focus();
}

client.addEventListener("state", showState);
client.addEventListener("joined", () => {
  showState();
  showPeople();
});
client.addEventListener("ended", ({ detail }) => goOut(`${causes[detail.cause] ?? "You are no longer in the room."} ${detail.reason ?? ""}`));
for (const type of ["resync", "participant-updated", "participant-presence", "track-published", "track-unpublished", "track-updated"]) {
  client.addEventListener(type, showPeople);
}
client.addEventListener("participant-joined", ({ detail }) => {
  showPeople();
  tell("", `${nameOf(detail.participant.id)} is here.`);
});
client.addEventListener("participant-left", ({ detail }) => {
  tell("", `${nameOf(detail.participant)} has left.`);
  names.delete(detail.participant);
  showPeople();
});
client.addEventListener("message", ({ detail }) => detail.text !== undefined && tell(nameOf(detail.from), detail.text));
client.addEventListener("error", ({ detail }) => complain(`${detail.message} ${detail.cure}`));
client.addEventListener("migrate", () => say(element("status"), "The gateway goes away. Looking for it again."));
media.addEventListener("subscribed", ({ detail: { participant, track, media } }) => {
  tiles.add(`${participant}/${track}`, media, { owner: participant });
  showPeople();
});
media.addEventListener("unsubscribed", ({ detail: { participant, track } }) => tiles.remove(`${participant}/${track}`));
media.addEventListener("speakers", ({ detail }) => {
  speakers = detail;
  showPeople();
});
media.addEventListener("quality", ({ detail: { level } }) => {
  element("quality").hidden = false;
  say(element("quality"), `connection: ${level}`);
});
media.addEventListener("error", ({ detail }) => complain(`${detail.message} ${detail.cure ?? ""}`));

element("entrance").addEventListener("submit", (event) => {
  event.preventDefault();
  enter();
});
element("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = element("text").value.trim();
  if (text !== "") {
    attempt(async () => {
      await client.send(text);
      tell("You", text);
      element("text").value = "";
    });
  }
});
element("leave").addEventListener("click", () => attempt(async () => {
  devices.stop();
  media.end();
  await client.leave();
  goOut("You have left.");
}));
element("unmute").addEventListener("click", () => {
  element("unmute").hidden = true;
  tiles.resume();
});
addEventListener("pagehide", () => client.close());

if (token) {
  element("home").href = `/#token=${encodeURIComponent(token)}`;
}
element("name").value = wishes.get("name") ?? "";
if (room === null) {
  complain("There is no room of this name: 1 to 128 letters, digits, dots, underscores and hyphens, without a dot in front.");
  element("join").disabled = true;
} else {
  document.title = `${room} · Martlet`;
  say(element("stream"), room);
  if (wishes.has("join") && element("name").value !== "") {
    enter();
  }
}
