// What touching pages does to VMAs: identities (anon_vma) and the errors of prefaulting.
// Source: mm/gup.c, mm/rmap.c, mm/vma.c; R-AV-20..22, R-MLOCK-20.
//
// Pages themselves are not modelled; what a touch leaves behind in the VMAs is.
// Context: mmap lock, read is enough (anon_vma is set by compare-and-swap).
// Floor: ops. Imports: base, mm, ops/range.

import { AnonVma } from "../base/layout";
import { file_flags, file_pages } from "../mm/file";
import {
  VM_ACCESS,
  VM_HUGETLB,
  VM_IO,
  VM_LOCKONFAULT,
  VM_MIXEDMAP,
  VM_PFNMAP,
  VM_SHARED,
  VM_STICKY,
  VM_WRITE,
} from "../mm/flags";
import { pages_next } from "../mm/pages";
import {
  claim_anon_vma,
  new_anon_vma,
  page_shift,
  vm_anon_vma,
  vm_end,
  vm_file,
  vm_flags,
  vm_pgoff,
  vm_start,
  vma_is_anonymous,
  vma_pages,
} from "../mm/vma";
import { Errno } from "../shared/errno";
import { FileFlag } from "../shared/flags";
import { any_guard } from "./guard";
import { find_vma_intersection, vma_next, vma_prev } from "./range";

/** anon_vma_prepare: gives a VMA its identity, a neighbour's if that fits (R-AV-22): next first, then prev. */
export function anon_vma_prepare(mm: usize, vma: usize): void {
  if (vm_anon_vma(vma) != AnonVma.NONE) return;
  const next = vma_next(mm, vma);
  let word: u32 = AnonVma.NONE;
  if (next != 0 && could_share(mm, vma, next)) word = reusable(next);
  if (word == AnonVma.NONE) {
    const prev = vma_prev(mm, vma);
    if (prev != 0 && could_share(mm, prev, vma)) word = reusable(prev);
  }
  claim_anon_vma(mm, vma, word != AnonVma.NONE ? word : new_anon_vma());
}

/** anon_vma_compatible: neighbours that mprotect may make one. */
function could_share(mm: usize, left: usize, right: usize): bool {
  return (
    vm_end(left) == vm_start(right) &&
    vm_file(left) == vm_file(right) &&
    ((vm_flags(left) ^ vm_flags(right)) & ~(VM_ACCESS | VM_STICKY)) == 0 &&
    vm_pgoff(left) + vma_pages(left, page_shift(mm)) == vm_pgoff(right)
  );
}

function reusable(vma: usize): u32 {
  const word = vm_anon_vma(vma);
  return (word & AnonVma.FORKED) != 0 ? AnonVma.NONE : word;
}

/** Pages of a VMA that lie within its file; u64.MAX_VALUE for anonymous memory. */
function pages_within_file(mm: usize, vma: usize): u64 {
  if (vma_is_anonymous(vma) || vm_file(vma) == 0) return u64.MAX_VALUE;
  const total = file_pages(vm_file(vma), page_shift(mm));
  if (total == u64.MAX_VALUE) return total;
  const pgoff = vm_pgoff(vma);
  return total > pgoff ? total - pgoff : 0;
}

/**
 * True if an access in [start, end) of `vma` finds no page: beyond the file's end, or, in a
 * mapping whose pages a driver puts in, where none was (asked of packet rings, whose driver has no
 * fault operation either: SIGBUS).
 */
export function page_missing(mm: usize, vma: usize, start: u64, end: u64): bool {
  if ((vm_flags(vma) & VM_HUGETLB) != 0) return true; // the pool is empty: SIGBUS
  const shift = page_shift(mm);
  const last = ((end - 1) >> shift) + 1;
  if (!has_inserted_pages_only(vma))
    return last - (vm_start(vma) >> shift) > pages_within_file(mm, vma);
  let n = start >> shift;
  while (n < last && pages_next(mm, n, last) == n) n++;
  return n < last;
}

/** Of VMAs with VM_MIXEDMAP that were restored from a snapshot nobody knows the pages. */
function has_inserted_pages_only(vma: usize): bool {
  if ((vm_flags(vma) & VM_MIXEDMAP) == 0) return false;
  const file = vm_file(vma);
  return file != 0 && (file_flags(file) & FileFlag.HOOKED) != 0;
}

/**
 * Prefaults [start, end): what MAP_POPULATE, MAP_LOCKED and mlock do after the flags are set.
 * 0, or -EFAULT at the first VMA that cannot be (PROT_NONE, beyond the file's end).
 */
export function populate(mm: usize, start: u64, end: u64, ignore_errors: bool): i32 {
  let vma = find_vma_intersection(mm, start, end);
  while (vma != 0 && vm_start(vma) < end) {
    const to = vm_end(vma) < end ? vm_end(vma) : end;
    const from = vm_start(vma) > start ? vm_start(vma) : start;
    const failed = populate_vma(mm, vma, from, to);
    if (failed != 0 && !ignore_errors) return failed;
    vma = vma_next(mm, vma);
  }
  return 0;
}

/** Prefaults [start, end) of one VMA. */
export function populate_vma(mm: usize, vma: usize, start: u64, end: u64): i32 {
  const flags = vm_flags(vma);
  if ((flags & VM_LOCKONFAULT) != 0) return 0;
  if ((flags & (VM_IO | VM_PFNMAP)) != 0) return 0;
  if ((flags & VM_ACCESS) == 0) return -Errno.EFAULT;
  // No huge page can be had.
  if ((flags & VM_HUGETLB) != 0) return -Errno.EFAULT;
  // A private writable page is written to; the identity comes before the page (a SIGBUS later keeps it).
  if ((flags & (VM_WRITE | VM_SHARED)) == VM_WRITE) anon_vma_prepare(mm, vma);
  if (any_guard(mm, start, end)) return -Errno.EFAULT;
  return page_missing(mm, vma, start, end) ? -Errno.EFAULT : 0;
}
