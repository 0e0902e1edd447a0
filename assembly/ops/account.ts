// Counters and limits of an mm: what each call checks before it changes, and updates after.
// Source: mm/mmap.c, mm/util.c; R-LIM-10, R-ACCT-20..22, R-BASE-6.
//
// Invariants (checked by ops/validate.ts)
//   total_vm is the sum of all VMAs' pages; exec_vm, stack_vm and data_vm partition
//   those that count (R-BASE-6); locked_vm sums LOCKED VMAs apart from the drift of
//   mremap (R-REMAP-63); commit sums ACCOUNT VMAs.
//
// All pages, u64. Context: mmap write lock. Floor: ops. Imports: base, mm.

import { Cap, Mm } from "../base/layout";
import { mm_begin_change } from "../mm/change";
import { is_data_mapping, is_exec_mapping, is_stack_mapping, VM_LOCKED } from "../mm/flags";
import { page_shift } from "../mm/vma";

export const enum Overcommit {
  HEURISTIC = 0,
  ALWAYS = 1,
  NEVER = 2,
}

function add(mm: usize, offset: usize, pages: i64): void {
  mm_begin_change(mm);
  store<u64>(mm + offset, load<u64>(mm + offset) + <u64>pages);
}

/** vm_stat_account: `pages` (negative: fewer) of a mapping with `flags`. */
export function vm_stat_account(mm: usize, flags: u64, pages: i64): void {
  add(mm, Mm.TOTAL_VM, pages);
  if (is_exec_mapping(flags)) add(mm, Mm.EXEC_VM, pages);
  else if (is_stack_mapping(flags)) add(mm, Mm.STACK_VM, pages);
  else if (is_data_mapping(flags)) add(mm, Mm.DATA_VM, pages);
}

export function account_locked(mm: usize, pages: i64): void {
  add(mm, Mm.LOCKED_VM, pages);
}

export function account_map_count(mm: usize, n: i32): void {
  store<u32>(mm, load<u32>(mm, Mm.MAP_COUNT) + n, Mm.MAP_COUNT);
}

export function map_count(mm: usize): u32 {
  return load<u32>(mm, Mm.MAP_COUNT);
}

export function max_map_count(mm: usize): u32 {
  return load<u32>(mm, Mm.MAX_MAP_COUNT);
}

function limit_pages(mm: usize, offset: usize): u64 {
  return load<u64>(mm + offset) >> page_shift(mm);
}

/** may_expand_vm: RLIMIT_AS, and RLIMIT_DATA for data mappings (R-LIM-10). */
export function may_expand_vm(mm: usize, flags: u64, pages: u64): bool {
  if (load<u64>(mm, Mm.TOTAL_VM) + pages > limit_pages(mm, Mm.RLIMIT_AS)) return false;
  if (!is_data_mapping(flags)) return true;
  const limit = load<u64>(mm, Mm.RLIMIT_DATA);
  // A limit of 0 lets through what the hard limit allows (for Valgrind); we have no hard limit.
  if (limit == 0) return true;
  return load<u64>(mm, Mm.DATA_VM) + pages <= limit_pages(mm, Mm.RLIMIT_DATA);
}

function has_ipc_lock(mm: usize): bool {
  return (load<u32>(mm, Mm.CAPS) & Cap.IPC_LOCK) != 0;
}

/** can_do_mlock: not when RLIMIT_MEMLOCK is 0 without CAP_IPC_LOCK. */
export function can_do_mlock(mm: usize): bool {
  return load<u64>(mm, Mm.RLIMIT_MEMLOCK) != 0 || has_ipc_lock(mm);
}

/** May `pages` more be locked? */
export function memlock_fits(mm: usize, pages: u64): bool {
  return (
    has_ipc_lock(mm) || load<u64>(mm, Mm.LOCKED_VM) + pages <= limit_pages(mm, Mm.RLIMIT_MEMLOCK)
  );
}

/** May all of total_vm be locked (mlockall)? */
export function memlock_fits_all(mm: usize): bool {
  return has_ipc_lock(mm) || load<u64>(mm, Mm.TOTAL_VM) <= limit_pages(mm, Mm.RLIMIT_MEMLOCK);
}

/** mlock_future_ok: a new mapping with `flags`. */
export function mlock_future_ok(mm: usize, flags: u64, pages: u64): bool {
  return (flags & VM_LOCKED) == 0 || memlock_fits(mm, pages);
}

/** Charges committed memory (R-ACCT-21); false: refused, nothing charged. */
export function vm_enough_memory(mm: usize, pages: i64): bool {
  const mode = load<u32>(mm, Mm.OVERCOMMIT);
  const ram = load<u64>(mm, Mm.TOTALRAM_PAGES);
  if (pages > 0) {
    if (mode == Overcommit.HEURISTIC && <u64>pages > ram) return false;
    // The kernel's default overcommit_ratio is 50 %.
    if (mode == Overcommit.NEVER && load<u64>(mm, Mm.COMMIT) + <u64>pages > ram / 2) return false;
  }
  add(mm, Mm.COMMIT, pages);
  return true;
}

export function vm_unacct_memory(mm: usize, pages: i64): void {
  add(mm, Mm.COMMIT, -pages);
}
