// Workers that die: a short run of scripts/kill-test.mjs, which terminates real workers at
// random moments and fails if anything hangs, breaks an invariant or answers wrongly.

import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

const KILLS = 40;
const SCRIPT = new URL("../../scripts/kill-test.mjs", import.meta.url).pathname;

test(`${KILLS} workers are killed: nothing hangs, every space is sound or answers EOWNERDEAD`, () => {
  const run = spawnSync(process.execPath, [SCRIPT, "--kills", String(KILLS)], {
    encoding: "utf8",
    timeout: 50_000,
  });
  expect(run.stderr).toBe("");
  expect(run.stdout).toMatch(new RegExp(`${KILLS} workers killed: 0 hangs, 0 leaks;`));
  expect(run.status).toBe(0);
});
