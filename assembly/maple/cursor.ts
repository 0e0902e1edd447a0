// cursor: the way from a region's root to a leaf, kept in the worker's seat.
//
//   seat + CURSOR
//     0     hint: of which tree, root and shape the path is, tries; then one step a level, 16 bytes each;
//           level 1 is the leaf
//           ┌──────┬──────┬─────┬──────┐
//           │ node │ slot │ low │ high │   low, high: the node's bounds, pages of the region
//           └──────┴──────┴─────┴──────┘
//     256   the same for the iterator (maple/iterate.ts), then its state
//     512   what the last peek found: first, end; the validator's state
//     576   stage: slots of two nodes side by side while they are dealt out anew
//
// Invariants
//   C1  after walk(path, word, key) step 1..depth name nodes with low <= key < high,
//       each the child in the slot named by the step above.
//   C2  a change of the tree's shape outdates the path: its maker walks again.
//   C3  while TRIES is not 0 and SHAPE is that of the tree's record (region T3), the writer's path
//       is one of C1, of the hint's tree and root: a store whose key its leaf covers begins there.
//       (It would be believed again after 2^32 changes of others between two stores of ours.)
//       This worker's stores may lie far apart: TRIES is 2 where two met in one leaf, and one less for
//       each that looked in vain; at 0 nobody looks until two meet again.
//
// Nodes hold no parent and no bounds, so they have nothing to keep in step; the
// price is a walk. Context: one writer or a lock that keeps writers out.
// Floor: maple. Imports: node, region, base.

import { VERIFY } from "../base/debug";
import { Node, Region, Seat } from "../base/layout";
import { this_seat } from "../base/worker";
import { depth_of, node_entry, node_of, node_slot, node_start, slot_end } from "./node";
import { shape_at } from "./region";

/** In front of the writer's steps (C3). */
export const enum Hint {
  TREE = 0,
  ROOT = 4,
  SHAPE = 8,
  TRIES = 12,
  /** Looks in vain, one after another, that end the looking. */
  MAX_TRIES = 2,
}

export const enum Step {
  NODE = 0,
  SLOT = 4,
  LOW = 8,
  HIGH = 12,
  SIZE = 16,
}

export const enum Cursor {
  PATH = 0,
  ITERATOR = 256,
  ITER_MASK = 464,
  ITER_LEAF = 468,
  ITER_REGION = 472,
  ITER_DEPTH = 476,
  PEEK_FIRST = 512,
  PEEK_END = 516,
  /** Validator: 1 while the last slot seen was NULL. */
  AFTER_NULL = 520,
  /** The region of the leaf that was peeled off last (maple/peel.ts). */
  PEELED = 524,
  /** Three arrays: starts, entries, gaps. */
  STAGE = 576,
  STAGE_ARRAY = 192,
  SIZE = 1152,
}
if (Step.SIZE * (Node.DEPTH_MAX + 1) > Cursor.ITERATOR) ERROR("a path fits");
if (Cursor.ITERATOR + Step.SIZE * (Node.DEPTH_MAX + 1) > Cursor.ITER_MASK) ERROR("and another");
if (Cursor.STAGE_ARRAY < (2 * Node.SLOTS + Node.SLOTS) * 4) ERROR("two nodes and an overrun fit");
if (Cursor.STAGE + 3 * Cursor.STAGE_ARRAY > Cursor.SIZE) ERROR("stage fits");
if (Seat.CURSOR + Cursor.SIZE > <i32>Seat.VMA_HOLDS) ERROR("the cursor ends before the holds");

/** The writer's path. */
export function cursor_path(): usize {
  return this_seat() + Seat.CURSOR + Cursor.PATH;
}

/** Address of the step at `level`. */
export function step_at(path: usize, level: u32): usize {
  return path + <usize>level * Step.SIZE;
}

export function step_node(step: usize): usize {
  return load<u32>(step, Step.NODE);
}

export function step_slot(step: usize): u32 {
  return load<u32>(step, Step.SLOT);
}

export function step_low(step: usize): i32 {
  return load<i32>(step, Step.LOW);
}

export function step_high(step: usize): i32 {
  return load<i32>(step, Step.HIGH);
}

/** Inlined by decree: both walks are the hot one. */
class Descent {
  /** Writes the steps from `level` on, whose node covers [low, high) and `key`. */
  @inline static write(path: usize, level: u32, node: usize, low: i32, high: i32, key: i32): void {
    let step = step_at(path, level);
    while (true) {
      const slot = node_slot(node, key - low);
      store<u32>(step, <u32>node, Step.NODE);
      store<u32>(step, slot, Step.SLOT);
      store<i32>(step, low, Step.LOW);
      store<i32>(step, high, Step.HIGH);
      if (--level == 0) return;
      high = low + slot_end(node, slot, high - low);
      low += node_start(node, slot);
      node = node_of(node_entry(node, slot));
      step -= Step.SIZE;
    }
  }
}

/** Writes the path from node word `word` (a region's root, not 0) to the slot covering `key`. */
export function walk(path: usize, word: u32, key: i32): void {
  Descent.write(path, depth_of(word), node_of(word), 0, Region.PAGES, key);
}

/** Writes the writer's path to the slot covering `key` of region `root` (not empty), from where it leads if that is near. */
export function seek(path: usize, tree: usize, root: usize, key: i32): void {
  const step = step_at(path, 1);
  const tries = load<u32>(path, Hint.TRIES);
  if (tries != 0) {
    if (hint_leads(path, tree, root, key)) {
      store<u32>(step, node_slot(step_node(step), key - step_low(step)), Step.SLOT);
      store<u32>(path, Hint.MAX_TRIES, Hint.TRIES);
      if (VERIFY) assert(is_path(path, load<u32>(root), key)); // C3
      return;
    }
    store<u32>(path, tries - 1, Hint.TRIES);
  }
  const last = step_node(step);
  walk(path, load<u32>(root), key);
  if (step_node(step) == last) store<u32>(path, Hint.MAX_TRIES, Hint.TRIES);
  hint_note(path, tree, root);
}

/** Walks again below a node at `level`: the maker of the path has changed what is in it. 0: from the root. */
export function seek_again(path: usize, tree: usize, root: usize, level: u32, key: i32): void {
  if (level == 0) walk(path, load<u32>(root), key);
  else {
    const step = step_at(path, level);
    Descent.write(path, level, step_node(step), step_low(step), step_high(step), key);
  }
  hint_note(path, tree, root);
}

function hint_leads(path: usize, tree: usize, root: usize, key: i32): bool {
  // One branch for the three words: they are what they were, mostly.
  const apart =
    (load<u32>(path, Hint.ROOT) ^ <u32>root) |
    (load<u32>(path, Hint.SHAPE) ^ load<u32>(shape_at(tree))) |
    (load<u32>(path, Hint.TREE) ^ <u32>tree);
  if (apart != 0) return false;
  const step = step_at(path, 1);
  const low = step_low(step);
  return <u32>(key - low) < <u32>(step_high(step) - low);
}

/** Notes of what the path is, if the next store will look. */
function hint_note(path: usize, tree: usize, root: usize): void {
  if (load<u32>(path, Hint.TRIES) == 0) return;
  store<u32>(path, <u32>tree, Hint.TREE);
  store<u32>(path, <u32>root, Hint.ROOT);
  store<u32>(path, load<u32>(shape_at(tree)), Hint.SHAPE);
}

/** Makes the path of a dead worker's seat lead nowhere: it may have died in a walk. */
export function cursor_forget(seat: usize): void {
  store<u32>(seat + Seat.CURSOR + Cursor.PATH, 0, Hint.TRIES);
}

/** Checker for C1: is the path what a walk from `word` to `key` would write? */
function is_path(path: usize, word: u32, key: i32): bool {
  let node = node_of(word);
  let low: i32 = 0;
  let high: i32 = Region.PAGES;
  for (let depth = depth_of(word); depth != 0; depth--) {
    const step = step_at(path, depth);
    const slot = node_slot(node, key - low);
    if (step_node(step) != node || step_slot(step) != slot) return false;
    if (step_low(step) != low || step_high(step) != high) return false;
    high = low + slot_end(node, slot, high - low);
    low += node_start(node, slot);
    node = node_of(node_entry(node, slot));
  }
  return true;
}

/** The entry at `key` below `word` (not 0); leaves the slot's bounds in the seat. */
export function peek(word: u32, key: i32): u32 {
  let depth = depth_of(word);
  let node = node_of(word);
  let low: i32 = 0;
  let high: i32 = Region.PAGES;
  while (true) {
    const slot = node_slot(node, key - low);
    high = low + slot_end(node, slot, high - low);
    low += node_start(node, slot);
    const entry = node_entry(node, slot);
    if (--depth == 0) {
      const cursor = this_seat() + Seat.CURSOR;
      store<i32>(cursor, low, Cursor.PEEK_FIRST);
      store<i32>(cursor, high, Cursor.PEEK_END);
      return entry;
    }
    node = node_of(entry);
  }
}

/** What peek leaves behind for a region that is all NULL. */
export function peek_hole(): u32 {
  const cursor = this_seat() + Seat.CURSOR;
  store<i32>(cursor, 0, Cursor.PEEK_FIRST);
  store<i32>(cursor, Region.PAGES, Cursor.PEEK_END);
  return 0;
}

/** First page, of the region, of the slot that the last peek found. */
export function peek_first(): i32 {
  return load<i32>(this_seat() + Seat.CURSOR, Cursor.PEEK_FIRST);
}

/** End of the slot that the last peek found. */
export function peek_end(): i32 {
  return load<i32>(this_seat() + Seat.CURSOR, Cursor.PEEK_END);
}
