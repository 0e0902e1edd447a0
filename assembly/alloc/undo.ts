// undo: plays a dead worker's journal backwards: what it was changing is as before the call.
//
// Invariants
//   U1  a tag is uncounted when it is undone, and undoing one twice does no harm.
//   U2  readers without a lock see nothing that they could not have seen beside the writer:
//       mm_lock_seq is still odd, VMAs are still write-locked, words stay of their kind.
//   U3  gaps are not logged: whoever ends the section measures them anew (mm/death.ts).
//
// Context: the dead worker's seat is ours and still owns the locks that it wrote under; its
// magazines are counted anew. Floor: alloc. Imports: base, journal, slab, sync.

import { LOG_BYTES } from "../base/debug";
import { File, Log, Mm, Node, Page, Seat, Vma } from "../base/layout";
import { SlabKind } from "../shared/abi";
import { store_release, store_release64 } from "../sync/atomics";
import { Image, journal_is_small, journal_shrink, Tag, tag_at } from "./journal";
import { slab_free_once } from "./slab";

/** Undoes all that the call under way has done. */
export function journal_undo(seat: usize): void {
  while (true) {
    undo_segment(seat, <usize>load<u32>(seat, Seat.LOG_SEGMENT));
    if (journal_is_small(seat)) break;
    journal_shrink(seat);
  }
  store<u32>(seat, 0, Seat.LOG_DEFERRED);
  store<u32>(seat, <u32>(seat + Seat.LOG + LOG_BYTES), Seat.LOG_IMAGES);
}

function undo_segment(seat: usize, segment: usize): void {
  const bytes: usize = segment == seat + Seat.LOG ? LOG_BYTES : Log.BYTES;
  let n = load<u32>(seat, Seat.LOG_N);
  let image = segment + bytes;
  for (let i: u32 = 0; i < n; i++) image -= image_bytes(load<u32>(tag_at(segment, i)));
  while (n != 0) {
    const tag = load<u32>(tag_at(segment, --n));
    undo_one(tag, image);
    image += image_bytes(tag);
    store<u32>(seat, n, Seat.LOG_N); // U1
  }
}

function image_bytes(tag: u32): usize {
  switch (tag & Tag.MASK) {
    case Tag.LEAF:
      return Node.LEAF_SIZE;
    case Tag.INNER:
      return Image.INNER_BYTES;
    case Tag.VMA:
      return Image.VMA_BYTES;
    case Tag.MM:
      return Image.MM_BYTES;
    case Tag.WORD:
    case Tag.WIDE:
      return Image.WORD_BYTES;
    default:
      return 0;
  }
}

function undo_one(tag: u32, image: usize): void {
  const object = <usize>(tag & ~(<u32>Tag.MASK));
  const kind = tag & Tag.MASK;
  if (kind >= <u32>Tag.TAKEN) give_back(kind - Tag.TAKEN, object);
  else if (kind == Tag.LEAF) restore(object, image, Node.LEAF_SIZE);
  else if (kind == Tag.INNER) restore(object, image, Image.INNER_BYTES);
  else if (kind == Tag.VMA) restore_vma(object, image);
  else if (kind == Tag.MM) restore_mm(object, image);
  else if (kind == Tag.WORD) store_release(load<u32>(image), load<u32>(image, 4));
  else if (kind == Tag.WIDE) store_release64(load<u32>(image), load<u64>(image, 8));
  else if (kind == Tag.DETACHED) set_life(object, load<u32>(object, Vma.MM));
}

/** An object that the call had taken. */
function give_back(kind: u32, object: usize): void {
  if (kind == SlabKind.VMA) set_life(object, 0);
  else if (kind == SlabKind.FILE) store_release64(object + File.REFS, 0);
  else if (kind == SlabKind.PAGE) store_release64(object + Page.REFS, 0);
  else if (kind == SlabKind.MM) {
    store_release64(object + Mm.COUNT, 0);
    store_release64(object + Mm.USERS, 0);
    store_release(object + Mm.TEARDOWN, 0);
  }
  slab_free_once(kind, object); // it may not have left the magazine
}

/** A node: its readers see old and new words beside each other, as while it was edited. */
function restore(node: usize, image: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) v128.store(node + i, v128.load(image + i));
}

/** What defines a mapping; the lock's words stay: it is write-locked until the section ends. */
function restore_vma(vma: usize, image: usize): void {
  for (let i: usize = Vma.START; i < <usize>Vma.FILE; i += 8)
    store_release64(vma + i, load<u64>(image + i));
  store_release(vma + Vma.FILE, load<u32>(image, Vma.FILE));
  store_release(vma + Vma.ANON_VMA, load<u32>(image, Vma.ANON_VMA));
  store_release(vma + Vma.ANON_NAME, load<u32>(image, Vma.ANON_NAME));
  set_life(vma, load<u32>(image, Vma.LIFE));
}

/** Attached to `owner` or to nothing (0), marked as it is. Context: as its writer (vma_lock V6). */
function set_life(vma: usize, owner: u32): void {
  store_release64(vma + Vma.LIFE, ((load<u64>(vma, Vma.LIFE) >> 32) << 32) | owner);
}

/** Map count and counters; CAPS between them is nobody's section's. */
function restore_mm(mm: usize, image: usize): void {
  store<u32>(mm, load<u32>(image), Mm.MAP_COUNT);
  const offset = Mm.TOTAL_VM - Mm.MAP_COUNT;
  const to = mm + Mm.TOTAL_VM;
  for (let i: usize = 0; i < <usize>Image.MM_BYTES - offset; i += 8)
    store<u64>(to + i, load<u64>(image + offset + i));
}
