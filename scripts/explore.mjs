// Explores interleavings of the core (test/explore): all schedules up to a bound on
// pre-emptions, for every scenario, and the mutants that each must catch.
//
//   npm run explore -- --help

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";
import { readOptions } from "./options.mjs";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const options = readOptions({
  command: "npm run explore --",
  about: `Explores interleavings of the core: all schedules of each scenario up to a bound on pre-emptions,
the mutants that each must catch, and a worker killed at every step.`,
  options: {
    deep: { about: "more pre-emptions and schedules: minutes instead of seconds" },
    scenario: { text: "NAME", about: "this scenario alone" },
    bound: { whole: [undefined, 0], about: "pre-emptions" },
    seed: { whole: [undefined, 0], about: "of the random schedules" },
    "no-mutants": { about: "only the core as it is" },
    death: { about: "only the killed workers" },
    races: { about: "plain accesses that no lock orders" },
    replay: { text: "SCHEDULE", about: "of --scenario: the one schedule that a violation printed" },
    mutant: { whole: [undefined, 0], about: "replay it in this mutant of the scenario, from 0" },
  },
  notes: "Exit status: 0; 1 a violation, or a mutant that is not caught; 2 bad usage.",
});
const { module } = await runnerImport(join(ROOT, "test/explore/main.ts"), {
  configFile: false,
  logLevel: "error",
});
process.exitCode = await module.main({ ...options, mutants: !options["no-mutants"] }, (line) =>
  process.stdout.write(`${line}\n`),
);
