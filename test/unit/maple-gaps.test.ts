// Hole searches by example: the windows of the kernel's own test, borders, and filling up.

import { beforeEach, expect, test } from "vitest";
import { freshArena, REGION } from "../support/maple";

const { maple } = freshArena({ regions: 4 });

beforeEach(() => maple.tree_destroy());

/** Pages 10..209 taken in tens, 160..169 free: holes 0..9, 160..169 and 210 upwards. */
function decades(): void {
  for (let first = 10; first < 210; first += 10) {
    if (first !== 160) maple.tree_store(first, first + 10, first);
  }
}

// Windows are [low, high), one more than the kernel's inclusive ones.
test.each([
  [5, 91, 10, -1],
  [6, 91, 5, -1],
  [5, 91, 5, 5],
  [5, 218, 9, 161],
  [100, 219, 3, 216],
  [100, 219, 16, -1],
  [167, 201, 4, -1],
  [100, 163, 4, -1],
])("highest in [%d, %d) of %d pages: %d [R-MTT-12]", (low, high, size, expected) => {
  decades();
  expect(maple.tree_gap_highest(low, high, size)).toBe(expected);
});

test.each([
  [0, 101, 9, 0],
  [0, 101, 4, 0],
  [0, 101, 11, -1],
  [5, 101, 6, -1],
  [0, 9, 10, -1],
  [100, 164, 6, -1],
  [100, 164, 4, 160],
  [100, 300, 11, 210],
])("lowest in [%d, %d) of %d pages: %d [R-MTT-12]", (low, high, size, expected) => {
  decades();
  expect(maple.tree_gap_lowest(low, high, size)).toBe(expected);
});

test("an empty window or an empty wish has no answer", () => {
  expect(maple.tree_gap_highest(10, 10, 1)).toBe(-1);
  expect(maple.tree_gap_highest(20, 10, 1)).toBe(-1);
  expect(maple.tree_gap_lowest(10, 20, 0)).toBe(-1);
  expect(maple.tree_gap_lowest(0, 4 * REGION, 4 * REGION + 1)).toBe(-1);
});

test("an empty tree is one hole over all regions", () => {
  expect(maple.tree_gap_lowest(0, 4 * REGION, 4 * REGION)).toBe(0);
  expect(maple.tree_gap_highest(3, 4 * REGION, 3 * REGION)).toBe(REGION);
  expect(maple.tree_gap_highest(0, 2 ** 50, 1)).toBe(4 * REGION - 1);
});

test("a hole over a border is one hole", () => {
  maple.tree_store(0, REGION - 3, 1);
  maple.tree_store(REGION + 4, 2 * REGION, 2);
  maple.tree_store(2 * REGION, 4 * REGION, 3);
  expect(maple.tree_gap_lowest(0, 4 * REGION, 7)).toBe(REGION - 3);
  expect(maple.tree_gap_highest(0, 4 * REGION, 7)).toBe(REGION - 3);
  expect(maple.tree_gap_highest(0, 4 * REGION, 5)).toBe(REGION - 1);
  expect(maple.tree_gap_lowest(0, 4 * REGION, 8)).toBe(-1);
  expect(maple.tree_gap_highest(REGION - 1, REGION + 2, 3)).toBe(REGION - 1);
});

test("a hole over a whole empty region is one hole", () => {
  maple.tree_store(0, REGION - 1, 1);
  maple.tree_store(2 * REGION + 1, 4 * REGION, 1);
  expect(maple.tree_gap_highest(0, 4 * REGION, REGION + 2)).toBe(REGION - 1);
  expect(maple.tree_gap_lowest(0, 4 * REGION, REGION + 2)).toBe(REGION - 1);
  expect(maple.tree_gap_lowest(0, 4 * REGION, REGION + 3)).toBe(-1);
});

test("filling a window from below ends full, and holes made later are found [R-MTT-13]", () => {
  const window = 200_000;
  const starts: number[] = [];
  for (let i = 0; ; i++) {
    const size = 1 + (i % 16);
    const at = maple.tree_gap_lowest(1000, 1000 + window, size);
    if (at < 0) break;
    maple.tree_store(at, at + size, i + 1);
    starts.push(at);
  }
  expect(maple.tree_validate()).toBe(0);
  const taken = starts.length;
  maple.tree_store(starts[taken - 40]!, starts[taken - 40]! + 1, 0);
  maple.tree_store(starts[taken - 2]!, starts[taken - 2]! + 1, 0);
  expect(maple.tree_gap_lowest(1000, 1000 + window, 1)).toBe(starts[taken - 40]);
  expect(maple.tree_gap_lowest(starts[taken - 40]! + 1, 1000 + window, 1)).toBe(starts[taken - 2]);
});

test("filling from above packs downwards without a hole", () => {
  for (let i = 0; i < 5000; i++) {
    const size = 1 + (i % 7);
    const at = maple.tree_gap_highest(0, 3 * REGION, size);
    maple.tree_store(at, at + size, i + 1);
  }
  expect(maple.tree_validate()).toBe(0);
  const pages = Array.from({ length: 5000 }, (_, i) => 1 + (i % 7)).reduce((a, b) => a + b);
  expect(maple.tree_gap_highest(0, 3 * REGION, 1)).toBe(3 * REGION - pages - 1);
});
