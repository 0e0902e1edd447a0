// remap_file_pages(2): emulated since Linux 4.0 by a shared MAP_FIXED mapping.
// Source: mm/mmap.c; R-RFP-1, 2.
//
// Context: mmap write lock. Floor: ops. Imports: mm, ops.

import { file_get, file_put } from "../mm/file";
import { VM_EXEC, VM_HUGETLB, VM_LOCKED, VM_READ, VM_SHARED, VM_WRITE } from "../mm/flags";
import { page_shift, vm_end, vm_file, vm_flags, vm_start } from "../mm/vma";
import { Errno } from "../shared/errno";
import { MapFlag, ProtBit } from "../shared/flags";
import { mmap_locked } from "./mmap";
import { vma_huge_size } from "./munmap";
import { page_align_down, vma_lookup, vma_next } from "./range";

/** Maps page `pgoff` of the file mapped at `start` there; `prot` must be 0. */
export function remap_file_pages_locked(
  mm: usize,
  start: u64,
  size: u64,
  prot: u32,
  pgoff: u64,
  flags: u32,
): i32 {
  if (prot != 0) return -Errno.EINVAL;
  start = page_align_down(mm, start);
  size = page_align_down(mm, size);
  const end = start + size;
  const shift = page_shift(mm);
  if (end <= start || pgoff + (size >> shift) < pgoff) return -Errno.EINVAL;
  const vma = vma_lookup(mm, start);
  if (vma == 0 || (vm_flags(vma) & VM_SHARED) == 0) return -Errno.EINVAL;
  if (!is_one_mapping(mm, vma, end)) return -Errno.EINVAL;
  const vm = vm_flags(vma);
  // The rounding to huge pages is mmap's, not do_mmap's: here a part of one is refused.
  if ((vm & VM_HUGETLB) != 0 && (size & (vma_huge_size(vma) - 1)) != 0) return -Errno.EINVAL;
  let access: u32 = (vm & VM_READ) != 0 ? ProtBit.READ : 0;
  if ((vm & VM_WRITE) != 0) access |= ProtBit.WRITE;
  if ((vm & VM_EXEC) != 0) access |= ProtBit.EXEC;
  let how: u32 = (flags & MapFlag.NONBLOCK) | MapFlag.SHARED | MapFlag.FIXED | MapFlag.POPULATE;
  if ((vm & VM_LOCKED) != 0) how |= MapFlag.LOCKED;
  const file = vm_file(vma);
  file_get(file); // the VMA that holds it is about to be replaced
  const at = mmap_locked(mm, start, size, access, how, file, pgoff << shift);
  file_put(file);
  return at < 0 ? <i32>at : 0;
}

/** Up to `end`: no hole, the same file and flags. */
function is_one_mapping(mm: usize, vma: usize, end: u64): bool {
  let at = vma;
  while (vm_end(at) < end) {
    const next = vma_next(mm, at);
    if (next == 0 || vm_start(next) != vm_end(at)) return false;
    if (vm_file(next) != vm_file(vma) || vm_flags(next) != vm_flags(vma)) return false;
    at = next;
  }
  return true;
}
