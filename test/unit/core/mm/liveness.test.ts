// mm/liveness.ts: marks of the dead, what waiters do about them, and whose seat it is (N1, N2).

import { expect, test } from "vitest";
import { Abi, Reap } from "../../../../assembly/shared/abi.js";
import type { Engine, MmWithUser } from "../../../../src/index.js";
import { BASE, diesAfter } from "../../../support/dying.js";
import { attachSeat, freshEngine, PAGE, PRIVATE_ANON, RW } from "../../../support/engine.js";
import { settled, Thread } from "../thread.js";

const MAP_FIXED = 0x10;
/** Of a seat, in bytes (assembly/base/layout.ts). */
const CURSOR = 512;
const SCRATCH = 4096;
const EINVAL = -22;
/** Abi.LOOK_MS, the reaping, and what a busy machine takes to run a thread. */
const BOUND_MS = 20 * Abi.LOOK_MS;

async function mapped(): Promise<{ engine: Engine; mm: MmWithUser; x: Engine["raw"]["exports"] }> {
  const engine = await freshEngine();
  const mm = engine.createMm();
  mm.mmap({ address: BASE, length: 4 * PAGE, prot: RW, flags: PRIVATE_ANON | MAP_FIXED });
  return { engine, mm, x: engine.raw.exports };
}

/** The words of `seat`'s report, as the reaping of that worker left them. */
function report(engine: Engine, seat: number, generation: number): number[] {
  expect(engine.raw.exports.worker_report(seat, generation)).toBe(0);
  const at = engine.raw.exports.worker_scratch();
  return Array.from(new Uint32Array(engine.memory.buffer, at, Reap.COUNT));
}

test.each([
  ["the mmap lock for writing", "x.mmap_write_lock(mm);", Reap.MMAP_WRITES],
  ["the mmap lock for reading", "x.mmap_read_lock(mm);", Reap.MMAP_READS],
  ["a VMA", "x.lock_vma_under_rcu(mm, address);", Reap.VMA_LOCKS],
])("a thread that sleeps for %s of a dead worker reaps it", async (_what, body, word) => {
  const { engine, mm, x } = await mapped();
  await using sleeper = await Thread.start(engine);
  const seat = await diesAfter(engine, mm, body);
  const generation = x.worker_generation(seat);
  const waiting = sleeper.run(["munmap", mm.asRaw(), BASE, PAGE]);
  expect(await settled(waiting, 3 * Abi.LOOK_MS)).toBe(false); // nobody dies of being slow
  expect(x.worker_mark_dead(seat, generation)).toBe(0);
  const marked = performance.now();
  expect(await waiting).toBe(0);
  expect(performance.now() - marked).toBeLessThan(BOUND_MS);
  expect(report(engine, seat, generation)[word]).toBe(1);
  expect(x.worker_look()).toBe(0); // it was the sleeper, not this thread
  expect(x.worker_seat_taken(seat)).toBe(0);
  expect(mm.vmas()).toMatchObject([{ start: BASE + PAGE }]);
  expect(mm.validate()).toEqual([]);
});

test("three threads sleep for one dead worker: one reaps it, all go on", async () => {
  const { engine, mm, x } = await mapped();
  const sleepers = await Promise.all([1, 2, 3].map(() => Thread.start(engine)));
  const seat = await diesAfter(engine, mm, "x.mmap_write_lock(mm); x.munmap_locked(mm, 0, 0);");
  const waiting = sleepers.map((sleeper, n) =>
    sleeper.run(["munmap", mm.asRaw(), BASE + n * PAGE, PAGE]),
  );
  x.worker_mark_dead(seat, x.worker_generation(seat));
  expect(await Promise.all(waiting)).toEqual([0, 0, 0]);
  expect(x.worker_generation(seat)).toBe(1);
  expect(mm.vmas()).toMatchObject([{ start: BASE + 3 * PAGE }]);
  await Promise.all(sleepers.map((sleeper) => sleeper[Symbol.asyncDispose]()));
});

test.each([
  ["the mmap lock", "x.mmap_write_lock(mm);"],
  ["a VMA", "x.lock_vma_under_rcu(mm, address);"],
])("a thread that may not sleep for %s reaps before it gives up", async (_what, body) => {
  const { engine, mm } = await mapped();
  const { module, memory } = engine.share();
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const x = exports as unknown as Engine["raw"]["exports"];
  x.worker_attach(0);
  const seat = await diesAfter(engine, mm, body);
  expect(x.munmap(mm.asRaw(), BASE, PAGE)).toBe(-Abi.WOULD_BLOCK);
  x.worker_mark_dead(seat, x.worker_generation(seat));
  expect(x.munmap(mm.asRaw(), BASE, PAGE)).toBe(0);
  expect(x.worker_seat_taken(seat)).toBe(0);
});

test("a mark that comes late says nothing about the seat's next worker", async () => {
  const { engine, x } = await mapped();
  const first = await attachSeat(engine);
  const seat = first.slot;
  const generation = x.worker_generation(seat);
  first.dispose();
  expect(x.worker_mark_dead(seat, generation)).toBe(EINVAL); // it left
  const second = await attachSeat(engine);
  expect(second.slot).toBe(seat);
  expect(x.worker_mark_dead(seat, generation)).toBe(EINVAL);
  expect(x.worker_mark_dead(seat, generation + 2)).toBe(EINVAL);
  expect(x.worker_mark_dead(1000, 0)).toBe(EINVAL);
  expect(x.worker_look()).toBe(0);
  expect(x.worker_seat_taken(seat)).toBe(1);
});

test("an old mark is not believed again", async () => {
  const { engine, mm, x } = await mapped();
  const seat = await diesAfter(engine, mm, "");
  const generation = x.worker_generation(seat);
  x.worker_mark_dead(seat, generation);
  expect(x.worker_look()).toBe(1);
  const next = await attachSeat(engine);
  expect(next.slot).toBe(seat);
  expect(x.worker_look()).toBe(0);
  expect(x.worker_report(seat, generation)).toBe(0);
  expect(x.worker_report(seat, generation + 1)).toBe(EINVAL);
});

test("a reserved seat is its worker's, and can be reaped before that comes", async () => {
  const { engine, x } = await mapped();
  const seat = x.worker_reserve();
  const generation = x.worker_generation(seat);
  expect((await attachSeat(engine)).slot).not.toBe(seat);
  expect(x.worker_reap(seat)).toBe(0);
  const { module, memory } = engine.share();
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const worker = exports as unknown as Engine["raw"]["exports"];
  expect(worker.worker_sit(seat, generation, 1)).toBe(EINVAL);
  expect(x.worker_reserve()).toBe(seat);
  expect(worker.worker_sit(seat, generation, 1)).toBe(EINVAL);
  expect(worker.worker_sit(seat, generation + 1, 1)).toBe(0);
  worker.worker_detach();
  expect(x.worker_seat_taken(seat)).toBe(0);
});

test("the next worker of a seat does not go on where a dead one was: it may have died in a walk", async () => {
  const { engine, mm, x } = await mapped();
  // Two stores in one leaf; then its step of the path names that leaf as all of the region.
  const body = `
    x.mmap(mm, address + 64 * 4096, 4096, 3, 0x32, 0, 0);
    x.mprotect(mm, address + 4096, 4096, 1);
    x.mprotect(mm, address + 4096, 4096, 3);
    const leaf = (x.worker_scratch() - ${SCRATCH} + ${CURSOR}) / 4 + 4;
    const words = new Int32Array(memory.buffer);
    words.set([words[leaf] + 64, 0, 0, 2 ** 30], leaf);`;
  const seat = await diesAfter(engine, mm, body);
  x.worker_mark_dead(seat, x.worker_generation(seat));
  expect(x.worker_look()).toBe(1);
  const next = await attachSeat(engine);
  expect(next.slot).toBe(seat);
  expect(next.raw.exports.munmap(mm.asRaw(), BASE + 64 * PAGE, PAGE)).toBe(0);
  expect(mm.vmas()).toMatchObject([{ start: BASE, end: BASE + 4 * PAGE }]);
  expect(mm.validate()).toEqual([]);
});
