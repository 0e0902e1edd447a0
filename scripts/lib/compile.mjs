// Compiles a module of the core: asc, and what inline.mjs adds to a release.
//
// A module is stale if a source, or what compiles it, is newer.

import { spawnSync } from "node:child_process";
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { ROOT } from "./pack.mjs";

const CONFIG = join(ROOT, "asconfig.json");
const COMPILERS = ["compile.mjs", "inline.mjs"].map((name) => join(ROOT, "scripts", "lib", name));

/** Every file below `dir` whose name ends in `extension`. */
export function filesIn(dir, extension) {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(extension))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

/** True if `output` is there and none of `inputs` is newer. */
export function isFresh(output, inputs) {
  if (!existsSync(output)) return false;
  const written = statSync(output).mtimeMs;
  return inputs.every((input) => statSync(input).mtimeMs <= written);
}

/** What each module of the core is made of and by. */
export function coreInputs() {
  return [...filesIn(join(ROOT, "assembly"), ".ts"), CONFIG, ...COMPILERS];
}

/**
 * @param {{ entry: string, target: "release" | "verify", out: string }} module relative to the project
 * @throws Error with the compiler's words
 */
export async function compile({ entry, target, out }) {
  const release = target === "release";
  const home = dirname(createRequire(import.meta.url).resolve("assemblyscript/package.json"));
  // Under another name first: who starts beside this one, or after it was stopped, must not see half.
  // (Not where asc writes a map beside it, which the module names.)
  const made = release ? `${out}.${process.pid}` : out;
  const args = [entry, "--config", CONFIG, "--target", target, "--outFile", made];
  const done = spawnSync(process.execPath, [join(home, "bin", "asc.js"), ...args], {
    cwd: ROOT,
    encoding: "utf8",
  });
  if (done.status !== 0) throw new Error(`asc ${entry}:\n${done.stderr}${done.stdout}`);
  if (!release) return;
  // Only here: Binaryen takes a quarter of a second to load, and most builds compile nothing.
  const { inlineCalls } = await import("./inline.mjs");
  writeFileSync(join(ROOT, made), inlineCalls(readFileSync(join(ROOT, made))));
  renameSync(join(ROOT, made), join(ROOT, out));
}
