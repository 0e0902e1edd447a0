// Per-VMA locks: readers count themselves in vm_refcnt, writers mark vm_lock_seq.
// Source: include/linux/mmap_lock.h, mm/mmap_lock.c (R-LOCK-30..66).
//
//   vm_refcnt   31         30        29          0
//               ┌──────────┬────────┬─────────────┐
//               │ DETACHED │ WRITER │ 1 + readers │   (0 + transient readers if DETACHED)
//               └──────────┴────────┴─────────────┘
//
// Invariants
//   V1  a VMA is write-locked iff vm_lock_seq == mm_lock_seq; mm_lock_seq is odd
//       exactly while the mmap lock is held for writing, so ending that section
//       drops all VMA write locks at once.
//   V2  whoever returns from vma_start_write has seen refcnt == WRITER + 1: no
//       reader is inside; later ones back off on V1.
//   V3  a reader that was refused gives its count back: a count above 1 without a
//       holder is transient, and its release wakes a draining writer.
//   V4  a record keeps DETACHED from removal until it is attached again, in
//       whatever mm; counts of stale readers survive that, so nothing waits for them.
//   V5  a reader that got in holds the VMA it asked for: mm, range and not
//       write-locked are checked after the count is up.
//
// Linux refuses the increment itself (compare-and-swap) and keeps 0 for detached; we
// add first and look then, which costs half as much on a contended VMA, and therefore
// need a bit for detached. We wait on vm_refcnt itself, so a late reader's wake-up
// needs no pointer to the mm (upstream races 6 and 7 cannot happen).
// Floor: mm. Imports: base, sync, maple.

import { VERIFY } from "../base/debug";
import { EngineFlag, Header, Mm, Vma } from "../base/layout";
import { count, may_block } from "../base/worker";
import { mt_load } from "../maple/tree";
import { Abi, Counter } from "../shared/abi";
import { fetch_add, fetch_sub, load_acquire, load_acquire64, store_release } from "../sync/atomics";
import { futex_wait, futex_wake_all } from "../sync/futex";

export const enum VmaLock {
  WRITER = 1 << 30,
  DETACHED = 1 << 31,
  /** Walks before lock_vma_under_rcu leaves it to the mmap lock. */
  TRIES = 16,
  /** Looks at a reader's count before a thread that may not block gives up. */
  SPINS = 4096,
}

const REFUSED: u32 = <u32>VmaLock.WRITER | <u32>VmaLock.DETACHED;

/** The VMA at `address`, read-locked; 0 on any doubt: fall back to the mmap read lock (R-LOCK-63). */
export function lock_vma_under_rcu(mm: usize, address: u64): usize {
  if ((load<u32>(Header.FLAGS) & EngineFlag.PER_VMA_LOCK) == 0) return 0;
  const page = address >> load<u32>(mm, Mm.PAGE_SHIFT);
  for (let tries = 0; tries < VmaLock.TRIES; tries++) {
    // Before the walk: an even number still there afterwards means no writer was
    // active, so that "nothing found" is true. Partner: vma_end_write_all.
    const seq = load_acquire(mm + Mm.LOCK_SEQ);
    const vma = <usize>mt_load(mm + Mm.TREE, page);
    if (vma == 0) {
      if ((seq & 1) == 0 && load_acquire(mm + Mm.LOCK_SEQ) == seq) {
        count(Counter.VMA_LOCK_MISS);
        return 0;
      }
      count(Counter.VMA_LOCK_RETRY);
      continue;
    }
    const got = vma_start_read(vma, mm, address);
    if (got > 0) {
      count(Counter.VMA_LOCK_SUCCESS);
      return vma;
    }
    if (got == 0) break;
    count(Counter.VMA_LOCK_RETRY);
  }
  count(Counter.VMA_LOCK_ABORT);
  return 0;
}

/** 1: locked. 0: a writer has it. -1: not the VMA at `address`, walk again. */
export function vma_start_read(vma: usize, mm: usize, address: u64): i32 {
  // Only spares the two exchanges below; may be wrong both ways (R-LOCK-50).
  if (load_acquire(vma + Vma.LOCK_SEQ) == load_acquire(mm + Mm.LOCK_SEQ)) return 0;
  const before = load_acquire(vma + Vma.REFCNT);
  if ((before & REFUSED) != 0) return (before & <u32>VmaLock.DETACHED) != 0 ? -1 : 0;
  // Claims a reader's place against vma_start_write's flag and vma_mark_detached;
  // acquire: the fields read from here on are those of the attached VMA (R-LOCK-91).
  const old = fetch_add(vma + Vma.REFCNT, 1);
  let result = 1;
  if ((old & REFUSED) != 0) result = (old & <u32>VmaLock.DETACHED) != 0 ? -1 : 0;
  // The record may have become another VMA, of another mm, since the walk (V5).
  else if (load<u32>(vma, Vma.MM) != <u32>mm) result = -1;
  // Partner: the store in vma_start_write. If the writer drained before our count was
  // up, its mark is visible here; if after, it sees our count and waits (R-LOCK-54).
  else if (load_acquire(vma + Vma.LOCK_SEQ) == load_acquire(mm + Mm.LOCK_SEQ)) result = 0;
  else if (address < load<u64>(vma, Vma.START) || address >= load<u64>(vma, Vma.END)) result = -1;
  if (result != 1) vma_end_read(vma);
  return result;
}

/** Gives a reader's place back. Touches nothing after the count is down but the address of the word. */
export function vma_end_read(vma: usize): void {
  // Release: pairs with the writer's load in drain (R-LOCK-92).
  const old = fetch_sub(vma + Vma.REFCNT, 1);
  if ((old & <u32>VmaLock.WRITER) != 0) futex_wake_all(vma + Vma.REFCNT); // V3
}

/**
 * Write-locks a VMA until the mmap write lock is released. Context: mmap write lock held.
 * @returns 0, or -WOULD_BLOCK on a thread that may not wait for a reader.
 */
export function vma_start_write(vma: usize, mm: usize): i32 {
  const seq = load<u32>(mm, Mm.LOCK_SEQ); // plain: only the mmap write holder stores it
  if (VERIFY) assert((seq & 1) == 1); // V1: the caller holds the mmap write lock
  if (load<u32>(vma, Vma.LOCK_SEQ) == seq) return 0;
  const attached = (load_acquire(vma + Vma.REFCNT) & <u32>VmaLock.DETACHED) == 0;
  if (!attached) {
    store_release(vma + Vma.LOCK_SEQ, seq);
    return 0;
  }
  fetch_add(vma + Vma.REFCNT, VmaLock.WRITER); // refuses new readers; partner: vma_start_read
  if (!drain(vma)) {
    fetch_sub(vma + Vma.REFCNT, VmaLock.WRITER);
    return -Abi.WOULD_BLOCK;
  }
  // Before the flag falls: a reader admitted after it must find the mark (R-LOCK-94).
  store_release(vma + Vma.LOCK_SEQ, seq);
  fetch_sub(vma + Vma.REFCNT, VmaLock.WRITER);
  return 0;
}

/** Waits until no reader is inside (V2); false only where this thread may not wait. */
function drain(vma: usize): bool {
  let spins = 0;
  while (true) {
    // Acquire: pairs with the release in vma_end_read.
    const now = load_acquire(vma + Vma.REFCNT);
    if (now == <u32>VmaLock.WRITER + 1) return true;
    if (may_block())
      futex_wait(vma + Vma.REFCNT, now); // waker: vma_end_read
    else if (++spins > VmaLock.SPINS) return false;
  }
}

/** Makes a VMA visible to readers (R-LOCK-40): every field is written before. Context: write-locked. */
export function vma_mark_attached(vma: usize, mm: usize): void {
  if (VERIFY) {
    assert(load<u32>(vma, Vma.LOCK_SEQ) == load<u32>(mm, Mm.LOCK_SEQ)); // write-locked
    assert((load_acquire(vma + Vma.REFCNT) & <u32>VmaLock.DETACHED) != 0); // V4
  }
  // DETACHED -> 1, whatever transient readers are counted. Release: pairs with the
  // fetch_add in vma_start_read.
  fetch_add(vma + Vma.REFCNT, <u32>VmaLock.DETACHED + 1);
}

/** Takes a VMA out of readers' reach (R-LOCK-43). Context: write-locked. */
export function vma_mark_detached(vma: usize, mm: usize): void {
  if (VERIFY) {
    assert(load<u32>(vma, Vma.LOCK_SEQ) == load<u32>(mm, Mm.LOCK_SEQ)); // write-locked
    assert((load_acquire(vma + Vma.REFCNT) & <u32>VmaLock.DETACHED) == 0); // attached
  }
  fetch_add(vma + Vma.REFCNT, <u32>VmaLock.DETACHED - 1);
}

export function vma_is_attached(vma: usize): bool {
  const refcnt = load_acquire(vma + Vma.REFCNT);
  return (refcnt & <u32>VmaLock.DETACHED) == 0 && refcnt != 0;
}

/** Copies one VMA without a lock or a shared store: 1 found, 0 nothing mapped, -EAGAIN: writers kept coming. */
export function peek(mm: usize, address: u64, copy: usize): i32 {
  const page = address >> load<u32>(mm, Mm.PAGE_SHIFT);
  for (let tries = 0; tries < VmaLock.TRIES; tries++) {
    const seq = load_acquire(mm + Mm.LOCK_SEQ);
    const vma = <usize>mt_load(mm + Mm.TREE, page);
    if (vma == 0) {
      if ((seq & 1) == 0 && load_acquire(mm + Mm.LOCK_SEQ) == seq) return 0;
    } else if (copy_if_stable(vma, mm, address, copy)) return 1;
    count(Counter.PEEK_RETRY);
  }
  return -11; // -EAGAIN
}

/**
 * A writer stores vm_lock_seq before it touches a field (V1), and a recycled record gets
 * the odd number of a later section or of another mm: so the same unlocked number and the
 * same mm before and after mean that no field changed in between. All loads are atomic:
 * plain ones could be moved across the checks.
 */
function copy_if_stable(vma: usize, mm: usize, address: u64, copy: usize): bool {
  const seq = load_acquire(vma + Vma.LOCK_SEQ);
  if (seq == load_acquire(mm + Mm.LOCK_SEQ)) return false;
  if (load_acquire(vma + Vma.MM) != <u32>mm) return false;
  const start = load_acquire64(vma + Vma.START);
  const end = load_acquire64(vma + Vma.END);
  if (address < start || address >= end) return false;
  store<f64>(copy, <f64>start);
  store<f64>(copy + 8, <f64>end);
  store<f64>(copy + 16, <f64>load_acquire64(vma + Vma.FLAGS));
  store<f64>(copy + 24, <f64>load_acquire64(vma + Vma.PGOFF));
  store<f64>(copy + 32, <f64>load_acquire(vma + Vma.FILE));
  store<f64>(copy + 40, <f64>load_acquire(vma + Vma.ANON_VMA));
  store<f64>(copy + 48, <f64>load_acquire(vma + Vma.ANON_NAME));
  if (!vma_is_attached(vma)) return false;
  return load_acquire(vma + Vma.LOCK_SEQ) == seq && load_acquire(vma + Vma.MM) == <u32>mm;
}
