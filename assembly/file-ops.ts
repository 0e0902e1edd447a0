// Exports for a file's mmap hook, which the facade runs, and for the pages it puts in.
//
//   mmap_begin ─▶ the hook, in JavaScript: vma_update_flags, vma_insert_page ─▶ mmap_commit
//                                                                          └▶ mmap_abort
//
// All three under one mmap write lock that the caller holds. Floor: index. Imports: mm, ops.

import { Mm, Vma } from "./base/layout";
import { seat_scratch } from "./base/worker";
import { mm_end_change } from "./mm/change";
import { VM_MIXEDMAP } from "./mm/flags";
import { page_is_valid, pages_insert, pages_present, pages_zap } from "./mm/pages";
import { page_shift, set_vm_flags, vm_end, vm_flags, vm_start } from "./mm/vma";
import { vma_is_write_locked } from "./mm/vma_lock";
import { do_mmap } from "./ops/mmap";
import { Errno } from "./shared/errno";

export { making_abort as mmap_abort } from "./mm/making";
export { page_create, page_refs } from "./mm/pages";
export { page_get, page_put } from "./mm/refs";
export { mmap_commit } from "./ops/mmap";

/** As mmap_locked_i64, of a file with operations too: u32[0] of scratch is the VMA to call the hook with, or 0. */
export function mmap_begin(
  mm: usize,
  address: i64,
  length: i64,
  prot: u32,
  flags: u32,
  file: u32,
  offset: i64,
): i64 {
  const result = do_mmap(mm, address, length, prot, flags, file, offset, seat_scratch());
  mm_end_change();
  return result;
}

/** Flags of a VMA that is not in the tree yet: `set` first, then `unset`. */
export function vma_update_flags(vma: usize, set: u32, unset: u32): void {
  set_vm_flags(vma, (vm_flags(vma) | set) & ~(<u64>unset));
  mm_end_change();
}

/**
 * vm_insert_page: 0, -EFAULT (address outside), -EINVAL (no page, or not VM_MIXEDMAP), -EBUSY
 * (a page is there), -ENOMEM. Context: a lock that holds the VMA still, or the mmap hook.
 */
export function vma_insert_page(vma: usize, address: f64, page: u32): i32 {
  const at = <u64>(<i64>address);
  if (at < vm_start(vma) || at >= vm_end(vma)) return -Errno.EFAULT;
  if (!page_is_valid(page) || (vm_flags(vma) & VM_MIXEDMAP) == 0) return -Errno.EINVAL;
  const mm = <usize>load<u32>(vma, Vma.MM);
  return pages_insert(mm, at >> page_shift(mm), page, vma_is_write_locked(vma, mm));
}

/** zap_page_range_single: drops the pages that the range touches; ignored if it leaves the VMA (R-RUST-45). */
export function vma_zap_page_range(vma: usize, address: f64, size: f64): void {
  const start = <u64>(<i64>address);
  const end = start + <u64>(<i64>size);
  if (start < vm_start(vma) || end > vm_end(vma) || start == end) return;
  if ((vm_flags(vma) & VM_MIXEDMAP) == 0) return;
  const mm = <usize>load<u32>(vma, Vma.MM);
  const shift = page_shift(mm);
  pages_zap(mm, start >> shift, ((end - 1) >> shift) + 1);
  mm_end_change();
}

/** 1 if the mm has ever had pages put into it. */
export function mm_has_pages(mm: usize): i32 {
  return load<u32>(mm, Mm.PAGES) != 0 ? 1 : 0;
}

/** Bytes at the start of scratch, one a page from `address` on: 1 present. How many are. */
export function mm_pages_present(mm: usize, address: f64, count: u32): u32 {
  return pages_present(mm, <u64>(<i64>address) >> page_shift(mm), count, seat_scratch());
}
