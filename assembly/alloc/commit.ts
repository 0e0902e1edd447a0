// commit: ends a call. What it has changed stays; what it has put off is done now.
//
//   OPEN ──one store──▶ COMMITTED ──item by item (DONE)──▶ FINISHED ──▶ OPEN, nothing logged
//        └── nothing put off: the store that empties the journal ──────▲
//
// Put off are objects to free and references to take and give, in the order of the call.
// Each is done so that whoever reaps this worker can tell how far it came: an object by its
// magazine's HEAD (slab A5), a count by its announced exchange (announce O2), a record of
// several objects by its tag, which changes as they go.
//
// Invariants
//   K1  DONE names the item under way, or the tag behind the last one done; an announcement
//       with that tag's address belongs to it, any other one is over.
//   K2  the exchange that took a count to 0 is the word's last: nobody else changes it until
//       the object is free. So a mark that is still there with 0 means: we took the last.
//
// Floor: alloc. Imports: base, journal, slab, sync.

import { LOG_BYTES } from "../base/debug";
import { File, Log, LogState, Mm, Name, Page, Seat, Teardown, VmaName } from "../base/layout";
import { this_seat } from "../base/worker";
import { SlabKind } from "../shared/abi";
import {
  announce,
  announce_plain,
  announced_cmpxchg,
  announced_happened,
  announced_last,
  Op,
  settle,
} from "../sync/announce";
import { store_release } from "../sync/atomics";
import { refcount_dec_and_test, refcount_inc, refcount_inc_not_zero } from "../sync/refcount";
import { add_tag, journal_is_small, journal_shrink, make_room, Tag, tag_at } from "./journal";
import { slab_free, slab_free_once, slab_next } from "./slab";

/** Puts something off until the call is committed: `tag` with an object. */
export function journal_later(tag: u32, object: usize): void {
  const seat = this_seat();
  // No room and no memory: what is put off is done at once, and the call cannot be undone.
  if (make_room(seat, 0) == 0) commit_deferred(seat, false);
  add_tag(seat, <u32>object | tag);
  store<u32>(seat, 1, Seat.LOG_DEFERRED);
}

/** Gives an object back when the call is committed (journal J2). */
export function journal_free(kind: u32, object: usize): void {
  journal_later(Tag.FREE + kind, object);
}

/** The call is done. */
export function journal_commit(): void {
  const seat = this_seat();
  store<u32>(seat, 0, Seat.CHANGING);
  if (load<u32>(seat, Seat.LOG_DEFERRED) != 0 || !journal_is_small(seat))
    commit_deferred(seat, true);
  else journal_empty(seat);
  store<u32>(seat, 0, Seat.LOG_LOST);
}

/**
 * Takes a reference unless there is none, and commits with it: true, and the call is done.
 * Context: one segment has been enough, and nothing is put off.
 */
export function journal_decide(word: usize): bool {
  announce(Op.DECIDE, word);
  const taken = refcount_inc_not_zero(word);
  if (taken) journal_empty(this_seat());
  settle();
  return taken;
}

/** Puts `value` into the word if it is `expected`, and commits with it: as above. */
export function journal_exchange(word: usize, expected: u64, value: u32): bool {
  announce(Op.DECIDE, word);
  const changed = announced_cmpxchg(word, expected, value);
  if (changed) journal_empty(this_seat());
  settle();
  return changed;
}

function journal_empty(seat: usize): void {
  store<u32>(seat, 0, Seat.LOG_N); // nothing is undone from here on (J3)
  store<u32>(seat, <u32>(seat + Seat.LOG + LOG_BYTES), Seat.LOG_IMAGES);
}

/** `whole`: the call is done, so that it is no longer lost if it was; else only what it put off is. */
function commit_deferred(seat: usize, whole: bool): void {
  store<u64>(seat, (<u64>(seat + Seat.LOG)) << 32, Seat.LOG_DONE);
  store<u32>(seat, LogState.COMMITTED, Seat.LOG_STATE); // J3
  if (whole) store<u32>(seat, 0, Seat.LOG_LOST);
  finish(seat);
}

/** Does what is left of a committed call. Also for a dead worker, by whoever reaps it. */
export function finish(seat: usize): void {
  if (load<u32>(seat, Seat.LOG_STATE) == LogState.COMMITTED) {
    do_items(seat);
    store<u32>(seat, LogState.FINISHED, Seat.LOG_STATE);
  }
  while (!journal_is_small(seat)) journal_shrink(seat);
  journal_empty(seat);
  store<u32>(seat, 0, Seat.LOG_DEFERRED);
  store<u32>(seat, LogState.OPEN, Seat.LOG_STATE);
}

function do_items(seat: usize): void {
  let segment = <usize>load<u32>(seat, Seat.LOG_DONE_SEGMENT);
  const last = <usize>load<u32>(seat, Seat.LOG_SEGMENT);
  while (true) {
    const next = <usize>load<u32>(segment, Log.NEXT);
    const end = segment == last ? load<u32>(seat, Seat.LOG_N) : load<u32>(next, Log.PREV_N);
    for (let i = load<u32>(seat, Seat.LOG_DONE); i < end; i++) {
      const at = tag_at(segment, i);
      if ((load<u32>(at) & Tag.MASK) < <u32>Tag.FIRST_DEFERRED) continue;
      store<u32>(seat, i, Seat.LOG_DONE); // K1
      do_item(seat, at);
    }
    if (segment == last) return;
    segment = next;
    store<u64>(seat, (<u64>segment) << 32, Seat.LOG_DONE);
  }
}

/** The item at DONE is done (K1). */
function done(seat: usize): void {
  store<u32>(seat, load<u32>(seat, Seat.LOG_DONE) + 1, Seat.LOG_DONE);
}

/** Does one item to its end; its tag may become another on the way. */
function do_item(seat: usize, at: usize): void {
  while (true) {
    const tag = load<u32>(at);
    const kind = tag & Tag.MASK;
    const object = <usize>(tag & ~(<u32>Tag.MASK));
    if (kind >= <u32>Tag.TAKEN) return;
    if (kind >= <u32>Tag.FREE) {
      slab_free(kind - Tag.FREE, object);
      done(seat);
      return;
    }
    if (kind == Tag.DROP_FILE) drop_file(at, object);
    else if (kind == Tag.DROP_TABLE) drop_table(at, object, Mm.TREE, Tag.DROP_GUARDS);
    else if (kind == Tag.DROP_GUARDS) drop_table(at, object, Mm.GUARDS, Tag.FREE + SlabKind.MM);
    else if (change_count(seat, at, kind, object)) return;
  }
}

function is_get(kind: u32): bool {
  return (
    kind == Tag.GET_FILE ||
    kind == Tag.GET_NAME ||
    kind == Tag.GET_USERS ||
    kind == Tag.GET_COUNT ||
    kind == Tag.GET_PAGE
  );
}

function count_of(kind: u32, object: usize): usize {
  if (kind == Tag.GET_FILE || kind == Tag.PUT_FILE) return object + File.REFS;
  if (kind == Tag.GET_NAME || kind == Tag.PUT_NAME) return object + VmaName.REFS;
  if (kind == Tag.GET_PAGE || kind == Tag.PUT_PAGE) return object + Page.REFS;
  if (kind == Tag.GET_COUNT || kind == Tag.PUT_COUNT) return object + Mm.COUNT;
  return object + Mm.USERS;
}

/** True if the item is done; false: it took the last reference and is another one now. */
function change_count(seat: usize, at: usize, kind: u32, object: usize): bool {
  if (kind == Tag.PUT_COUNT && load<u32>(object, Mm.TEARDOWN) == <u32>seat)
    store<u32>(object, Teardown.NONE, Mm.TEARDOWN); // the teardown ends with this put
  const word = count_of(kind, object);
  store<u32>(seat, <u32>at, Seat.OP_A);
  announce(Op.REFERENCE, word);
  const get = is_get(kind);
  if (get) refcount_inc(word);
  const last = !get && refcount_dec_and_test(word);
  return count_changed(seat, at, kind, object, last);
}

function count_changed(seat: usize, at: usize, kind: u32, object: usize, last: bool): bool {
  const then = last ? after_last(seat, kind, object) : 0;
  if (then != 0) store<u32>(at, <u32>object | then);
  else done(seat);
  settle();
  return then == 0;
}

/** What an item becomes whose put took the last reference; 0: nothing more. */
function after_last(seat: usize, kind: u32, object: usize): u32 {
  if (kind == Tag.PUT_FILE) return Tag.DROP_FILE;
  if (kind == Tag.PUT_NAME) return Tag.FREE + SlabKind.NAME;
  if (kind == Tag.PUT_PAGE) return Tag.FREE + SlabKind.PAGE;
  if (kind == Tag.PUT_COUNT) {
    const inline = load<u32>(object, Mm.TREE) == <u32>(object + Mm.INLINE_TABLE);
    return inline ? Tag.FREE + SlabKind.MM : Tag.DROP_TABLE;
  }
  // Nobody else's business before this item is done (K2): mmput_async hands it on afterwards.
  store_release(object + Mm.TEARDOWN, <u32>seat);
  return 0;
}

/** Frees the pieces of a file's name, then makes the item free the file. */
function drop_file(at: usize, file: usize): void {
  const seat = this_seat();
  while (true) {
    const piece = <usize>load<u32>(file, File.NAME);
    if (piece == 0) break;
    store<u32>(seat, <u32>piece, Seat.OP_A);
    store<u32>(seat, <u32>file, Seat.OP_B);
    announce_plain(Op.PIECE);
    store<u32>(file, load<u32>(piece, Name.NEXT), File.NAME);
    slab_free(SlabKind.NAME, piece);
    settle();
  }
  store<u32>(at, <u32>file | (Tag.FREE + SlabKind.FILE));
}

/** Frees one table of a large mm, then makes the item go on with the next thing. */
function drop_table(at: usize, mm: usize, tree: usize, then: u32): void {
  slab_free_once(SlabKind.TABLE, load<u32>(mm + tree));
  store<u32>(at, <u32>mm | then);
}

/**
 * Finishes the item that a dead worker was at, as far as its announcement goes; finish() does
 * the rest. Context: the seat is ours; its magazines are counted anew.
 */
export function commit_recover(seat: usize): void {
  const what = load<u32>(seat, Seat.OP_WHAT);
  if (what == <u32>Op.DECIDE) {
    if (announced_happened()) journal_empty(seat);
    settle();
  } else if (what == <u32>Op.PIECE) {
    const piece = <usize>load<u32>(seat, Seat.OP_A);
    const left = <usize>load<u32>(load<u32>(seat, Seat.OP_B), File.NAME) != piece;
    if (left) slab_free_once(SlabKind.NAME, piece);
    settle();
  } else if (what == <u32>Op.REFERENCE) recover_reference(seat);
  if (load<u32>(seat, Seat.LOG_STATE) == LogState.COMMITTED) recover_free(seat);
}

function recover_reference(seat: usize): void {
  const at = <usize>load<u32>(seat, Seat.OP_A);
  const segment = <usize>load<u32>(seat, Seat.LOG_DONE_SEGMENT);
  const kind = load<u32>(at) & Tag.MASK;
  const under_way =
    load<u32>(seat, Seat.LOG_STATE) == LogState.COMMITTED &&
    at == tag_at(segment, load<u32>(seat, Seat.LOG_DONE)) &&
    kind < <u32>Tag.DROP_FILE; // K1
  if (under_way && announced_happened()) {
    const object = <usize>(load<u32>(at) & ~(<u32>Tag.MASK));
    count_changed(seat, at, kind, object, !is_get(kind) && announced_last());
  } else settle();
}

/** An object that is in its magazine already, but not yet counted as done. */
function recover_free(seat: usize): void {
  const segment = <usize>load<u32>(seat, Seat.LOG_DONE_SEGMENT);
  const n = load<u32>(seat, Seat.LOG_DONE);
  if (segment == <usize>load<u32>(seat, Seat.LOG_SEGMENT) && n >= load<u32>(seat, Seat.LOG_N))
    return;
  const tag = load<u32>(tag_at(segment, n));
  const kind = tag & Tag.MASK;
  if (kind < <u32>Tag.FREE || kind >= <u32>Tag.TAKEN) return;
  if (slab_next(kind - Tag.FREE) == <usize>(tag & ~(<u32>Tag.MASK))) done(seat);
}
