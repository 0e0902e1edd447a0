// Which VMAs may become one, and the two ways a range joins its neighbours.
// Source: mm/vma.c; rules R-MERGE-*, R-AV-*, R-PROT-1..8.
//
//        prev         candidate        next
//   ┌────────────┐┌ ─ ─ ─ ─ ─ ─ ┐┌────────────┐    merge_new:     a range without a VMA yet
//   └────────────┘└ ─ ─ ─ ─ ─ ─ ┘└────────────┘    merge_modified: part of a VMA, new flags
//
// The candidate is a record in this worker's seat with the fields of a VMA. One
// function, why_not_mergeable, decides for all callers and can say why not.
//
// Invariants
//   G1  a merge is tried only for the range being changed (no call tidies others).
//   G2  every VMA that grows, shrinks or goes is write-locked before its first field
//       changes; the tree is stored once, over the whole range that changes owner.
//   G3  nothing here can fail after the first change: callers reserve (ops/reserve.ts).
//
// Context: mmap write lock. Floor: ops. Imports: base, maple, mm, ops/range, ops/account.

import { journal_word } from "../alloc/journal";
import { AnonVma, Mm, Region, Seat, Vma } from "../base/layout";
import { this_seat } from "../base/worker";
import { mt_store } from "../maple/tree";
import { mm_begin_change } from "../mm/change";
import { VM_SPECIAL, VM_STICKY } from "../mm/flags";
import { vma_names_equal } from "../mm/name";
import {
  page_shift,
  set_vm_anon_vma,
  set_vm_end,
  set_vm_flags,
  set_vm_pgoff,
  set_vm_start,
  vm_anon_vma,
  vm_end,
  vm_file,
  vm_flags,
  vm_pgoff,
  vm_start,
  vma_alloc,
  vma_fill,
  vma_free,
  vma_pages,
} from "../mm/vma";
import { vma_start_write } from "../mm/vma_lock";
import { vma_mark_attached, vma_mark_detached } from "../mm/vma_mark";
import { account_map_count } from "./account";
import { vma_lookup } from "./range";

/** Why two neighbours are not one, as bits; `whyApart` puts them into words. */
export const enum Apart {
  NOTHING = 0,
  NOT_ADJACENT = 1,
  FLAGS = 2,
  /** One has a bit of VM_SPECIAL (R-MERGE-10). */
  SPECIAL = 4,
  FILE = 8,
  PGOFF = 16,
  ANON_VMA = 32,
  ANON_NAME = 64,
}

/** The record of the range this worker is about to map or change. */
export function candidate(): usize {
  return this_seat() + Seat.CANDIDATE;
}

/** Fills the candidate for a new range. Anonymous: file 0. */
export function set_candidate(start: u64, end: u64, flags: u64, pgoff: u64, file: u32): usize {
  const c = candidate();
  store<u64>(c, start, Vma.START);
  store<u64>(c, end, Vma.END);
  store<u64>(c, flags, Vma.FLAGS);
  store<u64>(c, pgoff, Vma.PGOFF);
  store<u32>(c, file, Vma.FILE);
  store<u32>(c, AnonVma.NONE, Vma.ANON_VMA);
  store<u32>(c, 0, Vma.ANON_NAME);
  return c;
}

/** Fills the candidate with the part [start, end) of `vma`, with `flags`. */
export function set_candidate_part(mm: usize, vma: usize, start: u64, end: u64, flags: u64): usize {
  const pgoff = vm_pgoff(vma) + ((start - vm_start(vma)) >> page_shift(mm));
  const c = set_candidate(start, end, flags, pgoff, vm_file(vma));
  store<u32>(c, vm_anon_vma(vma), Vma.ANON_VMA);
  store<u32>(c, load<u32>(vma, Vma.ANON_NAME), Vma.ANON_NAME);
  return c;
}

/** R-MERGE-10..15: what keeps record `left` and record `right`, its successor, apart. 0: they merge. */
export function why_not_mergeable(mm: usize, left: usize, right: usize): u32 {
  let apart: u32 = 0;
  if (vm_end(left) != vm_start(right)) apart |= Apart.NOT_ADJACENT;
  const a = vm_flags(left);
  const b = vm_flags(right);
  if (((a ^ b) & ~VM_STICKY) != 0) apart |= Apart.FLAGS;
  if (((a | b) & VM_SPECIAL) != 0) apart |= Apart.SPECIAL;
  if (vm_file(left) != vm_file(right)) apart |= Apart.FILE;
  if (vm_pgoff(left) + vma_pages(left, page_shift(mm)) != vm_pgoff(right)) apart |= Apart.PGOFF;
  if (!anon_vmas_compatible(vm_anon_vma(left), vm_anon_vma(right))) apart |= Apart.ANON_VMA;
  if (!vma_names_equal(load<u32>(left, Vma.ANON_NAME), load<u32>(right, Vma.ANON_NAME)))
    apart |= Apart.ANON_NAME;
  return apart;
}

/** R-AV-21: equal, or one of them missing and the other not inherited by fork. */
export function anon_vmas_compatible(a: u32, b: u32): bool {
  if (a == AnonVma.NONE) return (b & AnonVma.FORKED) == 0;
  if (b == AnonVma.NONE) return (a & AnonVma.FORKED) == 0;
  return a == b;
}

/** R-MERGE-17: may left and right neighbour become one through the range between them? */
function neighbours_join(prev: usize, next: usize): bool {
  const a = vm_anon_vma(prev);
  const b = vm_anon_vma(next);
  return a == AnonVma.NONE || b == AnonVma.NONE || a == b;
}

/** The identity that the merged VMA keeps: the first there is. */
function adopt_anon_vma(vma: usize, first: u32, second: u32): void {
  if (vm_anon_vma(vma) != AnonVma.NONE) return;
  const word = first != AnonVma.NONE ? first : second;
  if (word != AnonVma.NONE) set_vm_anon_vma(vma, word);
}

function set_crossed(mm: usize): void {
  if (load<u32>(mm, Mm.CROSSED) != 0) return;
  journal_word(mm + Mm.CROSSED);
  store<u32>(mm, 1, Mm.CROSSED);
}

/** Stores `entry` over [start, end) bytes. */
export function tree_store(mm: usize, start: u64, end: u64, entry: usize): void {
  const shift = page_shift(mm);
  const border = shift + Region.SHIFT;
  if (entry != 0 && start >> border != (end - 1) >> border) set_crossed(mm);
  mt_store(mm + Mm.TREE, start >> shift, end >> shift, <u32>entry);
}

/** Takes a VMA whose range the tree no longer shows, or is about to give away, out of the mm. */
export function vma_remove(mm: usize, vma: usize): void {
  mm_begin_change(mm);
  vma_mark_detached(vma, mm);
  vma_free(vma);
  account_map_count(mm, -1);
}

/** Makes a VMA of the candidate and stores it. One VMA must have been reserved. */
export function vma_insert(mm: usize, c: usize): usize {
  const vma = vma_prepare(mm, c);
  vma_publish(mm, vma);
  return vma;
}

/** The first half: a VMA that nobody can find yet. */
export function vma_prepare(mm: usize, c: usize): usize {
  const vma = vma_alloc(mm);
  vma_fill(vma, c);
  return vma;
}

/** The second half. A store must have been reserved. */
export function vma_publish(mm: usize, vma: usize): void {
  vma_mark_attached(vma, mm);
  tree_store(mm, vm_start(vma), vm_end(vma), vma);
  account_map_count(mm, 1);
}

/**
 * Joins the candidate, a range with nothing mapped (or whose old VMAs the caller has
 * gathered), to prev and next, the VMAs that touch it or 0, or inserts it (R-MERGE-1..3).
 * Returns the VMA that has it.
 */
export function merge_new(mm: usize, c: usize, prev: usize, next: usize): usize {
  const left = prev != 0 && why_not_mergeable(mm, prev, c) == 0;
  let right = next != 0 && why_not_mergeable(mm, c, next) == 0;
  if (left && right && !neighbours_join(prev, next)) right = false;
  if (left) return grow_up(mm, prev, c, right ? next : 0);
  if (right) return grow_down(mm, next, c);
  return vma_insert(mm, c);
}

/** True if merge_new would find a neighbour to join. */
export function merges_new(mm: usize, c: usize, prev: usize, next: usize): bool {
  if (prev != 0 && why_not_mergeable(mm, prev, c) == 0) return true;
  return next != 0 && why_not_mergeable(mm, c, next) == 0;
}

/** prev takes the candidate's range, and all of next if given. */
function grow_up(mm: usize, prev: usize, c: usize, next: usize): usize {
  vma_start_write(prev, mm);
  let flags = vm_flags(prev) | (vm_flags(c) & VM_STICKY);
  let end = vm_end(c);
  let other: u32 = AnonVma.NONE;
  if (next != 0) {
    vma_start_write(next, mm);
    flags |= vm_flags(next) & VM_STICKY;
    end = vm_end(next);
    other = vm_anon_vma(next);
  }
  adopt_anon_vma(prev, other, vm_anon_vma(c));
  set_vm_flags(prev, flags);
  set_vm_end(prev, end);
  tree_store(mm, vm_start(prev), end, prev); // whole: one VMA is one range of the tree
  if (next != 0) vma_remove(mm, next);
  return prev;
}

/** next takes the candidate's range. */
function grow_down(mm: usize, next: usize, c: usize): usize {
  vma_start_write(next, mm);
  adopt_anon_vma(next, vm_anon_vma(c), AnonVma.NONE);
  set_vm_flags(next, vm_flags(next) | (vm_flags(c) & VM_STICKY));
  set_vm_pgoff(next, vm_pgoff(c));
  set_vm_start(next, vm_start(c));
  tree_store(mm, vm_start(c), vm_end(next), next);
  return next;
}

/**
 * Gives the part of `vma` that the candidate describes its new flags by moving the
 * border to a neighbour that now agrees (R-PROT-4..8). 0: no neighbour does.
 */
export function merge_modified(mm: usize, vma: usize, c: usize): usize {
  const at_start = vm_start(c) == vm_start(vma);
  const at_end = vm_end(c) == vm_end(vma);
  const prev = at_start ? vma_lookup(mm, vm_start(vma) - 1) : 0;
  const next = at_end ? vma_lookup(mm, vm_end(vma)) : 0;
  const left = prev != 0 && why_not_mergeable(mm, prev, c) == 0;
  let right = next != 0 && why_not_mergeable(mm, c, next) == 0;
  if (left && right && !neighbours_join(prev, next)) right = false;
  if (!left && !right) return 0;
  vma_start_write(vma, mm);
  if (left) {
    // Before vma shrinks or goes: afterwards its pgoff and identity are gone.
    if (!at_end) trim_start(mm, vma, vm_end(c));
    const merged = grow_up(mm, prev, c, right ? next : 0);
    if (at_end) vma_remove(mm, vma);
    return merged;
  }
  if (!at_start) set_vm_end(vma, vm_start(c));
  const merged = grow_down(mm, next, c);
  if (at_start) vma_remove(mm, vma);
  return merged;
}

/** Moves the start of `vma` up to `start`; the tree is stored by the caller. Write-locked. */
function trim_start(mm: usize, vma: usize, start: u64): void {
  set_vm_pgoff(vma, vm_pgoff(vma) + ((start - vm_start(vma)) >> page_shift(mm)));
  set_vm_start(vma, start);
}

/** Cuts `vma` at `at`, inside it: it keeps the lower part, the new VMA returned has the upper. Reserved. */
export function split_vma(mm: usize, vma: usize, at: u64): usize {
  vma_start_write(vma, mm);
  const c = set_candidate_part(mm, vma, at, vm_end(vma), vm_flags(vma));
  const upper = vma_alloc(mm);
  vma_fill(upper, c);
  set_vm_end(vma, at);
  vma_mark_attached(upper, mm);
  tree_store(mm, at, vm_end(upper), upper);
  account_map_count(mm, 1);
  return upper;
}
