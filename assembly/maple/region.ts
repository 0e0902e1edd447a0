// region: the table of roots. A tree is cut in regions of 2^30 pages, one root word each.
//
//   tree   ┌───────┬─────────┐        table  ┌──────┬──────┬─   ─┐
//          │ table │ regions │ ─────────────▶│ root │ root │ ... │   node words; 0: all NULL
//          └───────┴─────────┘               └──────┴──────┴─   ─┘
//
// Inside a region a key is an i32, so one vector compares four. A range that crosses a
// border is kept as one slot on each side.
//
// The record that a tree is in has a word for the shape of its trees, in a line of the writer's.
//
// Invariants
//   T1  table and regions never change after mt_init.
//   T2  a root word is 0 or names a root that is not one single NULL.
//   T3  SHAPE moves before a tree of the record changes its shape: nodes come, go, or get other
//       bounds. It never goes back, in no life of the record, and nothing undoes it.
//
// Floor: maple. Imports: base/layout.

import { Mm, Region } from "../base/layout";

export const enum Tree {
  TABLE = 0,
  REGIONS = 4,
  SIZE = 8,
}

/** Address of the word that tells one shape of `tree` from the next (T3). */
export function shape_at(tree: usize): usize {
  return (tree & ~(<usize>Mm.SIZE - 1)) + Mm.SHAPE; // a record is aligned to its size
}

/** The shape of `tree` is about to change (T3). */
export function shape_moves(tree: usize): void {
  store<u32>(shape_at(tree), load<u32>(shape_at(tree)) + 1);
}

export function tree_regions(tree: usize): u32 {
  return load<u32>(tree, Tree.REGIONS);
}

/** Address of the root word of region `r`. */
export function root_at(tree: usize, r: u32): usize {
  return <usize>load<u32>(tree, Tree.TABLE) + ((<usize>r) << 2);
}

export function region_of(page: u64): u32 {
  return <u32>(page >> Region.SHIFT);
}

export function region_key(page: u64): i32 {
  return <i32>page & Region.MASK;
}

export function region_base(r: u32): u64 {
  return (<u64>r) << Region.SHIFT;
}
