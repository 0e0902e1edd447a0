// mm/mm.ts: an address space's birth, its two counts, its end (R-LOCK-1..16).

import { describe, expect, test } from "vitest";
import { MmArg, MmStat } from "../../../../assembly/shared/abi.js";
import { sketch } from "../../../support/drawing.js";
import { draw, freshEngine, liveObjects, PAGE } from "../../../support/engine.js";

describe("creation", () => {
  test("an empty space: one user, one struct, no counters", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    expect([mm.mmUsers, mm.mmCount]).toEqual([1, 1]);
    expect(mm.stat()).toMatchObject({ mapCount: 0, totalVm: 0, dataVm: 0, lockedVm: 0 });
    expect(mm.vmas()).toEqual([]);
  });

  test.each([
    [MmArg.PAGE_SHIFT, 11],
    [MmArg.PAGE_SHIFT, 17],
    [MmArg.TASK_SIZE, 0],
    [MmArg.TASK_SIZE, 2 ** 53],
  ])("argument %s = %s is EINVAL", async (word, value) => {
    const engine = await freshEngine();
    engine.createMm().dispose(); // leaves sound arguments in scratch
    const { core } = engine.context;
    core.f64.set([12, 2 ** 47 - PAGE, 2 ** 46], 0);
    core.f64[word] = value;
    expect(core.x.mm_create()).toBe(-22);
    expect(liveObjects(engine)).toBe(0);
  });

  test("a record used again begins anew: no counter, heap or limit of its last life", async () => {
    const engine = await freshEngine();
    const first = engine.createMm({ rlimits: { as: 3 * PAGE }, capIpcLock: true });
    draw(first, "WXW");
    first.brk(first.brk() + PAGE - 1);
    first.mlockall(2);
    const at = first.asRaw();
    const seq = first.stat().sequence;
    first.dispose();
    using second = engine.createMm();
    expect(second.asRaw()).toBe(at); // type-stable: the same place
    expect(second.stat()).toMatchObject({ mapCount: 0, totalVm: 0, lockedVm: 0, execVm: 0 });
    expect(engine.raw.exports.mm_stat(at, MmStat.DEF_FLAGS)).toBe(0);
    expect(engine.raw.exports.mm_stat(at, MmStat.COMMIT)).toBe(0);
    expect(second.stat().brk).toBe(second.stat().startBrk);
    // mm_lock_seq never goes back: a stale reader cannot see an old number come true.
    expect(second.stat().sequence).toBeGreaterThanOrEqual(seq);
    draw(second, "WWWWWW");
    expect(second.validate()).toEqual([]);
  });
});

describe("the end (M1..M3)", () => {
  test("the last user tears the space down, once, and drops the users' struct count", async () => {
    const engine = await freshEngine();
    const x = engine.raw.exports;
    const mm = engine.createMm();
    draw(mm, "WRWR");
    const at = mm.asRaw();
    x.mmgrab(at);
    x.mmget(at);
    mm.dispose();
    expect(engine.stats().memory.kinds.vma.live).toBe(4);
    x.mmput(at);
    expect(engine.stats().memory.kinds).toMatchObject({
      vma: { live: 0 },
      leaf: { live: 0 },
      mm: { live: 1 },
    });
    expect([x.mm_users(at), x.mm_count(at)]).toEqual([0, 1]);
    expect(x.mm_stat(at, MmStat.TOTAL_VM)).toBe(0);
    x.mmdrop(at);
    expect(liveObjects(engine)).toBe(0);
  });

  test("users and structs may go in any order", async () => {
    const engine = await freshEngine();
    const x = engine.raw.exports;
    const at = engine.createMm().asRaw();
    x.mmgrab(at);
    x.mmdrop(at);
    x.mmget(at);
    x.mmput(at);
    x.mmput(at);
    expect(liveObjects(engine)).toBe(0);
  });

  test("mmput_async queues; run_deferred tears down all of them, newest first, and counts", async () => {
    const engine = await freshEngine();
    const x = engine.raw.exports;
    const spaces = ["W", "WR", "WRX"].map((drawing) => {
      const mm = engine.createMm();
      draw(mm, drawing);
      return mm.asRaw();
    });
    for (const at of spaces) x.mmput_async(at);
    expect(engine.stats().memory.kinds.vma.live).toBe(6);
    expect(spaces.map((at) => x.mmget_not_zero(at))).toEqual([0, 0, 0]); // final at once
    expect(x.mm_run_deferred()).toBe(3);
    expect(x.mm_run_deferred()).toBe(0);
    expect(liveObjects(engine)).toBe(0);
  });

  test("mmput_async of one user among several only counts", async () => {
    const engine = await freshEngine();
    const x = engine.raw.exports;
    using mm = engine.createMm();
    x.mmget(mm.asRaw());
    x.mmput_async(mm.asRaw());
    expect(x.mm_run_deferred()).toBe(0);
    expect(mm.mmUsers).toBe(1);
  });

  test("large spaces give their tables back", async () => {
    const engine = await freshEngine();
    {
      using mm = engine.createMm({ taskSize: 2 ** 52 });
      draw(mm, "W");
      expect(engine.stats().memory.kinds.table.live).toBe(2);
    }
    expect(liveObjects(engine)).toBe(0);
  });
});

describe("listing", () => {
  test("mm_first and mm_next walk the live spaces", async () => {
    const engine = await freshEngine();
    const x = engine.raw.exports;
    const spaces = Array.from({ length: 40 }, () => engine.createMm());
    for (const [i, mm] of spaces.entries()) if (i % 3 === 0) mm.dispose();
    const found: number[] = [];
    for (let mm = x.mm_first() >>> 0; mm !== 0; mm = x.mm_next(mm) >>> 0) found.push(mm);
    const expected = spaces.filter((mm) => !mm.disposed).map((mm) => mm.asRaw());
    expect(found).toEqual(expected.sort((a, b) => a - b));
    for (const mm of spaces) if (!mm.disposed) mm.dispose();
    expect(x.mm_first()).toBe(0);
  });

  test("mm_is_valid knows records of mms from everything else", async () => {
    const s = await sketch("W");
    const x = s.engine.raw.exports;
    const at = s.mm.asRaw();
    const vma = s.engine.raw.vmaLookup(at, s.at(0));
    const valid = [at, at + 4, vma, 0, 64, 2 ** 31].map((pointer) => x.mm_is_valid(pointer));
    expect(valid.map(Boolean)).toEqual([true, false, false, false, false, false]);
    s.mm.dispose();
    expect(x.mm_is_valid(at)).toBeFalsy();
  });
});
