// mm/mmap_lock.ts: the mmap lock and its sequence count (S1, S2; R-LOCK-20..37).

import { describe, expect, test } from "vitest";
import { outcome, type Sketch, sketch } from "../../../support/drawing.js";
import { attachSeat, PAGE, PRIVATE_ANON } from "../../../support/engine.js";

const sequence = (s: Sketch) => s.mm.stat().sequence;

describe("mm_lock_seq", () => {
  test("is odd exactly while the lock is held for writing (S1)", async () => {
    const s = await sketch("");
    expect(sequence(s) % 2).toBe(0);
    const guard = s.mm.mmapWriteLock();
    expect(sequence(s) % 2).toBe(1);
    const read = guard.downgrade();
    expect(sequence(s) % 2).toBe(0);
    read.dispose();
    expect(sequence(s) % 2).toBe(0);
  });

  test("every section has a number of its own; readers move nothing", async () => {
    const s = await sketch("");
    const before = sequence(s);
    s.mm.mmapReadLock().dispose();
    s.mm.lockVmaUnderRcu(s.at(0));
    s.mm.peek(s.at(0));
    expect(sequence(s)).toBe(before);
    for (let i = 1; i <= 5; i++) {
      s.mm.mmapWriteLock().dispose();
      expect(sequence(s)).toBe(before + 2 * i);
    }
  });

  test("every call that may change the space moves it", async () => {
    const s = await sketch("WW");
    const moves = (call: () => unknown) => {
      const before = sequence(s);
      call();
      return sequence(s) !== before;
    };
    expect(moves(() => s.munmap(0))).toBe(true);
    expect(moves(() => s.mprotect(1, 1, 1))).toBe(true);
    expect(moves(() => s.mm.brk())).toBe(true);
    expect(moves(() => s.touch(1, "read"))).toBe(false);
    expect(moves(() => s.mm.msync(s.at(1), PAGE, 0))).toBe(false);
  });
});

describe("every way out lets the lock go", () => {
  test.each<[string, string, (s: Sketch) => unknown]>([
    ["munmap", "EINVAL", (s) => s.mm.munmap(s.at(0) + 1, PAGE)],
    ["mmap", "EINVAL", (s) => s.mm.mmap({ length: 0, prot: 0, flags: PRIVATE_ANON })],
    ["mprotect", "ENOMEM", (s) => s.mprotect(5, 1, 1)],
    ["mremap", "EFAULT", (s) => s.resize(5, 1, 2)],
    ["madvise", "EINVAL", (s) => s.madvise(0, 1, 999)],
    ["mlock", "ENOMEM", (s) => s.mm.mlock(s.at(5), PAGE)],
    ["munlock", "ENOMEM", (s) => s.mm.munlock(s.at(5), PAGE)],
    ["mlockall", "EINVAL", (s) => s.mm.mlockall(0)],
    ["msync", "ENOMEM", (s) => s.mm.msync(s.at(5), PAGE, 4)],
    ["mincore", "ENOMEM", (s) => s.mm.mincore(s.at(5), PAGE)],
    ["mseal", "ENOMEM", (s) => s.mm.mseal(s.at(5), PAGE)],
  ])("%s failing with %s (B007)", async (_name, code, call) => {
    const s = await sketch("W");
    expect(outcome(() => call(s))).toBe(code);
    const { raw } = await attachSeat(s.engine);
    expect(raw.mmapWriteTrylock(s.mm.asRaw())).toBe(1); // at once, from another worker
    raw.mmapWriteUnlock(s.mm.asRaw());
    expect(sequence(s) % 2).toBe(0);
    expect(raw.exports.mmap_lock_is_contended(s.mm.asRaw())).toBe(0);
  });

  test("a fault without a mapping, and a fork that fails", async () => {
    const s = await sketch("W");
    s.touch(9);
    s.engine.raw.exports.fail_after(1);
    expect(outcome(() => s.mm.fork())).toBe("ENOMEM");
    expect(s.mm.mmapWriteTrylock()?.dispose()).toBeUndefined();
    s.expect("W");
  });
});

test("two spaces have two locks", async () => {
  const s = await sketch("W");
  const other = await sketch("R", { engine: s.engine });
  using guard = s.mm.mmapWriteLock();
  other.mprotect(0, 1, 3);
  guard.mprotect(s.at(0), PAGE, 1);
  other.expect("W");
});

test("counts how often it was taken, and waited for", async () => {
  const s = await sketch("W");
  const taken = () => {
    const { mmapLockRead, mmapLockWrite, mmapLockWriteContended } = s.engine.stats().total;
    return [mmapLockRead, mmapLockWrite, mmapLockWriteContended];
  };
  const [read = 0, write = 0, contended = 0] = taken();
  s.mm.mmapReadLock().dispose();
  s.mm.mmapWriteLock().dispose();
  s.mprotect(0, 1, 1);
  expect(taken()).toEqual([read + 1, write + 2, contended]);
});

test("a write lock released by another seat traps in the verify build (S2)", async () => {
  const s = await sketch("W");
  const { raw } = await attachSeat(s.engine);
  expect(s.engine.raw.mmapWriteLock(s.mm.asRaw())).toBe(0);
  expect(() => raw.mmapWriteUnlock(s.mm.asRaw())).toThrow(WebAssembly.RuntimeError);
  s.engine.raw.mmapWriteUnlock(s.mm.asRaw());
  s.expect("W");
});
