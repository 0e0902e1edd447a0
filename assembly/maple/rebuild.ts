// rebuild: changes of a region tree's shape. None of them changes what the tree says.
//
//   split   16 slots ─▶ m │ 16 - m      the right part moves to a new sibling
//   join    a │ b ─▶ a + b              the right node is freed
//   share   a │ b ─▶ half │ half
//
// Invariants
//   R1  a new node is complete before a word leads to it, and a word leads to the new
//       right part before the left one gives it up: a reader on its way finds the old
//       place or the new one.
//   R2  a node leaves the tree before it is freed. A reader may still be in it: it stays
//       a node of its kind (slab A1), and what it says is outdated, not wild (N3).
//   R3  nothing here allocates without mt_reserve having set the nodes aside.
//
// Context: the writer. Floor: maple. Imports: node, cursor, gaps, alloc/slab.

import { journal_free } from "../alloc/commit";
import { journal_alloc, journal_inner, journal_leaf, journal_word } from "../alloc/journal";
import { Node, Region, Seat } from "../base/layout";
import { this_seat } from "../base/worker";
import { SlabKind } from "../shared/abi";
import { racy_v128, store_release } from "../sync/atomics";
import {
  Cursor,
  cursor_path,
  step_at,
  step_high,
  step_low,
  step_node,
  step_slot,
  walk,
} from "./cursor";
import { gap_of } from "./gaps";
import {
  depth_of,
  Fill,
  lanes_fill,
  node_close,
  node_count,
  node_entry,
  node_gap,
  node_of,
  node_open,
  node_rebase,
  node_start,
  set_entry,
  set_gap,
  set_start,
  slot_end,
  start_at,
} from "./node";

/** A leaf or inner node, reserved before (R3). */
function node_alloc(level: u32): usize {
  return journal_alloc(level == 1 ? SlabKind.LEAF : SlabKind.INNER);
}

/** When the call is committed: until then its death can put the node back into the tree. */
function node_free(node: usize, level: u32): void {
  journal_free(level == 1 ? SlabKind.LEAF : SlabKind.INNER, node);
}

/** Before a node that is in the tree changes. */
function node_log(node: usize, level: u32): void {
  if (level == 1) journal_leaf(node);
  else journal_inner(node);
}

/** Frees a node that nothing leads to any more, and all below it. */
export function subtree_free(word: u32): void {
  const node = node_of(word);
  const level = depth_of(word);
  if (level > 1) {
    const count = node_count(node);
    for (let i: u32 = 0; i < count; i++) subtree_free(node_entry(node, i));
  }
  node_free(node, level);
}

/** Makes the region one range [first, end) of `entry` (not 0) with NULL around. */
export function region_found(root: usize, first: i32, end: i32, entry: u32): void {
  const old = load<u32>(root);
  const leaf = node_alloc(1);
  lanes_fill(leaf, Node.UNUSED);
  let slot: u32 = 0;
  if (first > 0) {
    set_start(leaf, slot, 0);
    set_entry(leaf, slot++, 0);
  }
  set_start(leaf, slot, first);
  set_entry(leaf, slot++, entry);
  if (end < Region.PAGES) {
    set_start(leaf, slot, end);
    set_entry(leaf, slot, 0);
  }
  journal_word(root);
  // Publishes the leaf, filled above. Partner: mt_load.
  store_release(root, <u32>leaf | 1);
  if (old != 0) subtree_free(old);
}

/** Makes the region all NULL. */
export function region_clear(root: usize): void {
  const old = load<u32>(root);
  journal_word(root);
  store_release(root, 0);
  if (old != 0) subtree_free(old);
}

/** Adds a level: the root becomes the only child of a new one. The path is outdated. */
export function root_raise(root: usize): void {
  const word = load<u32>(root);
  const depth = depth_of(word);
  const node = node_alloc(depth + 1);
  lanes_fill(node, Node.UNUSED);
  lanes_fill(node + Node.GAPS, 0);
  set_start(node, 0, 0);
  set_gap(node, 0, gap_of(node_of(word), depth, Region.PAGES, true));
  set_entry(node, 0, word);
  journal_word(root);
  // Publishes the new root, filled above. Partner: mt_load.
  store_release(root, <u32>node | (depth + 1));
}

/** Splits the node at `level` of the path at slot `m`; its parent has room. */
export function node_split(path: usize, level: u32, m: u32): void {
  const step = step_at(path, level);
  const above = step_at(path, level + 1);
  const left = step_node(step);
  const right = node_alloc(level);
  const parent = step_node(above);
  const slot = step_slot(above);
  const at = node_start(left, m);
  gather(left, level, 0, 0);
  scatter(right, level, m, node_count(left) - m, at);
  node_log(left, level);
  journal_inner(parent);
  // The right part is complete; from here on it can be reached (R1).
  node_open(parent, slot + 1, 1, true);
  const high = step_high(step);
  const span = high - step_low(step);
  set_gap(parent, slot + 1, gap_of(right, level, span - at, high == Region.PAGES));
  set_entry(parent, slot + 1, <u32>right | level);
  set_start(parent, slot + 1, node_start(parent, slot) + at);
  // Only now does the left part give it up: a reader already inside still finds it.
  scatter(left, level, 0, m, 0);
  set_gap(parent, slot, gap_of(left, level, at, false));
}

/**
 * Makes the last slot of the region's last leaf, which the path leads to, a leaf of its own; the
 * node above has room. Two words change, and no record: the region's last hole is in none.
 */
export function leaf_part(path: usize): void {
  const above = step_at(path, 2);
  const left = step_node(step_at(path, 1));
  const right = node_alloc(1);
  const parent = step_node(above);
  const slot = step_slot(above) + 1;
  const m = step_slot(step_at(path, 1));
  lanes_fill(right, Node.UNUSED);
  set_start(right, 0, 0);
  set_entry(right, 0, node_entry(left, m));
  journal_word(start_at(parent, slot));
  journal_word(start_at(left, m));
  set_gap(parent, slot, 0);
  set_entry(parent, slot, <u32>right | 1);
  // The right part is complete: from here on it can be reached, and the left one gives it up (R1).
  set_start(parent, slot, node_start(parent, slot - 1) + node_start(left, m));
  set_start(left, m, Node.UNUSED);
}

/** Restores the fill of the nodes on the way to `key`, and the root's (C2: walks anew). */
export function repair(root: usize, key: i32): void {
  const path = cursor_path();
  while (true) {
    const word = load<u32>(root);
    const depth = depth_of(word);
    if (depth == 0) return;
    if (depth > 1 && node_count(node_of(word)) == 1) {
      journal_word(root);
      // Drops a level. A reader that took the old root still finds the same nodes.
      store_release(root, node_entry(node_of(word), 0));
      node_free(node_of(word), depth);
      continue;
    }
    walk(path, word, key);
    // From above: a node whose parent is sound has a neighbour to lean on.
    let level = depth - 1;
    while (level != 0 && node_count(step_node(step_at(path, level))) >= <u32>Fill.MIN) level--;
    if (level == 0) return;
    node_fix(path, level);
  }
}

/** Mends the deficient node at `level` of the path with the help of a neighbour. */
export function node_fix(path: usize, level: u32): void {
  const above = step_at(path, level + 1);
  const slot = step_slot(above);
  node_share(path, level, slot + 1 < node_count(step_node(above)) ? slot : slot - 1);
}

/** Moves slots of the full node at `level` to a neighbour if one has room; false if none. */
export function node_spill(path: usize, level: u32): bool {
  const above = step_at(path, level + 1);
  const parent = step_node(above);
  const slot = step_slot(above);
  const roomy: u32 = level == 1 ? Fill.ROOMY : Fill.ROOMY_INNER;
  if (slot != 0 && node_count(node_of(node_entry(parent, slot - 1))) <= roomy) {
    node_share(path, level, slot - 1);
    return true;
  }
  const next = slot + 1;
  if (next < node_count(parent) && node_count(node_of(node_entry(parent, next))) <= roomy) {
    node_share(path, level, slot);
    return true;
  }
  return false;
}

/** Joins children `l` and `l + 1` of the path's node above `level`, or deals evenly. */
function node_share(path: usize, level: u32, l: u32): void {
  const above = step_at(path, level + 1);
  const parent = step_node(above);
  const left = node_of(node_entry(parent, l));
  const right = node_of(node_entry(parent, l + 1));
  const start = node_start(parent, l);
  const held = node_count(left);
  const total = held + node_count(right);
  gather(left, level, 0, 0);
  gather(right, level, held, node_start(parent, l + 1) - start);
  node_log(left, level);
  journal_inner(parent);
  if (total <= <u32>Fill.JOIN) {
    // Complete in the left node first, then unreachable in the right one (R1, R2).
    scatter(left, level, 0, total, 0);
    set_gap(parent, l, max<i32>(node_gap(parent, l), node_gap(parent, l + 1))); // gaps G1
    node_close(parent, l + 1, 1, true);
    node_free(right, level); // as it is: until the call is committed its death can put it back
    return;
  }
  node_log(right, level);
  const end = slot_end(parent, l + 1, step_high(above) - step_low(above));
  const last = step_low(above) + end == Region.PAGES;
  const span = end - start;
  const m = total >> 1;
  const border = stage_start(m);
  if (m > held) scatter(left, level, 0, m, 0);
  scatter(right, level, m, total - m, border);
  set_start(parent, l + 1, start + border);
  if (m <= held) scatter(left, level, 0, m, 0);
  set_gap(parent, l, gap_of(left, level, border, false));
  set_gap(parent, l + 1, gap_of(right, level, span - border, last));
}

/** The node at `level` of the path begins `delta` pages later; its predecessor extends. */
export function low_raise(path: usize, level: u32, delta: i32): void {
  while (true) {
    const step = step_at(path, ++level);
    const node = step_node(step);
    const slot = step_slot(step);
    journal_inner(node);
    if (slot != 0) {
      set_start(node, slot, node_start(node, slot) + delta);
      return;
    }
    node_rebase(node, delta); // the first child moves the node's own low bound
  }
}

/** Takes the node at `level` of the path out of its parent and frees it with all below. */
export function node_remove(path: usize, level: u32): void {
  const above = step_at(path, level + 1);
  const parent = step_node(above);
  const slot = step_slot(above);
  const word = node_entry(parent, slot);
  journal_inner(parent);
  node_close(parent, slot, 1, true);
  if (slot == 0) {
    const delta = node_start(parent, 0);
    node_rebase(parent, delta);
    low_raise(path, level + 1, delta);
  }
  subtree_free(word);
}

function stage_of(array: usize): usize {
  return this_seat() + Seat.CURSOR + Cursor.STAGE + array * Cursor.STAGE_ARRAY;
}

function stage_start(i: u32): i32 {
  return load<i32>(stage_of(0) + ((<usize>i) << 2));
}

/** Copies a node's slots to the stage from slot `to` on, starts raised by `offset`. */
function gather(node: usize, level: u32, to: u32, offset: i32): void {
  const by = i32x4.splat(offset);
  const starts = stage_of(0) + ((<usize>to) << 2);
  for (let at: usize = 0; at < <usize>Node.ENTRIES; at += 16) {
    v128.store(starts + at, i32x4.add(racy_v128(node + at), by));
    v128.store(starts + Cursor.STAGE_ARRAY + at, racy_v128(node + Node.ENTRIES + at));
    if (level > 1) {
      v128.store(starts + 2 * Cursor.STAGE_ARRAY + at, racy_v128(node + Node.GAPS + at));
    }
  }
}

/** Makes a node of `n` slots of the stage from slot `from` on, starts lowered by `base`. */
function scatter(node: usize, level: u32, from: u32, n: u32, base: i32): void {
  const by = i32x4.splat(base);
  const end = i32x4.splat(<i32>n);
  const unused = i32x4.splat(Node.UNUSED);
  const starts = stage_of(0) + ((<usize>from) << 2);
  for (let at: usize = 0; at < <usize>Node.ENTRIES; at += 16) {
    const lane = i32x4.add(i32x4(0, 1, 2, 3), i32x4.splat(<i32>(at >> 2)));
    const used = i32x4.lt_s(lane, end);
    const entries = racy_v128(starts + Cursor.STAGE_ARRAY + at);
    // Unused slots keep their words: valid ones of this kind (N3).
    const kept = racy_v128(node + Node.ENTRIES + at);
    v128.store(node + Node.ENTRIES + at, v128.bitselect(entries, kept, used));
    v128.store(node + at, v128.bitselect(i32x4.sub(racy_v128(starts + at), by), unused, used));
    if (level > 1) {
      const gaps = racy_v128(starts + 2 * Cursor.STAGE_ARRAY + at);
      v128.store(node + Node.GAPS + at, v128.and(gaps, used));
    }
  }
}
