// Writes dist/include/vmaple.h, .rs and .ts: the raw exports for modules in C, Rust and
// AssemblyScript that import them, as docs/abi.md lists them. Part of the build.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { abiExports, sharedEnums } from "./lib/abi.mjs";
import { ROOT } from "./lib/pack.mjs";

const OUT = join(ROOT, "dist/include");

const HEAD = `The raw exports of vmaple's engine.wasm, to be imported from the module "vmaple".
Written by the build from the wasm's own types; docs/abi.md says more.

Instantiate with { vmaple: engine.raw.exports }: calls go from wasm to wasm, nothing lies between.
Handles (mm, vma, file) are offsets into the engine's memory, not into yours. Results below zero
are -errno, or -VMAPLE_ABI_WOULD_BLOCK. Addresses and lengths are bytes: double up to 2^53 in the
plain functions, 64-bit words in those that end in _i64.`;

/** `MmArg` -> `MM_ARG`. */
const upper = (name) => name.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();

function cHeader(functions, enums) {
  const type = { i32: "uint32_t", i64: "uint64_t", f64: "double", void: "void" };
  const result = ({ result, signed }) =>
    result === "i64" ? "int64_t" : result === "i32" && signed ? "int32_t" : type[result];
  const lines = functions.flatMap((one) => {
    const params = one.params.map((param) => `${type[param.type]} ${param.name}`);
    return [
      ...(one.does === "" ? [] : [`/* ${comment(one.does)} */`]),
      `VMAPLE_IMPORT(${one.name})`,
      `${result(one)} vmaple_${one.name}(${params.join(", ") || "void"});`,
    ];
  });
  const numbers = enums.flatMap(({ name, members }) =>
    members.map((member) => {
      const suffix = member.value > 0x7fffffff ? "u" : "";
      return `#define VMAPLE_${upper(name)}_${member.name} ${member.value}${suffix}`;
    }),
  );
  return `/*
${HEAD.replace(/^/gm, " * ").replace(/ +$/gm, "")}
 */
#ifndef VMAPLE_H
#define VMAPLE_H

#include <stdint.h>

#ifdef __wasm__
#define VMAPLE_IMPORT(name) \\
  __attribute__((import_module("vmaple"), import_name(#name)))
#else
#define VMAPLE_IMPORT(name)
#endif

#ifdef __cplusplus
extern "C" {
#endif

${numbers.join("\n")}

${lines.join("\n")}

#ifdef __cplusplus
}
#endif

#endif
`;
}

function rustBlock(functions, enums) {
  const type = { i32: "u32", i64: "u64", f64: "f64" };
  const result = ({ result, signed }) => {
    if (result === "void") return "";
    return ` -> ${result === "i64" ? "i64" : result === "i32" && signed ? "i32" : type[result]}`;
  };
  const lines = functions.flatMap((one) => {
    const params = one.params.map((param) => `${param.name}: ${type[param.type]}`);
    return [
      ...(one.does === "" ? [] : [`    /// ${one.does}`]),
      `    pub fn ${one.name}(${params.join(", ")})${result(one)};`,
    ];
  });
  const numbers = enums.flatMap(({ name, members }) =>
    members.map((member) => `pub const ${upper(name)}_${member.name}: u32 = ${member.value};`),
  );
  return `${HEAD.replace(/^/gm, "//! ").replace(/ +$/gm, "")}

${numbers.join("\n")}

#[cfg_attr(target_arch = "wasm32", link(wasm_import_module = "vmaple"))]
extern "C" {
${lines.join("\n")}
}
`;
}

/** AssemblyScript takes the name of the file for the module's. */
function assemblyScript(functions, enums) {
  const type = { i32: "u32", i64: "i64", f64: "f64", void: "void" };
  const lines = functions.flatMap((one) => {
    const params = one.params.map((param) => `${param.name}: ${type[param.type]}`);
    const result = one.signed && one.result === "i32" ? "i32" : type[one.result];
    return [
      ...(one.does === "" ? [] : [`/** ${comment(one.does)} */`]),
      `export declare function ${one.name}(${params.join(", ")}): ${result};`,
    ];
  });
  const numbers = enums.flatMap(({ name, members }) =>
    members.map((member) => `export const ${upper(name)}_${member.name}: u32 = ${member.value};`),
  );
  return `${HEAD.replace(/^/gm, "// ").replace(/ +$/gm, "")}

${numbers.join("\n")}

${lines.join("\n")}
`;
}

/** Text that may stand in a C comment. */
function comment(text) {
  return text.replaceAll("*/", "* /");
}

const functions = abiExports();
const enums = sharedEnums();
mkdirSync(OUT, { recursive: true });
writeFileSync(join(OUT, "vmaple.h"), cHeader(functions, enums));
writeFileSync(join(OUT, "vmaple.rs"), rustBlock(functions, enums));
writeFileSync(join(OUT, "vmaple.ts"), assemblyScript(functions, enums));
