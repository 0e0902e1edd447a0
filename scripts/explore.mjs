// Explores interleavings of the core (test/explore): all schedules up to a bound on
// pre-emptions, for every scenario, and the mutants that each must catch.
//
//   node scripts/explore.mjs [--deep] [--scenario NAME] [--bound N] [--seed N] [--no-mutants]
//   node scripts/explore.mjs --death [--scenario NAME]    a worker killed at every step
//   node scripts/explore.mjs --races [--scenario NAME]    plain accesses that no lock orders
//   node scripts/explore.mjs --scenario NAME [--mutant N] --replay SCHEDULE

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runnerImport } from "vite";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const { values } = parseArgs({
  options: {
    deep: { type: "boolean", default: false },
    scenario: { type: "string" },
    bound: { type: "string" },
    seed: { type: "string" },
    mutant: { type: "string" },
    replay: { type: "string" },
    races: { type: "boolean", default: false },
    death: { type: "boolean", default: false },
    "no-mutants": { type: "boolean", default: false },
  },
});

const number = (text) => (text === undefined ? undefined : Number(text));
const { module } = await runnerImport(join(ROOT, "test/explore/main.ts"), {
  configFile: false,
  logLevel: "error",
});
process.exitCode = await module.main(
  {
    deep: values.deep,
    scenario: values.scenario,
    bound: number(values.bound),
    seed: number(values.seed),
    mutant: number(values.mutant),
    replay: values.replay,
    mutants: !values["no-mutants"],
    races: values.races,
    death: values.death,
  },
  (line) => process.stdout.write(`${line}\n`),
);
