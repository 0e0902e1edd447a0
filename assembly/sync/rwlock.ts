// rwlock: the sleeping read-write lock behind the mmap lock. Phase-fair.
// Source of the contract: include/linux/rwsem.h (R-LOCK-20..26); the algorithm is ours.
//
//   state, u64   63    32  31        28          20 19          10 9           0
//                ┌───────┬───┬───┬───────────────┬──────────────┬─────────────┐
//                │ phase │ W │ 0 │ writers queued│readers queued│   readers   │
//                └───────┴───┴───┴───────────────┴──────────────┴─────────────┘
//   phase  +1 in the same exchange that lets queued readers in; readers sleep on it
//   turn   a word of its own; +1 when a queued writer should look again; writers sleep on it
//
// Invariants
//   W1  W set implies readers == 0.
//   W2  a reader takes the lock only if W is clear and no writer is queued, or by
//       being let in: a stream of readers cannot starve a writer.
//   W3  who releases W while readers are queued turns them all into readers in the
//       same exchange: a stream of writers cannot starve a reader.
//   W4  a queued reader's ticket is the phase at which it joined; it holds the lock
//       exactly when the phase is another one.
//   W5  whoever makes the lock takeable for a queued writer (readers fall to 0, or W
//       released with no reader queued) then bumps `turn` and wakes one. No wake-up is
//       lost: a writer reads `turn` before `state` and sleeps only while it is unchanged.
//   W6  each field has room for MAX_WORKERS, so none carries into the next.
//
// Not recursive; the facade refuses recursion. Every place in a queue is given back
// by being let in, by taking the lock, or by *_cancel.
// Floor: sync. Imports: atomics, futex.

import { cmpxchg64, fetch_add, fetch_add64, load_acquire, load_acquire64 } from "./atomics";
import { futex_wait, futex_wake_all, futex_wake_one } from "./futex";

export const enum RwLock {
  STATE = 0,
  PHASE = 4,
  TURN = 8,
  SIZE = 12,
}

/** Most workers an engine may have: W6. */
export const enum RwLimit {
  MAX_WORKERS = 500,
}

const READER: u64 = 1;
const READERS: u64 = 0x3ff;
const QUEUED_READER: u64 = 1 << 10;
const QUEUED_READERS: u64 = 0x3ff << 10;
const QUEUED_READERS_SHIFT: u64 = 10;
const QUEUED_WRITER: u64 = 1 << 20;
const QUEUED_WRITERS: u64 = 0x1ff << 20;
const WRITER: u64 = 1 << 31;
const PHASE_ONE: u64 = 1 << 32;

/** Takes the lock for reading if neither a writer nor a queue is in the way. */
export function rwlock_read_trylock(lock: usize): bool {
  while (true) {
    const state = load_acquire64(lock + RwLock.STATE);
    if ((state & (WRITER | QUEUED_WRITERS)) != 0) return false; // W2
    // Claims a reader's place. Acquire: pairs with the exchange in rwlock_write_unlock,
    // so what the last writer did is visible.
    if (cmpxchg64(lock + RwLock.STATE, state, state + READER) == state) return true;
  }
}

/** Takes the lock for writing if nobody holds it. Barging past queued writers is allowed (W5 wakes them again). */
export function rwlock_write_trylock(lock: usize): bool {
  while (true) {
    const state = load_acquire64(lock + RwLock.STATE);
    if ((state & (WRITER | READERS)) != 0) return false;
    // Claims the lock against readers and writers; acquire, as above.
    if (cmpxchg64(lock + RwLock.STATE, state, state | WRITER) == state) return true;
  }
}

/** Takes the lock for reading (true) or joins the queue (false; `*ticket` is its phase, W4). */
export function rwlock_read_queue(lock: usize, ticket: usize): bool {
  while (true) {
    const state = load_acquire64(lock + RwLock.STATE);
    const free = (state & (WRITER | QUEUED_WRITERS)) == 0;
    const next = state + (free ? READER : QUEUED_READER);
    // One exchange reads the phase and joins: a reader let in before it has no part
    // of it, one let in after it finds another phase.
    if (cmpxchg64(lock + RwLock.STATE, state, next) != state) continue;
    store<u32>(ticket, <u32>(state >> 32));
    return free;
  }
}

/** True once a queued reader has been let in: it then holds the lock (W4). */
export function rwlock_read_queued(lock: usize, ticket: u32): bool {
  return load_acquire(lock + RwLock.PHASE) != ticket;
}

/** Leaves the readers' queue: true if it left; false if it was let in first and holds the lock. */
export function rwlock_read_cancel(lock: usize, ticket: u32): bool {
  while (true) {
    const state = load_acquire64(lock + RwLock.STATE);
    if (<u32>(state >> 32) != ticket) return false;
    if (cmpxchg64(lock + RwLock.STATE, state, state - QUEUED_READER) == state) return true;
  }
}

/** Blocks until the lock is held for reading. `ticket`: 4 bytes of this worker's own. */
export function rwlock_read_lock_slow(lock: usize, ticket: usize): void {
  if (rwlock_read_queue(lock, ticket)) return;
  const phase = load<u32>(ticket);
  // Waker: wake_readers, from rwlock_write_unlock, _downgrade or _write_cancel.
  while (!rwlock_read_queued(lock, phase)) futex_wait(lock + RwLock.PHASE, phase);
}

/** Takes the lock for writing (true) or joins the queue (false; `*ticket` is the turn to wait for a change of). */
export function rwlock_write_queue(lock: usize, ticket: usize): bool {
  if (rwlock_write_trylock(lock)) return true;
  fetch_add64(lock + RwLock.STATE, QUEUED_WRITER); // from here on new readers queue (W2)
  return rwlock_write_queued(lock, ticket);
}

/** Tries to take the lock for a queued writer; false: `*ticket` is the turn to wait for a change of. */
export function rwlock_write_queued(lock: usize, ticket: usize): bool {
  while (true) {
    const turn = load_acquire(lock + RwLock.TURN); // before the state: W5
    const state = load_acquire64(lock + RwLock.STATE);
    if ((state & (WRITER | READERS)) != 0) {
      store<u32>(ticket, turn);
      return false;
    }
    if (cmpxchg64(lock + RwLock.STATE, state, (state - QUEUED_WRITER) | WRITER) == state)
      return true;
  }
}

/** Leaves the writers' queue. Readers that queued behind the last writer are let in. */
export function rwlock_write_cancel(lock: usize): void {
  while (true) {
    const state = load_acquire64(lock + RwLock.STATE);
    let next = state - QUEUED_WRITER;
    const admit = (next & (WRITER | QUEUED_WRITERS)) == 0;
    if (admit) next = with_readers_let_in(next);
    if (cmpxchg64(lock + RwLock.STATE, state, next) != state) continue;
    if (admit) wake_readers(lock, state);
    else wake_writer(lock); // a wake-up it may have used up belongs to another writer (W5)
    return;
  }
}

/** Blocks until the lock is held for writing. `ticket`: 4 bytes of this worker's own. */
export function rwlock_write_lock_slow(lock: usize, ticket: usize): void {
  if (rwlock_write_queue(lock, ticket)) return;
  while (true) {
    // Waker: wake_writer, from the last reader's or the writer's unlock.
    futex_wait(lock + RwLock.TURN, load<u32>(ticket));
    if (rwlock_write_queued(lock, ticket)) return;
  }
}

export function rwlock_read_unlock(lock: usize): void {
  // Release: pairs with the exchange of the writer that finds no reader left.
  const before = fetch_add64(lock + RwLock.STATE, ~READER + 1);
  if ((before & READERS) == READER && (before & QUEUED_WRITERS) != 0) wake_writer(lock); // W5
}

export function rwlock_write_unlock(lock: usize): void {
  while (true) {
    const state = load_acquire64(lock + RwLock.STATE);
    const next = with_readers_let_in(state & ~WRITER); // W3
    // Release: all the writer did is visible to whoever takes the lock from here.
    if (cmpxchg64(lock + RwLock.STATE, state, next) != state) continue;
    if ((state & QUEUED_READERS) != 0) wake_readers(lock, state);
    else if ((state & QUEUED_WRITERS) != 0) wake_writer(lock); // W5
    return;
  }
}

/** Turns the write lock into a read lock; no writer gets in between; queued readers come in too (R-LOCK-24). */
export function rwlock_write_downgrade(lock: usize): void {
  while (true) {
    const state = load_acquire64(lock + RwLock.STATE);
    const next = with_readers_let_in(state & ~WRITER) + READER;
    if (cmpxchg64(lock + RwLock.STATE, state, next) != state) continue;
    wake_readers(lock, state);
    return;
  }
}

/** True if somebody waits for the lock. */
export function rwlock_is_contended(lock: usize): bool {
  return (load_acquire64(lock + RwLock.STATE) & (QUEUED_READERS | QUEUED_WRITERS)) != 0;
}

/** `state` with its queued readers turned into readers, and the phase moved on if there were any. */
function with_readers_let_in(state: u64): u64 {
  const queued = (state & QUEUED_READERS) >> QUEUED_READERS_SHIFT;
  if (queued == 0) return state;
  return (state & ~QUEUED_READERS) + queued + PHASE_ONE;
}

/** Wakes the readers that were queued in `before`; the exchange has already let them in. */
function wake_readers(lock: usize, before: u64): void {
  if ((before & QUEUED_READERS) != 0) futex_wake_all(lock + RwLock.PHASE);
}

function wake_writer(lock: usize): void {
  fetch_add(lock + RwLock.TURN, 1);
  futex_wake_one(lock + RwLock.TURN);
}
