// Failure injection: the n-th reservation of a call fails, for n = 1, 2, 3 ... until it succeeds.
//
// Each failure leaves the map exactly as it was, the space sound, and no object behind.
// Verify build only: release has no counter.

import { describe, expect, test } from "vitest";
import { type Engine, MapFlags, MmError, type MmWithUser, Prot } from "../../src/index.js";
import {
  BASE,
  draw,
  freshEngine,
  liveObjects,
  PAGE,
  PRIVATE_ANON,
  RW,
  SHARED_ANON,
} from "../support/engine.js";

const FIXED = MapFlags.FIXED;
const at = (page: number) => BASE + page * PAGE;

interface Case {
  readonly name: string;
  readonly run: (mm: MmWithUser) => unknown;
  /** What Linux answers when memory is short. Default ENOMEM. */
  readonly code?: string;
  /** Moves may succeed and leave their source mapped, as Linux's do if its unmapping fails. */
  readonly mayKeepSource?: boolean;
}

const CASES: readonly Case[] = [
  {
    name: "mmap into a hole",
    run: (mm) => mm.mmap({ length: PAGE, prot: Prot.EXEC, flags: PRIVATE_ANON }),
  },
  {
    name: "mmap shared anonymous",
    run: (mm) => mm.mmap({ length: PAGE, prot: RW, flags: SHARED_ANON }),
  },
  {
    name: "mmap over the middle of a VMA",
    run: (mm) => mm.mmap({ address: at(2), length: PAGE, prot: 0, flags: PRIVATE_ANON | FIXED }),
  },
  {
    name: "mmap over several VMAs and their edges",
    run: (mm) =>
      mm.mmap({ address: at(2), length: 9 * PAGE, prot: 0, flags: PRIVATE_ANON | FIXED }),
  },
  { name: "munmap in the middle of a VMA", run: (mm) => mm.munmap(at(2), PAGE) },
  { name: "munmap over several VMAs", run: (mm) => mm.munmap(at(2), 9 * PAGE) },
  { name: "mprotect the middle of a VMA", run: (mm) => mm.mprotect(at(2), PAGE, Prot.NONE) },
  {
    name: "mremap that moves",
    run: (mm) => mm.mremap({ address: at(0), oldLength: 6 * PAGE, newLength: 9 * PAGE, flags: 1 }),
    mayKeepSource: true,
  },
  {
    name: "mremap that moves a middle",
    run: (mm) => mm.mremap({ address: at(2), oldLength: PAGE, newLength: 2 * PAGE, flags: 1 }),
    mayKeepSource: true,
  },
  {
    name: "mremap to a fixed place, over others",
    run: (mm) =>
      mm.mremap({ address: at(1), oldLength: PAGE, newLength: PAGE, flags: 3, newAddress: at(9) }),
    mayKeepSource: true,
  },
  {
    name: "mremap that grows in place",
    run: (mm) => mm.mremap({ address: at(14), oldLength: PAGE, newLength: 2 * PAGE }),
  },
  {
    name: "mremap that shrinks",
    run: (mm) => mm.mremap({ address: at(0), oldLength: 6 * PAGE, newLength: PAGE }),
  },
  { name: "madvise that splits", run: (mm) => mm.madvise(at(2), PAGE, 10), code: "EAGAIN" },
  { name: "mlock that splits", run: (mm) => mm.mlock(at(2), PAGE) },
  { name: "mseal that splits", run: (mm) => mm.mseal(at(2), PAGE) },
  { name: "fork", run: (mm) => mm.fork().dispose() },
];

/** Enough VMAs around that nodes are full and split, and some that the cases cut. */
function space(engine: Engine): MmWithUser {
  const mm = engine.createMm({ capIpcLock: true });
  for (let i = 0; i < 40; i++) draw(mm, `${".".repeat(40 + 2 * i)}${i % 2 ? "W" : "X"}`);
  draw(mm, "WWWWWWRRR.XX..W");
  return mm;
}

/** One attempt with the n-th reservation failing: what it threw, and whether the failure came up. */
function attempt(
  engine: Engine,
  n: number,
  run: () => unknown,
): { error: unknown; struck: boolean } {
  const { x } = engine.context.core;
  x.fail_after(n);
  let error: unknown = null;
  try {
    run();
  } catch (caught) {
    error = caught;
  }
  const struck = x.fail_pending() === 0;
  x.fail_after(0);
  return { error, struck };
}

const MANY = 10_000;

describe("a failed reservation leaves everything as it was", () => {
  test.each(CASES)("$name", async ({ run, code = "ENOMEM", mayKeepSource = false }) => {
    const engine = await freshEngine({ memoryBytes: 16 * 1024 * 1024 });
    let failures = 0;
    for (let n = 1; n < MANY; n++) {
      using mm = space(engine);
      const before = {
        maps: mm.maps(),
        live: liveObjects(engine),
        stat: { ...mm.stat(), sequence: 0 },
      };
      const { error, struck } = attempt(engine, n, () => run(mm));
      expect(mm.validate(), `n = ${n}`).toEqual([]);
      if (!struck) {
        expect(error, `n = ${n}`).toBeNull();
        break;
      }
      failures++;
      if (error === null && mayKeepSource) continue;
      expect(error, `n = ${n}`).toBeInstanceOf(MmError);
      expect((error as MmError).code, `n = ${n}`).toBe(code);
      expect(mm.maps(), `n = ${n}`).toBe(before.maps);
      expect(liveObjects(engine), `n = ${n}`).toBe(before.live);
      expect({ ...mm.stat(), sequence: 0 }, `n = ${n}`).toEqual(before.stat);
    }
    expect(failures).toBeGreaterThan(0);
    expect(failures).toBeLessThan(MANY - 1);
    expect(liveObjects(engine)).toBe(0);
  });

  test("munmap of exactly one VMA asks for nothing, so that a full arena can be left", async () => {
    const engine = await freshEngine();
    using mm = space(engine);
    const [vma] = mm.vmas();
    const { error, struck } = attempt(engine, 1, () =>
      mm.munmap(vma!.start, vma!.end - vma!.start),
    );
    expect({ error, struck }).toEqual({ error: null, struck: false });
    expect(mm.vmas()[0]).not.toMatchObject({ start: vma!.start });
  });

  test("brk returns the old break", async () => {
    const engine = await freshEngine();
    using mm = space(engine);
    const before = mm.maps();
    const old = mm.brk();
    let failures = 0;
    for (let n = 1; ; n++) {
      let now = 0;
      const { struck } = attempt(engine, n, () => {
        now = mm.brk(old + PAGE);
      });
      expect(mm.validate()).toEqual([]);
      if (!struck) {
        expect(now).toBe(old + PAGE);
        break;
      }
      failures++;
      expect(now).toBe(old);
      expect(mm.maps()).toBe(before);
    }
    expect(failures).toBeGreaterThan(0);
  });

  test("createMm and openFile", async () => {
    const engine = await freshEngine();
    for (const make of [
      () => engine.createMm({ taskSize: 2 ** 52 }),
      () => engine.openFile({ name: "n".repeat(300) }),
    ]) {
      for (let n = 1; ; n++) {
        let made: Disposable | null = null;
        const { error, struck } = attempt(engine, n, () => {
          made = make();
        });
        if (struck) expect(error, `n = ${n}`).toMatchObject({ code: "ENOMEM" });
        (made as Disposable | null)?.[Symbol.dispose]();
        expect(liveObjects(engine)).toBe(0);
        if (made !== null) break;
      }
    }
  });
});
