// A participant: keeps a connection to the gateway, and knows the room it is in.

import { decodeBinary, encodeBinary } from "./binary.js";
import { MartletError } from "./errors.js";
import { Link } from "./link.js";
import { Requests } from "./requests.js";
import { Room } from "./room.js";
import { ways as builtInWays } from "./ways.js";

/** What a final end means, where the gateway has not said more. */
const ends = {
  4400: ["misbehaved", "The gateway has ended the connection: too much of what was sent could not be taken."],
  4401: ["credential-refused", "The gateway has refused the token, or wants one.", "Get another token from whoever runs the gateway."],
  4403: ["credential-refused", "The token has expired or was revoked.", "Get another token from whoever runs the gateway."],
  4409: ["superseded", "Another connection has taken this place."],
};
const credentialCodes = new Set([4401, 4403]);

const systemClock = {
  now: () => performance.now(),
  set: (action, milliseconds) => setTimeout(action, milliseconds),
  clear: (timer) => clearTimeout(timer),
};

/**
 * Fires "state", "joined", "resync", "ended", "migrate", "error", the events of the room, and "message"; each is a `CustomEvent` whose
 * `detail` is what the gateway has said.
 */
export class Client extends EventTarget {
  /** Where we are, or null. */
  room = null;
  /** Why the state is "closed", or what went wrong last. */
  error = null;
  #address;
  #options;
  #link;
  #requests;
  #way = null;
  #probe = null;
  /** The event stream that a WebSocket takes the place of. */
  #previous = null;
  #timer = null;
  /** The secret of our place, and what we asked for. */
  #session = null;
  #joined = null;
  #authentication = null;
  #hasRenewed = false;
  #opening = null;
  #state = "idle";
  #online = () => this.#do(() => this.#link.hurry(this.#now()));

  /**
   * @param {string | URL} address of the gateway
   * @param {object} [options]
   * @param {string | (() => string | Promise<string>)} [options.token] or what gives one; asked again for each connection
   * @param {("socket" | "stream")[]} [options.ways] in the order of preference
   * @param {number} [options.timeout] milliseconds for an answer
   */
  constructor(address, options = {}) {
    super();
    this.#address = new URL(address);
    this.#options = { timeout: 15_000, clock: systemClock, implementations: builtInWays, ...options };
    this.#link = new Link({ ways: options.ways, random: options.random });
    this.#requests = new Requests(this.#options.clock, this.#options.timeout);
  }

  /** idle, connecting, open, waiting (for another attempt), or closed. */
  get state() {
    return this.#state;
  }

  /** "socket" or "stream". */
  get way() {
    return this.#link.way;
  }

  /** Connects, and keeps connected until `close`. Fails only when trying again would not help. */
  connect() {
    if (this.#opening === null) {
      this.#opening = Promise.withResolvers ? Promise.withResolvers() : resolvers();
      this.#opening.promise.catch(() => {}); // Whoever does not wait for it hears of it by "state".
      globalThis.addEventListener?.("online", this.#online);
      this.#link.start(this.#now());
      this.#open();
    }
    return this.#opening.promise;
  }

  /** Ends the connection; others see this participant go, if `leave` was not called, after a while. */
  close() {
    this.#finish(new MartletError("not-connected", "The client was closed."));
  }

  // What can be asked for.

  /**
   * Goes into a room.
   *
   * @param {string} room
   * @param {{namespace?: string, name?: string, metadata?: object}} [options]
   * @returns {Promise<Room>}
   */
  async join(room, options = {}) {
    const request = { type: "join", room, ...options };
    const answer = await this.request(request);
    return this.#enter(request, answer);
  }

  async leave() {
    await this.request({ type: "leave" });
    this.#forgetPlace();
  }

  /** Replaces what the others are shown of us. */
  async update(metadata) {
    await this.request({ type: "update", metadata });
    this.room?.updateSelf({ metadata });
  }

  /** Tells everybody, or one participant. */
  async send(text, { to } = {}) {
    await this.request({ type: "send", text, ...(to && { to }) });
  }

  /** The same for bytes. It is not answered; an "error" follows if something is wrong. */
  sendBinary(data, { to } = {}) {
    this.#requests.addBinary(encodeBinary(data, to));
    this.#flush();
  }

  async kick(participant, reason) {
    await this.request({ type: "kick", participant, ...(reason && { reason }) });
  }

  /** Sends everybody away. */
  async closeRoom(reason) {
    await this.request({ type: "close", ...(reason && { reason }) });
  }

  /** Asks how things stand. */
  async snapshot() {
    const answer = await this.request({ type: "snapshot" });
    this.room?.apply(answer);
    return answer;
  }

  /** Asks for anything else that the protocol has; gives the answer, or fails with the gateway's error. */
  request(message) {
    if (this.#opening === null || this.#state === "closed") {
      return Promise.reject(this.error ?? new MartletError("not-connected", "There is no connection."));
    }
    const answer = this.#requests.add(message);
    this.#flush();
    return answer;
  }

  // The connection.

  #now() {
    return this.#options.clock.now();
  }

  #open() {
    if (this.#previous === null) {
      this.#become("connecting");
    }
    this.#way = this.#carry(this.#link.way);
    this.#arm();
  }

  /** Opens a way whose words count as long as it is the one in use. */
  #carry(name) {
    const Way = this.#options.implementations[name];
    const way = new Way(this.#address, {
      opened: () => way === this.#way && this.#authenticate(),
      alive: () => way === this.#way && this.#alive(),
      received: (content) => way === this.#way && this.#receive(content),
      closed: (code, error) => way === this.#way && this.#lost(code, error),
    });
    return way;
  }

  async #authenticate() {
    const way = this.#way;
    this.#link.opened(this.#now());
    this.#arm();
    let token = this.#options.token;
    try {
      token = typeof token === "function" ? await token() : token;
    } catch (error) {
      return way === this.#way && this.#finish(new MartletError("credential-refused", `No token: ${error.message}`));
    }
    if (way !== this.#way) {
      return;
    }
    this.#authentication = this.#requests.nextNumber();
    const resume = this.#session !== null && this.room !== null ? { session: this.#session, event: this.room.event } : undefined;
    way.send(JSON.stringify({
      type: "authenticate", id: this.#authentication, ...(token && { token }), ...(resume && { resume }),
    }));
  }

  #alive() {
    this.#link.heard();
    if (this.#link.owesWord(this.#now())) {
      this.#ping();
    }
    this.#arm();
  }

  #ping() {
    this.#way.send(JSON.stringify({ type: "ping" }));
    this.#link.said(this.#now());
  }

  #receive(content) {
    this.#link.heard();
    const message = typeof content === "string" ? JSON.parse(content) : decodeBinary(content);
    if (message === null) {
      return;
    }
    if (message.id !== undefined && message.id === this.#authentication) {
      this.#welcome(message);
    } else if (message.id !== undefined) {
      this.#requests.settle(message);
    } else {
      this.#hear(message);
    }
    this.#arm();
    if (this.#probe?.isOpen) {
      this.#switch();
    }
  }

  /** The answer to `authenticate`. */
  #welcome(message) {
    if (message.type === "error" && message.code !== "session-unknown") {
      // The end of the connection says whether this is final.
      this.error = new MartletError(message.code, message.message, message.cure);
      if (this.room !== null) {
        this.#forgetPlace();
        this.#emit("ended", { cause: "credential", reason: message.message });
        this.#welcomed();
      }
      return;
    }
    this.#hasRenewed = false;
    const rejoin = !message.resumed && this.room !== null ? this.#joined : null;
    if (rejoin) {
      this.#rejoin(rejoin);
    }
    this.#welcomed();
  }

  #welcomed() {
    this.#endPrevious();
    this.#link.welcomed(this.#now());
    this.#become("open");
    this.#opening.resolve();
    this.#flush();
  }

  /** Our place was given up while we were away: takes another one in the same room. */
  #rejoin(request) {
    this.#requests.add(request, { first: true }).then(
      (answer) => this.#enter(request, answer),
      (error) => {
        this.#forgetPlace();
        this.#emit("ended", { cause: "lost", reason: error.message });
      });
  }

  #enter(request, answer) {
    this.#session = answer.session;
    this.#joined = request;
    this.room = new Room(answer);
    this.#emit("joined", answer);
    return this.room;
  }

  #forgetPlace() {
    this.room = null;
    this.#session = null;
    this.#joined = null;
  }

  /** What the gateway says by itself. */
  #hear(message) {
    this.room?.apply(message);
    if (message.type === "ended") {
      this.#forgetPlace();
    }
    if (message.type === "error") {
      this.error = new MartletError(message.code, message.message, message.cure);
    }
    if (message.type !== "pong") {
      this.#emit(message.type, message);
    }
  }

  #lost(code, error) {
    this.#way.close();
    this.#way = null;
    this.#endProbe();
    this.#endPrevious();
    this.#requests.lose();
    if (error) {
      this.error = error;
    }
    // A token that has run out may be followed by another one, once.
    const renews = credentialCodes.has(code) && typeof this.#options.token === "function" && !this.#hasRenewed;
    this.#hasRenewed ||= renews;
    if (!this.#link.lost(this.#now(), renews ? undefined : code)) {
      const end = ends[code];
      return this.#finish(end && this.error?.code !== end[0] ? new MartletError(...end) : this.error);
    }
    this.error ??= new MartletError("gateway-unreachable", "The gateway cannot be reached.");
    this.#become("waiting");
    this.#arm();
  }

  #finish(error) {
    this.#options.clock.clear(this.#timer);
    globalThis.removeEventListener?.("online", this.#online);
    this.#endProbe();
    this.#endPrevious();
    this.#way?.close();
    this.#way = null;
    this.#link.stop();
    this.error = error;
    this.#forgetPlace();
    this.#requests.fail(error);
    this.#opening?.reject(error);
    this.#become("closed");
  }

  #flush() {
    if (this.#link.state !== "open") {
      return;
    }
    for (const content of this.#requests.take()) {
      this.#way.send(content);
      this.#link.said(this.#now());
    }
    this.#arm();
  }

  // Time.

  #arm() {
    this.#options.clock.clear(this.#timer);
    if (this.#link.deadline < Infinity) {
      this.#timer = this.#options.clock.set(() => this.#do(() => {}), Math.max(this.#link.deadline - this.#now(), 0));
    }
  }

  #do(change) {
    change();
    switch (this.#link.advance(this.#now())) {
      case "open":
        return this.#open();
      case "drop":
        return this.#lost(1006);
      case "ping":
        this.#way.send(JSON.stringify({ type: "ping" }));
        break;
      case "probe":
        this.#tryOther();
        break;
    }
    this.#arm();
  }

  // Back from the event stream to WebSocket: opened beside it, and taken when nothing is unanswered.

  #tryOther() {
    const Way = this.#options.implementations.socket;
    const probe = { isOpen: false };
    probe.way = new Way(this.#address, {
      opened: () => {
        probe.isOpen = true;
        this.#switch();
      },
      alive: () => {},
      received: () => {},
      closed: () => {
        if (probe === this.#probe) {
          this.#probe = null;
          this.#link.probed(this.#now(), false);
          this.#arm();
        }
      },
    });
    this.#probe = probe;
  }

  #switch() {
    if (!this.#requests.isIdle || this.#link.state !== "open") {
      return;
    }
    this.#endProbe();
    // Its place is kept, and the gateway gives it to whoever comes with its secret.
    this.#previous = this.#way;
    this.#link.probed(this.#now(), true);
    this.#link.way = "socket";
    this.#link.start(this.#now());
    this.#open();
  }

  #endPrevious() {
    this.#previous?.close();
    this.#previous = null;
  }

  #endProbe() {
    const probe = this.#probe;
    this.#probe = null;
    probe?.way.close();
  }

  // What others see.

  #become(state) {
    if (state !== this.#state) {
      this.#state = state;
      if (state === "open") {
        this.error = null;
      }
      this.#emit("state", { state, error: this.error });
    }
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function resolvers() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}
