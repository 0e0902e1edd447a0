// Memory before change: what an operation needs at most is in this worker's hands
// before it touches anything, so that it cannot fail half-way.
//
// Context: mmap write lock. Floor: ops. Imports: alloc, maple, mm, ops/range.

import { slab_reserve } from "../alloc/slab";
import { Mm } from "../base/layout";
import { mt_reserve } from "../maple/tree";
import { page_shift, vm_end, vm_start } from "../mm/vma";
import { SlabKind } from "../shared/abi";
import { Errno } from "../shared/errno";
import { guard_reserve, has_guards } from "./guard";
import { find_vma, task_size } from "./range";

/**
 * Room for `vmas` new VMAs and `stores` tree stores in [start, end) bytes and in the VMAs
 * that touch it: a cut or a merge stores up to their far ends. 0 or -ENOMEM.
 */
export function reserve(mm: usize, vmas: u32, start: u64, end: u64, stores: u32): i32 {
  const failed = slab_reserve(SlabKind.VMA, vmas);
  if (failed != 0) return failed;
  const shift = page_shift(mm);
  const page: u64 = (<u64>1) << shift;
  if (load<u32>(mm, Mm.CROSSED) != 0) {
    const before = find_vma(mm, start == 0 ? 0 : start - 1);
    if (before != 0 && vm_start(before) < start) start = vm_start(before);
    const after = find_vma(mm, end);
    if (after != 0 && vm_start(after) <= end) end = vm_end(after);
  } else {
    // Every VMA lies within one region, so the neighbouring pages name the regions of all
    // that may be stored: two look-ups saved.
    start -= start >= page ? page : 0;
    end += end < task_size(mm) ? page : 0;
  }
  end = (end + (((<u64>1) << shift) - 1)) & ~(((<u64>1) << shift) - 1);
  // Both trees draw on one magazine: twice the need of each covers the sum of both.
  if (has_guards(mm)) {
    stores *= 2;
    if (guard_reserve(mm, start, end, stores) != 0) return -Errno.ENOMEM;
  }
  return mt_reserve(mm + Mm.TREE, start >> shift, end >> shift, stores);
}
