// slab: fixed-size, type-stable objects for the core, from chunks that never change kind.
//
//   chunk  ──carve──▶ magazine (one a kind and worker) ◀──BATCH──▶ depot (one a kind, shared)
//
//   depot word, u64     63        32 31         0
//                       ┌──────────┬────────────┐
//                       │   mark   │ first free │   a Treiber stack; the mark of
//                       └──────────┴────────────┘   sync/announce.ts differs at each change
//
// Invariants
//   A1  a chunk belongs to one kind for ever (layout L2): an object freed and
//       allocated again is again an object of that kind.
//   A2  a free object is in exactly one magazine or in the depot; its link word
//       (slab_link_offset) is the only word the allocator writes in it.
//   A3  after slab_reserve(kind, n) == 0 the next n slab_alloc(kind) of this worker
//       succeed: whoever must not fail half-way reserves first.
//   A4  chunks are claimed in order and never given back.
//   A5  a magazine's HEAD is the truth about it, stored last when an object comes and first
//       when one goes: HEAD alone says whether the object under way is in it. What passes
//       between magazine, depot and chunks is announced, so that a death on the way loses
//       nothing (slab_recover).
//   A6  objects in use = TAKEN - COUNT, summed over the seats.
//
// Context: slab_* by the seat's worker only, or for a dead one by whoever reaps it; no lock
// is held or waited for. Floor: alloc. Imports: sync, base.

import { VERIFY } from "../base/debug";
import {
  Chunk,
  Header,
  Line,
  Magazine,
  Node,
  Seat,
  slab_link_offset,
  slab_object_size,
} from "../base/layout";
import { this_seat } from "../base/worker";
import { SlabKind } from "../shared/abi";
import { Errno } from "../shared/errno";
import { announce, announced_cmpxchg, announced_happened, Op, settle } from "../sync/announce";
import { load_acquire, load_acquire64 } from "../sync/atomics";

function magazine_of(seat: usize, kind: u32): usize {
  return seat + Seat.MAGAZINES + <usize>kind * <usize>Magazine.SIZE;
}

function depot_of(kind: u32): usize {
  return <usize>Header.DEPOTS + <usize>kind * <usize>Line.SIZE;
}

/** Takes one object of `kind`; 0 when the arena is exhausted. Contents are undefined. */
export function slab_alloc(kind: u32): usize {
  const magazine = magazine_of(this_seat(), kind);
  if (load<u32>(magazine, Magazine.COUNT) == 0 && slab_reserve(kind, 1) != 0) return 0;
  const object = <usize>load<u32>(magazine, Magazine.HEAD);
  store<u32>(magazine, load<u32>(object + slab_link_offset(kind)), Magazine.HEAD);
  store<u32>(magazine, load<u32>(magazine, Magazine.COUNT) - 1, Magazine.COUNT);
  return object;
}

/** The object that the next slab_alloc(kind) takes, which may not fail. Context: reserved. */
export function slab_next(kind: u32): usize {
  return load<u32>(magazine_of(this_seat(), kind), Magazine.HEAD);
}

/** Gives an object back. Readers may still look at it: only its link word changes (A2). */
export function slab_free(kind: u32, object: usize): void {
  const magazine = magazine_of(this_seat(), kind);
  magazine_push(magazine, kind, object);
  note_overfull(magazine);
}

function note_overfull(magazine: usize): void {
  if (load<u32>(magazine, Magazine.COUNT) > <u32>Magazine.HIGH)
    store<u32>(this_seat(), 1, Seat.OVERFULL);
}

/**
 * Gives back what exceeds a magazine's HIGH mark. Called between operations (when the
 * mmap write lock is released), never inside one: it may take what was reserved (A3).
 */
export function slab_trim(): void {
  const seat = this_seat();
  if (load<u32>(seat, Seat.OVERFULL) == 0) return;
  store<u32>(seat, 0, Seat.OVERFULL);
  for (let kind: u32 = 0; kind < <u32>SlabKind.COUNT; kind++) {
    const magazine = magazine_of(seat, kind);
    const held = load<u32>(magazine, Magazine.COUNT);
    if (held > <u32>Magazine.HIGH) magazine_flush(kind, held - Magazine.BATCH);
  }
}

/** Inlined by decree: a store reserves twice, and finds what it needs. */
export class Reserve {
  /** Makes sure that this worker's magazine holds at least `n` objects (A3); 0 or -ENOMEM. */
  @inline static objects(kind: u32, n: u32): i32 {
    const seat = this_seat();
    if (VERIFY && inject_failure(seat)) return -Errno.ENOMEM;
    if (load<u32>(magazine_of(seat, kind), Magazine.COUNT) >= n) return 0;
    return reserve_more(kind, n);
  }
}

/** The same as a call: where it is not hot. */
export function slab_reserve(kind: u32, n: u32): i32 {
  return Reserve.objects(kind, n);
}

function reserve_more(kind: u32, n: u32): i32 {
  const magazine = magazine_of(this_seat(), kind);
  while (load<u32>(magazine, Magazine.COUNT) < n) {
    if (!magazine_refill(kind) && !carve_chunk(kind)) return -Errno.ENOMEM;
  }
  return 0;
}

/** Moves everything this seat's magazines hold to the depots: the worker leaves, or has died. */
export function slab_drain(): void {
  for (let kind: u32 = 0; kind < <u32>SlabKind.COUNT; kind++) {
    magazine_flush(kind, load<u32>(magazine_of(this_seat(), kind), Magazine.COUNT));
  }
}

/** Counts a dead worker's magazines anew: every object on a list, none beside it (A5). */
export function slab_recount(): void {
  for (let kind: u32 = 0; kind < <u32>SlabKind.COUNT; kind++) {
    const magazine = magazine_of(this_seat(), kind);
    const link = <usize>slab_link_offset(kind);
    let n: u32 = 0;
    let object = <usize>load<u32>(magazine, Magazine.HEAD);
    while (object != 0) {
      object = <usize>load<u32>(object + link);
      n++;
      if (VERIFY) assert(n <= load_acquire(Header.CHUNK_NEXT) << (Chunk.SHIFT - 6)); // A2: no ring
    }
    store<u32>(magazine, n, Magazine.COUNT);
  }
}

/** Finishes what a dead worker had announced (A5). Context: its seat is ours; counted anew. */
export function slab_recover(): void {
  const seat = this_seat();
  const what = load<u32>(seat, Seat.OP_WHAT);
  const kind = what >> Op.KIND_SHIFT;
  const magazine = magazine_of(seat, kind);
  const a = <usize>load<u32>(seat, Seat.OP_A);
  const head = <usize>load<u32>(magazine, Magazine.HEAD);
  switch (what & Op.MASK) {
    case Op.POP:
      if (!announced_happened()) break;
      if (head != a) magazine_push(magazine, kind, a);
      store<u32>(magazine, load<u32>(seat, Seat.OP_C), Magazine.TAKEN);
      break;
    case Op.PUSH:
      if (head == a) break; // still in the magazine
      if (!announced_happened()) depot_push(kind, a, load<u32>(seat, Seat.OP_B));
      store<u32>(magazine, load<u32>(seat, Seat.OP_C), Magazine.TAKEN);
      break;
    case Op.CARVE:
      if (!announced_happened()) break;
      if (head != chunk_at(<u32>a)) carve(magazine, kind, <u32>a);
      store<u32>(magazine, load<u32>(seat, Seat.OP_C), Magazine.TAKEN);
      break;
    default:
      return;
  }
  settle();
}

/** Puts an object of a dead worker's where it belongs, unless it is there: it was under way. */
export function slab_free_once(kind: u32, object: usize): void {
  if (slab_next(kind) != object) slab_free(kind, object);
}

/** Objects of `kind` in use: allocated minus freed, over all seats. A snapshot while others work. */
export function slab_live(kind: u32): f64 {
  const workers = load<u32>(Header.MAX_WORKERS);
  let live: i64 = 0;
  let seat = <usize>load<u32>(Header.SEATS);
  for (let i: u32 = 0; i < workers; i++, seat += Seat.SIZE) {
    const magazine = magazine_of(seat, kind);
    live += <i64>(
      (load_acquire(magazine + Magazine.TAKEN) - load_acquire(magazine + Magazine.COUNT))
    );
  }
  return <f64>(<i64>(<u32>live)); // each counter wraps at 2^32, their difference does not
}

/** Chunks from `first` on in a memory of `bytes`. Behind the last one, which may be leaves, stays what is looked at. */
export function chunks_in(first: u64, bytes: u64): u32 {
  const end = first + Node.OVERRUN;
  return bytes < end ? 0 : <u32>((bytes - end) >> Chunk.SHIFT);
}

/** Bytes of the chunks that `kind` owns. */
export function slab_bytes(kind: u32): f64 {
  const kinds = <usize>load<u32>(Header.CHUNK_KINDS);
  const chunks = load_acquire(Header.CHUNK_NEXT);
  let owned: u32 = 0;
  for (let i: u32 = 0; i < chunks; i++) {
    if (<u32>load<u8>(kinds + i) == kind + 1) owned++;
  }
  return <f64>owned * <f64>(<u32>Chunk.SIZE);
}

/** True if `object` is where an object of `kind` may be: validators and misuse checks. */
export function slab_owns(kind: u32, object: usize): bool {
  const chunks = <usize>load<u32>(Header.CHUNKS);
  if (object < chunks) return false;
  const index = (object - chunks) >> Chunk.SHIFT;
  if (index >= <usize>load_acquire(Header.CHUNK_NEXT)) return false;
  if (<u32>load<u8>(<usize>load<u32>(Header.CHUNK_KINDS) + index) != kind + 1) return false;
  return (object - chunks - (index << Chunk.SHIFT)) % <usize>slab_object_size(kind) == 0;
}

function magazine_push(magazine: usize, kind: u32, object: usize): void {
  store<u32>(object + slab_link_offset(kind), load<u32>(magazine, Magazine.HEAD));
  store<u32>(magazine, <u32>object, Magazine.HEAD);
  store<u32>(magazine, load<u32>(magazine, Magazine.COUNT) + 1, Magazine.COUNT);
}

/** Pops up to BATCH objects off the depot; false if it was empty. */
function magazine_refill(kind: u32): bool {
  let taken: u32 = 0;
  while (taken < <u32>Magazine.BATCH && depot_pop(kind)) taken++;
  return taken != 0;
}

/** Gives `n` objects of this seat's magazine to the depot, as one chain. */
function magazine_flush(kind: u32, n: u32): void {
  if (n == 0) return;
  const seat = this_seat();
  const magazine = magazine_of(seat, kind);
  const link = <usize>slab_link_offset(kind);
  const first = <usize>load<u32>(magazine, Magazine.HEAD);
  let last = first;
  for (let i: u32 = 1; i < n; i++) last = <usize>load<u32>(last + link);
  const taken = load<u32>(magazine, Magazine.TAKEN) - n;
  store<u32>(seat, <u32>first, Seat.OP_A);
  store<u32>(seat, <u32>last, Seat.OP_B);
  store<u32>(seat, taken, Seat.OP_C);
  announce(Op.PUSH | (kind << Op.KIND_SHIFT), depot_of(kind));
  store<u32>(magazine, load<u32>(last + link), Magazine.HEAD); // from here on it is a chain of its own
  store<u32>(magazine, load<u32>(magazine, Magazine.COUNT) - n, Magazine.COUNT);
  depot_push(kind, first, last);
  store<u32>(magazine, taken, Magazine.TAKEN);
  settle();
}

/** Publishes a private chain first..last. Partner: depot_pop reads the links after the head. */
function depot_push(kind: u32, first: usize, last: usize): void {
  const depot = depot_of(kind);
  const link = last + <usize>slab_link_offset(kind);
  while (true) {
    const head = load_acquire64(depot);
    store<u32>(link, <u32>head);
    // Publishes the chain: its links are written above. The mark changes, so a pop
    // that read the old head fails even if the same object is on top again.
    if (announced_cmpxchg(depot, head, <u32>first)) return;
  }
}

/** Moves the depot's first object to this worker's magazine; false if there is none. */
function depot_pop(kind: u32): bool {
  const seat = this_seat();
  const depot = depot_of(kind);
  const magazine = magazine_of(seat, kind);
  const taken = load<u32>(magazine, Magazine.TAKEN) + 1;
  while (true) {
    const head = load_acquire64(depot);
    const object = <usize>(<u32>head);
    if (object == 0) return false;
    // May read the link of an object that another worker has just taken: then the
    // mark has moved on and the exchange below fails. Atomic: that worker may write it.
    const next = load_acquire(object + <usize>slab_link_offset(kind));
    store<u32>(seat, <u32>object, Seat.OP_A);
    store<u32>(seat, taken, Seat.OP_C);
    announce(Op.POP | (kind << Op.KIND_SHIFT), depot);
    if (announced_cmpxchg(depot, head, next)) {
      magazine_push(magazine, kind, object);
      store<u32>(magazine, taken, Magazine.TAKEN);
      settle();
      return true;
    }
    settle(); // before another object is named
  }
}

function chunk_at(index: u32): usize {
  return <usize>load<u32>(Header.CHUNKS) + ((<usize>index) << Chunk.SHIFT);
}

/** Claims a fresh chunk and cuts it up for this worker's magazine; false when none is left. */
function carve_chunk(kind: u32): bool {
  const seat = this_seat();
  const magazine = magazine_of(seat, kind);
  const taken = load<u32>(magazine, Magazine.TAKEN) + Chunk.SIZE / slab_object_size(kind);
  while (true) {
    const was = load_acquire64(Header.CHUNK_NEXT);
    const index = <u32>was;
    if (index >= load<u32>(Header.CHUNK_COUNT)) return false;
    store<u32>(seat, index, Seat.OP_A);
    store<u32>(seat, taken, Seat.OP_C);
    announce(Op.CARVE | (kind << Op.KIND_SHIFT), Header.CHUNK_NEXT);
    // Claims chunk `index` against other workers carving.
    const claimed = announced_cmpxchg(Header.CHUNK_NEXT, was, index + 1);
    if (claimed) {
      carve(magazine, kind, index);
      store<u32>(magazine, taken, Magazine.TAKEN);
    }
    settle();
    if (claimed) return true;
  }
}

/** Makes chunk `index` a chain of objects on top of the magazine. */
function carve(magazine: usize, kind: u32, index: u32): void {
  store<u8>(<usize>load<u32>(Header.CHUNK_KINDS) + index, <u8>(kind + 1));
  const size = <usize>slab_object_size(kind);
  const link = <usize>slab_link_offset(kind);
  const first = chunk_at(index);
  const n = <u32>Chunk.SIZE / <u32>size;
  const last = first + (<usize>n - 1) * size;
  // Plain stores: the chunk is this worker's alone.
  for (let at = first; at < last; at += size) store<u32>(at + link, <u32>(at + size));
  store<u32>(last + link, load<u32>(magazine, Magazine.HEAD));
  store<u32>(magazine, <u32>first, Magazine.HEAD);
  store<u32>(magazine, load<u32>(magazine, Magazine.COUNT) + n, Magazine.COUNT);
  note_overfull(magazine);
}

function inject_failure(seat: usize): bool {
  const left = load<u32>(seat, Seat.FAIL_AFTER);
  if (left == 0) return false;
  store<u32>(seat, left - 1, Seat.FAIL_AFTER);
  return left == 1;
}
