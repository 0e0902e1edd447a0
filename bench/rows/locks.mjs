// Row 3, locks: per-VMA locks, the mmap lock and peek, by 1, 2 and 4 workers at once.
//
// Each worker has a share of the VMAs to itself, but for lock_one, where all lock the
// same. `loop` is what the measuring loop costs without a look-up: subtract it. `walk_start` reads
// vm_start of what the walk has found: the cache line that locks and peeks fetch too.

import { createArena, createMm } from "../lib/arena.mjs";
import { runCrew, sleep } from "../lib/crew.mjs";
import { CountedArray } from "../subjects/counted-array.mjs";
import { addressesIn, fillSpace } from "../workload/space.mjs";

const WASM = "vmaple in wasm";
const RAW = "vmaple raw from JS";
const GUARDS = "vmaple guards";
const ARRAY = "sorted array + Atomics";
const SHORT = { [WASM]: "wasm", [RAW]: "raw", [GUARDS]: "guards", [ARRAY]: "array" };
const TASK = new URL("../subjects/lock-task.mjs", import.meta.url);

/** Workloads of each implementation. */
const WORKLOADS = {
  [WASM]: [
    "loop",
    "walk",
    "walk_start",
    "lookup",
    "lock_distinct",
    "lock_one",
    "peek",
    "mmap_read",
    "mmap_write",
  ],
  [RAW]: [
    "loop",
    "lookup",
    "lookup_many",
    "lock_distinct",
    "lock_one",
    "peek",
    "mmap_read",
    "mmap_write",
  ],
  [GUARDS]: ["lookup", "lock_distinct", "lock_one", "peek", "mmap_read", "mmap_write"],
  [ARRAY]: ["lookup", "lock_distinct", "lock_one"],
};
/** What one thread is enough for. */
const ALONE = ["loop", "walk", "walk_start", "lookup_many"];
const WORKERS = [1, 2, 4];
const SIZES = [10_000];
const SIZES_QUICK = [256];
/** A power of two times the chunk of a task. */
const ADDRESSES = 65_536;
const ADDRESSES_ONE = 8192;

export const name = "locks";
export const title = "take and release; CPU time an operation, wall time of one worker";
export const workloads = [
  "loop",
  "walk",
  "walk_start",
  "lookup",
  "lookup_many",
  "lock_distinct",
  "lock_one",
  "peek",
  "mmap_read",
  "mmap_write",
];
export const impls = [WASM, RAW, GUARDS, ARRAY];
export const references = [
  { impl: WASM, short: "wasm" },
  { impl: RAW, short: "raw" },
];

/** @param {import("../lib/options.mjs").Options} options */
export function cases({ workers: most, quick }) {
  const counts = quick ? [most] : WORKERS.filter((workers) => workers <= most);
  const each = (impl, workload) => {
    const alone = ALONE.includes(workload) || impl === GUARDS;
    return (alone ? [1] : counts).map((workers) => ({ impl, workload, workers }));
  };
  return (quick ? SIZES_QUICK : SIZES).flatMap((n) =>
    impls
      .flatMap((impl) => WORKLOADS[impl].flatMap((workload) => each(impl, workload)))
      .map((what) => ({ ...what, n })),
  );
}

const WINDOW = { warmUpMs: 100, during: () => sleep(200) };
const WINDOW_QUICK = { warmUpMs: 0, during: () => sleep(1) };

export async function run({ impl, workload, workers, n }, { quick }, emit) {
  const { engine, share } = await createArena({ vmas: n, workers });
  const mm = createMm(engine);
  fillSpace(engine.raw, mm.asRaw(), n);
  const array = CountedArray.arrays(n);
  const tasks = Array.from({ length: workers }, (_, worker) => {
    const one = workload === "lock_one";
    const each = Math.floor(n / workers);
    const from = one ? 0 : worker * each;
    const addresses = addressesIn(from, one ? 1 : from + each, one ? ADDRESSES_ONE : ADDRESSES);
    return { impl: SHORT[impl], workload, share, mm: mm.asRaw(), worker, addresses, array };
  });
  const done = await runCrew(TASK, tasks, quick ? WINDOW_QUICK : WINDOW);
  const { wall, cpu, perSecond } = done;
  const checksum = done.workers.reduce((sum, worker) => sum + worker.checksum, 0);
  emit({ workload, n, workers, wall, cpu, checksum, notes: { "M/s": perSecond / 1e6 } });
}

/**
 * Adds what several workers do together, against one: by CPU time, which other programs on
 * the machine do not change, and by the clock.
 *
 * @param {import("../lib/stats.mjs").Figure[]} figures
 */
export function annotate(figures) {
  for (const figure of figures) {
    const { impl, workload, n, workers } = figure;
    const alone = figures.find(
      (one) => one.impl === impl && one.workload === workload && one.n === n && one.workers === 1,
    );
    if (workers === 1 || alone === undefined) continue;
    figure.notes["x by CPU"] = (workers * alone.value.median) / figure.value.median;
    figure.notes["x by clock"] = (workers * alone.wall.median) / figure.wall.median;
  }
}
