// Sound and pictures with real peer connections: the other end, which stands for the gateway, is in the same page. For browsers alone.

import { Publishing, encodings } from "../src/publishing.js";
import { Subscribing } from "../src/subscribing.js";
import { equal, ok } from "./support.js";

const connect = () => new RTCPeerConnection();
const unexpected = (error) => {
  throw error;
};

function picture(height = 720) {
  const canvas = Object.assign(document.createElement("canvas"), { width: (height * 16) / 9, height });
  const context = canvas.getContext("2d");
  let shade = 0;
  setInterval(() => {
    shade = (shade + 1) % 256;
    context.fillStyle = `rgb(${shade} 0 0)`;
    context.fillRect(0, 0, canvas.width, canvas.height);
  }, 50);
  return canvas.captureStream(20).getVideoTracks()[0];
}

function sound() {
  return new AudioContext().createMediaStreamDestination().stream.getAudioTracks()[0];
}

async function until(condition, what) {
  for (let turn = 0; turn < 200; turn += 1) {
    if (condition()) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(what());
}

async function gathered(connection) {
  await until(() => connection.iceGatheringState === "complete", () => "candidates do not end");
  return connection.localDescription.sdp;
}

/** The gateway's end of a connection that is published; a new fingerprint is a new one. */
class Ingest {
  asked = [];
  #ends = new Map();
  request = async (message) => {
    this.asked.push(message);
    if (message.type !== "publish") {
      return { type: "ok" };
    }
    const fingerprint = message.sdp.match(/^a=fingerprint:.*$/m)[0];
    if (!this.#ends.has(fingerprint)) {
      this.#ends.set(fingerprint, new RTCPeerConnection());
    }
    const end = this.#ends.get(fingerprint);
    await end.setRemoteDescription({ type: "offer", sdp: message.sdp });
    await end.setLocalDescription();
    return { type: "published", sdp: await gathered(end) };
  };
  get last() {
    return this.asked.findLast(({ type }) => type === "publish");
  }
  get ends() {
    return this.#ends.size;
  }
}

export const tests = {
  async "what is published is offered, named, changed and offered anew"() {
    const ingest = new Ingest();
    const publishing = new Publishing(ingest.request, connect, unexpected);
    await Promise.all([
      publishing.publish("microphone", sound(), { source: "microphone" }),
      publishing.publish("camera", picture(), { source: "camera", metadata: { front: true } }),
    ]);
    equal(ingest.last.tracks.map(({ mid, track, source, metadata }) => [mid, track, source, metadata]), [
      ["0", "microphone", "microphone", {}], ["1", "camera", "camera", { front: true }],
    ]);
    equal([...ingest.last.sdp.matchAll(/^a=rid:(\w) send/gm)].map(([, rid]) => rid), ["h", "m", "l"]);
    const first = publishing.connection;
    await until(() => first.connectionState === "connected", () => `publishing is ${first.connectionState}`);

    await publishing.setMuted("camera", true);
    equal([ingest.asked.at(-1), publishing.tracks.get("camera").track.enabled], [{ type: "mute", track: "camera" }, false]);
    // Another camera is no other track.
    const asked = ingest.asked.length;
    await publishing.publish("camera", picture(360));
    equal([ingest.asked.length, publishing.connection === first], [asked, true]);
    await publishing.unpublish("microphone");
    equal(ingest.last.tracks.map(({ track }) => track), ["camera"]);

    await publishing.renew();
    ok(publishing.connection !== first && first.connectionState === "closed", "the old connection goes on");
    equal([ingest.ends, ingest.last.tracks.map(({ mid }) => mid), ingest.asked.at(-1).type], [2, ["0"], "mute"]);
    await publishing.unpublish("camera");
    equal([ingest.asked.at(-1).type, publishing.connection], ["unpublish", null]);
  },

  async "a track that is refused is not one of ours, and the next one is"() {
    const ingest = new Ingest();
    let refuses = true;
    const publishing = new Publishing(async (message) => {
      if (refuses) {
        throw new Error("refused");
      }
      return ingest.request(message);
    }, connect, unexpected);
    const refusal = await publishing.publish("camera", picture(), { source: "camera" }).then(() => null, ({ message }) => message);
    equal([refusal, publishing.tracks.size], ["refused", 0]);
    refuses = false;
    await publishing.publish("microphone", sound(), { source: "microphone" });
    equal(ingest.last.tracks.map(({ track }) => track), ["microphone"]);
    const { connection } = publishing;
    refuses = true;
    await publishing.publish("camera", picture(), { source: "camera" }).catch(() => {});
    refuses = false;
    await publishing.publish("screen-audio", sound(), { source: "screen-audio" });
    await publishing.publish("screen", picture(), { source: "screen" });
    equal(ingest.last.tracks.map(({ track }) => track), ["microphone", "screen-audio", "screen"]);
    ok(publishing.connection === connection, "what was sent is sent anew");
    publishing.end();
  },

  async "offers are answered in order, and say what comes and goes"() {
    const answers = [];
    const changes = [];
    const subscribing = new Subscribing(async (message) => {
      answers.push(message);
      return { type: "ok" };
    }, connect, unexpected, (type, { participant, track, media }) => changes.push([type, participant, track, media.kind]));
    await subscribing.subscribe("all");
    const gateway = new RTCPeerConnection();
    gateway.addTransceiver(sound(), { direction: "sendonly" });
    gateway.addTransceiver(picture(360), { direction: "sendonly" });
    const offer = async (number, tracks) => {
      await gateway.setLocalDescription(await gateway.createOffer());
      await subscribing.take({ type: "subscription-offer", offer: number, sdp: await gathered(gateway), tracks });
      equal([answers.at(-1).type, answers.at(-1).offer], ["subscription-answer", number]);
      await gateway.setRemoteDescription({ type: "answer", sdp: answers.at(-1).sdp });
    };
    const [voice, face] = [{ mid: "0", participant: "p1", track: "microphone" }, { mid: "1", participant: "p1", track: "camera" }];
    await offer(1, [voice, face]);
    equal(changes, [["subscribed", "p1", "microphone", "audio"], ["subscribed", "p1", "camera", "video"]]);
    const { connection } = subscribing;
    // The fake end gathers no candidates of the answer: they are in it, once they are known.
    await gathered(connection);
    const candidates = connection.localDescription.sdp.match(/^a=candidate:.*$/gm).map((line) => line.slice(2));
    await Promise.all(candidates.map((candidate) => gateway.addIceCandidate({ candidate, sdpMid: "0" })));
    await until(() => connection.connectionState === "connected", () => `receiving is ${connection.connectionState}`);
    // The section of a picture may carry another one later.
    await offer(2, [voice, { ...face, participant: "p2" }]);
    await offer(3, [voice]);
    equal(changes.slice(2), [
      ["unsubscribed", "p1", "camera", "video"], ["subscribed", "p2", "camera", "video"], ["unsubscribed", "p2", "camera", "video"],
    ]);
    ok(subscribing.connection === connection, "there is another connection");
    await subscribing.renew();
    equal([answers.at(-1), subscribing.connection], [{ type: "subscribe", all: true }, null]);
    subscribing.end();
    gateway.close();
  },

  "small pictures have fewer sizes"() {
    equal(encodings(1080).map(({ rid, maxBitrate }) => [rid, maxBitrate]), [["h", 4_000_000], ["m", 700_000], ["l", 200_000]]);
    equal(encodings(480).length, 2);
    equal(encodings(240), [{ maxBitrate: 2_000_000 }]);
    equal(encodings(720, { simulcast: false, maxBitrate: 500_000 }), [{ maxBitrate: 500_000 }]);
  },
};
