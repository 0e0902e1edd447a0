// A worker that takes read faults at random pages of whatever is mapped, as fast as it can.
//
// Reads only: a write would leave its mark in what merges. With `histogram` each fault is
// timed by itself, clock included.

import { Engine, hasFlags, VmFlags } from "../../dist/src/index.js";
import { PAGE, Random } from "../workload/layout.mjs";

const SLICE = 4000;
/** Of a stack only the top that exec makes: a fault below would grow it. */
const STACK_TOP = 128 * 1024;
const READ = 0;
const OUTCOME_MASK = 15;
const COUNTER = { FAULT_VMA_LOCK: 9, FAULT_MMAP_LOCK: 10, VMA_LOCK_RETRY: 2 };
/** Eight buckets an octave, up to 2^32 ns. */
const BUCKETS = 256;

/**
 * @param {object} task
 * @param {import("../../dist/src/index.js").EngineShare} task.share
 * @param {number} task.mm
 * @param {number} task.seed
 * @param {boolean} [task.histogram]
 * @param {number[]} [task.ranges] start and end of each, instead of what is mapped
 */
export async function prepare({ share, mm, seed, histogram = false, ranges: fixed }) {
  const engine = await Engine.attach(share);
  const { raw } = engine;
  const random = new Random(seed);
  const counter = (which) => raw.exports.worker_counter(engine.slot, which);
  const counts = () => Object.values(COUNTER).map(counter);
  const before = counts();
  const buckets = new Float64Array(BUCKETS);
  let refused = 0;
  let longest = 0;

  const fault = (ranges) => {
    const at = 2 * random.below(ranges.length / 2);
    const pages = (ranges[at + 1] - ranges[at]) / PAGE;
    const address = ranges[at] + random.below(Math.min(pages, 2 ** 20)) * PAGE;
    if ((raw.handleMmFault(mm, address, READ) & OUTCOME_MASK) !== 0) refused++;
  };
  const timed = (ranges) => {
    const began = performance.now();
    fault(ranges);
    const ns = (performance.now() - began) * 1e6;
    buckets[bucketOf(ns)]++;
    if (ns > longest) longest = ns;
  };
  const once = histogram ? timed : fault;
  return {
    step() {
      const ranges = fixed ?? mapped(raw, mm);
      if (ranges.length === 0) return 0;
      for (let i = 0; i < SLICE; i++) once(ranges);
      return SLICE;
    },
    extra() {
      const [vmaLock, mmapLock, retries] = counts().map((n, i) => n - before[i]);
      const own = { vmaLock, mmapLock, retries, refused };
      return histogram ? { ...own, ...percentiles(buckets), max: longest } : own;
    },
    finish: () => engine.dispose(),
  };
}

/** Start and end of each VMA that may be read. */
function mapped(raw, mm) {
  const ranges = [];
  raw.mmapReadLock(mm);
  for (let vma = raw.findVma(mm, 0); vma !== 0; ) {
    const end = raw.vmaEnd(vma);
    const flags = raw.vmaFlags(vma);
    if (hasFlags(flags, VmFlags.READ)) {
      const start = hasFlags(flags, VmFlags.GROWSDOWN) ? end - STACK_TOP : raw.vmaStart(vma);
      ranges.push(start, end);
    }
    vma = raw.findVma(mm, end);
  }
  raw.mmapReadUnlock(mm);
  return ranges;
}

function bucketOf(ns) {
  return Math.max(0, Math.min(BUCKETS - 1, Math.round(Math.log2(Math.max(ns, 1)) * 8)));
}

/** @param {Float64Array} buckets */
function percentiles(buckets) {
  const total = buckets.reduce((sum, n) => sum + n, 0);
  const at = (share) => {
    let seen = 0;
    const bucket = buckets.findIndex((n) => {
      seen += n;
      return seen >= total * share;
    });
    return 2 ** (bucket / 8);
  };
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999) };
}
