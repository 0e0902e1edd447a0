// scripts/summary.mjs: CI shows only the end of its output, so what failed has to stand there.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Real reports: vitest runs these files. Below build/, so that vitest is found and git ignores them. */
const FILES = {
  "passes.test.ts": `import { test } from "vitest"; test("passes", () => {});`,
  "fails.test.ts": `import { describe, expect, test } from "vitest";
    describe("outer", () => {
      test("compares", () => { expect({ a: 1 }).toEqual({ a: 2 }); });
      test("throws", () => { throw new Error("first line\\nsecond line"); });
      test.skip("waits", () => {});
    });`,
  "unloaded.test.ts": `import "./nowhere.js";`,
  "unready.test.ts": `import { beforeAll, test } from "vitest";
    beforeAll(() => { throw new Error("no set-up"); });
    test("never runs", () => {});`,
};

let folder: string;

beforeAll(() => {
  mkdirSync(join(ROOT, "build"), { recursive: true });
  folder = mkdtempSync(join(ROOT, "build", "summary-"));
  mkdirSync(join(folder, "test"));
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, "test", name), text);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What summary.mjs prints after a run of `names`. */
function summary(...names: string[]) {
  const report = join(folder, "report.json");
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  const options = ["--root", folder, "--reporter=json", `--outputFile.json=${report}`];
  spawnSync(process.execPath, [vitest, "run", ...options, ...names], { cwd: folder });
  const script = join(ROOT, "scripts/summary.mjs");
  const done = spawnSync(process.execPath, [script, report], { cwd: folder, encoding: "utf8" });
  return { status: done.status, lines: done.stdout.trimEnd().split("\n") };
}

test("a run without failures is one line", () => {
  expect(summary("passes")).toEqual({ status: 0, lines: ["1 passed, 0 failed"] });
});

test("each failure is named with its file, its place and the first line of its message", () => {
  const { status, lines } = summary();
  expect(status).toBe(1);
  expect(lines.at(-1)).toMatch(/^1 passed, 4 failed, \d skipped$/);
  expect(lines.slice(0, -1).sort()).toEqual([
    "FAIL test/fails.test.ts: outer > compares: AssertionError: expected { a: 1 } to deeply equal { a: 2 }",
    "FAIL test/fails.test.ts: outer > throws: Error: first line",
    expect.stringMatching(/^FAIL test\/unloaded\.test\.ts: could not be run: .*nowhere\.js/),
    "FAIL test/unready.test.ts: could not be run: no set-up",
  ]);
});
