// Turns what `RTCPeerConnection.getStats()` counts since the beginning into figures of the last moment.

/** Reads one peer connection again and again; rates are over the time since the previous reading. */
export class Meter {
  #previous = new Map();

  /** @returns {Promise<object>} figures; those that a browser does not give are undefined */
  async read(connection) {
    const report = new Map();
    (await connection.getStats()).forEach((entry) => report.set(entry.id, entry));
    const figures = { connection: connection.connectionState, ...this.#path(report) };
    for (const entry of report.values()) {
      if (entry.type === "inbound-rtp") {
        figures[entry.kind] = this.#inbound(entry, report);
      } else if (entry.type === "outbound-rtp") {
        figures[entry.kind] = this.#outbound(entry, report);
      }
    }
    if (figures.video?.bufferMilliseconds !== undefined) {
      const half = (figures.roundTripMilliseconds ?? 0) / 2;
      figures.delayMilliseconds = half + (figures.video.processingMilliseconds ?? figures.video.bufferMilliseconds);
    }
    this.#previous = report;
    return figures;
  }

  #inbound(entry, report) {
    const received = this.#grown(entry, "packetsReceived");
    const lost = Math.max(0, this.#grown(entry, "packetsLost"));
    return {
      ...codecOf(entry, report),
      bitsPerSecond: 8 * this.#rate(entry, "bytesReceived"),
      framesPerSecond: entry.framesPerSecond ?? this.#rate(entry, "framesDecoded"),
      width: entry.frameWidth,
      height: entry.frameHeight,
      lossPercent: received + lost > 0 ? (100 * lost) / (received + lost) : 0,
      bufferMilliseconds: this.#mean(entry, "jitterBufferDelay", "jitterBufferEmittedCount"),
      processingMilliseconds: this.#mean(entry, "totalProcessingDelay", "framesDecoded"),
      decodeMilliseconds: this.#mean(entry, "totalDecodeTime", "framesDecoded"),
      jitterMilliseconds: entry.jitter === undefined ? undefined : 1000 * entry.jitter,
      bytes: entry.bytesReceived ?? 0,
      packetsReceived: entry.packetsReceived ?? 0,
      packetsLost: entry.packetsLost ?? 0,
      framesDecoded: entry.framesDecoded ?? 0,
      framesDropped: entry.framesDropped ?? 0,
      freezeCount: entry.freezeCount ?? 0,
      keyFrameRequests: entry.pliCount ?? 0,
      repairRequests: entry.nackCount ?? 0,
      audioEnergy: entry.totalAudioEnergy,
    };
  }

  #outbound(entry, report) {
    const remote = report.get(entry.remoteId);
    return {
      ...codecOf(entry, report),
      bitsPerSecond: 8 * this.#rate(entry, "bytesSent"),
      framesPerSecond: entry.framesPerSecond ?? this.#rate(entry, "framesEncoded"),
      width: entry.frameWidth,
      height: entry.frameHeight,
      lossPercent: remote?.fractionLost === undefined ? undefined : 100 * remote.fractionLost,
      bytes: entry.bytesSent ?? 0,
      framesEncoded: entry.framesEncoded ?? 0,
      keyFrameRequests: entry.pliCount ?? 0,
      repairRequests: entry.nackCount ?? 0,
      limitedBy: entry.qualityLimitationReason,
    };
  }

  #path(report) {
    const transport = [...report.values()].find((entry) => entry.type === "transport");
    const pair = report.get(transport?.selectedCandidatePairId)
      ?? [...report.values()].find((entry) => entry.type === "candidate-pair" && entry.nominated && entry.state === "succeeded");
    const local = report.get(pair?.localCandidateId);
    const remote = report.get(pair?.remoteCandidateId);
    if (!local || !remote) {
      return {};
    }
    return {
      path: {
        protocol: local.relayProtocol ?? local.protocol,
        localType: local.candidateType,
        remoteType: remote.candidateType,
        remoteAddress: withPort(remote.address ?? remote.ip ?? "", remote.port),
      },
      cipher: transport?.srtpCipher,
      roundTripMilliseconds: pair.currentRoundTripTime === undefined ? undefined : 1000 * pair.currentRoundTripTime,
    };
  }

  /** How much a counter has grown since the previous reading. */
  #grown(entry, key) {
    return (entry[key] ?? 0) - (this.#previous.get(entry.id)?.[key] ?? 0);
  }

  #rate(entry, key) {
    const before = this.#previous.get(entry.id);
    const seconds = before ? (entry.timestamp - before.timestamp) / 1000 : 0;
    return seconds > 0 ? this.#grown(entry, key) / seconds : 0;
  }

  /** The mean of a sum of seconds over a count, in milliseconds, since the previous reading. */
  #mean(entry, sum, count) {
    const number = this.#grown(entry, count);
    return entry[sum] === undefined || number <= 0 ? undefined : (1000 * this.#grown(entry, sum)) / number;
  }
}

function codecOf(entry, report) {
  const codec = report.get(entry.codecId);
  return codec ? { codec: codec.mimeType.split("/")[1].replace("opus", "Opus"), format: codec.sdpFmtpLine ?? "" } : {};
}

function withPort(address, port) {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** A codec as people write it, from its parameter in a playlist (RFC 6381). */
function codecOfParameter(text) {
  const names = { avc1: "H.264", avc3: "H.264", hvc1: "H.265", hev1: "H.265", av01: "AV1", vp09: "VP9", vp08: "VP8", mp4a: "AAC" };
  return names[text.split(".")[0]] ?? codecName(text);
}

const codecNames = { h264: "H.264", h265: "H.265", opus: "Opus" };

/** A codec as people write it. */
export function codecName(codec) {
  return codecNames[codec.toLowerCase()] ?? codec.toUpperCase();
}

/** Figures as rows of a table for people: pairs of a label and a text. */
export function rowsForPlayback(figures) {
  const { video, audio, path } = figures;
  return [
    ["Delay since the gateway", milliseconds(figures.delayMilliseconds), "half a round trip, buffering and decoding"],
    ["Picture", picture(video)],
    ["Video", stream(video)],
    ["Audio", stream(audio)],
    ["Lost packets", loss(video, audio)],
    ["Buffer", both(milliseconds(video?.bufferMilliseconds), milliseconds(audio?.bufferMilliseconds)), "video and audio"],
    ["Freezes", video ? `${video.freezeCount}` : none],
    ["Requests", video ? `${video.repairRequests} repairs, ${video.keyFrameRequests} key frames` : none],
    ["Round trip", milliseconds(figures.roundTripMilliseconds)],
    ["Path", pathText(path)],
  ];
}

export function rowsForHLS(figures) {
  const { video, audio } = figures;
  return [
    ["Behind live", seconds(figures.behindSeconds), "between what the gateway has and what is shown"],
    ["Picture", picture(video)],
    ["Video and audio", [video.codec, audio.codec].filter(Boolean).map(codecOfParameter).join(", ") || none],
    ["Bitrate", bitrate(figures.bitsPerSecond)],
    ["Buffer", seconds(figures.bufferSeconds)],
    ["Stalls", `${figures.stalls} in the last moments`],
    ["Dropped frames", `${video.framesDropped}`],
    ["Path", `${figures.via}, over HTTP`],
  ];
}

export function rowsForPublishing(figures) {
  const { video, audio, path } = figures;
  const limits = { none: "nothing", cpu: "this computer's speed", bandwidth: "the network", other: "other reasons" };
  return [
    ["Picture", picture(video)],
    ["Video", stream(video)],
    ["Audio", stream(audio)],
    ["Held back by", limits[video?.limitedBy] ?? none],
    ["Lost packets", video?.lossPercent === undefined ? none : `${video.lossPercent.toFixed(1)} %`],
    ["Requests", video ? `${video.repairRequests} repairs, ${video.keyFrameRequests} key frames` : none],
    ["Round trip", milliseconds(figures.roundTripMilliseconds)],
    ["Path", pathText(path)],
  ];
}

const none = "–";

export function bitrate(bitsPerSecond) {
  if (!Number.isFinite(bitsPerSecond)) {
    return none;
  }
  return bitsPerSecond >= 999_500 ? `${(bitsPerSecond / 1e6).toFixed(2)} Mbit/s` : `${Math.round(bitsPerSecond / 1000)} kbit/s`;
}

function milliseconds(value) {
  return Number.isFinite(value) ? `${value < 10 ? value.toFixed(1) : Math.round(value)} ms` : none;
}

function seconds(value) {
  return Number.isFinite(value) ? `${value.toFixed(1)} s` : none;
}

function picture(video) {
  return video?.width ? `${video.width} × ${video.height}, ${Math.round(video.framesPerSecond ?? 0)} frames/s` : none;
}

function stream(media) {
  return media?.codec ? `${codecName(media.codec)}, ${bitrate(media.bitsPerSecond)}` : none;
}

function loss(video, audio) {
  if (!video && !audio) {
    return none;
  }
  const total = (video?.packetsLost ?? 0) + (audio?.packetsLost ?? 0);
  return `${Math.max(video?.lossPercent ?? 0, audio?.lossPercent ?? 0).toFixed(1)} % now, ${total} in all`;
}

function both(first, second) {
  return first === none && second === none ? none : `${first}, ${second}`;
}

function pathText(path) {
  return path ? `${path.protocol.toUpperCase()}, ${path.localType} to ${path.remoteType} ${path.remoteAddress}` : none;
}
