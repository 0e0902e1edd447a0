// An engine with room for streams behind its arena: what loops inside wasm read from.
//
//   0          arenaBytes          arenaBytes + workers * STREAM_BYTES
//   │  arena   │ stream 0 │ stream 1 │ ...
//
// The arena is laid out smaller than the memory, then attached to like any other; the
// engine never looks behind its end.

import { Engine } from "../../dist/src/index.js";
import { instantiate, moduleOf } from "./wasm.mjs";

const WASM_PAGE = 65536;
const MIB = 1024 * 1024;
/** Of one worker. */
const STREAM_BYTES = 8 * MIB;
const ARENA_MIN = 32 * MIB;
/** VMA, its share of nodes, twice: fork copies. */
const ARENA_BYTES_A_VMA = 512;
const FLAG_PER_VMA_LOCK = 1;
const FLAG_SHARED = 2;
/** A bench may map as much as it likes. */
const MM_OPTIONS = { maxMapCount: 2 ** 31 - 1, overcommit: "always" };

/** What a worker thread needs to take part: survives structured clone. */
export class BenchShare {
  /** @param {import("../../dist/src/index.js").EngineShare} engine @param {number} arenaBytes */
  constructor(engine, arenaBytes) {
    this.engine = engine;
    this.arenaBytes = arenaBytes;
  }
}

/**
 * @param {{ vmas?: number, workers?: number, perVmaLock?: boolean }} options
 * @returns {Promise<{ engine: Engine, share: BenchShare }>}
 */
export async function createArena({ vmas = 0, workers = 1, perVmaLock = true } = {}) {
  const wanted = ARENA_MIN + vmas * ARENA_BYTES_A_VMA;
  const arenaBytes = Math.ceil(wanted / WASM_PAGE) * WASM_PAGE;
  const streams = Math.max(workers, 1);
  const pages = (arenaBytes + streams * STREAM_BYTES) / WASM_PAGE;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const maxWorkers = workers + 1;
  const core = instantiate("engine", memory);
  const flags = FLAG_SHARED + (perVmaLock ? FLAG_PER_VMA_LOCK : 0);
  const failed = core.arena_init(arenaBytes, maxWorkers, flags);
  if (failed !== 0) throw new Error(`arena_init: ${failed}`);
  const layoutVersion = core.layout_version();
  const module = moduleOf("engine");
  const share = {
    kind: "vmaple.engine",
    layoutVersion,
    arena: "bench",
    memory,
    module,
    maxWorkers,
  };
  return { engine: await Engine.attach(share), share: new BenchShare(share, arenaBytes) };
}

/** @param {Engine} engine */
export function createMm(engine) {
  return engine.createMm(MM_OPTIONS);
}

/**
 * The loops of assembly/mm-bench.ts in this thread, on the seat of its engine.
 *
 * @param {Engine} engine
 * @param {BenchShare} share
 * @param {number} worker whose stream this thread uses
 */
export function openLoops(engine, { arenaBytes }, worker = 0) {
  const { memory } = engine;
  const loops = instantiate("mm-bench", memory);
  loops.use_seat(engine.raw.exports.worker_seat());
  const at = arenaBytes + worker * STREAM_BYTES;
  return {
    loops,
    /** Byte address of this worker's stream. */
    stream: at,
    /** @param {Float64Array} addresses */
    writeStream(addresses) {
      if (addresses.length * 8 > STREAM_BYTES) throw new RangeError("more than a stream holds");
      const words = new BigUint64Array(memory.buffer, at, addresses.length);
      for (let i = 0; i < addresses.length; i++) words[i] = BigInt(addresses[i]);
    },
  };
}
