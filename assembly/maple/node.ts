// node: what a maple node is, and how sixteen slots are searched, shifted and measured at once.
//
//   byte  0                  64                 128                192
//         ┌──────────────────┬──────────────────┬──────────────────┐
//   leaf  │ starts  i32 × 16 │ entries u32 × 16 │
//   inner │ starts  i32 × 16 │ children u32 × 16│ gaps    i32 × 16 │
//         └──────────────────┴──────────────────┴──────────────────┘
//   slot i covers [starts[i], starts[i + 1]); the last used slot ends where the node ends.
//
//   node word   31                      6 5       0
//               ┌────────────────────────┬─────────┐
//               │ address, 64-byte units │  depth  │   depth 1 is a leaf; 0 as a whole: nothing
//               └────────────────────────┴─────────┘
//
// Invariants
//   N1  starts are relative to the node's own low bound; starts[0] = 0; used ones rise
//       strictly and lie inside the node's span; unused ones are UNUSED, all at the end.
//   N2  bounds are not stored: a walk brings them from the parent.
//   N3  an entry word of a leaf is a user entry or 0 (NULL), an entry word of an inner
//       node is a node word or 0 - in unused slots and in freed nodes too (left-overs). So
//       whatever a reader without a lock follows is a node of the kind it takes it for.
//   N4  gaps[i] is the largest run of NULL in child i, pages, but for one that ends where the
//       region does; 0 in unused slots.
//
// Context: one writer, under an external lock; readers without a lock load single words
// and vectors and may see a node half-way through an edit. Nothing here depends on what
// they see, except N3: so the lanes below move words, they never invent one.
// Floor: maple. Imports: base/layout, sync/atomics.

import { Node } from "../base/layout";
import { racy_v128 } from "../sync/atomics";

/** Parts of a node word, and how full nodes are kept. */
export const enum Fill {
  DEPTH_MASK = 63,
  /** Fewer used slots than this in a node that is not the root is a deficiency. */
  MIN = 5,
  /** Two neighbours with no more slots than this together become one node. */
  JOIN = 14,
  /**
   * A leaf with no more slots than this takes some of a full neighbour's before that one splits.
   * At 12 random inserts take 1.12 of the time and 14.9 bytes a range instead of 15.4, at 8 0.94 and 16.2.
   */
  ROOMY = 10,
  /** The same of inner nodes: they are few, and a level more costs every walk. */
  ROOMY_INNER = 14,
}
if (Fill.DEPTH_MASK < Node.DEPTH_MAX) ERROR("a depth fits the low bits of a node word");
if (Fill.ROOMY_INNER > Node.SLOTS - 2) ERROR("an even share leaves a slot in both");
if (Fill.JOIN < 2 * Fill.MIN) ERROR("an even share of more than JOIN is not deficient");
if (Node.SLOTS != 16) ERROR("four vectors of four lanes");

export function node_of(word: u32): usize {
  return <usize>(word & ~Fill.DEPTH_MASK);
}

export function depth_of(word: u32): u32 {
  return word & Fill.DEPTH_MASK;
}

export function node_start(node: usize, slot: u32): i32 {
  return load<i32>(node + ((<usize>slot) << 2), Node.STARTS);
}

export function node_entry(node: usize, slot: u32): u32 {
  return load<u32>(node + ((<usize>slot) << 2), Node.ENTRIES);
}

export function start_at(node: usize, slot: u32): usize {
  return node + Node.STARTS + ((<usize>slot) << 2);
}

export function node_gap(node: usize, slot: u32): i32 {
  return load<i32>(node + ((<usize>slot) << 2), Node.GAPS);
}

export function set_start(node: usize, slot: u32, start: i32): void {
  store<i32>(start_at(node, slot), start);
}

export function set_entry(node: usize, slot: u32, entry: u32): void {
  store<u32>(node + ((<usize>slot) << 2), entry, Node.ENTRIES);
}

export function set_gap(node: usize, slot: u32, gap: i32): void {
  store<i32>(node + ((<usize>slot) << 2), gap, Node.GAPS);
}

/** The slot that covers `key` (relative). Any key and any contents give 0..15. */
export function node_slot(node: usize, key: i32): u32 {
  const k = i32x4.splat(key);
  const a = i32x4.gt_s(racy_v128(node), k);
  const b = i32x4.gt_s(racy_v128(node + 16), k);
  const c = i32x4.gt_s(racy_v128(node + 32), k);
  const d = i32x4.gt_s(racy_v128(node + 48), k);
  const above = <u32>(
    i8x16.bitmask(i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d)))
  );
  // Lane 0 starts at 0 and is never above a key: dropping it makes the answer a slot.
  return ctz((above >> 1) | 0x8000);
}

/** Used slots. */
export function node_count(node: usize): u32 {
  return node_slot(node, Node.UNUSED - 1) + 1;
}

/** Where `slot` ends, relative; `span` is the length of the node. */
export function slot_end(node: usize, slot: u32, span: i32): i32 {
  return slot == Node.SLOTS - 1 ? span : min<i32>(node_start(node, slot + 1), span);
}

/** Inlined by decree, for the leaf of a store: 0.95 of an insert's time. */
export class Slots {
  /** Opens `by` slots at `slot`: what was there moves up. Their contents are the caller's. */
  @inline static open(node: usize, slot: u32, by: u32, inner: bool): void {
    lanes_up(node + Node.ENTRIES, slot, by);
    if (inner) lanes_up(node + Node.GAPS, slot, by);
    // Starts last: until then a reader's slot numbers fit the keys, and only slots
    // above the new one show the entry of a neighbour.
    lanes_up(node + Node.STARTS, slot, by);
  }
}

/** The same as a call: where it is not hot. */
export function node_open(node: usize, slot: u32, by: u32, inner: bool): void {
  Slots.open(node, slot, by, inner);
}

/** Closes the slots [slot, slot + by): what follows moves down. */
export function node_close(node: usize, slot: u32, by: u32, inner: bool): void {
  lanes_down(node + Node.STARTS, slot, by, Node.UNUSED);
  lanes_down(node + Node.ENTRIES, slot, by, 0);
  if (inner) lanes_down(node + Node.GAPS, slot, by, 0);
}

/** The node's low bound has risen by `delta`: starts follow, the first one stays 0. */
export function node_rebase(node: usize, delta: i32): void {
  const by = i32x4.splat(delta);
  const unused = i32x4.splat(Node.UNUSED);
  for (let at = node; at < node + Node.ENTRIES; at += 16) {
    const starts = racy_v128(at);
    v128.store(at, i32x4.sub(starts, v128.andnot(by, i32x4.eq(starts, unused))));
  }
  set_start(node, 0, 0);
}

/** Sixteen equal words. */
export function lanes_fill(array: usize, value: i32): void {
  const lanes = i32x4.splat(value);
  v128.store(array, lanes);
  v128.store(array + 16, lanes);
  v128.store(array + 32, lanes);
  v128.store(array + 48, lanes);
}

function lanes_up(array: usize, from: u32, by: u32): void {
  const first = i32x4.splat(<i32>(from + by) - 1);
  const back = array - ((<usize>by) << 2);
  // From the top: a vector takes words of lower vectors that are still as they were. No
  // loop from `from` on: a branch that depends on the place costs more than four vectors.
  lane_up(array + 48, back + 48, i32x4.gt_s(i32x4(12, 13, 14, 15), first));
  lane_up(array + 32, back + 32, i32x4.gt_s(i32x4(8, 9, 10, 11), first));
  lane_up(array + 16, back + 16, i32x4.gt_s(i32x4(4, 5, 6, 7), first));
  lane_up(array, back, i32x4.gt_s(i32x4(0, 1, 2, 3), first));
}

function lane_up(to: usize, from: usize, moves: v128): void {
  v128.store(to, v128.bitselect(racy_v128(from), racy_v128(to), moves));
}

function lanes_down(array: usize, to: u32, by: u32, fill: i32): void {
  const before = i32x4.splat(<i32>to - 1);
  const end = i32x4.splat(<i32>(Node.SLOTS - by));
  const blank = i32x4.splat(fill);
  const ahead = array + ((<usize>by) << 2);
  lane_down(array, ahead, i32x4(0, 1, 2, 3), before, end, blank);
  lane_down(array + 16, ahead + 16, i32x4(4, 5, 6, 7), before, end, blank);
  lane_down(array + 32, ahead + 32, i32x4(8, 9, 10, 11), before, end, blank);
  lane_down(array + 48, ahead + 48, i32x4(12, 13, 14, 15), before, end, blank);
}

function lane_down(to: usize, from: usize, lane: v128, before: v128, end: v128, blank: v128): void {
  // Words past the array are another node's: never kept, `blank` takes their place (N3).
  const moved = v128.bitselect(racy_v128(from), blank, i32x4.lt_s(lane, end));
  v128.store(to, v128.bitselect(moved, racy_v128(to), i32x4.gt_s(lane, before)));
}

/** The largest hole of a leaf of `span` pages. */
export function leaf_gap(leaf: usize, span: i32): i32 {
  const end = i32x4.splat(span);
  const a = racy_v128(leaf);
  const b = racy_v128(leaf + 16);
  const c = racy_v128(leaf + 32);
  const d = racy_v128(leaf + 48);
  const ab = i32x4.max_s(holes(a, b, end, leaf + 64), holes(b, c, end, leaf + 80));
  const cd = i32x4.max_s(holes(c, d, end, leaf + 96), holes(d, end, end, leaf + 112));
  return max_lane(i32x4.max_s(ab, cd));
}

/** Slots of a leaf that are holes of at least `size` pages, one bit each. */
export function leaf_fits(leaf: usize, span: i32, size: i32): u32 {
  const end = i32x4.splat(span);
  const less = i32x4.splat(size - 1);
  const a = racy_v128(leaf);
  const b = racy_v128(leaf + 16);
  const c = racy_v128(leaf + 32);
  const d = racy_v128(leaf + 48);
  return mask16(
    i32x4.gt_s(holes(a, b, end, leaf + 64), less),
    i32x4.gt_s(holes(b, c, end, leaf + 80), less),
    i32x4.gt_s(holes(c, d, end, leaf + 96), less),
    i32x4.gt_s(holes(d, end, end, leaf + 112), less),
  );
}

/** The largest gap under an inner node. */
export function inner_gap(node: usize): i32 {
  const ab = i32x4.max_s(racy_v128(node + 128), racy_v128(node + 144));
  const cd = i32x4.max_s(racy_v128(node + 160), racy_v128(node + 176));
  return max_lane(i32x4.max_s(ab, cd));
}

/** Children with a gap of at least `size` pages, one bit each. */
export function inner_fits(node: usize, size: i32): u32 {
  const less = i32x4.splat(size - 1);
  return mask16(
    i32x4.gt_s(racy_v128(node + 128), less),
    i32x4.gt_s(racy_v128(node + 144), less),
    i32x4.gt_s(racy_v128(node + 160), less),
    i32x4.gt_s(racy_v128(node + 176), less),
  );
}

/** Used slots of a leaf that hold an entry, one bit each. */
export function leaf_present(leaf: usize): u32 {
  return mask16(present(leaf), present(leaf + 16), present(leaf + 32), present(leaf + 48));
}

function present(starts: usize): v128 {
  const used = i32x4.ne(racy_v128(starts), i32x4.splat(Node.UNUSED));
  return v128.andnot(used, i32x4.eq(racy_v128(starts + Node.ENTRIES), i32x4.splat(0)));
}

/** Lengths of four slots where the entry is NULL, else 0 (negative where unused). */
function holes(starts: v128, following: v128, end: v128, entries: usize): v128 {
  const next = v128.shuffle<i32>(starts, following, 1, 2, 3, 4);
  const length = i32x4.sub(i32x4.min_s(next, end), starts);
  return v128.and(length, i32x4.eq(racy_v128(entries), i32x4.splat(0)));
}

/** One bit a lane, from four vectors whose lanes are 0 or -1. */
function mask16(a: v128, b: v128, c: v128, d: v128): u32 {
  return <u32>(
    i8x16.bitmask(i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d)))
  );
}

/** The largest lane; at least 0. */
function max_lane(v: v128): i32 {
  const pairs = i32x4.max_s(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  const all = i32x4.max_s(pairs, v128.shuffle<i32>(pairs, pairs, 1, 0, 3, 2));
  return max<i32>(i32x4.extract_lane(all, 0), 0);
}
