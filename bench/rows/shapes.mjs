// Row 5, the shapes in which published address-space benches measure, each at addresses
// that the caller fixes and at those that the engine chooses.
//
//   alloc                 mmap of a page, n times
//   query                 a look-up among them
//   map                   mmap of a page and the first write to it, n times
//   alloc_fault_modify    mmap of four pages, four writes, mprotect of one and back, munmap
//
// Linux does the same by real calls; its pages are real, ours have none.

import { MapFlags, Prot } from "../../dist/src/index.js";
import { createArena, createMm, openLoops } from "../lib/arena.mjs";
import { measure } from "../lib/measure.mjs";
import { compile, runProgram } from "../lib/native.mjs";
import { SortedArray } from "../subjects/sorted-array.mjs";
import { PAGE, Random } from "../workload/layout.mjs";
import { SPACE_BASE } from "../workload/space.mjs";

const WASM = "vmaple in wasm";
const RAW = "vmaple raw from JS";
const ARRAY = "sorted array";
const LINUX = "Linux, real calls";
const SHAPES = ["alloc", "query", "map", "alloc_fault_modify"];
const PLACES = ["fixed", "chosen"];
const N = 10_000;
const N_QUICK = 200;
const CYCLES = 100_000;
const CYCLES_LINUX = 5000;
const RW = Prot.READ | Prot.WRITE;
const ANON = MapFlags.PRIVATE | MapFlags.ANONYMOUS;
const WRITE = 1;
const SEED = 13;
const PROGRAM = { name: "shapes", source: "shapes.c", compiler: "gcc", flags: ["-O2"] };

export const name = "shapes";
export const title = "published shapes, one thread; CPU time an operation";
export const workloads = SHAPES.flatMap((shape) => PLACES.map((place) => `${shape}_${place}`));
export const impls = [WASM, RAW, ARRAY, LINUX];
export const references = [
  { impl: WASM, short: "wasm" },
  { impl: RAW, short: "raw" },
];

/** @param {import("../lib/options.mjs").Options} options */
export function cases({ quick }) {
  const n = quick ? N_QUICK : N;
  const each = (impl, shapes) =>
    shapes.flatMap((shape) => PLACES.map((place) => ({ impl, shape, place, n })));
  const real =
    process.platform === "linux" ? [{ impl: LINUX, shape: "all", place: "both", n }] : [];
  return [...each(WASM, SHAPES), ...each(RAW, SHAPES), ...each(ARRAY, ["alloc", "query"]), ...real];
}

export async function run({ impl, shape, place, n }, { quick }, emit) {
  if (impl === LINUX) {
    const lines = runProgram(compile(PROGRAM), [n, quick ? n : CYCLES_LINUX]);
    for (const line of lines) emit({ ...line, n });
    return;
  }
  const { engine, share } = await createArena({ vmas: n });
  const mm = createMm(engine);
  const open = openLoops(engine, share);
  const maker = { [WASM]: wasmShapes, [RAW]: rawShapes, [ARRAY]: arrayShapes }[impl];
  const addresses = Float64Array.from({ length: n }, (_, i) =>
    place === "fixed" ? SPACE_BASE + 2 * i * PAGE : 0,
  );
  const shapes = maker({ engine, mm: mm.asRaw(), addresses, ...open });
  const rounds = quick ? 1 : 12;
  const workload = `${shape}_${place}`;
  if (shape === "alloc_fault_modify") {
    const step = (from, to) => shapes.alloc_fault_modify(addresses[0], to - from);
    const total = quick ? n : CYCLES;
    if (!quick) measure(total, step, { budgetMs: 100 });
    const timing = measure(total, step, { budgetMs: Number.POSITIVE_INFINITY });
    emit({ workload, n, ...timing, checksum: step(0, 1) });
    return;
  }
  // The first half of the rounds warms up.
  const timings = [];
  let checksum = 0;
  for (let round = 0; round < rounds; round++) {
    shapes.begin();
    if (shape === "query") checksum = shapes.alloc(0, n);
    const queries = shape === "query" ? shapes.queries(order(n)) : null;
    const once = { alloc: shapes.alloc, map: shapes.map, query: queries }[shape];
    let sum = 0;
    const step = (from, to) => {
      sum += once(from, to);
    };
    timings.push(measure(n, step, { budgetMs: Number.POSITIVE_INFINITY }));
    checksum += sum;
    shapes.clear();
  }
  const counted = timings.slice(Math.floor(rounds / 2));
  const mean = (key) => counted.reduce((sum, timing) => sum + timing[key], 0) / counted.length;
  emit({ workload, n, wall: mean("wall"), cpu: mean("cpu"), checksum });
}

function order(n) {
  const random = new Random(SEED);
  return Uint32Array.from({ length: n }, () => random.below(n));
}

/**
 * alloc, map: the operations from..to-1, and the sum of the pages where they are.
 * queries: what looks up in a given order and returns how many it found.
 */
function wasmShapes({ engine, mm, addresses, loops, stream, writeStream }) {
  const alloc = (from, to) => loops.bench_mmap(mm, stream + from * 8, to - from);
  const places = new BigUint64Array(engine.memory.buffer, stream, addresses.length);
  return {
    begin: () => writeStream(addresses),
    alloc,
    map(from, to) {
      return loops.bench_map(mm, stream + from * 8, to - from);
    },
    queries(indices) {
      const mapped = BigUint64Array.from(places);
      for (const [k, i] of indices.entries()) places[k] = mapped[i];
      return (from, to) => loops.bench_vma_lookup(mm, stream + from * 8, to - from);
    },
    alloc_fault_modify: (address, n) => loops.bench_alloc_fault_modify(mm, address, n),
    clear: () => engine.raw.munmap(mm, 0, 2 ** 47 - PAGE),
  };
}

function rawShapes({ engine: { raw }, mm, addresses }) {
  const places = new Float64Array(addresses.length);
  const put = (address, length, prot) => {
    const flags = address === 0 ? ANON : ANON | MapFlags.FIXED_NOREPLACE;
    return raw.mmap(mm, address, length, prot, flags, 0, 0);
  };
  return {
    begin() {},
    alloc(from, to) {
      let sum = 0;
      for (let i = from; i < to; i++) {
        places[i] = put(addresses[i], PAGE, i % 2 === 0 ? RW : Prot.READ);
        sum += places[i] / PAGE;
      }
      return sum;
    },
    map(from, to) {
      let sum = 0;
      for (let i = from; i < to; i++) {
        const at = put(addresses[i], PAGE, RW);
        raw.handleMmFault(mm, at, WRITE);
        sum += at / PAGE;
      }
      return sum;
    },
    queries: (indices) => (from, to) => {
      let found = 0;
      for (let k = from; k < to; k++) if (raw.vmaLookup(mm, places[indices[k]]) !== 0) found++;
      return found;
    },
    alloc_fault_modify(address, n) {
      let sum = 0;
      for (let i = 0; i < n; i++) {
        const at = put(address, 4 * PAGE, RW);
        for (let page = 0; page < 4; page++) raw.handleMmFault(mm, at + page * PAGE, WRITE);
        raw.mprotect(mm, at + PAGE, PAGE, Prot.READ);
        raw.mprotect(mm, at + PAGE, PAGE, RW);
        raw.munmap(mm, at, 4 * PAGE);
        sum += at / PAGE;
      }
      return sum;
    },
    clear: () => raw.munmap(mm, 0, 2 ** 47 - PAGE),
  };
}

/** Chosen places are searched from where the engine's search starts. */
function arrayShapes({ engine, mm, addresses }) {
  const MMAP_BASE = 8; // MmStat
  const top = engine.raw.mmStat(mm, MMAP_BASE);
  const places = new Float64Array(addresses.length);
  let ranges = new SortedArray();
  return {
    begin() {
      ranges = new SortedArray();
    },
    alloc(from, to) {
      let sum = 0;
      for (let i = from; i < to; i++) {
        const at = addresses[i] === 0 ? ranges.gap(PAGE, top, PAGE) : addresses[i];
        ranges.insert(at, at + PAGE, i + 1);
        places[i] = at;
        sum += at / PAGE;
      }
      return sum;
    },
    queries: (indices) => (from, to) => {
      let found = 0;
      for (let k = from; k < to; k++) if (ranges.lookup(places[indices[k]]) !== 0) found++;
      return found;
    },
    clear() {},
  };
}
