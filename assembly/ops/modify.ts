// Changing the flags of part of a VMA: what mprotect, madvise, mlock and mseal share.
// Source: mm/vma.c (vma_modify); R-PROT-1..8, R-PROT-31, R-SEAL-17.
//
// Context: mmap write lock. Floor: ops. Imports: base, mm, ops.

import { Vma } from "../base/layout";
import { set_vm_flags, set_vm_name, vm_end, vm_flags, vm_start } from "../mm/vma";
import { vma_start_write } from "../mm/vma_lock";
import { Errno } from "../shared/errno";
import { map_count, max_map_count } from "./account";
import { merge_modified, set_candidate_part, split_vma } from "./merge";
import { may_split } from "./munmap";
import { reserve } from "./reserve";

/**
 * Gives [start, end) of `vma`, inside it, the flags: by moving a border to a neighbour
 * that then agrees, else by splitting.
 * @returns the VMA that now covers the range, or -ENOMEM: out of memory with nothing
 * changed, or map_count at its limit (then the head split of a middle change stays).
 */
export function vma_modify(mm: usize, vma: usize, start: u64, end: u64, flags: u64): i32 {
  return modify(mm, vma, start, end, flags, load<u32>(vma, Vma.ANON_NAME));
}

/** The same for the name of anonymous memory; the target takes a reference of its own. */
export function vma_modify_name(mm: usize, vma: usize, start: u64, end: u64, name: u32): i32 {
  return modify(mm, vma, start, end, vm_flags(vma), name);
}

function modify(mm: usize, vma: usize, start: u64, end: u64, flags: u64, name: u32): i32 {
  // Two splits at most: the candidate's own store and two borders.
  if (reserve(mm, 2, vm_start(vma), vm_end(vma), 3) != 0) return -Errno.ENOMEM;
  const c = set_candidate_part(mm, vma, start, end, flags);
  store<u32>(c, name, Vma.ANON_NAME);
  const merged = merge_modified(mm, vma, c);
  if (merged != 0) return <i32>merged;
  let target = vma;
  if (vm_start(vma) < start) {
    if (!may_split(vma, start)) return -Errno.EINVAL;
    if (map_count(mm) >= max_map_count(mm)) return -Errno.ENOMEM;
    target = split_vma(mm, vma, start);
  }
  if (vm_end(target) > end) {
    if (!may_split(target, end)) return -Errno.EINVAL;
    if (map_count(mm) >= max_map_count(mm)) return -Errno.ENOMEM;
    split_vma(mm, target, end);
  }
  vma_start_write(target, mm);
  set_vm_flags(target, flags);
  set_vm_name(target, name);
  return <i32>target;
}
