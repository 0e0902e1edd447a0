// A short run of scripts/soak.mjs: writers, faulters and forkers on one engine, first in
// peace, when not one object may be left, then with workers terminated among them.

import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

const SCRIPT = new URL("../../scripts/soak.mjs", import.meta.url).pathname;
const LIMIT_MS = 55_000;

function soak(...args: string[]) {
  return spawnSync(process.execPath, [SCRIPT, ...args], { encoding: "utf8", timeout: LIMIT_MS });
}

test("without kills nothing is left", () => {
  const run = soak("--seconds", "3", "--kills", "0");
  expect(run.stderr).toBe("");
  expect(run.stdout).toMatch(
    /round \d+, [1-9]\d* changes, [1-9]\d* looks, [1-9]\d* forks, 0 kills/,
  );
  expect(run.stdout).toContain("0 kills: every space sound, no object left");
  expect(run.status).toBe(0);
});

test("with kills every space stays sound, all workers go on, and nothing is left either", () => {
  const run = soak("--seconds", "4");
  expect(run.stderr).toBe("");
  expect(run.stdout).toMatch(/[1-9]\d* rounds, [1-9]\d* kills: every space sound, no object left/);
  expect(run.status).toBe(0);
});

test("a wrong option is one line, and exit 2", () => {
  const run = soak("--minutes", "x");
  const message = "--minutes takes a whole number from 1 on, not x; --help tells what it takes";
  expect(run.stderr).toBe(`soak: ${message}\n`);
  expect(run.status).toBe(2);
});
