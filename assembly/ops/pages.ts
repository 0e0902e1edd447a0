// Calls that look at a range and change no VMA (msync, mincore), and mseal.
// Source: mm/msync.c, mm/mincore.c, mm/mseal.c; R-MSYNC-*, R-MINCORE-*, R-SEAL-*.
//
// Context: mmap lock: read for msync and mincore, write for mseal.
// Floor: ops. Imports: mm, ops/range, ops/modify.

import { VM_LOCKED, VM_SEALED } from "../mm/flags";
import { vm_end, vm_flags, vm_start } from "../mm/vma";
import { Errno } from "../shared/errno";
import { MsyncFlag } from "../shared/flags";
import { vma_modify } from "./modify";
import { find_vma, is_page_aligned, page_align, prelock, task_size } from "./range";

/** msync(2): there is nothing to write back, so only the checks answer. */
export function msync_locked(mm: usize, start: u64, length: u64, flags: u32): i32 {
  const known = MsyncFlag.ASYNC | MsyncFlag.INVALIDATE | MsyncFlag.SYNC;
  const both = MsyncFlag.ASYNC | MsyncFlag.SYNC;
  if ((flags & ~known) != 0 || !is_page_aligned(mm, start) || (flags & both) == both)
    return -Errno.EINVAL;
  const end = start + page_align(mm, length);
  if (end < start) return -Errno.ENOMEM;
  if (end == start) return 0;
  let hole = false;
  let at = start;
  while (at < end) {
    const vma = find_vma(mm, at);
    if (vma == 0 || (vm_start(vma) > at && vm_start(vma) >= end)) return -Errno.ENOMEM;
    if (vm_start(vma) > at) hole = true;
    if ((flags & MsyncFlag.INVALIDATE) != 0 && (vm_flags(vma) & VM_LOCKED) != 0)
      return -Errno.EBUSY;
    at = vm_end(vma);
  }
  return hole ? -Errno.ENOMEM : 0;
}

/** mincore(2): the checks; which pages are resident is not modelled. */
export function mincore_locked(mm: usize, start: u64, length: u64): i32 {
  if (!is_page_aligned(mm, start)) return -Errno.EINVAL;
  const size = task_size(mm);
  if (start > size || length > size - start) return -Errno.ENOMEM;
  const end = start + page_align(mm, length);
  let at = start;
  while (at < end) {
    const vma = find_vma(mm, at);
    if (vma == 0 || vm_start(vma) > at) return -Errno.ENOMEM;
    at = vm_end(vma);
  }
  return 0;
}

/** mseal(2) under the write lock: all or nothing (R-SEAL-6), except when splitting runs out of memory. */
export function mseal_locked(mm: usize, start: u64, length: u64, flags: u32): i32 {
  if (flags != 0 || !is_page_aligned(mm, start)) return -Errno.EINVAL;
  const size = page_align(mm, length);
  if (length != 0 && size == 0) return -Errno.EINVAL;
  const end = start + size;
  if (end < start) return -Errno.EINVAL;
  if (end == start) return 0;
  let at = start;
  while (at < end) {
    const vma = find_vma(mm, at);
    if (vma == 0 || vm_start(vma) > at) return -Errno.ENOMEM;
    at = vm_end(vma);
  }
  const blocked = prelock(mm, start, end);
  if (blocked != 0) return blocked;
  at = start;
  while (at < end) {
    const vma = find_vma(mm, at);
    const to = vm_end(vma) < end ? vm_end(vma) : end;
    if ((vm_flags(vma) & VM_SEALED) == 0) {
      const target = vma_modify(mm, vma, at, to, vm_flags(vma) | VM_SEALED);
      if (target < 0) return target;
    }
    at = to;
  }
  return 0;
}
