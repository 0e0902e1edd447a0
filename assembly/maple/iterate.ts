// iterate: entries in ascending order, a few instructions each.
//
// Invariants
//   I1  MASK has a bit for every present slot of LEAF that is still to come.
//   I2  an entry whose pieces meet at a region border is returned once.
//   I3  the cursor is void after any store: its maker begins again behind what it has seen.
//
// Context: a lock that keeps writers out, from begin to the last next; one iteration a
// worker at a time. Floor: maple. Imports: node, cursor, region.

import { Node, Seat } from "../base/layout";
import { this_seat } from "../base/worker";
import { Cursor, Step, step_at, step_node, step_slot, walk } from "./cursor";
import { depth_of, leaf_present, node_count, node_entry, node_of, node_start } from "./node";
import { region_key, region_of, root_at, tree_regions } from "./region";

/** Aims the iterator at `page`: the entry covering it, else the next one, comes first. */
export function mt_iter_begin(tree: usize, page: u64): void {
  const cursor = this_seat() + Seat.CURSOR;
  const r = region_of(page);
  store<u32>(cursor, r, Cursor.ITER_REGION);
  store<u32>(cursor, 0, Cursor.ITER_MASK);
  store<u32>(cursor, 0, Cursor.ITER_LEAF);
  store<u32>(cursor, 0, Cursor.ITER_DEPTH);
  if (r < tree_regions(tree)) enter(cursor, load<u32>(root_at(tree, r)), region_key(page));
}

/** The next entry, 0 at the end. */
export function mt_iter_next(tree: usize): u32 {
  const cursor = this_seat() + Seat.CURSOR;
  const mask = load<u32>(cursor, Cursor.ITER_MASK);
  if (mask == 0) return next_slow(tree, cursor);
  store<u32>(cursor, mask & (mask - 1), Cursor.ITER_MASK);
  return node_entry(load<u32>(cursor, Cursor.ITER_LEAF), ctz(mask));
}

function next_slow(tree: usize, cursor: usize): u32 {
  const depth = load<u32>(cursor, Cursor.ITER_DEPTH);
  const step = step_at(cursor + Cursor.ITERATOR, 2);
  const slot = step_slot(step) + 1;
  // The usual case: the next child of the same parent.
  if (depth < 2 || !has_slot(step_node(step), slot)) return next_far(tree, cursor, depth);
  store<u32>(step, slot, Step.SLOT);
  return first_of(tree, cursor, node_of(node_entry(step_node(step), slot)));
}

/** Moves to `leaf` and returns its first entry; every leaf but a root has one. */
function first_of(tree: usize, cursor: usize, leaf: usize): u32 {
  const mask = leaf_present(leaf);
  store<u32>(cursor, <u32>leaf, Cursor.ITER_LEAF);
  store<u32>(cursor, mask & (mask - 1), Cursor.ITER_MASK);
  return mask != 0 ? node_entry(leaf, ctz(mask)) : mt_iter_next(tree);
}

function next_far(tree: usize, cursor: usize, depth: u32): u32 {
  const path = cursor + Cursor.ITERATOR;
  for (let level: u32 = 3; level <= depth; level++) {
    let step = step_at(path, level);
    let node = step_node(step);
    let slot = step_slot(step) + 1;
    if (!has_slot(node, slot)) continue;
    store<u32>(step, slot, Step.SLOT);
    while (--level != 1) {
      node = node_of(node_entry(node, slot));
      slot = 0;
      step -= Step.SIZE;
      store<u32>(step, <u32>node, Step.NODE);
      store<u32>(step, slot, Step.SLOT);
    }
    return first_of(tree, cursor, node_of(node_entry(node, slot)));
  }
  return next_region(tree, cursor) ? mt_iter_next(tree) : 0;
}

function has_slot(node: usize, slot: u32): bool {
  return slot < <u32>Node.SLOTS && node_start(node, slot) != Node.UNUSED;
}

/** Moves to the first leaf of the next region; false if there is none. */
function next_region(tree: usize, cursor: usize): bool {
  const r = load<u32>(cursor, Cursor.ITER_REGION) + 1;
  if (r >= tree_regions(tree)) return false;
  const leaf = <usize>load<u32>(cursor, Cursor.ITER_LEAF);
  const before = leaf == 0 ? 0 : node_entry(leaf, node_count(leaf) - 1);
  store<u32>(cursor, r, Cursor.ITER_REGION);
  store<u32>(cursor, 0, Cursor.ITER_LEAF);
  store<u32>(cursor, 0, Cursor.ITER_DEPTH);
  enter(cursor, load<u32>(root_at(tree, r)), 0);
  const mask = load<u32>(cursor, Cursor.ITER_MASK);
  if (before == 0 || (mask & 1) == 0) return true;
  // I2: the piece at the border is the one that has just been returned.
  const first = node_entry(load<u32>(cursor, Cursor.ITER_LEAF), 0);
  if (first == before) store<u32>(cursor, mask & ~1, Cursor.ITER_MASK);
  return true;
}

/** Aims at `key` below `word`, which may be 0. */
function enter(cursor: usize, word: u32, key: i32): void {
  if (word == 0) return;
  const path = cursor + Cursor.ITERATOR;
  walk(path, word, key);
  const step = step_at(path, 1);
  const leaf = step_node(step);
  store<u32>(cursor, depth_of(word), Cursor.ITER_DEPTH);
  store<u32>(cursor, <u32>leaf, Cursor.ITER_LEAF);
  store<u32>(cursor, leaf_present(leaf) & ((<u32>0xffffffff) << step_slot(step)), Cursor.ITER_MASK);
}
