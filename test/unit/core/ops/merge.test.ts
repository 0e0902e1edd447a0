// ops/merge.ts: which VMAs become one (R-MERGE-*, R-AV-*), for a new range and a changed one.

import { describe, expect, test } from "vitest";
import { MapFlags, Prot } from "../../../../src/index.js";
import { type Sketch, sketch } from "../../../support/drawing.js";
import { BASE, PAGE, PRIVATE_ANON, RW, SHARED_ANON } from "../../../support/engine.js";

type Case = readonly [name: string, before: string, call: (s: Sketch) => unknown, after: string];

const mapW = (page: number, pages: number) => (s: Sketch) => s.mmap(page, pages, RW);
const protect = (page: number, pages: number, prot: number) => (s: Sketch) =>
  s.mprotect(page, pages, prot);

describe("a new range", () => {
  test.each<Case>([
    ["grows its like predecessor (R-MERGE-1)", "AA.", (s) => s.mmap(2, 1, 7), "AAA"],
    ["grows its like successor downwards (R-MERGE-2)", ".WW", mapW(0, 1), "WWW"],
    ["between two like neighbours merges all three (R-MERGE-3)", "WW.WW", mapW(2, 1), "WWWWW"],
    ["joins only the neighbour it is like", "WW.RR", mapW(2, 1), "WWWRR"],
    ["joins the successor if only that is like it", "RR.WW", mapW(2, 1), "RRWWW"],
    ["stands alone one page away (R-MERGE-4)", "W..W", mapW(3, 1), "W..W"],
    ["stands alone beside another protection (R-MERGE-5)", "R.X", mapW(1, 1), "RWX"],
    ["stands alone beside locked memory", "L.", mapW(1, 1), "lW"],
    ["stands alone beside a sealed VMA (R-SEAL-8)", "K.K", mapW(1, 1), "KWK"],
    ["stands alone beside memory that fork skips", "D.D", mapW(1, 1), "DWD"],
    ["stands alone beside a stack", "W.G", mapW(1, 1), "WWG"],
    ["takes over the identity of its predecessor (R-AV-1)", "w.", mapW(1, 1), "ww"],
    ["takes over the identity of its successor", ".w", mapW(0, 1), "ww"],
    ["with one touched side merges all (R-AV-4)", "w.W", mapW(1, 1), "www"],
    ["with the other side touched merges all (R-AV-4)", "W.w", mapW(1, 1), "www"],
    ["between two identities joins the predecessor (R-AV-3)", "w.w", mapW(1, 1), "ww|w"],
    ["of a file joins where the offset goes on (R-FILE-9)", "F.F", (s) => s.map(1, 1, "F"), "FFF"],
    ["of a shared file likewise", "H.H", (s) => s.map(1, 1, "H"), "HHH"],
    ["private never joins shared (R-FILE-4)", "H.H", (s) => s.map(1, 1, "F"), "HFH"],
    ["anonymous never joins a file", "F.F", mapW(1, 1), "FWF"],
  ])("%s", async (_name, before, call, after) => {
    const s = await sketch(before);
    call(s);
    s.expect(after);
  });

  test.each([
    ["fits neither neighbour", [0, 2, 4], "F|F|F"],
    ["repeats its predecessor's", [0, 0, 0], "F|F|F"],
    ["fits only the predecessor", [0, 1, 5], "FF|F"],
    ["fits only the successor", [0, 5, 6], "F|FF"],
    ["fits both", [7, 8, 9], "FFF"],
  ])("of a file whose offset %s (R-MERGE-13)", async (_name, [first, middle, last], after) => {
    const s = await sketch("");
    const map = (page: number, offset = 0) =>
      s.mm.mmap({
        address: s.at(page),
        length: PAGE,
        prot: RW,
        flags: MapFlags.PRIVATE | MapFlags.FIXED,
        file: s.file,
        offset: offset * PAGE,
      });
    map(0, first);
    map(2, last);
    map(1, middle);
    s.expect(after);
  });

  test("of a file that goes on in the file, but over a hole, stands alone (R-MERGE-4)", async () => {
    const s = await sketch("");
    const flags = MapFlags.PRIVATE | MapFlags.FIXED;
    const place = { length: PAGE, prot: RW, flags, file: s.file };
    s.mm.mmap({ ...place, address: s.at(0), offset: 0 });
    s.mm.mmap({ ...place, address: s.at(3), offset: 2 * PAGE });
    s.mm.mmap({ ...place, address: s.at(2), offset: PAGE });
    s.expect("F.FF");
  });

  test("of another open of the same file stands alone: identity is the open (R-MERGE-12)", async () => {
    const s = await sketch("F.F");
    using second = s.engine.openFile({ name: "/file" });
    const flags = MapFlags.PRIVATE | MapFlags.FIXED;
    s.mm.mmap({ address: s.at(1), length: PAGE, prot: RW, flags, file: second, offset: PAGE });
    s.expect("F|F|F");
  });

  test("of shared anonymous memory never merges: each is an object of its own (R-FILE-10)", async () => {
    const s = await sketch("");
    const map = (page: number) =>
      s.mm.mmap({ address: s.at(page), length: PAGE, prot: RW, flags: SHARED_ANON | 0x10 });
    map(0);
    map(1);
    s.expect("H|H");
    s.mprotect(0, 2, Prot.READ);
    s.expect("H|H");
  });

  test("with NORESERVE does not join accounted memory (R-MERGE-5)", async () => {
    const s = await sketch("W.W");
    s.mmap(1, 1, RW, MapFlags.NORESERVE);
    s.expect("W|W|W");
  });

  test("merging three frees one record and counts one VMA", async () => {
    const s = await sketch("WW.WW");
    const live = () => s.engine.stats().memory.kinds.vma.live;
    expect(live()).toBe(2);
    s.mmap(2, 1, RW);
    expect(live()).toBe(1);
    expect(s.mm.stat().mapCount).toBe(1);
  });

  test("that grows a successor downwards moves its pgoff with its start", async () => {
    const s = await sketch("...FF");
    s.map(1, 2, "F");
    s.expect(".FFFF");
    expect(s.vma(1)).toMatchObject({ start: s.at(1), pgoff: 1 });
  });
});

describe("a changed range", () => {
  test.each<Case>([
    ["in the middle is cut out (R-PROT-1)", "WWWW", protect(1, 2, 1), "WRRW"],
    ["at the head is cut off (R-PROT-2)", "WWWW", protect(0, 2, 1), "RRWW"],
    ["at the tail is cut off (R-PROT-3)", "WWWW", protect(2, 2, 1), "WWRR"],
    ["at the head moves the border up (R-PROT-4)", "RRWW", protect(2, 1, 1), "RRRW"],
    ["at the tail moves the border down (R-PROT-5)", "WWRR", protect(1, 1, 1), "WRRR"],
    ["between two likes makes one of three (R-PROT-6)", "RRWWRR", protect(2, 2, 1), "RRRRRR"],
    ["as a whole joins its successor (R-PROT-7)", "WWRR", protect(0, 2, 1), "RRRR"],
    ["as a whole joins its predecessor (R-PROT-8)", "RRWW", protect(2, 2, 1), "RRRR"],
    ["as a whole without a like neighbour just changes", "XWWX", protect(1, 2, 1), "XRRX"],
    ["between two identities joins the first only (R-AV-2)", "w.w", changeMiddle, "ww|w"],
    ["keeps the identity on both sides of a cut (R-AV-24)", "wwww", protect(1, 2, 1), "wrrw"],
    ["re-merges with the other half of its VMA (R-AV-8)", "wwww", cutAndHeal, "wwww"],
    ["does not tidy neighbours it does not change (G1)", "NRRN", noChange, "NRRN"],
  ])("%s", async (_name, before, call, after) => {
    const s = await sketch(before);
    call(s);
    s.expect(after);
  });

  test("moving a border takes no memory and adds no VMA", async () => {
    const s = await sketch("NNXX");
    const live = s.engine.stats().memory.kinds.vma.live;
    s.mprotect(2, 1, 0);
    s.expect("NNNX");
    expect(s.engine.stats().memory.kinds.vma.live).toBe(live);
  });

  test("moving a border moves the pgoff of what lies above it", async () => {
    const s = await sketch("FFFF");
    s.mprotect(0, 2, Prot.READ);
    s.mprotect(2, 1, Prot.READ);
    expect(s.vma(3)).toMatchObject({ start: s.at(3), pgoff: 3 });
    expect(s.vma(0)).toMatchObject({ end: s.at(3), pgoff: 0 });
    s.mprotect(2, 1, RW);
    expect(s.vma(3)).toMatchObject({ start: s.at(2), pgoff: 2 });
  });
});

/** A middle VMA that agrees with both neighbours only after the change. */
function changeMiddle(s: Sketch): void {
  s.mmap(1, 1, Prot.NONE);
  s.mprotect(1, 1, RW);
}

function cutAndHeal(s: Sketch): void {
  s.mprotect(1, 2, Prot.READ);
  s.expect("wrrw");
  s.mprotect(1, 2, RW);
}

/** Two halves that could merge, and a call on them that changes no flag (R-SEAL-22). */
function noChange(s: Sketch): void {
  s.mprotect(1, 2, Prot.READ);
}

describe("what keeps two neighbours apart, in bits", () => {
  // Apart of ops/merge.ts: 2 flags, 4 special, 8 file, 16 pgoff, 32 identity, 64 name.
  const explain = (s: Sketch, page = 0) =>
    s.engine.raw.exports.vma_explain(s.mm.asRaw(), s.at(page));

  test.each([
    ["a hole", "W.W", 1 | 16],
    ["flags", "WR", 2],
    ["a file and its offset", "FW", 8 | 16],
    ["sharing: flags alone", "FH", 2],
  ])("%s", async (_name, drawing, bits) => {
    const s = await sketch(drawing);
    expect(explain(s)).toBe(bits);
  });

  test("two identities", async () => {
    const s = await sketch("w.w");
    s.mmap(1, 1, RW);
    expect(explain(s)).toBe(32);
  });

  test("names, and SPECIAL flags", async () => {
    const s = await sketch("WW");
    const { exports } = s.engine.raw;
    const mm = s.mm.asRaw();
    exports.set_vma_name(mm, s.at(0), PAGE, 0);
    expect(explain(s)).toBe(64);
    const io = s.vma(0).flags + 2 ** 14;
    exports.vma_install(mm, s.at(4), s.at(5), io, s.at(4) / PAGE, 0);
    exports.vma_install(mm, s.at(5), s.at(6), io, s.at(5) / PAGE, 0);
    expect(explain(s, 4)).toBe(4);
  });

  test("nothing, for halves that a refused call left (R-LIM-8)", async () => {
    const s = await sketch("WWKK");
    expect(() => s.munmap(1, 2)).toThrow(/EPERM/);
    s.expect("W|WKK");
    expect(explain(s)).toBe(0);
  });

  test("there is no pair at the end of the space", async () => {
    const s = await sketch("W");
    expect(explain(s)).toBe(-22);
    expect(s.engine.raw.exports.vma_explain(s.mm.asRaw(), BASE - PAGE)).toBe(-22);
  });
});

test("soft-dirty and guard marks do not keep VMAs apart, and the merged one has both (R-MERGE-11)", async () => {
  const s = await sketch("");
  const { exports } = s.engine.raw;
  const mm = s.mm.asRaw();
  const plain = 0x100073; // rw- mr mw me ac
  const install = (page: number, extra: number) =>
    exports.vma_install(mm, s.at(page), s.at(page + 1), plain + extra, s.at(page) / PAGE, 0);
  expect(install(0, 2 ** 27)).toBe(0); // soft-dirty
  expect(install(2, 2 ** 11)).toBe(0); // maybe-guard
  s.mm.mmap({ address: s.at(1), length: PAGE, prot: RW, flags: PRIVATE_ANON | 0x10 });
  s.expect("WWW");
  expect(s.vma(0).flags).toBe(plain + 2 ** 27 + 2 ** 11);
});
