// ops/unmapped.ts: where a mapping goes (R-PLACE-*, R-HINT-*, R-THP-*).

import { describe, expect, test } from "vitest";
import { MapFlags, Prot } from "../../../../src/index.js";
import { type Sketch, sketch } from "../../../support/drawing.js";
import { PAGE, PRIVATE_ANON, RW } from "../../../support/engine.js";

/** A space of `pages` pages above BASE: the drawing is all there is to choose from. */
const small = (drawing: string, options = {}) =>
  sketch(drawing, {
    taskSize: 0x10000000 + drawing.length * PAGE,
    mmapMinAddr: 0x10000000,
    stackGuardGapPages: 2,
    ...options,
  });

/** The page where the kernel puts `pages` pages. */
function choose(s: Sketch, pages: number, flags = 0, hint = 0): number {
  const place = hint === 0 ? {} : { address: hint };
  const made = s.mm.mmap({
    ...place,
    length: pages * PAGE,
    prot: Prot.READ,
    flags: PRIVATE_ANON | flags,
  });
  return (made - s.at(0)) / PAGE;
}

describe("top-down", () => {
  test.each([
    ["an empty space from its top", "..........", 3, 7],
    ["the highest hole that is large enough, at its top (R-PLACE-3)", "W..WW....W.", 2, 7],
    ["the only hole that is large enough", "...WW.WW..", 3, 0],
    ["a hole of just the size", "WW..WWWWW", 2, 2],
    ["above a stack nothing is kept free", "W......GG...", 3, 9],
    ["below a stack its gap is kept free (R-PLACE-4)", "W........GG", 3, 4],
    ["a hole that the gap makes too small is passed over", "..W...GG", 2, 0],
    ["a hole that just fits below the gap", "W.....GG", 3, 1],
    ["two stacks, two gaps", "W....GG...GG", 2, 1],
  ])("takes %s", async (_name, drawing, pages, page) => {
    const s = await small(drawing);
    expect(choose(s, pages)).toBe(page);
  });

  test("nothing large enough: ENOMEM", async () => {
    const s = await small("W..W..W");
    s.refuses("ENOMEM", () => choose(s, 3));
  });

  test("stays above the minimum address and below mmap_base", async () => {
    const s = await small("..........", { mmapBase: 0x10000000 + 6 * PAGE });
    expect(choose(s, 6)).toBe(0);
    // What is left lies above mmap_base: searched bottom-up, from the legacy base (R-PLACE-5).
    expect(choose(s, 2)).toBe(6);
  });

  test("one page after the other lies directly below the last and merges (R-MERGE-2)", async () => {
    const s = await small("..........");
    for (let i = 1; i <= 10; i++) expect(choose(s, 1)).toBe(10 - i);
    s.expect("RRRRRRRRRR");
  });
});

describe("bottom-up (R-PLACE-6)", () => {
  const upwards = (drawing: string) =>
    small(drawing, { direction: "bottom-up" as const, mmapBase: 0x10000000 });

  test.each([
    ["an empty space from its base", "..........", 3, 0],
    ["the lowest hole that is large enough", "W.WW...W....", 2, 4],
    ["below a stack its gap is kept free", ".....GG....", 3, 0],
    ["a hole that the gap makes too small is passed over", "....GG....", 3, 6],
  ])("takes %s", async (_name, drawing, pages, page) => {
    const s = await upwards(drawing);
    expect(choose(s, pages)).toBe(page);
  });

  test("nothing above the base: ENOMEM, though there is room below", async () => {
    const s = await small("....WW", { direction: "bottom-up", mmapBase: 0x10000000 + 4 * PAGE });
    s.refuses("ENOMEM", () => choose(s, 1));
  });
});

describe("a hint", () => {
  test("that is free is taken (R-HINT-1), rounded down to a page (R-HINT-2)", async () => {
    const s = await small("..........");
    expect(choose(s, 2, 0, s.at(3))).toBe(3);
    expect(choose(s, 1, 0, s.at(7) + PAGE - 1)).toBe(7);
  });

  test("that is occupied is forgotten, without an error (R-HINT-3)", async () => {
    const s = await small("..WW......");
    expect(choose(s, 2, 0, s.at(3))).toBe(8);
    expect(choose(s, 3, 0, s.at(0))).toBe(5); // its tail is occupied
  });

  test("flush below a VMA is fine (R-HINT-4)", async () => {
    const s = await small("..WW......");
    expect(choose(s, 2, 0, s.at(0))).toBe(0);
  });

  test("in a stack's gap is not taken, just below it is (R-STACK-5, 6)", async () => {
    const s = await small("W.....GG....");
    expect(choose(s, 1, 0, s.at(4))).toBe(11);
    expect(choose(s, 1, 0, s.at(3))).toBe(3);
    // FIXED asks nobody (R-STACK-7).
    s.mmap(5, 1, RW);
    s.expect("W..R.WGG...R");
  });

  test("below the minimum address is raised to it", async () => {
    const s = await small("..........");
    expect(choose(s, 1, 0, PAGE)).toBe(0);
  });

  test("within the first page is none", async () => {
    const s = await small("..........");
    expect(choose(s, 1, 0, PAGE - 1)).toBe(9);
  });

  test("that leaves the space is forgotten", async () => {
    const s = await small("..........");
    expect(choose(s, 2, 0, s.at(9))).toBe(8);
    expect(choose(s, 1, 0, s.at(10))).toBe(7);
  });
});

describe("huge page alignment", () => {
  const HUGE = 2 ** 21;
  const at = async (length: number, extra: object = {}, flags = PRIVATE_ANON) => {
    const s = await sketch("");
    return s.mm.mmap({ length, prot: RW, flags, ...extra });
  };

  test.each([HUGE, 3 * HUGE])(
    "anonymous memory of %s bytes is aligned (R-THP-1)",
    async (length) => {
      expect((await at(length)) % HUGE).toBe(0);
    },
  );

  test.each([HUGE + PAGE, HUGE - PAGE, 3 * HUGE - PAGE])("of %s bytes is not", async (length) => {
    const s = await sketch("");
    expect(await at(length)).toBe(s.mm.stat().mmapBase - length);
  });

  test("is the highest multiple that fits", async () => {
    const s = await sketch("");
    const base = s.mm.stat().mmapBase;
    expect(await at(HUGE)).toBe(Math.floor((base - HUGE) / HUGE) * HUGE);
  });

  test("does not apply with a hint, free or occupied (R-THP-2)", async () => {
    const s = await sketch("WW");
    const map = (address: number) =>
      s.mm.mmap({ address, length: HUGE, prot: RW, flags: PRIVATE_ANON });
    expect(map(0x20001000)).toBe(0x20001000);
    expect(map(s.at(0))).toBe(s.mm.stat().mmapBase - HUGE);
  });

  test("does not apply to shared memory (R-THP-4)", async () => {
    const flags = MapFlags.SHARED | MapFlags.ANONYMOUS;
    expect((await at(HUGE, {}, flags)) % HUGE).not.toBe(0);
  });

  test.each([
    [0, 2 * HUGE + PAGE, 0],
    [PAGE, 4 * HUGE, PAGE],
    [PAGE, HUGE, null],
    [HUGE, HUGE, 0],
  ])(
    "files at offset %s, %s bytes: address modulo 2 MiB is %s (R-THP-3)",
    async (offset, length, mod) => {
      const s = await sketch("");
      using file = s.engine.openFile({ name: "/big", hugePageAligned: true });
      const made = s.mm.mmap({ length, prot: Prot.READ, flags: MapFlags.PRIVATE, file, offset });
      if (mod === null) expect(made).toBe(s.mm.stat().mmapBase - length);
      else expect(made % HUGE).toBe(mod);
    },
  );

  test.each([
    [0, 2 * HUGE, 0],
    [0, 2 * HUGE + PAGE, 0],
    [PAGE, 4 * HUGE, PAGE],
  ])("private /dev/zero at offset %s, %s bytes, as a file: modulo %s", async (...row) => {
    const [offset, length, mod] = row;
    const s = await sketch("");
    using zero = s.engine.openFile({ name: "/dev/zero", kind: "dev-zero" });
    const place = { length, prot: RW, file: zero, offset };
    expect(s.mm.mmap({ ...place, flags: MapFlags.PRIVATE }) % HUGE).toBe(mod);
    const below = Math.min(...s.mm.vmas().map((vma) => vma.start));
    const shared = s.mm.mmap({ ...place, flags: MapFlags.SHARED });
    expect([below - length, s.mm.stat().mmapBase - length]).toContain(shared); // plain (R-THP-4)
  });

  test("without room for the padding the search is plain (R-THP-6)", async () => {
    const s = await small(".".repeat(513));
    s.mmap(512, 1, RW);
    expect(choose(s, 512)).toBe(0);
  });

  test("a moved mapping is aligned likewise (R-THP-5)", async () => {
    const s = await sketch("WW");
    const moved = s.mm.mremap({ address: s.at(0), oldLength: PAGE, newLength: HUGE, flags: 1 });
    expect(moved % HUGE).toBe(0);
  });

  test.each([
    [16384, 2 ** 25],
    [65536, 2 ** 29],
  ] as const)("pages of %s bytes have huge ones of %s", async (pageSize, huge) => {
    const s = await sketch("", { pageSize });
    const map = (length: number) => s.mm.mmap({ length, prot: 0, flags: PRIVATE_ANON });
    expect(map(huge) % huge).toBe(0);
    expect(map(2 ** 21) % huge).not.toBe(0);
  });
});

describe("windows", () => {
  test("MAP_32BIT: from 1 GiB upwards, below 2 GiB (R-PLACE-7)", async () => {
    const s = await sketch("");
    const map = () =>
      s.mm.mmap({ length: PAGE, prot: RW, flags: PRIVATE_ANON | MapFlags.MAP_32BIT });
    expect([map(), map()]).toEqual([0x40000000, 0x40001000]);
  });

  test("MAP_32BIT takes a free hint below 2 GiB, below 1 GiB too; others are forgotten", async () => {
    const s = await sketch("");
    const map = (address: number, length = PAGE) =>
      s.mm.mmap({ address, length, prot: RW, flags: PRIVATE_ANON | MapFlags.MAP_32BIT });
    expect(map(0x30000000)).toBe(0x30000000);
    expect(map(0x60000000)).toBe(0x60000000);
    expect(map(0x7ffff000)).toBe(0x7ffff000);
    expect(map(0x60000000)).toBe(0x40000000); // occupied
    expect(map(0x90000000)).toBe(0x40001000); // above the window
    expect(map(0x7fffe000, 2 * PAGE)).toBe(0x40002000); // its tail is occupied
  });

  test("MAP_32BIT with no room left in its window: ENOMEM", async () => {
    const s = await sketch("");
    const flags = PRIVATE_ANON | MapFlags.FIXED | MapFlags.NORESERVE;
    s.mm.mmap({ address: 0x40000000, length: 2 ** 30, prot: 0, flags });
    s.refuses("ENOMEM", () =>
      s.mm.mmap({ length: PAGE, prot: RW, flags: PRIVATE_ANON | MapFlags.MAP_32BIT }),
    );
  });

  test("MAP_32BIT of 2 MiB is aligned upwards (R-THP-8)", async () => {
    const s = await sketch("");
    const map = (length: number) =>
      s.mm.mmap({ length, prot: RW, flags: PRIVATE_ANON | MapFlags.MAP_32BIT });
    map(PAGE);
    expect(map(2 ** 21)).toBe(0x40200000);
  });

  test("MAP_ABOVE4G: top-down not below 4 GiB", async () => {
    const top = 2 ** 32 + 4 * PAGE;
    const s = await sketch("", { taskSize: 2 ** 33, mmapBase: top });
    const map = (flags: number) =>
      s.mm.mmap({ length: 3 * PAGE, prot: RW, flags: PRIVATE_ANON | flags });
    expect(map(MapFlags.ABOVE4G)).toBe(top - 3 * PAGE);
    // One page is left above 4 GiB: bottom-up from the legacy base (R-PLACE-5).
    expect(map(MapFlags.ABOVE4G)).toBe(Math.floor((2 ** 33 / 3 + PAGE - 1) / PAGE) * PAGE);
    expect(map(0)).toBe(top - 6 * PAGE);
  });

  test("both are ignored with FIXED", async () => {
    const s = await sketch("");
    const flags = PRIVATE_ANON | MapFlags.FIXED | MapFlags.MAP_32BIT;
    expect(s.mm.mmap({ address: 2 ** 40, length: PAGE, prot: 0, flags })).toBe(2 ** 40);
  });
});

test("huge pages without a pool lie on their own boundaries (R-THP-9)", async () => {
  const s = await sketch("");
  const flags = PRIVATE_ANON | MapFlags.HUGETLB | MapFlags.NORESERVE;
  const made = s.mm.mmap({ length: PAGE, prot: RW, flags });
  expect(made % 2 ** 21).toBe(0);
  expect(s.mm.stat().totalVm).toBe(512); // the length is rounded up to a huge page
  const wrong = { address: s.at(1), length: PAGE, prot: RW, flags: flags | MapFlags.FIXED };
  s.refuses("EINVAL", () => s.mm.mmap(wrong));
});
