// mprotect(2): VMA by VMA; what was changed before a refusal stays.
// Source: mm/mprotect.c; R-PROT-*, R-ACCT-3..5.
//
// Context: mmap write lock. Floor: ops. Imports: mm, ops.

import { AnonVma } from "../base/layout";
import {
  prot_to_vm,
  VM_ACCESS,
  VM_ACCOUNT,
  VM_EXEC,
  VM_GROWSDOWN,
  VM_HUGETLB,
  VM_LOCKED,
  VM_MAYEXEC,
  VM_NORESERVE,
  VM_READ,
  VM_SEALED,
  VM_SHARED,
  VM_WRITE,
} from "../mm/flags";
import { page_shift, vm_anon_vma, vm_end, vm_flags, vm_start, vma_is_anonymous } from "../mm/vma";
import { MmFlag } from "../shared/abi";
import { Errno } from "../shared/errno";
import { ProtBit } from "../shared/flags";
import { may_expand_vm, vm_enough_memory, vm_stat_account, vm_unacct_memory } from "./account";
import { vma_modify } from "./modify";
import { denies_write_exec, mm_has_flag } from "./policy";
import { populate_vma } from "./populate";
import { find_vma, find_vma_intersection, is_page_aligned, page_align, prelock } from "./range";

/** MAYREAD, MAYWRITE, MAYEXEC stand this many bits above READ, WRITE, EXEC. */
const MAY_SHIFT: u64 = 4;

/** mprotect(2) under the write lock. */
export function mprotect_locked(mm: usize, start: u64, length: u64, prot: u32): i32 {
  const grows = prot & (ProtBit.GROWSDOWN | ProtBit.GROWSUP);
  prot &= ~(ProtBit.GROWSDOWN | ProtBit.GROWSUP);
  if (grows == (ProtBit.GROWSDOWN | ProtBit.GROWSUP)) return -Errno.EINVAL; // R-PROT-17
  if (!is_page_aligned(mm, start)) return -Errno.EINVAL; // R-PROT-15
  if (length == 0) return 0; // R-PROT-14
  const end = start + page_align(mm, length);
  if (end <= start) return -Errno.ENOMEM; // R-PROT-20
  if ((prot & ~(ProtBit.READ | ProtBit.WRITE | ProtBit.EXEC | ProtBit.SEM)) != 0)
    return -Errno.EINVAL; // R-PROT-16
  const first = find_vma_intersection(mm, start, end);
  if (first == 0) return -Errno.ENOMEM; // R-PROT-12
  if (grows == ProtBit.GROWSDOWN) {
    start = vm_start(first); // R-PROT-19, 27
    if ((vm_flags(first) & VM_GROWSDOWN) == 0) return -Errno.EINVAL;
  } else {
    if (vm_start(first) > start) return -Errno.ENOMEM;
    if (grows == ProtBit.GROWSUP) return -Errno.EINVAL; // no VMA grows up on x86
  }
  const blocked = prelock(mm, start, end);
  return blocked != 0 ? blocked : protect_range(mm, first, start, end, prot_to_vm(prot));
}

/** R-PROT-11, 13, 21: from `first`, which contains `start`, on; stops at the first problem. */
function protect_range(mm: usize, first: usize, start: u64, end: u64, access: u64): i32 {
  const implies_exec = mm_has_flag(mm, MmFlag.READ_IMPLIES_EXEC) && (access & VM_READ) != 0;
  let at = start;
  let vma = first;
  while (true) {
    if (vma == 0 || vm_start(vma) > at) return -Errno.ENOMEM;
    const old = vm_flags(vma);
    let flags = (old & ~VM_ACCESS) | access;
    if (implies_exec && (old & VM_MAYEXEC) != 0) flags |= VM_EXEC; // R-PERS-1
    if ((flags & ~(flags >> MAY_SHIFT) & VM_ACCESS) != 0) return -Errno.EACCES;
    if (denies_write_exec(mm, old, flags)) return -Errno.EACCES; // R-MDWE-2, 3
    const to = vm_end(vma) < end ? vm_end(vma) : end;
    const failed = mprotect_fixup(mm, vma, at, to, flags);
    if (failed != 0) return failed;
    if (to == end) return 0;
    at = to;
    vma = find_vma(mm, at);
  }
}

/** Gives [start, end) of one VMA new flags, with the accounting that goes with them. */
function mprotect_fixup(mm: usize, vma: usize, start: u64, end: u64, flags: u64): i32 {
  const old = vm_flags(vma);
  if ((old & VM_SEALED) != 0) return -Errno.EPERM; // R-SEAL-3: even if nothing would change
  if (flags == old) return 0; // R-PROT-9
  const pages = (end - start) >> page_shift(mm);
  let charged: i64 = 0;
  if ((flags & VM_WRITE) != 0) {
    if (!may_expand_vm(mm, flags, pages) && may_expand_vm(mm, old, pages)) return -Errno.ENOMEM;
    if ((old & (VM_ACCOUNT | VM_WRITE | VM_HUGETLB | VM_SHARED | VM_NORESERVE)) == 0) {
      if (!vm_enough_memory(mm, <i64>pages)) return -Errno.ENOMEM;
      charged = <i64>pages;
      flags |= VM_ACCOUNT;
    }
  } else if ((old & VM_ACCOUNT) != 0 && vma_is_anonymous(vma) && vm_anon_vma(vma) == AnonVma.NONE) {
    flags &= ~VM_ACCOUNT; // R-ACCT-3
  }
  const target = vma_modify(mm, vma, start, end, flags);
  if (target < 0) {
    vm_unacct_memory(mm, charged);
    return target;
  }
  if ((old & VM_ACCOUNT) != 0 && (flags & VM_ACCOUNT) == 0) vm_unacct_memory(mm, <i64>pages);
  if ((old & (VM_WRITE | VM_SHARED | VM_LOCKED)) == VM_LOCKED && (flags & VM_WRITE) != 0) {
    populate_vma(mm, <usize>target, start, end); // FORMAT rule 4: a locked page made writable is written
  }
  vm_stat_account(mm, old, -(<i64>pages));
  vm_stat_account(mm, flags, <i64>pages);
  return 0;
}
