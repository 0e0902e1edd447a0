// journal: what the call under way has changed, kept in its worker's seat, so that the call
// can be undone, or what it has put off be finished, after the worker's death.
//
//   segment   ┌────────┬──────────────────────▶       ◀──────────────────────┐
//             │ header │ tag tag tag ... (n)             ... image image image │
//             └────────┴──────────────────────▶       ◀──────────────────────┘
//   tag       31                       6 5      0
//             ┌─────────────────────────┬────────┐   the address of the object (64-byte units),
//             │         object          │  Tag   │   what was done to it or is to be done
//             └─────────────────────────┴────────┘
//   seat      LOG_N, LOG_SEGMENT: the newest tag; LOG_STATE; LOG_DONE
//
// A call logs before it stores: an object as a whole, on its first change; a word where only
// one changes. What it takes out, it does not free, and references wait too: alloc/commit.ts
// sees to them once the call is done, in the order of the tags. alloc/undo.ts plays it back.
//
// Invariants
//   J1  a tag is counted in LOG_N when its image is complete, and before the first store to
//       what it names: playing the images backwards gives the state before the call.
//   J2  an object that was taken out keeps its contents, and is nobody else's, until the
//       call is committed; so a reader that still gets to it finds an object of its kind.
//   J3  a call is committed by one store: LOG_STATE, or LOG_N if nothing was put off.
//   J4  one object may be logged twice: the older image is played last.
//
// Stored plainly: read by whoever reaps the seat, after its worker's death. Engines keep the
// order of a thread's stores, and a thread that has died has done a prefix of them.
// Floor: alloc. Imports: base, slab, sync/announce.

import { LOG_BYTES } from "../base/debug";
import { Log, LogState, Mm, Node, Seat, Vma } from "../base/layout";
import { this_seat } from "../base/worker";
import { SlabKind } from "../shared/abi";
import { announce_plain, Op, settle } from "../sync/announce";
import { racy_v128 } from "../sync/atomics";
import { slab_alloc, slab_free, slab_free_once, slab_next, slab_reserve } from "./slab";

export const enum Tag {
  MASK = 63,
  /** Images: the object as it was. */
  LEAF = 1,
  INNER = 2,
  VMA = 3,
  /** The counters' line of an mm. */
  MM = 4,
  /** A word's address and what it was; the tag names no object. */
  WORD = 5,
  WIDE = 6,
  /** A VMA that was attached. No image. */
  DETACHED = 7,
  /** Put off: references. */
  GET_FILE = 8,
  PUT_FILE = 9,
  GET_NAME = 10,
  PUT_NAME = 11,
  GET_USERS = 12,
  PUT_USERS = 13,
  GET_COUNT = 15,
  PUT_COUNT = 16,
  GET_PAGE = 17,
  PUT_PAGE = 18,
  /** What a PUT that took the last reference becomes. */
  DROP_FILE = 19,
  DROP_TABLE = 20,
  DROP_GUARDS = 21,
  FIRST_DEFERRED = GET_FILE,
  /** Put off: an object of SlabKind k goes back: FREE + k. */
  FREE = 24,
  /** An object of SlabKind k was taken: TAKEN + k. No image. */
  TAKEN = 40,
}

export const enum Image {
  /** All of a VMA. */
  VMA_BYTES = 64,
  MM_BYTES = 64,
  /** Of an inner node: not its gaps, which follow from the leaves (maple/gaps.ts G4). */
  INNER_BYTES = 128,
  WORD_BYTES = 16,
  /** Room left for a tag and the zeros behind it. */
  MARGIN = 32,
  /** How many tags a look for an object goes back at most. */
  LOOK_BACK = 64,
}
if (<i32>Image.VMA_BYTES != <i32>Vma.SIZE) ERROR("a VMA's image is all of it");
if (<i32>Image.INNER_BYTES != <i32>Node.GAPS) ERROR("an inner node's image is all but its gaps");
if (<i32>Mm.MAP_COUNT + Image.MM_BYTES != <i32>Mm.DEF_FLAGS) ERROR("the counters are one line");

/** The first, empty segment of a seat: when it is taken, and after a dead worker was dealt with. */
export function journal_init(seat: usize): void {
  store<u64>(seat, (<u64>(seat + Seat.LOG)) << 32, Seat.LOG_N);
  store<u32>(seat, <u32>(seat + Seat.LOG + LOG_BYTES), Seat.LOG_IMAGES);
  store<u32>(seat + Seat.LOG, 0, Log.PREV);
  store<u32>(seat, 0, Seat.LOG_DEFERRED);
  store<u32>(seat, LogState.OPEN, Seat.LOG_STATE);
}

/** True while one segment has been enough. */
export function journal_is_small(seat: usize): bool {
  return load<u32>(seat, Seat.LOG_SEGMENT) == <u32>(seat + Seat.LOG);
}

export function tag_at(segment: usize, n: u32): usize {
  return segment + Log.FIRST + ((<usize>n) << 2);
}

/** True if one of the latest tags names `object`. Missing one costs a second image (J4). */
function is_logged(seat: usize, object: usize): bool {
  const n = load<u32>(seat, Seat.LOG_N);
  if (n == 0) return false;
  const segment = <usize>load<u32>(seat, Seat.LOG_SEGMENT);
  const first = tag_at(segment, n > <u32>Image.LOOK_BACK ? (n - Image.LOOK_BACK) & ~3 : 0);
  const wanted = i32x4.splat(<i32>object);
  const address = i32x4.splat(~(<i32>Tag.MASK));
  let at = tag_at(segment, (n + 3) & ~3);
  while (at > first) {
    at -= 16;
    const found = i32x4.eq(v128.and(v128.load(at), address), wanted);
    if (v128.any_true(found)) return true;
  }
  return false;
}

/** Counts a tag, whose image is complete (J1). */
export function add_tag(seat: usize, tag: u32): void {
  const n = load<u32>(seat, Seat.LOG_N);
  // Zeros behind it: is_logged looks at four at a time, and left-overs must not match.
  v128.store(
    tag_at(load<u32>(seat, Seat.LOG_SEGMENT), n),
    i32x4.replace_lane(i32x4.splat(0), 0, <i32>tag),
  );
  store<u32>(seat, n + 1, Seat.LOG_N);
}

/** Inlined by decree: a store's log was three calls, and is 0.9 of its time without them. */
export class Journal {
  /** Room for an image of `bytes` and a tag: where the image goes, 0 if there is none. */
  @inline static room(seat: usize, bytes: usize): usize {
    const at = <usize>load<u32>(seat, Seat.LOG_IMAGES) - bytes;
    const end = tag_at(load<u32>(seat, Seat.LOG_SEGMENT), load<u32>(seat, Seat.LOG_N));
    return at >= end + Image.MARGIN ? at : grow(seat, bytes);
  }

  /** Logs `bytes` at `from` with `tag`. */
  @inline static image(tag: u32, from: usize, bytes: usize): void {
    const seat = this_seat();
    const to = Journal.room(seat, bytes);
    if (to == 0) return;
    copy_lines(to, from, bytes);
    store<u32>(seat, <u32>to, Seat.LOG_IMAGES);
    add_tag(seat, tag);
  }

  /** Before a change of a leaf. */
  @inline static leaf(leaf: usize): void {
    if (!is_logged(this_seat(), leaf)) Journal.image(<u32>leaf | Tag.LEAF, leaf, Node.LEAF_SIZE);
  }
}

/** The same as a call: where it is not hot. */
export function make_room(seat: usize, bytes: usize): usize {
  return Journal.room(seat, bytes);
}

/** A further segment; 0 if the arena is full: then the call cannot be undone. */
function grow(seat: usize, bytes: usize): usize {
  if (slab_reserve(SlabKind.LOG, 1) != 0) {
    store<u32>(seat, 1, Seat.LOG_LOST);
    return 0;
  }
  const segment = slab_next(SlabKind.LOG);
  store<u32>(seat, <u32>segment, Seat.OP_A);
  announce_plain(Op.GROW);
  slab_alloc(SlabKind.LOG);
  const last = <usize>load<u32>(seat, Seat.LOG_SEGMENT);
  store<u32>(segment, <u32>last, Log.PREV);
  store<u32>(segment, load<u32>(seat, Seat.LOG_N), Log.PREV_N);
  store<u32>(last, <u32>segment, Log.NEXT);
  store<u64>(seat, (<u64>segment) << 32, Seat.LOG_N);
  store<u32>(seat, <u32>(segment + Log.BYTES), Seat.LOG_IMAGES);
  settle();
  return segment + Log.BYTES - bytes;
}

/** Copies `bytes`, a multiple of 64: a line a turn costs half of what a vector a turn does. */
function copy_lines(to: usize, from: usize, bytes: usize): void {
  for (const end = to + bytes; to < end; to += 64, from += 64) {
    v128.store(to, racy_v128(from));
    v128.store(to + 16, racy_v128(from + 16));
    v128.store(to + 32, racy_v128(from + 32));
    v128.store(to + 48, racy_v128(from + 48));
  }
}

/** The same as a call. */
export function journal_leaf(leaf: usize): void {
  Journal.leaf(leaf);
}

/** Before a change of an inner node. */
export function journal_inner(node: usize): void {
  if (!is_logged(this_seat(), node)) Journal.image(<u32>node | Tag.INNER, node, Image.INNER_BYTES);
}

/** Before a change of a VMA's fields. */
export function journal_vma(vma: usize): void {
  if (!is_logged(this_seat(), vma)) Journal.image(<u32>vma | Tag.VMA, vma, Image.VMA_BYTES);
}

/** Before a change of an mm's counters or break. */
export function journal_mm(mm: usize): void {
  Journal.image(<u32>mm | Tag.MM, mm + Mm.MAP_COUNT, Image.MM_BYTES);
}

/** Before a change of one u32, of nothing that is logged as a whole. */
export function journal_word(address: usize): void {
  const seat = this_seat();
  const to = make_room(seat, Image.WORD_BYTES);
  if (to == 0) return;
  store<u32>(to, <u32>address);
  store<u32>(to, load<u32>(address), 4);
  store<u32>(seat, <u32>to, Seat.LOG_IMAGES);
  add_tag(seat, Tag.WORD);
}

/** Before a change of one u64. */
export function journal_wide(address: usize): void {
  const seat = this_seat();
  const to = make_room(seat, Image.WORD_BYTES);
  if (to == 0) return;
  store<u32>(to, <u32>address);
  store<u64>(to, load<u64>(address), 8);
  store<u32>(seat, <u32>to, Seat.LOG_IMAGES);
  add_tag(seat, Tag.WIDE);
}

/** Before an attached VMA is taken out of readers' reach. */
export function journal_detach(vma: usize): void {
  const seat = this_seat();
  if (make_room(seat, 0) != 0) add_tag(seat, <u32>vma | Tag.DETACHED);
}

/** Takes an object of `kind` for the call; 0 when the arena is exhausted. Undone: it goes back. */
export function journal_alloc(kind: u32): usize {
  const seat = this_seat();
  if (slab_next(kind) == 0 && slab_reserve(kind, 1) != 0) return 0;
  // Before it leaves the magazine; the magazine's HEAD tells whether it has (slab A5).
  if (make_room(seat, 0) != 0) add_tag(seat, <u32>slab_next(kind) | (Tag.TAKEN + kind));
  return slab_alloc(kind);
}

/** Gives the newest segment back and goes on in the one before it. */
export function journal_shrink(seat: usize): void {
  const segment = <usize>load<u32>(seat, Seat.LOG_SEGMENT);
  store<u32>(seat, <u32>segment, Seat.OP_A);
  announce_plain(Op.SHRINK);
  const before = (<u64>load<u32>(segment, Log.PREV)) << 32;
  store<u64>(seat, before | <u64>load<u32>(segment, Log.PREV_N), Seat.LOG_N);
  slab_free(SlabKind.LOG, segment);
  settle();
}

/** Finishes a segment's way in or out. Context: the seat of a dead worker is ours; counted anew. */
export function journal_recover(): void {
  const seat = this_seat();
  const what = load<u32>(seat, Seat.OP_WHAT);
  if (what != <u32>Op.GROW && what != <u32>Op.SHRINK) return;
  const segment = <usize>load<u32>(seat, Seat.OP_A);
  // Linked: it is the newest one, whichever way it was going.
  if (<usize>load<u32>(seat, Seat.LOG_SEGMENT) != segment) slab_free_once(SlabKind.LOG, segment);
  settle();
}
