// The command lines of the scripts that run for long: --help, and one clear line for what is wrong.

import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

const SCRIPTS = [
  ["explore.mjs", "npm run explore"],
  ["soak.mjs", "npm run soak"],
  ["kill-test.mjs", "npm run kill-test"],
  ["linearize.mjs", "npm run linearize"],
  ["mutate.mjs", "npm run mutate"],
  ["web-task.mjs screenshots", "npm run screenshots"],
  ["web-task.mjs perf", "npm run web:perf"],
  ["ask-linux.mjs", "node scripts/ask-linux.mjs"],
] as const;

function run(script: string, ...args: string[]) {
  const [file, ...task] = script.split(" ");
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [`scripts/${file}`, ...task, ...args],
    { encoding: "utf8" },
  );
  return { status, stdout, stderr };
}

test.each(SCRIPTS)("%s --help says how it is called", (script, command) => {
  const { status, stdout, stderr } = run(script, "--help");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toContain(`\nUsage: ${command} `);
});

test.each(SCRIPTS)("%s refuses an option that it does not have, in one line", (script, command) => {
  const name = /[\w:-]+$/.exec(command.replace(".mjs", ""))![0];
  const stderr = `${name}: Unknown option '--soon'; --help tells what it takes\n`;
  expect(run(script, "--soon")).toEqual({ status: 2, stdout: "", stderr });
});

test.each([
  ["soak.mjs", "--seconds", "many", "--seconds takes a whole number from 0 on, not many"],
  ["kill-test.mjs", "--kills", "0", "--kills takes a whole number from 1 on, not 0"],
  ["ask-linux.mjs", "1", "2", "FROM TO FILE is missing"],
  ["mutate.mjs", "merge", "split", '"split" is one word too many'],
])("%s %s %s", (script, first, second, message) => {
  const { status, stderr } = run(script, first, second);
  expect({ status, line: stderr.replace(/^[^:]*: /, "") }).toEqual({
    status: 2,
    line: `${message}; --help tells what it takes\n`,
  });
});
