// Watches a stream by WHEP and keeps watching: it waits for a stream that is not live yet, notices when
// media stops, and changes to a new session without taking the old picture away first.

import { Extensions } from "/assets/extensions.js";
import { Refusal, Session } from "/assets/session.js";

const tickMilliseconds = 250;
/** Silence after which another session is tried while the old one is kept. */
const shortestStall = 2000;
/** A stream that pauses on purpose (a still screen) doubles the patience each time, up to this. */
const longestStall = 16000;
/** How long a new session may take to bring media. */
const attemptLimit = 8000;
/** Bytes that arrive but never become a picture: the session is given up after this. */
const undecodableLimit = 6000;
/** Sound without a picture for this long is worth a word. */
const pictureLimit = 3000;

/** One session and the media that came with it. */
class View {
  bytes = 0;
  frames = 0;
  arrived = 0;
  opened = false;
  ended = false;

  constructor(token) {
    const now = performance.now();
    this.createdAt = this.bytesAt = this.framesAt = this.arrivedAt = now;
    this.flowsSince = null;
    this.stream = new MediaStream();
    this.connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    for (const kind of ["video", "audio"]) {
      this.connection.addTransceiver(kind, { direction: "recvonly" });
    }
    this.connection.addEventListener("track", ({ track }) => this.stream.addTrack(track));
    this.abort = new AbortController();
    this.session = new Session(this.connection, token);
    this.extensions = new Extensions(this.session);
    /** Whether the gateway asked to go to another session. */
    this.leaving = false;
  }

  async open(endpoint) {
    await this.session.open(endpoint, this.abort.signal);
    this.opened = true;
    const transport = this.connection.getReceivers()[0]?.transport;
    transport?.addEventListener("statechange", () => {
      if (transport.state === "closed" || transport.state === "failed") {
        this.ended = true;
      }
    });
  }

  get connected() {
    return this.connection.connectionState === "connected";
  }

  /** The session is over, or cannot come about. */
  get lost() {
    return this.ended || ["failed", "closed"].includes(this.connection.connectionState);
  }

  get flows() {
    return this.flowsSince !== null;
  }

  /** Looks how far the media have come. */
  async sample() {
    if (this.lost) {
      return;
    }
    let bytes = 0;
    let frames = 0;
    let arrived = 0;
    let hasVideo = false;
    for (const entry of (await this.connection.getStats()).values()) {
      if (entry.type === "inbound-rtp") {
        bytes += entry.bytesReceived ?? 0;
        frames += entry.framesDecoded ?? 0;
        arrived += entry.framesReceived ?? entry.framesDecoded ?? 0;
        hasVideo ||= entry.kind === "video" && entry.bytesReceived > 0;
      }
    }
    const now = performance.now();
    if (bytes > this.bytes) {
      // After a pause the clock for pictures starts anew: the first frames may need a key frame.
      if (now - this.bytesAt > 1000) {
        this.framesAt = now;
        this.flowsSince = null;
      }
      this.bytesAt = now;
      this.flowsSince ??= now;
    }
    if (frames > this.frames || !hasVideo) {
      this.framesAt = now;
    }
    if (arrived > this.arrived || !hasVideo) {
      this.arrivedAt = now;
    }
    this.bytes = bytes;
    this.frames = frames;
    this.arrived = arrived;
  }

  close() {
    this.abort.abort();
    this.extensions.close();
    this.session.close();
  }
}

/**
 * Fires "change" when `state` or `detail` changes. States:
 * idle, connecting, waiting (nobody publishes), live, stalled, unreachable, refused.
 */
export class Player extends EventTarget {
  state = "idle";
  /** What happened, in plain words; "" when there is nothing to say. */
  detail = "";
  /** @type {Refusal | null} */
  refusal = null;
  #endpoint;
  /** Where the gateway sent us, for the next attempt; null for `#endpoint`. */
  #elsewhere = null;
  /** The layer that the viewer chose, or null for whatever the network carries. */
  #layer = null;
  #layerAsked = null;
  #token;
  #video;
  #current = null;
  #attempt = null;
  #nextAttemptAt = 0;
  #failures = 0;
  #stallAfter = shortestStall;
  #timer = null;
  #ticking = false;

  constructor({ endpoint, token, video }) {
    super();
    this.#endpoint = endpoint;
    this.#token = token;
    this.#video = video;
  }

  /** The connection that is shown now, or the one being tried. */
  get connection() {
    return (this.#current ?? this.#attempt)?.connection ?? null;
  }

  /** Whether the publisher has gone and the session waits for it. */
  get away() {
    return this.#current?.extensions.away ?? false;
  }

  /** How many watch; null when nobody said. */
  get viewers() {
    return this.#current?.extensions.viewers ?? null;
  }

  /** The layers of the picture, the largest first: { rid, bitrate, width, height }. */
  get layers() {
    return this.#current?.extensions.layers ?? [];
  }

  get layer() {
    return this.#layer;
  }

  /**
   * Chooses a layer, also for the sessions that follow; null leaves it to the gateway.
   *
   * @returns {Promise<boolean>} whether the gateway agreed
   */
  async choose(layer) {
    const agreed = await this.#current?.extensions.choose(layer) === true;
    if (agreed) {
      this.#layer = layer;
      this.#layerAsked = layer;
    }
    return agreed;
  }

  start() {
    this.stop();
    this.#failures = 0;
    this.#nextAttemptAt = 0;
    this.#become("connecting");
    this.#timer = setInterval(() => this.#tick(), tickMilliseconds);
    this.#tick();
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = null;
    this.#drop("attempt");
    this.#drop("current");
    this.#become("idle");
  }

  async #tick() {
    if (this.#ticking) {
      return;
    }
    this.#ticking = true;
    try {
      await this.#current?.sample();
      await this.#attempt?.sample();
      this.#judgeCurrent();
      this.#judgeAttempt();
      this.#maybeAttempt();
    } finally {
      this.#ticking = false;
    }
  }

  #judgeCurrent() {
    const view = this.#current;
    if (!view) {
      return;
    }
    const now = performance.now();
    if (view.lost) {
      this.#drop("current");
      this.#nextAttemptAt = 0;
      this.#become("connecting", "The session ended. Connecting again.");
    } else if (now - view.framesAt > undecodableLimit && now - view.arrivedAt < 1000) {
      this.#drop("current");
      this.#become("connecting", "Media arrived, but no picture came out of it. Connecting again.");
    } else if (view.extensions.away && now - view.bytesAt > 1000) {
      this.#become("waiting", "The picture goes on here when the publisher is back.");
    } else if (now - view.bytesAt > this.#stallAfter) {
      if (this.state !== "waiting" && this.state !== "refused") {
        this.#become("stalled", "No media is arriving. Looking for the stream again.");
      }
    } else if (view.flows) {
      if (!view.leaving) {
        this.#drop("attempt");
      }
      if (now - view.flowsSince > 10000) {
        this.#stallAfter = shortestStall;
      }
      // The gateway takes the picture away, and leaves the sound, where the network cannot carry it.
      this.#become("live", now - view.arrivedAt > pictureLimit ? "No picture is arriving, only sound. Your network may "
        + "be too slow for it at the moment; it comes back by itself." : "");
    }
  }

  #judgeAttempt() {
    const view = this.#attempt;
    if (!view?.opened) {
      return;
    }
    if (view.flows || (!this.#current && view.connected)) {
      if (this.#current && !this.#current.leaving) {
        // The old session fell silent and the new one plays: perhaps the stream just pauses at times.
        this.#stallAfter = Math.min(2 * this.#stallAfter, longestStall);
      }
      this.#drop("current");
      this.#attempt = null;
      this.#current = view;
      this.#failures = 0;
      this.#listen(view);
      this.#video.srcObject = view.stream;
      this.#video.play().catch(() => {});
      this.#become(view.flows ? "live" : "connecting", view.flows ? "" : "Connected. Waiting for the first picture.");
    } else if (view.lost || performance.now() - view.createdAt > attemptLimit) {
      const reached = view.connected;
      this.#drop("attempt");
      this.#backOff();
      if (!reached) {
        this.#become(
          "unreachable",
          "The gateway answered, but media cannot get through. A firewall may block its media port. Trying again.");
      }
    }
  }

  #maybeAttempt() {
    const now = performance.now();
    const current = this.#current;
    // A session whose publisher is away is kept: it goes on when the publisher is back.
    const wanted = current === null || current.leaving || (!current.extensions.away && now - current.bytesAt > this.#stallAfter);
    if (this.#timer === null || this.#attempt || !wanted || now < this.#nextAttemptAt) {
      return;
    }
    const view = new View(this.#token);
    this.#attempt = view;
    const endpoint = this.#elsewhere ?? this.#endpoint;
    view.open(endpoint).catch((error) => {
      if (this.#attempt === view) {
        this.#drop("attempt");
        this.#elsewhere = null;
        this.#explain(error);
      }
    });
  }

  /** Follows what a session's gateway tells. */
  #listen(view) {
    this.#layerAsked = null;
    view.extensions.addEventListener("change", () => {
      if (this.#current !== view) {
        return;
      }
      if (!view.extensions.away && this.state === "waiting") {
        // The publisher is back: its media may take a moment.
        view.bytesAt = performance.now();
        this.#become("connecting", "The publisher is back. Waiting for the picture.");
      }
      if (this.#layerAsked !== this.#layer && this.layers.some(({ rid }) => rid === this.#layer)) {
        this.choose(this.#layer);
      }
      this.dispatchEvent(new Event("change"));
    });
    view.extensions.addEventListener("reconnect", ({ detail }) => {
      view.leaving = true;
      this.#elsewhere = detail;
      // Not all viewers at once.
      this.#nextAttemptAt = performance.now() + 1000 * Math.random();
    });
    view.extensions.open();
  }

  /** Decides from a refusal whether to wait, to try again later, or to leave it to the viewer. */
  #explain(error) {
    const now = performance.now();
    if (this.#current?.leaving && now - this.#current.bytesAt < this.#stallAfter) {
      // The old session plays on while we look for another one.
      this.#nextAttemptAt = now + 1000 * Math.min(error.retryAfter ?? 1, 5) * (0.8 + 0.4 * Math.random());
      return;
    }
    if (!(error instanceof Refusal)) {
      this.#backOff();
      this.#become("unreachable", "The gateway cannot be reached. Trying again.");
      return;
    }
    this.refusal = error;
    const asked = error.retryAfter ?? 1;
    if (error.status === 409) {
      // Ask often enough to be back within a moment, but not all viewers at once.
      this.#nextAttemptAt = now + 1000 * Math.min(asked, 1.5) * (0.8 + 0.4 * Math.random());
      this.#become("waiting", error.message);
    } else if (error.status === 503 || error.status === 429) {
      this.#nextAttemptAt = now + 1000 * Math.min(Math.max(asked, 1), 30) * (1 + 0.4 * Math.random());
      this.#become("waiting", error.message);
    } else if (error.status === 406) {
      // The publisher may come back with another codec.
      this.#nextAttemptAt = now + 10000;
      this.#become("refused", error.message);
    } else if (error.status >= 500) {
      this.#backOff();
      this.#become("unreachable", error.message);
    } else {
      this.#nextAttemptAt = Infinity;
      this.#become("refused", error.message);
    }
  }

  #backOff() {
    this.#failures += 1;
    const seconds = Math.min(0.5 * 2 ** (this.#failures - 1), 5) * (0.8 + 0.4 * Math.random());
    this.#nextAttemptAt = performance.now() + 1000 * seconds;
  }

  #drop(which) {
    if (which === "current") {
      this.#current?.close();
      this.#current = null;
    } else {
      this.#attempt?.close();
      this.#attempt = null;
    }
  }

  #become(state, detail = "") {
    if (state !== this.state || detail !== this.detail) {
      this.state = state;
      this.detail = detail;
      if (state !== "refused" && state !== "waiting") {
        this.refusal = null;
      }
      this.dispatchEvent(new Event("change"));
    }
  }
}
