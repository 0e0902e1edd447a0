// mm/vma_lock.ts: reading one VMA without the mmap lock (R-LOCK-30..66), and peek.

import { describe, expect, test } from "vitest";
import { VmaOut } from "../../../../assembly/shared/abi.js";
import { ArenaVma } from "../../../../assembly/shared/arena.js";
import { MmWithUser } from "../../../../src/index.js";
import { sketch } from "../../../support/drawing.js";
import { attachSeat, PAGE } from "../../../support/engine.js";
import { settled, Thread } from "../thread.js";

describe("lock_vma_under_rcu", () => {
  test("finds the VMA that contains the address, first and last byte", async () => {
    const s = await sketch(".WW.R");
    const lock = (address: number) => {
      using guard = s.mm.lockVmaUnderRcu(address);
      return guard === null ? null : (guard.start - s.at(0)) / PAGE;
    };
    expect(lock(s.at(1))).toBe(1);
    expect(lock(s.at(3) - 1)).toBe(1);
    expect(lock(s.at(3))).toBeNull();
    expect(lock(s.at(1) - 1)).toBeNull();
    expect(lock(s.at(4) + 7)).toBe(4);
    expect(lock(2 ** 50)).toBeNull();
  });

  test("several readers of one VMA, several VMAs of one reader", async () => {
    const s = await sketch("WR");
    const seat = await attachSeat(s.engine);
    const other = MmWithUser.fromRaw(seat, s.mm.asRaw());
    const guards = [
      s.mm.lockVmaUnderRcu(s.at(0)),
      other.lockVmaUnderRcu(s.at(0)),
      s.mm.lockVmaUnderRcu(s.at(1)),
    ];
    expect(guards.map((guard) => guard?.start)).toEqual([s.at(0), s.at(0), s.at(1)]);
    for (const guard of guards) guard?.dispose();
    s.munmap(0, 2);
    s.expect("");
  });

  test("is refused for a VMA that a writer has marked, not for others (R-LOCK-32)", async () => {
    const s = await sketch("WWW.R");
    const { raw } = await attachSeat(s.engine);
    const mm = s.mm.asRaw();
    const lockable = (page: number) => {
      const vma = raw.lockVmaUnderRcu(mm, s.at(page));
      if (vma !== 0) raw.vmaEndRead(vma);
      return vma !== 0;
    };
    const guard = s.mm.mmapWriteLock();
    expect([lockable(0), lockable(4)]).toEqual([true, true]); // nothing is marked yet
    guard.mprotect(s.at(1), PAGE, 1);
    expect([lockable(0), lockable(1), lockable(2), lockable(4)]).toEqual([
      false,
      false,
      false,
      true,
    ]);
    guard.dispose(); // all marks fall at once
    expect([lockable(0), lockable(1), lockable(2), lockable(4)]).toEqual([true, true, true, true]);
  });

  test("downgrading drops the marks, too", async () => {
    const s = await sketch("WW");
    const { raw } = await attachSeat(s.engine);
    const guard = s.mm.mmapWriteLock();
    guard.mprotect(s.at(0), PAGE, 1);
    expect(raw.lockVmaUnderRcu(s.mm.asRaw(), s.at(0))).toBe(0);
    using read = guard.downgrade();
    const vma = raw.lockVmaUnderRcu(s.mm.asRaw(), s.at(0));
    expect(vma).not.toBe(0);
    raw.vmaEndRead(vma);
    expect(read.released).toBe(false);
  });

  test("counts success, miss and refusal", async () => {
    const s = await sketch("W");
    s.mm.lockVmaUnderRcu(s.at(0))?.dispose();
    s.mm.lockVmaUnderRcu(s.at(5));
    const { vmaLockSuccess, vmaLockMiss } = s.engine.stats().total;
    expect([vmaLockSuccess, vmaLockMiss]).toEqual([1, 1]);
  });
});

describe("a writer", () => {
  test("waits for the reader of the VMA it changes", async () => {
    const s = await sketch("WWW");
    await using thread = await Thread.start(s.engine);
    const guard = s.mm.lockVmaUnderRcu(s.at(0));
    const blocked = thread.run(["mprotect", s.mm.asRaw(), s.at(1), PAGE, 1]);
    expect(await settled(blocked)).toBe(false);
    expect(guard?.end).toBe(s.at(3)); // still whole while we look
    guard?.dispose();
    expect(await blocked).toBe(0);
    s.expect("WRW");
  });

  test("does not wait for the reader of another VMA", async () => {
    const s = await sketch("W.R");
    await using thread = await Thread.start(s.engine);
    using guard = s.mm.lockVmaUnderRcu(s.at(2));
    expect(await thread.run(["munmap", s.mm.asRaw(), s.at(0), PAGE])).toBe(0);
    expect(guard?.start).toBe(s.at(2));
  });

  test("that must not block gives up with nothing changed (-WOULD_BLOCK)", async () => {
    const s = await sketch("WWW", { engineOptions: { shared: false } });
    const before = s.mm.maps();
    const guard = s.mm.lockVmaUnderRcu(s.at(0));
    const { raw } = s.engine;
    const mm = s.mm.asRaw();
    expect(raw.munmap(mm, s.at(0), PAGE)).toBe(-512);
    expect(raw.mprotect(mm, s.at(1), PAGE, 1)).toBe(-512);
    expect(raw.exports.mm_fork(mm)).toBe(-512);
    guard?.dispose();
    expect(s.mm.maps()).toBe(before);
    expect(raw.munmap(mm, s.at(0), PAGE)).toBe(0);
    s.expect(".WW");
  });

  test("in the way of every call on one thread: nothing is changed, then it works", async () => {
    const s = await sketch("WWWRR.", { engineOptions: { shared: false } });
    const { raw } = s.engine;
    const mm = s.mm.asRaw();
    const calls: readonly (() => number)[] = [
      () => raw.mmap(mm, s.at(1), PAGE, 1, 0x32, 0, 0),
      () => raw.exports.mremap(mm, s.at(0), 3 * PAGE, 3 * PAGE, 3, s.at(9)),
      () => raw.exports.madvise(mm, s.at(1), PAGE, 10),
      () => raw.exports.mlock(mm, s.at(1), PAGE, 0),
      () => raw.exports.mlockall(mm, 1),
      () => raw.exports.munlockall(mm),
      () => raw.mseal(mm, s.at(1), PAGE, 0),
    ];
    for (const call of calls) {
      const before = s.mm.maps();
      const guard = s.mm.lockVmaUnderRcu(s.at(0));
      expect(call()).toBe(-512);
      guard?.dispose();
      expect(s.mm.maps()).toBe(before);
      expect(s.mm.validate()).toEqual([]);
    }
  });
});

describe("peek", () => {
  test("copies the largest values that there are as they are", async () => {
    const end = 2 ** 52;
    const s = await sketch("", { taskSize: end });
    const { raw } = s.engine;
    const mm = s.mm.asRaw();
    const [flags, pgoff] = [2 ** 42 + 0x73, 2 ** 52 - 1]; // sealed
    for (const [wrongFlags, wrongPgoff] of [
      [flags, 2 ** 52],
      [2 ** 52, pgoff],
    ] as const) {
      expect(raw.vmaInstall(mm, end - PAGE, end, wrongFlags, wrongPgoff, 0)).toBe(-22);
    }
    expect(raw.vmaInstall(mm, end - PAGE, end, flags, pgoff, 0)).toBe(0);
    const vma = raw.vmaLookup(mm, end - 1);
    const words = new Uint32Array(s.engine.memory.buffer);
    const poke = (offset: number, value: number) => {
      words[(vma + offset) / 4] = value;
    };
    // Records above 2 GiB, as an arena of 4 GiB has them.
    poke(ArenaVma.FILE, 2 ** 32 - 64);
    poke(ArenaVma.ANON_VMA, 2 ** 31 - 1);
    poke(ArenaVma.ANON_NAME, 2 ** 32 - 128);
    const copy = new Float64Array(VmaOut.COUNT);
    expect(raw.peek(mm, end - 1, copy)).toBe(1);
    const given = [end - PAGE, end, flags, pgoff, 2 ** 32 - 64, 2 ** 31 - 1, 2 ** 32 - 128];
    expect([...copy]).toEqual(given);
    raw.vmaRead(vma, copy);
    expect([...copy]).toEqual(given);
    for (const word of [ArenaVma.FILE, ArenaVma.ANON_VMA, ArenaVma.ANON_NAME]) poke(word, 0);
  });

  test("copies a VMA without a lock, also while a writer holds the space", async () => {
    const s = await sketch("WW.R");
    const out = new Float64Array(VmaOut.COUNT);
    const { raw } = s.engine;
    using guard = s.mm.mmapWriteLock();
    expect(raw.peek(s.mm.asRaw(), s.at(1), out)).toBe(1);
    expect([...out.slice(0, 2)]).toEqual([s.at(0), s.at(2)]);
    guard.mprotect(s.at(3), PAGE, 3);
    expect(raw.peek(s.mm.asRaw(), s.at(1), out)).toBe(1);
  });

  test("is -EAGAIN for a VMA under change, never torn", async () => {
    const s = await sketch("WW");
    const { raw } = await attachSeat(s.engine);
    const guard = s.mm.mmapWriteLock();
    guard.mprotect(s.at(0), PAGE, 1);
    expect(raw.peek(s.mm.asRaw(), s.at(0))).toBe(-11);
    expect(raw.peek(s.mm.asRaw(), s.at(5))).toBe(-11); // "nothing there" could be stale
    guard.dispose();
    expect(raw.peek(s.mm.asRaw(), s.at(0))).toBe(1);
    expect(raw.peek(s.mm.asRaw(), s.at(5))).toBe(0);
  });

  test("sees records used again by another space as gone", async () => {
    const s = await sketch("W");
    const vma = s.engine.raw.vmaLookup(s.mm.asRaw(), s.at(0));
    s.munmap(0);
    const other = await sketch("R", { engine: s.engine });
    expect(s.engine.raw.vmaLookup(other.mm.asRaw(), other.at(0))).toBe(vma); // the same record
    expect(s.engine.raw.peek(s.mm.asRaw(), s.at(0))).toBe(0);
    expect(s.mm.lockVmaUnderRcu(s.at(0))).toBeNull();
  });
});
