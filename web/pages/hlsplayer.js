// Watches a stream by HLS: with low latency as long as that does not stall, else further behind.

import { Refusal } from "/assets/session.js";

const tickMilliseconds = 250;
/** A picture that stands still this long has stalled. */
const stallLimit = 1500;
/** After this long without a picture everything is asked for anew. */
const patience = 8000;
/** So many stalls within this time, and low latency is given up. */
const tooMany = { stalls: 4, within: 30_000 };

let library;

/** hls.js, or null when this gateway was built without it. */
function loadLibrary() {
  library ??= import("/assets/hls.js").then(({ Hls }) => (Hls.isSupported() ? Hls : null), () => null);
  return library;
}

/** Whether the browser's own player asks for parts: of those that play HLS at all, Safari does. */
function isGoodByItself(video) {
  return "getStartDate" in video && playsByItself(video);
}

function playsByItself(video) {
  return video.canPlayType("application/vnd.apple.mpegurl") !== "";
}

/**
 * Fires "change" when `state` or `detail` changes. States: idle, starting, live, stalled, failed (it tries again by itself
 * unless `hopeless`).
 */
export class HLSPlayer extends EventTarget {
  state = "idle";
  detail = "";
  hopeless = false;
  /** @type {Refusal | null} */
  refusal = null;
  #address;
  #token;
  #video;
  #player = null;
  #lowLatency = true;
  #run = 0;
  #timer = null;
  #failures = 0;
  #position = 0;
  #movedAt = 0;
  #startedAt = 0;
  #stalls = [];
  #bytes = 0;
  #known = null;

  /** @param {{address: string, token: string | null, video: HTMLVideoElement}} options */
  constructor({ address, token, video }) {
    super();
    this.#address = address;
    this.#token = token;
    this.#video = video;
  }

  /** What plays and how, for people. */
  get kind() {
    return this.#player === null ? "HLS by the browser itself" : `${this.#lowLatency ? "LL-HLS" : "HLS"} by hls.js`;
  }

  get hasSound() {
    const levels = this.#player?.levels;
    return levels ? levels.some(({ audioCodec }) => audioCodec) || this.#player.audioTracks.length > 0 : true;
  }

  /** Seconds between what the gateway has and what is shown; NaN when the browser does not say. */
  get behind() {
    if (this.#player !== null) {
      return this.#player.latency;
    }
    const start = this.#video.getStartDate?.().getTime();
    return (Date.now() - start) / 1000 - this.#video.currentTime;
  }

  /** Gets ready, so that a start is quicker: the gateway begins to cut the stream, and the script is fetched. */
  warm() {
    loadLibrary();
    this.#ask().catch(() => {});
  }

  start() {
    this.#end();
    this.hopeless = false;
    this.#failures = 0;
    this.#stalls = [];
    this.#become("starting");
    this.#open();
    this.#timer = setInterval(() => this.#look(), tickMilliseconds);
  }

  stop() {
    this.#end();
    this.#become("idle");
  }

  /** What is shown; rates are since the last call. */
  figures() {
    const quality = this.#video.getVideoPlaybackQuality?.();
    const now = performance.now();
    const level = this.#player?.levels?.[Math.max(0, this.#player.currentLevel)];
    const frames = quality?.totalVideoFrames ?? 0;
    const known = this.#known ?? { at: now, frames, bytes: this.#bytes };
    const seconds = (now - known.at) / 1000;
    this.#known = { at: now, frames, bytes: this.#bytes };
    const { buffered, currentTime } = this.#video;
    return {
      via: this.kind,
      video: {
        codec: level?.videoCodec,
        width: this.#video.videoWidth,
        height: this.#video.videoHeight,
        framesDecoded: frames,
        framesDropped: quality?.droppedVideoFrames ?? 0,
        framesPerSecond: seconds > 0 ? (frames - known.frames) / seconds : 0,
      },
      audio: { codec: level?.audioCodec ?? this.#player?.audioTracks?.[0]?.audioCodec },
      bitsPerSecond: seconds > 0 && this.#player ? (8 * (this.#bytes - known.bytes)) / seconds : undefined,
      behindSeconds: this.behind,
      // By the clocks of gateway and viewer, so it is as true as they are.
      ageSeconds: this.#player?.playingDate ? (Date.now() - this.#player.playingDate.getTime()) / 1000 : undefined,
      targetSeconds: this.#player?.targetLatency,
      bufferSeconds: buffered.length > 0 ? buffered.end(buffered.length - 1) - currentTime : 0,
      stalls: this.#stalls.length,
    };
  }

  async #open() {
    const run = this.#run;
    this.#startedAt = this.#movedAt = performance.now();
    try {
      const [Hls] = await Promise.all([isGoodByItself(this.#video) ? null : loadLibrary(), this.#ask()]);
      if (run !== this.#run) {
        return;
      }
      if (Hls !== null) {
        this.#attach(Hls);
      } else if (playsByItself(this.#video)) {
        this.#video.src = this.#address;
      } else {
        this.hopeless = true;
        this.#become("failed", "This browser has no player for HLS, and this gateway was built without one (hls.js).");
        return;
      }
      this.#video.play().catch(() => {});
    } catch (error) {
      if (run === this.#run) {
        this.#fail(error);
      }
    }
  }

  /** Asks for the playlist as ourselves: says what is wrong in plain words, and brings the cookie that players need. */
  async #ask() {
    const headers = this.#token ? { Authorization: `Bearer ${this.#token}` } : {};
    const response = await fetch(this.#address, { headers });
    if (!response.ok) {
      throw await Refusal.from(response);
    }
    await response.text();
  }

  #attach(Hls) {
    const player = new Hls({
      lowLatencyMode: this.#lowLatency,
      // A second too far behind is made up for in ten, at the same pitch.
      maxLiveSyncPlaybackRate: 1.1,
      // A stall, which a start often has, costs a third of a second of distance rather than a whole one.
      liveSyncOnStallIncrease: 0.3,
      backBufferLength: 10,
      enableWorker: false,
    });
    // Four target durations behind it jumps instead. As an argument this would need a distance to live beside it, which
    // the playlist is to say.
    player.config.liveMaxLatencyDurationCount = 4;
    this.#player = player;
    player.on(Hls.Events.FRAG_LOADED, (_, { payload }) => {
      this.#bytes += payload?.byteLength ?? 0;
    });
    player.on(Hls.Events.ERROR, (_, { fatal, type }) => {
      if (!fatal || player !== this.#player) {
        return;
      }
      if (type === Hls.ErrorTypes.MEDIA_ERROR && performance.now() - this.#startedAt > patience) {
        this.#startedAt = performance.now();
        player.recoverMediaError();
      } else {
        this.#again();
      }
    });
    player.loadSource(this.#address);
    player.attachMedia(this.#video);
  }

  #look() {
    const now = performance.now();
    const { currentTime, readyState } = this.#video;
    if (currentTime !== this.#position && readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) {
      this.#position = currentTime;
      this.#movedAt = now;
      this.#failures = 0;
      this.refusal = null;
      this.#become("live");
    } else if (this.state === "live" && now - this.#movedAt > stallLimit) {
      this.#become("stalled", "No media is arriving by HLS.");
      this.#stalls = [...this.#stalls.filter((at) => now - at < tooMany.within), now];
      if (this.#lowLatency && this.#stalls.length >= tooMany.stalls) {
        this.#lowLatency = false;
        this.#stalls = [];
        this.#again();
      }
    } else if (["starting", "stalled"].includes(this.state) && now - Math.max(this.#movedAt, this.#startedAt) > patience) {
      this.#again();
    }
  }

  #fail(error) {
    this.#failures += 1;
    this.refusal = error instanceof Refusal ? error : null;
    if (this.refusal !== null) {
      this.hopeless = error.status >= 400 && error.status < 500 && ![404, 408, 409, 429].includes(error.status);
    }
    this.#become("failed", error instanceof Refusal ? error.message : "The gateway cannot be reached.");
    if (!this.hopeless) {
      const asked = 1000 * (error.retryAfter ?? 0);
      const run = this.#run;
      setTimeout(() => run === this.#run && this.#again(), Math.max(asked, Math.min(500 * 2 ** this.#failures, 8000)));
    }
  }

  /** Begins anew, for the same viewer. */
  #again() {
    this.#release();
    this.#open();
  }

  #end() {
    clearInterval(this.#timer);
    this.#timer = null;
    this.#release();
  }

  #release() {
    this.#run += 1;
    this.#player?.destroy();
    this.#player = null;
    this.#known = null;
    if (this.#video.getAttribute("src")) {
      this.#video.removeAttribute("src");
      this.#video.load();
    }
  }

  #become(state, detail = "") {
    if (state !== this.state || detail !== this.detail) {
      this.state = state;
      this.detail = detail;
      this.dispatchEvent(new Event("change"));
    }
  }
}
