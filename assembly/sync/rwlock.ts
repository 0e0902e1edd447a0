// rwlock: the sleeping read-write lock behind the mmap lock. Phase-fair; readers leave no
// trace in it, but in their own seats (sync/holds.ts).
// Source of the contract: include/linux/rwsem.h (R-LOCK-20..26); the algorithm is ours.
//
//   lock   63    32 31     0
//          ┌───────┬───────┐  OWNER  seat of the writer that has it or waits for its readers, 0 none
//          │ PHASE │ OWNER │  PHASE  +1 when a writer lets go, in the store that makes OWNER 0
//          └───────┴───────┘         queued readers and writers sleep on it
//          WAITED   1 if somebody may sleep on PHASE, or be about to
//   slot   lock            reading, or about to look whether it may
//          lock | QUEUED   queued at phase `ticket`; let in as soon as PHASE is another one
//
// Invariants
//   W1  a writer has the lock when it is OWNER and no seat has a hold that counts: `lock`,
//       or `lock | QUEUED` with another ticket than PHASE.
//   W2  a reader has the lock when its slot says `lock` and OWNER was 0 after that was
//       stored, or when it is queued and PHASE is not its ticket.
//   W3  after a reader's slot and ticket were stored, PHASE was the ticket and there was an
//       OWNER, both of one load: so that owner's letting go changes PHASE, and every later
//       owner's search finds the slot. Queued readers are let in before the next writer:
//       writers cannot starve them.
//   W4  OWNER is taken before the readers have left, and no new one enters meanwhile:
//       readers cannot starve a writer.
//   W5  who sleeps on PHASE has set WAITED after it saw an OWNER in that phase. Who lets go looks
//       at WAITED before it changes PHASE and after, and takes it down before only: what is set
//       later is of the next phase, and stays. A mark and no count: the one that a worker leaves
//       that gave up, or died waiting, is gone with the next release.
//
// Nothing here waits: the steps say what to wait for (mm/mmap_wait.ts, src/async-lock.ts). Not
// recursive. A writer is its seat: of one worker's tasks only one may want the lock for
// writing at a time (the facade sees to both). Floor: sync. Imports: base, atomics, futex, holds.

import { Hold } from "../base/layout";
import { this_seat } from "../base/worker";
import { cmpxchg, load_acquire, load_acquire64, store_release, store_release64 } from "./atomics";
import { futex_wake_all } from "./futex";
import {
  await_lock_hold,
  find_lock_hold,
  hold_clear,
  hold_publish,
  lock_hold_free,
  lock_hold_of,
} from "./holds";

export const enum RwLock {
  OWNER = 0,
  PHASE = 4,
  WAITED = 8,
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

/**
 * Takes the lock for reading or queues. Queued, `wait` tells what to wait for: u32 the word,
 * u32 the value it is to change from, u32 the request, for rwlock_read_step and _cancel.
 */
export function rwlock_read_queue(lock: usize, wait: usize): Queue {
  const slot = lock_hold_free();
  if (slot == 0) return Queue.FULL;
  while (true) {
    const phase = load_acquire(lock + RwLock.PHASE);
    if (load_acquire(lock + RwLock.OWNER) == 0) {
      if (take_for_reading(lock, slot)) return Queue.HELD;
      continue;
    }
    // The ticket before the slot: a writer that finds the slot reads this ticket.
    store_release(slot + Hold.TICKET, phase);
    hold_publish(slot, <u32>lock | Hold.QUEUED);
    const now = load_acquire64(lock + RwLock.OWNER);
    if (<u32>(now >> 32) == phase && <u32>now != 0) break; // W3
    hold_clear(this_seat(), slot); // a writer may have taken the stale ticket for a hold
  }
  store<u32>(wait, <u32>slot, 8);
  return rwlock_read_step(lock, slot, wait) ? Queue.HELD : Queue.QUEUED;
}

/** True if a queued request has been let in: it holds the lock. Else `wait` is up to date. */
export function rwlock_read_step(lock: usize, slot: usize, wait: usize): bool {
  const ticket = load<u32>(slot, Hold.TICKET);
  if (load_acquire(lock + RwLock.PHASE) == ticket) return await_phase(lock, ticket, wait);
  hold_publish(slot, <u32>lock); // counts before and after (W1)
  return true;
}

/** Leaves the readers' queue: true if it left; false if it was let in first and holds the lock. */
export function rwlock_read_cancel(lock: usize, slot: usize): bool {
  const let_in = load_acquire(lock + RwLock.PHASE) != load<u32>(slot, Hold.TICKET);
  if (let_in) hold_publish(slot, <u32>lock);
  else hold_clear(this_seat(), slot); // let in this moment, it leaves again
  return !let_in;
}

export function rwlock_read_unlock(lock: usize): void {
  const slot = lock_hold_of(lock);
  if (slot != 0) hold_clear(this_seat(), slot);
}

/** Takes the lock for writing if nobody has it. */
export function rwlock_write_trylock(lock: usize): bool {
  if (!take_ownership(lock)) return false;
  if (find_lock_hold(lock, load_acquire(lock + RwLock.PHASE)) == 0) return true; // W1
  let_go(lock); // readers that saw us have queued
  return false;
}

/** Claims the writer's place against other writers; acquire: the last one's work is visible. */
function take_ownership(lock: usize): bool {
  return cmpxchg(lock + RwLock.OWNER, 0, <u32>this_seat()) == 0;
}

/**
 * One step of taking the lock for writing without blocking: true if held; else `*wait` is
 * the word to wait on and `*(wait + 4)` what it is to change from. Call again then.
 */
export function rwlock_write_step(lock: usize, wait: usize): bool {
  while (true) {
    const state = load_acquire64(lock + RwLock.OWNER);
    const owner = <u32>state;
    if (owner != 0 && owner != <u32>this_seat()) {
      return await_phase(lock, <u32>(state >> 32), wait);
    }
    if (owner == 0 && !take_ownership(lock)) continue;
    // As OWNER, so PHASE stands still.
    const phase = load_acquire(lock + RwLock.PHASE);
    const slot = find_lock_hold(lock, phase); // W1
    if (slot == 0) return true;
    if (await_lock_hold(slot, lock, phase, wait)) return false;
  }
}

/** Announces a wait for the end of `phase`, in which there was an OWNER (W5). Waker: let_go. */
function await_phase(lock: usize, phase: u32, wait: usize): bool {
  store_release(lock + RwLock.WAITED, 1);
  store<u32>(wait, <u32>(lock + RwLock.PHASE));
  store<u32>(wait, phase, 4);
  return false;
}

/** Gives up waiting for the lock. */
export function rwlock_write_cancel(lock: usize): void {
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
  const waited = load_acquire(lock + RwLock.WAITED) != 0;
  if (waited) store_release(lock + RwLock.WAITED, 0); // before the phase ends (W5)
  // Plain load: only OWNER stores PHASE. One store lets queued readers in (W2, W3), frees the
  // place, and publishes all this writer did to both.
  const phase = <u64>(load<u32>(lock, RwLock.PHASE) + 1);
  store_release64(lock + RwLock.OWNER, phase << 32);
  if (waited || load_acquire(lock + RwLock.WAITED) != 0) futex_wake_all(lock + RwLock.PHASE); // W5
}

/**
 * True if somebody waits for this lock. May be true for a while after one gave up: until the
 * next writer lets go.
 */
export function rwlock_is_contended(lock: usize): bool {
  if (load_acquire(lock + RwLock.WAITED) != 0) return true;
  // A writer that waits for readers sleeps in their seats.
  const state = load_acquire64(lock + RwLock.OWNER);
  return <u32>state != 0 && find_lock_hold(lock, <u32>(state >> 32)) != 0;
}

/** The seat that has the lock for writing, or waits for its readers; 0 none. */
export function rwlock_owner(lock: usize): usize {
  return load_acquire(lock + RwLock.OWNER);
}

/** Lets go for a writer that has died. Context: its seat is claimed, and is OWNER. */
export function rwlock_disown(lock: usize): void {
  let_go(lock);
}
