// iterate: entries in ascending order, a leaf at a time.
//
//   for (let mask = mt_iter_begin(tree, page); mask != 0; mask = mt_iter_leaf(tree)) {
//     const entries = mt_iter_entries();
//     for (; mask != 0; mask &= mask - 1) use(mt_iter_entry(entries, mask));
//   }
//
// The caller's loop keeps mask and leaf in registers; what is left a leaf is one step in its
// parent. Who wants one entry a call (JavaScript) has mt_iter_next.
//
// Invariants
//   I1  a mask has a bit for every present slot of the leaf that is still to come. The one in
//       the seat is mt_iter_next's.
//   I2  an entry whose pieces meet at a region border is returned once.
//   I3  the cursor is void after any store: its maker begins again behind what it has seen.
//
// Context: a lock that keeps writers out, from begin to the last step; one iteration a
// worker at a time. Floor: maple. Imports: node, cursor, region.

import { Node, Seat } from "../base/layout";
import { this_seat } from "../base/worker";
import { Cursor, Step, step_at, step_node, step_slot, walk } from "./cursor";
import { depth_of, leaf_present, node_count, node_entry, node_of, node_start } from "./node";
import { region_key, region_of, root_at, tree_regions } from "./region";

/** Aims the iterator at `page`: the mask of its first leaf, 0: nothing is there or above. */
export function mt_iter_begin(tree: usize, page: u64): u32 {
  const cursor = this_seat() + Seat.CURSOR;
  const r = region_of(page);
  store<u32>(cursor, r, Cursor.ITER_REGION);
  const inside = r < tree_regions(tree);
  let mask = enter(cursor, inside ? load<u32>(root_at(tree, r)) : 0, region_key(page));
  if (mask == 0) mask = mt_iter_leaf(tree);
  store<u32>(cursor, mask, Cursor.ITER_MASK);
  return mask;
}

/** Moves to the next leaf with entries: its mask, 0 at the end. */
export function mt_iter_leaf(tree: usize): u32 {
  const cursor = this_seat() + Seat.CURSOR;
  const depth = load<u32>(cursor, Cursor.ITER_DEPTH);
  const step = step_at(cursor + Cursor.ITERATOR, 2);
  const slot = step_slot(step) + 1;
  // The usual case: the next child of the same parent.
  if (depth < 2 || !has_slot(step_node(step), slot)) return leaf_far(tree, cursor, depth);
  store<u32>(step, slot, Step.SLOT);
  return arrive(cursor, node_of(node_entry(step_node(step), slot)));
}

/** The leaf that the last mask is of, for mt_iter_entry. */
export function mt_iter_entries(): usize {
  return <usize>load<u32>(this_seat() + Seat.CURSOR, Cursor.ITER_LEAF);
}

/** The entry of the lowest bit of `mask`, not 0. */
export function mt_iter_entry(entries: usize, mask: u32): u32 {
  return node_entry(entries, ctz(mask));
}

/** After mt_iter_begin, instead of its mask: the next entry, 0 at the end. */
export function mt_iter_next(tree: usize): u32 {
  const cursor = this_seat() + Seat.CURSOR;
  let mask = load<u32>(cursor, Cursor.ITER_MASK);
  if (mask == 0) mask = mt_iter_leaf(tree);
  if (mask == 0) return 0;
  store<u32>(cursor, mask & (mask - 1), Cursor.ITER_MASK);
  return mt_iter_entry(mt_iter_entries(), mask);
}

/** Makes `leaf` the current one; its mask. Every leaf but a root has an entry. */
function arrive(cursor: usize, leaf: usize): u32 {
  store<u32>(cursor, <u32>leaf, Cursor.ITER_LEAF);
  return leaf_present(leaf);
}

/** The next leaf is not under the same parent, or in another region. */
function leaf_far(tree: usize, cursor: usize, depth: u32): u32 {
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
    return arrive(cursor, node_of(node_entry(node, slot)));
  }
  return next_region(tree, cursor);
}

function has_slot(node: usize, slot: u32): bool {
  return slot < <u32>Node.SLOTS && node_start(node, slot) != Node.UNUSED;
}

/** Moves to the first leaf with entries in the regions above: its mask, 0 if there is none. */
function next_region(tree: usize, cursor: usize): u32 {
  const regions = tree_regions(tree);
  let r = load<u32>(cursor, Cursor.ITER_REGION) + 1;
  for (; r < regions; r++) {
    const leaf = mt_iter_entries();
    const before = leaf == 0 ? 0 : node_entry(leaf, node_count(leaf) - 1);
    store<u32>(cursor, r, Cursor.ITER_REGION);
    let mask = enter(cursor, load<u32>(root_at(tree, r)), 0);
    // I2: the piece at the border is the one that has just been returned.
    if (before != 0 && (mask & 1) != 0 && node_entry(mt_iter_entries(), 0) == before) mask ^= 1;
    if (mask != 0) return mask;
  }
  // Ended: another step ends again.
  store<u32>(cursor, regions, Cursor.ITER_REGION);
  store<u32>(cursor, 0, Cursor.ITER_DEPTH);
  return 0;
}

/** Aims at `key` below `word`, which may be 0: the mask of what is there and above in the leaf. */
function enter(cursor: usize, word: u32, key: i32): u32 {
  store<u32>(cursor, depth_of(word), Cursor.ITER_DEPTH);
  store<u32>(cursor, 0, Cursor.ITER_LEAF);
  if (word == 0) return 0;
  const path = cursor + Cursor.ITERATOR;
  walk(path, word, key);
  const step = step_at(path, 1);
  return arrive(cursor, step_node(step)) & ((<u32>0xffffffff) << step_slot(step));
}
