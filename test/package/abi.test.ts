// The raw ABI in three languages, and its table.
//
// Goal     what docs/abi.md and dist/include say is what the wasm exports.
// Method   names and numbers of parameters of the table against the wasm. The C header's
//          prototypes become imports of a hand-made module: linking it to the engine compares
//          every type. gcc and rustc read the headers where they are installed.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { Engine } from "../../src/index.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string) => readFileSync(`${ROOT}${path}`, "utf8");
const wasm = new WebAssembly.Module(readFileSync(`${ROOT}build/engine.wasm`));
const exported = WebAssembly.Module.exports(wasm)
  .filter(({ kind }) => kind === "function")
  .map(({ name }) => name);

describe("docs/abi.md", () => {
  const rows = [...read("docs/abi.md").matchAll(/`(\w+)\(([^)`]*)\)`/g)].filter(([, name]) =>
    exported.includes(name!),
  );
  const named = new Set(rows.map(([, name]) => name!));
  const base = (name: string) => name.replace(/_i64$/, "").replace(/_locked$/, "");

  test("has every export, by itself or as the twin of one", () => {
    expect(exported.filter((name) => !named.has(name) && !named.has(base(name)))).toEqual([]);
  });

  test("gives each as many arguments as it takes", async () => {
    using engine = await Engine.create();
    const exports = engine.raw.exports as unknown as Record<
      string,
      (...args: unknown[]) => unknown
    >;
    const counts = rows
      .filter(([, , args]) => args !== "...")
      .map(([, name, args]) => [name, args!.split(",").filter((arg) => arg.trim() !== "").length]);
    expect(counts.length).toBeGreaterThan(60);
    expect(counts.map(([name]) => [name, exports[name as string]!.length])).toEqual(counts);
  });
});

/** What C's types are in wasm. */
const VALUE_TYPES: Readonly<Record<string, number>> = {
  uint32_t: 0x7f,
  int32_t: 0x7f,
  uint64_t: 0x7e,
  int64_t: 0x7e,
  double: 0x7c,
};

const header = read("dist/include/vmaple.h");
const prototypes = [
  ...header.matchAll(/^VMAPLE_IMPORT\((\w+)\)\n(\w+) vmaple_(\w+)\(([^)]*)\);$/gm),
].map(([, name, result, function_, params]) => ({
  name: name!,
  function_: function_!,
  params:
    params === "void" ? [] : params!.split(", ").map((param) => VALUE_TYPES[param.split(" ")[0]!]!),
  results: result === "void" ? [] : [VALUE_TYPES[result!]!],
}));

/** A module that imports functions of these types from "vmaple", and nothing else. */
function importer(functions: typeof prototypes): WebAssembly.Module {
  const vector = (items: readonly number[][]) => [...leb(items.length), ...items.flat()];
  const name = (text: string) => vector([...new TextEncoder().encode(text)].map((byte) => [byte]));
  const section = (id: number, bytes: readonly number[]) => [id, ...leb(bytes.length), ...bytes];
  const types = functions.map(({ params, results }) => [
    0x60,
    ...vector(params.map((type) => [type])),
    ...vector(results.map((type) => [type])),
  ]);
  const imports = functions.map((one, n) => [...name("vmaple"), ...name(one.name), 0, ...leb(n)]);
  const magic = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  const bytes = [...magic, ...section(1, vector(types)), ...section(2, vector(imports))];
  return new WebAssembly.Module(Uint8Array.from(bytes));
}

function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}

describe("vmaple.h", () => {
  test("has every export", () => {
    expect(prototypes.map(({ name }) => name)).toEqual(exported);
    expect(prototypes.filter(({ name, function_ }) => name !== function_)).toEqual([]);
  });

  test("links: every type is the wasm's", async () => {
    using engine = await Engine.create();
    const vmaple = engine.raw.exports as unknown as WebAssembly.ModuleImports;
    expect(new WebAssembly.Instance(importer(prototypes), { vmaple })).toBeDefined();
    const [first, ...others] = prototypes;
    const wrong = [{ ...first!, params: [...first!.params, 0x7f] }, ...others];
    expect(() => new WebAssembly.Instance(importer(wrong), { vmaple })).toThrow(
      WebAssembly.LinkError,
    );
  });

  const hasGcc = spawnSync("gcc", ["--version"]).status === 0;
  const strict = ["-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Idist/include"];
  test.runIf(hasGcc).each([
    ["C", ["-std=c11", "-x", "c", "dist/include/vmaple.h"]],
    [
      "C, as for wasm",
      ["-std=c11", "-D__wasm__", "-Wno-attributes", "-x", "c", "dist/include/vmaple.h"],
    ],
    ["the example", ["-std=c11", "examples/c/mmu.c"]],
  ])("%s, by gcc", (_, args) => {
    const { status, stderr } = spawnSync("gcc", [...strict, ...args], {
      cwd: ROOT,
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    expect(status).toBe(0);
  });
});

const hasRustc = spawnSync("rustc", ["--version"]).status === 0;
test.runIf(hasRustc)("vmaple.rs, by rustc", () => {
  const args = ["--edition", "2021", "--crate-type", "lib", "--emit", "metadata", "-D", "warnings"];
  const out = ["-o", `${ROOT}build/vmaple.rmeta`, "dist/include/vmaple.rs"];
  const { status, stderr } = spawnSync("rustc", [...args, ...out], { cwd: ROOT, encoding: "utf8" });
  expect(stderr).toBe("");
  expect(status).toBe(0);
});
