// holds: what each worker has locked for reading, written in its own seat.
//
// A read lock is not counted in the locked object: the reader writes the object's address
// into a slot of its seat, and a writer searches the seats. So readers of one object share
// no cache line, and what a dead worker held can be read off its seat and given up for it.
//
//   seat   VMA_HOLDS   [vma ][vma ][ 0  ] … 8   RELEASES  WAITED      (one cache line)
//          LOCK_HOLDS  [lock, ticket][ 0 ] … 8                        (one cache line)
//
// Invariants
//   H1  only the seat's worker writes its slots (and whoever reaps the dead seat).
//   H2  a reader publishes its slot and looks at the writer's mark afterwards; a writer
//       sets its mark and searches the slots afterwards. Both accesses are sequentially
//       consistent, so at least one sees the other (Dekker).
//   H3  a slot that is given up is cleared before WAITED is read; a writer sets WAITED
//       before it looks at the slot again and sleeps on RELEASES. No wake-up is lost.
//   H4  a slot may hold an object that its worker was refused, for a moment: it is
//       cleared like any other, so a writer waits for it like for a reader.
//
// Floor: sync. Imports: base, atomics, futex.

import { SPINS } from "../base/debug";
import { Header, Hold, Seat } from "../base/layout";
import { this_seat } from "../base/worker";
import { fetch_add, load_acquire, load_acquire64, store_release } from "./atomics";
import { futex_wake_all } from "./futex";

/** A free slot for a VMA in this worker's seat; 0: it holds as many as it may. */
export function vma_hold_free(): usize {
  return vma_hold_find(0);
}

/** The slot in which this worker holds `vma`; 0: it does not. */
export function vma_hold_of(vma: usize): usize {
  return vma_hold_find(<u32>vma);
}

/** Mostly the first slot: apart from the loop, whose turns V8 begins with a look at the stack. */
function vma_hold_find(word: u32): usize {
  const first = this_seat() + Seat.VMA_HOLDS;
  return load<u32>(first) == word ? first : find_own(first + 4, first + Hold.SLOTS * 4, 4, word);
}

/** A free slot for a lock in this worker's seat; 0: it holds as many as it may. */
export function lock_hold_free(): usize {
  return lock_hold_find(0);
}

/** The slot in which this worker reads `lock`; 0: it does not. */
export function lock_hold_of(lock: usize): usize {
  return lock_hold_find(<u32>lock);
}

function lock_hold_find(word: u32): usize {
  const slots = this_seat() + Seat.LOCK_HOLDS;
  return find_own(slots, slots + Hold.SLOTS * Hold.LOCK_STRIDE, Hold.LOCK_STRIDE, word);
}

/** Plain loads: only this worker writes its slots (H1). */
function find_own(slots: usize, end: usize, stride: usize, word: u32): usize {
  for (let slot = slots; slot < end; slot += stride) {
    if (load<u32>(slot) == word) return slot;
  }
  return 0;
}

/** Claims `word` in a slot (H2). Partners: find_vma_hold, find_lock_hold. */
export function hold_publish(slot: usize, word: u32): void {
  store_release(slot, word);
}

/** Gives up a slot of `seat` and wakes who waits for it (H3). */
export function hold_clear(seat: usize, slot: usize): void {
  // Release: what the reader did is done before a writer finds the slot empty.
  store_release(slot, 0);
  if (load_acquire(seat + Seat.WAITED) != 0) wake_waiter(seat);
}

/** Wakes whoever waits for something to be given up in `seat`. */
export function wake_waiter(seat: usize): void {
  store_release(seat + Seat.WAITED, 0);
  fetch_add(seat + Seat.RELEASES, 1); // after WAITED: a waiter that set it meanwhile sees the new count
  futex_wake_all(seat + Seat.RELEASES);
}

/** A slot of any seat that holds `vma`; 0: nobody does. */
export function find_vma_hold(vma: usize): usize {
  const seats = <usize>load<u32>(Header.SEATS);
  const end = seats + <usize>load_acquire(Header.SEAT_HIGH) * <usize>Seat.SIZE;
  for (let seat = seats; seat < end; seat += Seat.SIZE) {
    const slots = seat + Seat.VMA_HOLDS;
    for (let i: usize = 0; i < <usize>Hold.SLOTS * 4; i += 8) {
      const pair = load_acquire64(slots + i);
      if (pair == 0) continue;
      if (<u32>pair == <u32>vma) return slots + i;
      if (<u32>(pair >> 32) == <u32>vma) return slots + i + 4;
    }
  }
  return 0;
}

/**
 * A slot of any seat that reads `lock`, or has been let in: queued, but at another phase
 * than `phase`; 0: nobody does.
 */
export function find_lock_hold(lock: usize, phase: u32): usize {
  const seats = <usize>load<u32>(Header.SEATS);
  const end = seats + <usize>load_acquire(Header.SEAT_HIGH) * <usize>Seat.SIZE;
  for (let seat = seats; seat < end; seat += Seat.SIZE) {
    const slots = seat + Seat.LOCK_HOLDS;
    const stop = slots + <usize>Hold.SLOTS * <usize>Hold.LOCK_STRIDE;
    for (let slot = slots; slot < stop; slot += Hold.LOCK_STRIDE) {
      if (lock_hold_counts(slot, lock, phase)) return slot;
    }
  }
  return 0;
}

function lock_hold_counts(slot: usize, lock: usize, phase: u32): bool {
  const word = load_acquire(slot);
  if ((word & ~(<u32>Hold.QUEUED)) != <u32>lock) return false;
  return (word & Hold.QUEUED) == 0 || load_acquire(slot + Hold.TICKET) != phase;
}

/** The seat that a slot belongs to. */
function seat_of_slot(slot: usize): usize {
  const seats = <usize>load<u32>(Header.SEATS);
  return slot - ((slot - seats) % <usize>Seat.SIZE);
}

/** The same as await_lock_hold for a hold of `vma`. */
export function await_vma_hold(slot: usize, vma: usize, wait: usize): bool {
  for (let i = 0; i < SPINS; i++) {
    if (load_acquire(slot) != <u32>vma) return false;
  }
  await_release(slot, wait);
  return load_acquire(slot) == <u32>vma;
}

/**
 * Announces a wait for a hold that counts: the word to wait on and its value are
 * stored at `wait`; false: it counts no longer. Not the slot's word is looked at again but whether it
 * counts: its worker may have left, and queued behind us with the same word (H3).
 */
export function await_lock_hold(slot: usize, lock: usize, phase: u32, wait: usize): bool {
  for (let i = 0; i < SPINS; i++) {
    if (!lock_hold_counts(slot, lock, phase)) return false;
  }
  await_release(slot, wait);
  return lock_hold_counts(slot, lock, phase);
}

/**
 * Says that somebody waits for a release in the slot's seat; what to wait for at `wait`. Waker:
 * hold_clear, by the seat's worker or by whoever reaps it.
 */
function await_release(slot: usize, wait: usize): void {
  const seat = seat_of_slot(slot);
  store<u32>(wait, <u32>(seat + Seat.RELEASES));
  store<u32>(wait, load_acquire(seat + Seat.RELEASES), 4); // before WAITED: H3
  store_release(seat + Seat.WAITED, 1);
}
