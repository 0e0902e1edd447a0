// region: the table of roots. A tree is cut in regions of 2^30 pages, one root word each.
//
//   tree   ┌───────┬─────────┐        table  ┌──────┬──────┬─   ─┐
//          │ table │ regions │ ─────────────▶│ root │ root │ ... │   node words; 0: all NULL
//          └───────┴─────────┘               └──────┴──────┴─   ─┘
//
// Inside a region a key is an i32, so one vector compares four. A range that crosses a
// border is kept as one slot on each side.
//
// Invariants
//   T1  table and regions never change after mt_init.
//   T2  a root word is 0 or names a root that is not one single NULL.
//
// Floor: maple. Imports: base/layout.

import { Region } from "../base/layout";

export const enum Tree {
  TABLE = 0,
  REGIONS = 4,
  SIZE = 8,
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
