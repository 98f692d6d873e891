// The two ways in which messages travel: WebSocket, and an event stream with POST. Both say the same to their handlers.

import { MartletError } from "./errors.js";
import { EventReader } from "./events.js";

const version = "martlet.v1";
/** Letters that go in one POST with others: the gateway takes 64 KB, and a letter may have three bytes. */
const longestPost = 16 << 10;

/**
 * @typedef {object} Handlers
 * @property {() => void} opened
 * @property {(content: string | Uint8Array) => void} received
 * @property {() => void} alive called when the gateway shows that it lives
 * @property {(code: number, error?: MartletError) => void} closed called once, unless we have closed
 */

/** Messages by WebSocket. */
export class SocketWay {
  #socket;
  #handlers;

  constructor(address, handlers) {
    this.#handlers = handlers;
    const url = new URL("/signaling", address);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url, version);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#handlers?.opened();
    socket.onmessage = ({ data }) => this.#handlers?.received(typeof data === "string" ? data : new Uint8Array(data));
    socket.onclose = ({ code }) => {
      const handlers = this.#handlers;
      this.#handlers = null;
      handlers?.closed(code);
    };
    this.#socket = socket;
  }

  send(content) {
    if (this.#socket.readyState === WebSocket.OPEN) {
      this.#socket.send(content);
    }
  }

  close() {
    this.#handlers = null;
    this.#socket.close();
  }
}

/** Messages by an event stream and POST. */
export class StreamWay {
  #address;
  #handlers;
  #post = null;
  #outgoing = [];
  #isPosting = false;
  #abort = new AbortController();

  constructor(address, handlers) {
    this.#address = address;
    this.#handlers = handlers;
    this.#read().then(() => this.#end(1006), (error) => this.#end(1006, error instanceof MartletError ? error : undefined));
  }

  send(content) {
    this.#outgoing.push(content);
    this.#flush();
  }

  close() {
    this.#handlers = null;
    this.#abort.abort();
  }

  #end(code, error) {
    const handlers = this.#handlers;
    this.close();
    handlers?.closed(code, error);
  }

  async #read() {
    const response = await fetch(new URL("/signaling/events", this.#address), {
      headers: { Accept: "text/event-stream" }, cache: "no-store", credentials: "omit", signal: this.#abort.signal,
    });
    if (!response.ok) {
      throw await problem(response);
    }
    const reader = response.body.getReader();
    const events = new EventReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      events.read(value).forEach((event) => this.#take(event));
    }
  }

  #take({ name, data }) {
    const handlers = this.#handlers;
    switch (name) {
      case "open":
        this.#post = new URL(JSON.parse(data).post, this.#address);
        return handlers?.opened();
      case "message":
        return handlers?.received(data);
      case "binary":
        return handlers?.received(Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0)));
      case "ping":
        return handlers?.alive();
      case "close":
        return this.#end(JSON.parse(data).code);
    }
  }

  /** One request after the other: two would arrive in any order. */
  async #flush() {
    if (this.#isPosting || this.#post === null) {
      return;
    }
    this.#isPosting = true;
    try {
      while (this.#outgoing.length > 0) {
        const body = this.#next();
        const response = await fetch(this.#post, {
          method: "POST", credentials: "omit", signal: this.#abort.signal, body,
          headers: { "Content-Type": typeof body === "string" ? "application/x-ndjson" : "application/octet-stream" },
        });
        if (!response.ok) {
          throw await problem(response);
        }
      }
    } catch (error) {
      this.#end(1006, error instanceof MartletError ? error : undefined);
    } finally {
      this.#isPosting = false;
    }
  }

  /** The next binary message, or as many text messages as fit. */
  #next() {
    let text = "";
    while (typeof this.#outgoing[0] === "string" && text.length + this.#outgoing[0].length < longestPost) {
      text += `${this.#outgoing.shift()}\n`;
    }
    return text || this.#outgoing.shift();
  }
}

/** What the gateway says when it refuses a request (RFC 9457). */
async function problem(response) {
  const { type = "", detail } = await response.json().catch(() => ({}));
  const code = String(type).replace(/^.*[/:]/, "") || "gateway-unreachable";
  return new MartletError(code, detail ?? `The gateway answered ${response.status}.`, detail ? "" : undefined);
}

export const ways = { socket: SocketWay, stream: StreamWay };
