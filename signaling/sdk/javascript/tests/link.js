import { Link, timing } from "../src/link.js";
import { equal, ok } from "./support.js";

function open(link, now) {
  link.opened(now);
  link.welcomed(now);
}

export const tests = {
  "a way that does not open is given up, and the other one is tried at once"() {
    const link = new Link();
    equal(link.start(0), "open");
    equal(link.advance(timing.opening - 1), null);
    equal(link.advance(timing.opening), "drop");
    ok(link.lost(timing.opening, 1006), "it gives up");
    equal([link.way, link.deadline], ["stream", timing.opening]);
    equal(link.advance(timing.opening), "open");
  },

  "waits grow up to a bound, and differ by chance"() {
    for (const [random, shortest, longest] of [[() => 0, 250, 5_000], [() => 0.999999, 499, 9_999]]) {
      const link = new Link({ ways: ["socket"], random });
      const waits = [];
      link.start(0);
      for (let attempt = 0; attempt < 12; attempt += 1) {
        link.lost(0, 1006);
        waits.push(link.deadline);
        equal(link.advance(link.deadline), "open");
      }
      ok(Math.abs(waits[0] - shortest) < 2 && Math.abs(waits.at(-1) - longest) < 2, `waits ${waits}`);
      ok(waits.every((wait, index) => index === 0 || wait >= waits[index - 1]), `waits ${waits}`);
    }
  },

  "a gateway that hears nothing else is pinged, and one that does not answer is given up"() {
    const link = new Link();
    link.start(0);
    open(link, 0);
    equal(link.deadline, timing.ping);
    equal(link.advance(timing.ping), "ping");
    link.heard();
    equal(link.advance(2 * timing.ping - 1), null);
    equal(link.advance(2 * timing.ping), "ping");
    equal(link.advance(2 * timing.ping + timing.answer), "drop");
  },

  "some ends are final"() {
    for (const code of [4400, 4401, 4403, 4409]) {
      const link = new Link();
      link.start(0);
      open(link, 0);
      ok(!link.lost(10, code), `${code} is not final`);
      equal([link.state, link.deadline], ["closed", Infinity]);
    }
    for (const code of [1001, 1006, 4408, undefined]) {
      const link = new Link();
      link.start(0);
      open(link, 0);
      ok(link.lost(10, code), `${code} is final`);
    }
  },

  "a WebSocket that is cut again and again is given up for the event stream"() {
    const link = new Link();
    let now = 0;
    link.start(now);
    for (const way of ["socket", "socket"]) {
      equal(link.way, way);
      open(link, now);
      now += 5_000;
      link.lost(now, 1006);
      now = link.deadline;
      equal(link.advance(now), "open");
    }
    equal(link.way, "stream");
  },

  "whoever fell back tries WebSocket again, less and less often"() {
    const link = new Link();
    link.start(0);
    link.lost(0, 1006);
    link.advance(0);
    open(link, 0);
    equal(link.way, "stream");
    const probes = [];
    for (let now = 0; now < 3_600_000; now += 1_000) {
      const due = link.advance(now);
      if (due === "ping") {
        link.heard();
      } else if (due === "probe") {
        probes.push(now);
        link.probed(now, false);
      }
    }
    const waits = probes.map((probe, index) => probe - (probes[index - 1] ?? 0));
    equal(waits.slice(0, 6), [60_000, 120_000, 240_000, 480_000, 600_000, 600_000]);
  },

  "a network that has come back ends the wait"() {
    const link = new Link({ ways: ["socket"] });
    link.start(0);
    link.lost(0, 1006);
    link.hurry(5);
    equal(link.advance(5), "open");
    link.hurry(6);
    equal(link.advance(6), null);
  },
};
