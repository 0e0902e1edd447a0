// fork: a copy of an address space (dup_mmap).
// Source: kernel/fork.c, mm/mmap.c; R-FORK-*.
//
// Invariants
//   F1  VMAs are copied one by one and never merge (R-FORK-4).
//   F2  the child is write-locked before its counts make it an mm that a walk over all
//       spaces finds, and until it is whole. On any failure it is torn down by its last
//       mmput and the parent is as before (only write locks were taken in it). Meanwhile
//       child.TEARDOWN is this seat: if this worker dies, whoever reaps it does the same.
//
// Lock order: parent's mmap lock, then the child's. Floor: ops. Imports: base, alloc, mm, ops.

import { slab_reserve } from "../alloc/slab";
import { VERIFY } from "../base/debug";
import { AnonVma, Mm, Vma } from "../base/layout";
import { this_seat } from "../base/worker";
import { mt_iter_begin, mt_iter_next } from "../maple/tree";
import { mm_end_change } from "../mm/change";
import { VM_ACCOUNT, VM_DONTCOPY, VM_LOCKED_MASK, VM_MIXEDMAP, VM_WIPEONFORK } from "../mm/flags";
import { mm_alloc, mm_give_up, mm_keep, mm_publish } from "../mm/mm";
import { mmap_write_trylock, mmap_write_unlock } from "../mm/mmap_lock";
import { mmap_write_lock } from "../mm/mmap_wait";
import { pages_copy } from "../mm/pages";
import {
  new_anon_vma,
  page_shift,
  vm_anon_vma,
  vm_end,
  vm_flags,
  vm_start,
  vma_pages,
} from "../mm/vma";
import { vma_start_write } from "../mm/vma_lock";
import { SlabKind } from "../shared/abi";
import { Errno } from "../shared/errno";
import { vm_enough_memory, vm_stat_account } from "./account";
import { any_guard, guard_copy, guard_remove, guard_reserve } from "./guard";
import { set_candidate_part, vma_insert } from "./merge";
import { inherited_flags } from "./policy";
import { prelock, task_size } from "./range";
import { reserve } from "./reserve";

/** The child mm (mm_users 1, mm_count 1), -ENOMEM or -WOULD_BLOCK. Takes the parent's write lock. */
export function mm_fork(mm: usize): i32 {
  const blocked = mmap_write_lock(mm);
  if (blocked != 0) return blocked;
  const result = fork_locked(mm);
  mmap_write_unlock(mm);
  return result;
}

export function fork_locked(mm: usize): i32 {
  const blocked = prelock(mm, 0, task_size(mm));
  if (blocked != 0) return blocked;
  const child = mm_alloc(load<u32>(mm + Mm.TREE, 4));
  if (child == 0) return -Errno.ENOMEM;
  // Settings and limits; counters start from nothing and follow the copies.
  memory.copy(child + Mm.PAGE_SHIFT, mm + Mm.PAGE_SHIFT, Mm.MAP_COUNT - Mm.PAGE_SHIFT);
  store<u32>(child, load<u32>(mm, Mm.CAPS), Mm.CAPS);
  memory.copy(child + Mm.BRK, mm + Mm.BRK, Mm.GUARDS - Mm.BRK);
  store<u64>(child, load<u64>(mm, Mm.DEF_FLAGS) & ~VM_LOCKED_MASK, Mm.DEF_FLAGS); // R-MLOCK-32
  store<u32>(child, inherited_flags(mm), Mm.FLAGS);
  store<u32>(child, <u32>this_seat(), Mm.TEARDOWN);
  const held = mmap_write_trylock(child); // not shown yet: it is free
  if (VERIFY) assert(held);
  mm_publish(child);
  const failed = copy_vmas(mm, child);
  mmap_write_unlock(child);
  if (failed != 0) {
    mm_give_up(child);
    return failed;
  }
  return mm_keep(child);
}

/** VMAs copied between two commits: few enough for the journal's first segment. */
const COMMIT_EVERY: u32 = 16;

function copy_vmas(mm: usize, child: usize): i32 {
  const shift = page_shift(mm);
  if (guard_copy(child, mm) != 0) return -Errno.ENOMEM;
  let n: u32 = 0;
  mt_iter_begin(mm + Mm.TREE, 0); // nothing below stores into the parent's tree
  while (true) {
    if (++n % COMMIT_EVERY == 0) mm_end_change(); // a smaller child is a child (F2)
    const vma = <usize>mt_iter_next(mm + Mm.TREE);
    if (vma == 0) return 0;
    const at = vm_end(vma);
    vma_start_write(vma, mm); // upstream race 4: no fault while it is copied
    const flags = vm_flags(vma);
    if ((flags & (VM_DONTCOPY | VM_WIPEONFORK)) != 0 && any_guard(child, vm_start(vma), at)) {
      if (guard_reserve(child, vm_start(vma), at, 1) != 0) return -Errno.ENOMEM;
      guard_remove(child, vm_start(vma), at); // guards are pages, and those are not copied
    }
    if ((flags & VM_DONTCOPY) != 0) continue; // R-FORK-2
    const pages = <i64>vma_pages(vma, shift);
    if (slab_reserve(SlabKind.VMA, 1) != 0 || reserve(child, 1, vm_start(vma), at, 1) != 0)
      return -Errno.ENOMEM;
    if ((flags & VM_ACCOUNT) != 0 && !vm_enough_memory(child, pages)) return -Errno.ENOMEM;
    // R-FORK-11: not locked.
    const c = set_candidate_part(mm, vma, vm_start(vma), at, flags & ~VM_LOCKED_MASK);
    store<u32>(c, child_anon_vma(vm_anon_vma(vma), flags), Vma.ANON_VMA);
    vma_insert(child, c);
    vm_stat_account(child, flags & ~VM_LOCKED_MASK, pages);
    if (
      (flags & VM_MIXEDMAP) != 0 &&
      pages_copy(child, mm, vm_start(vma) >> shift, at >> shift) != 0
    )
      return -Errno.ENOMEM;
  }
}

/** R-AV-23, R-FORK-5: a touched VMA gets an identity of its own, chained to the parent's. */
function child_anon_vma(word: u32, flags: u64): u32 {
  if (word == AnonVma.NONE || (flags & VM_WIPEONFORK) != 0) return AnonVma.NONE;
  return new_anon_vma() | AnonVma.FORKED;
}
