// mlock(2), mlock2(2), munlock(2), mlockall(2), munlockall(2).
// Source: mm/mlock.c; R-MLOCK-*.
//
// Context: mmap write lock. Floor: ops. Imports: base, mm, ops.

import { journal_wide } from "../alloc/journal";
import { Mm } from "../base/layout";
import { VM_DROPPABLE, VM_HUGETLB, VM_LOCKED, VM_LOCKED_MASK, VM_SPECIAL } from "../mm/flags";
import { page_shift, vm_end, vm_flags, vm_start } from "../mm/vma";
import { Errno } from "../shared/errno";
import { MlockFlag } from "../shared/flags";
import { account_locked, can_do_mlock, memlock_fits, memlock_fits_all } from "./account";
import { vma_modify } from "./modify";
import { populate } from "./populate";
import {
  find_vma,
  find_vma_intersection,
  page_align,
  page_align_down,
  page_size,
  prelock,
  task_size,
  vma_next,
} from "./range";

/** mlock2(2) under the write lock; `flags` 0 is mlock(2). */
export function mlock_locked(mm: usize, start: u64, length: u64, flags: u32): i32 {
  if ((flags & ~MlockFlag.ONFAULT) != 0) return -Errno.EINVAL;
  if (!can_do_mlock(mm)) return -Errno.EPERM; // R-MLOCK-11
  const size = page_align(mm, length + (start & (page_size(mm) - 1)));
  start = page_align_down(mm, start); // R-MLOCK-8
  const shift = page_shift(mm);
  let pages = size >> shift;
  if (!memlock_fits(mm, pages)) {
    const end = size > u64.MAX_VALUE - start ? u64.MAX_VALUE : start + size;
    pages -= locked_pages(mm, start, end); // R-MLOCK-10
    if (!memlock_fits(mm, pages)) return -Errno.ENOMEM;
  }
  const failed = apply_vma_lock_flags(mm, start, size, flags == 0 ? VM_LOCKED : VM_LOCKED_MASK);
  if (failed != 0) return failed;
  // R-MLOCK-20: the flags stay set even where the pages cannot be had.
  return size != 0 && populate(mm, start, start + size, false) != 0 ? -Errno.ENOMEM : 0;
}

/** munlock(2) under the write lock. */
export function munlock_locked(mm: usize, start: u64, length: u64): i32 {
  const size = page_align(mm, length + (start & (page_size(mm) - 1)));
  return apply_vma_lock_flags(mm, page_align_down(mm, start), size, 0);
}

/** mlockall(2) under the write lock. */
export function mlockall_locked(mm: usize, flags: u32): i32 {
  const known = MlockFlag.ALL_CURRENT | MlockFlag.ALL_FUTURE | MlockFlag.ALL_ONFAULT;
  if (flags == 0 || (flags & ~known) != 0 || flags == MlockFlag.ALL_ONFAULT) return -Errno.EINVAL;
  if (!can_do_mlock(mm)) return -Errno.EPERM;
  const current = (flags & MlockFlag.ALL_CURRENT) != 0;
  if (current && !memlock_fits_all(mm)) return -Errno.ENOMEM;
  const lock = (flags & MlockFlag.ALL_ONFAULT) != 0 ? VM_LOCKED_MASK : VM_LOCKED;
  const blocked = current ? prelock(mm, 0, task_size(mm)) : 0;
  if (blocked != 0) return blocked;
  set_default_lock(mm, (flags & MlockFlag.ALL_FUTURE) != 0 ? lock : 0);
  if (!current) return 0;
  mlock_every_vma(mm, lock);
  populate(mm, 0, task_size(mm), true);
  return 0;
}

/** munlockall(2) under the write lock. */
export function munlockall_locked(mm: usize): i32 {
  const blocked = prelock(mm, 0, task_size(mm));
  if (blocked != 0) return blocked;
  set_default_lock(mm, 0);
  mlock_every_vma(mm, 0);
  return 0;
}

function set_default_lock(mm: usize, lock: u64): void {
  journal_wide(mm + Mm.DEF_FLAGS);
  store<u64>(mm, (load<u64>(mm, Mm.DEF_FLAGS) & ~VM_LOCKED_MASK) | lock, Mm.DEF_FLAGS);
}

/** Errors of single VMAs are ignored (R-MLOCK-14..16). */
function mlock_every_vma(mm: usize, lock: u64): void {
  let at: u64 = 0;
  while (true) {
    const vma = find_vma(mm, at);
    if (vma == 0) return;
    at = vm_end(vma);
    mlock_fixup(mm, vma, vm_start(vma), at, (vm_flags(vma) & ~VM_LOCKED_MASK) | lock);
  }
}

function apply_vma_lock_flags(mm: usize, start: u64, size: u64, lock: u64): i32 {
  const end = start + size;
  if (end < start) return -Errno.EINVAL; // R-MLOCK-21
  if (end == start) return 0;
  const blocked = prelock(mm, start, end);
  if (blocked != 0) return blocked;
  let at = start;
  while (at < end) {
    const vma = find_vma(mm, at);
    if (vma == 0 || vm_start(vma) > at) return -Errno.ENOMEM; // R-MLOCK-6
    const to = vm_end(vma) < end ? vm_end(vma) : end;
    const failed = mlock_fixup(mm, vma, at, to, (vm_flags(vma) & ~VM_LOCKED_MASK) | lock);
    if (failed != 0) return failed;
    at = to;
  }
  return 0;
}

function mlock_fixup(mm: usize, vma: usize, start: u64, end: u64, flags: u64): i32 {
  const old = vm_flags(vma);
  if (flags == old) return 0;
  if ((old & (VM_SPECIAL | VM_HUGETLB | VM_DROPPABLE)) != 0) return 0; // R-MLOCK-30
  const target = vma_modify(mm, vma, start, end, flags);
  if (target < 0) return target;
  const pages = <i64>((end - start) >> page_shift(mm));
  if ((flags & VM_LOCKED) == 0) account_locked(mm, -pages);
  else if ((old & VM_LOCKED) == 0) account_locked(mm, pages);
  return 0;
}

/** Pages of [start, end) that are locked already. */
function locked_pages(mm: usize, start: u64, end: u64): u64 {
  const shift = page_shift(mm);
  let pages: u64 = 0;
  let vma = find_vma_intersection(mm, start, end);
  while (vma != 0 && vm_start(vma) < end) {
    const from = vm_start(vma) > start ? vm_start(vma) : start;
    const to = vm_end(vma) < end ? vm_end(vma) : end;
    if ((vm_flags(vma) & VM_LOCKED) != 0) pages += (to - from) >> shift;
    vma = vma_next(mm, vma);
  }
  return pages;
}
