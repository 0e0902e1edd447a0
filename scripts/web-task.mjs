// Runs a task of the playground that is written in TypeScript: screenshots, perf.
//
//   node scripts/web-task.mjs screenshots [NAME...]
//   node scripts/web-task.mjs perf

import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const [name, ...args] = process.argv.slice(2);
const file = fileURLToPath(new URL(`../test/tasks/${name}.ts`, import.meta.url));
const { module } = await runnerImport(file, { oxc: { target: "es2022" } });
await module.run(args);
