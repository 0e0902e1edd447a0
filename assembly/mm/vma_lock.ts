// Per-VMA locks: readers name the VMA in their seat, writers mark vm_lock_seq.
// Source: include/linux/mmap_lock.h, mm/mmap_lock.c (R-LOCK-30..66).
//
// Invariants
//   V1  a VMA is write-locked iff vm_lock_seq == mm_lock_seq; mm_lock_seq is odd
//       exactly while the mmap lock is held for writing, so ending that section
//       drops all VMA write locks at once.
//   V2  whoever returns from vma_start_write has found the VMA in no seat after it had
//       stored the mark: no reader is inside; later ones back off on V1.
//   V3  a reader that was refused gives its slot up again: what a seat names may be
//       transient, and giving it up wakes a waiting writer (holds H3, H4).
//   V4  a record is detached (vm_refcnt 0) from removal until it is attached again, in
//       whatever mm. Readers of its old life find that out; nothing waits for them.
//   V6  HELD is set after a reader's slot is published and before it looks at the mark: 0 says
//       that no reader can be inside, and spares writers the search of seats that readers
//       are writing to.
//   V5  a reader that got in holds the VMA it asked for: attached, mm, range and not
//       write-locked are checked after its slot is published.
//
// Linux counts readers in vm_refcnt. We keep them in the seats: readers of one VMA share no
// cache line, no exchange is needed, a late reader's wake-up needs no pointer to an mm
// (upstream races 6 and 7 cannot be written), and a dead worker's locks can be found.
// Floor: mm. Imports: base, sync, maple.

import { journal_detach } from "../alloc/journal";
import { VERIFY } from "../base/debug";
import { EngineFlag, Header, Mm, Vma } from "../base/layout";
import { count, may_block, this_seat } from "../base/worker";
import { mt_load, Walk } from "../maple/tree";
import { Abi, Counter, VmaOut } from "../shared/abi";
import { Errno } from "../shared/errno";
import { load_acquire, load_acquire64, store_release } from "../sync/atomics";
import {
  find_vma_hold,
  hold_clear,
  hold_publish,
  vma_hold_free,
  vma_hold_of,
  wait_for_vma_hold,
} from "../sync/holds";
import { LOCKDEP, lockdep_vma } from "../sync/lockdep";

export const enum VmaLock {
  DETACHED = 0,
  ATTACHED = 1,
  /** Walks before lock_vma_under_rcu leaves it to the mmap lock. */
  TRIES = 16,
  /** Looks at a reader's slot before a thread that may not block gives up. */
  SPINS = 4096,
}

/** The VMA at `address`, read-locked; 0 on any doubt: fall back to the mmap read lock (R-LOCK-63). */
export function lock_vma_under_rcu(mm: usize, address: u64): usize {
  if ((load<u32>(Header.FLAGS) & EngineFlag.PER_VMA_LOCK) == 0) return 0;
  const slot = vma_hold_free();
  if (slot == 0) return abort_lock();
  // Before the walk: an even number still there afterwards means no writer was active, so
  // that "nothing found" is true. Partner: vma_end_write_all.
  const seq = load_acquire(mm + Mm.LOCK_SEQ);
  const vma = <usize>Walk.load(mm + Mm.TREE, address >> load<u32>(mm, Mm.PAGE_SHIFT));
  // The usual case stands apart from the loop: what it needs stays in registers.
  if (vma == 0) return lock_vma_slow(mm, address, slot, seq, 0);
  Hot.publish(vma, slot);
  if (Hot.is_held(vma, mm, address)) {
    count(Counter.VMA_LOCK_SUCCESS);
    if (LOCKDEP) lockdep_vma(slot);
    return vma;
  }
  hold_clear(this_seat(), slot); // V3
  return lock_vma_slow(mm, address, slot, seq, vma);
}

/** The same once a walk, begun at `seq`, has not led to a lock but to `vma`. */
function lock_vma_slow(mm: usize, address: u64, slot: usize, seq: u32, vma: usize): usize {
  const page = address >> load<u32>(mm, Mm.PAGE_SHIFT);
  for (let tries = 1; tries < VmaLock.TRIES; tries++) {
    if (vma == 0) {
      if ((seq & 1) == 0 && load_acquire(mm + Mm.LOCK_SEQ) == seq) {
        count(Counter.VMA_LOCK_MISS);
        return 0;
      }
    } else if (load_acquire(vma + Vma.LOCK_SEQ) == load_acquire(mm + Mm.LOCK_SEQ)) {
      break; // a writer has it; may be wrong both ways (R-LOCK-50)
    }
    count(Counter.VMA_LOCK_RETRY);
    seq = load_acquire(mm + Mm.LOCK_SEQ);
    vma = <usize>mt_load(mm + Mm.TREE, page);
    if (vma == 0) continue;
    Hot.publish(vma, slot);
    if (Hot.is_held(vma, mm, address)) {
      count(Counter.VMA_LOCK_SUCCESS);
      if (LOCKDEP) lockdep_vma(slot);
      return vma;
    }
    hold_clear(this_seat(), slot); // V3
  }
  return abort_lock();
}

function abort_lock(): usize {
  count(Counter.VMA_LOCK_ABORT);
  return 0;
}

/** Inlined by decree: called, or with results of more than one expression, 3 ns of a lock's 22. */
class Hot {
  /** Names `vma` in `slot`. */
  @inline static publish(vma: usize, slot: usize): void {
    // Claims the VMA against vma_start_write, which marks first and searches the seats then
    // (holds H2): it sees our slot, or we see its mark in is_held.
    hold_publish(slot, <u32>vma);
    // V6. Mostly a load: the word was set by an earlier reader.
    if (load_acquire(vma + Vma.HELD) == 0) store_release(vma + Vma.HELD, 1);
  }

  /**
   * V5, with the slot published. A writer that searched before that marked `seq` or later, and
   * its section is over if the VMA is not write-locked now. If it took the record out, then it
   * is still detached, or was attached again: in that very section, so that what we read now
   * is final; in a later one, which has changed vm_lock_seq before it attached; or in another
   * mm, which has changed vm_mm before. So these are looked at after vm_refcnt, in this order.
   */
  @inline static is_held(vma: usize, mm: usize, address: u64): bool {
    const seq = load_acquire(vma + Vma.LOCK_SEQ);
    return (
      seq != load_acquire(mm + Mm.LOCK_SEQ) &&
      Hot.contains(vma, address) &&
      // Acquire: pairs with the release in vma_mark_attached. No branches: they are all true.
      ((load_acquire(vma + Vma.REFCNT) ^ VmaLock.ATTACHED) |
        (load_acquire(vma + Vma.LOCK_SEQ) ^ seq) |
        (load_acquire(vma + Vma.MM) ^ <u32>mm)) ==
        0
    );
  }

  @inline static contains(vma: usize, address: u64): bool {
    const start = load_acquire64(vma + Vma.START);
    // One compare: below the start the difference wraps.
    return address - start < load_acquire64(vma + Vma.END) - start;
  }
}

/** Gives up a VMA that this worker has read-locked. */
export function vma_end_read(vma: usize): void {
  const slot = vma_hold_of(vma);
  if (VERIFY) assert(slot != 0); // not locked by this worker
  if (slot != 0) hold_clear(this_seat(), slot);
}

/**
 * Write-locks a VMA until the mmap write lock is released. Context: mmap write lock held.
 * @returns 0, or -WOULD_BLOCK on a thread that may not wait for a reader.
 */
export function vma_start_write(vma: usize, mm: usize): i32 {
  const seq = load<u32>(mm, Mm.LOCK_SEQ); // plain: only the mmap write holder stores it
  if (VERIFY) assert((seq & 1) == 1); // V1: the caller holds the mmap write lock
  // HELD as well: after 2^31 sections the number may be that of an old one (R-LOCK-37).
  if (load<u32>(vma, Vma.LOCK_SEQ) == seq && load_acquire(vma + Vma.HELD) == 0) return 0;
  const before = load<u32>(vma, Vma.LOCK_SEQ);
  // Refuses new readers (V1) and tells peek that fields may change. Before the search of
  // the seats; partner: vma_start_read.
  store_release(vma + Vma.LOCK_SEQ, seq);
  // V6: cleared before the search, so a reader that still found it set published its slot
  // before the search, and one that comes later sets it again.
  if (load_acquire(vma + Vma.HELD) == 0) return 0;
  store_release(vma + Vma.HELD, 0);
  if (!vma_is_attached(vma) || drain(vma)) return 0;
  store_release(vma + Vma.HELD, 1); // who is inside is still to be found
  store_release(vma + Vma.LOCK_SEQ, before); // nothing was changed
  return -Abi.WOULD_BLOCK;
}

/** Waits until no seat names the VMA (V2); false only where this thread may not wait. */
function drain(vma: usize): bool {
  let spins = 0;
  while (true) {
    const slot = find_vma_hold(vma);
    if (slot == 0) return true;
    if (may_block()) wait_for_vma_hold(slot, vma);
    else if (++spins > VmaLock.SPINS) return false;
  }
}

/** Makes a VMA visible to readers (R-LOCK-40): every field is written before. Context: write-locked. */
export function vma_mark_attached(vma: usize, mm: usize): void {
  if (VERIFY) {
    assert(load<u32>(vma, Vma.LOCK_SEQ) == load<u32>(mm, Mm.LOCK_SEQ)); // write-locked
    assert(!vma_is_attached(vma)); // V4
  }
  // Release: pairs with the load in vma_start_read.
  store_release(vma + Vma.REFCNT, VmaLock.ATTACHED);
}

/** Takes a VMA out of readers' reach (R-LOCK-43). Context: write-locked. */
export function vma_mark_detached(vma: usize, mm: usize): void {
  if (VERIFY) {
    assert(load<u32>(vma, Vma.LOCK_SEQ) == load<u32>(mm, Mm.LOCK_SEQ)); // write-locked
    assert(vma_is_attached(vma)); // V4
  }
  journal_detach(vma);
  store_release(vma + Vma.REFCNT, VmaLock.DETACHED);
}

export function vma_is_attached(vma: usize): bool {
  return load_acquire(vma + Vma.REFCNT) != VmaLock.DETACHED;
}

/** Copies one VMA without a lock or a shared store: 1 found, 0 nothing mapped, -EAGAIN: writers kept coming. */
export function peek(mm: usize, address: u64, copy: usize): i32 {
  const seq = load_acquire(mm + Mm.LOCK_SEQ);
  const vma = <usize>Walk.load(mm + Mm.TREE, address >> load<u32>(mm, Mm.PAGE_SHIFT));
  if (vma != 0 && copy_if_stable(vma, mm, address, copy)) return 1;
  return peek_slow(mm, address, copy, seq, vma);
}

/** The same once a walk, begun at `seq`, has led to `vma`, but not to a copy. */
function peek_slow(mm: usize, address: u64, copy: usize, seq: u32, vma: usize): i32 {
  const page = address >> load<u32>(mm, Mm.PAGE_SHIFT);
  for (let tries = 1; tries < VmaLock.TRIES; tries++) {
    if (vma == 0 && (seq & 1) == 0 && load_acquire(mm + Mm.LOCK_SEQ) == seq) return 0;
    count(Counter.PEEK_RETRY);
    seq = load_acquire(mm + Mm.LOCK_SEQ);
    vma = <usize>mt_load(mm + Mm.TREE, page);
    if (vma != 0 && copy_if_stable(vma, mm, address, copy)) return 1;
  }
  return -Errno.EAGAIN;
}

/**
 * A writer stores vm_lock_seq before it touches a field (V1), and a recycled record gets
 * the odd number of a later section or of another mm: so the same unlocked number and the
 * same mm before and after mean that no field changed in between. All loads are atomic:
 * plain ones could be moved across the checks. Words that stand side by side are loaded as
 * one; a conversion of a signed number is one instruction, and none has its top bit set.
 */
function copy_if_stable(vma: usize, mm: usize, address: u64, copy: usize): bool {
  const life = load_acquire64(vma + Vma.REFCNT); // high half: LOCK_SEQ
  if (<u32>(life >> 32) == load_acquire(mm + Mm.LOCK_SEQ)) return false;
  const owner = load_acquire64(vma + Vma.MM); // high half: FILE
  if (<u32>owner != <u32>mm) return false;
  const start = load_acquire64(vma + Vma.START);
  const end = load_acquire64(vma + Vma.END);
  if (address - start >= end - start) return false; // below the start the difference wraps
  store<f64>(copy, <f64>(<i64>start), VmaOut.START * 8);
  store<f64>(copy, <f64>(<i64>end), VmaOut.END * 8);
  store<f64>(copy, <f64>(<i64>load_acquire64(vma + Vma.FLAGS)), VmaOut.FLAGS * 8);
  store<f64>(copy, <f64>(<i64>load_acquire64(vma + Vma.PGOFF)), VmaOut.PGOFF * 8);
  store<f64>(copy, <f64>(<i64>(owner >> 32)), VmaOut.FILE * 8);
  const anon = load_acquire64(vma + Vma.ANON_VMA); // high half: ANON_NAME
  store<f64>(copy, <f64>(<i64>(anon & 0xffffffff)), VmaOut.ANON_VMA * 8);
  store<f64>(copy, <f64>(<i64>(anon >> 32)), VmaOut.ANON_NAME * 8);
  if (<u32>life == VmaLock.DETACHED) return false;
  return load_acquire64(vma + Vma.REFCNT) == life && load_acquire(vma + Vma.MM) == <u32>mm;
}
