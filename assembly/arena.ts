// The arena as a whole: laying it out, taking and leaving seats, numbers about it.
//
// Invariants
//   E1  the header is written once, before any worker attaches; its magic is stored
//       last, so an arena with the magic is complete.
//   E2  a seat is taken by compare-and-swap on its state; only its worker writes the rest.
//
// Floor: index. Imports: base, alloc, sync, mm/liveness, mm/refs.

import { journal_init } from "./alloc/journal";
import { chunks_in, slab_drain } from "./alloc/slab";
import { Chunk, Header, Line, Seat, SeatState } from "./base/layout";
import { set_this_seat, this_seat } from "./base/worker";
import { copy_report, leave, look, mark_dead, reap } from "./mm/liveness";
import { refs_give_back } from "./mm/refs";
import { Abi, Counter, SlabKind } from "./shared/abi";
import { Errno } from "./shared/errno";
import { mark_of_index } from "./sync/announce";
import { cmpxchg, load_acquire, store_release } from "./sync/atomics";
import { LOCKDEP, lockdep_attach } from "./sync/lockdep";
import { RwLimit } from "./sync/rwlock";

/** Smallest arena: header, seats, and a chunk for each slab. */
const CHUNKS_MIN: u32 = SlabKind.COUNT;

export function layout_version(): u32 {
  return Abi.LAYOUT_VERSION;
}

/** Lays out zeroed memory of `bytes`; 0 or -EINVAL (too small, too many workers). */
export function arena_init(bytes: f64, max_workers: u32, flags: u32): i32 {
  if (max_workers == 0 || max_workers > <u32>RwLimit.MAX_WORKERS) return -Errno.EINVAL;
  const size = <u64>bytes;
  const seats: u64 = Header.END;
  const kinds = seats + <u64>max_workers * Seat.SIZE;
  const chunk_count_max = size >> Chunk.SHIFT;
  const mask: u64 = Chunk.SIZE - 1;
  const chunks = (kinds + chunk_count_max + mask) & ~mask;
  const count = chunks_in(chunks, size);
  if (count < CHUNKS_MIN) return -Errno.EINVAL;
  store<u32>(Header.VERSION, Abi.LAYOUT_VERSION);
  store<u32>(Header.BYTES, <u32>(size >> 10));
  store<u32>(Header.MAX_WORKERS, max_workers);
  store<u32>(Header.FLAGS, flags);
  store<u32>(Header.SEATS, <u32>seats);
  store<u32>(Header.CHUNK_KINDS, <u32>kinds);
  store<u32>(Header.CHUNKS, <u32>chunks);
  store<u32>(Header.CHUNK_COUNT, count);
  store<u32>(Header.ANON_VMA_NEXT, 1); // 0 is none
  store<u32>(Header.INODE_NEXT, 1);
  store_release(Header.MAGIC, Abi.MAGIC); // E1
  return 0;
}

/** Takes a free seat: its number, -EAGAIN if all are taken, -EINVAL without an arena. */
export function worker_attach(may_block: u32): i32 {
  const index = worker_reserve();
  if (index >= 0) worker_sit(index, worker_generation(index), may_block);
  return index;
}

/**
 * Takes a free seat for a worker that is to come: its number, or as worker_attach. Until it
 * sits down the seat can be reaped like any other, should it never come.
 */
export function worker_reserve(): i32 {
  if (load_acquire(Header.MAGIC) != Abi.MAGIC || load<u32>(Header.VERSION) != Abi.LAYOUT_VERSION)
    return -Errno.EINVAL;
  const workers = load<u32>(Header.MAX_WORKERS);
  for (let i: u32 = 0; i < workers; i++) {
    const seat = seat_at(i);
    // Claims the seat against other workers attaching.
    if (cmpxchg(seat + Seat.STATE, SeatState.FREE, SeatState.TAKEN) != SeatState.FREE) continue;
    for (let c: u32 = 0; c < <u32>Counter.COUNT; c++)
      store<u32>(seat + Seat.COUNTERS + ((<usize>c) << 2), 0);
    raise_seat_high(i + 1); // before its worker's first lock: writers must find its holds
    store<u32>(seat, 0, Seat.FAIL_AFTER);
    store<u32>(seat, mark_of_index(i), Seat.MARK);
    journal_init(seat);
    return i;
  }
  return -Errno.EAGAIN;
}

/** This worker sits down in the seat reserved for it: 0, or -EINVAL: it is that worker's no more. */
export function worker_sit(index: u32, generation: u32, may_block: u32): i32 {
  if (!is_seat(index) || worker_generation(index) != generation) return -Errno.EINVAL;
  const seat = seat_at(index);
  store<u32>(seat, may_block, Seat.MAY_BLOCK);
  set_this_seat(seat);
  if (LOCKDEP) lockdep_attach();
  return 0;
}

function is_seat(index: u32): bool {
  return index < load<u32>(Header.MAX_WORKERS) && worker_seat_taken(index) != 0;
}

/**
 * Gives up what the worker of `index` held, after it has died, and frees the seat. Scratch:
 * Reap words. 0; -EINVAL: no such seat, this worker's own, or not taken (any more).
 */
export function worker_reap(index: u32): i32 {
  if (!is_seat(index) || seat_at(index) == this_seat()) return -Errno.EINVAL;
  const seat = seat_at(index);
  const generation = worker_generation(index);
  if (!reap(seat)) return -Errno.EINVAL;
  if (this_seat() != 0) copy_report(seat, generation, worker_scratch());
  return 0;
}

/**
 * The worker of that generation in a seat has died: whoever waits for a lock reaps it, within
 * Abi.LOOK_MS. 0; -EINVAL: no such seat, or that worker is not in it any more.
 */
export function worker_mark_dead(index: u32, generation: u32): i32 {
  if (!is_seat(index)) return -Errno.EINVAL;
  return mark_dead(seat_at(index), generation) ? 0 : -Errno.EINVAL;
}

/** What whoever has waited for Abi.LOOK_MS does: reaps workers that are marked dead; how many. */
export function worker_look(): u32 {
  return look();
}

/** What reaping that worker gave up, whoever did it: 0, scratch: Reap words; -EINVAL: nobody has, or too long ago. */
export function worker_report(index: u32, generation: u32): i32 {
  if (index >= load<u32>(Header.MAX_WORKERS)) return -Errno.EINVAL;
  return copy_report(seat_at(index), generation, worker_scratch()) ? 0 : -Errno.EINVAL;
}

function raise_seat_high(high: u32): void {
  while (true) {
    const now = load_acquire(Header.SEAT_HIGH);
    if (now >= high || cmpxchg(Header.SEAT_HIGH, now, high) == now) return;
  }
}

/** Leaves the seat, and gives back what this worker has references to. Context: it holds no lock. */
export function worker_detach(): void {
  const seat = this_seat();
  if (seat == 0) return;
  refs_give_back();
  slab_drain();
  leave();
}

export function worker_scratch(): usize {
  return this_seat() + Seat.SCRATCH;
}

export function worker_seat(): usize {
  return this_seat();
}

/** What a seat has counted since it was taken. */
export function worker_counter(seat: u32, counter: u32): f64 {
  return <f64>load_acquire(seat_at(seat) + Seat.COUNTERS + ((<usize>counter) << 2));
}

/** 1 if the seat is taken. */
export function worker_seat_taken(seat: u32): u32 {
  return load_acquire(seat_at(seat) + Seat.STATE) == SeatState.TAKEN ? 1 : 0;
}

/** How often the seat has been left, or reaped: one worker in it has one generation. */
export function worker_generation(seat: u32): u32 {
  return load_acquire(seat_at(seat) + Seat.GENERATION);
}

export function max_workers(): u32 {
  return load<u32>(Header.MAX_WORKERS);
}

/** Chunks given out so far: each is Chunk.SIZE bytes for good. */
export function slab_chunks(): f64 {
  return <f64>load_acquire(Header.CHUNK_NEXT);
}

/** Verify build: the n-th slab reservation of this worker from now on fails; 0 turns it off. */
export function fail_after(n: u32): void {
  store<u32>(this_seat(), n, Seat.FAIL_AFTER);
}

/** Reservations left until the injected failure; 0: it has struck, or none is set. */
export function fail_pending(): u32 {
  return load<u32>(this_seat(), Seat.FAIL_AFTER);
}

function seat_at(index: u32): usize {
  return <usize>load<u32>(Header.SEATS) + <usize>index * Seat.SIZE;
}

if (Header.END % Line.SIZE != 0) ERROR("seats begin a cache line");
