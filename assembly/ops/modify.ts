// Changing the flags of part of a VMA: what mprotect, madvise, mlock and mseal share.
// Source: mm/vma.c (vma_modify); R-PROT-1..8, R-PROT-31, R-SEAL-17.
//
// Context: mmap write lock. Floor: ops. Imports: mm, ops/merge, ops/reserve, ops/account.

import { set_vm_flags, vm_end, vm_start } from "../mm/vma";
import { vma_start_write } from "../mm/vma_lock";
import { Errno } from "../shared/errno";
import { map_count, max_map_count } from "./account";
import { merge_modified, set_candidate_part, split_vma } from "./merge";
import { reserve } from "./reserve";

/**
 * Gives [start, end) of `vma`, inside it, the flags: by moving a border to a neighbour
 * that then agrees, else by splitting.
 * @returns the VMA that now covers the range, or -ENOMEM: out of memory with nothing
 * changed, or map_count at its limit (then the head split of a middle change stays).
 */
export function vma_modify(mm: usize, vma: usize, start: u64, end: u64, flags: u64): i32 {
  // Two splits at most: the candidate's own store and two borders.
  if (reserve(mm, 2, vm_start(vma), vm_end(vma), 3) != 0) return -Errno.ENOMEM;
  const merged = merge_modified(mm, vma, set_candidate_part(mm, vma, start, end, flags));
  if (merged != 0) return <i32>merged;
  let target = vma;
  if (vm_start(vma) < start) {
    if (map_count(mm) >= max_map_count(mm)) return -Errno.ENOMEM;
    target = split_vma(mm, vma, start);
  }
  if (vm_end(target) > end) {
    if (map_count(mm) >= max_map_count(mm)) return -Errno.ENOMEM;
    split_vma(mm, target, end);
  }
  vma_start_write(target, mm);
  set_vm_flags(target, flags);
  return <i32>target;
}
