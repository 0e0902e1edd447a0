// ops/brk.ts: the end of the heap; any refusal leaves it where it was (R-BRK-*).

import { describe, expect, test } from "vitest";
import { MmFlag } from "../../../../assembly/shared/abi.js";
import { MapFlags, Prot } from "../../../../src/index.js";
import { has, type Sketch, sketch } from "../../../support/drawing.js";
import { BASE, PAGE, PRIVATE_ANON, RW } from "../../../support/engine.js";

/** A heap at BASE, grown to `pages` pages, so that it can be drawn. */
async function heap(pages: number, options = {}): Promise<Sketch> {
  const s = await sketch("", { startBrk: BASE, ...options });
  s.mm.brk(s.at(pages));
  return s;
}

describe("growing", () => {
  test("maps rw memory behind the heap and returns the new break (R-BRK-1)", async () => {
    const s = await heap(0);
    expect(s.mm.brk()).toBe(s.at(0));
    expect(s.mm.brk(s.at(3))).toBe(s.at(3));
    s.expect("WWW");
    expect(has(s.vma(0), "ACCOUNT", "MAYEXEC")).toBe(true);
    expect(s.mm.stat()).toMatchObject({ totalVm: 3, dataVm: 3, mapCount: 1 });
  });

  test("again merges with what is there", async () => {
    const s = await heap(2);
    s.mm.brk(s.at(5));
    s.expect("WWWWW");
  });

  test("within a page moves the number only (R-BRK-5)", async () => {
    const s = await heap(1);
    expect(s.mm.brk(s.at(0) + 10)).toBe(s.at(0) + 10);
    s.expect("W");
    expect(s.mm.brk(s.at(1) + 1)).toBe(s.at(1) + 1);
    s.expect("WW");
    expect(s.mm.brk(s.at(2))).toBe(s.at(2));
    s.expect("WW");
  });

  test("behind a heap with other flags makes a second VMA (R-BRK-6)", async () => {
    const s = await heap(2);
    s.mprotect(0, 2, Prot.READ);
    s.mm.brk(s.at(3));
    s.expect("RRW");
  });

  test("never joins the mapping after it (R-MERGE-31)", async () => {
    const s = await heap(2);
    s.mmap(5, 2, RW);
    expect(s.mm.brk(s.at(4))).toBe(s.at(4));
    s.expect("WWWW.WW");
  });

  test.each([
    ["ends where the heap begins stays apart", 0, "WW|WW"],
    ["reaches beyond the heap's begin is joined", -100, "WWWW"],
  ])("what %s (asked of Linux by PR_SET_MM_MAP)", async (_what, shift, drawing) => {
    const s = await sketch("", { startBrk: BASE + 2 * PAGE + shift });
    s.mmap(0, 2, RW);
    s.mm.brk(s.at(4));
    s.expect(drawing);
  });

  test("joins what was mapped right behind the heap", async () => {
    const s = await heap(2);
    s.mmap(2, 1, RW);
    s.expect("WWW");
    expect(s.mm.brk(s.at(3))).toBe(s.at(2)); // something is there: refused
  });

  test("under mlockall(FUTURE) is locked and counted (R-BRK-11)", async () => {
    const s = await heap(1);
    s.mm.mlockall(2);
    s.mm.brk(s.at(3));
    s.expect("Wll");
    expect(s.mm.stat().lockedVm).toBe(2);
  });

  test("with READ_IMPLIES_EXEC is executable", async () => {
    const s = await heap(0);
    s.engine.raw.exports.mm_flags_set(s.mm.asRaw(), MmFlag.READ_IMPLIES_EXEC);
    s.mm.brk(s.at(1));
    s.expect("A");
  });
});

describe("shrinking", () => {
  test("unmaps the tail (R-BRK-2)", async () => {
    const s = await heap(4);
    expect(s.mm.brk(s.at(1) + 1)).toBe(s.at(1) + 1);
    s.expect("WW");
  });

  test("to the start leaves nothing", async () => {
    const s = await heap(4);
    s.mm.brk(s.at(0));
    s.expect("");
  });

  test("over a hole is fine (R-BRK-8)", async () => {
    const s = await heap(5);
    s.munmap(2, 2);
    expect(s.mm.brk(s.at(1))).toBe(s.at(1));
    s.expect("W");
  });

  test("where nothing of it is left is refused", async () => {
    const s = await heap(4);
    s.munmap(1, 3);
    expect(s.mm.brk(s.at(1))).toBe(s.at(4));
    s.expect("W");
  });

  test("takes a foreign mapping inside the heap along", async () => {
    const s = await heap(4);
    s.mmap(1, 2, Prot.READ);
    s.mm.brk(s.at(1));
    s.expect("W");
  });
});

describe("refused: the old break, nothing changed", () => {
  const refused = (s: Sketch, to: number | bigint) => {
    const before = s.mm.maps();
    const old = s.mm.brk();
    expect(s.mm.brk(to)).toBe(old);
    expect(s.mm.maps()).toBe(before);
    expect(s.mm.validate()).toEqual([]);
  };

  test("below the start of the heap (R-BRK-4)", async () => {
    const s = await heap(2);
    refused(s, s.at(0) - 1);
    refused(s, 0);
  });

  test("with less than one free page to the next mapping (R-BRK-3)", async () => {
    const s = await heap(1);
    s.mmap(4, 1, RW);
    refused(s, s.at(4));
    expect(s.mm.brk(s.at(3))).toBe(s.at(3));
  });

  test("into a stack's gap", async () => {
    const s = await heap(1, { stackGuardGapPages: 3 });
    s.mmap(8, 1, RW, MapFlags.GROWSDOWN);
    refused(s, s.at(5));
    expect(s.mm.brk(s.at(4))).toBe(s.at(4));
  });

  test("beyond the space, and beyond 2^64", async () => {
    const s = await heap(1);
    refused(s, 2 ** 47);
    refused(s, 2n ** 64n - 1n);
  });

  test("over RLIMIT_DATA, the data segment counted (R-BRK-7)", async () => {
    const s = await heap(0, { dataSegment: 2 * PAGE, rlimits: { data: 4 * PAGE } });
    refused(s, s.at(3));
    expect(s.mm.brk(s.at(2))).toBe(s.at(2));
  });

  test("over RLIMIT_AS", async () => {
    const s = await heap(1, { rlimits: { as: 2 * PAGE } });
    refused(s, s.at(3));
  });

  test("over the limit of locked memory", async () => {
    const s = await heap(1, { capIpcLock: false, rlimits: { memlock: 2 * PAGE } });
    s.mm.mlockall(2);
    refused(s, s.at(4));
  });

  test("above the limit on mappings", async () => {
    const s = await heap(1, { maxMapCount: 1 });
    s.mm.mmap({ address: s.at(40), length: PAGE, prot: 0, flags: PRIVATE_ANON | MapFlags.FIXED });
    refused(s, s.at(2));
  });

  test("over commit", async () => {
    const s = await heap(1, { totalRam: 4 * PAGE });
    refused(s, s.at(8));
  });

  test("a sealed heap does not shrink, but grows (10)", async () => {
    const s = await heap(2);
    s.mm.mseal(s.at(0), 2 * PAGE);
    refused(s, s.at(1));
    s.mm.brk(s.at(3));
    s.expect("KKW");
  });
});
