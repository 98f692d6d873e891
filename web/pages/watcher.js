// Brings the picture by whatever way there is: WebRTC first, HLS where that takes too long or cannot be, and WebRTC again
// as soon as it can.

import { HLSPlayer } from "/assets/hlsplayer.js";
import { Player } from "/assets/player.js";

const tickMilliseconds = 200;
/** WebRTC without a picture for this long: HLS gets ready. */
const warmAfter = 600;
/** For this long: HLS starts beside it, and the first to have a picture is shown. */
const headStart = 1200;
/** A connection without a picture in this time is not worth waiting for either. */
const longestStart = 5000;
/** Once there has been a picture by WebRTC, it is given the time to come back while the last one stays. */
const returnStart = 4000;

/**
 * Fires "change" when anything of what it says changes. Its states are those of `Player`; `via` is "webrtc", "hls", or null
 * while neither brings a picture.
 */
export class Watcher extends EventTarget {
  via = null;
  #rtc;
  #hls;
  #stage;
  #videos;
  #wanted;
  #timer = null;
  #waitsSince = 0;
  #hadPicture = false;
  #warm = false;

  /**
   * @param {{endpoint: string, playlist: string, token: string | null, stage: import("./stage.js").Stage,
   *   videos: {webrtc: HTMLVideoElement, hls: HTMLVideoElement}, only: string | null}} options `only` is "webrtc" or "hls" for
   *   one way alone
   */
  constructor({ endpoint, playlist, token, stage, videos, only }) {
    super();
    this.#stage = stage;
    this.#videos = videos;
    this.#wanted = {
      webrtc: only !== "hls" && window.RTCPeerConnection !== undefined,
      hls: only !== "webrtc",
      forced: only === "hls",
    };
    this.#rtc = new Player({ endpoint, token, video: videos.webrtc });
    this.#hls = new HLSPlayer({ address: playlist, token, video: videos.hls });
    for (const player of [this.#rtc, this.#hls]) {
      player.addEventListener("change", () => {
        this.#decide();
        this.dispatchEvent(new Event("change"));
      });
    }
    const hurry = () => this.#timer !== null && this.#rtc.state !== "idle" && this.#rtc.hurry();
    window.addEventListener("online", hurry);
    navigator.connection?.addEventListener?.("change", hurry);
  }

  get state() {
    if (this.via === "hls") {
      return this.#hls.state === "live" ? "live" : "stalled";
    }
    if (this.#wanted.webrtc) {
      return this.#rtc.state;
    }
    const failed = this.#hls.hopeless ? "refused" : this.#hls.refusal ? "waiting" : "unreachable";
    return { idle: "idle", starting: "connecting", live: "live", stalled: "stalled", failed }[this.#hls.state];
  }

  get detail() {
    if (this.via === "hls") {
      return this.#hls.detail;
    }
    const failure = this.#hls.state === "failed" ? this.#hls.detail : "";
    return this.#wanted.webrtc ? this.#rtc.detail : failure;
  }

  /** Why the picture comes by HLS, in plain words; "" when it does not. */
  get reason() {
    if (this.via !== "hls") {
      return "";
    }
    if (this.#wanted.forced) {
      return "The address of this page asks for HLS.";
    }
    if (!this.#wanted.webrtc) {
      return "This browser has no WebRTC, or it is switched off.";
    }
    if (this.#rtc.refusal?.status === 406) {
      return "This browser cannot play the stream's codec by WebRTC.";
    }
    if (this.#rtc.refusal) {
      return "The gateway takes no more viewers by WebRTC at the moment. This page changes over when it can.";
    }
    return "Your network does not let WebRTC through at the moment. This page changes over when it does.";
  }

  get refusal() {
    if (this.via === "hls") {
      return null;
    }
    return this.#wanted.webrtc ? this.#rtc.refusal : this.#hls.refusal;
  }

  get connection() {
    return this.via === "hls" ? null : this.#rtc.connection;
  }

  get hls() {
    return this.via === "hls" ? this.#hls : null;
  }

  get away() {
    return this.via !== "hls" && this.#rtc.away;
  }

  get viewers() {
    return this.#rtc.viewers;
  }

  get layers() {
    return this.via === "hls" ? [] : this.#rtc.layers;
  }

  get layer() {
    return this.#rtc.layer;
  }

  get hasSound() {
    return this.via === "hls" ? this.#hls.hasSound : this.#videos.webrtc.srcObject?.getAudioTracks().length > 0;
  }

  choose(layer) {
    return this.#rtc.choose(layer);
  }

  start() {
    this.stop();
    this.#hadPicture = false;
    this.#waitsSince = performance.now();
    this.#timer = setInterval(() => this.#decide(), tickMilliseconds);
    if (this.#wanted.webrtc) {
      this.#rtc.start();
    }
    this.#decide();
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = null;
    this.#warm = false;
    this.#rtc.stop();
    this.#hls.stop();
    this.#show(null);
  }

  #decide() {
    if (this.#timer === null) {
      return;
    }
    const now = performance.now();
    if (this.#rtc.state === "live" && this.#mayShowWebRTC) {
      this.#hadPicture = true;
      this.#wait(now);
      this.#show("webrtc");
    } else if (this.#hls.state === "live") {
      this.#show("hls");
    } else if (this.#isOver || this.#hls.state !== "stalled") {
      this.#show(this.via === "webrtc" ? "webrtc" : null);
      this.#considerHLS(now);
    }
    this.#rtc.quiet = this.via === "hls" && this.#hls.state === "live";
  }

  /** A picture that is shown stays until the other one can take its place. */
  get #mayShowWebRTC() {
    return this.via !== "hls" || this.#videos.webrtc.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
  }

  /** Whether nobody publishes, or not for us: another way would change nothing. */
  get #isOver() {
    return [400, 401, 403, 404, 409].includes(this.#rtc.refusal?.status) || this.#rtc.away;
  }

  /** Begins to wait for a picture by WebRTC, from now on and without HLS. */
  #wait(now) {
    this.#waitsSince = now;
    this.#warm = false;
    if (this.#hls.state !== "idle") {
      this.#hls.stop();
    }
  }

  #considerHLS(now) {
    if (this.#isOver) {
      this.#wait(now);
      return;
    }
    const waited = now - this.#waitsSince;
    if (!this.#wanted.hls || this.#hls.state !== "idle") {
      return;
    }
    if (!this.#warm && waited > warmAfter) {
      this.#warm = true;
      this.#hls.warm();
    }
    const isHopeless = !this.#wanted.webrtc || this.#rtc.refusal?.status === 406;
    const isLate = waited > (this.#hadPicture ? returnStart : headStart) && !this.#rtc.mayConnect;
    if (isHopeless || isLate || (!this.#hadPicture && waited > longestStart)) {
      this.#hls.start();
    }
  }

  #show(via) {
    if (via === this.via) {
      return;
    }
    this.via = via;
    if (via !== null) {
      this.#stage.show(this.#videos[via]);
    }
    this.dispatchEvent(new Event("change"));
  }
}
