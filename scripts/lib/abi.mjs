// The raw ABI, gathered from where it is true: types from the wasm, names of parameters from
// the core's sources, numbers from assembly/shared, words from docs/abi.md.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./pack.mjs";
import { exportedTypes } from "./wasm-types.mjs";

const SHARED = ["abi", "flags", "errno"];

const read = (path) => readFileSync(join(ROOT, path), "utf8");

/**
 * @typedef {object} Export
 * @property {string} name
 * @property {{ name: string, type: string }[]} params wasm value types
 * @property {string} result a wasm value type, or "void"
 * @property {boolean} signed of an i32 result
 * @property {string} does from docs/abi.md; "" for a twin
 */

/** @returns {Export[]} */
export function abiExports() {
  const types = exportedTypes(readFileSync(join(ROOT, "build/engine.wasm")));
  const declared = declarations("assembly/index.ts");
  const rows = abiRows();
  return [...types].map(([name, { params, result }]) => {
    const source = declared.get(name);
    if (source === undefined) throw new Error(`${name}: no source declares it`);
    if (source.params.length !== params.length) {
      throw new Error(
        `${name}: the source has ${source.params.length} parameters, the wasm ${params.length}`,
      );
    }
    return {
      name,
      params: params.map((type, n) => ({ name: source.params[n], type })),
      result,
      signed: source.result === "i32",
      does: rows.get(name) ?? "",
    };
  });
}

const DECLARATION = /^export function (\w+)\(([^)]*)\): (\w+) \{/gm;
const REEXPORT = /^export (?:\*|\{([^}]*)\}) from "(\.[^"]+)";/gm;

/** The functions that a source exports, its own and those it passes on, by their outer names. */
function declarations(source) {
  const text = read(source);
  const found = new Map();
  for (const [, list, target] of text.matchAll(REEXPORT)) {
    const inner = declarations(`${join(source, "..", target)}.ts`);
    const names = list?.match(/\w+(?: as \w+)?/g) ?? [...inner.keys()];
    for (const name of names) {
      const [from, to = from] = name.split(" as ");
      if (inner.has(from)) found.set(to, inner.get(from));
    }
  }
  for (const [, name, params, result] of text.matchAll(DECLARATION)) {
    const names = params.split(",").flatMap((param) => /(\w+):/.exec(param)?.[1] ?? []);
    found.set(name, { params: names, result });
  }
  return found;
}

/** What docs/abi.md says of each export: `| names | result | does |`. */
export function abiRows() {
  const rows = new Map();
  for (const line of read("docs/abi.md").split("\n")) {
    const [, names = "", result = "", does = ""] = line.split("|").map((cell) => cell.trim());
    for (const [, name] of names.matchAll(/`(\w+)\(/g)) {
      const returns = result === "" || result === "0" ? "" : `returns ${result}`;
      rows.set(name, [does, returns].filter((text) => text !== "").join("; "));
    }
  }
  return rows;
}

/**
 * @returns {{ name: string, members: { name: string, value: number }[] }[]} the shared enums
 */
export function sharedEnums() {
  return SHARED.flatMap((source) =>
    [
      ...read(`assembly/shared/${source}.ts`).matchAll(/^export const enum (\w+) \{\n(.*?)^\}/gms),
    ].map(([, name, body]) => ({
      name,
      members: [...body.matchAll(/^ {2}(\w+) = (\w+),/gm)].map(([, member, value]) => ({
        name: member,
        value: Number(value),
      })),
    })),
  );
}
