// Runs all tests, in a browser or in Node (`node tests/run.js`).

import { tests as client } from "./client.js";
import { tests as link } from "./link.js";
import { tests as media } from "./media.js";
import { tests as parts } from "./parts.js";

/** @returns {Promise<{name: string, error: string | null}[]>} */
export async function run() {
  const results = [];
  // Node has no peer connections.
  const inBrowsers = globalThis.RTCPeerConnection ? media : {};
  for (const [name, test] of Object.entries({ ...link, ...parts, ...client, ...inBrowsers })) {
    const error = await Promise.resolve().then(test).then(() => null, (error) => String(error.stack ?? error));
    results.push({ name, error });
  }
  return results;
}

if (globalThis.process?.argv?.[1]?.endsWith("run.js")) {
  const results = await run();
  for (const { name, error } of results) {
    console.log(error ? `FAILED ${name}\n${error}` : `ok     ${name}`);
  }
  globalThis.process.exit(results.some(({ error }) => error) ? 1 : 0);
}
