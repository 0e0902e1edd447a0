// prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME): names for anonymous memory.
// Source: mm/madvise.c (madvise_set_anon_name), PR_SET_VMA(2const); R-NAME.
//
// Context: mmap write lock. Floor: ops. Imports: mm, ops.

import { Vma, VmaName } from "../base/layout";
import { file_flags } from "../mm/file";
import { name_put, vma_name_make, vma_names_equal } from "../mm/name";
import { vm_end, vm_file, vm_start } from "../mm/vma";
import { MmFlag } from "../shared/abi";
import { Errno } from "../shared/errno";
import { FileFlag } from "../shared/flags";
import { vma_modify_name } from "./modify";
import { mm_has_flag } from "./policy";
import { find_vma, is_page_aligned, page_align, prelock } from "./range";

/** Names [start, end) with `name_length` bytes at `bytes`; a negative length takes the name away. */
export function set_vma_name_locked(
  mm: usize,
  start: u64,
  length: u64,
  bytes: usize,
  name_length: i32,
): i32 {
  if (mm_has_flag(mm, MmFlag.NO_VMA_NAMES)) return -Errno.EINVAL; // R-NAME-0
  if (name_length > VmaName.MAX || !is_printable(bytes, name_length)) return -Errno.EINVAL;
  if (!is_page_aligned(mm, start)) return -Errno.EINVAL;
  const size = page_align(mm, length);
  if (length != 0 && size == 0) return -Errno.EINVAL;
  const end = start + size;
  if (end < start) return -Errno.EINVAL;
  if (end == start) return 0;
  const blocked = prelock(mm, start, end);
  if (blocked != 0) return blocked;
  let name: u32 = 0;
  if (name_length >= 0) {
    name = vma_name_make(bytes, name_length);
    if (name == 0) return -Errno.ENOMEM;
  }
  const result = name_range(mm, start, end, name);
  if (name != 0) name_put(name); // the VMAs have their own references
  return result;
}

/** As madvise: holes do not stop it, the first refusing VMA does. */
function name_range(mm: usize, start: u64, end: u64, name: u32): i32 {
  let hole = false;
  let at = start;
  while (at < end) {
    const vma = find_vma(mm, at);
    if (vma == 0 || vm_start(vma) >= end) return -Errno.ENOMEM;
    if (vm_start(vma) > at) {
      hole = true;
      at = vm_start(vma);
    }
    const to = vm_end(vma) < end ? vm_end(vma) : end;
    const file = vm_file(vma);
    if (file != 0 && (file_flags(file) & FileFlag.SHARED_ANON) == 0) return -Errno.EBADF;
    if (!vma_names_equal(load<u32>(vma, Vma.ANON_NAME), name)) {
      const target = vma_modify_name(mm, vma, at, to, name);
      if (target < 0) return target == -Errno.ENOMEM ? -Errno.EAGAIN : target;
    }
    at = to;
  }
  return hole ? -Errno.ENOMEM : 0;
}

/** R-NAME: printable ASCII but for backslash, backtick, dollar and brackets. */
function is_printable(bytes: usize, length: i32): bool {
  for (let i = 0; i < length; i++) {
    const c = load<u8>(bytes + i);
    if (c < 0x20 || c > 0x7e) return false;
    if (c == 0x5c || c == 0x60 || c == 0x24 || c == 0x5b || c == 0x5d) return false;
  }
  return true;
}
