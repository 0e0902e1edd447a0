// The mmap lock: the rwlock of an mm, bracketed by its sequence count.
// Source: include/linux/mmap_lock.h (R-LOCK-20..34).
//
// Invariants
//   S1  mm_lock_seq is odd exactly while the lock is held for writing: begun after the
//       lock is taken, ended before it is released (R-LOCK-22, 23). Each write section
//       has an odd number of its own (modulo 2^32, R-LOCK-37).
//   S2  the lock's OWNER is the seat whose section is open.
//
// Lock order: mmap lock of the parent, then of the child (fork only); VMA write locks
// under it; never taken while a VMA read lock is held (R-LOCK-65). Waiting: mm/mmap_wait.ts.
// Floor: mm. Imports: base, alloc, sync.

import { slab_trim } from "../alloc/slab";
import { VERIFY } from "../base/debug";
import { Mm } from "../base/layout";
import { count, this_seat } from "../base/worker";
import { Counter, MmFlag } from "../shared/abi";
import { Errno } from "../shared/errno";
import { load_acquire, store_release } from "../sync/atomics";
import { lock_hold_free } from "../sync/holds";
import { LOCKDEP, lockdep_read, lockdep_unwrite, lockdep_write } from "../sync/lockdep";
import {
  rwlock_owner,
  rwlock_read_trylock,
  rwlock_read_unlock,
  rwlock_write_downgrade,
  rwlock_write_trylock,
  rwlock_write_unlock,
} from "../sync/rwlock";
import { mm_end_change } from "./change";

export function mmap_read_trylock(mm: usize): bool {
  if (!rwlock_read_trylock(mm + Mm.LOCK)) return false;
  count(Counter.MMAP_LOCK_READ);
  return mmap_read_granted(mm) == 0;
}

/** After the lock is held for reading: 0, or -EOWNERDEAD with the lock given up again. */
export function mmap_read_granted(mm: usize): i32 {
  if (LOCKDEP) lockdep_read(mm + Mm.LOCK);
  if (!mm_is_dead(mm)) return 0;
  mmap_read_unlock(mm);
  return -Errno.EOWNERDEAD;
}

/** Context: a lock on the mm, under which it cannot be marked. */
export function mm_is_dead(mm: usize): bool {
  return (load<u32>(mm, Mm.FLAGS) & MmFlag.DEAD) != 0;
}

export function mmap_read_unlock(mm: usize): void {
  rwlock_read_unlock(mm + Mm.LOCK);
}

export function mmap_write_trylock(mm: usize): bool {
  if (!rwlock_write_trylock(mm + Mm.LOCK)) return false;
  count(Counter.MMAP_LOCK_WRITE);
  return mmap_write_granted(mm) == 0;
}

/** After the lock is held for writing: begins the section. 0, or -EOWNERDEAD with the lock given up again. */
export function mmap_write_granted(mm: usize): i32 {
  if (mm_is_dead(mm)) {
    rwlock_write_unlock(mm + Mm.LOCK);
    return -Errno.EOWNERDEAD;
  }
  mmap_write_begin(mm);
  if (LOCKDEP) lockdep_write(mm + Mm.LOCK);
  return 0;
}

export function mmap_write_unlock(mm: usize): void {
  if (LOCKDEP) lockdep_unwrite(mm + Mm.LOCK);
  vma_end_write_all(mm);
  rwlock_write_unlock(mm + Mm.LOCK);
}

/** 0, or -EAGAIN with the lock still held for writing: this worker reads Hold.SLOTS spaces already. */
export function mmap_write_downgrade(mm: usize): i32 {
  if (lock_hold_free() == 0) return -Errno.EAGAIN;
  vma_end_write_all(mm);
  rwlock_write_downgrade(mm + Mm.LOCK);
  if (LOCKDEP) {
    lockdep_unwrite(mm + Mm.LOCK);
    lockdep_read(mm + Mm.LOCK);
  }
  return 0;
}

/** After the lock is taken (S1). */
function mmap_write_begin(mm: usize): void {
  const seq = load<u32>(mm, Mm.LOCK_SEQ); // plain: only the write holder stores it
  if (VERIFY) assert((seq & 1) == 0); // S1: no section is open
  // Before any store of the section: a reader that sees one of them must also see
  // the odd number, or it would trust "nothing found" (R-LOCK-96).
  store_release(mm + Mm.LOCK_SEQ, seq + 1);
  // A release store keeps back nothing that follows it, and nodes are stored plainly. An atomic load
  // does: it comes after the store (both are sequentially consistent; arm64's stlr, ldar), and what
  // follows comes after the load.
  load_acquire(mm + Mm.LOCK_SEQ);
}

/** Drops every VMA write lock at once: none equals the new even number (R-LOCK-32). */
function vma_end_write_all(mm: usize): void {
  const seq = load<u32>(mm, Mm.LOCK_SEQ);
  mm_end_change();
  slab_trim();
  if (VERIFY) {
    assert((seq & 1) == 1); // S1: a section is open
    assert(rwlock_owner(mm + Mm.LOCK) == this_seat()); // S2: ours
  }
  // Release: pairs with the load in first_held; who sees the new number sees all
  // that this section stored (R-LOCK-95).
  store_release(mm + Mm.LOCK_SEQ, seq + 1);
}

/** Is the lock held for writing? By the caller, if it holds any lock on the mm. */
export function mmap_is_write_locked(mm: usize): bool {
  return (load<u32>(mm, Mm.LOCK_SEQ) & 1) == 1; // plain: a holder's question
}
