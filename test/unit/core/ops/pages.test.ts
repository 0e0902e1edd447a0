// ops/pages.ts: msync, mincore and mseal (R-MSYNC-*, R-MINCORE-*, R-SEAL-*).

import { describe, expect, test } from "vitest";
import { Madvise, MsyncFlags, Prot } from "../../../../src/index.js";
import { outcome, type Sketch, sketch } from "../../../support/drawing.js";
import { PAGE, RW } from "../../../support/engine.js";

const { ASYNC, INVALIDATE, SYNC } = MsyncFlags;

describe("msync", () => {
  const msync = (s: Sketch, page: number, pages: number, flags: number) =>
    outcome(() => s.mm.msync(s.at(page), s.bytes(pages), flags));

  test.each([
    ["a mapped range", "WWHH", 0, 4, SYNC, "ok"],
    ["no flag at all", "WW", 0, 2, 0, "ok"],
    ["length 0 (R-MSYNC-4)", "W", 5, 0, SYNC, "ok"],
    ["both ways at once (R-MSYNC-1)", "WW", 0, 2, ASYNC | SYNC, "EINVAL"],
    ["unknown flags (R-MSYNC-1)", "WW", 0, 2, 8, "EINVAL"],
    ["a hole inside (R-MSYNC-3)", "W.W", 0, 3, SYNC, "ENOMEM"],
    ["a hole at the end", "WW", 0, 3, ASYNC, "ENOMEM"],
    ["a hole at the start", ".WW", 0, 3, ASYNC, "ENOMEM"],
    ["nothing", "W..", 1, 2, SYNC, "ENOMEM"],
    ["INVALIDATE on locked memory (R-MSYNC-5)", "WL", 0, 2, INVALIDATE, "EBUSY"],
    ["INVALIDATE on locked memory behind a hole", "W.L", 0, 3, INVALIDATE, "EBUSY"],
    ["INVALIDATE before locked memory", "WL", 0, 1, INVALIDATE, "ok"],
  ])("%s: %5$s", async (_name, drawing, page, pages, flags, code) => {
    const s = await sketch(drawing);
    const before = s.mm.maps();
    expect(msync(s, page, pages, flags)).toBe(code);
    expect(s.mm.maps()).toBe(before);
  });

  test("misaligned: EINVAL (R-MSYNC-2); wrapping: ENOMEM", async () => {
    const s = await sketch("W");
    s.refuses("EINVAL", () => s.mm.msync(s.at(0) + 1, PAGE, SYNC));
    s.refuses("ENOMEM", () => s.mm.msync(s.at(0), 2n ** 64n - 4096n, SYNC));
  });
});

describe("mincore", () => {
  test("one byte a page (R-MINCORE-1), residency not modelled", async () => {
    const s = await sketch("WWRX");
    expect(s.mm.mincore(s.at(0), 3 * PAGE + 1)).toEqual(new Uint8Array(4));
  });

  test.each<[string, string, string, (s: Sketch) => void]>([
    ["misaligned (R-MINCORE-3)", "EINVAL", "W", (s) => s.mm.mincore(s.at(0) + 1, PAGE)],
    ["a hole (R-MINCORE-2)", "ENOMEM", "W.W", (s) => s.mm.mincore(s.at(0), 3 * PAGE)],
    ["an end that is not mapped", "ENOMEM", "WW", (s) => s.mm.mincore(s.at(1), 2 * PAGE)],
    ["beyond the space", "ENOMEM", "W", (s) => s.mm.mincore(2 ** 47, PAGE)],
  ])("%s: %s", async (_name, code, drawing, call) => {
    const s = await sketch(drawing);
    s.refuses(code, () => call(s));
  });

  test("length 0 succeeds", async () => {
    const s = await sketch("W");
    expect(s.mm.mincore(s.at(5), 0)).toHaveLength(0);
  });
});

describe("mseal", () => {
  test.each([
    ["the middle of a VMA splits it (R-SEAL-17)", "WWWW", 1, 2, "WKKW"],
    ["several VMAs, each with its flags", "WRX", 0, 3, "K|K|K"],
    ["likes beside each other merge (R-SEAL-7)", "WWKK", 0, 2, "KKKK"],
    ["what is sealed already is nothing (10)", "KKWW", 0, 2, "KKWW"],
    ["touched memory", "ww", 0, 2, "kk"],
  ])("%s", async (_name, before, page, pages, after) => {
    const s = await sketch(before);
    s.mm.mseal(s.at(page), pages * PAGE);
    s.expect(after);
  });

  test("a hole anywhere seals nothing (R-SEAL-6)", async () => {
    const s = await sketch("WW.WW");
    s.refuses("ENOMEM", () => s.mm.mseal(s.at(0), 5 * PAGE));
    s.refuses("ENOMEM", () => s.mm.mseal(s.at(2), PAGE));
    s.refuses("ENOMEM", () => s.mm.mseal(s.at(4), 2 * PAGE));
  });

  test("flags (R-SEAL-14), misaligned, wrapping: EINVAL; length 0 succeeds (R-SEAL-15)", async () => {
    const s = await sketch("W");
    expect(s.engine.raw.mseal(s.mm.asRaw(), s.at(0), PAGE, 1)).toBe(-22);
    s.refuses("EINVAL", () => s.mm.mseal(s.at(0) + 1, PAGE));
    s.refuses("EINVAL", () => s.mm.mseal(s.at(0), 2n ** 64n - 1n));
    s.refuses("EINVAL", () => s.mm.mseal(s.at(0), 2n ** 64n - 4096n));
    s.mm.mseal(s.at(9), 0);
    s.expect("W");
  });

  test("blocks what would change the mapping (R-SEAL-1..5, 20)", async () => {
    const s = await sketch("KK......");
    s.refuses("EPERM", () => s.munmap(0, 1));
    s.refuses("EPERM", () => s.mprotect(0, 2, Prot.READ));
    s.refuses("EPERM", () => s.mmap(0, 1, RW));
    s.refuses("EPERM", () => s.move(0, 2, 4));
    s.refuses("EPERM", () => s.resize(0, 2, 1));
    s.refuses("EPERM", () => s.resize(0, 2, 3, 1));
  });

  test("allows locking and advice that keeps contents (R-SEAL-18)", async () => {
    const s = await sketch("KK");
    s.mm.mlock(s.at(0), PAGE);
    expect(s.mm.stat().lockedVm).toBe(1);
    s.madvise(0, 2, Madvise.SEQUENTIAL);
    expect(s.mm.validate()).toEqual([]);
  });

  test("is inherited by fork (R-SEAL-19)", async () => {
    const s = await sketch("KW");
    using child = s.mm.fork();
    s.expect("KW", child);
    expect(outcome(() => child.munmap(s.at(0), PAGE))).toBe("EPERM");
  });
});
