// Watches a stream by WHEP and keeps watching: it waits for a stream that is not live yet, notices when media stops,
// restarts ICE then, and where that does not help changes to a new session without taking the old picture away first.

import { Refusal } from "/assets/session.js";
import { View } from "/assets/view.js";

const tickMilliseconds = 250;
/** Silence after which another session is tried while the old one is kept. */
const shortestStall = 2000;
/** A stream that pauses on purpose (a still screen) doubles the patience each time, up to this. */
const longestStall = 16000;
/** How long a restart of ICE may take to bring media back before a new session is tried. */
const restartLimit = 3000;
/** Between attempts that nobody waits for, because another way brings the picture. */
const quietPause = { first: 4000, longest: 30_000, growth: 1.5 };
/** How long a connection usually takes at most. */
const connectLimit = 1200;
/** How long a new session may take to bring media. */
const attemptLimit = 8000;
/** Bytes that arrive but never become a picture: the session is given up after this. */
const undecodableLimit = 6000;
/** Sound without a picture for this long is worth a word. */
const pictureLimit = 3000;

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
  #quiet = false;
  #pause = quietPause.first;

  constructor({ endpoint, token, video }) {
    super();
    this.#endpoint = endpoint;
    this.#token = token;
    this.#video = video;
  }

  /** Whether another way brings the picture: then attempts are rarer, so that they disturb nobody. */
  get quiet() {
    return this.#quiet;
  }

  set quiet(value) {
    if (value !== this.#quiet) {
      this.#quiet = value;
      this.#pause = quietPause.first;
      if (!value && this.#nextAttemptAt !== Infinity) {
        this.#nextAttemptAt = 0;
      }
    }
  }

  /** Whether there is a connection, or one was begun so lately that there may be. */
  get mayConnect() {
    const view = this.#attempt ?? this.#current;
    return view?.connected === true || (this.#attempt !== null && performance.now() - this.#attempt.createdAt < connectLimit);
  }

  /** Looks at once, because the network has changed: the session may be healed, or an attempt may work by now. */
  hurry() {
    this.#pause = quietPause.first;
    if (this.#nextAttemptAt !== Infinity) {
      this.#nextAttemptAt = 0;
    }
    this.#current?.restart();
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
      // Perhaps the network has changed: the session is worth more than a new one.
      if (view.restartedAt === null) {
        view.restart();
      }
      if (this.state !== "waiting" && this.state !== "refused") {
        this.#become("stalled", "No media is arriving. Looking for the stream again.");
      }
    } else if (view.flows) {
      if (!view.leaving) {
        this.#drop("attempt");
      }
      view.settle();
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
    const silent = () => !current.extensions.away && now - current.bytesAt > this.#stallAfter
      && !current.restarts(restartLimit);
    const wanted = current === null || current.leaving || silent();
    if (this.#timer === null || this.#attempt || !wanted || now < this.#nextAttemptAt) {
      return;
    }
    const view = new View(this.#token);
    this.#attempt = view;
    const endpoint = this.#elsewhere ?? this.#endpoint;
    view.open(endpoint).then(() => {
      if (this.#attempt === view && ["waiting", "refused"].includes(this.state) && !this.#current) {
        this.#become("connecting");
      }
    }, (error) => {
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
    if (this.#quiet) {
      this.#nextAttemptAt = performance.now() + this.#pause;
      this.#pause = Math.min(this.#pause * quietPause.growth, quietPause.longest);
      return;
    }
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
