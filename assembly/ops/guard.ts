// Guard pages (MADV_GUARD_INSTALL): which pages answer every access with SIGSEGV.
// Source: mm/madvise.c; R-MADV-15..19.
//
// A tree of its own per mm, of page ranges with the entry PRESENT. Guards belong to the
// pages: they go with munmap, follow mremap, are copied by fork, and outlive MADV_DONTNEED.
//
// Invariants
//   U1  a guard page lies in a VMA with MAYBE_GUARD (not the other way round).
//   U2  the tree is read and written under the mmap lock only: a fault that holds just a
//       per-VMA lock leaves VMAs with MAYBE_GUARD to the mmap lock.
//
// Context: mmap lock; write to change. Floor: ops. Imports: base, maple, mm.

import { journal_word } from "../alloc/journal";
import { Mm } from "../base/layout";
import { seat_scratch } from "../base/worker";
import { mt_dup, mt_find, mt_range, mt_reserve, mt_store } from "../maple/tree";
import { page_shift } from "../mm/vma";

const PRESENT: u32 = 1;

/** False while the mm has never had a guard page: the rest of the core then pays one load. */
export function has_guards(mm: usize): bool {
  return load<u32>(mm, Mm.GUARDED) != 0;
}

/** True if a page of [start, end) is a guard. */
export function any_guard(mm: usize, start: u64, end: u64): bool {
  if (!has_guards(mm)) return false;
  const shift = page_shift(mm);
  return mt_find(mm + Mm.GUARDS, start >> shift, (end + (((<u64>1) << shift) - 1)) >> shift) != 0;
}

/** Room for `stores` changes in [start, end), beside as many of the VMA tree; 0 or -ENOMEM. */
export function guard_reserve(mm: usize, start: u64, end: u64, stores: u32): i32 {
  const shift = page_shift(mm);
  return mt_reserve(mm + Mm.GUARDS, start >> shift, end >> shift, stores);
}

/** Reserved by the caller. */
export function guard_install(mm: usize, start: u64, end: u64): void {
  const shift = page_shift(mm);
  if (!has_guards(mm)) {
    journal_word(mm + Mm.GUARDED);
    store<u32>(mm, 1, Mm.GUARDED);
  }
  mt_store(mm + Mm.GUARDS, start >> shift, end >> shift, PRESENT);
}

/** Reserved by the caller. */
export function guard_remove(mm: usize, start: u64, end: u64): void {
  if (!any_guard(mm, start, end)) return;
  const shift = page_shift(mm);
  mt_store(mm + Mm.GUARDS, start >> shift, end >> shift, 0);
}

/** Ranges of guard pages in [start, end): what guard_move has to store. */
export function guard_ranges(mm: usize, start: u64, end: u64): u32 {
  if (!has_guards(mm)) return 0;
  const shift = page_shift(mm);
  const limit = end >> shift;
  let n: u32 = 0;
  let page = start >> shift;
  while (page < limit && mt_find(mm + Mm.GUARDS, page, limit) != 0) {
    page = guard_range_end(mm, page, limit);
    n++;
  }
  return n;
}

/** Moves the guards of [from, from+length) to `to`, where there are none. Reserved by the caller. */
export function guard_move(mm: usize, from: u64, to: u64, length: u64): void {
  if (!any_guard(mm, from, from + length)) return;
  const shift = page_shift(mm);
  const limit = (from + length) >> shift;
  let page = from >> shift;
  while (page < limit && mt_find(mm + Mm.GUARDS, page, limit) != 0) {
    const end = guard_range_end(mm, page, limit);
    const start = guard_range_start(mm, page);
    const begin = start > page ? start : page;
    const target = (to >> shift) + begin - (from >> shift);
    mt_store(mm + Mm.GUARDS, target, target + (end - begin), PRESENT);
    page = end;
  }
  mt_store(mm + Mm.GUARDS, from >> shift, limit, 0);
}

/** The child of a fork starts with the parent's guards; -ENOMEM or 0. */
export function guard_copy(child: usize, mm: usize): i32 {
  if (!has_guards(mm)) return 0;
  store<u32>(child, 1, Mm.GUARDED);
  return mt_dup(child + Mm.GUARDS, mm + Mm.GUARDS);
}

/** Where mt_range answers: behind what callers keep in scratch. */
const RANGE_OUT: usize = 96;

/** End (pages, at most `limit`) of the first guard range at or after `page`; there is one. */
function guard_range_end(mm: usize, page: u64, limit: u64): u64 {
  const out = seat_scratch() + RANGE_OUT;
  if (mt_range(mm + Mm.GUARDS, page, out) == 0) mt_range(mm + Mm.GUARDS, load<u64>(out + 8), out);
  const end = load<u64>(out + 8);
  return end < limit ? end : limit;
}

/** Start of that range. */
function guard_range_start(mm: usize, page: u64): u64 {
  const out = seat_scratch() + RANGE_OUT;
  if (mt_range(mm + Mm.GUARDS, page, out) == 0) mt_range(mm + Mm.GUARDS, load<u64>(out + 8), out);
  return load<u64>(out);
}
