// Arguments every call checks: page rounding, and the iteration over the VMAs of a range.
//
// Addresses and lengths are u64 bytes; sums wrap modulo 2^64 as in C, and callers
// test for that where Linux does. Floor: ops. Imports: base, maple, mm.

import { Mm } from "../base/layout";
import { may_block } from "../base/worker";
import { mt_find, mt_prev, Walk } from "../maple/tree";
import { page_shift, vm_end, vm_start } from "../mm/vma";
import { vma_start_write } from "../mm/vma_lock";

export function page_size(mm: usize): u64 {
  return (<u64>1) << page_shift(mm);
}

/** Rounded up to pages; 0 if that passes 2^64. */
export function page_align(mm: usize, length: u64): u64 {
  const mask = page_size(mm) - 1;
  return (length + mask) & ~mask;
}

export function page_align_down(mm: usize, address: u64): u64 {
  return address & ~(page_size(mm) - 1);
}

export function is_page_aligned(mm: usize, address: u64): bool {
  return (address & (page_size(mm) - 1)) == 0;
}

export function task_size(mm: usize): u64 {
  return load<u64>(mm, Mm.TASK_SIZE);
}

/** find_vma: the first VMA that ends above `address`; 0 none. Context: mmap lock. */
export function find_vma(mm: usize, address: u64): usize {
  const shift = page_shift(mm);
  const limit = task_size(mm) >> shift;
  const page = address >> shift;
  return page >= limit ? 0 : <usize>mt_find(mm + Mm.TREE, page, limit);
}

/** vma_lookup: the VMA containing `address`; 0 none. Context: mmap lock. */
export function vma_lookup(mm: usize, address: u64): usize {
  // One VMA is one range of the tree, so what the walk finds contains the address.
  return <usize>Walk.load(mm + Mm.TREE, address >> page_shift(mm));
}

/** The last VMA that begins below `address`; 0 none. Context: mmap lock. */
export function find_vma_prev(mm: usize, address: u64): usize {
  const shift = page_shift(mm);
  const limit = task_size(mm) >> shift;
  const page = address >> shift;
  return <usize>mt_prev(mm + Mm.TREE, page > limit ? limit : page);
}

/** The VMA after `vma`; 0 none. Context: mmap lock. */
export function vma_next(mm: usize, vma: usize): usize {
  return find_vma(mm, vm_end(vma));
}

export function vma_prev(mm: usize, vma: usize): usize {
  return find_vma_prev(mm, vm_start(vma));
}

/** The first VMA that intersects [start, end); 0 none. Context: mmap lock. */
export function find_vma_intersection(mm: usize, start: u64, end: u64): usize {
  const vma = find_vma(mm, start);
  return vma != 0 && vm_start(vma) < end ? vma : 0;
}

/**
 * On a thread that may not wait: write-locks every VMA that [start, end) and its
 * neighbours touch before anything is changed, so that no later step has to wait.
 * 0, or -WOULD_BLOCK with nothing changed. Context: mmap write lock.
 */
export function prelock(mm: usize, start: u64, end: u64): i32 {
  if (may_block()) return 0;
  let vma = find_vma_prev(mm, start);
  if (vma == 0 || vm_end(vma) < start) vma = find_vma(mm, start); // apart: no merge can reach it
  while (vma != 0 && vm_start(vma) <= end) {
    const blocked = vma_start_write(vma, mm);
    if (blocked != 0) return blocked;
    vma = vma_next(mm, vma);
  }
  return 0;
}
