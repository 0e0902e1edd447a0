// Row 4, second half: one reader while one writer maps and unmaps without pause, elsewhere.
//
//   loss_*      how much slower the reader's operation is, by its CPU time, than without
//               the writer: the writer's stores take cache lines away
//   fault_*     wall time of one fault, the clock's 40 ns included: percentiles and maximum
//
// On a machine whose cores are busy otherwise the maximum is the scheduler's.

import { createArena, createMm, openLoops } from "../lib/arena.mjs";
import { runCrew, sleep } from "../lib/crew.mjs";
import { PAGE } from "../workload/layout.mjs";
import { addressesIn, fillSpace, PIECE, SPACE_BASE } from "../workload/space.mjs";

const PER_VMA = "vmaple, per-VMA locks";
const NO_VMA_LOCKS = "perVmaLock: false";
const READER = new URL("../subjects/reader-task.mjs", import.meta.url);
const FAULTS = new URL("../subjects/fault-task.mjs", import.meta.url);
const LOSSES = ["walk", "lock_vma", "peek"];
const PERCENTILES = { fault_p50: "p50", fault_p99: "p99", "fault_p99.9": "p999", fault_max: "max" };
const SIZES = [10_000];
const SIZES_QUICK = [256];
const ADDRESSES = 65_536;
const CHUNK = 64;

export const name = "readers";
export const title = "a reader beside a writer that never pauses";
export const workloads = [...LOSSES.map((what) => `loss_${what}`), ...Object.keys(PERCENTILES)];
export const impls = [PER_VMA, NO_VMA_LOCKS];
export const references = [{ impl: PER_VMA, short: "VMA locks" }];

/** @param {import("../lib/options.mjs").Options} options */
export function cases({ quick }) {
  return (quick ? SIZES_QUICK : SIZES).flatMap((n) => [
    ...LOSSES.map((workload) => ({ impl: PER_VMA, workload, n })),
    ...impls.map((impl) => ({ impl, workload: "fault", n })),
  ]);
}

export async function run({ impl, workload, n }, { quick }, emit) {
  const perVmaLock = impl !== NO_VMA_LOCKS;
  const { engine, share } = await createArena({ vmas: n, workers: 2, perVmaLock });
  const mm = createMm(engine);
  fillSpace(engine.raw, mm.asRaw(), n);
  const { loops } = openLoops(engine, share, 0);
  const ms = quick ? 2 : 300;
  const writer = { loops, mm: mm.asRaw(), pairs: 0 };
  const during = () => writeFor(ms, writer);
  const warmUpMs = quick ? 0 : 100;
  const windows = { quiet: { warmUpMs, during: () => sleep(ms) }, busy: { warmUpMs, during } };
  if (workload !== "fault") {
    await measureLoss({ workload, share, mm, n, writer, ms, windows }, emit);
    return;
  }
  const ranges = Array.from({ length: n }, (_, i) => [
    SPACE_BASE + i * PIECE,
    SPACE_BASE + (i + 1) * PIECE,
  ]);
  const task = {
    share: share.engine,
    mm: mm.asRaw(),
    seed: 1,
    histogram: true,
    ranges: ranges.flat(),
  };
  const crew = await runCrew(FAULTS, [task], windows.busy);
  const [{ extra }] = crew.workers;
  const notes = {
    "% fell back": (100 * extra.mmapLock) / (extra.mmapLock + extra.vmaLock),
    "M pairs/s": writer.pairs / ms / 1e3,
  };
  for (const [percentile, key] of Object.entries(PERCENTILES)) {
    emit({ workload: percentile, n, value: extra[key], checksum: extra.refused, notes });
  }
}

async function measureLoss({ workload, share, mm, n, writer, ms, windows }, emit) {
  const addresses = addressesIn(0, n, ADDRESSES);
  const task = { workload, share, mm: mm.asRaw(), addresses };
  const quiet = await runCrew(READER, [task], windows.quiet);
  const busy = await runCrew(READER, [task], windows.busy);
  const [{ extra, operations }] = busy.workers;
  const notes = {
    "ns quiet": quiet.cpu,
    "ns beside writer": busy.cpu,
    "% fell back": (100 * extra.missed) / operations,
    "% retried": (100 * extra.retries) / operations,
    "M pairs/s": writer.pairs / ms / 1e3,
  };
  const value = 100 * (1 - quiet.cpu / busy.cpu);
  emit({ workload: `loss_${workload}`, n, value, unit: "%", notes });
}

/** Maps and unmaps a page without pause, in this thread. */
function writeFor(ms, writer) {
  const until = performance.now() + ms;
  while (performance.now() < until) {
    writer.loops.bench_mmap_munmap(writer.mm, PAGE, CHUNK);
    writer.pairs += CHUNK;
  }
}
