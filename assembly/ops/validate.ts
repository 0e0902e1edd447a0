// validate_mm: tree, VMA fields, counters and locks of one mm against each other.
//
// Checks R-INV-1..7: the tree's own invariants; every VMA attached, of this mm, page
// aligned, in order, disjoint; map_count; total_vm and its partition; commit.
// locked_vm may exceed the sum of LOCKED VMAs (R-REMAP-63), never fall short of it.
// Writes the address (or the counter's value) at fault to `where`.
//
// Context: mmap write lock, so that nothing moves meanwhile.
// Floor: ops. Imports: base, alloc, maple, mm, ops.

import { slab_owns } from "../alloc/slab";
import { Mm, Vma } from "../base/layout";
import { seat_scratch } from "../base/worker";
import { mt_find, mt_load, mt_range, mt_validate } from "../maple/tree";
import {
  is_data_mapping,
  is_exec_mapping,
  is_stack_mapping,
  VM_ACCOUNT,
  VM_LOCKED,
  VM_MIXEDMAP,
} from "../mm/flags";
import { NO_PAGE, pages_next } from "../mm/pages";
import { page_shift, vm_end, vm_flags, vm_start, vma_pages } from "../mm/vma";
import { vma_is_attached } from "../mm/vma_mark";
import { Invariant, SlabKind } from "../shared/abi";
import { map_count } from "./account";
import { is_page_aligned, task_size } from "./range";

/** 0 when sound, else an Invariant. */
export function mm_validate_locked(mm: usize, where: usize): i32 {
  store<f64>(where, 0);
  const tree = mt_validate(mm + Mm.TREE);
  if (tree != 0) return tree;
  const guards = mt_validate(mm + Mm.GUARDS);
  if (guards != 0) return guards;
  if (load<u32>(mm, Mm.USERS) != 0 && load<u32>(mm, Mm.COUNT) == 0) return Invariant.REFCOUNT; // R-LOCK-5
  const shift = page_shift(mm);
  const limit = task_size(mm) >> shift;
  let n: u32 = 0;
  let total: u64 = 0;
  let exec: u64 = 0;
  let stack: u64 = 0;
  let data: u64 = 0;
  let locked: u64 = 0;
  let commit: u64 = 0;
  let page: u64 = 0;
  while (true) {
    const vma = <usize>mt_find(mm + Mm.TREE, page, limit);
    if (vma == 0) break;
    const bad = vma_validate(mm, vma, page << shift);
    if (bad != 0) {
      store<f64>(where, <f64>(page << shift));
      return bad;
    }
    const flags = vm_flags(vma);
    const pages = vma_pages(vma, shift);
    n++;
    total += pages;
    if (is_exec_mapping(flags)) exec += pages;
    else if (is_stack_mapping(flags)) stack += pages;
    else if (is_data_mapping(flags)) data += pages;
    if ((flags & VM_LOCKED) != 0) locked += pages;
    if ((flags & VM_ACCOUNT) != 0) commit += pages;
    page = vm_end(vma) >> shift;
  }
  const stray = page_outside(mm, limit);
  if (stray != NO_PAGE) return expected(where, stray << shift, Invariant.PAGE_OUTSIDE);
  if (n != map_count(mm)) return expected(where, n, Invariant.MAP_COUNT);
  if (total != load<u64>(mm, Mm.TOTAL_VM)) return expected(where, total, Invariant.TOTAL_VM);
  if (exec != load<u64>(mm, Mm.EXEC_VM)) return expected(where, exec, Invariant.EXEC_VM);
  if (stack != load<u64>(mm, Mm.STACK_VM)) return expected(where, stack, Invariant.STACK_VM);
  if (data != load<u64>(mm, Mm.DATA_VM)) return expected(where, data, Invariant.DATA_VM);
  if (locked > load<u64>(mm, Mm.LOCKED_VM)) return expected(where, locked, Invariant.LOCKED_VM);
  if (commit != load<u64>(mm, Mm.COMMIT)) return expected(where, commit, Invariant.COMMIT);
  return Invariant.SOUND;
}

/** P1: the first page that lies in no VM_MIXEDMAP mapping; NO_PAGE. */
function page_outside(mm: usize, limit: u64): u64 {
  let n = pages_next(mm, 0, limit);
  while (n != NO_PAGE) {
    const vma = <usize>mt_load(mm + Mm.TREE, n);
    if (vma == 0 || (vm_flags(vma) & VM_MIXEDMAP) == 0) return n;
    n = pages_next(mm, n + 1, limit);
  }
  return NO_PAGE;
}

function expected(where: usize, value: u64, code: i32): i32 {
  store<f64>(where, <f64>value);
  return code;
}

/** One VMA found in the tree at or after `from`. */
function vma_validate(mm: usize, vma: usize, from: u64): i32 {
  if (!slab_owns(SlabKind.VMA, vma)) return Invariant.VMA_RANGE;
  if (load<u32>(vma, Vma.MM) != <u32>mm) return Invariant.VMA_MM;
  if (!vma_is_attached(vma)) return Invariant.VMA_DETACHED; // R-INV-3
  const start = vm_start(vma);
  const end = vm_end(vma);
  if (start < from || start >= end || end > task_size(mm)) return Invariant.VMA_ORDER; // R-INV-1
  if (!is_page_aligned(mm, start) || !is_page_aligned(mm, end)) return Invariant.VMA_RANGE;
  // R-INV-2: the tree's range is the VMA's.
  const out = seat_scratch() + RANGE_OUT;
  const shift = page_shift(mm);
  if (mt_range(mm + Mm.TREE, start >> shift, out) != <u32>vma) return Invariant.VMA_RANGE;
  if (load<u64>(out) != start >> shift || load<u64>(out + 8) != end >> shift)
    return Invariant.VMA_RANGE;
  return 0;
}

/** Where in scratch mt_range's answer goes: behind `where`. */
const RANGE_OUT: usize = 64;
