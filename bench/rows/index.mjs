// Row 1, the index alone: bench/workload/index.mjs for ours and for every peer.

import { compile, runProgram } from "../lib/native.mjs";
import { PEERS } from "../subjects/npm-peers.mjs";
import * as sortedArray from "../subjects/sorted-array.mjs";
import { CALLS_LABEL, createCalls, createWasm, WASM_LABEL } from "../subjects/vmaple-index.mjs";
import { GROUPS, runGroup, WORKLOADS } from "../workload/index.mjs";

/** @type {Record<string, (n: number) => import("../workload/index.mjs").Subject>} */
const SUBJECTS = {
  [WASM_LABEL]: createWasm,
  [CALLS_LABEL]: createCalls,
  [sortedArray.label]: sortedArray.create,
  ...PEERS,
};

const CXX = { source: "ranges.cc", inputs: ["workload.h"], compiler: "g++" };
const CXX_FLAGS = ["-O2", "-std=c++17"];
const ABSEIL_LIBRARIES = ["-labsl_throw_delegate", "-labsl_raw_logging_internal"];
const RUST_FLAGS = ["--edition", "2021", "-C", "opt-level=3"];

/** With --native. @type {Record<string, import("../lib/native.mjs").Program>} */
const NATIVE = {
  "std::map": { ...CXX, name: "std-map", flags: CXX_FLAGS },
  "absl::btree_map": {
    ...CXX,
    name: "abseil",
    flags: [...CXX_FLAGS, "-DABSEIL"],
    libraries: ABSEIL_LIBRARIES,
  },
  "Rust BTreeMap": { name: "rust", source: "ranges.rs", compiler: "rustc", flags: RUST_FLAGS },
};

export const name = "index";
export const title = "ranges to values, by address; CPU time";
export const workloads = WORKLOADS;
export const impls = [...Object.keys(SUBJECTS), ...Object.keys(NATIVE)];
export const references = [
  { impl: WASM_LABEL, short: "wasm" },
  { impl: CALLS_LABEL, short: "JS" },
];

/** @param {import("../lib/options.mjs").Options} options */
export function cases({ sizes, native }) {
  const able = impls.filter((impl) => native || impl in SUBJECTS);
  return sizes.flatMap((n) => able.flatMap((impl) => GROUPS.map((group) => ({ impl, group, n }))));
}

/** Operations of one workload. */
const READS = 1_000_000;
const READS_QUICK = 4000;

export function run({ impl, group, n }, { quick, budgetMs }, emit) {
  if (impl in NATIVE) {
    const ops = quick ? READS_QUICK : READS;
    for (const result of runProgram(compile(NATIVE[impl]), [group, n, ops])) emit(result);
    return;
  }
  const scale = quick
    ? { ops: READS_QUICK, budgetMs: Number.POSITIVE_INFINITY, warmUpMs: 0 }
    : { ops: READS, budgetMs, warmUpMs: 100 };
  runGroup(SUBJECTS[impl], { group, n }, scale, emit);
}
