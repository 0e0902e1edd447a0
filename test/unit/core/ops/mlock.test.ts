// ops/mlock.ts: locking ranges and everything (R-MLOCK-*).

import { describe, expect, test } from "vitest";
import { Prot } from "../../../../src/index.js";
import { has, outcome, sketch } from "../../../support/drawing.js";
import { PAGE, RW } from "../../../support/engine.js";

const limited = (pages: number) => ({ capIpcLock: false, rlimits: { memlock: pages * PAGE } });

describe("mlock and munlock", () => {
  test("split like mprotect and merge again (R-MLOCK-4, 5)", async () => {
    const s = await sketch("WWWW");
    s.mm.mlock(s.at(1), 2 * PAGE);
    s.expect("WllW");
    s.mm.munlock(s.at(1), 2 * PAGE);
    s.expect("wwww"); // locking wrote to the middle: its identity reaches both sides
  });

  test("neighbours locked one after the other become one (R-MLOCK-17)", async () => {
    const s = await sketch("WWWW");
    s.mm.mlock(s.at(0), PAGE);
    s.mm.mlock(s.at(1), PAGE);
    s.expect("llWW");
  });

  test("start is rounded down, the end up (R-MLOCK-8)", async () => {
    const s = await sketch("WWWW");
    s.mm.mlock(s.at(1) + 5, PAGE);
    s.expect("WllW");
    expect(s.mm.stat().lockedVm).toBe(2);
    s.mm.munlock(s.at(1) + PAGE - 1, 1);
    s.expect("wwlW"); // the freed page joins its untouched neighbour
  });

  test("length 0 succeeds (R-MLOCK-7)", async () => {
    const s = await sketch("W");
    s.mm.mlock(s.at(0), 0);
    s.mm.munlock(s.at(9), 0);
    s.expect("W");
  });

  test("up to a hole: ENOMEM, the part before stays locked (R-MLOCK-6, 19)", async () => {
    const s = await sketch("WW.W");
    expect(outcome(() => s.mm.mlock(s.at(0), 4 * PAGE))).toBe("ENOMEM");
    s.expect("LL.W");
    expect(s.mm.stat().lockedVm).toBe(2);
    expect(outcome(() => s.mm.munlock(s.at(0), 4 * PAGE))).toBe("ENOMEM");
    s.expect("WW.W");
  });

  test("what cannot be populated: ENOMEM, but locked (R-MLOCK-20)", async () => {
    const s = await sketch("NN");
    expect(outcome(() => s.mm.mlock(s.at(0), 2 * PAGE))).toBe("ENOMEM");
    s.expect("LL");
    expect(s.mm.stat().lockedVm).toBe(2);
  });

  test("read-only memory gets no identity by it (R-AV-15)", async () => {
    const s = await sketch("RW");
    s.mm.mlock(s.at(0), 2 * PAGE);
    s.mm.munlock(s.at(0), 2 * PAGE);
    s.expect("Rw");
  });

  test("a range that wraps: EINVAL (R-MLOCK-21); unknown flags too (R-MLOCK-13)", async () => {
    const s = await sketch("W");
    s.refuses("EINVAL", () => s.mm.mlock(s.at(0), 2n ** 64n - 2n ** 13n));
    s.refuses("EINVAL", () => s.mm.munlock(s.at(0), 2n ** 64n - 2n ** 13n));
    s.refuses("EINVAL", () => s.mm.mlock(s.at(0), PAGE, 2));
  });

  test("ONFAULT marks and does not populate (R-MLOCK-12); plain mlock takes it back", async () => {
    const s = await sketch("W");
    s.mm.mlock(s.at(0), PAGE, 1);
    s.expect("L");
    expect(has(s.vma(0), "LOCKED", "LOCKONFAULT")).toBe(true);
    s.mm.mlock(s.at(0), PAGE);
    expect(has(s.vma(0), "LOCKONFAULT")).toBe(false);
    expect(s.mm.stat().lockedVm).toBe(1);
  });

  test("special and droppable memory: flags untouched, not counted (R-MLOCK-30)", async () => {
    const s = await sketch("");
    s.engine.raw.exports.vma_install(s.mm.asRaw(), s.at(0), s.at(1), 0x73 + 2 ** 28, 0, 0);
    s.mm.mlock(s.at(0), PAGE);
    expect(has(s.vma(0), "LOCKED")).toBe(false);
    expect(s.mm.stat().lockedVm).toBe(0);
  });
});

describe("the limit", () => {
  test("0 without CAP_IPC_LOCK: EPERM before all else (R-MLOCK-11)", async () => {
    const s = await sketch("W", limited(0));
    s.refuses("EPERM", () => s.mm.mlock(s.at(5), PAGE));
    s.refuses("EPERM", () => s.mm.mlockall(1));
    s.refuses("EINVAL", () => s.mm.mlockall(0));
    s.mm.munlock(s.at(0), PAGE);
  });

  test("over it: ENOMEM (R-MLOCK-9); pages locked already count once (R-MLOCK-10)", async () => {
    const s = await sketch("WWWW", limited(3));
    s.refuses("ENOMEM", () => s.mm.mlock(s.at(0), 4 * PAGE));
    s.mm.mlock(s.at(0), 2 * PAGE);
    s.mm.mlock(s.at(0), 3 * PAGE);
    s.expect("lllW");
    s.refuses("ENOMEM", () => s.mm.mlock(s.at(3), PAGE));
    expect(s.mm.stat().lockedVm).toBe(3);
  });

  test("CAP_IPC_LOCK lifts it", async () => {
    const s = await sketch("WWWW", { capIpcLock: true, rlimits: { memlock: PAGE } });
    s.mm.mlock(s.at(0), 4 * PAGE);
    s.expect("llll");
  });
});

describe("mlockall and munlockall", () => {
  test.each([0, 4, 8, 16])("flags %s: EINVAL (R-MLOCK-15)", async (flags) => {
    const s = await sketch("W");
    s.refuses("EINVAL", () => s.mm.mlockall(flags));
  });

  test("CURRENT locks what there is, not what will be", async () => {
    const s = await sketch("WW.R.N");
    s.mm.mlockall(1);
    s.mmap(7, 1, RW);
    s.expect("ll.L.L.W");
    expect(s.mm.stat().lockedVm).toBe(4);
  });

  test("FUTURE locks what will be; a later CURRENT alone ends that (R-MLOCK-14)", async () => {
    const s = await sketch("W");
    s.mm.mlockall(2);
    s.mmap(2, 1, RW);
    s.expect("W.l");
    s.mm.mlockall(1);
    s.mmap(4, 1, RW);
    s.expect("l.l.W");
  });

  test("ONFAULT goes with either", async () => {
    const s = await sketch("W");
    s.mm.mlockall(1 | 2 | 4);
    s.mmap(2, 1, RW);
    s.expect("L.L");
    expect([0, 2].map((page) => has(s.vma(page), "LOCKONFAULT"))).toEqual([true, true]);
  });

  test("CURRENT needs all of total_vm within the limit: ENOMEM", async () => {
    const s = await sketch("WWW", limited(2));
    s.refuses("ENOMEM", () => s.mm.mlockall(1));
    s.mm.mlockall(2);
    s.refuses("EAGAIN", () => s.mmap(5, 3, RW));
  });

  test("munlockall unlocks everything and forgets FUTURE (R-MLOCK-16)", async () => {
    const s = await sketch("WWR");
    s.mm.mlockall(3);
    s.mm.munlockall();
    s.mmap(4, 1, Prot.READ);
    s.expect("wwR.R");
    expect(s.mm.stat().lockedVm).toBe(0);
  });

  test("a child has none of it (R-MLOCK-32)", async () => {
    const s = await sketch("W");
    s.mm.mlockall(3);
    using child = s.mm.fork();
    expect(child.stat().lockedVm).toBe(0);
    child.mmap({ address: s.at(2), length: PAGE, prot: RW, flags: 0x32 });
    s.expect("w.W", child);
  });
});
