// brk(2): moves the end of the heap; any refusal leaves it where it was.
// Source: mm/mmap.c (brk), mm/vma.c (do_brk_flags); R-BRK-*.
//
// Context: mmap write lock. Floor: ops. Imports: base, mm, ops.

import { Mm } from "../base/layout";
import { mm_begin_change } from "../mm/change";
import { VM_ACCOUNT, VM_EXEC, VM_LOCKED, VM_MAY, VM_READ, VM_WRITE } from "../mm/flags";
import { page_shift, vm_end } from "../mm/vma";
import { MmFlag } from "../shared/abi";
import { MapFlag } from "../shared/flags";
import {
  account_locked,
  map_count,
  max_map_count,
  may_expand_vm,
  mlock_future_ok,
  vm_enough_memory,
  vm_stat_account,
} from "./account";
import { merge_new, set_candidate } from "./merge";
import { do_munmap } from "./munmap";
import { mm_has_flag } from "./policy";
import { populate } from "./populate";
import {
  find_vma,
  find_vma_intersection,
  page_align,
  page_size,
  prelock,
  vma_lookup,
} from "./range";
import { reserve } from "./reserve";
import { get_unmapped_area, vm_start_gap } from "./unmapped";

/** brk(2) under the write lock: the break afterwards (R-BRK-10), or -WOULD_BLOCK. */
export function brk_locked(mm: usize, address: u64): i64 {
  const start_brk = load<u64>(mm, Mm.START_BRK);
  const old = load<u64>(mm, Mm.BRK);
  if (address < start_brk) return <i64>old; // R-BRK-4
  const limit = load<u64>(mm, Mm.RLIMIT_DATA);
  if (address - start_brk + load<u64>(mm, Mm.DATA_SEGMENT) > limit) return <i64>old;
  const from = page_align(mm, old);
  const to = page_align(mm, address);
  if (to < address) return <i64>old; // beyond 2^64
  if (from == to) return set_brk(mm, address); // R-BRK-5
  const blocked = prelock(mm, from < to ? from : to, from < to ? to : from);
  if (blocked != 0) return blocked;
  if (address <= old) {
    // R-BRK-2, 8: something of the heap must be left to shrink.
    if (find_vma_intersection(mm, to, from) == 0) return <i64>old;
    return do_munmap(mm, to, from) == 0 ? set_brk(mm, address) : <i64>old;
  }
  if (!grow_heap(mm, from, to)) return <i64>old;
  set_brk(mm, address);
  if ((load<u64>(mm, Mm.DEF_FLAGS) & VM_LOCKED) != 0) populate(mm, from, to, true);
  return <i64>address;
}

function set_brk(mm: usize, address: u64): i64 {
  mm_begin_change(mm);
  store<u64>(mm, address, Mm.BRK);
  return <i64>address;
}

/** Maps [from, to) behind the heap; false: refused, nothing changed. */
function grow_heap(mm: usize, from: u64, to: u64): bool {
  let flags = VM_READ | VM_WRITE | VM_MAY | VM_ACCOUNT | load<u64>(mm, Mm.DEF_FLAGS);
  if (mm_has_flag(mm, MmFlag.READ_IMPLIES_EXEC)) flags |= VM_EXEC; // R-BRK-1
  const pages = (to - from) >> page_shift(mm);
  if (get_unmapped_area(mm, from, to - from, 0, MapFlag.FIXED, 0) < 0) return false; // TASK_SIZE, mmap_min_addr
  if (!mlock_future_ok(mm, flags, pages)) return false;
  const next = find_vma(mm, from);
  // R-BRK-3: one free page must remain, and a stack's guard gap.
  if (next != 0 && to + page_size(mm) > vm_start_gap(mm, next)) return false;
  if (!may_expand_vm(mm, flags, pages)) return false; // R-BRK-7
  if (map_count(mm) > max_map_count(mm)) return false;
  if (reserve(mm, 1, from, to, 1) != 0) return false;
  if (!vm_enough_memory(mm, <i64>pages)) return false;
  const c = set_candidate(from, to, flags, from >> page_shift(mm), 0);
  // Linux looks for the heap above start_brk: what ends there, before it, is never joined.
  const before = vma_lookup(mm, from - 1);
  const heap = before != 0 && vm_end(before) > load<u64>(mm, Mm.START_BRK) ? before : 0;
  merge_new(mm, c, heap, 0); // R-MERGE-31: never with the next
  vm_stat_account(mm, flags, <i64>pages);
  if ((flags & VM_LOCKED) != 0) account_locked(mm, <i64>pages);
  return true;
}
