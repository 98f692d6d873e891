// Server-sent events out of bytes (HTML, "Interpreting an event stream"), as far as the gateway writes them.

/** More without the end of an event is nothing that the gateway sends. */
const longest = 1 << 20;

export class EventReader {
  #decoder = new TextDecoder();
  #text = "";

  /** @returns {{name: string, data: string}[]} the events that these bytes complete */
  read(bytes) {
    this.#text += this.#decoder.decode(bytes, { stream: true }).replaceAll("\r", "");
    const blocks = this.#text.split("\n\n");
    this.#text = blocks.pop();
    if (this.#text.length > longest) {
      throw new RangeError("an event without end");
    }
    return blocks.map(parse).filter(Boolean);
  }
}

function parse(block) {
  let name = "message";
  const data = [];
  for (const line of block.split("\n")) {
    const [, field, value] = line.match(/^([^:]*):? ?(.*)$/);
    if (field === "event") {
      name = value;
    } else if (field === "data") {
      data.push(value);
    }
  }
  return data.length > 0 ? { name, data: data.join("\n") } : null;
}
