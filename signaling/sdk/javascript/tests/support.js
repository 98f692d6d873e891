// What the tests share: time that they move themselves, and a gateway that says what they want.

export function equal(actual, expected, what = "") {
  const [left, right] = [actual, expected].map((value) => JSON.stringify(value));
  if (left !== right) {
    throw new Error(`${what} is ${left}, not ${right}`);
  }
}

export function ok(value, what) {
  if (!value) {
    throw new Error(what);
  }
}

/** Fails unless the promise does, with this code. */
export async function fails(promise, code) {
  const error = await promise.then(() => null, (error) => error);
  equal(error?.code ?? String(error), code, "the error");
  ok(error.cure.length > 0, `${code} has no cure`);
}

/** Time, for `setTimeout` too. */
export class Clock {
  #now = 0;
  #timers = new Map();
  #number = 0;

  now() {
    return this.#now;
  }

  set(action, milliseconds) {
    this.#number += 1;
    this.#timers.set(this.#number, { at: this.#now + milliseconds, action });
    return this.#number;
  }

  clear(number) {
    this.#timers.delete(number);
  }

  /** Moves on, and runs what is due in its order. */
  async advance(milliseconds) {
    const end = this.#now + milliseconds;
    for (let steps = 0; steps < 10_000; steps += 1) {
      await settled();
      const due = [...this.#timers].filter(([, timer]) => timer.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) {
        this.#now = end;
        return;
      }
      this.#timers.delete(due[0]);
      this.#now = Math.max(this.#now, due[1].at);
      due[1].action();
    }
    throw new Error("timers without end");
  }
}

/** Lets everything happen that waits for nothing else. */
export async function settled() {
  for (let turn = 0; turn < 20; turn += 1) {
    await null;
  }
}

/** Ways that lead to a test: which have been opened, and what was said on them. */
export function fakeWays() {
  const opened = [];
  const way = (name) => class {
    said = [];
    isClosed = false;
    constructor(_, handlers) {
      this.name = name;
      this.handlers = handlers;
      opened.push(this);
    }
    send(content) {
      this.said.push(typeof content === "string" ? JSON.parse(content) : content);
    }
    close() {
      this.isClosed = true;
    }
    /** Opens, and welcomes once the client has said who it is. */
    async welcome(more = {}) {
      this.handlers.opened();
      await settled();
      const { id } = this.last("authenticate");
      this.say({ type: "welcome", id, version: "martlet.v1", heartbeat_seconds: 45, resume_seconds: 30, resumed: false, ...more });
      await settled();
    }
    say(message) {
      this.handlers.received(JSON.stringify(message));
    }
    async answer(type, members = {}) {
      await settled();
      this.say({ type: "ok", ...members, id: this.last(type).id });
      await settled();
    }
    last(type) {
      const message = this.said.findLast((each) => each.type === type);
      ok(message, `nothing of type ${type} was said on ${this.name}, but ${JSON.stringify(this.said)}`);
      return message;
    }
  };
  return { opened, implementations: { socket: way("socket"), stream: way("stream") } };
}

export const joined = {
  type: "joined", participant: "p1", session: "secret", namespace: "default", room: "lobby", event: 3,
  participants: [{ id: "p1", kind: "client", role: "publisher", name: "Ada", metadata: {}, presence: "here" }],
};
