// ops/range.ts: rounding to pages, and looking up VMAs by address.

import { describe, expect, test } from "vitest";
import { type Sketch, sketch } from "../../../support/drawing.js";
import { PAGE, PRIVATE_ANON } from "../../../support/engine.js";

const pageOf = (s: Sketch, vma: number) =>
  vma === 0 ? null : (s.engine.raw.vmaStart(vma) - s.at(0)) / PAGE;

describe("look-ups", () => {
  test.each([
    [-1, null, 1, null],
    [0, null, 1, null],
    [1, 1, 1, null],
    [2, 1, 1, 1],
    [3, null, 5, 1],
    [4, null, 5, 1],
    [5, 5, 5, 1],
    [6, 6, 6, 5],
    [7, null, null, 6],
  ])(".WW..WR. at page %s: containing %s, next %s, before %s", async (page, inside, next, prev) => {
    const s = await sketch(".WW..WR.");
    const { raw } = s.engine;
    const mm = s.mm.asRaw();
    const at = s.at(page);
    expect(pageOf(s, raw.vmaLookup(mm, at))).toBe(inside);
    expect(pageOf(s, raw.findVma(mm, at))).toBe(next);
    expect(pageOf(s, raw.findVmaPrev(mm, at))).toBe(prev);
    if (page < 0) return;
    // A byte further is the same page; a byte less the page before.
    expect(pageOf(s, raw.vmaLookup(mm, at + PAGE - 1))).toBe(inside);
  });

  test("off by one at a border: the end of one is the start of the next (B077)", async () => {
    const s = await sketch("WR");
    const { raw } = s.engine;
    const mm = s.mm.asRaw();
    expect(pageOf(s, raw.vmaLookup(mm, s.at(1)))).toBe(1);
    expect(pageOf(s, raw.vmaLookup(mm, s.at(1) - 1))).toBe(0);
  });

  test("at and beyond the end of the space there is nothing", async () => {
    const s = await sketch("", { taskSize: 0x10000000 + 4 * PAGE });
    s.mmap(3, 1, 1);
    const { raw } = s.engine;
    const mm = s.mm.asRaw();
    expect(pageOf(s, raw.findVma(mm, s.at(3)))).toBe(3);
    for (const address of [s.at(4), s.at(5), 2 ** 47, 2 ** 52]) {
      expect(raw.findVma(mm, address)).toBe(0);
      expect(raw.vmaLookup(mm, address)).toBe(0);
      expect(pageOf(s, raw.findVmaPrev(mm, address))).toBe(3);
    }
  });

  test("in an empty space there is nothing", async () => {
    const s = await sketch("");
    const { raw } = s.engine;
    for (const look of [raw.findVma, raw.vmaLookup, raw.findVmaPrev]) {
      expect(look.call(raw, s.mm.asRaw(), s.at(0))).toBe(0);
    }
  });

  test("the first page and the last page of the largest space", async () => {
    const s = await sketch("", { taskSize: 2 ** 52, capSysRawio: true });
    const map = (address: number) =>
      s.mm.mmap({ address, length: PAGE, prot: 1, flags: PRIVATE_ANON | 0x10 });
    map(0);
    map(2 ** 52 - PAGE);
    const { raw } = s.engine;
    const mm = s.mm.asRaw();
    expect(raw.vmaStart(raw.findVma(mm, PAGE))).toBe(2 ** 52 - PAGE);
    expect(raw.vmaStart(raw.findVmaPrev(mm, 2 ** 52 - PAGE))).toBe(0);
    expect(s.mm.validate()).toEqual([]);
  });
});

describe("rounding", () => {
  test.each([
    [1, 1],
    [PAGE - 1, 1],
    [PAGE, 1],
    [PAGE + 1, 2],
    [2 * PAGE, 2],
  ])("%s bytes are %s pages", async (length, pages) => {
    const s = await sketch("");
    s.mm.mmap({ address: s.at(0), length, prot: 1, flags: PRIVATE_ANON | 0x10 });
    expect(s.mm.stat().totalVm).toBe(pages);
    s.mm.mprotect(s.at(0), length, 3);
    s.expect("W".repeat(pages));
    s.mm.munmap(s.at(0), length);
    s.expect("");
  });

  test.each([16384, 65536] as const)("with pages of %s bytes", async (pageSize) => {
    const s = await sketch("WW", { pageSize });
    s.refuses("EINVAL", () => s.mm.munmap(s.at(0) + 4096, 1));
    s.refuses("EINVAL", () => s.mm.mprotect(s.at(0) + 4096, 1, 1));
    s.mm.munmap(s.at(0), 4096);
    s.expect(".W");
  });

  test("lengths near 2^64 wrap as in C, and each call says so in its own way", async () => {
    const s = await sketch("W");
    const most = 2n ** 64n - 1n;
    s.refuses("EINVAL", () => s.mm.munmap(s.at(0), most));
    s.refuses("ENOMEM", () => s.mm.mprotect(s.at(0), most, 1));
    s.refuses("EINVAL", () => s.mm.madvise(s.at(0), most, 0));
    s.mm.mlock(s.at(0), most); // PAGE_ALIGN gives 0: nothing to do, as in Linux
    s.mm.munlock(s.at(0), most);
    s.expect("W");
  });
});

test("the iteration over a range's gaps has no empty ones (B053)", async () => {
  const s = await sketch("RW......");
  using guard = s.mm.mmapReadLock();
  expect([...guard.gaps(s.at(0), s.at(8))]).toEqual([{ start: s.at(2), end: s.at(8) }]);
});
