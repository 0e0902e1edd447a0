// The hot path allocates nothing in JavaScript: no garbage, no pauses for its collection.

import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

const SCRIPT = new URL("../support/heap-watch.mjs", import.meta.url).pathname;
/** The smallest object has 16 bytes; less than one in a hundred calls may be the meter's own. */
const NOTHING_BYTES = 0.16;
const SMALLEST_BYTES = 16;

test("the raw plane's calls leave the JavaScript heap as it is", () => {
  const flags = ["--expose-gc", "--min-semi-space-size=64", "--max-semi-space-size=64"];
  const run = spawnSync(process.execPath, [...flags, SCRIPT], { encoding: "utf8" });
  expect(run.stderr).toBe("");
  const { boxed, ...calls } = JSON.parse(run.stdout) as Record<string, number>;
  expect(boxed, "the meter sees an object a call").toBeGreaterThanOrEqual(SMALLEST_BYTES);
  expect(Object.keys(calls)).toHaveLength(7);
  for (const [call, bytes] of Object.entries(calls)) {
    expect(bytes, `bytes a call of ${call}`).toBeLessThan(NOTHING_BYTES);
  }
});
