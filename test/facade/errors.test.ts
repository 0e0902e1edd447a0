// MmError, argument checks, and arenas that are full.

import { describe, expect, test } from "vitest";
import {
  MapFlags,
  MmError,
  type MmWithUser,
  NotThreadSafeError,
  Prot,
  WouldBlockError,
} from "../../src/index.js";
import { BASE, draw, freshEngine, PAGE, PRIVATE_ANON, RW } from "../support/engine.js";

function caught(use: () => unknown): MmError {
  try {
    use();
  } catch (error) {
    if (error instanceof MmError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

describe("MmError", () => {
  test("has code, errno, syscall and arguments", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    const error = caught(() => mm.munmap(1, PAGE));
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: "MmError", code: "EINVAL", errno: 22, syscall: "munmap" });
    expect(error.args).toEqual({ address: 1, length: PAGE });
    expect(error.message).toBe("EINVAL: munmap(address=0x1, length=0x1000): invalid argument");
  });

  test.each<[string, (mm: MmWithUser) => unknown]>([
    ["EINVAL", (mm) => mm.mmap({ length: 0, prot: RW, flags: PRIVATE_ANON })],
    ["EINVAL", (mm) => mm.mmap({ length: PAGE, prot: RW, flags: MapFlags.ANONYMOUS })],
    ["EINVAL", (mm) => mm.mmap({ length: PAGE, prot: RW, flags: PRIVATE_ANON, offset: 1 })],
    ["EBADF", (mm) => mm.mmap({ length: PAGE, prot: RW, flags: MapFlags.PRIVATE })],
    ["EBADF", (mm) => mm.mmap({ length: 0, prot: RW, flags: MapFlags.PRIVATE })],
    ["ENOMEM", (mm) => mm.mmap({ length: 2 ** 48, prot: RW, flags: PRIVATE_ANON })],
    ["ENOMEM", (mm) => mm.mmap({ length: 2n ** 64n - 1n, prot: RW, flags: PRIVATE_ANON })],
    [
      "EPERM",
      (mm) =>
        mm.mmap({ address: PAGE, length: PAGE, prot: RW, flags: PRIVATE_ANON | MapFlags.FIXED }),
    ],
    [
      "EEXIST",
      (mm) =>
        mm.mmap({
          address: BASE,
          length: PAGE,
          prot: RW,
          flags: PRIVATE_ANON | MapFlags.FIXED_NOREPLACE,
        }),
    ],
    ["EINVAL", (mm) => mm.munmap(BASE, 0)],
    ["EINVAL", (mm) => mm.munmap(2n ** 63n, 1)],
    ["ENOMEM", (mm) => mm.mprotect(0, PAGE, 1)],
    ["EINVAL", (mm) => mm.mprotect(BASE, PAGE, 0x80)],
    ["EFAULT", (mm) => mm.mremap({ address: 0, oldLength: PAGE, newLength: PAGE })],
    ["EINVAL", (mm) => mm.mremap({ address: BASE, oldLength: PAGE, newLength: 0 })],
    ["EINVAL", (mm) => mm.mremap({ address: BASE, oldLength: PAGE, newLength: PAGE, flags: 64 })],
    ["EINVAL", (mm) => mm.madvise(BASE, PAGE, 99)],
    ["ENOMEM", (mm) => mm.madvise(0, PAGE, 0)],
    ["EINVAL", (mm) => mm.mlock(BASE, PAGE, 2)],
    ["ENOMEM", (mm) => mm.mlock(0, PAGE)],
    ["ENOMEM", (mm) => mm.munlock(0, PAGE)],
    ["EINVAL", (mm) => mm.mlockall(0)],
    ["EINVAL", (mm) => mm.msync(BASE, PAGE, 5)],
    ["ENOMEM", (mm) => mm.msync(0, PAGE, 4)],
    ["EINVAL", (mm) => mm.mincore(1, PAGE)],
    ["ENOMEM", (mm) => mm.mincore(0, PAGE)],
    ["EINVAL", (mm) => mm.mseal(1, PAGE)],
    ["ENOMEM", (mm) => mm.mseal(0, PAGE)],
  ])("%s, case %#", async (code, use) => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    draw(mm, "W");
    const before = mm.maps();
    expect(caught(() => use(mm)).code).toBe(code);
    expect(mm.maps()).toBe(before);
    expect(mm.validate()).toEqual([]);
    using lock = mm.mmapWriteTrylock();
    expect(lock).not.toBeNull();
  });

  test("a file's own errnos", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    const map = (options: object, flags: number, prot: number) => {
      using file = engine.openFile({ name: "/f", size: PAGE, ...options });
      return caught(() => mm.mmap({ address: BASE, length: PAGE, prot, flags, file })).code;
    };
    expect(map({ writable: false }, MapFlags.SHARED, RW)).toBe("EACCES");
    expect(map({ readable: false }, MapFlags.PRIVATE, Prot.READ)).toBe("EACCES");
    expect(map({ mappable: false }, MapFlags.PRIVATE, Prot.READ)).toBe("ENODEV");
    expect(map({ noexec: true }, MapFlags.PRIVATE, Prot.EXEC)).toBe("EPERM");
    expect(map({ sealed: true, kind: "shmem" }, MapFlags.SHARED, RW)).toBe("EPERM");
    expect(map({ swapfile: true }, MapFlags.SHARED, RW)).toBe("ETXTBSY");
    expect(map({ append: true }, MapFlags.SHARED, RW)).toBe("EACCES");
    const flags = MapFlags.SHARED_VALIDATE | MapFlags.FIXED_NOREPLACE;
    expect(map({}, flags, Prot.READ)).toBe("EOPNOTSUPP");
    expect(engine.stats().memory.kinds.file.live).toBe(0);
  });

  test("brk never fails: it returns the break that is", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    const start = mm.brk();
    expect(mm.brk(start + PAGE + 1)).toBe(start + PAGE + 1);
    expect(mm.brk(0)).toBe(start + PAGE + 1);
    expect(mm.brk(2n ** 64n - 1n)).toBe(start + PAGE + 1);
  });
});

describe("malformed arguments", () => {
  test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -1n, 2n ** 64n])(
    "%s is a RangeError everywhere",
    async (bad) => {
      const engine = await freshEngine();
      using mm = engine.createMm();
      draw(mm, "W");
      using guard = mm.mmapReadLock();
      const spare = engine.createMm();
      for (const use of [
        () => spare.mmap({ address: bad, length: PAGE, prot: RW, flags: PRIVATE_ANON }),
        () => spare.mmap({ length: bad, prot: RW, flags: PRIVATE_ANON }),
        () => spare.mmap({ length: PAGE, prot: RW, flags: PRIVATE_ANON, offset: bad }),
        () => spare.munmap(bad, PAGE),
        () => spare.munmap(0, bad),
        () => spare.mprotect(bad, PAGE, 0),
        () => spare.mremap({ address: 0, oldLength: bad, newLength: 1 }),
        () => spare.mremap({ address: 0, oldLength: 1, newLength: bad }),
        () => spare.brk(bad),
        () => spare.madvise(0, bad, 0),
        () => spare.mlock(bad, 1),
        () => spare.munlock(bad, 1),
        () => spare.msync(bad, 1, 4),
        () => spare.mincore(bad, 1),
        () => spare.mseal(bad, 1),
        () => spare.handleMmFault(bad, "read"),
        () => spare.lockVmaUnderRcu(bad),
        () => spare.peek(bad),
        () => guard.vmaLookup(bad),
        () => guard.findVma(bad),
        () => [...guard.vmas(bad)],
        () => engine.createMm({ taskSize: bad }),
        () => engine.openFile({ name: "/f", size: bad }),
      ]) {
        expect(use).toThrow(RangeError);
      }
      spare.dispose();
    },
  );

  test.each([2 ** 32, -(2 ** 31) - 1, 0.5, Number.NaN])(
    "flag word %s is a RangeError",
    async (bad) => {
      const engine = await freshEngine();
      using mm = engine.createMm();
      expect(() => mm.mmap({ length: PAGE, prot: bad, flags: PRIVATE_ANON })).toThrow(RangeError);
      expect(() => mm.mmap({ length: PAGE, prot: RW, flags: bad })).toThrow(RangeError);
      expect(() => mm.mprotect(BASE, PAGE, bad)).toThrow(RangeError);
      expect(() => mm.madvise(BASE, PAGE, bad)).toThrow(RangeError);
    },
  );

  test("what is no number at all is a TypeError", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    expect(() => mm.munmap("4096" as unknown as number, 1)).toThrow(TypeError);
    expect(() => mm.munmap(0, undefined as unknown as number)).toThrow(TypeError);
    expect(() => mm.handleMmFault(0, "jump" as "read")).toThrow(TypeError);
    const file = {} as never;
    expect(() => mm.mmap({ length: 1, prot: 0, flags: 2, file })).toThrow(TypeError);
  });

  test("a file of another engine is a TypeError", async () => {
    const engine = await freshEngine();
    const other = await freshEngine();
    using mm = engine.createMm();
    using file = other.openFile({ name: "/f" });
    expect(() => mm.mmap({ length: PAGE, prot: 1, flags: 2, file })).toThrow(/another engine/);
  });
});

describe("a full arena", () => {
  test("is ENOMEM, changes nothing, and recovers", async () => {
    const engine = await freshEngine({ memoryBytes: 4 * 65536, maxWorkers: 1 });
    using mm = engine.createMm();
    const flags = PRIVATE_ANON | MapFlags.FIXED;
    let pages = 0;
    const grow = () => {
      mm.mmap({ address: BASE + 2 * pages * PAGE, length: PAGE, prot: RW, flags });
      pages++;
    };
    const error = caught(() => {
      for (;;) grow();
    });
    expect(error.code).toBe("ENOMEM");
    expect(pages).toBeGreaterThan(100);
    const before = mm.maps();
    expect(mm.vmas()).toHaveLength(pages);
    expect(caught(grow).code).toBe("ENOMEM");
    expect(caught(() => mm.fork()).code).toBe("ENOMEM");
    expect(mm.maps()).toBe(before);
    expect(mm.validate()).toEqual([]);
    mm.munmap(BASE, 64 * PAGE);
    expect(mm.validate()).toEqual([]);
    pages = 0;
    grow();
  });

  test("createMm and openFile fail with ENOMEM too", async () => {
    const engine = await freshEngine({ memoryBytes: 4 * 65536, maxWorkers: 1 });
    const spaces: MmWithUser[] = [];
    const error = caught(() => {
      for (;;) spaces.push(engine.createMm());
    });
    expect(error).toMatchObject({ code: "ENOMEM", syscall: "createMm" });
    const name = "n".repeat(4096);
    expect(caught(() => engine.openFile({ name }))).toMatchObject({
      code: "ENOMEM",
      syscall: "openFile",
    });
    expect(() => engine.openFile({ name: `${name}n` })).toThrow(RangeError);
    for (const mm of spaces) mm.dispose();
    engine.createMm().dispose();
  });
});

describe("classes", () => {
  test("WouldBlockError is an MmError with a code of its own", () => {
    const error = new WouldBlockError("mmapReadLock");
    expect(error).toBeInstanceOf(MmError);
    expect(error).toMatchObject({ code: "EWOULDBLOCK", errno: 11, name: "WouldBlockError" });
  });

  test("NotThreadSafeError is a TypeError", () => {
    expect(new NotThreadSafeError("x")).toBeInstanceOf(TypeError);
  });
});
