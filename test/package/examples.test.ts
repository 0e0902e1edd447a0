// The examples do what examples/README.md says.

import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { run } from "../support/app.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const example = (...args: string[]) => JSON.parse(run(ROOT, process.execPath, ...args));

test("the emulator: 64 pages stored and loaded, then a store without the right to", () => {
  expect(example("examples/emulator/run.mjs", "--json")).toEqual({
    executed: 9 + 1 + 64 * 4 + 2 + 64 * 4 + 6, // its two loops, and what stands around them
    sum: (64 * 65) / 2,
    trap: 2, // SEGV_ACCERR
    misses: 64 + 1, // a page each; and the store after mprotect
    perms: ["1 r--p", "63 rw-p"],
    sound: true,
  });
});

test("the system calls: the program finds all as it should be", () => {
  const { answer, sound, maps } = example("examples/emscripten/run.mjs");
  expect({ answer, sound }).toEqual({ answer: 0, sound: true });
  expect(maps).toHaveLength(3);
});
