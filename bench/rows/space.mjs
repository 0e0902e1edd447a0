// Row 2, the address space: system calls in a space of 1k and 60k VMAs, beside the same
// calls made for real.
//
// Ours do no page tables and no TLB, and need no entry into a kernel; theirs do the VMA
// work of Linux and more. `getppid` is what the entry alone costs.

import { MapFlags, MremapFlags, Prot } from "../../dist/src/index.js";
import { createArena, createMm, openLoops } from "../lib/arena.mjs";
import { measure } from "../lib/measure.mjs";
import { compile, runProgram } from "../lib/native.mjs";
import { SortedArray } from "../subjects/sorted-array.mjs";
import { PAGE } from "../workload/layout.mjs";
import { fillSpace, PIECE, SPACE_BASE, writableMiddles } from "../workload/space.mjs";

const WASM = "vmaple in wasm";
const RAW = "vmaple raw from JS";
const OBJECTS = "vmaple objects";
const ARRAY = "sorted array";
const LINUX = "Linux, real calls";
const SIZES = [1000, 60_000];
const SIZES_QUICK = [100];
const RW = Prot.READ | Prot.WRITE;
const ANON = MapFlags.PRIVATE | MapFlags.ANONYMOUS;
/** Two places for mremap_move, a few pages apart. */
const PLACE = 0x1000_0000_0000;
const OTHER_PLACE = PLACE + 16 * PAGE;

export const name = "space";
export const title = "system calls of one thread; CPU time a call, a pair for mmap + munmap";
export const workloads = [
  "mmap_munmap",
  "mprotect",
  "mremap_grow",
  "mremap_move",
  "fork",
  "getppid",
];
export const impls = [WASM, RAW, OBJECTS, ARRAY, LINUX];
export const references = [
  { impl: WASM, short: "wasm" },
  { impl: RAW, short: "raw" },
];

const OURS = ["mmap_munmap", "mprotect", "mremap_grow", "mremap_move", "fork"];
const PARTS = {
  [WASM]: OURS,
  [RAW]: OURS,
  [OBJECTS]: ["mmap_munmap", "mprotect", "fork"],
  [ARRAY]: ["mmap_munmap"],
  [LINUX]: ["all"],
};

export const SYSVMA = { name: "sysvma", source: "sysvma.c", compiler: "gcc", flags: ["-O2"] };

/** @param {import("../lib/options.mjs").Options} options */
export function cases({ quick }) {
  const able = impls.filter((impl) => impl !== LINUX || process.platform === "linux");
  return (quick ? SIZES_QUICK : SIZES).flatMap((n) =>
    able.flatMap((impl) => PARTS[impl].map((workload) => ({ impl, workload, n }))),
  );
}

const OPS = { mmap_munmap: 200_000, mprotect: 200_000, mremap_grow: 200_000, mremap_move: 200_000 };
const OPS_QUICK = 200;
const OPS_LINUX = 5000;
/** VMAs copied, in all forks together. */
const FORKED = 600_000;

export async function run({ impl, workload, n }, { quick, budgetMs }, emit) {
  if (impl === LINUX) {
    runLinux(n, quick, emit);
    return;
  }
  if (impl === ARRAY) {
    emit({ workload, n, ...runArray(n, quick ? OPS_QUICK : OPS[workload], budgetMs) });
    return;
  }
  const { engine, share } = await createArena({ vmas: n });
  const mm = createMm(engine);
  fillSpace(engine.raw, mm.asRaw(), n);
  const { loops, stream, writeStream } = openLoops(engine, share);
  const total = quick ? OPS_QUICK : workload === "fork" ? Math.ceil(FORKED / n) : OPS[workload];
  const middles = writableMiddles(n, total);
  if (workload === "mprotect") writeStream(middles);
  const context = { engine, mm, raw: engine.raw, at: mm.asRaw(), loops, stream, middles };
  const step = MAKERS[impl](context)[workload];
  const chunk = workload === "fork" ? 1 : 256;
  if (!quick) measure(total, step, { budgetMs: 100, chunk });
  let sum = 0;
  const counted = (from, to) => {
    sum += step(from, to);
  };
  const timing = measure(total, counted, {
    budgetMs: quick ? Number.POSITIVE_INFINITY : 4 * budgetMs,
    chunk,
  });
  const calls = workload === "fork" || workload === "mmap_munmap" ? 1 : 2;
  const { wall, cpu, done, partial } = timing;
  const state = stateOf(mm) * 1e6 + sum / done; // the map afterwards, and a result of each call
  emit({
    workload,
    n,
    wall: wall / calls,
    cpu: cpu / calls,
    partial,
    checksum: partial ? undefined : state,
  });
  mm.dispose();
  engine.dispose();
}

/** A number that two equal maps share. */
function stateOf(mm) {
  return mm
    .vmas()
    .reduce(
      (sum, { start, end, flags }) => (sum * 31 + start / PAGE + end / PAGE + flags) % 1e9,
      0,
    );
}

const MAKERS = { [WASM]: wasmSteps, [RAW]: rawSteps, [OBJECTS]: objectSteps };

/** Each step makes the operations from..to-1; returns the sum of the pages chosen, or a count. */
function wasmSteps({ loops, at, stream, raw }) {
  const place = firstPage(raw, at);
  return {
    mmap_munmap: (from, to) => loops.bench_mmap_munmap(at, PAGE, to - from),
    mprotect: (from, to) => loops.bench_mprotect(at, stream + from * 8, to - from),
    mremap_grow: (from, to) => loops.bench_mremap(at, place, to - from),
    mremap_move: (from, to) => loops.bench_mremap_move(at, PLACE, OTHER_PLACE, to - from),
    fork: (from, to) => loops.bench_fork(at, to - from),
  };
}

/** The page that mremap_grow and mremap_move work on. */
function firstPage(raw, mm) {
  return raw.mmap(mm, PLACE, PAGE, RW, ANON | MapFlags.FIXED, 0, 0);
}

function rawSteps({ raw, at: mm, middles }) {
  firstPage(raw, mm);
  const move = MremapFlags.MAYMOVE | MremapFlags.FIXED;
  return {
    mmap_munmap(from, to) {
      let sum = 0;
      for (let i = from; i < to; i++) {
        const at = raw.mmap(mm, 0, PAGE, RW, ANON, 0, 0);
        sum += at / PAGE;
        raw.munmap(mm, at, PAGE);
      }
      return sum;
    },
    mprotect(from, to) {
      for (let i = from; i < to; i++) {
        raw.mprotect(mm, middles[i], PAGE, Prot.NONE);
        raw.mprotect(mm, middles[i], PAGE, RW);
      }
      return to - from;
    },
    mremap_grow(from, to) {
      let sum = 0;
      for (let i = from; i < to; i++) {
        const at = raw.mremap(mm, PLACE, PAGE, 2 * PAGE, MremapFlags.MAYMOVE, 0);
        sum += raw.mremap(mm, at, 2 * PAGE, PAGE, 0, 0) / PAGE;
      }
      return sum;
    },
    mremap_move(from, to) {
      for (let i = from; i < to; i++) {
        raw.mremap(mm, PLACE, PAGE, PAGE, move, OTHER_PLACE);
        raw.mremap(mm, OTHER_PLACE, PAGE, PAGE, move, PLACE);
      }
      return to - from;
    },
    fork(from, to) {
      for (let i = from; i < to; i++) raw.mmput(raw.fork(mm));
      return to - from;
    },
  };
}

function objectSteps({ mm, raw, at: pointer, middles }) {
  firstPage(raw, pointer);
  return {
    mmap_munmap(from, to) {
      let sum = 0;
      for (let i = from; i < to; i++) {
        const at = mm.mmap({ length: PAGE, prot: RW, flags: ANON });
        sum += at / PAGE;
        mm.munmap(at, PAGE);
      }
      return sum;
    },
    mprotect(from, to) {
      for (let i = from; i < to; i++) {
        mm.mprotect(middles[i], PAGE, Prot.NONE);
        mm.mprotect(middles[i], PAGE, RW);
      }
      return to - from;
    },
    fork(from, to) {
      for (let i = from; i < to; i++) mm.fork().dispose();
      return to - from;
    },
  };
}

/** A search from the top and an insert, then an erase: no checks, no merging, no locks. */
function runArray(n, total, budgetMs) {
  const ranges = new SortedArray();
  for (let i = 0; i < n; i++)
    ranges.insert(SPACE_BASE + i * PIECE, SPACE_BASE + (i + 1) * PIECE, i + 1);
  const top = SPACE_BASE + n * PIECE + 1024 * PAGE;
  const step = (from, to) => {
    for (let i = from; i < to; i++) {
      const at = ranges.gap(PAGE, top, PAGE);
      ranges.insert(at, at + PAGE, 1);
      ranges.erase(at);
    }
  };
  return measure(total, step, { budgetMs });
}

function runLinux(n, quick, emit) {
  const lines = runProgram(compile(SYSVMA), [n, quick ? OPS_QUICK : OPS_LINUX, 1]);
  for (const { workload, cpu, wall } of lines) emit({ workload, n, cpu, wall });
}
