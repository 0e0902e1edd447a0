// Two maps compared page by page: what counts as a difference, and what only as a border.

import { expect, test } from "vitest";
import { type MapsVma, mapsApart } from "../../src/replay/maps-apart.js";

const PAGE = 4096;
/** Pages [from, to) of a map: `lib` is a file mapped at offset 0 from page 0. */
const vma = (from: number, to: number, perms = "rw-p", name = "/lib"): MapsVma => ({
  start: from * PAGE,
  end: to * PAGE,
  perms,
  offset: name.startsWith("/") ? from * PAGE : 0,
  name,
});

test("equal maps", () => {
  const map = [vma(1, 3), vma(5, 6, "r--p", "")];
  expect(mapsApart(map, map)).toEqual({ missing: [], extra: [], differences: 0, borders: 0 });
});

test("a border between neighbours that agree in all is no difference", () => {
  const split = [vma(1, 2), vma(2, 3)];
  expect(mapsApart(split, [vma(1, 3)])).toMatchObject({ differences: 0, borders: 1 });
  expect(mapsApart([vma(1, 3)], split)).toMatchObject({ differences: 0, borders: 1 });
  expect(mapsApart(split, split)).toMatchObject({ differences: 0, borders: 0 });
});

test("neighbours without a file agree whatever their offsets would be", () => {
  const split = [vma(1, 2, "rw-p", ""), vma(2, 3, "rw-p", "")];
  expect(mapsApart(split, [vma(1, 3, "rw-p", "")])).toMatchObject({ differences: 0, borders: 1 });
});

test("neighbours whose file offsets do not run on are two lines", () => {
  const broken = [vma(1, 2), { ...vma(2, 3), offset: 7 * PAGE }];
  expect(mapsApart([vma(1, 3)], broken)).toEqual({
    missing: ["00001000-00003000 rw-p 00001000 /lib"],
    extra: ["00001000-00002000 rw-p 00001000 /lib", "00002000-00003000 rw-p 00007000 /lib"],
    differences: 2,
    borders: 0,
  });
});

test.each([
  ["a page less", [vma(1, 2)]],
  ["a page more", [vma(1, 4)]],
  ["other permissions", [vma(1, 3, "r--p")]],
  ["another name", [{ ...vma(1, 3), name: "/other" }]],
  ["another offset", [{ ...vma(1, 3), offset: 0 }]],
  ["nothing", []],
  ["a VMA more", [vma(1, 3), vma(9, 10)]],
])("%s is one difference", (_, got) => {
  expect(mapsApart([vma(1, 3)], got).differences).toBe(1);
});

test("a file unlinked after it was mapped is the same file", () => {
  const deleted = { ...vma(1, 3), name: "/lib (deleted)" };
  expect(mapsApart([deleted], [vma(1, 3)])).toMatchObject({ differences: 0 });
});

test("what never had a path keeps its ` (deleted)`", () => {
  const shared = { ...vma(1, 3), name: "/dev/zero (deleted)" };
  expect(mapsApart([shared], [{ ...shared, name: "/dev/zero" }]).differences).toBe(1);
});
