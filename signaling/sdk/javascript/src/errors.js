// What went wrong, as people and programs read it.

/** What the client itself says, besides the codes of the gateway (`signaling/PROTOCOL.md`). */
const own = {
  "connection-lost": "Ask again: whether the gateway has done it is not known.",
  "not-connected": "Call connect() first, or wait until the state is \"open\".",
  "not-joined": "Join a room first.",
  "timed-out": "Ask again, and look whether the gateway is overloaded.",
  "queue-full": "Wait until the state is \"open\" before you send more.",
  "superseded": "Another connection has taken the place: the same session was opened elsewhere.",
  "misbehaved": "The gateway could not take what was sent. Look at the error events before this one.",
  "bad-argument": "Correct the argument that the message names.",
  "gateway-unreachable": "Look at the address and the network, and whether the gateway runs.",
  "media-not-allowed": "Allow the camera, the microphone or the screen in the browser's settings.",
  "media-not-found": "Connect a camera or a microphone, or choose another one.",
  "media-failed": "Look at the network: a firewall may block the gateway's media port.",
};

/** A refusal or a failure: `code` does not change, `message` and `cure` are for people. */
export class MartletError extends Error {
  constructor(code, message, cure = own[code] ?? "") {
    super(message);
    this.name = "MartletError";
    this.code = code;
    this.cure = cure;
  }
}
