// The pictures and sounds of a room: a tile for each picture, and nothing to see for a sound.

import { make } from "/assets/page.js";

export class Tiles {
  #parent;
  #onBlocked;
  /** Elements by what they show. */
  #shown = new Map();

  /** @param {() => void} onBlocked called when the browser wants a gesture before it plays sound */
  constructor(parent, onBlocked) {
    this.#parent = parent;
    this.#onBlocked = onBlocked;
  }

  /**
   * @param {string} key of what is shown
   * @param {MediaStreamTrack} track
   * @param {{owner: string, isOwn?: boolean, mirrored?: boolean}} options
   */
  add(key, track, { owner, isOwn = false, mirrored = false }) {
    this.remove(key);
    const media = make(track.kind === "video" ? "video" : "audio", { autoplay: true, muted: isOwn });
    media.srcObject = new MediaStream([track]);
    if (track.kind === "video") {
      media.playsInline = true;
      media.muted = true;
      const figure = make("figure", { className: "tile" }, media, make("figcaption"));
      figure.classList.toggle("mirrored", mirrored);
      this.#parent.append(figure);
      this.#shown.set(key, { owner, media, figure });
    } else if (!isOwn) {
      this.#shown.set(key, { owner, media, figure: null });
    }
    this.#play(media);
  }

  remove(key) {
    const entry = this.#shown.get(key);
    if (entry) {
      entry.media.srcObject = null;
      entry.figure?.remove();
      this.#shown.delete(key);
    }
  }

  clear() {
    [...this.#shown.keys()].forEach((key) => this.remove(key));
  }

  /** Plays what the browser did not play without a gesture. */
  resume() {
    for (const { media } of this.#shown.values()) {
      this.#play(media);
    }
  }

  /** @param {(owner: string, key: string) => string} caption @param {string[]} speakers */
  label(caption, speakers) {
    for (const [key, { owner, figure }] of this.#shown) {
      if (figure) {
        const text = caption(owner, key);
        figure.lastElementChild.textContent = text;
        figure.firstElementChild.setAttribute("aria-label", text);
        figure.classList.toggle("speaks", speakers.includes(owner));
      }
    }
  }

  #play(media) {
    media.play().catch((error) => error.name === "NotAllowedError" && this.#onBlocked());
  }
}
