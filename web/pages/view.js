// One WHEP session of a viewer, the media that came with it, and how far they have come.

import { Extensions } from "/assets/extensions.js";
import { Session, offerExtensions } from "/assets/session.js";

/** How long a path may take before relays are tried besides. */
const relayDelay = 1000;

/** One session and the media that came with it. */
export class View {
  bytes = 0;
  frames = 0;
  arrived = 0;
  opened = false;
  ended = false;
  /** When ICE was restarted because media had stopped, or null. */
  restartedAt = null;
  #restartFailed = false;
  #relayTimer = null;

  constructor(token) {
    const now = performance.now();
    this.createdAt = this.bytesAt = this.framesAt = this.arrivedAt = now;
    this.flowsSince = null;
    this.stream = new MediaStream();
    this.connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    for (const kind of ["video", "audio"]) {
      offerExtensions(this.connection.addTransceiver(kind, { direction: "recvonly" }));
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
    if (this.session.hasRelays) {
      // UDP and TCP to the gateway have a head start: a relay is a way round, and costs its owner.
      this.#relayTimer = setTimeout(() => this.connected || this.session.restart(), relayDelay);
    }
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

  /** Restarts ICE, so that the session goes on over another network. */
  async restart() {
    this.restartedAt = performance.now();
    this.#restartFailed = false;
    this.#restartFailed = !(await this.session.restart().catch(() => false));
  }

  /** Whether a restart is under way that may still help, `limit` milliseconds after it began. */
  restarts(limit) {
    return this.restartedAt !== null && !this.#restartFailed && performance.now() - this.restartedAt < limit;
  }

  /** Media flow: the next silence is worth a restart of its own. */
  settle() {
    if (this.restartedAt !== null && performance.now() - this.flowsSince > 1000) {
      this.restartedAt = null;
    }
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
    clearTimeout(this.#relayTimer);
    this.abort.abort();
    this.extensions.close();
    this.session.close();
  }
}
