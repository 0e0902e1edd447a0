// Runs a task of the playground that is written in TypeScript: screenshots, perf.
//
//   npm run screenshots -- --help
//   npm run web:perf -- --help

import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";
import { readOptions } from "./options.mjs";

const TASKS = {
  screenshots: {
    command: "npm run screenshots --",
    about: "Pictures of each view of the playground at two widths, dark and light.",
    words: [
      "[VIEW...]",
      "only these; they are listed as they are taken",
      0,
      Number.POSITIVE_INFINITY,
    ],
    options: {},
  },
  perf: {
    command: "npm run web:perf --",
    about: "Frames and long tasks of the playground with 65,530 VMAs and a log of 100,000 calls.",
    options: {},
    notes:
      "Exit status: 0; 1 fewer than 50 frames a second somewhere, or more than 20 ms of CPU a frame; 2 bad usage.",
  },
};

const [name] = process.argv.splice(2, 1);
const { words } = readOptions(TASKS[name]);
const file = fileURLToPath(new URL(`../test/tasks/${name}.ts`, import.meta.url));
const { module } = await runnerImport(file, { oxc: { target: "es2022" } });
await module.run(words);
