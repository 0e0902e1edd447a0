// Compiles the explore build of the core, and mutants of it and of the release build, in
// memory, cached by content.
//
//   assembly/**  ──plain accesses rewritten──▶ asc --runPasses asyncify ──▶ build/explore/<hash>.wasm
//
// A mutant is the core with textual edits: each `from` must occur exactly once in its
// file, so a mutant cannot rot silently when the core changes.

import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

export interface Edit {
  /** Below assembly/. */
  file: string;
  from: string;
  to: string;
}

/** A mutant's `from` is not in the core exactly once. */
export class StaleMutant extends Error {}

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const SOURCES = join(ROOT, "assembly");
const CACHE = join(ROOT, "build", "explore");

/** Modules kept in the cache. */
const CACHED = 300;

/** Files that must keep their built-ins: the hook itself, and the explorer's own. */
const KEEP = ["base/debug.ts", "explore-filter.ts", "explore-touch.ts"];
const REWRITES: [RegExp, string][] = [
  [/(?<![.\w])load</g, "x_load<"],
  [/(?<![.\w])store</g, "x_store<"],
  [/\bv128\.load\(/g, "x_v128_load("],
  [/\bv128\.store\(/g, "x_v128_store("],
  [/\bmemory\.fill\(/g, "x_memory_fill("],
  [/\bmemory\.copy\(/g, "x_memory_copy("],
  // racy_v128 and racy_load of sync/atomics.ts: the load asks, lane by lane.
  [/^ *explore\(addr, .*Touch\.RACY\);\n *return x_v128_load\(/gm, "  return x_v128_racy("],
  [/^ *explore\(addr, .*Touch\.RACY\);\n *return x_load</gm, "  return x_load_racy<"],
];

let sources: Map<string, string> | undefined;

/** assembly/** as it is on disk, by path below assembly/. */
function readSources(): Map<string, string> {
  if (sources) return sources;
  sources = new Map();
  for (const name of readdirSync(SOURCES, { recursive: true }) as string[]) {
    if (name.endsWith(".ts")) {
      sources.set(name.replaceAll("\\", "/"), readFileSync(join(SOURCES, name), "utf8"));
    }
  }
  return sources;
}

function applyEdits(files: Map<string, string>, edits: Edit[]): Map<string, string> {
  const result = new Map(files);
  for (const { file, from, to } of edits) {
    const text = result.get(file);
    if (text === undefined) throw new StaleMutant(`no file assembly/${file}`);
    const parts = text.split(from);
    if (parts.length !== 2) {
      throw new StaleMutant(`found ${parts.length - 1} times, not once, in ${file}: ${from}`);
    }
    result.set(file, parts.join(to));
  }
  return result;
}

/** Leads every plain access through explore-touch.ts. */
function rewrite(file: string, text: string): string {
  if (KEEP.includes(file)) return text;
  let result = text;
  for (const [from, to] of REWRITES) result = result.replace(from, to);
  if (result === text) return text;
  const path = posix.relative(posix.dirname(file), "explore-touch");
  const names = [
    "load",
    "load_racy",
    "store",
    "v128_load",
    "v128_racy",
    "v128_store",
    "memory_fill",
    "memory_copy",
  ];
  const list = names.map((name) => `x_${name}`).join(", ");
  return `import { ${list} } from "${path.startsWith(".") ? path : `./${path}`}";\n${result}`;
}

async function compile(files: Map<string, string>, argv: string[]): Promise<Uint8Array> {
  let wasm: Uint8Array | undefined;
  const { error, stderr } = await asc.main([...argv, "--outFile", "out.wasm"], {
    readFile: (name) => {
      const path = name.replaceAll("\\", "/");
      if (path === "asconfig.json") return readFileSync(join(ROOT, "asconfig.json"), "utf8");
      return path.startsWith("assembly/") ? (files.get(path.slice(9)) ?? null) : null;
    },
    writeFile: (_name, contents) => {
      wasm = contents as Uint8Array;
    },
    listFiles: () => [],
  });
  if (error || !wasm) throw new Error(`asc: ${stderr.toString()}${error ?? "no output"}`);
  return wasm;
}

async function cached(key: string, make: () => Promise<Uint8Array>): Promise<WebAssembly.Module> {
  const path = join(CACHE, `${key}.wasm`);
  if (!existsSync(path)) {
    mkdirSync(CACHE, { recursive: true });
    prune();
    const part = `${path}.${process.pid}`;
    writeFileSync(part, await make());
    renameSync(part, path);
  }
  return new WebAssembly.Module(readFileSync(path) as BufferSource);
}

/** Each change of the core leaves a module a mutant behind: keeps the latest. */
function prune(): void {
  const files = readdirSync(CACHE).map((name) => join(CACHE, name));
  if (files.length < CACHED) return;
  const written = new Map(
    files.map((file) => [file, statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0]),
  );
  files.sort((a, b) => written.get(a)! - written.get(b)!);
  for (const file of files.slice(0, files.length - CACHED / 2)) rmSync(file, { force: true });
}

/** The core with `edits`, asyncified. Mutants run a few schedules only: they are not optimised. */
export function compileCore(edits: Edit[] = []): Promise<WebAssembly.Module> {
  const edited = applyEdits(readSources(), edits);
  const files = new Map([...edited].map(([file, text]) => [file, rewrite(file, text)]));
  const argv = ["assembly/explore-entry.ts", "--config", "asconfig.json", "--target", "explore"];
  if (edits.length !== 0) argv.push("--optimizeLevel", "0");
  return cached(hash(files, argv), () => compile(files, argv));
}

/** The engine with `edits`, for real workers. Some checks of the verify build would see the edits first. */
export function compileEngine(edits: Edit[]): Promise<WebAssembly.Module> {
  const files = applyEdits(readSources(), edits);
  const argv = ["assembly/index.ts", "--config", "asconfig.json", "--target", "release"];
  argv.push("--optimizeLevel", "1");
  return cached(hash(files, argv), () => compile(files, argv));
}

/** The explorer's inner loop. */
export function compileFilter(): Promise<WebAssembly.Module> {
  const files = readSources();
  const argv = ["assembly/explore-filter.ts", "--config", "asconfig.json", "--target", "release"];
  return cached(hash(files, argv), () => compile(files, argv));
}

function hash(files: Map<string, string>, argv: string[]): string {
  const sum = createHash("sha256");
  sum.update(readFileSync(join(ROOT, "asconfig.json"))).update(argv.join(" "));
  for (const file of [...files.keys()].sort()) sum.update(`\n${file}\n`).update(files.get(file)!);
  return sum.digest("hex").slice(0, 16);
}
