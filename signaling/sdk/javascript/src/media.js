// Sound and pictures of a room: what we send, what we are sent, who speaks, and how good the path is.

import { MartletError } from "./errors.js";
import { Publishing } from "./publishing.js";
import { Subscribing } from "./subscribing.js";

const lookInterval = 1_000;
/** Sound of this level, from 0 to 1, is somebody who speaks. */
const speakingLevel = 0.02;

/**
 * Fires "subscribed" and "unsubscribed" with `{participant, track, media}`, "speakers" with the ids of those who speak, the loudest first,
 * "quality" with `{level: "good" | "fair" | "poor" | "lost", lost, roundTrip}`, and "error" with a `MartletError`.
 */
export class Media extends EventTarget {
  #client;
  #publishing;
  #subscribing;
  #timer = null;
  #speakers = "";
  #counted = { lost: 0, received: 0 };
  #quality = "";

  /**
   * @param {import("./client.js").Client} client
   * @param {{iceServers?: RTCIceServer[]}} [options]
   */
  constructor(client, { iceServers = [] } = {}) {
    super();
    this.#client = client;
    const request = (message) => client.request(message);
    const connect = () => new RTCPeerConnection({ bundlePolicy: "max-bundle", iceServers });
    const trouble = (error) => this.#emit("error", error);
    this.#publishing = new Publishing(request, connect, trouble);
    this.#subscribing = new Subscribing(request, connect, trouble, (type, entry) => this.#emit(type, entry));
    client.addEventListener("subscription-offer", ({ detail }) => this.#subscribing.take(detail));
    client.addEventListener("joined", () => this.#renew());
    client.addEventListener("ended", () => this.end());
    client.addEventListener("state", ({ detail }) => detail.state === "closed" && this.end());
  }

  /** What we send, by name. */
  get published() {
    return this.#publishing.tracks;
  }

  /** What arrives, each `{participant, track, media}`. */
  get arriving() {
    return [...this.#subscribing.arriving.values()];
  }

  /** The peer connections, for statistics; null while there is none. */
  get connections() {
    return { sending: this.#publishing.connection, receiving: this.#subscribing.connection };
  }

  /**
   * Sends a track.
   *
   * @param {MediaStreamTrack} track
   * @param {object} [options]
   * @param {string} [options.name] unlike those of our other tracks; the source when it is left out
   * @param {"camera" | "microphone" | "screen" | "screen-audio" | "other"} [options.source]
   * @param {boolean} [options.simulcast] several sizes of a picture; on unless it is a screen
   * @param {number} [options.maxBitrate] bits a second, of the largest size
   * @param {object} [options.metadata]
   */
  async publish(track, options = {}) {
    const { name = options.source ?? track.kind, ...rest } = options;
    this.#watch();
    const isScreen = options.source === "screen";
    await this.#publishing.publish(name, track, { simulcast: !isScreen, ...rest });
  }

  /** Sends a track no longer; does not stop the track itself. */
  unpublish(name) {
    return this.#publishing.unpublish(name);
  }

  setMuted(name, muted) {
    return this.#publishing.setMuted(name, muted);
  }

  /** Wants tracks, or "all" that there are and will be. */
  subscribe(tracks) {
    this.#watch();
    return this.#subscribing.subscribe(tracks);
  }

  unsubscribe(tracks) {
    return this.#subscribing.unsubscribe(tracks);
  }

  /** How much of a picture is wanted at most: `{rid}`, `{height}`, `{off: true}`, or `{}` for what the path carries. */
  async chooseLayer(participant, track, choice = {}) {
    await this.#client.request({ type: "layer", participant, track, ...choice });
  }

  /** Sends and is sent nothing any more. */
  end() {
    clearInterval(this.#timer);
    this.#timer = null;
    this.#publishing.end();
    this.#subscribing.end();
  }

  async #renew() {
    try {
      await this.#subscribing.renew();
      await this.#publishing.renew();
    } catch (error) {
      this.#emit("error", error);
    }
  }

  #watch() {
    this.#timer ??= setInterval(() => {
      this.#lookForSpeakers();
      this.#measure().catch(() => {}); // A connection may have been closed meanwhile.
    }, lookInterval);
  }

  #lookForSpeakers() {
    const levels = new Map();
    for (const { media, participant } of this.arriving) {
      const receiver = this.connections.receiving?.getReceivers().find(({ track }) => track === media);
      const level = media.kind === "audio" ? receiver?.getSynchronizationSources()[0]?.audioLevel ?? 0 : 0;
      if (level >= speakingLevel) {
        levels.set(participant, Math.max(level, levels.get(participant) ?? 0));
      }
    }
    const speakers = [...levels].sort(([, one], [, other]) => other - one).map(([participant]) => participant);
    if (speakers.join() !== this.#speakers) {
      this.#speakers = speakers.join();
      this.#emit("speakers", speakers);
    }
  }

  /** Loss and round trip of whatever there is, in words. */
  async #measure() {
    const counted = { lost: 0, received: 0 };
    let roundTrip = null;
    const connections = Object.values(this.connections).filter(Boolean);
    for (const connection of connections) {
      for (const report of (await connection.getStats()).values()) {
        if (report.type === "inbound-rtp") {
          counted.lost += report.packetsLost ?? 0;
          counted.received += report.packetsReceived ?? 0;
        } else if (report.type === "remote-inbound-rtp") {
          roundTrip = Math.max(roundTrip ?? 0, report.roundTripTime ?? 0);
          counted.lost += report.packetsLost ?? 0;
        } else if (report.type === "outbound-rtp") {
          counted.received += report.packetsSent ?? 0;
        } else if (report.type === "candidate-pair" && report.nominated && report.currentRoundTripTime !== undefined) {
          roundTrip = Math.max(roundTrip ?? 0, report.currentRoundTripTime);
        }
      }
    }
    const [lost, received] = [counted.lost - this.#counted.lost, counted.received - this.#counted.received];
    this.#counted = counted;
    const share = lost > 0 ? lost / Math.max(lost + received, 1) : 0;
    const isLost = connections.some(({ connectionState }) => ["disconnected", "failed"].includes(connectionState));
    const level = isLost ? "lost" : share > 0.08 || roundTrip > 0.5 ? "poor" : share > 0.02 || roundTrip > 0.25 ? "fair" : "good";
    if (level !== this.#quality && connections.length > 0) {
      this.#quality = level;
      this.#emit("quality", { level, lost: share, roundTrip });
    }
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** Opens a camera, a microphone or both, or says what to do in words. */
export async function openDevices(constraints) {
  return open(() => navigator.mediaDevices.getUserMedia(constraints));
}

/** Opens a screen, a window or a tab. */
export async function openScreen(constraints = { video: true, audio: true }) {
  return open(() => navigator.mediaDevices.getDisplayMedia(constraints));
}

async function open(body) {
  if (!navigator.mediaDevices) {
    throw new MartletError(
      "media-not-allowed", "Browsers give camera and screen only to pages over HTTPS or from localhost.",
      "Open this page over HTTPS.");
  }
  try {
    return await body();
  } catch (error) {
    const code = { NotAllowedError: "media-not-allowed", NotFoundError: "media-not-found" }[error.name] ?? "media-failed";
    throw new MartletError(code, {
      NotAllowedError: "The browser was not allowed to use it.",
      NotFoundError: "There is no such device.",
      NotReadableError: "The device is used by another program.",
    }[error.name] ?? error.message);
  }
}
