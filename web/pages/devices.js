// The buttons and lists by which a participant chooses what it sends.

import { element, make } from "/assets/page.js";
import { openDevices, openScreen } from "/assets/sdk/index.js";

const kinds = { microphone: "audioinput", camera: "videoinput" };

/** Fires nothing: `onChange` is called with a source and its track, or null when it is switched off. */
export class Devices {
  #onChange;
  #onProblem;
  #tracks = new Map();

  constructor(onChange, onProblem) {
    this.#onChange = onChange;
    this.#onProblem = onProblem;
    for (const source of ["microphone", "camera", "screen"]) {
      element(source).addEventListener("click", () => this.toggle(source));
    }
    for (const source of Object.keys(kinds)) {
      element(`${source}s`).addEventListener("change", () => this.#tracks.has(source) && this.#open(source));
    }
    navigator.mediaDevices?.addEventListener("devicechange", () => this.list());
    this.list();
  }

  toggle(source) {
    return this.#tracks.has(source) ? this.#close(source) : this.#open(source);
  }

  /** Switches everything off. */
  stop() {
    [...this.#tracks.keys()].forEach((source) => this.#close(source));
  }

  /** Names of devices are told only after one of them was allowed. */
  async list() {
    const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    for (const [source, kind] of Object.entries(kinds)) {
      const select = element(`${source}s`);
      const chosen = select.value;
      const found = devices.filter((device) => device.kind === kind && device.deviceId !== "");
      select.replaceChildren(...found.map(({ deviceId, label }, index) =>
        make("option", { value: deviceId, textContent: label || `${source} ${index + 1}`, selected: deviceId === chosen })));
      select.parentElement.hidden = found.length < 2;
    }
  }

  async #open(source) {
    const button = element(source);
    button.disabled = true;
    try {
      const stream = await this.#stream(source);
      for (const track of stream.getTracks()) {
        this.#take(source === "screen" && track.kind === "audio" ? "screen-audio" : source, track);
      }
      await this.list();
    } catch (error) {
      this.#onProblem(`${source[0].toUpperCase()}${source.slice(1)}: ${error.message} ${error.cure ?? ""}`);
    } finally {
      button.disabled = false;
    }
  }

  #stream(source) {
    if (source === "screen") {
      return openScreen();
    }
    const deviceId = element(`${source}s`).value;
    const device = deviceId ? { deviceId: { exact: deviceId } } : {};
    return openDevices(source === "camera"
      ? { video: { ...device, width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } } }
      : { audio: device });
  }

  #take(source, track) {
    this.#tracks.get(source)?.stop();
    this.#tracks.set(source, track);
    track.contentHint = { screen: "detail", camera: "motion" }[source] ?? "";
    // Browsers end a screen capture from their own bar, and devices are pulled out.
    track.addEventListener("ended", () => this.#tracks.get(source) === track && this.#close(source));
    this.#show(source);
    this.#onChange(source, track);
  }

  #close(source) {
    this.#tracks.get(source)?.stop();
    this.#tracks.delete(source);
    this.#show(source);
    this.#onChange(source, null);
    if (source === "screen" && this.#tracks.has("screen-audio")) {
      this.#close("screen-audio");
    }
  }

  #show(source) {
    const button = document.getElementById(source);
    button?.setAttribute("aria-pressed", String(this.#tracks.has(source)));
  }
}
