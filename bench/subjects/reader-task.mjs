// A worker that reads all over a space while somebody else writes in another part of it.

import { Engine } from "../../dist/src/index.js";
import { openLoops } from "../lib/arena.mjs";

const CHUNK = 4096;
const COUNTER = { SUCCESS: 0, ABORT: 1, RETRY: 2, PEEK_RETRY: 11 };

/**
 * @param {object} task
 * @param {"walk" | "lock_vma" | "peek"} task.workload
 * @param {import("../lib/arena.mjs").BenchShare} task.share
 * @param {number} task.mm
 * @param {Float64Array} task.addresses
 */
export async function prepare({ workload, share, mm, addresses }) {
  const engine = await Engine.attach(share.engine);
  const { loops, stream, writeStream } = openLoops(engine, share, 1);
  writeStream(addresses);
  const counter = (which) => engine.raw.exports.worker_counter(engine.slot, which);
  const loop = {
    walk: (at) => loops.bench_walk(mm, at, CHUNK),
    lock_vma: (at) => loops.bench_lock_vma(mm, at, CHUNK),
    peek: (at) => loops.bench_peek(mm, at, stream + (1 << 22), CHUNK),
  }[workload];
  let from = 0;
  let missed = 0;
  return {
    step() {
      missed += CHUNK - loop(stream + from * 8);
      from = (from + CHUNK) % addresses.length;
      return CHUNK;
    },
    extra: () => ({
      missed,
      aborts: counter(COUNTER.ABORT),
      retries: counter(COUNTER.RETRY) + counter(COUNTER.PEEK_RETRY),
    }),
    finish: () => engine.dispose(),
  };
}
