// madvise(2): advice that changes flags splits and merges; advice on pages validates.
// Source: mm/madvise.c; R-MADV-*.
//
// Pages are not modelled: page advice answers as Linux does and leaves behind what the
// VMA keeps of it (identities, MAYBE_GUARD).
// Context: mmap write lock. Floor: ops. Imports: mm, ops.

import { AnonVma } from "../base/layout";
import { file_flags } from "../mm/file";
import {
  VM_DONTCOPY,
  VM_DONTDUMP,
  VM_DROPPABLE,
  VM_HUGEPAGE,
  VM_HUGETLB,
  VM_IO,
  VM_LOCKED,
  VM_MAYBE_GUARD,
  VM_MAYSHARE,
  VM_MAYWRITE,
  VM_MERGEABLE,
  VM_MIXEDMAP,
  VM_NOHUGEPAGE,
  VM_PFNMAP,
  VM_RAND_READ,
  VM_READ,
  VM_SEALED,
  VM_SEQ_READ,
  VM_SHARED,
  VM_SPECIAL,
  VM_WIPEONFORK,
  VM_WRITE,
} from "../mm/flags";
import { pages_zap } from "../mm/pages";
import {
  page_shift,
  set_vm_flags,
  vm_anon_vma,
  vm_end,
  vm_file,
  vm_flags,
  vm_start,
  vma_is_anonymous,
} from "../mm/vma";
import { vma_start_write } from "../mm/vma_lock";
import { Errno } from "../shared/errno";
import { Advice, FileFlag } from "../shared/flags";
import { any_guard, guard_install, guard_remove, guard_reserve } from "./guard";
import { vma_modify } from "./modify";
import { vma_huge_size } from "./munmap";
import { anon_vma_prepare, page_missing } from "./populate";
import { find_vma, is_page_aligned, page_align, prelock } from "./range";
import { huge_page_size } from "./unmapped";

const REFUSED: u64 = 1 << 63;

/** madvise(2) under the write lock. */
export function madvise_locked(mm: usize, start: u64, length: u64, advice: i32): i32 {
  if (!is_known(advice)) return -Errno.EINVAL; // R-MADV-6
  if (!is_page_aligned(mm, start)) return -Errno.EINVAL; // R-MADV-8
  const size = page_align(mm, length);
  if (length != 0 && size == 0) return -Errno.EINVAL;
  const end = start + size;
  if (end < start) return -Errno.EINVAL; // R-MADV-14
  if (end == start) return 0; // R-MADV-7
  if (advice == Advice.HWPOISON || advice == Advice.SOFT_OFFLINE) return -Errno.EPERM;
  const blocked = prelock(mm, start, end);
  if (blocked != 0) return blocked;
  if (advice == Advice.POPULATE_READ || advice == Advice.POPULATE_WRITE) {
    return madvise_populate(mm, start, end, advice == Advice.POPULATE_WRITE);
  }
  let hole = false;
  let at = start;
  while (at < end) {
    const vma = find_vma(mm, at);
    if (vma == 0 || vm_start(vma) >= end) return -Errno.ENOMEM; // R-MADV-5
    if (vm_start(vma) > at) {
      hole = true;
      at = vm_start(vma);
    }
    const to = vm_end(vma) < end ? vm_end(vma) : end;
    const failed = madvise_vma(mm, vma, at, to, advice);
    if (failed != 0) return failed;
    at = to;
  }
  return hole ? -Errno.ENOMEM : 0;
}

function is_known(advice: i32): bool {
  if (advice >= Advice.NORMAL && advice <= Advice.DONTNEED) return true;
  if (advice >= Advice.FREE && advice <= Advice.COLLAPSE) return true;
  return advice >= Advice.HWPOISON && advice <= Advice.GUARD_REMOVE;
}

function is_discard(advice: i32): bool {
  return (
    advice == Advice.DONTNEED ||
    advice == Advice.FREE ||
    advice == Advice.REMOVE ||
    advice == Advice.DONTFORK ||
    advice == Advice.WIPEONFORK ||
    advice == Advice.DONTNEED_LOCKED ||
    advice == Advice.GUARD_INSTALL
  );
}

function madvise_vma(mm: usize, vma: usize, start: u64, end: u64, advice: i32): i32 {
  const old = vm_flags(vma);
  // R-SEAL-11..13: what cannot be written must not be discarded either.
  const sealed = (old & (VM_SEALED | VM_WRITE)) == VM_SEALED && vma_is_anonymous(vma);
  if (sealed && is_discard(advice)) return -Errno.EPERM;
  const flags = advised_flags(vma, advice, old);
  if ((flags & REFUSED) != 0) return -(<i32>(flags ^ REFUSED));
  if (flags == old) return advice_on_pages(mm, vma, start, end, advice);
  const target = vma_modify(mm, vma, start, end, flags);
  return target >= 0 ? 0 : target == -Errno.ENOMEM ? -Errno.EAGAIN : target;
}

/** The flags after `advice`, the old ones if it is about pages, or REFUSED | errno. */
function advised_flags(vma: usize, advice: i32, flags: u64): u64 {
  const shared = (flags & (VM_SHARED | VM_MAYSHARE)) != 0;
  switch (advice) {
    case Advice.NORMAL:
      return flags & ~(VM_RAND_READ | VM_SEQ_READ);
    case Advice.SEQUENTIAL:
      return (flags & ~VM_RAND_READ) | VM_SEQ_READ;
    case Advice.RANDOM:
      return (flags & ~VM_SEQ_READ) | VM_RAND_READ;
    case Advice.DONTFORK:
      return flags | VM_DONTCOPY;
    case Advice.DOFORK:
      return (flags & VM_IO) != 0 ? REFUSED | Errno.EINVAL : flags & ~VM_DONTCOPY;
    case Advice.WIPEONFORK:
      return vm_file(vma) != 0 || shared ? REFUSED | Errno.EINVAL : flags | VM_WIPEONFORK; // R-MADV-10
    case Advice.KEEPONFORK:
      return (flags & VM_DROPPABLE) != 0 ? REFUSED | Errno.EINVAL : flags & ~VM_WIPEONFORK; // R-MADV-9
    case Advice.DONTDUMP:
      return flags | VM_DONTDUMP;
    case Advice.DODUMP: {
      const special = (flags & VM_HUGETLB) == 0 && (flags & VM_SPECIAL) != 0;
      return special || (flags & VM_DROPPABLE) != 0 ? REFUSED | Errno.EINVAL : flags & ~VM_DONTDUMP;
    }
    case Advice.MERGEABLE: {
      const unfit = shared || (flags & (VM_SPECIAL | VM_HUGETLB | VM_DROPPABLE)) != 0;
      return unfit ? flags : flags | VM_MERGEABLE;
    }
    case Advice.UNMERGEABLE:
      return flags & ~VM_MERGEABLE;
    case Advice.HUGEPAGE:
      return (flags & ~VM_NOHUGEPAGE) | VM_HUGEPAGE;
    case Advice.NOHUGEPAGE:
      return (flags & ~VM_HUGEPAGE) | VM_NOHUGEPAGE;
    default:
      return flags;
  }
}

function advice_on_pages(mm: usize, vma: usize, start: u64, end: u64, advice: i32): i32 {
  const flags = vm_flags(vma);
  const locked = (flags & VM_LOCKED) != 0;
  switch (advice) {
    case Advice.DONTNEED:
      if (locked) return -Errno.EINVAL; // R-MADV-11
      return drop_pages(mm, vma, start, end);
    case Advice.DONTNEED_LOCKED:
      return drop_pages(mm, vma, start, end);
    case Advice.FREE: {
      const unfit = locked || (flags & VM_PFNMAP) != 0 || !vma_is_anonymous(vma);
      return unfit ? -Errno.EINVAL : 0; // R-MADV-12
    }
    case Advice.COLD:
    case Advice.PAGEOUT:
      return locked || (flags & (VM_PFNMAP | VM_HUGETLB)) != 0 ? -Errno.EINVAL : 0;
    case Advice.REMOVE:
      return remove_answer(vma, flags);
    case Advice.GUARD_INSTALL:
      return install_guards(mm, vma, start, end);
    case Advice.GUARD_REMOVE:
      return remove_guards(mm, vma, start, end);
    case Advice.COLLAPSE:
      return collapse_answer(mm, vma, flags);
    default:
      return 0;
  }
}

/** DONTNEED. */
function drop_pages(mm: usize, vma: usize, start: u64, end: u64): i32 {
  const flags = vm_flags(vma);
  const huge = (flags & VM_HUGETLB) != 0 ? vma_huge_size(vma) : 1;
  if ((start & (huge - 1)) != 0) return -Errno.EINVAL;
  if ((flags & VM_PFNMAP) != 0) return -Errno.EINVAL;
  const shift = page_shift(mm);
  if ((flags & VM_MIXEDMAP) != 0) pages_zap(mm, start >> shift, end >> shift);
  return 0;
}

/**
 * MADV_COLLAPSE, as far as the VMA decides it (asked 6.18.44): it must have room for one
 * aligned huge page, and be shmem or anonymous memory that was touched. Whether the pages of
 * the range are there is not modelled: taken as yes.
 */
function collapse_answer(mm: usize, vma: usize, flags: u64): i32 {
  if ((flags & (VM_SPECIAL | VM_HUGETLB | VM_NOHUGEPAGE)) != 0) return -Errno.EINVAL;
  const size = huge_page_size(mm);
  const first = (vm_start(vma) + size - 1) & ~(size - 1);
  if (first + size > vm_end(vma)) return -Errno.EINVAL;
  if (vma_is_anonymous(vma)) return vm_anon_vma(vma) == AnonVma.NONE ? -Errno.EINVAL : 0;
  return (file_flags(vm_file(vma)) & FileFlag.SHMEM) != 0 ? 0 : -Errno.EINVAL;
}

/** R-MADV-13: punches a hole into a shared file mapping. */
function remove_answer(vma: usize, flags: u64): i32 {
  if ((flags & VM_LOCKED) != 0 || vm_file(vma) == 0) return -Errno.EINVAL;
  if ((flags & (VM_SHARED | VM_MAYWRITE)) != (VM_SHARED | VM_MAYWRITE)) return -Errno.EACCES;
  const file = file_flags(vm_file(vma));
  if ((file & FileFlag.HOOKED) != 0) return -Errno.ENODEV; // a device has no holes to punch
  return (file & FileFlag.SEAL_WRITE) != 0 ? -Errno.EPERM : 0;
}

/** R-MADV-15: marks the whole VMA, without a split, and gives it an identity. */
function install_guards(mm: usize, vma: usize, start: u64, end: u64): i32 {
  const flags = vm_flags(vma);
  if ((flags & (VM_SPECIAL | VM_HUGETLB | VM_LOCKED)) != 0) return -Errno.EINVAL;
  if (guard_reserve(mm, start, end, 1) != 0) return -Errno.ENOMEM;
  if (vma_is_anonymous(vma)) anon_vma_prepare(mm, vma); // not for files: tried on 6.18.44
  vma_start_write(vma, mm);
  set_vm_flags(vma, flags | VM_MAYBE_GUARD);
  guard_install(mm, start, end);
  return 0;
}

/** R-MADV-15: the mark on the VMA stays. */
function remove_guards(mm: usize, vma: usize, start: u64, end: u64): i32 {
  if ((vm_flags(vma) & (VM_SPECIAL | VM_HUGETLB)) != 0) return -Errno.EINVAL;
  if (guard_reserve(mm, start, end, 1) != 0) return -Errno.ENOMEM;
  guard_remove(mm, start, end);
  return 0;
}

/** MADV_POPULATE_READ and _WRITE: as if each page were read or written; stops at a hole. */
function madvise_populate(mm: usize, start: u64, end: u64, write: bool): i32 {
  let at = start;
  while (at < end) {
    const vma = find_vma(mm, at);
    if (vma == 0 || vm_start(vma) > at) return -Errno.ENOMEM;
    const flags = vm_flags(vma);
    if ((flags & (write ? VM_WRITE : VM_READ)) == 0) return -Errno.EINVAL;
    if ((flags & (VM_IO | VM_PFNMAP)) != 0) return -Errno.EINVAL;
    const to = vm_end(vma) < end ? vm_end(vma) : end;
    if (write && (flags & VM_SHARED) == 0) anon_vma_prepare(mm, vma);
    if (any_guard(mm, at, to)) return -Errno.EFAULT;
    if (page_missing(mm, vma, at, to)) return -Errno.EFAULT;
    at = to;
  }
  return 0;
}
