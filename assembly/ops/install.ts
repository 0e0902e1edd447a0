// Putting a VMA as it is described into a free range: restoring a snapshot, exec's image.
//
// No placement, no merge, no limit: the caller knows what it restores. Counters follow.
// Context: mmap write lock. Floor: ops. Imports: mm, ops.

import { journal_wide } from "../alloc/journal";
import { Mm, Vma } from "../base/layout";
import { mm_begin_change, mm_end_change } from "../mm/change";
import { VM_ACCOUNT, VM_LOCKED } from "../mm/flags";
import { page_shift } from "../mm/vma";
import { Errno } from "../shared/errno";
import { account_locked, vm_stat_account, vm_unacct_memory } from "./account";
import { set_candidate, vma_insert } from "./merge";
import { find_vma_intersection, is_page_aligned, task_size } from "./range";
import { reserve } from "./reserve";

/** 0, -EINVAL (not page-aligned, empty, outside the task, no such flags or pgoff), -EEXIST (not free) or -ENOMEM. */
export function vma_install_locked(
  mm: usize,
  start: u64,
  end: u64,
  flags: u64,
  pgoff: u64,
  file: u32,
): i32 {
  if (!is_page_aligned(mm, start) || !is_page_aligned(mm, end)) return -Errno.EINVAL;
  if (start >= end || end > task_size(mm)) return -Errno.EINVAL;
  if ((flags | pgoff) >> Vma.LOG_MAX != 0) return -Errno.EINVAL;
  if (find_vma_intersection(mm, start, end) != 0) return -Errno.EEXIST;
  if (reserve(mm, 1, start, end, 1) != 0) return -Errno.ENOMEM;
  vma_insert(mm, set_candidate(start, end, flags, pgoff, file));
  const pages = <i64>((end - start) >> page_shift(mm));
  vm_stat_account(mm, flags, pages);
  if ((flags & VM_LOCKED) != 0) account_locked(mm, pages);
  if ((flags & VM_ACCOUNT) != 0) vm_unacct_memory(mm, -pages);
  return 0;
}

/** What exec sets up: the heap's begin and end, the data segment's size, the stack's address. Bytes. */
export function mm_brk_init(
  mm: usize,
  start_brk: u64,
  brk: u64,
  data_segment: u64,
  start_stack: u64,
): void {
  mm_begin_change(mm); // the break is among the counters
  journal_wide(mm + Mm.START_BRK);
  journal_wide(mm + Mm.DATA_SEGMENT);
  journal_wide(mm + Mm.START_STACK);
  store<u64>(mm, start_brk, Mm.START_BRK);
  store<u64>(mm, brk, Mm.BRK);
  store<u64>(mm, data_segment, Mm.DATA_SEGMENT);
  store<u64>(mm, start_stack, Mm.START_STACK);
  mm_end_change();
}
