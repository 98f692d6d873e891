// One WHIP (RFC 9725) or WHEP session: the offer, the answer, trickled candidates and the goodbye.
// It knows nothing of what is sent or shown.

/** RTP header extensions that browsers know, but offer only when asked to. */
const wantedExtensions = [
  // Which layer of AV1 a packet belongs to.
  "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
];

/** Offers what the gateway can use besides what the browser offers by itself. */
export function offerExtensions(transceiver) {
  const known = transceiver.getHeaderExtensionsToNegotiate?.();
  if (known) {
    transceiver.setHeaderExtensionsToNegotiate(known.map((extension) =>
      wantedExtensions.includes(extension.uri) ? { ...extension, direction: "sendrecv" } : extension));
  }
}

/** A request the gateway refused, with its reason in plain words (RFC 9457). */
export class Refusal extends Error {
  constructor({ status, type, detail, retryAfter, alternate }) {
    super(detail);
    this.name = "Refusal";
    this.status = status;
    /** A stable name of the reason, such as "stream-not-publishing"; "" when there is none. */
    this.type = type;
    /** Seconds after which asking again makes sense; null when the gateway did not say. */
    this.retryAfter = retryAfter;
    /** Another address of the same stream for those who cannot use this one, or null. */
    this.alternate = alternate;
  }

  static async from(response) {
    let problem = {};
    if ((response.headers.get("Content-Type") ?? "").includes("json")) {
      problem = await response.json().catch(() => ({}));
    }
    const seconds = Number.parseFloat(response.headers.get("Retry-After") ?? "");
    return new Refusal({
      status: response.status,
      type: String(problem.type ?? "").replace(/^.*[/:]/, ""),
      detail: problem.detail || problem.title || `The gateway answered ${response.status} ${response.statusText}`.trim(),
      retryAfter: Number.isFinite(seconds) ? seconds : null,
      alternate: linkOf("alternate", response.headers.get("Link")),
    });
  }
}

/** The address of the first link with this relation in a `Link` header (RFC 8288), or null. */
function linkOf(relation, header) {
  for (const [, address, parameters] of (header ?? "").matchAll(/<([^>]*)>([^,]*)/g)) {
    if (new RegExp(`;\\s*rel="?${relation}"?`).test(parameters)) {
      return address;
    }
  }
  return null;
}

/** STUN and TURN servers from a `Link` header (RFC 9725, 4.6). */
function iceServersOf(header) {
  const links = [...(header ?? "").matchAll(/<((?:stun|turn)s?:[^>]*)>([^,]*)/g)];
  return links.filter(([, , parameters]) => /;\s*rel="?ice-server"?/.test(parameters)).map(([, urls, parameters]) => {
    const value = (name) => parameters.match(new RegExp(`;\\s*${name}="([^"]*)"`))?.[1];
    return { urls, username: value("username"), credential: value("credential") };
  });
}

/** A peer connection and the resource that stands for it on the gateway. */
export class Session {
  #location = null;
  #entityTag = null;
  #links = "";
  #token;
  #gathered = [];
  #gatheringEnded = false;
  #trickleTimer = null;
  #restarting = false;
  /** Whether the gateway named relays, which a restart of ICE would use. */
  hasRelays = false;

  /**
   * @param {RTCPeerConnection} connection with its transceivers added, not yet negotiated
   * @param {string | null} token sent as a bearer token with every request
   */
  constructor(connection, token) {
    this.connection = connection;
    this.#token = token;
    connection.addEventListener("icecandidate", ({ candidate }) => this.#gather(candidate));
  }

  /**
   * Offers, and applies the answer. Candidates follow by PATCH: the gateway finds us by our own checks
   * anyway, so nothing waits for them.
   *
   * @throws {Refusal} when the gateway said no, `TypeError` when it could not be reached
   */
  async open(endpoint, signal) {
    await this.connection.setLocalDescription(await withStereo(await this.connection.createOffer()));
    const response = await fetch(endpoint, {
      method: "POST",
      headers: this.#headers({ "Content-Type": "application/sdp", Accept: "application/sdp" }),
      body: this.connection.localDescription.sdp,
      signal,
    });
    if (response.status !== 201) {
      throw await Refusal.from(response);
    }
    this.#location = new URL(response.headers.get("Location") ?? endpoint, new URL(endpoint, location.href)).href;
    this.#entityTag = response.headers.get("ETag");
    this.#links = response.headers.get("Link") ?? "";
    const sdp = await response.text();
    if (signal?.aborted || this.connection.signalingState === "closed") {
      this.close();
      throw new DOMException("closed while connecting", "AbortError");
    }
    await this.connection.setRemoteDescription({ type: "answer", sdp });
    this.#use(iceServersOf(this.#links));
    this.#scheduleTrickle();
  }

  /** Servers come with the answer, when candidates have been gathered already: they serve from the next restart on. */
  #use(iceServers) {
    if (iceServers.length > 0) {
      this.connection.setConfiguration({ ...this.connection.getConfiguration(), iceServers });
      this.hasRelays = iceServers.some(({ urls }) => urls.startsWith("turn"));
    }
  }

  /**
   * Restarts ICE within the session (RFC 9725, 4.3.3): new credentials and new candidates, the same media.
   *
   * @returns {Promise<boolean>} whether the gateway agreed; if not, the session is as it was
   * @throws `TypeError` when the gateway could not be reached
   */
  async restart() {
    const { connection } = this;
    const before = connection.remoteDescription?.sdp;
    if (this.#location === null || !before || this.#restarting || connection.signalingState !== "stable") {
      return false;
    }
    this.#restarting = true;
    try {
      this.#gathered = [];
      this.#gatheringEnded = false;
      connection.restartIce();
      await connection.setLocalDescription(await withStereo(await connection.createOffer()));
      const response = await this.#patch(this.#fragment(), "*");
      if (response.status !== 200) {
        await connection.setLocalDescription({ type: "rollback" });
        return false;
      }
      const answer = await response.text();
      this.#entityTag = response.headers.get("ETag");
      const theirs = (name) => answer.match(new RegExp(`^a=${name}:.*$`, "m"))?.[0].trim() ?? "";
      const sdp = ["ice-ufrag", "ice-pwd"].reduce(
        (text, name) => text.replace(new RegExp(`^a=${name}:.*$`, "gm"), () => theirs(name)), before);
      await connection.setRemoteDescription({ type: "answer", sdp });
      return true;
    } finally {
      this.#restarting = false;
      this.#scheduleTrickle();
    }
  }

  /** The address of what belongs to the session in this way (RFC 8288), or null. */
  linkTo(relation) {
    const address = this.#location === null ? null : linkOf(relation, this.#links);
    return address === null ? null : new URL(address, this.#location).href;
  }

  /** Sends JSON to an address that the session is linked to. */
  post(address, value) {
    return fetch(address, {
      method: "POST",
      headers: this.#headers({ "Content-Type": "application/json" }),
      body: JSON.stringify(value),
    });
  }

  /** Ends the session on both sides; also works while the page is being left. */
  close() {
    clearTimeout(this.#trickleTimer);
    if (this.connection.signalingState !== "closed") {
      this.connection.close();
    }
    if (this.#location !== null) {
      fetch(this.#location, { method: "DELETE", headers: this.#headers(), keepalive: true }).catch(() => {});
      this.#location = null;
    }
  }

  #headers(more = {}) {
    return this.#token ? { ...more, Authorization: `Bearer ${this.#token}` } : more;
  }

  #gather(candidate) {
    if (candidate?.candidate) {
      this.#gathered.push(candidate);
    } else {
      this.#gatheringEnded = true;
    }
    if (this.#location !== null) {
      this.#scheduleTrickle();
    }
  }

  #scheduleTrickle() {
    // A short wait puts all candidates of one interface into one request.
    this.#trickleTimer ??= setTimeout(() => {
      this.#trickleTimer = null;
      this.#trickle();
    }, 50);
  }

  /** Sends the candidates gathered since the last time. */
  async #trickle() {
    if (this.#location === null || this.#restarting || (this.#gathered.length === 0 && !this.#gatheringEnded)) {
      return;
    }
    await this.#patch(this.#fragment(), this.#entityTag).catch(() => {}); // It helps, but a session lives without it.
  }

  /** Our credentials and the candidates that were not sent yet, as a fragment (RFC 8840). */
  #fragment() {
    const local = this.connection.localDescription?.sdp ?? "";
    const line = (pattern) => local.match(pattern)?.[0];
    const fragment = [line(/^a=ice-ufrag:.*$/m), line(/^a=ice-pwd:.*$/m), line(/^m=.*$/m)?.replace(/ \d+ /, " 9 "), line(/^a=mid:.*$/m)]
      .concat(this.#gathered.splice(0).map((candidate) => `a=${candidate.candidate}`))
      .concat(this.#gatheringEnded ? ["a=end-of-candidates"] : [])
      .filter(Boolean);
    this.#gatheringEnded = false;
    return `${fragment.map((each) => each.trim()).join("\r\n")}\r\n`;
  }

  #patch(body, tag) {
    return fetch(this.#location, {
      method: "PATCH",
      headers: this.#headers({ "Content-Type": "application/trickle-ice-sdpfrag", ...(tag ? { "If-Match": tag } : {}) }),
      body,
    });
  }
}

/** Browsers decode Opus in mono unless their own description asks for both channels (RFC 7587, 6.1). */
async function withStereo(offer) {
  const payloadType = offer.sdp.match(/^a=rtpmap:(\d+) opus\/48000\/2/im)?.[1];
  const sdp = payloadType === undefined
    ? offer.sdp
    : offer.sdp.replace(new RegExp(`^(a=fmtp:${payloadType} (?!.*stereo=).*)$`, "m"), "$1;stereo=1");
  return { type: offer.type, sdp };
}
