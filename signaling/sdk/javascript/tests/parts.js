import { decodeBinary, encodeBinary } from "../src/binary.js";
import { EventReader } from "../src/events.js";
import { Room } from "../src/room.js";
import { equal, joined, ok } from "./support.js";

const bytes = (text) => new TextEncoder().encode(text);

export const tests = {
  "binary messages are laid out as the protocol says"() {
    equal([...encodeBinary(new Uint8Array([7, 8]))], [1, 0, 7, 8]);
    equal([...encodeBinary(new Uint8Array([7]).buffer, "p9")], [1, 2, 112, 57, 7]);
    const frame = new Uint8Array([1, 1, 0, 0, 0, 0, 0, 0, 1, 2, 2, 112, 57, 5, 6]);
    const { data, ...rest } = decodeBinary(frame);
    equal([rest, [...data]], [{ type: "message", event: 258, private: true, from: "p9" }, [5, 6]]);
    for (let length = 0; length < 13; length += 1) {
      equal(decodeBinary(frame.subarray(0, length)), null, `${length} bytes`);
    }
    equal(decodeBinary(new Uint8Array([2, ...frame.subarray(1)])), null);
  },

  "events come out of pieces of any size"() {
    const text = ": hello\n\nevent: open\ndata: {\"a\":\"ä\"}\n\ndata: one\ndata: two\n\nevent: ping\ndata: {}\n\n";
    const whole = new EventReader().read(bytes(text));
    equal(whole, [{ name: "open", data: "{\"a\":\"ä\"}" }, { name: "message", data: "one\ntwo" }, { name: "ping", data: "{}" }]);
    for (const size of [1, 2, 3, 7]) {
      const reader = new EventReader();
      const all = bytes(text);
      const events = [];
      for (let start = 0; start < all.length; start += size) {
        events.push(...reader.read(all.subarray(start, start + size)));
      }
      equal(events, whole, `in pieces of ${size}`);
    }
    let error = null;
    try {
      new EventReader().read(new Uint8Array((1 << 20) + 1).fill(97));
    } catch (thrown) {
      error = thrown;
    }
    ok(error instanceof RangeError, "an event grows without end");
  },

  "a room follows its events"() {
    const room = new Room(joined);
    const ben = { id: "p2", kind: "client", role: "subscriber", metadata: {}, presence: "here" };
    room.apply({ type: "participant-joined", event: 5, participant: ben });
    room.apply({ type: "participant-presence", event: 6, participant: "p2", presence: "away" });
    equal(room.participants.get("p2"), { ...ben, presence: "away" });
    room.apply({ type: "participant-updated", event: 8, participant: { ...ben, metadata: { hand: true } } });
    equal(room.participants.get("p2").metadata, { hand: true });
    room.apply({ type: "message", event: 9, from: "p2", private: false, text: "hello" });
    room.apply({ type: "participant-left", event: 10, participant: "p2", cause: "left" });
    equal([[...room.participants.keys()], room.event, room.self.name], [["p1"], 10, "Ada"]);
    const camera = { track: "camera", kind: "video", source: "camera", metadata: {}, muted: false };
    room.apply({ type: "track-published", event: 10, participant: "p1", track: camera });
    room.apply({ type: "track-updated", event: 10, participant: "p1", track: { ...camera, muted: true } });
    equal(room.self.tracks, [{ ...camera, muted: true }]);
    room.apply({ type: "track-unpublished", event: 10, participant: "p1", track: "camera" });
    equal(room.self.tracks, []);
    // Of somebody who is not there, and of nothing that is known.
    room.apply({ type: "participant-presence", event: 11, participant: "p7", presence: "away" });
    room.apply({ type: "something-new", event: 12 });
    equal([room.participants.size, room.event], [1, 12]);
    room.apply({ type: "resync", event: 40, participants: [ben] });
    equal([[...room.participants.keys()], room.event], [["p2"], 40]);
  },
};
