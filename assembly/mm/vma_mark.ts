// LIFE, the word that says whose a VMA is and who marked it last; what a writer stores there
// without waiting for anybody: attached, detached, write-locked.
//
// Invariants: those of mm/vma_lock.ts, which waits for readers. Apart from it, because who gives
// up what a dead worker held (mm/death.ts) needs these, and who waits needs that.
//
// Floor: mm. Imports: base, alloc, sync.

import { journal_detach } from "../alloc/journal";
import { VERIFY } from "../base/debug";
import { Mm, Vma } from "../base/layout";
import { load_acquire64, store_release64 } from "../sync/atomics";

/** The mm in LIFE. */
export const OWNER_MASK: u64 = 0xfffffffe;

export function lock_seq_of(life: u64): u32 {
  return <u32>(life >> 32);
}

/** `life` once section `seq` has marked it: HELD is down. */
export function mark_by(seq: u32, life: u64): u64 {
  return ((<u64>seq) << 32) | (life & OWNER_MASK);
}

/** Is the VMA marked by section `seq`? */
export function is_marked(vma: usize, seq: u32): bool {
  return lock_seq_of(load_acquire64(vma + Vma.LIFE)) == seq;
}

/**
 * Write-locks a VMA that no reader can have: a detached record, or one of a space without users.
 * Context: mmap write lock held.
 */
export function vma_mark_written(vma: usize, mm: usize): void {
  const seq = load<u32>(mm, Mm.LOCK_SEQ); // plain: only the mmap write holder stores it
  if (VERIFY) assert((seq & 1) == 1); // V1: the caller holds the mmap write lock
  // Tells peek that fields may change. No exchange: no reader of the mm is left, and one of the
  // record's old life finds another owner, so nobody sets HELD meanwhile.
  store_release64(vma + Vma.LIFE, mark_by(seq, load_acquire64(vma + Vma.LIFE)));
}

/** Makes a VMA visible to readers (R-LOCK-40): every field is written before. Context: write-locked. */
export function vma_mark_attached(vma: usize, mm: usize): void {
  if (VERIFY) {
    assert(is_marked(vma, load<u32>(mm, Mm.LOCK_SEQ))); // write-locked
    assert(!vma_is_attached(vma)); // V4
  }
  set_owner(vma, <u32>mm);
}

/** Takes a VMA out of readers' reach (R-LOCK-43). Context: write-locked. */
export function vma_mark_detached(vma: usize, mm: usize): void {
  if (VERIFY) {
    assert(is_marked(vma, load<u32>(mm, Mm.LOCK_SEQ))); // write-locked
    assert(vma_is_attached(vma)); // V4
  }
  journal_detach(vma);
  set_owner(vma, 0);
}

/** Context: write-locked, so that LIFE is ours alone (V6). Partner: the loads of LIFE by readers. */
function set_owner(vma: usize, owner: u32): void {
  store_release64(vma + Vma.LIFE, (load<u64>(vma, Vma.LIFE) & ~OWNER_MASK) | owner);
}

export function vma_is_attached(vma: usize): bool {
  return (load_acquire64(vma + Vma.LIFE) & OWNER_MASK) != 0;
}
