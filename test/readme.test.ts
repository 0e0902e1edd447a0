// README.md's example type-checks and runs as it stands, against the built package: a file
// inside the package may import the package by its name.

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = new URL("../", import.meta.url);
const FOLDER = fileURLToPath(new URL("build/readme", ROOT));

test("the example prints what its comments say", () => {
  const readme = readFileSync(new URL("README.md", ROOT), "utf8");
  const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1];
  expect(example).toContain('from "vmaple"');
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${FOLDER}/example.mts`, example!);
  const tsc = fileURLToPath(new URL("node_modules/typescript/bin/tsc", ROOT));
  const lib = "es2023,esnext.disposable,dom";
  const options = ["--target", "es2022", "--module", "nodenext", "--lib", lib, "--strict"];
  const checked = node(
    tsc,
    ...options,
    "--skipLibCheck",
    "--ignoreConfig",
    `${FOLDER}/example.mts`,
  );
  expect(checked.stdout).toBe("");
  const run = node(`${FOLDER}/example.mjs`);
  expect(run.stderr).toBe("");
  const lines = run.stdout.trimEnd().split("\n");
  expect(lines[0]).toBe("true true");
  expect(lines).toHaveLength(4);
  expect(lines[2]).toMatch(/^[0-9a-f]+-[0-9a-f]+ r--p 00000000 00:00 0 $/);
});

function node(...args: string[]) {
  return spawnSync(process.execPath, args, { encoding: "utf8" });
}
