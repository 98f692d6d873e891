// When to connect and by which way, and when to give a connection up. It is told the time, in milliseconds, and does nothing itself.

export const timing = {
  /** Until a way has opened, and until the gateway has welcomed us. */
  opening: 5_000,
  welcome: 10_000,
  /** After so long without a word of ours comes a ping, which is answered in time or the connection is lost. */
  ping: 15_000,
  answer: 10_000,
  /** The longest waits before another attempt, the first time and at last. */
  firstRetry: 500,
  lastRetry: 10_000,
  /** A WebSocket that lives no longer was cut by something on the way. */
  shortLife: 30_000,
  /** How long after falling back WebSocket is tried again, at first and at last. */
  probe: 60_000,
  lastProbe: 600_000,
};

/** Short lives in a row after which WebSocket counts as broken. */
const shortLives = 2;

/**
 * Ends that coming back does not help against: messages that could not be taken, a credential that was refused or has expired,
 * another connection in our place.
 */
export const finalCodes = new Set([4400, 4401, 4403, 4409]);

export class Link {
  /** idle, waiting, opening, authenticating, open, or closed. */
  state = "idle";
  /** "socket" or "stream": the way in use, or the next one to be tried. */
  way;
  /** When `advance` has something to do; `Infinity` for never. */
  deadline = Infinity;
  /** Attempts without a welcome since the last one. */
  failures = 0;
  #ways;
  #random;
  #openedAt = 0;
  #shortLives = 0;
  #saidAt = 0;
  #pingedAt = null;
  #probeAt = Infinity;
  #probeInterval = timing.probe;

  constructor({ ways = ["socket", "stream"], random = Math.random } = {}) {
    this.#ways = ways;
    this.#random = random;
    this.way = ways[0];
  }

  /** Begins, as `advance` says. */
  start(now) {
    this.failures = 0;
    return this.#open(now);
  }

  /** The way is open: `authenticate` can be sent. */
  opened(now) {
    this.state = "authenticating";
    this.deadline = now + timing.welcome;
  }

  /** The gateway knows who we are. */
  welcomed(now) {
    this.state = "open";
    this.failures = 0;
    this.#openedAt = now;
    this.#pingedAt = null;
    this.#saidAt = now;
    this.#probeAt = this.way === "stream" && this.#ways.includes("socket") ? now + this.#probeInterval : Infinity;
    this.#schedule();
  }

  /** Something came. */
  heard() {
    if (this.#pingedAt !== null) {
      this.#pingedAt = null;
      this.#schedule();
    }
  }

  /** Something was said, which shows the gateway that we live. */
  said(now) {
    this.#saidAt = now;
    this.#schedule();
  }

  /** Whether the gateway, which asks, should hear something. */
  owesWord(now) {
    return this.state === "open" && now >= this.#saidAt + timing.ping / 2;
  }

  /**
   * The connection is gone, or did not come about.
   *
   * @param {number} now
   * @param {number} [code] why, as the gateway or the browser says
   * @returns {boolean} whether another one will be tried
   */
  lost(now, code) {
    const was = this.state;
    if (was === "closed" || was === "idle" || was === "waiting") {
      return was === "waiting";
    }
    if (finalCodes.has(code)) {
      this.stop();
      return false;
    }
    const life = now - this.#openedAt;
    if (was === "open") {
      this.#shortLives = this.way === "socket" && code === 1006 && life < timing.shortLife ? this.#shortLives + 1 : 0;
    }
    const isBroken = was !== "open" || this.#shortLives >= shortLives;
    const other = this.#ways.find((way) => way !== this.way);
    if (isBroken && other) {
      this.#shortLives = 0;
      this.way = other;
    }
    this.failures += 1;
    this.state = "waiting";
    // The other way is tried at once: only when all have failed is there something to wait for.
    const isFallback = isBroken && other && this.failures % 2 === 1;
    const longest = Math.min(timing.firstRetry * 2 ** Math.min(this.failures - 1, 10), timing.lastRetry);
    this.deadline = now + (isFallback ? 0 : longest * (0.5 + this.#random() / 2));
    return true;
  }

  /** The network has come back: nothing is worth waiting for. */
  hurry(now) {
    if (this.state === "waiting") {
      this.deadline = now;
    }
  }

  /** WebSocket was tried beside the event stream. */
  probed(now, hasWorked) {
    this.#probeInterval = hasWorked ? timing.probe : Math.min(this.#probeInterval * 2, timing.lastProbe);
    this.#probeAt = now + this.#probeInterval;
    if (this.state === "open") {
      this.#schedule();
    }
  }

  /** For good. */
  stop() {
    this.state = "closed";
    this.deadline = Infinity;
  }

  /**
   * What is due.
   *
   * @returns {"open" | "ping" | "drop" | "probe" | null} open by `way`; send a ping; give the connection up and call `lost`; try
   *   WebSocket and call `probed`
   */
  advance(now) {
    if (now < this.deadline) {
      return null;
    }
    switch (this.state) {
      case "waiting":
        return this.#open(now);
      case "opening":
      case "authenticating":
        return "drop";
      case "open":
        return this.#advanceOpen(now);
      default:
        return null;
    }
  }

  #advanceOpen(now) {
    if (this.#pingedAt !== null && now >= this.#pingedAt + timing.answer) {
      return "drop";
    }
    if (now >= this.#probeAt) {
      this.#probeAt = Infinity;
      this.#schedule();
      return "probe";
    }
    if (this.#pingedAt === null && now >= this.#saidAt + timing.ping) {
      this.#pingedAt = now;
      this.said(now);
      return "ping";
    }
    this.#schedule();
    return null;
  }

  #open(now) {
    this.state = "opening";
    this.deadline = now + timing.opening;
    return "open";
  }

  #schedule() {
    if (this.state === "open") {
      const word = this.#pingedAt === null ? this.#saidAt + timing.ping : this.#pingedAt + timing.answer;
      this.deadline = Math.min(word, this.#probeAt);
    }
  }
}
