// What was asked and not answered yet, and what waits for a connection.

import { MartletError } from "./errors.js";

/** What may wait for a connection. */
const longestQueue = 64;
/** What can be asked again after a lost connection: doing it twice does no more than once. */
const repeatable = new Set([
  "join", "update", "snapshot", "publish", "subscribe", "unsubscribe", "layer", "mute", "unmute",
]);

export class Requests {
  #waiting = [];
  #asked = new Map();
  #number = 0;
  #clock;
  #timeout;

  constructor(clock, timeout) {
    this.#clock = clock;
    this.#timeout = timeout;
  }

  /** Makes a request that waits to be sent. */
  add(message, { first = false } = {}) {
    if (this.#waiting.length >= longestQueue) {
      return Promise.reject(new MartletError("queue-full", "Too much waits for a connection."));
    }
    return new Promise((resolve, reject) => {
      this.#number += 1;
      const request = { message: { ...message, id: this.#number }, resolve, reject };
      request.timer = this.#clock.set(() => this.#giveUp(request), this.#timeout);
      this.#waiting[first ? "unshift" : "push"](request);
    });
  }

  /** A binary message waits in the same line, so that what is said stays in order. */
  addBinary(frame) {
    if (this.#waiting.length >= longestQueue) {
      throw new MartletError("queue-full", "Too much waits for a connection.");
    }
    this.#waiting.push({ frame });
  }

  /** A number for a message that is answered outside of this. */
  nextNumber() {
    this.#number += 1;
    return this.#number;
  }

  /** What is to be sent now, in order. */
  *take() {
    while (this.#waiting.length > 0) {
      const request = this.#waiting.shift();
      if (request.frame) {
        yield request.frame;
      } else {
        this.#asked.set(request.message.id, request);
        yield JSON.stringify(request.message);
      }
    }
  }

  get isIdle() {
    return this.#asked.size === 0;
  }

  /** @returns {object | null} the request that this is the answer to */
  settle(answer) {
    const request = this.#asked.get(answer.id);
    if (!request) {
      return null;
    }
    this.#asked.delete(answer.id);
    this.#clock.clear(request.timer);
    if (answer.type === "error") {
      request.reject(new MartletError(answer.code, answer.message, answer.cure));
    } else {
      request.resolve(answer);
    }
    return request.message;
  }

  /** The connection is gone: what can be asked again waits for the next one, the rest may have been done or not. */
  lose() {
    const again = [];
    for (const request of this.#asked.values()) {
      if (repeatable.has(request.message.type)) {
        again.push(request);
      } else {
        this.#reject(request, new MartletError("connection-lost", "The connection was lost before the answer came."));
      }
    }
    this.#asked.clear();
    this.#waiting.unshift(...again);
  }

  /** Nothing will be sent any more. */
  fail(error) {
    [...this.#asked.values(), ...this.#waiting].forEach((request) => this.#reject(request, error));
    this.#asked.clear();
    this.#waiting = [];
  }

  #giveUp(request) {
    this.#asked.delete(request.message.id);
    this.#waiting = this.#waiting.filter((other) => other !== request);
    request.reject(new MartletError("timed-out", `The gateway did not answer "${request.message.type}" in time.`));
  }

  #reject(request, error) {
    this.#clock.clear(request.timer);
    request.reject?.(error);
  }
}
