// munmap: gather the VMAs of a range, cut at its ends, take them out in one tree store.
// Source: mm/vma.c; R-UNMAP-*, munmap(2).
//
// Two halves, since mmap(MAP_FIXED) needs the first without the second:
//   vms_gather   checks and cuts at both ends; what it cut stays cut on failure (R-LIM-8)
//   vms_discard  detaches and frees what lies in the range; cannot fail
//
// Context: mmap write lock. Floor: ops. Imports: mm, ops/range, merge, account, reserve.

import { file_huge_size } from "../mm/file";
import { VM_ACCOUNT, VM_HUGETLB, VM_LOCKED, VM_MIXEDMAP, VM_SEALED } from "../mm/flags";
import { pages_zap } from "../mm/pages";
import { page_shift, vm_end, vm_file, vm_flags, vm_start, vma_pages } from "../mm/vma";
import { vma_start_write } from "../mm/vma_lock";
import { Errno } from "../shared/errno";
import {
  account_locked,
  map_count,
  max_map_count,
  vm_stat_account,
  vm_unacct_memory,
} from "./account";
import { guard_remove, has_guards } from "./guard";
import { split_vma, tree_store, vma_remove } from "./merge";
import {
  find_vma,
  find_vma_intersection,
  is_page_aligned,
  page_align,
  prelock,
  task_size,
  vma_next,
} from "./range";
import { reserve } from "./reserve";

/** munmap(2) under the write lock. */
export function munmap_locked(mm: usize, start: u64, length: u64): i32 {
  const size = task_size(mm);
  if (!is_page_aligned(mm, start) || start > size || length > size - start) return -Errno.EINVAL; // R-UNMAP-6..9
  const end = start + page_align(mm, length);
  if (end == start) return -Errno.EINVAL;
  return do_munmap(mm, start, end);
}

/** Unmaps [start, end), page-aligned and within the task. */
export function do_munmap(mm: usize, start: u64, end: u64): i32 {
  const first = find_vma_intersection(mm, start, end);
  if (first == 0) return 0; // R-UNMAP-4
  const blocked = prelock(mm, start, end);
  if (blocked != 0) return blocked;
  if (vm_start(first) == start && vm_end(first) == end) return unmap_whole(mm, first);
  const failed = vms_gather(mm, start, end, 0);
  if (failed != 0) return failed;
  vms_discard(mm, start, end);
  tree_store(mm, start, end, 0); // reserved by vms_gather
  return 0;
}

/** The common case: exactly one VMA goes, nothing is cut, nothing is looked up again. */
function unmap_whole(mm: usize, vma: usize): i32 {
  if ((vm_flags(vma) & VM_SEALED) != 0) return -Errno.EPERM;
  const start = vm_start(vma);
  const end = vm_end(vma);
  // A slot that becomes NULL, or joins one, needs no node; a range of guards may be cut.
  if (has_guards(mm) && reserve(mm, 0, start, end, 1) != 0) return -Errno.ENOMEM;
  guard_remove(mm, start, end);
  discard_one(mm, vma, page_shift(mm));
  tree_store(mm, start, end, 0);
  return 0;
}

/**
 * Checks the VMAs of [start, end) in address order and cuts the first and last at the
 * borders; `more` further VMAs and their store are reserved for the caller.
 */
export function vms_gather(mm: usize, start: u64, end: u64, more: u32): i32 {
  let vma = find_vma_intersection(mm, start, end);
  if (vma == 0) return reserve(mm, more, start, end, 1);
  // A VMA for each border that cuts one: whole VMAs can be unmapped when none is left.
  const last = find_vma(mm, end - 1);
  const cuts =
    u32(vm_start(vma) < start) + u32(last != 0 && vm_start(last) < end && vm_end(last) > end);
  // The cuts, the store that empties or replaces the range, and the caller's.
  if (reserve(mm, cuts + more, start, end, 4) != 0) return -Errno.ENOMEM;
  if (vm_start(vma) < start) {
    const inside = end < vm_end(vma);
    if (inside && map_count(mm) >= max_map_count(mm)) return -Errno.ENOMEM; // R-UNMAP-10
    if ((vm_flags(vma) & VM_SEALED) != 0) return -Errno.EPERM; // no use cutting it (R-UNMAP-11)
    if (!may_split(vma, start)) return -Errno.EINVAL;
    vma = split_vma(mm, vma, start);
  }
  while (vma != 0 && vm_start(vma) < end) {
    if ((vm_flags(vma) & VM_SEALED) != 0) return -Errno.EPERM;
    if (vm_end(vma) > end) {
      if (!may_split(vma, end)) return -Errno.EINVAL;
      split_vma(mm, vma, end);
    }
    vma = vma_next(mm, vma);
  }
  return 0;
}

/** R-UNMAP-12, R-HUGE-1: a huge page mapping is cut between huge pages only. */
export function may_split(vma: usize, at: u64): bool {
  return (vm_flags(vma) & VM_HUGETLB) == 0 || (at & (vma_huge_size(vma) - 1)) == 0;
}

/** Bytes of a page of a VMA with VM_HUGETLB. */
export function vma_huge_size(vma: usize): u64 {
  const file = vm_file(vma); // 0: restored from a snapshot, which does not tell
  return file != 0 ? file_huge_size(file) : HUGE_SIZE_DEFAULT;
}

const HUGE_SIZE_DEFAULT: u64 = 1 << 21;

/** Pages with ACCOUNT in [start, end): given back when they go (R-ACCT-1). */
export function accounted_pages(mm: usize, start: u64, end: u64): u64 {
  const shift = page_shift(mm);
  let pages: u64 = 0;
  let vma = find_vma_intersection(mm, start, end);
  while (vma != 0 && vm_start(vma) < end) {
    if ((vm_flags(vma) & VM_ACCOUNT) != 0) pages += vma_pages(vma, shift);
    vma = vma_next(mm, vma);
  }
  return pages;
}

/** Pages mapped in [start, end), after vms_gather. */
export function mapped_pages(mm: usize, start: u64, end: u64): u64 {
  const shift = page_shift(mm);
  let pages: u64 = 0;
  let vma = find_vma_intersection(mm, start, end);
  while (vma != 0 && vm_start(vma) < end) {
    pages += vma_pages(vma, shift);
    vma = vma_next(mm, vma);
  }
  return pages;
}

/**
 * Detaches and frees the VMAs of [start, end), which vms_gather has cut out; counters
 * follow. The tree still names them: the caller stores over the range next, so that
 * readers see the old VMAs (and are refused), then the new state, never a hole between.
 */
export function vms_discard(mm: usize, start: u64, end: u64): void {
  const shift = page_shift(mm);
  let vma = find_vma_intersection(mm, start, end);
  if (vma == 0) return;
  guard_remove(mm, start, end);
  while (vma != 0 && vm_start(vma) < end) {
    const next = vma_next(mm, vma); // by address: freeing leaves the tree alone
    discard_one(mm, vma, shift);
    vma = next;
  }
}

/** Takes one VMA out and counts it out. */
function discard_one(mm: usize, vma: usize, shift: u32): void {
  vma_start_write(vma, mm);
  const flags = vm_flags(vma);
  const pages = <i64>vma_pages(vma, shift);
  vm_stat_account(mm, flags, -pages);
  if ((flags & VM_LOCKED) != 0) account_locked(mm, -pages);
  if ((flags & VM_ACCOUNT) != 0) vm_unacct_memory(mm, pages);
  if ((flags & VM_MIXEDMAP) != 0) pages_zap(mm, vm_start(vma) >> shift, vm_end(vma) >> shift);
  vma_remove(mm, vma);
}
