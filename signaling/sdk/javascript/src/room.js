// A room as a participant knows it, kept true by the events that come.

export class Room {
  /** Everybody in it, by id: clients and streams, ourselves too. */
  participants = new Map();
  /** The number of the last event. */
  event = 0;

  /** @param {object} joined the answer to `join` */
  constructor(joined) {
    this.namespace = joined.namespace;
    this.name = joined.room;
    /** Our id. */
    this.me = joined.participant;
    this.#replace(joined);
  }

  /** Our own entry. */
  get self() {
    return this.participants.get(this.me);
  }

  /** Takes what the gateway says of the room; whatever else it says is passed over. */
  apply(message) {
    switch (message.type) {
      case "resync":
      case "snapshot":
        return this.#replace(message);
      case "participant-joined":
      case "participant-updated":
        this.participants.set(message.participant.id, message.participant);
        break;
      case "participant-left":
        this.participants.delete(message.participant);
        break;
      case "participant-presence":
        this.#change(message.participant, { presence: message.presence });
        break;
    }
    this.#applyTrack(message);
    if (Number.isSafeInteger(message.event)) {
      this.event = Math.max(this.event, message.event);
    }
  }

  /** What we have changed ourselves: nobody tells us. */
  updateSelf(change) {
    this.#change(this.me, change);
  }

  #applyTrack({ type, participant, track }) {
    if (type === "track-unpublished") {
      this.#changeTracks(participant, track, []);
    } else if (type === "track-published" || type === "track-updated") {
      this.#changeTracks(participant, track.track, [track]);
    }
  }

  #changeTracks(id, name, replacement) {
    const before = this.participants.get(id)?.tracks ?? [];
    this.#change(id, { tracks: [...before.filter(({ track }) => track !== name), ...replacement] });
  }

  #change(id, change) {
    const before = this.participants.get(id);
    if (before) {
      this.participants.set(id, { ...before, ...change });
    }
  }

  #replace(snapshot) {
    this.participants = new Map(snapshot.participants.map((participant) => [participant.id, participant]));
    this.event = snapshot.event;
  }
}
