// The wasm modules that the bench drives: build/NAME.wasm, each compiled once a process.

import { readFileSync } from "node:fs";

/** @type {Map<string, WebAssembly.Module>} */
const compiled = new Map();

/** @param {"engine" | "maple-bench" | "mm-bench"} name */
export function moduleOf(name) {
  let module = compiled.get(name);
  if (module === undefined) {
    const url = new URL(`../../build/${name}.wasm`, import.meta.url);
    module = new WebAssembly.Module(readFileSync(url));
    compiled.set(name, module);
  }
  return module;
}

/** @param {"engine" | "maple-bench" | "mm-bench"} name @param {WebAssembly.Memory} memory */
export function instantiate(name, memory) {
  return new WebAssembly.Instance(moduleOf(name), { env: { memory } }).exports;
}
