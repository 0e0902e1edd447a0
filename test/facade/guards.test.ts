// References and guards: what Rust proves at compile time, refused here at run time.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import {
  Mm,
  MmapReadGuard,
  MmapWriteGuard,
  MmWithUser,
  MmWithUserAsync,
  type VmaReadGuard,
  VmFlags,
} from "../../src/index.js";
import {
  attachSeat,
  BASE,
  draw,
  expectMap,
  freshEngine,
  PAGE,
  PRIVATE_ANON,
  RW,
} from "../support/engine.js";

describe("references", () => {
  test("clone is one more user, dispose one less, idempotently", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    const other = mm.clone();
    expect(other).toBeInstanceOf(MmWithUser);
    expect(mm.mmUsers).toBe(2);
    other.dispose();
    other.dispose();
    expect(mm.mmUsers).toBe(1);
    expect(() => other.maps()).toThrow(TypeError);
  });

  test("an Mm keeps the record, not the space", async () => {
    const engine = await freshEngine();
    const mm = engine.createMm();
    draw(mm, "WWW");
    using struct = mm.mmgrab();
    expect(struct).not.toBeInstanceOf(MmWithUser);
    expect(mm.mmCount).toBe(2);
    {
      using user = struct.mmgetNotZero();
      expect(user?.vmas()).toHaveLength(1);
      expect(mm.mmUsers).toBe(2);
    }
    mm.dispose();
    expect(struct.mmUsers).toBe(0);
    expect(struct.mmCount).toBe(1);
    expect(struct.mmgetNotZero()).toBeNull();
    expect(engine.stats().memory.kinds.vma.live).toBe(0);
    using more = struct.clone();
    expect(more.asRaw()).toBe(struct.asRaw());
  });

  test("a borrowed handle takes no count, and its dispose does nothing", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    const borrowed = Mm.fromRaw(engine, mm.asRaw());
    expect(borrowed.borrowed).toBe(true);
    borrowed.dispose();
    borrowed.dispose();
    expect(borrowed.mmCount).toBe(1);
    {
      using owned = borrowed.clone();
      expect(owned.mmCount).toBe(2);
    }
    const user = MmWithUser.fromRaw(engine, mm.asRaw());
    user.dispose();
    expect(user.mmUsers).toBe(1);
  });

  test.each([0, -1, 1.5, 4096, 2 ** 40, Number.NaN])("fromRaw(%s) is refused", async (raw) => {
    const engine = await freshEngine();
    expect(() => Mm.fromRaw(engine, raw)).toThrow(TypeError);
  });

  test("fromRaw of a space without users is refused", async () => {
    const engine = await freshEngine();
    const mm = engine.createMm();
    using struct = mm.mmgrab();
    mm.dispose();
    expect(() => MmWithUser.fromRaw(engine, struct.asRaw())).toThrow(/no users/);
    expect(Mm.fromRaw(engine, struct.asRaw()).mmUsers).toBe(0);
  });

  test("intoMmputAsync consumes the handle; the last one's teardown is deferred", async () => {
    const engine = await freshEngine();
    const mm = engine.createMm();
    draw(mm, "WWW");
    const later = mm.intoMmputAsync();
    expect(later).toBeInstanceOf(MmWithUserAsync);
    expect(mm.disposed).toBe(true);
    expect(later.mmUsers).toBe(1);
    using struct = later.mmgrab();
    later.dispose();
    expect(struct.mmUsers).toBe(0);
    expect(engine.stats().memory.kinds.vma.live).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(engine.stats().memory.kinds.vma.live).toBe(0);
  });

  test("runDeferred does it at once, and counts", async () => {
    const engine = await freshEngine();
    engine.createMm().intoMmputAsync().dispose();
    engine.createMm().intoMmputAsync().dispose();
    expect(engine.runDeferred()).toBe(2);
    expect(engine.runDeferred()).toBe(0);
  });

  test("fork is a space of its own", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    draw(mm, "WWR");
    using child = mm.fork();
    mm.munmap(BASE, PAGE);
    expectMap(mm, ".W|R");
    expectMap(child, "WW|R");
  });
});

describe("guards", () => {
  test("an mm with live guards cannot be disposed", async () => {
    const engine = await freshEngine();
    const mm = engine.createMm();
    draw(mm, "W");
    for (const take of [
      () => mm.mmapReadLock(),
      () => mm.mmapWriteLock(),
      () => mm.lockVmaUnderRcu(BASE) as VmaReadGuard,
    ]) {
      const guard = take();
      expect(() => mm.dispose()).toThrow(/guards are held/);
      expect(() => mm.intoMmputAsync()).toThrow(TypeError);
      guard.dispose();
    }
    mm.dispose();
    expect(engine.stats().memory.kinds.mm.live).toBe(0);
  });

  test("a released guard and its VmaRefs throw TypeError", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    draw(mm, "WR");
    const guard = mm.mmapReadLock();
    const vma = guard.vmaLookup(BASE);
    const file = vma?.file;
    expect(file).toBeNull();
    expect(vma?.start).toBe(BASE);
    guard.dispose();
    guard.dispose();
    expect(guard.released).toBe(true);
    for (const use of [
      () => guard.vmaLookup(BASE),
      () => guard.findVma(BASE),
      () => [...guard.vmas()],
      () => [...guard.gaps()],
      () => guard.mm(),
      () => vma?.start,
      () => vma?.end,
      () => vma?.flags,
      () => vma?.pgoff,
      () => vma?.file,
      () => vma?.name,
      () => vma?.mm(),
      () => vma?.asPtr(),
      () => vma?.snapshot(),
      () => vma?.zapPageRangeSingle(BASE, PAGE),
    ]) {
      expect(use).toThrow(TypeError);
    }
  });

  test("a VmaRef dies at the next change through its write guard", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    draw(mm, "WWW");
    using guard = mm.mmapWriteLock();
    const vma = guard.vmaLookup(BASE);
    guard.munmap(BASE, 3 * PAGE);
    expect(() => vma?.start).toThrow(/change through its write guard/);
    expect(guard.vmaLookup(BASE)).toBeNull();
  });

  test("borrowed handles die with the guard", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    using file = engine.openFile({ name: "/f", size: PAGE });
    const at = mm.mmap({ length: PAGE, prot: 1, flags: 2, file });
    const guard = mm.mmapReadLock();
    const vma = guard.vmaLookup(at);
    const [through, space] = [vma?.file, vma?.mm()];
    expect(through?.name).toBe("/f");
    expect(space?.mmUsers).toBe(1);
    using kept = through?.clone();
    guard.dispose();
    expect(() => through?.name).toThrow(TypeError);
    expect(() => space?.mmUsers).toThrow(TypeError);
    expect(kept?.asRaw()).toBe(file.asRaw());
  });

  test("a VmaReadGuard has every member of VmaRef, until release", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    draw(mm, "WW.");
    const guard = mm.lockVmaUnderRcu(BASE + PAGE + 5) as VmaReadGuard;
    expect([guard.start, guard.end, guard.file, guard.name]).toEqual([
      BASE,
      BASE + 2 * PAGE,
      null,
      null,
    ]);
    expect(guard.flags & VmFlags.WRITE).toBeTruthy();
    expect(guard.pgoff).toBe(BASE / PAGE);
    expect(guard.mm().asRaw()).toBe(mm.asRaw());
    guard.zapPageRangeSingle(0, 2 ** 50); // outside: ignored, as in Linux
    expect(() => guard.zapPageRangeSingle(-1, 1)).toThrow(RangeError);
    guard.dispose();
    guard.dispose();
    expect(() => guard.start).toThrow(TypeError);
    expect(mm.lockVmaUnderRcu(BASE + 2 * PAGE)).toBeNull();
  });

  test("perVmaLock: false makes lockVmaUnderRcu null", async () => {
    const engine = await freshEngine({ perVmaLock: false });
    using mm = engine.createMm();
    draw(mm, "W");
    expect(mm.lockVmaUnderRcu(BASE)).toBeNull();
    expect(mm.handleMmFault(BASE, "read")).toMatchObject({ ok: true, viaMmapLock: true });
  });

  test("the write guard has the system calls, in one step for others", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    draw(mm, "WWWWWW");
    {
      using guard = mm.mmapWriteLock();
      guard.munmap(BASE, PAGE);
      guard.mprotect(BASE + PAGE, PAGE, 1);
      guard.mmap({ address: BASE, length: PAGE, prot: 1, flags: PRIVATE_ANON | 0x10 });
      guard.madvise(BASE + 3 * PAGE, PAGE, 10);
      guard.mlock(BASE + 4 * PAGE, PAGE);
      guard.munlock(BASE + 4 * PAGE, PAGE);
      guard.mlockall(1);
      guard.munlockall();
      guard.msync(BASE, PAGE, 4);
      expect(guard.mincore(BASE, 2 * PAGE)).toEqual(new Uint8Array(2));
      expect(guard.brk()).toBe(mm.stat().brk);
      expect(guard.brk(guard.brk() + PAGE)).toBe(mm.stat().startBrk + PAGE);
      expect(guard.handleMmFault(BASE + PAGE, "write").outcome).toBe("SEGV_ACCERR");
      const to = guard.mremap({
        address: BASE + 5 * PAGE,
        oldLength: PAGE,
        newLength: 2 * PAGE,
        flags: 1,
      });
      expect(to).toBe(BASE + 5 * PAGE);
      using child = guard.fork();
      expect(child.vmas()).toHaveLength(mm.vmas().length - 1); // MADV_DONTFORK
      guard.mseal(BASE + 6 * PAGE, PAGE);
      expect(mm.validate()).toEqual([]);
    }
    expect(mm.validate()).toEqual([]);
  });

  test("downgrade keeps the lock, for reading, and consumes the guard", async () => {
    const engine = await freshEngine();
    const other = await attachSeat(engine);
    using mm = engine.createMm();
    draw(mm, "W");
    const seen = MmWithUser.fromRaw(other, mm.asRaw());
    const write = mm.mmapWriteLock();
    expect(seen.mmapReadTrylock()).toBeNull();
    const read = write.downgrade();
    expect(read).toBeInstanceOf(MmapReadGuard);
    expect(read).not.toBeInstanceOf(MmapWriteGuard);
    expect(() => write.munmap(BASE, PAGE)).toThrow(TypeError);
    write.dispose();
    expect(read.vmaLookup(BASE)?.end).toBe(BASE + PAGE);
    seen.mmapReadTrylock()?.dispose();
    expect(seen.mmapWriteTrylock()).toBeNull();
    read.dispose();
    seen.mmapWriteTrylock()?.dispose();
  });

  test("look-ups", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm({ taskSize: BASE + 16 * PAGE });
    draw(mm, "WW.R.X");
    using guard = mm.mmapReadLock();
    expect(guard.vmaLookup(BASE + 2 * PAGE)).toBeNull();
    expect(guard.vmaLookup(BASE + 2 * PAGE - 1)?.start).toBe(BASE);
    expect(guard.findVma(BASE + 2 * PAGE)?.start).toBe(BASE + 3 * PAGE);
    expect(guard.findVma(BASE + 6 * PAGE)).toBeNull();
    expect(guard.vmaLookup(2n ** 64n - 1n)).toBeNull();
    expect(guard.vmaLookup(BigInt(BASE))?.start).toBe(BASE);
    expect([...guard.vmas(BASE + 2 * PAGE)].map((vma) => vma.start)).toEqual([
      BASE + 3 * PAGE,
      BASE + 5 * PAGE,
    ]);
    const gap = (first: number, end: number) => ({
      start: BASE + first * PAGE,
      end: BASE + end * PAGE,
    });
    expect([...guard.gaps(BASE)]).toEqual([gap(2, 3), gap(4, 5), gap(6, 16)]);
    expect([...guard.gaps(BASE + PAGE, BASE + 5 * PAGE)]).toEqual([gap(2, 3), gap(4, 5)]);
    expect([...guard.gaps(BASE, BASE)]).toEqual([]);
  });

  test("vmas goes on after a change through the write guard", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    draw(mm, "W.R.X");
    using guard = mm.mmapWriteLock();
    for (const vma of guard.vmas()) guard.munmap(vma.start, vma.end - vma.start);
    expect([...guard.vmas()]).toEqual([]);
  });
});

describe("recursion is refused, not deadlocked", () => {
  test("while the read lock is held", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    using twin = mm.clone();
    draw(mm, "W");
    using _guard = mm.mmapReadLock();
    for (const use of waitingCalls(mm))
      expect(use).toThrow(/this worker holds the mmap lock for reading/);
    expect(() => twin.mmapReadLock()).toThrow(/holds the mmap lock/);
    expect(mm.mmapWriteTrylock()).toBeNull();
    using second = mm.mmapReadTrylock(); // does not wait, so it may
    expect(second).not.toBeNull();
    mm.lockVmaUnderRcu(BASE)?.dispose();
    expect(mm.maps()).toContain("rw-p"); // under the lock that is held
    expect(mm.vmas()).toHaveLength(1);
    expect(mm.validate()).toEqual([]);
    expect(mm.peek(BASE)?.start).toBe(BASE);
  });

  test("while the write lock is held", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    draw(mm, "W");
    using guard = mm.mmapWriteLock();
    for (const use of waitingCalls(mm))
      expect(use).toThrow(/this worker holds the mmap lock for writing/);
    expect(mm.mmapReadTrylock()).toBeNull();
    expect(mm.mmapWriteTrylock()).toBeNull();
    expect(mm.validate()).toEqual([]);
    expect(engine.validate()).toEqual([]);
    expect(guard.mm()).toBe(mm);
  });

  test("while a VMA read guard is held", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    draw(mm, "W");
    using _vma = mm.lockVmaUnderRcu(BASE);
    for (const use of waitingCalls(mm)) expect(use).toThrow(/VMA read guard/);
    mm.mmapReadTrylock()?.dispose();
    using write = mm.mmapWriteTrylock();
    expect(() => write?.munmap(BASE, PAGE)).toThrow(/VMA read guard/);
  });

  test("another space is another matter", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    using other = engine.createMm();
    using _guard = mm.mmapWriteLock();
    draw(other, "W");
    expect(other.vmas()).toHaveLength(1);
  });
});

function waitingCalls(mm: MmWithUser): (() => unknown)[] {
  return [
    () => mm.mmapReadLock(),
    () => mm.mmapWriteLock(),
    () => mm.mmap({ length: PAGE, prot: RW, flags: PRIVATE_ANON }),
    () => mm.munmap(BASE, PAGE),
    () => mm.mprotect(BASE, PAGE, 1),
    () => mm.mremap({ address: BASE, oldLength: PAGE, newLength: PAGE }),
    () => mm.brk(),
    () => mm.madvise(BASE, PAGE, 0),
    () => mm.mlock(BASE, PAGE),
    () => mm.munlock(BASE, PAGE),
    () => mm.mlockall(1),
    () => mm.munlockall(),
    () => mm.msync(BASE, PAGE, 4),
    () => mm.mincore(BASE, PAGE),
    () => mm.mseal(BASE, PAGE),
    () => mm.fork(),
    () => mm.handleMmFault(BASE, "read"),
  ];
}

describe("nothing leaves by structured clone", () => {
  test.each([
    ["Mm", (mm: MmWithUser) => mm.mmgrab()],
    ["MmWithUser", (mm: MmWithUser) => mm.clone()],
    ["MmapReadGuard", (mm: MmWithUser) => mm.mmapReadLock()],
    ["MmapWriteGuard", (mm: MmWithUser) => mm.mmapWriteLock()],
    ["VmaReadGuard", (mm: MmWithUser) => mm.lockVmaUnderRcu(BASE) as VmaReadGuard],
  ])("%s", async (_name, make) => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    draw(mm, "W");
    using it = make(mm);
    expect(() => structuredClone(it)).toThrow(/could not be cloned/);
    const { port1 } = new MessageChannel();
    expect(() => port1.postMessage({ nested: [it] })).toThrow(/could not be cloned/);
    port1.close();
  });
});

describe("leaks", () => {
  test("a collected handle is reported, with its place in debug engines, and not unlocked", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const leaks: string[] = [];
    const engine = await freshEngine({
      debug: true,
      onLeak: (leak) => leaks.push(`${leak.kind} ${leak.stack}`),
    });
    using mm = engine.createMm();
    (() => mm.clone())();
    for (let i = 0; i < 20 && leaks.length === 0; i++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      collect();
    }
    expect(leaks[0]).toMatch(/^MmWithUser .*guards\.test/s);
    expect(mm.mmUsers).toBe(2);
  });
});
