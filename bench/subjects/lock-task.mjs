// What one worker of the locks row repeats: a workload by one implementation.

import { Engine, Mm } from "../../dist/src/index.js";
import { openLoops } from "../lib/arena.mjs";
import { CountedArray } from "./counted-array.mjs";

/** Operations between two looks at the clock. */
const CHUNK = 4096;

/**
 * @typedef {object} LockTask
 * @property {string} workload
 * @property {string} impl "wasm", "raw", "guards" or "array"
 * @property {import("../lib/arena.mjs").BenchShare} share
 * @property {number} mm
 * @property {number} worker
 * @property {Float64Array} addresses CHUNK or more
 * @property {object} array of CountedArray
 */

/** @param {LockTask} task */
export async function prepare(task) {
  if (task.impl === "array") return prepareArray(task);
  const engine = await Engine.attach(task.share.engine);
  const { loops, stream, writeStream } = openLoops(engine, task.share, task.worker);
  writeStream(task.addresses);
  const makers = { wasm: wasmStep, raw: rawStep, guards: guardStep };
  const context = { ...task, engine, loops, stream };
  const { step, finish } = makers[task.impl](context);
  return {
    step: rotating(step, task.addresses.length),
    checksum: () => loops.sum_of_starts(task.mm, stream, CHUNK),
    finish() {
      finish?.();
      engine.dispose();
    },
  };
}

/** Calls `step(from)` for one chunk of the addresses after the other. */
function rotating(step, length) {
  let from = 0;
  return () => {
    step(from);
    from = from + 2 * CHUNK > length ? 0 : from + CHUNK;
    return CHUNK;
  };
}

function wasmStep({ workload, mm, loops, stream }) {
  const out = stream + (1 << 22); // the upper half of the stream: nobody reads it
  const steps = {
    lookup: (from) => loops.bench_vma_lookup(mm, stream + from * 8, CHUNK),
    walk: (from) => loops.bench_walk(mm, stream + from * 8, CHUNK),
    walk_start: (from) => loops.bench_walk_start(mm, stream + from * 8, CHUNK),
    lock_distinct: (from) => loops.bench_lock_vma(mm, stream + from * 8, CHUNK),
    lock_one: (from) => loops.bench_lock_vma(mm, stream + from * 8, CHUNK),
    peek: (from) => loops.bench_peek(mm, stream + from * 8, out, CHUNK),
    mmap_read: () => loops.bench_read_lock(mm, CHUNK),
    mmap_write: () => loops.bench_write_lock(mm, CHUNK),
    loop: (from) => loops.bench_floor(stream + from * 8, CHUNK),
  };
  return { step: steps[workload] };
}

function rawStep({ workload, mm, engine, addresses, loops }) {
  const { raw } = engine;
  const batch = new Uint32Array(CHUNK);
  const lock = (from) => {
    for (let i = from; i < from + CHUNK; i++) {
      const vma = raw.lockVmaUnderRcu(mm, addresses[i]);
      if (vma !== 0) raw.vmaEndRead(vma);
    }
  };
  const steps = {
    lookup(from) {
      for (let i = from; i < from + CHUNK; i++) raw.vmaLookup(mm, addresses[i]);
    },
    lookup_many: (from) => raw.lookupMany(mm, addresses.subarray(from, from + CHUNK), batch),
    lock_distinct: lock,
    lock_one: lock,
    peek(from) {
      for (let i = from; i < from + CHUNK; i++) raw.peek(mm, addresses[i]);
    },
    mmap_read() {
      for (let i = 0; i < CHUNK; i++) {
        raw.mmapReadLock(mm);
        raw.mmapReadUnlock(mm);
      }
    },
    mmap_write() {
      for (let i = 0; i < CHUNK; i++) {
        raw.mmapWriteLock(mm);
        raw.mmapWriteUnlock(mm);
      }
    },
    /** What a call from JavaScript costs. */
    loop() {
      for (let i = 0; i < CHUNK; i++) loops.object_size(0);
    },
  };
  return { step: steps[workload] };
}

function guardStep({ workload, mm: pointer, engine, addresses }) {
  const held = Mm.fromRaw(engine, pointer).mmgetNotZero();
  const lock = (from) => {
    for (let i = from; i < from + CHUNK; i++) held.lockVmaUnderRcu(addresses[i])?.dispose();
  };
  const steps = {
    lookup(from) {
      const guard = held.mmapReadLock();
      for (let i = from; i < from + CHUNK; i++) guard.vmaLookup(addresses[i]);
      guard.dispose();
    },
    lock_distinct: lock,
    lock_one: lock,
    peek(from) {
      for (let i = from; i < from + CHUNK; i++) held.peek(addresses[i]);
    },
    mmap_read() {
      for (let i = 0; i < CHUNK; i++) held.mmapReadLock().dispose();
    },
    mmap_write() {
      for (let i = 0; i < CHUNK; i++) held.mmapWriteLock().dispose();
    },
  };
  return { step: steps[workload], finish: () => held.dispose() };
}

function prepareArray({ workload, addresses, array }) {
  const ranges = new CountedArray(array);
  const lock = (from) => {
    for (let i = from; i < from + CHUNK; i++) {
      const at = ranges.lock(addresses[i]);
      if (at >= 0) ranges.unlock(at);
    }
  };
  const steps = {
    lookup(from) {
      for (let i = from; i < from + CHUNK; i++) ranges.indexOf(addresses[i]);
    },
    lock_distinct: lock,
    lock_one: lock,
  };
  return {
    step: rotating(steps[workload], addresses.length),
    checksum: () => addresses.subarray(0, CHUNK).reduce((sum, a) => sum + ranges.startPage(a), 0),
  };
}
