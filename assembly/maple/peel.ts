// peel: takes a tree apart leaf by leaf, from its end.
//
// Between two leaves the tree is whole but for its fill and its gaps: nobody searches it any
// more. Context: the writer, of a tree that is to go. Floor: maple. Imports: node, cursor, region.

import { journal_free } from "../alloc/commit";
import { journal_word } from "../alloc/journal";
import { Node, Seat } from "../base/layout";
import { this_seat } from "../base/worker";
import { SlabKind } from "../shared/abi";
import { store_release } from "../sync/atomics";
import { Cursor } from "./cursor";
import { depth_of, node_count, node_entry, node_of, set_start } from "./node";
import { root_at, shape_moves, tree_regions } from "./region";

/** Takes the last leaf out; its slots can be read until the call is committed. 0: empty. */
export function mt_peel(tree: usize): usize {
  let r = tree_regions(tree);
  while (r != 0) {
    const root = root_at(tree, --r);
    const word = load<u32>(root);
    if (word == 0) continue;
    store<u32>(this_seat() + Seat.CURSOR, r, Cursor.PEELED);
    shape_moves(tree);
    return peel_region(root, word);
  }
  return 0;
}

/** The region of the leaf that the last mt_peel returned. */
export function mt_peeled_region(): u32 {
  return load<u32>(this_seat() + Seat.CURSOR, Cursor.PEELED);
}

function peel_region(root: usize, word: u32): usize {
  // The lowest node on the way to the last leaf that has something before it.
  let keeper: usize = 0;
  let slot: u32 = 0;
  let gone = word;
  for (let at = word; depth_of(at) > 1; ) {
    const node = node_of(at);
    const last = node_count(node) - 1;
    at = node_entry(node, last);
    if (last == 0) continue;
    keeper = node;
    slot = last;
    gone = at;
  }
  if (keeper == 0) {
    journal_word(root);
    store_release(root, 0);
  } else {
    journal_word(keeper + Node.STARTS + ((<usize>slot) << 2));
    set_start(keeper, slot, Node.UNUSED);
  }
  while (depth_of(gone) > 1) {
    journal_free(SlabKind.INNER, node_of(gone));
    gone = node_entry(node_of(gone), 0);
  }
  journal_free(SlabKind.LEAF, node_of(gone));
  return node_of(gone);
}
