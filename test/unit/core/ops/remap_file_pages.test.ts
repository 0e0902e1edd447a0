// ops/remap_file_pages.ts: emulated by a shared FIXED mapping (R-RFP-*).

import { describe, expect, test } from "vitest";
import { MapFlags, Prot } from "../../../../src/index.js";
import { has, type Sketch, sketch } from "../../../support/drawing.js";
import { PAGE } from "../../../support/engine.js";

const EINVAL = -22;

const remap = (s: Sketch, page: number, pages: number, pgoff: number, prot = 0, flags = 0) =>
  s.engine.raw.exports.remap_file_pages(
    s.mm.asRaw(),
    s.at(page),
    s.bytes(pages),
    prot,
    pgoff,
    flags,
  );

test("maps another page of the file there (R-RFP-1)", async () => {
  const s = await sketch("HHHH");
  expect(remap(s, 1, 2, 8)).toBe(0);
  s.expect("H|HH|H");
  expect([0, 1, 3].map((page) => s.vma(page).pgoff)).toEqual([0, 8, 3]);
  expect(s.engine.stats().memory.kinds.file.live).toBe(1);
});

test("the page that is there already: one VMA again", async () => {
  const s = await sketch("HHHH");
  remap(s, 1, 2, 8);
  expect(remap(s, 1, 2, 1)).toBe(0);
  s.expect("HHHH");
});

test("the file lives on where the VMA that held it is replaced", async () => {
  const s = await sketch("HH");
  s.file.dispose();
  expect(remap(s, 0, 2, 5)).toBe(0);
  s.expect("HH");
  expect(s.vma(0)).toMatchObject({ pgoff: 5, name: "/file" });
});

test("protection and lock stay", async () => {
  const s = await sketch("HH");
  s.mprotect(0, 2, Prot.READ);
  s.mm.mlock(s.at(0), 2 * PAGE);
  expect(remap(s, 1, 1, 9)).toBe(0);
  expect(s.vma(1).flags % 8).toBe(Prot.READ);
  expect(has(s.vma(1), "LOCKED")).toBe(true);
  expect(s.mm.stat().lockedVm).toBe(2);
});

describe("refused with nothing changed", () => {
  test.each<[string, string, (s: Sketch) => number]>([
    ["a protection", "HH", (s) => remap(s, 0, 2, 1, Prot.READ)],
    ["private memory (R-RFP-2)", "FF", (s) => remap(s, 0, 2, 1)],
    ["anonymous memory", "WW", (s) => remap(s, 0, 2, 1)],
    ["nothing mapped there", "..", (s) => remap(s, 0, 2, 1)],
    ["a hole in the range", "H.H", (s) => remap(s, 0, 3, 1)],
    ["an end that is not mapped", "HH", (s) => remap(s, 1, 2, 1)],
    ["less than a page", "HH", (s) => remap(s, 0, 0.5, 1)],
    ["length 0", "HH", (s) => remap(s, 0, 0, 1)],
  ])("%s: EINVAL", async (_name, drawing, call) => {
    const s = await sketch(drawing);
    const before = s.mm.maps();
    expect(call(s)).toBe(EINVAL);
    expect(s.mm.maps()).toBe(before);
    expect(s.mm.validate()).toEqual([]);
  });

  test("two files, or two protections, in the range", async () => {
    const s = await sketch("HHHH");
    s.mprotect(2, 2, Prot.READ);
    expect(remap(s, 0, 4, 1)).toBe(EINVAL);
    s.mprotect(2, 2, Prot.READ | Prot.WRITE);
    using other = s.engine.openFile({ name: "/other" });
    const flags = MapFlags.SHARED | MapFlags.FIXED;
    s.mm.mmap({ address: s.at(2), length: PAGE, prot: 3, flags, file: other });
    expect(remap(s, 0, 4, 1)).toBe(EINVAL);
  });
});

test("several VMAs of one file, in any order of pages, count as one range", async () => {
  const s = await sketch("HHHH");
  remap(s, 1, 1, 8);
  expect(s.mm.stat().mapCount).toBe(3);
  expect(remap(s, 0, 4, 0)).toBe(0);
  s.expect("HHHH");
});
