// A worker dies holding something; Engine.reap gives it up and the others go on.

import { expect, test } from "vitest";
import { type Engine, MapFlags, type MmWithUser } from "../../src/index.js";
import { BASE, diesAfter } from "../support/dying.js";
import { freshEngine, PAGE, PRIVATE_ANON, RW } from "../support/engine.js";

async function mapped(): Promise<{ engine: Engine; mm: MmWithUser }> {
  const engine = await freshEngine();
  const mm = engine.createMm();
  const flags = PRIVATE_ANON | MapFlags.FIXED;
  mm.mmap({ address: BASE, length: 4 * PAGE, prot: RW, flags });
  return { engine, mm };
}

test("a per-VMA read lock is given up: the VMA can be changed again", async () => {
  const { engine, mm } = await mapped();
  const seat = await diesAfter(engine, mm, "x.lock_vma_under_rcu(mm, address);");
  const report = engine.reap(seat);
  expect(report).toEqual({
    vmaLocks: 1,
    mmapReads: 0,
    mmapWrites: 0,
    undone: false,
    references: 0,
    deadMms: 0,
  });
  mm.munmap(BASE, 4 * PAGE);
  expect(mm.maps()).toBe("");
});

test("an mmap read lock is given up: writers get in", async () => {
  const { engine, mm } = await mapped();
  const seat = await diesAfter(engine, mm, "x.mmap_read_lock(mm);");
  expect(mm.mmapWriteTrylock()).toBeNull();
  expect(engine.reap(seat)).toMatchObject({ mmapReads: 1, deadMms: 0 });
  mm.mprotect(BASE, PAGE, RW);
  expect(mm.validate()).toEqual([]);
});

test("a write lock under which nothing was changed is released", async () => {
  const { engine, mm } = await mapped();
  const before = mm.maps();
  const seat = await diesAfter(engine, mm, "x.mmap_write_lock(mm);");
  expect(engine.reap(seat)).toMatchObject({ mmapWrites: 1, deadMms: 0 });
  expect(mm.maps()).toBe(before);
  expect(mm.validate()).toEqual([]);
});

test("calls that were over under its write lock stay done, and the lock is released", async () => {
  const { engine, mm } = await mapped();
  const body = "x.mmap_write_lock(mm); x.munmap_locked(mm, address, 4096);";
  const seat = await diesAfter(engine, mm, body);
  expect(engine.reap(seat)).toMatchObject({ mmapWrites: 1, undone: false, deadMms: 0 });
  expect(mm.peek(BASE)).toBeNull();
  expect(mm.peek(BASE + PAGE)).not.toBeNull();
  mm.munmap(BASE + PAGE, PAGE);
  expect(mm.validate()).toEqual([]);
});

test("its references are given back: of a space of its own nothing is left", async () => {
  const { engine, mm } = await mapped();
  const before = engine.stats().memory.kinds.vma.live;
  const seat = await diesAfter(
    engine,
    mm,
    "x.mmget(mm); x.mmgrab(mm); const own = x.mm_fork(mm); x.mmget(own);",
  );
  expect(engine.stats().memory.kinds.vma.live).toBe(2 * before);
  expect([mm.mmUsers, mm.mmCount]).toEqual([2, 2]);
  expect(engine.reap(seat)).toMatchObject({ references: 4, deadMms: 0 });
  expect([mm.mmUsers, mm.mmCount]).toEqual([1, 1]);
  expect(engine.stats().memory.kinds.vma.live).toBe(before);
  expect(engine.stats().memory.kinds.mm.live).toBe(1);
});

test("a seat is reaped once, and never one's own", async () => {
  const { engine, mm } = await mapped();
  const seat = await diesAfter(engine, mm, "");
  engine.reap(seat);
  expect(() => engine.reap(seat)).toThrow(TypeError);
  expect(() => engine.reap(engine.slot)).toThrow(TypeError);
  expect(() => engine.reap(1000)).toThrow(RangeError);
});
