// Histories of concurrent calls by real workers, checked against a sequential model
// (test/linearizability).
//
//   npm run linearize -- --help

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";
import { freshSeed, readOptions } from "./options.mjs";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const options = readOptions({
  command: "npm run linearize --",
  about:
    "Records concurrent calls of real workers, and looks for an order that explains their answers.",
  options: {
    seconds: { whole: [30, 1], about: "for how long" },
    workers: { whole: [3, 1], about: "at once" },
    calls: { whole: [60, 1], about: "of each worker in one history" },
    pages: { whole: [8, 3], about: "that they quarrel about" },
    seed: { whole: [freshSeed(), 0], about: "of the calls; printed" },
  },
  notes: "Exit status: 0; 1 a history without explanation; 2 bad usage.",
});
const { module } = await runnerImport(join(ROOT, "test/linearizability/main.ts"), {
  configFile: false,
  oxc: { target: "node20" }, // Node 20 does not know `using`
  logLevel: "error",
});
process.exitCode = await module.main(options, (line) => process.stdout.write(`${line}\n`));
