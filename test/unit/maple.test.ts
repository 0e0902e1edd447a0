// The index by example. A letter is a page with an entry, '.' a free one; the entry 1 is
// 'A'. Names in brackets are the rules of the kernel's own test that a case follows.

import { beforeEach, describe, expect, test } from "vitest";
import { type Arena, draw, drawing, freshArena, pieces, REGION } from "../support/maple";

const ENOMEM = 12;
const shared = freshArena({ regions: 4 });
let arena: Arena;

beforeEach(() => {
  arena = shared;
  arena.maple.fail_after(0);
  arena.maple.tree_destroy();
  expect(arena.maple.live(0) + arena.maple.live(1)).toBe(0);
});

function becomes(before: string, first: number, end: number, letter: string, after: string): void {
  arena.maple.tree_destroy();
  draw(arena, before);
  const entry = letter === "." ? 0 : letter.charCodeAt(0) - 64;
  expect(arena.maple.tree_store(first, end, entry)).toBe(0);
  expect(arena.maple.tree_validate()).toBe(0);
  expect(drawing(arena, before.length)).toBe(after);
}

/** `n` ranges of `length` pages, `gap` free pages behind each; range i holds i + 1. */
function ladder(n: number, length: number, gap: number, at = 0): void {
  for (let i = 0; i < n; i++) {
    const first = at + i * (length + gap);
    expect(arena.maple.tree_store(first, first + length, i + 1)).toBe(0);
  }
  expect(arena.maple.tree_validate()).toBe(0);
}

describe("one leaf", () => {
  test("an empty tree answers nothing everywhere [R-MTT-2]", () => {
    const { maple } = arena;
    expect(maple.tree_load(0)).toBe(0);
    expect(maple.tree_find(0, 4 * REGION)).toBe(0);
    expect(maple.tree_prev(4 * REGION)).toBe(0);
    expect(pieces(arena, 4 * REGION)).toEqual([{ first: 0, end: 4 * REGION, entry: 0 }]);
    expect(maple.tree_height(0)).toBe(0);
  });

  test("a store over an exact range replaces it [R-MTT-5]", () =>
    becomes("..AAA..", 2, 5, "B", "..BBB.."));

  test("a store trims what it overlaps on either side [R-MTT-5]", () => {
    becomes("..AAA..", 1, 3, "B", ".BBAA..");
    becomes("..AAA..", 4, 6, "B", "..AABB.");
    becomes("AAABBB.", 2, 4, "C", "AACCBB.");
  });

  test("a store inside a range makes two of it [R-MTT-5]", () =>
    becomes("AAAAAAA", 2, 4, "B", "AABBAAA"));

  test("a store over several ranges leaves one [R-MTT-5]", () =>
    becomes("A.BB.CC", 0, 6, "D", "DDDDDDC"));

  test("an erase joins the holes beside it", () => {
    becomes("A..B..C", 3, 4, ".", "A.....C");
    expect(pieces(arena, 7)).toHaveLength(3);
  });

  test("an erase of nothing changes nothing", () => becomes("A.....B", 2, 4, ".", "A.....B"));

  test("an erase of the last entry empties the region", () => {
    becomes("...A...", 3, 4, ".", ".......");
    expect(arena.maple.tree_nodes(1)).toBe(0);
  });

  test("like neighbours stay two ranges, and iterate as two", () => {
    draw(arena, "AA");
    arena.maple.tree_store(2, 4, 1);
    arena.maple.tree_iter_begin(0);
    const seen = [1, 2, 3].map(() => arena.maple.tree_iter_next());
    expect(seen).toEqual([1, 1, 0]);
  });
});

describe("many leaves", () => {
  test.each([
    ["ascending", (i: number) => i],
    ["descending", (i: number) => 999 - i],
    ["from both ends", (i: number) => (i % 2 ? 999 - (i >> 1) : i >> 1)],
  ])("a thousand entries %s are all found, their neighbours are not [R-MTT-3]", (_, place) => {
    for (let i = 0; i < 1000; i++) arena.maple.tree_store(place(i) * 3, place(i) * 3 + 1, i + 1);
    expect(arena.maple.tree_validate()).toBe(0);
    for (let i = 0; i < 1000; i++) {
      expect(arena.maple.tree_load(place(i) * 3)).toBe(i + 1);
      expect(arena.maple.tree_load(place(i) * 3 + 1)).toBe(0);
    }
  });

  test("ascending entries pack well: fewer than sixteen bytes each", () => {
    ladder(20_000, 2, 0);
    const bytes = arena.maple.tree_nodes(1) * 128 + arena.maple.tree_nodes(0) * 192;
    expect(bytes / 20_000).toBeLessThan(16);
  });

  test("an append leaves full leaves behind, fifteen slots of sixteen", () => {
    ladder(1500, 1, 0);
    expect(arena.maple.tree_nodes(1)).toBe(100); // the last one has the hole behind them, too
  });

  test("one erase of five to ninety-five percent leaves a sound tree [R-MTT-10]", () => {
    ladder(2000, 10, 0);
    arena.maple.tree_store(1000, 19_000, 0);
    expect(arena.maple.tree_validate()).toBe(0);
    expect(arena.maple.tree_load(999)).toBe(100);
    expect(arena.maple.tree_load(1000)).toBe(0);
    expect(arena.maple.tree_load(18_999)).toBe(0);
    expect(arena.maple.tree_load(19_000)).toBe(1901);
  });

  test("an erase over the middle of fifty-one ranges does not underflow [R-MTT-15]", () => {
    ladder(51, 10, 0);
    arena.maple.tree_store(240, 510, 0);
    expect(arena.maple.tree_validate()).toBe(0);
    expect(pieces(arena, 1000).at(-1)).toEqual({ first: 240, end: 1000, entry: 0 });
  });

  test("any one erase out of three hundred ranges is sound [R-MTT-5, R-MTT-9]", () => {
    for (let from = 0; from < 300; from += 7) {
      for (let n = 1; from + n <= 300; n += 23) {
        arena.maple.tree_destroy();
        ladder(300, 2, from % 2);
        const step = 2 + (from % 2);
        arena.maple.tree_store(from * step + 1, (from + n) * step, from % 3 ? 0 : 999);
        expect(arena.maple.tree_validate()).toBe(0);
      }
    }
  });

  test("holes that join are found as one, at every step of a tear-down [R-MTT-9]", () => {
    ladder(400, 1, 1);
    for (let i = 0; i < 400; i++) {
      arena.maple.tree_store(i * 2, i * 2 + 1, 0);
      expect(arena.maple.tree_validate()).toBe(0);
      const joined = i === 399 ? 4 * REGION : 2 * (i + 1);
      expect(arena.maple.tree_gap_lowest(0, 4 * REGION, Math.min(joined, 2 * (i + 1)))).toBe(0);
    }
    expect(arena.maple.live(0) + arena.maple.live(1)).toBe(0);
  });

  test("next and previous stop at both ends and at limits [R-MTT-7, R-MTT-8]", () => {
    ladder(100, 2, 3);
    const { maple } = arena;
    expect(maple.tree_prev(0)).toBe(0);
    expect(maple.tree_prev(1)).toBe(1);
    expect(maple.tree_prev(5)).toBe(1);
    expect(maple.tree_prev(6)).toBe(2);
    expect(maple.tree_prev(4 * REGION)).toBe(100);
    expect(maple.tree_find(2, 5)).toBe(0);
    expect(maple.tree_find(2, 6)).toBe(2);
    expect(maple.tree_find(496, 497)).toBe(100);
    expect(maple.tree_find(497, 4 * REGION)).toBe(0);
  });

  test("iteration from any page gives the rest in order", () => {
    ladder(500, 2, 1);
    for (let page = 0; page < 1500; page += 13) {
      arena.maple.tree_iter_begin(page);
      const from = Math.floor(page / 3) + (page % 3 === 2 ? 1 : 0);
      for (let i = from; i < 500; i++) expect(arena.maple.tree_iter_next()).toBe(i + 1);
      expect(arena.maple.tree_iter_next()).toBe(0);
      expect(arena.maple.tree_iter_next()).toBe(0);
    }
  });
});

describe("regions", () => {
  test("a range over a border is one range", () => {
    arena.maple.tree_store(REGION - 5, REGION + 7, 3);
    expect(arena.maple.tree_validate()).toBe(0);
    expect(pieces(arena, 4 * REGION)).toEqual([
      { first: 0, end: REGION - 5, entry: 0 },
      { first: REGION - 5, end: REGION + 7, entry: 3 },
      { first: REGION + 7, end: 4 * REGION, entry: 0 },
    ]);
    arena.maple.tree_iter_begin(0);
    expect([arena.maple.tree_iter_next(), arena.maple.tree_iter_next()]).toEqual([3, 0]);
  });

  test("a range over whole regions is one range", () => {
    ladder(100, 1, 1, REGION + 50);
    arena.maple.tree_store(10, 3 * REGION + 10, 9);
    expect(arena.maple.tree_validate()).toBe(0);
    expect(pieces(arena, 4 * REGION).map((p) => p.entry)).toEqual([0, 9, 0]);
    arena.maple.tree_iter_begin(2 * REGION);
    expect([arena.maple.tree_iter_next(), arena.maple.tree_iter_next()]).toEqual([9, 0]);
  });

  test("a store up to the very end, then shrunk, leaves the rest [R-MTT-6]", () => {
    const top = 4 * REGION;
    arena.maple.tree_store(top - 10, top, 1);
    expect(arena.maple.tree_load(top - 1)).toBe(1);
    arena.maple.tree_store(top - 1, top, 0);
    expect(arena.maple.tree_load(top - 1)).toBe(0);
    expect(arena.maple.tree_load(top - 2)).toBe(1);
    expect(arena.maple.tree_validate()).toBe(0);
  });

  test("a page behind the last region is not there", () => {
    arena.maple.tree_store(0, 4 * REGION, 1);
    expect(arena.maple.tree_load(4 * REGION)).toBe(0);
    expect(arena.maple.tree_load(2 ** 52)).toBe(0);
    expect(arena.maple.tree_find(4 * REGION, 2 ** 52)).toBe(0);
  });
});

describe("whole trees", () => {
  test.each([1, 10, 16, 17, 1000, 3000])(
    "a copy of %d ranges is equal and apart [R-MTT-14]",
    (n) => {
      const { maple } = arena;
      ladder(n, 2, n % 2);
      expect(maple.tree_dup()).toBe(0);
      const nodes = maple.live(0) + maple.live(1);
      expect(nodes).toBe(2 * (maple.tree_nodes(1) + maple.tree_nodes(0)));
      maple.tree_destroy();
      expect(maple.twin_validate()).toBe(0);
      for (let i = 0; i < n; i++) expect(maple.twin_load(i * (2 + (n % 2)))).toBe(i + 1);
      maple.twin_destroy();
      expect(maple.live(0) + maple.live(1)).toBe(0);
    },
  );

  test("a refused reservation changes nothing, at each place it can fail", () => {
    ladder(200, 2, 1);
    const before = pieces(arena, 1000);
    for (const nth of [1, 2]) {
      arena.maple.fail_after(nth);
      expect(arena.maple.tree_store(1, 50, 7)).toBe(-ENOMEM);
      expect(pieces(arena, 1000)).toEqual(before);
      arena.maple.fail_after(nth);
      expect(arena.maple.tree_dup()).toBe(-ENOMEM);
      expect(arena.maple.twin_load(0)).toBe(0);
    }
  });

  test("a full arena refuses, stays sound, and serves again after a destroy", () => {
    const small = freshArena({ regions: 1, mib: 2 });
    let stored = 0;
    while (small.maple.tree_store(stored * 3, stored * 3 + 1, stored + 1) === 0) stored++;
    expect(stored).toBeGreaterThan(10_000);
    expect(small.maple.tree_validate()).toBe(0);
    expect(small.maple.tree_load((stored - 1) * 3)).toBe(stored);
    small.maple.tree_destroy();
    for (let i = 0; i < stored; i++)
      expect(small.maple.tree_store(i * 3, i * 3 + 1, i + 1)).toBe(0);
  });
});
