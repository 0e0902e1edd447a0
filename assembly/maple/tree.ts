// tree: the maple tree's table of contents, and what concerns a tree as a whole.
//
// A tree maps page numbers (u64 below regions * 2^30) to u32 entries (0 is NULL), in ranges
// [first, end). Equal neighbours are not joined; that is the caller's business.
//
//   look up   mt_load (no lock) · mt_find · mt_prev · mt_range · mt_iter_begin, _leaf
//   change    mt_reserve, then mt_store (cannot fail)
//   room      mt_gap_highest · mt_gap_lowest
//   whole     mt_init · mt_destroy · mt_dup · mt_validate · mt_measure · mt_height · mt_nodes
//
// All but mt_load want an external lock: one writer, or many of the others.
//
// Source: lib/maple_tree.c for the idea (a B-tree of ranges that knows its gaps); the
// nodes, the regions and the in-place writer are our own.
// Floor: maple. Imports: alloc/slab, node, rebuild, region.

import { journal_alloc, journal_word } from "../alloc/journal";
import { Reserve, slab_reserve } from "../alloc/slab";
import { Node } from "../base/layout";
import { SlabKind } from "../shared/abi";
import { Errno } from "../shared/errno";
import { racy_v128, store_release } from "../sync/atomics";
import { depth_of, node_count, node_entry, node_of, set_entry } from "./node";
import { region_clear } from "./rebuild";
import { region_of, root_at, shape_moves, Tree, tree_regions } from "./region";

export { mt_gap_highest, mt_gap_lowest, mt_measure } from "./gaps";
export {
  mt_iter_begin,
  mt_iter_entries,
  mt_iter_entry,
  mt_iter_leaf,
  mt_iter_next,
} from "./iterate";
export { mt_store } from "./store";
export { mt_validate } from "./validate";
export { mt_find, mt_load, mt_prev, mt_range, Walk } from "./walk";

/** Makes an empty tree of `regions` root words at `table`. */
export function mt_init(tree: usize, table: usize, regions: u32): void {
  shape_moves(tree);
  for (let r: u32 = 0; r < regions; r++) store<u32>(table + ((<usize>r) << 2), 0);
  store<u32>(tree, <u32>table, Tree.TABLE);
  store<u32>(tree, regions, Tree.REGIONS);
}

/**
 * Sets aside nodes for `stores` stores, each inside the regions of [first, end); 0 or
 * -ENOMEM. A store takes a leaf a region and, in the two regions at most that it cuts, an
 * inner node for each level above the leaves and a new root; the stores before it may have
 * added a level.
 */
export function mt_reserve(tree: usize, first: u64, end: u64, stores: u32): i32 {
  const from = region_of(first);
  const last = end > first ? region_of(end - 1) : from;
  let depth: u32 = 0;
  for (let r = from; r <= last; r++) depth = max<u32>(depth, mt_height(tree, r));
  if (depth >= <u32>Node.DEPTH_MAX) return -Errno.ENOMEM; // a path has no room for more
  const regions = last - from + 1;
  if (Reserve.objects(SlabKind.LEAF, stores * regions) != 0) return -Errno.ENOMEM;
  return Reserve.objects(SlabKind.INNER, stores * min<u32>(regions, 2) * (depth + 1));
}

/** Frees all nodes; the tree is empty and usable. */
export function mt_destroy(tree: usize): void {
  const regions = tree_regions(tree);
  shape_moves(tree);
  for (let r: u32 = 0; r < regions; r++) region_clear(root_at(tree, r));
}

/** Copies the nodes of `src` into `dst`, an empty tree of as many regions; 0 or -ENOMEM. */
export function mt_dup(dst: usize, src: usize): i32 {
  if (slab_reserve(SlabKind.LEAF, mt_nodes(src, true)) != 0) return -Errno.ENOMEM;
  if (slab_reserve(SlabKind.INNER, mt_nodes(src, false)) != 0) return -Errno.ENOMEM;
  const regions = tree_regions(src);
  shape_moves(dst);
  for (let r: u32 = 0; r < regions; r++) {
    const word = load<u32>(root_at(src, r));
    // Publishes the copy, complete before. Partner: mt_load.
    if (word == 0) continue;
    journal_word(root_at(dst, r));
    store_release(root_at(dst, r), copy(word));
  }
  return 0;
}

/** Levels of region `r`, 0 if it is empty. */
export function mt_height(tree: usize, r: u32): u32 {
  return depth_of(load<u32>(root_at(tree, r)));
}

/** Number of leaves, or of inner nodes. */
export function mt_nodes(tree: usize, leaves: bool): u32 {
  const regions = tree_regions(tree);
  let n: u32 = 0;
  for (let r: u32 = 0; r < regions; r++) n += nodes_below(load<u32>(root_at(tree, r)), leaves);
  return n;
}

function nodes_below(word: u32, leaves: bool): u32 {
  if (depth_of(word) < 2) return u32(word != 0 && leaves);
  const node = node_of(word);
  const count = node_count(node);
  if (depth_of(word) == 2) return leaves ? count : 1;
  let n = u32(!leaves);
  for (let i: u32 = 0; i < count; i++) n += nodes_below(node_entry(node, i), leaves);
  return n;
}

/** Copies a subtree into reserved nodes, private until the root is published. */
function copy(word: u32): u32 {
  const level = depth_of(word);
  const from = node_of(word);
  const to = journal_alloc(level == 1 ? SlabKind.LEAF : SlabKind.INNER);
  const size: usize = level == 1 ? Node.LEAF_SIZE : Node.INNER_SIZE;
  for (let at: usize = 0; at < size; at += 16) v128.store(to + at, racy_v128(from + at));
  if (level > 1) {
    const count = node_count(from);
    for (let i: u32 = 0; i < count; i++) set_entry(to, i, copy(node_entry(from, i)));
  }
  return <u32>to | level;
}
