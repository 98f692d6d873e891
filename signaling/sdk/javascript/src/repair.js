// What both peer connections share: one negotiation after the other, and a restart of ICE when the path is lost.

import { MartletError } from "./errors.js";

/** Makes a function that runs tasks one after the other. */
export function inOrder() {
  let last = Promise.resolve();
  return (task) => {
    const result = last.then(task);
    last = result.catch(() => {});
    return result;
  };
}

/** Milliseconds that a path may be gone before ICE is restarted, and between two restarts. */
const patience = 2_500;
/** Restarts in a row after which somebody should know. */
const attempts = 3;

/** Restarts ICE while a connection is disconnected or has failed. */
export class Repair {
  #connection;
  #restart;
  #onTrouble;
  #timer = null;
  #count = 0;

  constructor(connection, restart, onTrouble) {
    this.#connection = connection;
    this.#restart = restart;
    this.#onTrouble = onTrouble;
    connection.addEventListener("connectionstatechange", () => this.#look());
  }

  end() {
    clearTimeout(this.#timer);
    this.#connection = null;
  }

  #look() {
    const state = this.#connection?.connectionState;
    if (state === "connected") {
      clearTimeout(this.#timer);
      this.#timer = null;
      this.#count = 0;
    } else if (state === "disconnected" || state === "failed") {
      this.#timer ??= setTimeout(() => this.#act(), state === "failed" ? 0 : patience);
    }
  }

  async #act() {
    this.#count += 1;
    if (this.#count === attempts) {
      this.#onTrouble(new MartletError("media-failed", "Sound and picture cannot get through."));
    }
    // Without signaling there is no restart; it is tried again.
    await Promise.resolve(this.#restart()).catch(() => {});
    if (this.#connection !== null && this.#connection.connectionState !== "connected") {
      this.#timer = setTimeout(() => this.#act(), patience * Math.min(this.#count, 8));
    } else {
      this.#timer = null;
    }
  }
}
