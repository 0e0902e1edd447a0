// A page fault as far as VMAs are concerned: which VMA answers, may it, does the stack grow.
// Source: arch/x86/mm/fault.c, mm/memory.c, mm/vma.c (expand_downwards); R-STACK-*, R-AV-20.
//
//   per-VMA lock ──▶ allowed, nothing to prepare: served
//        │ no VMA, contended, identity needed
//        ▼
//   mmap read lock ──▶ served          ──▶ below a stack: mmap write lock, find again, grow
//
// Context: no lock held (handle_mm_fault), or the mmap lock (…_locked: no growth under read).
// Floor: ops. Imports: base, mm, ops.

import { AnonVma, Mm } from "../base/layout";
import { count } from "../base/worker";
import {
  VM_ACCESS,
  VM_ACCOUNT,
  VM_EXEC,
  VM_GROWSDOWN,
  VM_LOCKED,
  VM_MAYBE_GUARD,
  VM_SHARED,
  VM_WRITE,
} from "../mm/flags";
import { mmap_read_unlock, mmap_write_unlock } from "../mm/mmap_lock";
import { mmap_read_lock, mmap_write_lock } from "../mm/mmap_wait";
import {
  page_shift,
  set_vm_pgoff,
  set_vm_start,
  vm_anon_vma,
  vm_end,
  vm_flags,
  vm_pgoff,
  vm_start,
} from "../mm/vma";
import { lock_vma_under_rcu, vma_end_read, vma_start_write } from "../mm/vma_lock";
import { Access, Counter, Fault } from "../shared/abi";
import {
  account_locked,
  may_expand_vm,
  mlock_future_ok,
  vm_enough_memory,
  vm_stat_account,
} from "./account";
import { any_guard } from "./guard";
import { tree_store } from "./merge";
import { anon_vma_prepare, page_missing } from "./populate";
import { find_vma, page_align_down, prelock, vma_prev } from "./range";
import { reserve } from "./reserve";

/** Takes the locks itself. Fault outcome | how, or -WOULD_BLOCK. */
export function handle_mm_fault(mm: usize, address: u64, access: u32): i32 {
  count(Counter.FAULT);
  const vma = lock_vma_under_rcu(mm, address);
  if (vma != 0) {
    const guarded = (vm_flags(vma) & VM_MAYBE_GUARD) != 0; // U2: the mmap lock's business
    const outcome = guarded ? Fault.OK : vma_outcome(mm, vma, address, access);
    // An identity needs neighbours, and those only the mmap lock holds still (upstream race 5).
    const prepare = outcome != Fault.SEGV_ACCERR && needs_anon_vma(vma, access);
    vma_end_read(vma);
    if (!prepare && !guarded) {
      count(Counter.FAULT_VMA_LOCK);
      return outcome;
    }
  }
  count(Counter.FAULT_MMAP_LOCK);
  const blocked = mmap_read_lock(mm);
  if (blocked != 0) return blocked;
  const found = find_vma(mm, address);
  const below_stack =
    found != 0 && vm_start(found) > address && (vm_flags(found) & VM_GROWSDOWN) != 0;
  if (!below_stack) {
    const outcome = fault_in(mm, found, address, access);
    mmap_read_unlock(mm);
    return outcome | Fault.VIA_MMAP_LOCK;
  }
  mmap_read_unlock(mm);
  return fault_growing_stack(mm, address, access);
}

/** R-STACK-14: growth needs the write lock; what was found under the read lock is found anew. */
function fault_growing_stack(mm: usize, address: u64, access: u32): i32 {
  const blocked = mmap_write_lock(mm);
  if (blocked != 0) return blocked;
  const outcome = handle_mm_fault_locked(mm, address, access);
  mmap_write_unlock(mm);
  return outcome;
}

/** Under the mmap write lock: may grow a stack. */
export function handle_mm_fault_locked(mm: usize, address: u64, access: u32): i32 {
  const vma = find_vma(mm, address);
  let how = Fault.VIA_MMAP_LOCK;
  if (vma != 0 && vm_start(vma) > address) {
    if ((vm_flags(vma) & VM_GROWSDOWN) == 0) return Fault.SEGV_MAPERR | how;
    const blocked = prelock(mm, address, vm_start(vma));
    if (blocked != 0) return blocked;
    if (!expand_downwards(mm, vma, address)) return Fault.SEGV_MAPERR | how;
    how = Fault.VIA_MMAP_LOCK | Fault.GREW_STACK;
  }
  return fault_in(mm, vma, address, access) | how;
}

/** Context: mmap lock. */
function fault_in(mm: usize, vma: usize, address: u64, access: u32): i32 {
  if (vma == 0 || vm_start(vma) > address) return Fault.SEGV_MAPERR;
  const outcome = vma_outcome(mm, vma, address, access);
  // The identity is made before the page is looked for: a SIGBUS keeps it.
  if (outcome != Fault.SEGV_ACCERR && needs_anon_vma(vma, access)) anon_vma_prepare(mm, vma);
  return outcome;
}

function needs_anon_vma(vma: usize, access: u32): bool {
  const flags = vm_flags(vma);
  return access == Access.WRITE && (flags & VM_SHARED) == 0 && vm_anon_vma(vma) == AnonVma.NONE;
}

/** access_error and the end of the file. Context: a lock that holds the VMA still. */
function vma_outcome(mm: usize, vma: usize, address: u64, access: u32): i32 {
  const flags = vm_flags(vma);
  const wanted: u64 =
    access == Access.WRITE ? VM_WRITE : access == Access.EXEC ? VM_EXEC : VM_ACCESS;
  if ((flags & wanted) == 0) return Fault.SEGV_ACCERR;
  if ((flags & VM_MAYBE_GUARD) != 0 && any_guard(mm, address, address + 1))
    return Fault.SEGV_MAPERR; // R-MADV-18
  return page_missing(mm, vma, address, address + 1) ? Fault.BUS_ADRERR : Fault.OK;
}

/** Grows a GROWSDOWN VMA down to the page of `address`; false: refused, no range changed. */
export function expand_downwards(mm: usize, vma: usize, address: u64): bool {
  const shift = page_shift(mm);
  const start = page_align_down(mm, address);
  if (start < load<u64>(mm, Mm.MMAP_MIN_ADDR)) return false; // R-STACK-12
  const prev = vma_prev(mm, vma);
  if (prev != 0 && (vm_flags(prev) & VM_GROWSDOWN) == 0 && (vm_flags(prev) & VM_ACCESS) != 0) {
    const gap = (<u64>load<u32>(mm, Mm.STACK_GUARD_GAP)) << shift;
    if (start - vm_end(prev) < gap) return false; // R-STACK-3, 4
  }
  anon_vma_prepare(mm, vma); // R-STACK-10: even for a read, even if growth is refused below
  const flags = vm_flags(vma);
  const pages = (vm_start(vma) - start) >> shift;
  if (pages > vm_pgoff(vma)) return false;
  if (!may_expand_vm(mm, flags, pages)) return false;
  if (vm_end(vma) - start > load<u64>(mm, Mm.RLIMIT_STACK)) return false; // R-STACK-9
  if (!mlock_future_ok(mm, flags, pages)) return false;
  if (reserve(mm, 0, start, vm_start(vma), 1) != 0) return false;
  if ((flags & VM_ACCOUNT) != 0 && !vm_enough_memory(mm, <i64>pages)) return false;
  vma_start_write(vma, mm);
  set_vm_pgoff(vma, vm_pgoff(vma) - pages);
  set_vm_start(vma, start);
  tree_store(mm, start, vm_end(vma), vma); // R-STACK-13: no merge
  vm_stat_account(mm, flags, <i64>pages);
  if ((flags & VM_LOCKED) != 0) account_locked(mm, <i64>pages);
  return true;
}
