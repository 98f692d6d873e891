import { Client } from "../src/client.js";
import { Clock, equal, fails, fakeWays, joined, ok, settled } from "./support.js";

function start(options = {}) {
  const clock = new Clock();
  const { opened, implementations } = fakeWays();
  const client = new Client("https://gateway.example", { clock, implementations, random: () => 0, ...options });
  const heard = [];
  for (const type of ["state", "joined", "ended", "resync", "message", "error", "participant-joined"]) {
    client.addEventListener(type, ({ detail }) => heard.push(type === "state" ? detail.state : type));
  }
  return { clock, opened, client, heard, connected: client.connect() };
}

async function enter(client, way) {
  const room = client.join("lobby", { name: "Ada" });
  await way.answer("join", joined);
  return room;
}

export const tests = {
  async "a client connects, says who it is, and joins"() {
    const { opened: [way], client, connected, heard } = start({ token: async () => "secret" });
    const early = client.join("lobby", { name: "Ada" });
    equal(way.said, []);
    await way.welcome();
    await connected;
    equal(way.said[0].token, "secret");
    await way.answer("join", joined);
    equal([(await early).me, client.room.name, heard], ["p1", "lobby", ["connecting", "open", "joined"]]);
    way.say({ type: "message", event: 4, from: "p2", private: false, text: "hello" });
    equal([heard.at(-1), client.room.event], ["message", 4]);
    client.sendBinary(new Uint8Array([9]), { to: "p2" });
    equal([...way.said.at(-1)], [1, 2, 112, 50, 9]);
    const left = client.leave();
    await way.answer("leave");
    await left;
    equal(client.room, null);
  },

  async "a client that loses its connection comes back into its place"() {
    const { clock, opened, client, heard } = start();
    await opened[0].welcome();
    await enter(client, opened[0]);
    const [sent, updated] = [client.send("hello"), client.update({ hand: true })];
    opened[0].handlers.closed(1006);
    await fails(sent, "connection-lost");
    equal([client.state, client.room.name], ["waiting", "lobby"]);
    await clock.advance(1_000);
    equal(opened.length, 2);
    // What cannot do harm twice is asked again, behind what was asked meanwhile by nobody.
    await opened[1].welcome({ resumed: true, room: "lobby", namespace: "default", participant: "p1" });
    equal(opened[1].last("authenticate").resume, { session: "secret", event: 3 });
    await opened[1].answer("update");
    await updated;
    equal(client.room.self.metadata, { hand: true });
    equal(heard.filter((each) => each === "joined").length, 1);
  },

  async "a client whose place was given up takes another one"() {
    const { clock, opened, client, heard } = start();
    await opened[0].welcome();
    await enter(client, opened[0]);
    opened[0].handlers.closed(4408);
    await clock.advance(1_000);
    const way = opened[1];
    way.handlers.opened();
    await settled();
    way.say({ type: "error", id: way.last("authenticate").id, code: "session-unknown", message: "gone", cure: "join" });
    await way.answer("join", { ...joined, participant: "p5", session: "other" });
    equal([client.room.me, way.last("join").name, heard.at(-1)], ["p5", "Ada", "joined"]);
  },

  async "a token that is refused ends it, and says why"() {
    const { clock, opened: [way], client, connected, heard } = start({ token: "wrong" });
    way.handlers.opened();
    await settled();
    way.say({ type: "error", id: way.last("authenticate").id, code: "credential-refused", message: "It is wrong.", cure: "Get another." });
    way.handlers.closed(4401);
    await fails(connected, "credential-refused");
    equal([client.error.message, client.state, heard], ["It is wrong.", "closed", ["connecting", "closed"]]);
    await clock.advance(3_600_000);
    await fails(client.join("lobby"), "credential-refused");
  },

  async "a token that has run out is asked for again, once"() {
    const tokens = ["first", "second", "third"];
    const { clock, opened, client } = start({ token: () => tokens.shift() });
    await opened[0].welcome();
    opened[0].handlers.closed(4403);
    await clock.advance(1_000);
    opened[1].handlers.opened();
    await settled();
    equal(opened[1].last("authenticate").token, "second");
    opened[1].handlers.closed(4401);
    equal([client.state, tokens], ["closed", ["third"]]);
  },

  async "where WebSocket does not open the event stream does, and WebSocket is taken up again"() {
    const { clock, opened, client, heard } = start();
    opened[0].handlers.closed(1006);
    await clock.advance(0);
    equal(opened.map(({ name }) => name), ["socket", "stream"]);
    await opened[1].welcome();
    await enter(client, opened[1]);
    for (let second = 0; second < 59; second += 1) {
      await clock.advance(1_000);
      opened[1].handlers.alive();
    }
    ok(opened[1].said.filter(({ type }) => type === "ping").length >= 3, "nothing tells the gateway that the client lives");
    await clock.advance(2_000);
    equal(opened.length, 3);
    // Not while something is unanswered.
    const sent = client.send("hello");
    opened[2].handlers.opened();
    equal(opened.length, 3);
    await opened[1].answer("send");
    await sent;
    equal([opened[2].isClosed, opened[3].name, opened[1].isClosed], [true, "socket", false]);
    await opened[3].welcome({ resumed: true, room: "lobby", namespace: "default", participant: "p1" });
    equal([opened[1].isClosed, client.way, client.state], [true, "socket", "open"]);
    equal(heard, ["connecting", "waiting", "connecting", "open", "joined"]);
  },

  async "what waits for a connection is bounded, and ends"() {
    const { clock, client } = start();
    const asked = Array.from({ length: 65 }, () => client.send("hello"));
    await fails(asked[64], "queue-full");
    const ends = Promise.all(asked.slice(0, 64).map((each) => fails(each, "timed-out")));
    await clock.advance(15_000);
    await ends;
    client.close();
    await fails(client.send("hello"), "not-connected");
  },

  async "errors that answer nothing are events"() {
    const { opened: [way], client, heard } = start();
    await way.welcome();
    way.say({ type: "error", code: "rate-limited", message: "too many", cure: "wait" });
    equal([heard.at(-1), client.error.code], ["error", "rate-limited"]);
    await fails(Promise.all([client.kick("p2"), way.answer("kick", { type: "error", code: "not-joined", message: "no", cure: "join" })]), "not-joined");
  },
};
