// Two pictures in one place, of which one is seen and heard: the other may get ready behind it.

export class Stage {
  #shown;
  #videos;

  /** @param {HTMLVideoElement[]} videos the first is shown at first */
  constructor(videos) {
    this.#videos = videos;
    this.#shown = videos[0];
    for (const video of videos.slice(1)) {
      video.muted = true;
    }
  }

  /** The picture that is seen. */
  get video() {
    return this.#shown;
  }

  /** Puts another picture in front, with the sound as it was. */
  show(video) {
    const before = this.#shown;
    if (video === before) {
      return;
    }
    const { muted, volume } = before;
    this.#shown = video;
    video.volume = volume;
    before.muted = true;
    this.mute(muted);
    for (const each of this.#videos) {
      each.classList.toggle("under", each !== video);
    }
    if (document.pictureInPictureElement === before) {
      video.requestPictureInPicture().catch(() => {});
    }
  }

  mute(muted) {
    const video = this.#shown;
    video.muted = muted;
    if (!muted && video.volume === 0) {
      video.volume = 1;
    }
    video.play().catch(() => {
      video.muted = true;
    });
  }

  /** Calls back for an event of whichever picture is seen. */
  on(name, action) {
    for (const video of this.#videos) {
      video.addEventListener(name, () => video === this.#shown && action());
    }
  }
}
