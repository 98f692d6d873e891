// Binary messages between participants, as the gateway lays them out (PROTOCOL.md, "Binary messages").

const layout = 1;

/** A frame for everybody, or for one participant. */
export function encodeBinary(data, to = "") {
  const payload = data instanceof Uint8Array
    ? data
    : ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
  const name = new TextEncoder().encode(to);
  const frame = new Uint8Array(2 + name.length + payload.length);
  frame.set([layout, name.length]);
  frame.set(name, 2);
  frame.set(payload, 2 + name.length);
  return frame;
}

/** What a frame from the gateway says, or null for a layout that is not known. */
export function decodeBinary(frame) {
  const end = 11 + (frame[10] ?? 0);
  if (frame[0] !== layout || frame.length < end) {
    return null;
  }
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  return {
    type: "message",
    event: Number(view.getBigUint64(2)),
    private: frame[1] === 1,
    from: new TextDecoder().decode(frame.subarray(11, end)),
    data: frame.slice(end),
  };
}
