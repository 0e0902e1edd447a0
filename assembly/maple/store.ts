// store: puts one entry over a range. The only way the tree's contents change.
//
//   inside a leaf     ..aaaaa..bbb   ─▶   ..aaNNN..bbb     slots rewritten in place
//   over leaves       ..aaa│bbb│ccc  ─▶   ..aNN───────cc   the first leaf takes the entry as
//                                                          its last slot, what lies behind is
//                                                          removed and the first one extends
//
// Invariants
//   S1  no two NULL slots are neighbours in a region: a store of NULL first widens over
//       the NULLs it touches, in the next leaf too.
//   S2  never fails: at most one leaf, and one inner node a level plus a new root, are
//       needed, and mt_reserve has set them aside.
//   S3  between stores every node but the root has Fill.MIN slots, but for a region's last leaf,
//       which has one or more. An inner root has two.
//
// Context: the writer. Floor: maple. Imports: rebuild, gaps, node, cursor, region.

import { Journal, journal_leaf } from "../alloc/journal";
import { VERIFY } from "../base/debug";
import { Node, Region } from "../base/layout";
import { store_release } from "../sync/atomics";
import {
  cursor_path,
  peek,
  peek_end,
  peek_first,
  Step,
  seek,
  seek_again,
  step_at,
  step_high,
  step_low,
  step_node,
  step_slot,
  walk,
} from "./cursor";
import { gaps_grow, gaps_rise } from "./gaps";
import {
  depth_of,
  Fill,
  node_close,
  node_count,
  node_entry,
  node_gap,
  node_rebase,
  node_slot,
  node_start,
  Slots,
  set_entry,
  set_start,
  slot_end,
} from "./node";
import {
  leaf_part,
  low_raise,
  node_fix,
  node_remove,
  node_spill,
  node_split,
  region_clear,
  region_found,
  repair,
  root_raise,
} from "./rebuild";
import { region_base, region_key, region_of, root_at, shape_moves } from "./region";

/** Stores `entry` over the pages [first, end); 0 erases. Context: writer, after mt_reserve. */
export function mt_store(tree: usize, first: u64, end: u64, entry: u32): void {
  while (first < end) {
    const r = region_of(first);
    const stop = min<u64>(end, region_base(r + 1));
    region_store(tree, root_at(tree, r), region_key(first), <i32>(stop - region_base(r)), entry);
    first = stop;
  }
}

function region_store(tree: usize, root: usize, first: i32, end: i32, entry: u32): void {
  if (load<u32>(root) == 0 || (first == 0 && end == Region.PAGES)) {
    shape_moves(tree);
    if (entry != 0) region_found(root, first, end, entry);
    else region_clear(root);
    return;
  }
  const path = cursor_path();
  seek(path, tree, root, first);
  if (entry == 0) erase(tree, root, path, first, end);
  else Store.put(tree, root, path, first, end, entry);
}

/** Stores NULL. The path leads to `first`. */
function erase(tree: usize, root: usize, path: usize, first: i32, end: i32): void {
  const step = step_at(path, 1);
  const leaf = step_node(step);
  const low = step_low(step);
  const high = step_high(step);
  let slot = step_slot(step);
  const start = low + node_start(leaf, slot);
  let outside = false;
  if (node_entry(leaf, slot) == 0) {
    if (end <= low + slot_end(leaf, slot, high - low)) return; // NULL already
    first = start;
  } else if (first == start) {
    if (slot != 0) {
      slot -= u32(node_entry(leaf, slot - 1) == 0);
      first = low + node_start(leaf, slot);
      store<u32>(step, slot, Step.SLOT);
    } else if (low != 0 && peek(load<u32>(root), low - 1) == 0) {
      first = peek_first();
      outside = true;
    }
  }
  if (end < high) {
    const last = node_slot(leaf, end - low);
    const widened = low + slot_end(leaf, last, high - low);
    end = node_entry(leaf, last) == 0 ? widened : end;
  } else if (end != Region.PAGES && peek(load<u32>(root), end) == 0) {
    end = peek_end();
  }
  if (first == 0 && end == Region.PAGES) {
    shape_moves(tree);
    region_clear(root);
    return;
  }
  if (outside) walk(path, load<u32>(root), first);
  Store.put(tree, root, path, first, end, 0);
}

/** Inlined by decree: the way from a store to its leaf, without a call, is 0.9 of its time. */
class Store {
  /** Stores over [first, end), not the whole region. The path leads to `first`; S1 is safe. */
  @inline static put(
    tree: usize,
    root: usize,
    path: usize,
    first: i32,
    end: i32,
    entry: u32,
  ): void {
    const edge = step_high(step_at(path, 1));
    const slots = Store.in_leaf(tree, root, path, first, min<i32>(end, edge), entry);
    if (end > edge) {
      shape_moves(tree);
      put_rest(root, path, first, edge, end);
      return;
    }
    if (slots >= <u32>Fill.MIN) return;
    const depth = depth_of(load<u32>(root));
    if (depth == 1 || is_last(path)) return; // S3
    shape_moves(tree);
    node_fix(path, 1);
    const above = node_count(step_node(step_at(path, 2)));
    if (above < <u32>Fill.MIN && (depth > 2 || above == 1)) repair(root, first);
  }

  /** Stores in the one leaf that the path leads to; returns its number of slots. */
  @inline static in_leaf(
    tree: usize,
    root: usize,
    path: usize,
    first: i32,
    end: i32,
    entry: u32,
  ): u32 {
    const step = step_at(path, 1);
    while (true) {
      const depth = depth_of(load<u32>(root));
      const leaf = step_node(step);
      const low = step_low(step);
      const span = step_high(step) - low;
      const i = step_slot(step);
      const from = first - low;
      const to = end - low;
      if (VERIFY) assert(to <= span); // the caller's range, and the split below keeps i, j together
      const stop = slot_end(leaf, i, span);
      const j = node_slot(leaf, to - 1); // also where it is i: nobody can guess that
      const left = u32(from > node_start(leaf, i));
      const right = u32(to < slot_end(leaf, j, span));
      const count = node_count(leaf);
      const after = count + left + right - (j - i);
      if (after <= <u32>Node.SLOTS) {
        const hole = i == j && node_entry(leaf, i) == 0 ? stop - node_start(leaf, i) : 0;
        Store.rewrite(leaf, i + left, j + 1 - right, right, from, to, entry);
        if (depth == 1) return after; // nothing is recorded of a root
        if (entry == 0 && end != Region.PAGES) gaps_grow(path, depth, to - from);
        else if (i != j || entry == 0) gaps_rise(path, 1, depth);
        else if (hole != 0) hole_filled(path, depth, hole, from + hole - stop, low + stop);
        return after;
      }
      shape_moves(tree);
      const above = make_room(root, path, depth, j > i || to == span ? j : 0);
      seek_again(path, tree, root, above, first);
    }
  }

  /**
   * Rewrites a leaf's slots: `entry` over [from, to) becomes slot `p`. The old slots from `q`
   * on stay, behind it; with `right` the first of them loses its part below `to`.
   */
  @inline static rewrite(
    leaf: usize,
    p: u32,
    q: u32,
    right: u32,
    from: i32,
    to: i32,
    entry: u32,
  ): void {
    Journal.leaf(leaf);
    const next = p + 1;
    // By 0 to 2 slots, unasked: a branch on whether the range touches its neighbours costs more.
    if (q > next) node_close(leaf, next, q - next, false);
    else if (node_start(leaf, q + right) != Node.UNUSED) Slots.open(leaf, q, next - q, false);
    else if (right) set_entry(leaf, next, node_entry(leaf, q)); // the last slot: nothing moves
    // A reader between these lines sees neighbours' entries for the pages around the edges. The
    // first one counts with `right` only: else the second takes its place.
    set_start(leaf, p + right, to);
    set_start(leaf, p, from);
    // Publishes the entry: what the caller wrote into its object precedes. Partner: mt_load.
    store_release(leaf + Node.ENTRIES + ((<usize>p) << 2), entry);
  }
}

/** True if the path's leaf ends where the region does. */
function is_last(path: usize): bool {
  return step_high(step_at(path, 1)) == Region.PAGES;
}

/** An entry was put into a hole of `size` pages that ended at `end`; it leaves `before` pages below. */
function hole_filled(path: usize, depth: u32, size: i32, before: i32, end: i32): void {
  const above = step_at(path, 2);
  // The region's last hole was not recorded (gaps G1); what is left of it below the entry is.
  if (end == Region.PAGES) gaps_grow(path, depth, before);
  // Smaller than the largest: whatever is left of it is, too.
  else if (node_gap(step_node(above), step_slot(above)) == size) gaps_rise(path, 1, depth);
}

/**
 * Makes room on the way to the path's leaf, from above: in the highest node that a split
 * below it would overfill. The caller walks on from the level that is returned (seek_again) and
 * tries again. `keep`: 0, or the slot of the leaf that must stay with the one before it and may
 * not move to a neighbour.
 */
function make_room(root: usize, path: usize, depth: u32, keep: u32): u32 {
  let level: u32 = 1;
  while (level < depth && node_count(step_node(step_at(path, level + 1))) == Node.SLOTS) level++;
  if (level == depth) {
    root_raise(root);
    return 0;
  }
  const slot = step_slot(step_at(path, level));
  const count = node_count(step_node(step_at(path, level)));
  if (level == 1 && keep == 0 && slot == count - 1 && is_last(path)) {
    leaf_part(path); // what lies before stays full (S3)
    return 2;
  }
  if (keep == 0 && node_spill(path, level)) return level + 1;
  // Growth at one end goes on there: leave the other side packed.
  let m = count >> 1;
  if (slot == count - 1) m = count - Fill.MIN;
  else if (slot == 0) m = Fill.MIN;
  if (level == 1 && m == keep) m++;
  node_split(path, level, m);
  return level + 1;
}

/** The first leaf's last slot is stored and ends at `edge`: makes it end at `end`. */
function put_rest(root: usize, path: usize, first: i32, edge: i32, end: i32): void {
  while (edge < end) {
    const word = load<u32>(root);
    const depth = depth_of(word);
    walk(path, word, edge);
    let step = step_at(path, 1);
    if (step_high(step) > end) {
      leaf_trim(path, end);
      gaps_rise(path, 1, depth);
      break;
    }
    // The largest subtree that begins at the edge and is covered whole goes at once.
    let level: u32 = 1;
    while (level < depth) {
      const above = step + Step.SIZE;
      if (step_low(above) != edge || step_high(above) > end) break;
      step = above;
      level++;
    }
    edge = step_high(step);
    node_remove(path, level);
    gaps_rise(path, level + 1, depth);
  }
  // The first leaf has grown. Before the repairs: they count on true records below.
  const word = load<u32>(root);
  walk(path, word, first);
  gaps_rise(path, 1, depth_of(word));
  repair(root, first);
  if (end < Region.PAGES) repair(root, end);
}

/** Drops what the path's leaf holds below `end`: the leaf before it extends. */
function leaf_trim(path: usize, end: i32): void {
  const step = step_at(path, 1);
  const leaf = step_node(step);
  const cut = end - step_low(step);
  journal_leaf(leaf);
  const slot = node_slot(leaf, cut);
  if (slot != 0) node_close(leaf, 0, slot, false);
  node_rebase(leaf, cut);
  low_raise(path, 1, cut);
  store<i32>(step, end, Step.LOW);
}
