// Builds what only the bench needs: build/mm-bench.wasm, from assembly/mm-bench.ts.
//
// `npm run build` makes the rest. As there, nothing happens if the output is newer than
// every source of the core.

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
import { fileURLToPath } from "node:url";
import { inlineCalls } from "../../scripts/lib/inline.mjs";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const OUTPUT = join(ROOT, "build", "mm-bench.wasm");

/** @throws Error with the compiler's words */
export function buildLoops() {
  const asconfig = join(ROOT, "asconfig.json");
  const inline = join(ROOT, "scripts", "lib", "inline.mjs");
  if (isFresh([...coreSources(), asconfig, inline])) return;
  const home = dirname(createRequire(import.meta.url).resolve("assemblyscript/package.json"));
  // Under another name first: a bench started beside this one must not see half a file.
  const draft = `${OUTPUT}.${process.pid}`;
  const args = ["assembly/mm-bench.ts", "--config", asconfig, "--target", "release"];
  const asc = join(home, "bin", "asc.js");
  const done = spawnSync(process.execPath, [asc, ...args, "--outFile", draft], {
    cwd: ROOT,
    encoding: "utf8",
  });
  if (done.status !== 0) throw new Error(`asc assembly/mm-bench.ts:\n${done.stderr}${done.stdout}`);
  writeFileSync(draft, inlineCalls(readFileSync(draft)));
  renameSync(draft, OUTPUT);
}

function coreSources() {
  const dir = join(ROOT, "assembly");
  return readdirSync(dir, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(dir, name));
}

function isFresh(inputs) {
  if (!existsSync(OUTPUT)) return false;
  const written = statSync(OUTPUT).mtimeMs;
  return inputs.every((input) => statSync(input).mtimeMs <= written);
}
