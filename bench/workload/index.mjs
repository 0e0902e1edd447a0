// The index workloads, run against one subject of one size.
//
//   build        insert_asc, insert_rand, erase_rand
//   read         lookup_rand, iterate, bytes a range
//   mixed        toggles half of 2n slots: steady at n ranges
//   split_merge  a page of another value into a range, and the whole range back
//   gap          highest hole below an address: fill 0, 50 and 99 percent
//
// A subject is a set of disjoint ranges with values; bench/subjects/ holds ours and the
// peers. It makes the inner loops itself, so that ours can make them inside wasm.

import { measure } from "../lib/measure.mjs";
import {
  ascending,
  BASE_PAGE,
  eraseOrder,
  gapQueries,
  insertOrder,
  layout,
  lookups,
  PAGE,
  presentOrder,
  splits,
  toggles,
} from "./layout.mjs";

export const GROUPS = ["build", "read", "mixed", "split_merge", "gap"];
export const WORKLOADS = [
  "lookup_rand",
  "iterate",
  "insert_asc",
  "insert_rand",
  "erase_rand",
  "mixed",
  "split_merge",
  "gap_0",
  "gap_50",
  "gap_99",
  "bytes",
];

const FILLS = [0, 50, 99];
/** A build at its slowest that is still waited for, ns a range; slower ones are cut off. */
const BUILD_NS = 4000;
const WARM_UP_RANGES = 1000;
const WARM_UP_OPS = 100_000;

/**
 * @typedef {object} Subject
 * @property {() => void} reset empties it
 * @property {(ranges: import("./layout.mjs").Layout) => unknown} ranges prepares a layout
 * @property {(words: Uint32Array) => unknown} words prepares orders and pairs
 * @property {(addresses: Float64Array) => unknown} addresses prepares byte addresses
 * @property {(ranges: unknown, order: unknown, from: number, to: number) => void} insert
 * @property {((ranges: unknown, order: unknown, from: number, to: number) => void) | null} erase
 * @property {(addresses: unknown, from: number, to: number) => number} lookup sum of values
 * @property {() => number} iterate sum of values
 * @property {((ranges: unknown, order: unknown, present: unknown, from: number,
 *   to: number) => void) | null} toggle
 * @property {((ranges: unknown, pairs: unknown, from: number,
 *   to: number) => void) | null} splitMerge
 * @property {((ranges: unknown, pairs: unknown, from: number, to: number) => number) | null} gap
 * @property {(() => number) | null} bytes null: measured from outside
 */

/**
 * @typedef {object} Scale
 * @property {number} ops operations of a read workload
 * @property {number} budgetMs wall time after which a workload is cut off; Infinity: never
 * @property {number} warmUpMs at least, on a small subject; 0: none
 */

/**
 * Runs a group, warm-up first. `emit` gets one result a workload.
 *
 * @param {(n: number) => Subject} create a subject with room for n ranges
 * @param {{ group: string, n: number }} what
 * @param {Scale} scale
 * @param {(result: object) => void} emit
 */
export function runGroup(create, { group, n }, scale, emit) {
  const run = RUNNERS[group];
  if (scale.warmUpMs > 0) {
    const small = Math.min(n, WARM_UP_RANGES);
    const warm = { ops: WARM_UP_OPS, budgetMs: scale.warmUpMs, warmUpMs: 0 };
    // For that long at least: compilers work beside it, and their time would count.
    const until = performance.now() + scale.warmUpMs;
    do run(create(small), small, warm, () => {});
    while (performance.now() < until);
  }
  run(create(n), n, scale, emit);
}

const RUNNERS = { build, read, mixed, split_merge: splitMerge, gap };

function build(subject, n, scale, emit) {
  const ranges = subject.ranges(layout(n));
  const asc = subject.words(ascending(n));
  const random = subject.words(insertOrder(n));
  const erased = subject.words(eraseOrder(n));
  const budgetMs = Math.max(scale.budgetMs, (n * BUILD_NS) / 1e6);
  const repeats = Math.max(1, Math.min(50, Math.ceil(scale.ops / n)));
  const sums = { insert_asc: [], insert_rand: [], erase_rand: [] };
  let checksum;
  for (let r = 0; r < repeats; r++) {
    subject.reset();
    const step = (order) => (from, to) => subject.insert(ranges, order, from, to);
    sums.insert_asc.push(measure(n, step(asc), { budgetMs }));
    subject.reset();
    const built = measure(n, step(random), { budgetMs });
    sums.insert_rand.push(built);
    if (built.partial) break;
    checksum = subject.iterate();
    if (subject.erase === null) continue;
    const erase = (from, to) => subject.erase(ranges, erased, from, to);
    const emptied = measure(n, erase, { budgetMs });
    sums.erase_rand.push(emptied);
    if (!emptied.partial && subject.iterate() !== 0) checksum = Number.NaN;
  }
  for (const [workload, parts] of Object.entries(sums)) {
    if (parts.length === 0) continue;
    const done = parts.reduce((sum, part) => sum + part.done, 0);
    const total = (key) => parts.reduce((sum, part) => sum + part[key] * part.done, 0) / done;
    const partial = parts.some((part) => part.partial);
    emit({ workload, n, wall: total("wall"), cpu: total("cpu"), done, partial, checksum });
  }
}

function read(subject, n, scale, emit) {
  const ranges = layout(n);
  const order = insertOrder(n);
  // A tree of 1,000 ranges is smaller than what a collector moves about meanwhile: the median of several.
  const sizes = [];
  for (let round = 0; round < (n > 10_000 || subject.bytes !== null ? 1 : 9); round++) {
    subject.reset();
    const before = subject.bytes === null ? heapBytes() : 0;
    if (!fill(subject, ranges, order, scale)) return;
    sizes.push((subject.bytes === null ? heapBytes() - before : subject.bytes()) / n);
  }
  sizes.sort((a, b) => a - b);
  emit({ workload: "bytes", n, value: sizes[sizes.length >> 1], unit: "bytes" });
  const addresses = subject.addresses(lookups(ranges, scale.ops));
  subject.lookup(addresses, 0, Math.min(scale.ops, 20_000));
  let sum = 0;
  const looked = measure(
    scale.ops,
    (from, to) => {
      sum += subject.lookup(addresses, from, to);
    },
    scale,
  );
  emit({ workload: "lookup_rand", n, ...looked, checksum: looked.partial ? undefined : sum });

  const times = Math.max(1, Math.ceil(scale.ops / n));
  subject.iterate();
  let visited = 0;
  const iterated = measure(
    times,
    () => {
      visited = subject.iterate();
    },
    { ...scale, chunk: 1 },
  );
  const { wall, cpu } = iterated;
  emit({ workload: "iterate", n, ...iterated, wall: wall / n, cpu: cpu / n, checksum: visited });
}

function mixed(subject, n, scale, emit) {
  if (subject.toggle === null) return;
  const ranges = layout(2 * n);
  const order = presentOrder(n);
  const first = order.subarray(0, n);
  if (!fill(subject, ranges, first, scale)) return;
  const present = new Uint8Array(2 * n);
  for (const i of first) present[i] = 1;
  const prepared = subject.ranges(ranges);
  const slots = subject.words(toggles(2 * n, scale.ops));
  const state = subject.present(present);
  const step = (from, to) => subject.toggle(prepared, slots, state, from, to);
  const result = measure(scale.ops, step, scale);
  const checksum = result.partial ? undefined : subject.iterate();
  emit({ workload: "mixed", n, ...result, checksum });
}

function splitMerge(subject, n, scale, emit) {
  if (subject.splitMerge === null) return;
  const ranges = layout(n);
  if (!fill(subject, ranges, insertOrder(n), scale)) return;
  const times = Math.ceil(scale.ops / 4);
  const prepared = subject.ranges(ranges);
  const pairs = subject.words(splits(ranges, times));
  const step = (from, to) => subject.splitMerge(prepared, pairs, from, to);
  const result = measure(times, step, scale);
  const { wall, cpu } = result;
  // Two stores a step.
  emit({
    workload: "split_merge",
    n,
    ...result,
    wall: wall / 2,
    cpu: cpu / 2,
    checksum: subject.iterate(),
  });
}

function gap(subject, n, scale, emit) {
  if (subject.gap === null) return;
  const times = Math.ceil(scale.ops / 4);
  for (const percent of FILLS) {
    const ranges = layout(n, percent);
    if (!fill(subject, ranges, insertOrder(n), scale)) return;
    const prepared = subject.ranges(ranges);
    const pairs = subject.words(gapQueries(n, times));
    let sum = 0;
    const step = (from, to) => {
      sum += subject.gap(prepared, pairs, from, to);
    };
    const result = measure(times, step, { ...scale, chunk: 64 });
    const checksum = result.partial ? undefined : sum;
    emit({ workload: `gap_${percent}`, n, ...result, checksum });
  }
}

/** Fills in `order`, or in ascending order if that takes too long; false if both do. */
function fill(subject, ranges, order, scale) {
  const prepared = subject.ranges(ranges);
  const budgetMs = Math.max(scale.budgetMs, (order.length * BUILD_NS) / 1e6);
  for (const indices of [order, Uint32Array.from(order).sort()]) {
    subject.reset();
    const words = subject.words(indices);
    const step = (from, to) => subject.insert(prepared, words, from, to);
    if (!measure(indices.length, step, { budgetMs }).partial) return true;
  }
  return false;
}

function heapBytes() {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Where the hole searches begin, bytes. */
export const GAP_LOW = BASE_PAGE * PAGE;
