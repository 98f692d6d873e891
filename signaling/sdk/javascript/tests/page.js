import { run } from "./run.js";

const results = await run();
document.getElementById("results").textContent =
  results.map(({ name, error }) => (error ? `FAILED ${name}\n${error}` : `ok ${name}`)).join("\n");
window.outcome = results;
