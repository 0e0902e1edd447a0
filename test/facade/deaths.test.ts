// Workers of a pool that end without leaving: who is told, who reaps, and what of their seats.

import { afterEach, expect, test } from "vitest";
import { Abi } from "../../assembly/shared/abi.js";
import { WorkerPool, type WrapOptions } from "../../src/comlink.js";
import type { Engine, MmWithUser, ReapReport } from "../../src/index.js";
import { draw, freshEngine, liveObjects } from "../support/engine.js";

interface Api {
  keep(mm: MmWithUser): void;
  exit(): void;
  exitHolding(word: Int32Array): void;
}

const POOL = new URL("../support/pool-worker.mjs", import.meta.url);
const BROKEN = new URL("../support/broken-worker.mjs", import.meta.url);
const SILENT = new URL("../support/silent-worker.mjs", import.meta.url);
const DOOMED = new URL("../support/doomed-worker.mjs", import.meta.url);
/** Abi.LOOK_MS, the reaping, and what a busy machine takes to run a thread. */
const BOUND_MS = 20 * Abi.LOOK_MS;

const pools: WorkerPool<Api>[] = [];

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.stop()));
});

/** A worker that keeps a handle of `mm`, and what its pool is told. */
async function member(engine: Engine, mm: MmWithUser) {
  const reaped: [ReapReport, number][] = [];
  const onReap: WrapOptions["onReap"] = (report, slot) => reaped.push([report, slot]);
  const pool = await WorkerPool.create<Api>({ engine, size: 1, url: POOL, onReap });
  pools.push(pool);
  const [{ api }] = pool.workers as [(typeof pool.workers)[0]];
  await api.keep(mm as never);
  return { api, reaped };
}

const settled = async (condition: () => boolean) => {
  for (let i = 0; i < 400 && !condition(); i++)
    await new Promise((resolve) => setTimeout(resolve, 5));
  expect(condition()).toBe(true);
};

test("onReap is told what a worker that died had", async () => {
  const engine = await freshEngine();
  const mm = engine.createMm();
  const { api, reaped } = await member(engine, mm);
  await expect(api.exit()).rejects.toThrow(/exited with code 3/);
  await settled(() => reaped.length > 0);
  const nothing = { vmaLocks: 0, mmapReads: 0, mmapWrites: 0, undone: false, deadMms: 0 };
  expect(reaped).toEqual([[{ ...nothing, references: 1 }, 1]]);
  expect(mm.mmUsers).toBe(1);
});

test("a worker that ends by itself is reaped by whoever waits for it, its owner asleep too", async () => {
  const engine = await freshEngine();
  const mm = engine.createMm();
  draw(mm, "W");
  const { api, reaped } = await member(engine, mm);
  const word = new Int32Array(new SharedArrayBuffer(4));
  const lost = expect(api.exitHolding(word)).rejects.toThrow(/exited with code 3/);
  while (Atomics.load(word, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  Atomics.store(word, 0, 2);
  Atomics.notify(word, 0);
  // No event reaches this thread from here on. What a sleeper does, bounded: test/unit/core/mm/
  // liveness.test.ts has threads that sleep.
  const until = performance.now() + BOUND_MS;
  const nap = new Int32Array(new SharedArrayBuffer(4));
  while (engine.raw.exports.worker_look() === 0 && performance.now() < until)
    Atomics.wait(nap, 0, 0, Abi.LOOK_MS);
  const guard = mm.mmapWriteTrylock();
  expect(guard).not.toBeNull();
  guard?.dispose();
  expect(reaped).toEqual([]);
  await lost;
  await settled(() => reaped.length > 0);
  expect(reaped).toMatchObject([[{ mmapWrites: 1, references: 1 }, 1]]);
  expect(mm.validate()).toEqual([]);
});

test.each([
  ["throws at its top level", BROKEN],
  ["never says anything", SILENT],
  ["ends while it is set up", DOOMED],
])("the seat of a worker that %s is free again", async (_what, url) => {
  const engine = await freshEngine({ maxWorkers: 2 });
  const before = liveObjects(engine);
  const failed = WorkerPool.create({ engine, size: 1, url, startTimeoutMs: 300 });
  await expect(failed).rejects.toThrow();
  await settled(() => engine.stats().workers.length === 1);
  expect(liveObjects(engine)).toEqual(before);
  const pool = await WorkerPool.create<Api>({ engine, size: 1, url: POOL });
  pools.push(pool);
  expect(pool.workers[0]?.slot).toBe(1);
});
