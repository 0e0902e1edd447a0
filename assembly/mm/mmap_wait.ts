// Taking the mmap lock where it may have to be waited for. What there is to know about the lock:
// mm/mmap_lock.ts, sync/rwlock.ts.
//
// Floor: mm. Imports: base, shared, sync, mm/mmap_lock, mm/liveness.

import { Mm, Seat } from "../base/layout";
import { count, may_block, this_seat } from "../base/worker";
import { Abi, Counter } from "../shared/abi";
import { Errno } from "../shared/errno";
import { lock_hold_free } from "../sync/holds";
import { LOCKDEP, lockdep_wait } from "../sync/lockdep";
import {
  Queue,
  rwlock_read_queue,
  rwlock_read_step,
  rwlock_read_trylock,
  rwlock_write_step,
  rwlock_write_trylock,
} from "../sync/rwlock";
import { await_change, look } from "./liveness";
import { mmap_read_granted, mmap_write_granted } from "./mmap_lock";

/**
 * Blocks where this thread may. 0 held; -WOULD_BLOCK; -EAGAIN: this worker reads Hold.SLOTS
 * spaces already; -EOWNERDEAD: a worker died while it was changing this one; in verify builds
 * -EDEADLK: waiting might never end (sync/lockdep.ts).
 */
export function mmap_read_lock(mm: usize): i32 {
  if (LOCKDEP) {
    const order = lockdep_wait(mm + Mm.LOCK);
    if (order != 0) return order;
  }
  count(Counter.MMAP_LOCK_READ);
  if (!rwlock_read_trylock(mm + Mm.LOCK)) {
    count(Counter.MMAP_LOCK_READ_CONTENDED);
    if (lock_hold_free() == 0) return -Errno.EAGAIN;
    if (may_block()) wait_to_read(mm + Mm.LOCK);
    else if (look() == 0 || !rwlock_read_trylock(mm + Mm.LOCK)) return -Abi.WOULD_BLOCK;
  }
  return mmap_read_granted(mm);
}

/** Blocks where this thread may. 0 held; -WOULD_BLOCK; -EOWNERDEAD, -EDEADLK, as above. */
export function mmap_write_lock(mm: usize): i32 {
  if (LOCKDEP) {
    const order = lockdep_wait(mm + Mm.LOCK);
    if (order != 0) return order;
  }
  count(Counter.MMAP_LOCK_WRITE);
  if (!rwlock_write_trylock(mm + Mm.LOCK)) {
    count(Counter.MMAP_LOCK_WRITE_CONTENDED);
    if (may_block()) wait_to_write(mm + Mm.LOCK);
    else if (look() == 0 || !rwlock_write_trylock(mm + Mm.LOCK)) return -Abi.WOULD_BLOCK;
  }
  return mmap_write_granted(mm);
}

/** Blocks until the lock is held for reading. Context: the seat has a slot left. */
function wait_to_read(lock: usize): void {
  const wait = this_seat() + Seat.TICKET;
  if (rwlock_read_queue(lock, wait) == Queue.HELD) return;
  const slot = <usize>load<u32>(wait, 8);
  do await_change(wait);
  while (!rwlock_read_step(lock, slot, wait));
}

/** Blocks until the lock is held for writing. */
function wait_to_write(lock: usize): void {
  const wait = this_seat() + Seat.TICKET;
  while (!rwlock_write_step(lock, wait)) await_change(wait);
}
