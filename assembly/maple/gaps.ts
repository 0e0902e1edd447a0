// gaps: where free room is, and keeping the inner nodes' record of it true.
//
// Invariants
//   G1  gaps[i] of an inner node = largest hole of child i (N4), the hole at the region's end
//       excepted: it is nobody's, so appending changes no record. Holes never straddle two
//       slots (no two NULLs are neighbours), so splits, joins and even shares change no
//       node's largest hole: only stores do, and they call gaps_grow or gaps_rise.
//   G2  a hole that crosses region borders is one hole for the searches.
//   G3  a search visits, a level, the nodes at the window's two edges and those on the way
//       to the answer: a child inside the window with gap >= size cannot disappoint. The
//       last child, which G1's hole may be below, is looked into whatever its record says.
//   G4  no record is logged (alloc/journal.ts): they follow from the leaves, and whoever
//       undoes a dead worker's call measures them anew.
//
// Context: lock held. Floor: maple. Imports: node, cursor, region.

import { VERIFY } from "../base/debug";
import { Node, Region } from "../base/layout";
import {
  peek,
  peek_end,
  peek_first,
  Step,
  step_at,
  step_high,
  step_low,
  step_node,
  step_slot,
} from "./cursor";
import {
  depth_of,
  inner_fits,
  inner_gap,
  leaf_fits,
  leaf_gap,
  node_count,
  node_entry,
  node_gap,
  node_of,
  node_slot,
  node_start,
  set_gap,
  slot_end,
} from "./node";
import { region_base, region_of, root_at, tree_regions } from "./region";

/** What is recorded of `node` at `level`, `span` pages long; `last`: it ends where the region does. */
export function gap_of(node: usize, level: u32, span: i32, last: bool): i32 {
  if (level != 1) return inner_gap(node);
  if (last) {
    const slot = node_slot(node, span - 1);
    if (node_entry(node, slot) == 0) span = node_start(node, slot); // G1: it counts 0
  }
  return leaf_gap(node, span);
}

/** A hole of `size` pages, not the region's last one, came to the path's leaf, in place of smaller ones. */
export function gaps_grow(path: usize, depth: u32, size: i32): void {
  let step = step_at(path, 1);
  for (let level: u32 = 2; level <= depth; level++) {
    step += Step.SIZE;
    if (node_gap(step_node(step), step_slot(step)) >= size) return;
    set_gap(step_node(step), step_slot(step), size);
  }
}

/** The holes of the node at `level` of the path changed: makes the records above true. */
export function gaps_rise(path: usize, level: u32, depth: u32): void {
  if (level == depth) return;
  let step = step_at(path, level);
  const high = step_high(step);
  let gap = gap_of(step_node(step), level, high - step_low(step), high == Region.PAGES);
  while (level < depth) {
    level++;
    step += Step.SIZE;
    const node = step_node(step);
    const slot = step_slot(step);
    if (node_gap(node, slot) == gap) return; // nothing new for the levels above
    set_gap(node, slot, gap);
    if (level != depth) gap = inner_gap(node); // nobody records the root's
  }
}

/** Measures every record of the tree anew (G4). */
export function mt_measure(tree: usize): void {
  const regions = tree_regions(tree);
  for (let r: u32 = 0; r < regions; r++) {
    const word = load<u32>(root_at(tree, r));
    if (depth_of(word) > 1) measure(word, 0, Region.PAGES);
  }
}

/** Measures below node `word`, which covers [low, high); what is to be recorded of it. */
function measure(word: u32, low: i32, high: i32): i32 {
  const node = node_of(word);
  const level = depth_of(word);
  if (level == 1) return gap_of(node, 1, high - low, high == Region.PAGES);
  const count = node_count(node);
  for (let i: u32 = 0; i < <u32>Node.SLOTS; i++) {
    let gap = 0;
    if (i < count) {
      const start = low + node_start(node, i);
      gap = measure(node_entry(node, i), start, low + slot_end(node, i, high - low));
    }
    set_gap(node, i, gap);
  }
  return inner_gap(node);
}

/** Start of the highest window of `size` free pages in [low, high); u64.MAX_VALUE if none. */
export function mt_gap_highest(tree: usize, low: u64, high: u64, size: u64): u64 {
  high = min<u64>(high, region_base(tree_regions(tree)));
  if (size == 0 || low >= high || high - low < size) return u64.MAX_VALUE;
  let run_end: u64 = 0; // end of the hole that begins at the border above, 0 if none
  let r = region_of(high - 1) + 1;
  const last = region_of(low);
  while (r > last) {
    r--;
    const base = region_base(r);
    const from = max<u64>(low, base);
    const to = min<u64>(high, base + Region.PAGES);
    const word = load<u32>(root_at(tree, r));
    if (word == 0) {
      if (run_end == 0) run_end = to;
      if (run_end - from >= size) return run_end - size;
      continue;
    }
    if (run_end != 0 && peek(word, Region.MASK) == 0) {
      const start = max<u64>(from, base + <u64>peek_first());
      if (run_end - start >= size) return run_end - size;
    }
    if (size <= to - from) {
      const found = highest_near(word, <i32>(from - base), <i32>(to - base), <i32>size);
      if (found >= 0) return base + <u64>found;
    }
    run_end = peek(word, 0) == 0 ? min<u64>(high, base + <u64>peek_end()) : 0;
  }
  return u64.MAX_VALUE;
}

/** Start of the lowest window of `size` free pages in [low, high); u64.MAX_VALUE if none. */
export function mt_gap_lowest(tree: usize, low: u64, high: u64, size: u64): u64 {
  high = min<u64>(high, region_base(tree_regions(tree)));
  if (size == 0 || low >= high || high - low < size) return u64.MAX_VALUE;
  let run: u64 = u64.MAX_VALUE; // start of the hole that ends at the border below, MAX if none
  const last = region_of(high - 1);
  for (let r = region_of(low); r <= last; r++) {
    const base = region_base(r);
    const from = max<u64>(low, base);
    const to = min<u64>(high, base + Region.PAGES);
    const word = load<u32>(root_at(tree, r));
    if (word == 0) {
      if (run == u64.MAX_VALUE) run = from;
      if (to - run >= size) return run;
      continue;
    }
    if (run != u64.MAX_VALUE && peek(word, 0) == 0) {
      const end = min<u64>(to, base + <u64>peek_end());
      if (end - run >= size) return run;
    }
    if (size <= to - from) {
      const found = lowest_in(
        word,
        0,
        Region.PAGES,
        <i32>(from - base),
        <i32>(to - base),
        <i32>size,
      );
      if (found >= 0) return base + <u64>found;
    }
    run = peek(word, Region.MASK) == 0 ? max<u64>(low, base + <u64>peek_first()) : u64.MAX_VALUE;
  }
  return u64.MAX_VALUE;
}

/**
 * Start of the highest window of `size` pages of a region inside [from, to), or -1. Down along the
 * window's upper edge, then down again from the lowest node on that way that has something
 * below the edge: it cannot disappoint if it begins in the window (G3).
 */
function highest_near(word: u32, from: i32, to: i32, size: i32): i32 {
  let depth = depth_of(word);
  let node = node_of(word);
  let low: i32 = 0;
  let high: i32 = Region.PAGES;
  // The lowest node with a fitting child below the edge, where it begins, and those children.
  let fork = node;
  let fork_low: i32 = 0;
  let below: u32 = 0;
  while (depth != 1) {
    const slot = node_slot(node, to - 1 - low);
    const fits = inner_fits(node, size);
    const less = fits & ((1 << slot) - 1);
    fork = less != 0 ? node : fork;
    fork_low = less != 0 ? low : fork_low;
    below = less != 0 ? less : below;
    const end = low + slot_end(node, slot, high - low);
    if ((fits & (1 << slot)) == 0 && end != Region.PAGES) break;
    low += node_start(node, slot);
    node = node_of(node_entry(node, slot));
    high = end;
    depth--;
  }
  if (depth == 1) {
    const found = highest_of_leaf(node, low, high, from, to, size);
    if (found >= 0) return found;
  }
  if (below == 0) return -1;
  const slot = <u32>31 - clz(below);
  low = fork_low + node_start(fork, slot);
  if (low < from) return highest_in(word, 0, Region.PAGES, from, to, size);
  return highest_whole(node_entry(fork, slot), low, fork_low + node_start(fork, slot + 1), size);
}

/** The highest window below [from, to)'s end in a leaf that covers [low, high), or -1. */
function highest_of_leaf(leaf: usize, low: i32, high: i32, from: i32, to: i32, size: i32): i32 {
  // Holes above the window's end do not count, the one at its end as far as it lies below.
  let fits = leaf_fits(leaf, high - low, size);
  if (to < high) fits &= ((<u32>2) << node_slot(leaf, to - 1 - low)) - 1;
  while (fits != 0) {
    const slot = <u32>31 - clz(fits);
    const top = min<i32>(low + slot_end(leaf, slot, high - low), to);
    if (top - max<i32>(low + node_start(leaf, slot), from) >= size) return top - size;
    fits ^= (<u32>1) << slot;
  }
  return -1;
}

/** The same below node `word`, which covers [low, high), lies in the window and has such a hole. */
function highest_whole(word: u32, low: i32, high: i32, size: i32): i32 {
  let node = node_of(word);
  for (let depth = depth_of(word); depth != 1; depth--) {
    const fits = inner_fits(node, size);
    if (VERIFY) assert(fits != 0); // G3
    const slot = <u32>31 - clz(fits);
    high = low + slot_end(node, slot, high - low);
    low += node_start(node, slot);
    node = node_of(node_entry(node, slot));
  }
  const fits = leaf_fits(node, high - low, size);
  if (VERIFY) assert(fits != 0); // G3
  const slot = <u32>31 - clz(fits);
  return low + slot_end(node, slot, high - low) - size;
}

/**
 * Below node `word`, which covers [low, high): start of the highest window of `size` pages
 * inside [from, to), or -1. Recursion: at most the depth of the tree.
 */
function highest_in(word: u32, low: i32, high: i32, from: i32, to: i32, size: i32): i32 {
  const node = node_of(word);
  if (depth_of(word) == 1) return highest_of_leaf(node, low, high, from, to, size);
  let fits = inner_fits(node, size);
  if (to < high) {
    const end = node_slot(node, to - 1 - low);
    fits &= ((<u32>2) << end) - 1;
    if (high == Region.PAGES) fits |= last_child(node, end);
  } else if (high == Region.PAGES) fits |= last_child(node, Node.SLOTS);
  if (from > low) fits &= (<u32>0xffffffff) << node_slot(node, from - low);
  while (fits != 0) {
    const slot = <u32>31 - clz(fits);
    const start = low + node_start(node, slot);
    const end = low + slot_end(node, slot, high - low);
    const found = highest_in(node_entry(node, slot), start, end, from, to, size);
    if (found >= 0) return found;
    fits ^= (<u32>1) << slot;
  }
  return -1;
}

/** G3: a bit for the last child of an inner node that ends where the region does, if it is not above `end`. */
function last_child(node: usize, end: u32): u32 {
  const last = node_count(node) - 1;
  return last <= end ? 1 << last : 0;
}

/** The mirror of highest_in: start of the lowest such window, or -1. */
function lowest_in(word: u32, low: i32, high: i32, from: i32, to: i32, size: i32): i32 {
  const node = node_of(word);
  const leaf = depth_of(word) == 1;
  let fits = leaf ? leaf_fits(node, high - low, size) : inner_fits(node, size);
  if (to < high) {
    const end = node_slot(node, to - 1 - low);
    fits &= ((<u32>2) << end) - 1;
    if (high == Region.PAGES && !leaf) fits |= last_child(node, end);
  } else if (high == Region.PAGES && !leaf) fits |= last_child(node, Node.SLOTS);
  if (from > low) fits &= (<u32>0xffffffff) << node_slot(node, from - low);
  while (fits != 0) {
    const slot = ctz(fits);
    const start = low + node_start(node, slot);
    const end = low + slot_end(node, slot, high - low);
    if (leaf) {
      const bottom = max<i32>(start, from);
      if (min<i32>(end, to) - bottom >= size) return bottom;
    } else {
      const found = lowest_in(node_entry(node, slot), start, end, from, to, size);
      if (found >= 0) return found;
    }
    fits &= fits - 1;
  }
  return -1;
}
