// Stress: real workers on one space, one of them writing. A soak, not the proof.
//
// Every VMA that a reader gets covers the address it asked for, locked VMAs stand still,
// the space is sound while and after, and nothing is left when all is disposed.
// VMAPLE_SEED repeats a choice of calls (not of their interleaving), VMAPLE_STRESS_MS
// lengthens the run.

import { expect, test } from "vitest";
import { WorkerPool } from "../../src/comlink.js";
import { Engine, type MmWithUser } from "../../src/index.js";
import { assertSound } from "../../src/testing.js";
import { BASE, freshEngine, liveObjects } from "../support/engine.js";

interface Task {
  readonly base: number;
  readonly pages: number;
  readonly seed: number;
  readonly ms: number;
}

interface Api {
  read(mm: MmWithUser, task: Task): Record<string, number>;
  write(mm: MmWithUser, task: Task): number;
}

const URL_OF_WORKER = new URL("../support/stress-worker.mjs", import.meta.url);
const SEED = Number(process.env.VMAPLE_SEED ?? Date.now() % 2 ** 31);
const MS = Number(process.env.VMAPLE_STRESS_MS ?? 1500);
const PATIENCE_MS = 10_000;
/** The test's own limit comes after that of the workers. */
const LIMIT = { timeout: MS + PATIENCE_MS + 20_000 };

/** Rejects if the workers have not come back long after their time: says who holds what. */
async function hang(engine: Engine, mm: MmWithUser): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, MS + PATIENCE_MS).unref());
  const state = JSON.stringify({ stat: mm.stat(), workers: engine.stats().workers });
  throw new Error(`workers hang (VMAPLE_SEED=${SEED}): ${state}`);
}

async function soak(
  engine: Engine,
  writers: number,
  readers: number,
  pages: number,
): Promise<void> {
  const before = liveObjects(engine);
  const mm = engine.createMm();
  await using pool = await WorkerPool.create<Api>({
    engine,
    size: writers + readers,
    url: URL_OF_WORKER,
  });
  const running = pool.run(async (api, index) => {
    const task = { base: BASE, pages, seed: SEED + index, ms: MS };
    const handle = mm as never;
    return index < writers ? { done: await api.write(handle, task) } : await api.read(handle, task);
  });
  const results = await Promise.race([running, hang(engine, mm)]);
  for (const result of results) {
    for (const [kind, n] of Object.entries(result as object)) expect(n, kind).toBeGreaterThan(0);
  }
  assertSound(mm.validate());
  expect(mm.mmUsers).toBe(1);
  mm.dispose();
  expect(liveObjects(engine)).toBe(before);
}

test(`readers against a writer, verify build (VMAPLE_SEED=${SEED})`, LIMIT, async () => {
  await soak(await freshEngine({ memoryBytes: 32 * 1024 * 1024 }), 1, 2, 64);
});

test(
  `readers against a writer, release build, a larger space (VMAPLE_SEED=${SEED})`,
  LIMIT,
  async () => {
    using engine = await Engine.create();
    await soak(engine, 1, 2, 4000);
  },
);

test(`two writers (VMAPLE_SEED=${SEED})`, LIMIT, async () => {
  await soak(await freshEngine({ memoryBytes: 32 * 1024 * 1024 }), 2, 1, 64);
});
