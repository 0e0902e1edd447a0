// Histories of concurrent calls by real workers, checked against a sequential model
// (test/linearizability).
//
//   npm run linearize -- [--seconds N] [--workers N] [--calls N] [--pages N] [--seed N]

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";
import { freshSeed, wholeNumbers } from "./options.mjs";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const options = wholeNumbers("linearize", {
  seconds: [30, 1],
  workers: [3, 1],
  calls: [60, 1],
  pages: [8, 3],
  seed: [freshSeed(), 0],
});
const { module } = await runnerImport(join(ROOT, "test/linearizability/main.ts"), {
  configFile: false,
  oxc: { target: "node20" }, // Node 20 does not know `using`
  logLevel: "error",
});
process.exitCode = await module.main(options, (line) => process.stdout.write(`${line}\n`));
