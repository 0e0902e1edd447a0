// Row 1, the index alone: bench/workload/index.mjs for ours and for every peer.

import * as sortedArray from "../subjects/sorted-array.mjs";
import { CALLS_LABEL, createCalls, createWasm, WASM_LABEL } from "../subjects/vmaple-index.mjs";
import { GROUPS, runGroup, WORKLOADS } from "../workload/index.mjs";

/** @type {Record<string, (n: number) => import("../workload/index.mjs").Subject>} */
const SUBJECTS = {
  [WASM_LABEL]: createWasm,
  [CALLS_LABEL]: createCalls,
  [sortedArray.label]: sortedArray.create,
};

export const name = "index";
export const title = "ranges to values, by address; CPU time";
export const workloads = WORKLOADS;
export const impls = Object.keys(SUBJECTS);
export const references = [
  { impl: WASM_LABEL, short: "wasm" },
  { impl: CALLS_LABEL, short: "JS" },
];

/** @param {import("../lib/options.mjs").Options} options */
export function cases({ sizes }) {
  return sizes.flatMap((n) => impls.flatMap((impl) => GROUPS.map((group) => ({ impl, group, n }))));
}

/** Operations of one workload. */
const READS = 1_000_000;
const READS_QUICK = 4000;

export function run({ impl, group, n }, { quick, budgetMs }, emit) {
  const scale = quick
    ? { ops: READS_QUICK, budgetMs: Number.POSITIVE_INFINITY, warmUpMs: 0 }
    : { ops: READS, budgetMs, warmUpMs: 100 };
  runGroup(SUBJECTS[impl], { group, n }, scale, emit);
}
