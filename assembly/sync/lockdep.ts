// lockdep: verify builds look at the order in which locks are taken, and say where.
// Source of the idea: Documentation/locking/lockdep-design.rst.
//
//   seat.LOCKDEP   SITE      where the worker is: a number that only it can explain
//                  SITES     where each hold of sync/holds.ts was taken: VMAs, then locks
//                  WRITES    locks held for writing: lock, site
//                  REPORT    the last complaint
//   mm.LOCKDEP     BIRTH     tells the record's lives apart
//                  AFTER     locks that somebody waited for while holding this one:
//                            lock, its BIRTH, site, seat
//
// Rules, asked before a worker waits for an mmap lock (what never waits breaks none)
//   D1  not for one that it holds itself.
//   D2  not while it holds a VMA: a writer that has the lock may wait for that.
//   D3  not for B while it holds A, if somebody has waited for A while holding B.
// and when it goes
//   D4  its hands are empty.
//
// Asynchronous requests are not asked: a worker has one seat and many tasks, and which of
// them holds what is not known here. A fork takes its child's lock by a try.
// Release builds have none of this: LOCKDEP is a constant. Nor has the explore build, whose
// scenarios show the deadlocks themselves. Floor: sync. Imports: base, shared, atomics, holds.

import { Header, Hold, Mm, Seat } from "../base/layout";
import { may_block, this_seat } from "../base/worker";
import { Lockdep, LockdepRule } from "../shared/abi";
import { Errno } from "../shared/errno";
import { cmpxchg, fetch_add, load_acquire } from "./atomics";

export const LOCKDEP: bool = isDefined(VMA_VERIFY) && !isDefined(VMA_EXPLORE);

const enum Own {
  SITE = 0,
  VMA_SITES = 4,
  LOCK_SITES = 36,
  WRITES = 68,
  /** Pairs: lock, site. A fork holds two; a worker may write to several spaces. */
  WRITES_END = 132,
  REPORT = 132,
  SIZE = 160,
}
if (Own.LOCK_SITES != Own.VMA_SITES + Hold.SLOTS * 4) ERROR("a site each hold of a VMA");
if (Own.WRITES != Own.LOCK_SITES + Hold.SLOTS * 4) ERROR("a site each hold of a lock");
if (Own.SIZE != Own.REPORT + Lockdep.WORDS * 4) ERROR("the report ends it");
if (Seat.LOCKDEP + Own.SIZE > <i32>Seat.SCRATCH) ERROR("it fits the seat");

const enum Order {
  BIRTH = 0,
  AFTER = 16,
  LOCK = 0,
  LOCK_BIRTH = 4,
  SITE = 8,
  SEAT = 12,
  ENTRY = 16,
  END = 144,
}
if (Mm.LOCKDEP + Order.END > <i32>Mm.SIZE) ERROR("it fits an mm");

/** Says where the worker is: remembered with whatever it takes or waits for from here on. */
export function lockdep_site(site: u32): void {
  store<u32>(own(Own.SITE), site);
}

/** A record begins a new life as an mm: nobody has taken its lock in any order. */
export function lockdep_born(mm: usize): void {
  const record = mm + Mm.LOCKDEP;
  memory.fill(record, 0, Order.END);
  store<u32>(record, fetch_add(Header.LOCKDEP_BIRTH, 1) + 1, Order.BIRTH);
}

/** A worker takes a seat: what its predecessor held, dead or alive, is not its own. */
export function lockdep_attach(): void {
  memory.fill(own(0), 0, Own.SIZE);
}

/** Before waiting for `lock`: 0, or -EDEADLK with a report. */
export function lockdep_wait(lock: usize): i32 {
  if (!may_block()) return 0; // it is told that it would have to wait
  const seat = this_seat();
  for (let i: usize = 0; i < <usize>Hold.SLOTS; i++) {
    const vma = load<u32>(seat + Seat.VMA_HOLDS + i * 4);
    if (vma != 0) return complain(LockdepRule.VMA_HELD, vma, own(Own.VMA_SITES + i * 4), lock, 0);
  }
  let result = 0;
  for (let i: usize = 0; i < <usize>Hold.SLOTS && result == 0; i++) {
    const held = load<u32>(seat + Seat.LOCK_HOLDS + i * <usize>Hold.LOCK_STRIDE);
    if ((held & Hold.QUEUED) == 0) result = wait_after(held, own(Own.LOCK_SITES + i * 4), lock);
  }
  for (let at = own(Own.WRITES); at < own(Own.WRITES_END) && result == 0; at += 8) {
    result = wait_after(load<u32>(at), at + 4, lock);
  }
  return result;
}

/** `held` (0: nothing) is held, since the site at `site`, and `lock` is wanted. */
function wait_after(held: usize, site: usize, lock: usize): i32 {
  if (held == 0) return 0;
  if (held == lock) return complain(LockdepRule.RECURSION, held, site, lock, 0);
  const opposite = find_order(lock, held);
  if (opposite != 0) return complain(LockdepRule.ORDER, held, site, lock, opposite);
  if (find_order(held, lock) == 0) note_order(held, lock);
  return 0;
}

/** The entry that says that somebody has waited for `then` while holding `first`; 0: nobody has. */
function find_order(first: usize, then: usize): usize {
  const record = first - Mm.LOCK + Mm.LOCKDEP;
  for (let at = record + Order.AFTER; at < record + Order.END; at += Order.ENTRY) {
    const lock = <usize>load_acquire(at + Order.LOCK);
    if (lock == 0) return 0;
    if (lock == then && load<u32>(at, Order.LOCK_BIRTH) == birth_of(then)) return at;
  }
  return 0;
}

function note_order(first: usize, then: usize): void {
  const record = first - Mm.LOCK + Mm.LOCKDEP;
  for (let at = record + Order.AFTER; at < record + Order.END; at += Order.ENTRY) {
    // Claims the entry against other holders of `first`, which may be readers.
    if (cmpxchg(at + Order.LOCK, 0, <u32>then) != 0) continue;
    store<u32>(at, load<u32>(own(Own.SITE)), Order.SITE);
    store<u32>(at, seat_number(), Order.SEAT);
    store<u32>(at, birth_of(then), Order.LOCK_BIRTH);
    return;
  }
}

function seat_number(): u32 {
  return <u32>((this_seat() - <usize>load<u32>(Header.SEATS)) / <usize>Seat.SIZE);
}

function birth_of(lock: usize): u32 {
  return load<u32>(lock - Mm.LOCK + Mm.LOCKDEP, Order.BIRTH);
}

function complain(
  rule: LockdepRule,
  held: usize,
  site: usize,
  wanted: usize,
  opposite: usize,
): i32 {
  const report = own(Own.REPORT);
  store<u32>(report, rule, Lockdep.RULE * 4);
  store<u32>(report, <u32>held, Lockdep.HELD * 4);
  store<u32>(report, load<u32>(site), Lockdep.HELD_SITE * 4);
  store<u32>(report, <u32>wanted, Lockdep.WANTED * 4);
  store<u32>(report, load<u32>(own(Own.SITE)), Lockdep.WANTED_SITE * 4);
  const seat = opposite == 0 ? 0 : load<u32>(opposite, Order.SEAT);
  store<u32>(report, seat, Lockdep.OTHER_SEAT * 4);
  store<u32>(report, opposite == 0 ? 0 : load<u32>(opposite, Order.SITE), Lockdep.OTHER_SITE * 4);
  return -Errno.EDEADLK;
}

/** The VMA in `slot` of this worker's seat is read-locked. */
export function lockdep_vma(slot: usize): void {
  store<u32>(own(Own.VMA_SITES) + (slot - this_seat() - Seat.VMA_HOLDS), load<u32>(own(Own.SITE)));
}

/** `lock` is held for reading, in the last slot that says so. */
export function lockdep_read(lock: usize): void {
  const slots = this_seat() + Seat.LOCK_HOLDS;
  for (let i: usize = <usize>Hold.SLOTS; i-- > 0; ) {
    if (load<u32>(slots + i * <usize>Hold.LOCK_STRIDE) != <u32>lock) continue;
    store<u32>(own(Own.LOCK_SITES + i * 4), load<u32>(own(Own.SITE)));
    return;
  }
}

/** `lock` is held for writing. */
export function lockdep_write(lock: usize): void {
  for (let at = own(Own.WRITES); at < own(Own.WRITES_END); at += 8) {
    if (load<u32>(at) != 0) continue;
    store<u32>(at, <u32>lock);
    store<u32>(at, load<u32>(own(Own.SITE)), 4);
    return;
  }
}

/** `lock` is not held for writing any more. */
export function lockdep_unwrite(lock: usize): void {
  for (let at = own(Own.WRITES); at < own(Own.WRITES_END); at += 8) {
    if (load<u32>(at) == <u32>lock) store<u32>(at, 0);
  }
}

/** D4: something that this worker holds, 0 nothing; its site as the report's HELD_SITE. */
export function lockdep_held(): usize {
  const seat = this_seat();
  for (let i: usize = 0; i < <usize>Hold.SLOTS; i++) {
    const vma = load<u32>(seat + Seat.VMA_HOLDS + i * 4);
    if (vma != 0) return left(LockdepRule.VMA_HELD, vma, own(Own.VMA_SITES + i * 4));
    const lock = load<u32>(seat + Seat.LOCK_HOLDS + i * <usize>Hold.LOCK_STRIDE);
    if (lock != 0) return left(LockdepRule.RECURSION, lock, own(Own.LOCK_SITES + i * 4));
  }
  for (let at = own(Own.WRITES); at < own(Own.WRITES_END); at += 8) {
    if (load<u32>(at) != 0) return left(LockdepRule.RECURSION, load<u32>(at), at + 4);
  }
  return 0;
}

function left(rule: LockdepRule, held: usize, site: usize): usize {
  complain(rule, held, site, 0, 0);
  return held;
}

/** Copies the last complaint, Lockdep words, to `out`. */
export function lockdep_report(out: usize): void {
  memory.copy(out, own(Own.REPORT), Lockdep.WORDS * 4);
}

function own(offset: usize): usize {
  return this_seat() + Seat.LOCKDEP + offset;
}
