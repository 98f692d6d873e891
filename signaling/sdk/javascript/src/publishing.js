// What this participant sends: one peer connection, which it offers itself (PROTOCOL.md, "Publishing").

import { MartletError } from "./errors.js";
import { Repair, inOrder } from "./repair.js";

/** The names of a picture's sizes; small pictures have fewer. */
export function encodings(height, { simulcast = true, maxBitrate } = {}) {
  const full = maxBitrate ?? (height > 720 ? 4_000_000 : 2_000_000);
  if (!simulcast || height < 360) {
    return [{ maxBitrate: full }];
  }
  return [
    { rid: "h", maxBitrate: full },
    { rid: "m", scaleResolutionDownBy: 2, maxBitrate: Math.min(700_000, full) },
    ...(height >= 540 ? [{ rid: "l", scaleResolutionDownBy: 4, maxBitrate: Math.min(200_000, full) }] : []),
  ];
}

export class Publishing {
  /** The peer connection, while anything is sent. */
  connection = null;
  #request;
  #makeConnection;
  #onTrouble;
  #tracks = new Map();
  #repair = null;
  #next = inOrder();

  /**
   * @param {(message: object) => Promise<object>} request asks the gateway
   * @param {() => RTCPeerConnection} makeConnection
   * @param {(error: MartletError) => void} onTrouble
   */
  constructor(request, makeConnection, onTrouble) {
    this.#request = request;
    this.#makeConnection = makeConnection;
    this.#onTrouble = onTrouble;
  }

  /** Our tracks by name: `track`, `source`, `metadata`, `muted`. */
  get tracks() {
    return this.#tracks;
  }

  /** Sends a track under a name, in place of what was sent under it. */
  publish(name, track, { source = "other", metadata = {}, simulcast, maxBitrate } = {}) {
    return this.#next(async () => {
      const before = this.#tracks.get(name);
      if (before?.transceiver) {
        before.track = track;
        return before.transceiver.sender.replaceTrack(track);
      }
      const entry = { track, source, metadata, simulcast, maxBitrate, muted: false, transceiver: null };
      this.#tracks.set(name, entry);
      try {
        await this.#negotiate();
      } catch (error) {
        this.#tracks.delete(name);
        if (this.connection?.currentRemoteDescription) {
          // Its section stays, empty: browsers do not take one of another kind in the place of one that was rolled back.
          const { transceiver } = entry;
          if (transceiver) {
            transceiver.direction = "inactive";
            await transceiver.sender.replaceTrack(null);
          }
        } else {
          // Nothing has been agreed on, and nothing of it shall be in the next offer.
          this.#close();
        }
        throw error;
      }
    });
  }

  unpublish(name) {
    return this.#next(async () => {
      const entry = this.#tracks.get(name);
      if (!entry) {
        return;
      }
      this.#tracks.delete(name);
      this.#drop(entry);
      if (this.#tracks.size === 0) {
        this.#close();
        await this.#request({ type: "unpublish" });
      } else {
        await this.#negotiate();
      }
    });
  }

  /** Nothing of a muted track is sent; the others are told. */
  async setMuted(name, muted) {
    const entry = this.#tracks.get(name);
    if (!entry) {
      throw new MartletError("bad-argument", `No track "${name}" is published.`);
    }
    entry.track.enabled = !muted;
    entry.muted = muted;
    await this.#request({ type: muted ? "mute" : "unmute", track: name });
  }

  /** In a new place everything is offered anew. */
  renew() {
    return this.#next(async () => {
      this.#close();
      if (this.#tracks.size > 0) {
        await this.#negotiate();
        for (const [name, { muted }] of this.#tracks) {
          if (muted) {
            await this.#request({ type: "mute", track: name });
          }
        }
      }
    });
  }

  /** Sends nothing any more. */
  end() {
    this.#tracks.clear();
    this.#close();
  }

  #open() {
    const connection = this.#makeConnection();
    this.connection = connection;
    this.#repair = new Repair(connection, () => this.#next(async () => {
      if (connection === this.connection) {
        connection.restartIce();
        await this.#negotiate();
      }
    }), this.#onTrouble);
  }

  #close() {
    this.#repair?.end();
    this.connection?.close();
    this.connection = null;
    for (const entry of this.#tracks.values()) {
      entry.transceiver = null;
    }
  }

  #drop({ transceiver }) {
    if (transceiver && this.connection?.signalingState === "stable") {
      transceiver.stop();
    }
  }

  async #negotiate() {
    if (this.connection === null) {
      this.#open();
    }
    const connection = this.connection;
    for (const entry of this.#tracks.values()) {
      entry.transceiver ??= this.#add(entry);
    }
    await connection.setLocalDescription();
    const tracks = [...this.#tracks].map(([track, { transceiver: { mid }, source, metadata }]) => ({ mid, track, source, metadata }));
    try {
      const { sdp } = await this.#request({ type: "publish", sdp: connection.localDescription.sdp, tracks });
      if (connection.signalingState === "have-local-offer") {
        await connection.setRemoteDescription({ type: "answer", sdp });
      }
    } catch (error) {
      if (connection.signalingState === "have-local-offer") {
        await connection.setLocalDescription({ type: "rollback" });
      }
      throw error;
    }
  }

  #add({ track, simulcast, maxBitrate }) {
    const sendEncodings = track.kind === "video"
      ? encodings(track.getSettings().height ?? 720, { simulcast, maxBitrate }) : undefined;
    return this.connection.addTransceiver(track, { direction: "sendonly", ...(sendEncodings && { sendEncodings }) });
  }
}
