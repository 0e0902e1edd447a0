// walk: looking up. mt_load runs beside the writer without a lock; the others under one.
//
// Invariants
//   W1  mt_load ends: each step goes to a node word of exactly one level less, or gives up
//       with 0. It reads nodes only (N3), so it never leaves the arena.
//   W2  mt_load returns 0 or a word that some store put into some tree; whether it is the
//       entry of `page` now is the caller's check (for an mm: mm_lock_seq and the VMA).
//
// Floor: maple. Imports: node, cursor, region, sync/atomics.

import { Node, Region } from "../base/layout";
import { load_acquire, racy_load } from "../sync/atomics";
import { peek, peek_end, peek_first, peek_hole } from "./cursor";
import { depth_of, node_entry, node_of, node_slot, node_start } from "./node";
import { region_base, region_key, region_of, root_at, tree_regions } from "./region";

/** mt_load for the hot paths, inlined by decree: a call is 1.7 ns of its 9. */
export class Walk {
  /**
   * The entry covering `page`, if it is confirmed by what is locked or validated afterwards; 0
   * or any other word else: loaded plainly, so nothing orders them before what follows.
   */
  @inline static load(tree: usize, page: u64): u32 {
    return Walk.down(tree, page, false);
  }

  @inline static down(tree: usize, page: u64, ordered: bool): u32 {
    const r = region_of(page);
    if (page >> Region.SHIFT >= <u64>tree_regions(tree)) return 0;
    // Pairs with the root stores in rebuild.ts: the nodes below are filled before.
    const root = root_at(tree, r);
    let word = ordered ? load_acquire(root) : racy_load(root);
    let depth = depth_of(word);
    if (depth == 0) return 0;
    let key = region_key(page);
    while (true) {
      const node = node_of(word);
      const slot = node_slot(node, key);
      // Pairs with the entry stores of the writer. The node may be edited, freed or serve
      // another tree by now; the word is still one of this node's kind (N3).
      const entry = node + Node.ENTRIES + ((<usize>slot) << 2);
      word = ordered ? load_acquire(entry) : racy_load(entry);
      if (--depth == 0) return word;
      key -= node_start(node, slot);
      // A word of another level is left-over or news: either way this walk is void.
      if (depth_of(word) != depth) return 0;
    }
  }
}

/**
 * The entry covering `page`, or 0. Context: any; no lock; may be outdated or wrong (W2). What is loaded
 * plainly, a node's starts, tells where the next acquiring load is: so all of the walk comes before
 * what the caller loads atomically afterwards.
 */
export function mt_load(tree: usize, page: u64): u32 {
  return Walk.down(tree, page, true);
}

/** The leaf below `word` (not 0) that covers `key`, and above it `key` relative to that leaf. */
function descend(word: u32, key: i32): u64 {
  let node = node_of(word);
  for (let depth = depth_of(word); depth != 1; depth--) {
    const slot = node_slot(node, key);
    key -= node_start(node, slot);
    node = node_of(node_entry(node, slot));
  }
  return ((<u64>key) << 32) | <u64>node;
}

/** The first entry whose range meets [page, limit), or 0. Context: lock held. */
export function mt_find(tree: usize, page: u64, limit: u64): u32 {
  const regions = tree_regions(tree);
  while (page < limit) {
    const r = region_of(page);
    if (r >= regions) return 0;
    const word = load<u32>(root_at(tree, r));
    if (word == 0) {
      page = region_base(r + 1);
      continue;
    }
    const key = region_key(page);
    const at = descend(word, key);
    const leaf = <usize>(<u32>at);
    const rest = <i32>(at >> 32);
    const slot = node_slot(leaf, rest);
    const entry = node_entry(leaf, slot);
    if (entry != 0) return entry;
    // A hole: its neighbours are entries, mostly in the same leaf.
    if (slot + 1 < <u32>Node.SLOTS && node_start(leaf, slot + 1) != Node.UNUSED) {
      const next = page + <u64>(node_start(leaf, slot + 1) - rest);
      return next < limit ? node_entry(leaf, slot + 1) : 0;
    }
    peek(word, key);
    page = region_base(r) + <u64>peek_end();
  }
  return 0;
}

/** The entry covering `page - 1`, else the nearest one below it, or 0. Context: lock held. */
export function mt_prev(tree: usize, page: u64): u32 {
  page = min<u64>(page, region_base(tree_regions(tree)));
  while (page != 0) {
    const r = region_of(page - 1);
    const word = load<u32>(root_at(tree, r));
    if (word == 0) {
      page = region_base(r);
      continue;
    }
    const key = region_key(page - 1);
    const at = descend(word, key);
    const leaf = <usize>(<u32>at);
    const rest = <i32>(at >> 32);
    const slot = node_slot(leaf, rest);
    const entry = node_entry(leaf, slot);
    if (entry != 0) return entry;
    if (slot != 0) return node_entry(leaf, slot - 1); // as in mt_find
    page = region_base(r) + <u64>(key - rest);
  }
  return 0;
}

/**
 * Writes at `out` the u64 first page and end of the range or hole covering `page`, and
 * returns its entry. Ranges are whole again: pieces on both sides of a border are joined
 * if their entries are equal. Context: lock held; `page` inside the tree.
 */
export function mt_range(tree: usize, page: u64, out: usize): u32 {
  const regions = tree_regions(tree);
  const r = region_of(page);
  const entry = piece(tree, r, region_key(page));
  let first = region_base(r) + <u64>peek_first();
  let end = region_base(r) + <u64>peek_end();
  for (let below = r; first == region_base(below) && below != 0; ) {
    below--;
    if (piece(tree, below, Region.MASK) != entry) break;
    first = region_base(below) + <u64>peek_first();
  }
  for (let above = r + 1; end == region_base(above) && above < regions; above++) {
    if (piece(tree, above, 0) != entry) break;
    end = region_base(above) + <u64>peek_end();
  }
  store<u64>(out, first);
  store<u64>(out, end, 8);
  return entry;
}

/** peek() in region `r`, which may be empty. */
function piece(tree: usize, r: u32, key: i32): u32 {
  const word = load<u32>(root_at(tree, r));
  return word == 0 ? peek_hole() : peek(word, key);
}
