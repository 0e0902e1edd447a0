// validate: every invariant of a tree, checked by visiting all of it.
//
// Returns Invariant.SOUND or the first breach found, depth first:
//   TREE_DEPTH        a node of the wrong level or kind, or a depth out of bounds
//   TREE_OCCUPANCY    a deficient node, an inner root of one child, a region of one NULL
//   TREE_ORDER        starts not rising, not from 0, or outside the node (N1)
//   TREE_UNUSED_SLOT  a used slot behind an unused one, or a gap in an unused one
//   TREE_NULLS        two neighbouring NULLs in a region (S1)
//   TREE_GAP          a record that is not the child's largest hole (G1)
//
// It measures holes slot by slot, not with the vectors of node.ts: what the writer asserts
// by one way is checked here by another. Context: lock held. Floor: maple.

import { slab_owns } from "../alloc/slab";
import { Node, Region, Seat } from "../base/layout";
import { this_seat } from "../base/worker";
import { Invariant, SlabKind } from "../shared/abi";
import { Cursor } from "./cursor";
import { depth_of, Fill, node_entry, node_gap, node_of, node_start } from "./node";
import { root_at, tree_regions } from "./region";

export function mt_validate(tree: usize): i32 {
  const regions = tree_regions(tree);
  for (let r: u32 = 0; r < regions; r++) {
    const word = load<u32>(root_at(tree, r));
    if (word == 0) continue;
    const depth = depth_of(word);
    if (depth == 0 || depth > <u32>Node.DEPTH_MAX) return Invariant.TREE_DEPTH;
    store<u32>(this_seat() + Seat.CURSOR, 0, Cursor.AFTER_NULL);
    const found = check(word, depth, 0, Region.PAGES, true);
    if (found != Invariant.SOUND) return found;
    if (depth == 1 && used(node_of(word)) == 1 && node_entry(node_of(word), 0) == 0) {
      return Invariant.TREE_OCCUPANCY;
    }
  }
  return Invariant.SOUND;
}

/** Used slots, counted one by one. */
function used(node: usize): u32 {
  let n: u32 = 0;
  while (n < <u32>Node.SLOTS && node_start(node, n) != Node.UNUSED) n++;
  return n;
}

function check(word: u32, level: u32, low: i32, span: i32, root: bool): i32 {
  const node = node_of(word);
  if (depth_of(word) != level) return Invariant.TREE_DEPTH;
  if (!slab_owns(level == 1 ? SlabKind.LEAF : SlabKind.INNER, node)) return Invariant.TREE_DEPTH;
  const n = used(node);
  const last_leaf = level == 1 && low + span == Region.PAGES;
  const least: u32 = last_leaf ? 1 : root ? 2 : Fill.MIN; // S3
  if (n < least) return Invariant.TREE_OCCUPANCY;
  if (node_start(node, 0) != 0) return Invariant.TREE_ORDER;
  for (let i = n; i < <u32>Node.SLOTS; i++) {
    if (node_start(node, i) != Node.UNUSED) return Invariant.TREE_UNUSED_SLOT;
    if (level > 1 && node_gap(node, i) != 0) return Invariant.TREE_UNUSED_SLOT;
  }
  for (let i: u32 = 0; i < n; i++) {
    const end = i + 1 < n ? node_start(node, i + 1) : span;
    const length = end - node_start(node, i);
    if (length <= 0) return Invariant.TREE_ORDER;
    const found = level == 1 ? check_slot(node, i) : check_child(node, i, level, low, length);
    if (found != Invariant.SOUND) return found;
  }
  return Invariant.SOUND;
}

function check_slot(leaf: usize, slot: u32): i32 {
  const cursor = this_seat() + Seat.CURSOR;
  const empty = u32(node_entry(leaf, slot) == 0);
  if (empty & load<u32>(cursor, Cursor.AFTER_NULL)) return Invariant.TREE_NULLS;
  store<u32>(cursor, empty, Cursor.AFTER_NULL);
  return Invariant.SOUND;
}

/** Child `slot` of a node that begins at `low`; the child is `length` pages long. */
function check_child(node: usize, slot: u32, level: u32, low: i32, length: i32): i32 {
  const child = node_entry(node, slot);
  const start = low + node_start(node, slot);
  const found = check(child, level - 1, start, length, false);
  if (found != Invariant.SOUND) return found;
  const last = start + length == Region.PAGES;
  if (largest(node_of(child), level - 1, length, last) != node_gap(node, slot))
    return Invariant.TREE_GAP;
  return Invariant.SOUND;
}

/** The largest hole of a node whose own records are true; the region's last one does not count. */
function largest(node: usize, level: u32, span: i32, last: bool): i32 {
  let n = used(node);
  if (level == 1 && last && node_entry(node, n - 1) == 0) n--;
  let gap: i32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const next = i + 1 < <u32>Node.SLOTS ? node_start(node, i + 1) : Node.UNUSED;
    const end = next == Node.UNUSED ? span : next;
    if (level > 1) gap = max<i32>(gap, node_gap(node, i));
    else if (node_entry(node, i) == 0) gap = max<i32>(gap, end - node_start(node, i));
  }
  return gap;
}
