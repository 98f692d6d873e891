// What this participant is sent: one peer connection, which the gateway offers (PROTOCOL.md, "Subscribing").

import { Repair, inOrder } from "./repair.js";

export class Subscribing {
  /** The peer connection, once the gateway has offered one. */
  connection = null;
  /** What arrives: `{participant, track, media}` by `participant/track`, where `media` is a `MediaStreamTrack`. */
  arriving = new Map();
  #request;
  #makeConnection;
  #onTrouble;
  #onChange;
  #isForAll = false;
  #wanted = new Map();
  #repair = null;
  #next = inOrder();

  /**
   * @param {(message: object) => Promise<object>} request asks the gateway
   * @param {() => RTCPeerConnection} makeConnection
   * @param {(error: Error) => void} onTrouble
   * @param {(type: "subscribed" | "unsubscribed", entry: object) => void} onChange
   */
  constructor(request, makeConnection, onTrouble, onChange) {
    this.#request = request;
    this.#makeConnection = makeConnection;
    this.#onTrouble = onTrouble;
    this.#onChange = onChange;
  }

  /** @param {"all" | {participant: string, track: string}[]} tracks */
  async subscribe(tracks) {
    const isForAll = tracks === "all";
    await this.#request({ type: "subscribe", ...(isForAll ? { all: true } : { tracks }) });
    this.#isForAll ||= isForAll;
    for (const each of isForAll ? [] : tracks) {
      this.#wanted.set(key(each), each);
    }
  }

  /** @param {"all" | {participant: string, track: string}[]} tracks */
  async unsubscribe(tracks) {
    await this.#request({ type: "unsubscribe", ...(tracks === "all" ? { all: true } : { tracks }) });
    if (tracks === "all") {
      this.#isForAll = false;
      this.#wanted.clear();
    } else {
      tracks.forEach((each) => this.#wanted.delete(key(each)));
    }
  }

  /** Takes an offer of the gateway, and answers it. */
  take(message) {
    return this.#next(async () => {
      if (this.connection === null) {
        this.#open();
      }
      const connection = this.connection;
      await connection.setRemoteDescription({ type: "offer", sdp: message.sdp });
      await connection.setLocalDescription();
      this.#show(message.tracks);
      await this.#request({ type: "subscription-answer", offer: message.offer, sdp: connection.localDescription.sdp });
    }).catch((error) => {
      // There is a later one, or there is no connection: then it comes again.
      if (!["offer-outdated", "connection-lost", "not-connected", "not-joined"].includes(error.code)) {
        this.#onTrouble(error);
      }
    });
  }

  /** In a new place the gateway makes new offers, for what was wanted. */
  async renew() {
    this.#close();
    if (this.#isForAll) {
      await this.#request({ type: "subscribe", all: true });
    } else if (this.#wanted.size > 0) {
      await this.#request({ type: "subscribe", tracks: [...this.#wanted.values()] });
    }
  }

  end() {
    this.#isForAll = false;
    this.#wanted.clear();
    this.#close();
  }

  #open() {
    const connection = this.#makeConnection();
    this.connection = connection;
    this.#repair = new Repair(connection, () => this.#request({ type: "subscription-restart" }), this.#onTrouble);
  }

  #close() {
    this.#repair?.end();
    this.connection?.close();
    this.connection = null;
    this.#show([]);
  }

  /** What each section carries from now on. */
  #show(tracks) {
    const medias = new Map((this.connection?.getTransceivers() ?? []).map(({ mid, receiver }) => [mid, receiver.track]));
    const now = new Map(tracks.map((each) =>
      [key(each), { participant: each.participant, track: each.track, media: medias.get(each.mid) }]));
    for (const [name, entry] of this.arriving) {
      if (now.get(name)?.media !== entry.media) {
        this.arriving.delete(name);
        this.#onChange("unsubscribed", entry);
      }
    }
    for (const [name, entry] of now) {
      if (entry.media && !this.arriving.has(name)) {
        this.arriving.set(name, entry);
        this.#onChange("subscribed", entry);
      }
    }
  }
}

function key({ participant, track }) {
  return `${participant}/${track}`;
}
