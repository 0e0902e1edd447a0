// Builds everything a clone needs: the wasm modules, the inlined bytes, dist/.
//
//   assembly/**  --lib/compile.mjs-->  build/engine.wasm, build/engine.verify.wasm
//                                      build/maple-bench.wasm, build/maple-bench.verify.wasm
//   build/engine.wasm  -->  src/generated/wasm.ts (base64), dist/engine.wasm
//   src/**, assembly/shared/**  --tsc-->  dist/
//   build/engine.wasm, docs/abi.md  --headers.mjs-->  dist/include/
//
// A step runs only if an input is newer than its output. Silent unless it fails, or with
// --progress.
// Refuses a module with a data segment (each instantiation would write it into the
// shared memory again) or with an import other than env.memory.

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compile, coreInputs, filesIn, isFresh } from "./lib/compile.mjs";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const SELF = fileURLToPath(import.meta.url);
const require = createRequire(import.meta.url);

const MODULES = [
  { entry: "assembly/index.ts", target: "release", out: "build/engine.wasm" },
  { entry: "assembly/verify-entry.ts", target: "verify", out: "build/engine.verify.wasm" },
  { entry: "assembly/maple-bench.ts", target: "release", out: "build/maple-bench.wasm" },
  { entry: "assembly/maple-bench.ts", target: "verify", out: "build/maple-bench.verify.wasm" },
];

const progress = process.argv.includes("--progress");
/** With --progress: names what is being built. */
function say(what) {
  if (progress) console.log(`building ${what}`);
}

process.chdir(ROOT);
mkdirSync("build", { recursive: true });
mkdirSync("src/generated", { recursive: true });

const inputs = [...coreInputs(), SELF];
for (const module of MODULES) {
  if (!existsSync(module.entry)) continue;
  if (isFresh(module.out, inputs)) continue;
  say(module.out);
  await compile(module).catch((error) => fail(error.message));
  checkModule(module.out);
}

if (!isFresh("src/generated/wasm.ts", ["build/engine.wasm", SELF])) {
  const base64 = readFileSync("build/engine.wasm").toString("base64");
  const text = `// Written by scripts/build.mjs: build/engine.wasm.\nexport const WASM_BASE64 =\n  "${base64}";\n`;
  writeFileSync("src/generated/wasm.ts", text);
}

const DIST_STAMP = "build/dist.stamp";
const distInputs = [
  ...filesIn("src", ".ts"),
  ...filesIn("assembly/shared", ".ts"),
  "tsconfig.json",
  "tsconfig.build.json",
  SELF,
];
if (!existsSync("dist/src/index.js") || !isFresh(DIST_STAMP, distInputs)) {
  // What no source makes any more would be published all the same.
  for (const folder of ["dist/src", "dist/assembly"])
    rmSync(folder, { recursive: true, force: true });
  run(join("typescript", "bin", "tsc"), ["-p", "tsconfig.build.json"]);
  writeFileSync(DIST_STAMP, "");
}
for (const name of ["engine.wasm", "engine.verify.wasm"]) {
  if (!isFresh(`dist/${name}`, [`build/${name}`])) copyFileSync(`build/${name}`, `dist/${name}`);
}
const headerInputs = ["build/engine.wasm", "docs/abi.md", ...filesIn("scripts", ".mjs")];
if (!isFresh("dist/include/vmaple.ts", [...headerInputs, ...filesIn("assembly", ".ts")])) {
  runNode(fileURLToPath(new URL("headers.mjs", import.meta.url)), [], "headers");
}
if (existsSync("dist/src/cli.js")) makeExecutable("dist/src/cli.js");

/** Runs a package's script. */
function run(script, args) {
  const [name] = script.split(/[\\/]/);
  const home = dirname(require.resolve(`${name}/package.json`));
  runNode(join(home, script.slice(name.length + 1)), args, name);
}

/** Runs a script with this Node; shows what it said only if it fails. */
function runNode(path, args, name) {
  const done = spawnSync(process.execPath, [path, ...args], { encoding: "utf8" });
  if (done.status === 0) return;
  process.stderr.write(`${done.stdout ?? ""}${done.stderr ?? ""}`);
  fail(`${name} ${args.join(" ")}: exit ${done.status ?? done.signal}`);
}

function checkModule(path) {
  const bytes = readFileSync(path);
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes));
  const foreign = imports.filter((i) => i.module !== "env" || i.name !== "memory");
  if (foreign.length !== 0) {
    rmSync(path);
    fail(`${path}: imports ${foreign.map((i) => `${i.module}.${i.name}`).join(", ")}`);
  }
  for (const id of sectionIds(bytes)) {
    if (id !== 11 && id !== 12) continue;
    rmSync(path);
    fail(`${path}: has a data segment (section ${id})`);
  }
}

/** Ids of the sections of a wasm module, in order. */
function sectionIds(bytes) {
  const ids = [];
  let at = 8; // magic, version
  while (at < bytes.length) {
    ids.push(bytes[at++]);
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      size += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    at += size;
  }
  return ids;
}

/** npm links the bin file itself: it needs a first line and the mode of a program. */
function makeExecutable(path) {
  const text = readFileSync(path, "utf8");
  const shebang = "#!/usr/bin/env node\n";
  if (!text.startsWith("#!")) writeFileSync(path, shebang + text);
  if ((statSync(path).mode & 0o111) !== 0o111) chmodSync(path, 0o755);
}

function fail(message) {
  process.stderr.write(`build: ${message}\n`);
  process.exit(1);
}
