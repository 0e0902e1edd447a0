// exec: what execve(2) leaves (R-EXEC-1), as Linux 6.18.44 showed it without randomisation.

import fc from "fast-check";
import { expect, test } from "vitest";
import { MapFlags, MlockFlags, MmError, type MmOptions, Prot } from "../../src/index.js";
import { exec, setRlimits } from "../../src/process.js";
import { BASE, draw, freshEngine, liveObjects, PAGE, PRIVATE_ANON, RW } from "../support/engine.js";

const STACK_SMAPS = "VmFlags: rd wr mr mw me gd ac \n";

test("one stack of 132 KiB at the end of the task, written to", async () => {
  const engine = await freshEngine();
  using mm = engine.createMm();
  draw(mm, "WRX");
  using next = exec(mm);
  expect(next.maps()).toBe(
    "7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0                          [stack]\n",
  );
  expect(next.smaps()).toContain("Size:                132 kB\n");
  expect(next.smaps().endsWith(STACK_SMAPS)).toBe(true);
  expect(next.vmas()[0]?.anonVma).not.toBe(0);
  expect(next.vmas()[0]?.pgoff).toBe(0x7ffffffde000 / PAGE);
  expect(next.stat()).toMatchObject({ mapCount: 1, totalVm: 33, stackVm: 33, dataVm: 0 });
  expect(next.brk()).toBe(mm.stat().startBrk);
  expect(mm.vmas()).toHaveLength(3); // the old one is the caller's to put
  expect([next.mmUsers, next.mmCount, mm.mmUsers]).toEqual([1, 1, 1]);
});

test("gone: VMAs, seals, names, what mlockall asked, READ_IMPLIES_EXEC", async () => {
  const engine = await freshEngine();
  using mm = engine.createMm({ capIpcLock: true, readImpliesExec: true });
  draw(mm, "WW");
  mm.setVmaName(BASE, PAGE, "n");
  mm.mlockall(MlockFlags.CURRENT | MlockFlags.FUTURE);
  mm.mseal(BASE, 2 * PAGE);
  using next = exec(mm);
  expect(next.stat().lockedVm).toBe(0);
  draw(next, "WR");
  expect(next.vmas().map(({ flags }) => flags % 8)).toEqual([3, 1, 3]);
  expect(next.stat().lockedVm).toBe(0);
  next.munmap(BASE, 2 * PAGE);
  expect(next.vmas()).toHaveLength(1);
  using old = exec(mm, { readImpliesExec: true });
  draw(old, "R");
  expect(old.vmas()[0]!.flags % 8).toBe(5);
});

test("the new stack grows, and the heap starts where it is told", async () => {
  const engine = await freshEngine();
  using mm = engine.createMm();
  using next = exec(mm, { startBrk: BASE, dataSegment: 3 * PAGE });
  const stack = next.vmas()[0]!;
  expect(next.handleMmFault(stack.start - PAGE, "write")).toMatchObject({ grewStack: true });
  expect(next.brk(BASE + PAGE)).toBe(BASE + PAGE);
  expect(next.vmas().map(({ name }) => name)).toEqual(["[heap]", "[stack]"]);
  setRlimits(next, { data: 4 * PAGE });
  expect(next.brk(BASE + 2 * PAGE)).toBe(BASE + PAGE);
});

test("RLIMIT_STACK below 132 KiB: what it leaves, whole pages, at least the arguments", async () => {
  const engine = await freshEngine();
  const length = (stack: number) => {
    using mm = engine.createMm({ rlimits: { stack } });
    using next = exec(mm);
    const { start, end } = next.vmas()[0]!;
    return (end - start) / PAGE;
  };
  expect([2 ** 20, 33 * PAGE, 32 * PAGE + 1, PAGE, 0].map(length)).toEqual([33, 33, 32, 1, 1]);
});

// Asked of Linux: below that a program dies of SIGSEGV before its first instruction.
test("RLIMIT_AS below the stack's 33 pages is ENOMEM", async () => {
  const engine = await freshEngine();
  const under = (as: number, stack = 2 ** 20) => {
    using mm = engine.createMm({ rlimits: { as, stack } });
    using next = exec(mm);
    return next.stat().totalVm;
  };
  expect(under(33 * PAGE)).toBe(33);
  expect(() => under(33 * PAGE - 1)).toThrow(/ENOMEM: exec\(stack=0x21000\)/);
  expect(under(5 * PAGE, 5 * PAGE)).toBe(5);
  expect(() => under(0, 0)).toThrow(/ENOMEM: exec/);
  expect(liveObjects(engine)).toBe(0);
});

test("settings are those of the old space, whatever they were, also those set since", async () => {
  const engine = await freshEngine();
  const limit = fc.constantFrom(Number.POSITIVE_INFINITY, 2 ** 20, 2 ** 30);
  const options: fc.Arbitrary<MmOptions> = fc.record({
    pageSize: fc.constantFrom(4096, 16384, 65536),
    taskSize: fc.constantFrom(2 ** 30, 2 ** 40, 2 ** 47),
    mmapMinAddr: fc.constantFrom(0, 65536, 2 ** 20),
    direction: fc.constantFrom("top-down", "bottom-up"),
    stackGuardGapPages: fc.nat(300),
    maxMapCount: fc.integer({ min: 3, max: 65530 }),
    startBrk: fc.constantFrom(2 ** 28, 2 ** 29),
    overcommit: fc.constantFrom("heuristic", "always", "never"),
    totalRam: fc.constantFrom(2 ** 30, 2 ** 36),
    thp: fc.constantFrom("always", "madvise", "never"),
    rlimits: fc.record({ as: limit, data: limit, memlock: limit, stack: limit }),
    capIpcLock: fc.boolean(),
    capSysRawio: fc.boolean(),
  });
  const settings = (mm: number): number[] => {
    const { exports, scratch } = engine.raw;
    exports.mm_settings(mm, scratch.byteOffset);
    return [...scratch.subarray(0, 18)];
  };
  fc.assert(
    fc.property(options, limit, (given, memlock) => {
      using mm = engine.createMm(given);
      setRlimits(mm, { memlock });
      using next = exec(mm);
      expect(settings(next.asRaw())).toEqual(settings(mm.asRaw()));
      expect(next.vmas()[0]).toMatchObject({ end: given.taskSize, name: "[stack]" });
      expect(next.validate()).toEqual([]);
      // And the settings act alike: the same call, the same place.
      using twin = exec(next);
      const [one, two] = [next, twin].map((space) =>
        engine.raw.mmap(space.asRaw(), 0, 64 * 65536, Prot.NONE, PRIVATE_ANON, 0, 0),
      );
      expect(two).toBe(one);
    }),
    { numRuns: 60 },
  );
  expect(liveObjects(engine)).toBe(0);
});

test("a space without room for a stack, and a full arena, are ENOMEM and lose nothing", async () => {
  const engine = await freshEngine({ memoryBytes: 4 * 65536, maxWorkers: 1 });
  using tiny = engine.createMm({ taskSize: 16 * PAGE });
  expect(() => exec(tiny)).toThrow(/ENOMEM: exec/);
  using mm = engine.createMm();
  let page = 0;
  const grow = () => {
    const address = BASE + 2 * page++ * PAGE;
    mm.mmap({ address, length: PAGE, prot: RW, flags: PRIVATE_ANON | MapFlags.FIXED });
  };
  expect(() => {
    for (;;) grow();
  }).toThrow(MmError);
  const live = liveObjects(engine);
  expect(() => {
    for (;;) exec(mm);
  }).toThrow(/ENOMEM: exec/);
  expect(liveObjects(engine)).toBeGreaterThanOrEqual(live);
  expect(engine.validate()).toEqual([]);
  expect(() => exec(mm, { startBrk: -1 })).toThrow(RangeError);
});
