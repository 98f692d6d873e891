// Publishes a media stream by WHIP and keeps publishing: ICE is restarted where the network changes, and a connection
// that is lost all the same is made anew.

import { Refusal, Session, offerExtensions } from "/assets/session.js";

const attemptLimit = 10000;

/** Codecs this browser can send, by their short names, H.264 first: it is the one most viewers can play. */
export function sendableCodecs() {
  const codecs = window.RTCRtpSender?.getCapabilities?.("video")?.codecs ?? [];
  const names = new Set(codecs.map(({ mimeType }) => mimeType.split("/")[1].toUpperCase()));
  return ["H264", "VP8", "VP9", "AV1", "H265"].filter((name) => names.has(name));
}

function prefer(transceiver, codec) {
  const codecs = RTCRtpSender.getCapabilities("video")?.codecs ?? [];
  const wanted = codecs.filter(({ mimeType }) => mimeType.toUpperCase() === `VIDEO/${codec}`);
  const repair = codecs.filter(({ mimeType }) => mimeType.toLowerCase() === "video/rtx");
  if (wanted.length > 0 && transceiver.setCodecPreferences) {
    transceiver.setCodecPreferences([...wanted, ...repair]);
  }
}

/**
 * Three encodings of one picture, so that each viewer gets the largest that its network carries.
 *
 * Small pictures have fewer: nobody is helped by a quarter of 640 by 360.
 */
function encodings(track) {
  const height = track.getSettings().height ?? 720;
  return [
    { rid: "h", maxBitrate: height > 720 ? 4_000_000 : 2_000_000 },
    { rid: "m", scaleResolutionDownBy: 2, maxBitrate: 700_000 },
    ...(height >= 540 ? [{ rid: "l", scaleResolutionDownBy: 4, maxBitrate: 200_000 }] : []),
  ];
}

/** Fires "change" when `state` or `detail` changes. States: idle, connecting, live, retrying, refused. */
export class Publisher extends EventTarget {
  state = "idle";
  detail = "";
  connection = null;
  #session = null;
  #timer = null;
  #failures = 0;

  constructor() {
    super();
    const restart = () => this.state === "live" && this.#restart();
    window.addEventListener("online", restart);
    navigator.connection?.addEventListener?.("change", restart);
  }

  /**
   * @param {{endpoint: string, token: string | null, stream: MediaStream, codec: string, simulcast: boolean}} options
   */
  start(options) {
    this.stop();
    this.#failures = 0;
    this.options = options;
    this.#become("connecting");
    this.#connect();
  }

  stop() {
    this.#close();
    this.#become("idle");
  }

  async #connect() {
    const { endpoint, token, stream, codec, simulcast } = this.options;
    const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    for (const track of stream.getTracks()) {
      const sendEncodings = simulcast && track.kind === "video" ? encodings(track) : undefined;
      const transceiver = connection.addTransceiver(
        track, { direction: "sendonly", streams: [stream], ...(sendEncodings && { sendEncodings }) });
      offerExtensions(transceiver);
      if (track.kind === "video") {
        prefer(transceiver, codec);
      }
    }
    const session = new Session(connection, token);
    this.connection = connection;
    this.#session = session;
    this.#timer = setTimeout(
      () => this.#again("The gateway answered, but media cannot get through. A firewall may block its media port."),
      attemptLimit);
    connection.addEventListener("connectionstatechange", () => {
      if (session !== this.#session) {
        return;
      }
      if (connection.connectionState === "connected") {
        clearTimeout(this.#timer);
        this.#failures = 0;
        this.#become("live");
      } else if (connection.connectionState === "disconnected") {
        this.#restart();
      } else if (["failed", "closed"].includes(connection.connectionState)) {
        this.#again("The connection was lost.");
      }
    });
    try {
      await session.open(endpoint);
      const transport = connection.getSenders()[0]?.transport;
      transport?.addEventListener("statechange", () => {
        if (session === this.#session && transport.state === "closed") {
          this.#close();
          this.#become("refused", "The gateway ended this session: another publisher may have taken the stream over.");
        }
      });
    } catch (error) {
      if (session !== this.#session) {
        return;
      }
      if (error instanceof Refusal && error.status < 500) {
        this.#close();
        this.#become("refused", error.message);
      } else {
        this.#again(error instanceof Refusal ? error.message : "The gateway cannot be reached.");
      }
    }
  }

  /** The session is worth more than a new one: its viewers notice nothing. */
  async #restart() {
    const session = this.#session;
    const agreed = await session?.restart().catch(() => true);
    if (agreed === false && session === this.#session && session.connection.connectionState !== "connected") {
      this.#again("The connection was lost.");
    }
  }

  #again(reason) {
    this.#close();
    this.#failures += 1;
    this.#become("retrying", `${reason} Trying again.`);
    this.#timer = setTimeout(() => this.#connect(), 1000 * Math.min(0.5 * 2 ** (this.#failures - 1), 5));
  }

  #close() {
    clearTimeout(this.#timer);
    const session = this.#session;
    this.#session = null;
    this.connection = null;
    session?.close();
  }

  #become(state, detail = "") {
    if (state !== this.state || detail !== this.detail) {
      this.state = state;
      this.detail = detail;
      this.dispatchEvent(new Event("change"));
    }
  }
}
