// The extensions of WHEP: what the gateway tells a viewer while it watches, and which layer the viewer wants.
// A gateway that has none is as good; then nothing is ever told.

const wanted = ["active", "inactive", "layers", "viewercount", "reconnect"];

/**
 * What is known of one session by its extensions. Fires "change" when something is, and "reconnect", whose `detail` is the
 * address to go to or null, when the session is about to end.
 */
export class Extensions extends EventTarget {
  /** Whether the publisher has gone while the session waits for it. */
  away = false;
  /** How many watch, or null when nobody said. */
  viewers = null;
  /** Of the picture, the largest first: { rid, bitrate, width, height }; empty when there is nothing to choose from. */
  layers = [];
  #session;
  #section = null;
  #address = null;
  #source = null;
  #closed = false;
  #look = () => this.#listen();

  /** @param {import("./session.js").Session} session that has been answered */
  constructor(session) {
    super();
    this.#session = session;
  }

  /** Asks for events, if the gateway has them. */
  async open() {
    const endpoint = this.#session.linkTo("urn:ietf:params:whep:ext:core:server-sent-events");
    if (endpoint === null) {
      return;
    }
    const response = await this.#session.post(endpoint, wanted).catch(() => null);
    const location = response?.status === 201 ? response.headers.get("Location") : null;
    if (location === null || this.#closed) {
      return;
    }
    this.#address = new URL(location, endpoint).href;
    document.addEventListener("visibilitychange", this.#look);
    this.#listen();
  }

  close() {
    this.#closed = true;
    document.removeEventListener("visibilitychange", this.#look);
    this.#source?.close();
    this.#source = null;
  }

  /**
   * Asks for a layer by its name, or with null for whatever the network carries.
   *
   * @returns {Promise<boolean>} whether the gateway agreed
   */
  async choose(rid) {
    const endpoint = this.#session.linkTo("urn:ietf:params:whep:ext:core:layer");
    if (endpoint === null || this.#section === null) {
      return false;
    }
    const choice = rid === null ? { mediaId: this.#section } : { mediaId: this.#section, rid };
    const response = await this.#session.post(endpoint, choice).catch(() => null);
    return response?.ok === true;
  }

  /** A browser has few connections to a server: a page that nobody looks at leaves its own to others. */
  #listen() {
    if (document.visibilityState === "hidden") {
      this.#source?.close();
      this.#source = null;
      return;
    }
    if (this.#source !== null || this.#closed) {
      return;
    }
    const source = new EventSource(this.#address);
    this.#source = source;
    source.addEventListener("error", () => {
      // A browser tries again by itself unless the gateway said no: then nothing more is known.
      if (source.readyState === EventSource.CLOSED && !this.#closed) {
        this.#know({ away: false, viewers: null });
      }
    });
    this.#on("active", () => this.#know({ away: false }));
    this.#on("inactive", () => this.#know({ away: true }));
    this.#on("viewercount", ({ viewercount }) => this.#know({ viewers: viewercount ?? null }));
    this.#on("layers", (sections) => this.#sort(sections));
    this.#on("reconnect", ({ url }) =>
      this.dispatchEvent(new CustomEvent("reconnect", { detail: /^https?:/.test(url ?? "") ? url : null })));
  }

  #on(name, action) {
    this.#source.addEventListener(name, ({ data }) => {
      let value = {};
      try {
        value = JSON.parse(data);
      } catch {
        return;
      }
      if (!this.#closed) {
        action(value);
      }
    });
  }

  /** Takes the first media section that has layers: the page shows one picture. */
  #sort(sections) {
    const [section, layers] = Object.entries(sections).find(([, each]) => Array.isArray(each)) ?? [null, []];
    this.#section = section;
    const size = ({ height, bitrate }) => (height ?? 0) * 1e9 + (bitrate ?? 0);
    this.#know({ layers: layers.filter(({ rid }) => typeof rid === "string").sort((a, b) => size(b) - size(a)) });
  }

  #know(news) {
    Object.assign(this, news);
    this.dispatchEvent(new Event("change"));
  }
}
