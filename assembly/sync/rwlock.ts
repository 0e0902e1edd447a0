// rwlock: the sleeping read-write lock behind the mmap lock. Phase-fair; readers leave no
// trace in it, but in their own seats (sync/holds.ts).
// Source of the contract: include/linux/rwsem.h (R-LOCK-20..26); the algorithm is ours.
//
//   lock   OWNER    seat of the writer that has it or waits for its readers to leave, 0 none
//          PHASE    +1 each time a writer lets go; queued readers and writers sleep on it
//          WAITERS  how many sleep, or are about to
//   slot   lock            reading, or about to look whether it may
//          lock | QUEUED   queued at phase `ticket`; let in as soon as PHASE is another one
//
// Invariants
//   W1  a writer has the lock when it is OWNER and no seat has a hold that counts: `lock`,
//       or `lock | QUEUED` with another ticket than PHASE.
//   W2  a reader has the lock when its slot says `lock` and OWNER was 0 after that was
//       stored, or when it is queued and PHASE is not its ticket.
//   W3  a reader's ticket was PHASE after its slot was stored: so a change of PHASE after
//       that is a release that every later OWNER's search comes after. Queued readers are
//       let in before the next writer: writers cannot starve them.
//   W4  OWNER is taken before the readers have left, and no new one enters meanwhile:
//       readers cannot starve a writer.
//   W5  who sleeps on PHASE has counted itself in WAITERS first and seen the phase it
//       sleeps on since; who lets go changes PHASE first and reads WAITERS after.
//
// Not recursive. A writer is its seat: of one worker's tasks only one may want the lock for
// writing at a time (the facade sees to both). Floor: sync. Imports: base, atomics, futex, holds.

import { Hold, Seat } from "../base/layout";
import { this_seat } from "../base/worker";
import { cmpxchg, fetch_add, fetch_sub, load_acquire, store_release } from "./atomics";
import { futex_wait, futex_wake_all } from "./futex";
import {
  announce_wait,
  find_lock_hold,
  hold_clear,
  hold_publish,
  lock_hold_free,
  lock_hold_of,
  lock_queued_of,
  seat_of_slot,
  wait_for_slot,
} from "./holds";

export const enum RwLock {
  OWNER = 0,
  PHASE = 4,
  WAITERS = 8,
  SIZE = 12,
}

/** Most workers an engine may have. */
export const enum RwLimit {
  MAX_WORKERS = 500,
}

/** What a *_queue call answers, beside 0 and 1. */
export const enum Queue {
  QUEUED = 0,
  HELD = 1,
  /** This worker holds as many locks as a seat has slots for. */
  FULL = 2,
}

/** Takes the lock for reading if no writer has it or waits for it. */
export function rwlock_read_trylock(lock: usize): bool {
  if (load_acquire(lock + RwLock.OWNER) != 0) return false;
  const slot = lock_hold_free();
  if (slot == 0) return false;
  return take_for_reading(lock, slot);
}

/** Publishes the hold, then looks for a writer (W2, H2); gives it up again if there is one. */
function take_for_reading(lock: usize, slot: usize): bool {
  hold_publish(slot, <u32>lock);
  // Acquire: pairs with the store of 0 in let_go, so what the last writer did is visible.
  if (load_acquire(lock + RwLock.OWNER) == 0) return true;
  hold_clear(this_seat(), slot);
  return false;
}

/** Takes the lock for reading or queues; queued, `*ticket` is the phase to be overtaken. */
export function rwlock_read_queue(lock: usize, ticket: usize): Queue {
  const slot = lock_hold_free();
  if (slot == 0) return Queue.FULL;
  while (true) {
    if (load_acquire(lock + RwLock.OWNER) == 0 && take_for_reading(lock, slot)) return Queue.HELD;
    const phase = load_acquire(lock + RwLock.PHASE);
    // The ticket before the slot: a writer that finds the slot reads this ticket.
    store_release(slot + Hold.TICKET, phase);
    hold_publish(slot, <u32>lock | Hold.QUEUED);
    // W3: still the same phase, so its end will let us in; and W2: an owner is there to end it.
    if (load_acquire(lock + RwLock.PHASE) == phase && load_acquire(lock + RwLock.OWNER) != 0) {
      fetch_add(lock + RwLock.WAITERS, 1); // W5
      store<u32>(ticket, phase);
      return Queue.QUEUED;
    }
    hold_clear(this_seat(), slot); // a writer may have taken the stale ticket for a hold
  }
}

/** True once a queued reader has been let in: it then holds the lock. */
export function rwlock_read_queued(lock: usize, ticket: u32): bool {
  if (load_acquire(lock + RwLock.PHASE) == ticket) return false;
  fetch_sub(lock + RwLock.WAITERS, 1);
  hold_publish(lock_queued_of(lock, ticket), <u32>lock); // counts before and after (W1)
  return true;
}

/** Leaves the readers' queue: true if it left; false if it was let in first and holds the lock. */
export function rwlock_read_cancel(lock: usize, ticket: u32): bool {
  if (rwlock_read_queued(lock, ticket)) return false;
  fetch_sub(lock + RwLock.WAITERS, 1);
  hold_clear(this_seat(), lock_queued_of(lock, ticket));
  return true;
}

/** Blocks until the lock is held for reading; false: this worker has no slot left. */
export function rwlock_read_lock_slow(lock: usize, ticket: usize): bool {
  const queue = rwlock_read_queue(lock, ticket);
  if (queue != Queue.QUEUED) return queue == Queue.HELD;
  const phase = load<u32>(ticket);
  // Waker: let_go.
  while (!rwlock_read_queued(lock, phase)) futex_wait(lock + RwLock.PHASE, phase);
  return true;
}

export function rwlock_read_unlock(lock: usize): void {
  const slot = lock_hold_of(lock);
  if (slot != 0) hold_clear(this_seat(), slot);
}

/** Takes the lock for writing if nobody has it. */
export function rwlock_write_trylock(lock: usize): bool {
  if (!take_ownership(lock)) return false;
  if (find_reader(lock) == 0) return true;
  let_go(lock); // readers that saw us have queued
  return false;
}

/** Claims the writer's place against other writers; acquire: the last one's work is visible. */
function take_ownership(lock: usize): bool {
  return cmpxchg(lock + RwLock.OWNER, 0, <u32>this_seat()) == 0;
}

/** A hold that counts (W1). Context: this worker is OWNER, so PHASE stands still. */
function find_reader(lock: usize): usize {
  return find_lock_hold(lock, load_acquire(lock + RwLock.PHASE));
}

/** Blocks until the lock is held for writing. */
export function rwlock_write_lock_slow(lock: usize): void {
  fetch_add(lock + RwLock.WAITERS, 1); // W5
  while (true) {
    const phase = load_acquire(lock + RwLock.PHASE); // before OWNER: a release since then has changed it
    if (take_ownership(lock)) break;
    futex_wait(lock + RwLock.PHASE, phase); // waker: let_go
  }
  fetch_sub(lock + RwLock.WAITERS, 1);
  while (true) {
    const slot = find_reader(lock);
    if (slot == 0) return;
    wait_for_slot(slot, load_acquire(slot));
  }
}

/**
 * One step of taking the lock for writing without blocking: true if held; else `*wait` is
 * the word to wait on and `*(wait + 4)` what it is to change from. Call again then.
 * `first` on the first call.
 */
export function rwlock_write_step(lock: usize, wait: usize, first: bool): bool {
  if (first) fetch_add(lock + RwLock.WAITERS, 1);
  while (true) {
    const phase = load_acquire(lock + RwLock.PHASE);
    const mine = load_acquire(lock + RwLock.OWNER) == <u32>this_seat();
    if (!mine && !take_ownership(lock)) return report(wait, lock + RwLock.PHASE, phase);
    const slot = find_reader(lock);
    if (slot == 0) {
      fetch_sub(lock + RwLock.WAITERS, 1);
      return true;
    }
    const seat = seat_of_slot(slot);
    const word = load_acquire(slot);
    const releases = announce_wait(seat);
    if (load_acquire(slot) == word) return report(wait, seat + Seat.RELEASES, releases);
  }
}

function report(wait: usize, word: usize, value: u32): bool {
  store<u32>(wait, <u32>word);
  store<u32>(wait, value, 4);
  return false;
}

/** Gives up waiting for the lock. */
export function rwlock_write_cancel(lock: usize): void {
  fetch_sub(lock + RwLock.WAITERS, 1);
  if (load_acquire(lock + RwLock.OWNER) == <u32>this_seat()) let_go(lock);
}

export function rwlock_write_unlock(lock: usize): void {
  let_go(lock);
}

/** Turns the write lock into a read lock; no writer gets in between; queued readers come in too (R-LOCK-24). */
export function rwlock_write_downgrade(lock: usize): bool {
  const slot = lock_hold_free();
  if (slot == 0) return false;
  hold_publish(slot, <u32>lock); // while still OWNER: the next one finds it
  let_go(lock);
  return true;
}

/** Ends this writer's phase: lets queued readers in, frees the place, wakes who sleeps. */
function let_go(lock: usize): void {
  // Plain load: only OWNER stores PHASE. The store lets queued readers in (W2, W3) and
  // publishes all this writer did to them.
  store_release(lock + RwLock.PHASE, load<u32>(lock, RwLock.PHASE) + 1);
  store_release(lock + RwLock.OWNER, 0); // publishes the same to who takes the lock from here
  if (load_acquire(lock + RwLock.WAITERS) != 0) futex_wake_all(lock + RwLock.PHASE); // W5
}

/** True if somebody sleeps, or is about to, for this lock. */
export function rwlock_is_contended(lock: usize): bool {
  return load_acquire(lock + RwLock.WAITERS) != 0;
}

/** The seat that has the lock for writing, or waits for its readers; 0 none. */
export function rwlock_owner(lock: usize): usize {
  return load_acquire(lock + RwLock.OWNER);
}
