// The index in an arena that is carved up to its end: nodes at the very end of memory work like
// others. (Slots are shifted as vectors, which look at bytes behind a node: they trapped there.)

import { expect, test } from "vitest";
import { attachMaple } from "../support/maple.js";

const WASM_PAGE = 65536;
/** What an index with its streams takes before the first chunk, and a few chunks. */
const PAGES = [20, 21, 22, 23, 24, 25];

/** Scattered, so that the leaf that was carved last lies in the middle of the tree. */
const startOf = (i: number) => 1000 + 3 * (Math.imul(i, 2654435761) >>> 12);

test.each(PAGES)("every range goes in and out, in %i pages of memory", (pages) => {
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const maple = attachMaple(memory);
  maple.init(pages * WASM_PAGE, 0, 1);
  const store = (i: number, entry: number) => maple.tree_store(startOf(i), startOf(i) + 2, entry);
  let all = 0;
  while (store(all, all + 1) === 0) all++;
  expect(all).toBeGreaterThan(5000);
  // Now every node is in the magazine: stores use all of memory and leave room for more.
  maple.tree_destroy();
  const some = Math.floor(all * 0.8);
  for (let i = 0; i < some; i++) expect(store(i, i + 1)).toBe(0);
  expect(maple.tree_validate()).toBe(0);
  for (let i = 0; i < some; i++) expect(store(i, 0)).toBe(0);
  expect(maple.tree_nodes(1)).toBe(0);
});
