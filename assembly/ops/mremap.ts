// mremap(2): shrink, grow in place, move; several VMAs at once with MREMAP_FIXED.
// Source: mm/mremap.c as of 6.17; R-REMAP-*.
//
//   check arguments ─▶ same size, FIXED: move VMA by VMA
//                   ─▶ else check the one VMA ─▶ to a given place (FIXED, DONTUNMAP)
//                                             ─▶ or at the old one: shrink, grow, move
//
// A move maps the target like a new range with the source's flags, identity and pgoff,
// then unmaps the source. Failures keep what Linux keeps: a target already unmapped,
// VMAs already moved.
//
// Context: mmap write lock. Floor: ops. Imports: base, mm, ops.

import { AnonVma, Vma } from "../base/layout";
import { file_flags } from "../mm/file";
import {
  VM_ACCOUNT,
  VM_DONTEXPAND,
  VM_HUGETLB,
  VM_LOCKED,
  VM_LOCKED_MASK,
  VM_MAYSHARE,
  VM_MIXEDMAP,
  VM_PFNMAP,
  VM_SEALED,
  VM_SHARED,
  VM_SPECIAL,
} from "../mm/flags";
import { pages_move, pages_reserve_move } from "../mm/pages";
import {
  page_shift,
  set_vm_anon_vma,
  set_vm_flags,
  vm_anon_vma,
  vm_end,
  vm_file,
  vm_flags,
  vm_pgoff,
  vm_start,
  vma_is_anonymous,
} from "../mm/vma";
import { vma_start_write } from "../mm/vma_lock";
import { Errno } from "../shared/errno";
import { FileFlag, MapFlag, MremapFlag } from "../shared/flags";
import {
  account_locked,
  map_count,
  max_map_count,
  may_expand_vm,
  mlock_future_ok,
  vm_enough_memory,
  vm_stat_account,
  vm_unacct_memory,
} from "./account";
import { guard_move, guard_ranges } from "./guard";
import { merge_new, set_candidate, set_candidate_part } from "./merge";
import { do_munmap, munmap_locked, vma_huge_size } from "./munmap";
import { populate } from "./populate";
import {
  find_vma,
  find_vma_intersection,
  is_page_aligned,
  page_align,
  prelock,
  task_size,
  vma_lookup,
} from "./range";
import { reserve } from "./reserve";
import { get_unmapped_area } from "./unmapped";

/** VMAs that a move may need beyond what is there: a head-room below max_map_count (R-LIM-11). */
const MOVE_HEADROOM: u32 = 3;
/** What FIXED and DONTUNMAP may add by cutting the target. */
const TARGET_SPLITS: u32 = 2;

/** mremap(2) under the write lock: the new address, or -errno. */
export function mremap_locked(
  mm: usize,
  start: u64,
  old_length: u64,
  new_length: u64,
  flags: u32,
  target: u64,
): i64 {
  let old_len = page_align(mm, old_length);
  let new_len = page_align(mm, new_length);
  const failed = check_arguments(mm, start, old_len, new_len, flags, target);
  if (failed != 0) return failed;
  const blocked = prelock(mm, 0, task_size(mm));
  if (blocked != 0) return blocked;
  if ((flags & MremapFlag.FIXED) != 0 && old_len == new_len)
    return move_each(mm, start, old_len, flags, target);
  const vma = vma_lookup(mm, start);
  if (vma == 0) return -Errno.EFAULT; // R-REMAP-16
  const given = (flags & (MremapFlag.FIXED | MremapFlag.DONTUNMAP)) != 0;
  old_len = huge_aligned(vma, old_len);
  new_len = huge_aligned(vma, new_len);
  const refused = check_vma(mm, vma, start, old_len, new_len, flags, target);
  if (refused != 0) return refused;
  if (given) return remap_to(mm, start, old_len, new_len, flags, target);
  return remap_at(mm, vma, start, old_len, new_len, flags);
}

function check_arguments(
  mm: usize,
  start: u64,
  old_len: u64,
  new_len: u64,
  flags: u32,
  target: u64,
): i32 {
  const known = MremapFlag.MAYMOVE | MremapFlag.FIXED | MremapFlag.DONTUNMAP;
  const size = task_size(mm);
  if ((flags & ~known) != 0 || !is_page_aligned(mm, start)) return -Errno.EINVAL;
  if (new_len == 0 || new_len > size) return -Errno.EINVAL;
  if ((flags & (MremapFlag.FIXED | MremapFlag.DONTUNMAP)) == 0) return 0;
  if (target > size - new_len || !is_page_aligned(mm, target)) return -Errno.EINVAL;
  if ((flags & MremapFlag.MAYMOVE) == 0) return -Errno.EINVAL; // R-REMAP-11, 24
  if ((flags & MremapFlag.DONTUNMAP) != 0 && old_len != new_len) return -Errno.EINVAL; // R-REMAP-23
  if (start + old_len > target && target + new_len > start) return -Errno.EINVAL; // R-REMAP-12
  return map_count(mm) + TARGET_SPLITS + MOVE_HEADROOM >= max_map_count(mm) ? -Errno.ENOMEM : 0;
}

/** What the one VMA must allow before anything moves. */
function check_vma(
  mm: usize,
  vma: usize,
  start: u64,
  old_len: u64,
  new_len: u64,
  flags: u32,
  target: u64,
): i32 {
  const vm = vm_flags(vma);
  if ((vm & VM_SEALED) != 0) return -Errno.EPERM; // R-SEAL-5
  const given = (flags & (MremapFlag.FIXED | MremapFlag.DONTUNMAP)) != 0;
  if ((vm & VM_HUGETLB) != 0) {
    const between = ((start | target) & (vma_huge_size(vma) - 1)) != 0;
    if (between || new_len > old_len) return -Errno.EINVAL; // R-REMAP-60
  }
  if (old_len == 0 && (vm & (VM_SHARED | VM_MAYSHARE)) == 0) return -Errno.EINVAL; // R-REMAP-20
  if (!given && new_len <= old_len) return 0; // R-REMAP-1, 6
  if ((flags & MremapFlag.DONTUNMAP) != 0 && (vm & (VM_DONTEXPAND | VM_PFNMAP)) != 0)
    return -Errno.EINVAL;
  const kept = old_len < new_len ? old_len : new_len;
  if (kept > vm_end(vma) - start) return -Errno.EFAULT; // R-REMAP-17, 32
  if (new_len <= old_len) return 0;
  const shift = page_shift(mm);
  const delta = (new_len - old_len) >> shift;
  const pgoff = vm_pgoff(vma) + ((start - vm_start(vma)) >> shift);
  if (pgoff + (new_len >> shift) < pgoff) return -Errno.EINVAL; // R-REMAP-62
  if ((vm & (VM_DONTEXPAND | VM_PFNMAP)) != 0) return -Errno.EFAULT;
  if (!mlock_future_ok(mm, vm, delta)) return -Errno.EAGAIN; // R-REMAP-51
  return may_expand_vm(mm, vm, delta) ? 0 : -Errno.ENOMEM; // R-LIM-5
}

/** R-REMAP-60: of huge pages, whole ones are meant. */
function huge_aligned(vma: usize, length: u64): u64 {
  if ((vm_flags(vma) & VM_HUGETLB) == 0) return length;
  const mask = vma_huge_size(vma) - 1;
  return (length + mask) & ~mask;
}

/** R-REMAP-30, 33, 34: FIXED and the same size: every VMA of the range, gaps kept. */
function move_each(mm: usize, start: u64, length: u64, flags: u32, target: u64): i64 {
  const end = start + length;
  let at = start;
  let moved = false;
  while (at < end || !moved) {
    const vma = find_vma(mm, at);
    if (!moved && (vma == 0 || vm_start(vma) > start)) return -Errno.EFAULT; // R-REMAP-31
    if (vma == 0 || (vm_start(vma) >= end && moved)) break;
    const from = vm_start(vma) > at ? vm_start(vma) : at;
    const to = vm_end(vma) < end ? vm_end(vma) : end;
    const part = huge_aligned(vma, to - from);
    const to_place = target + (from - start);
    const alone = moves_alone(vma);
    if (alone && (moved || vm_end(vma) < end)) return -Errno.EFAULT;
    const refused = check_vma(mm, vma, from, part, part, flags, to_place);
    if (refused != 0) return refused;
    const result = remap_to(mm, from, part, part, flags, to_place);
    if (result < 0) return result; // R-REMAP-66: what has moved stays moved
    moved = true;
    at = to;
    if (length == 0) break;
  }
  return <i64>target;
}

/**
 * vma_multi_allowed: of what has a placement hook of its own, Linux moves one VMA at a time.
 * Only private /dev/zero has one that it does not know to be harmless.
 */
function moves_alone(vma: usize): bool {
  const file = vm_file(vma);
  return file != 0 && (file_flags(file) & FileFlag.DEV_ZERO) != 0;
}

/** mremap_to: FIXED and DONTUNMAP. */
function remap_to(mm: usize, start: u64, old_len: u64, new_len: u64, flags: u32, target: u64): i64 {
  if ((flags & MremapFlag.FIXED) != 0) {
    const failed = do_munmap(mm, target, target + new_len); // R-REMAP-7..10
    if (failed != 0) return failed;
    // The target may have been part of the same VMA, or, with a length that wraps, all of it.
    if (vma_lookup(mm, start) == 0) return -Errno.EFAULT;
  }
  if (old_len > new_len) {
    const failed = munmap_locked(mm, start + new_len, old_len - new_len);
    if (failed != 0) return failed;
    old_len = new_len;
  }
  const again = vma_lookup(mm, start);
  if (
    (flags & MremapFlag.DONTUNMAP) != 0 &&
    !may_expand_vm(mm, vm_flags(again), old_len >> page_shift(mm))
  ) {
    return -Errno.ENOMEM; // R-LIM-6, with the target already unmapped
  }
  const placement = (flags & MremapFlag.FIXED) != 0 ? MapFlag.FIXED : 0;
  const at = place(mm, again, start, new_len, target, placement);
  return at < 0 ? at : move_vma(mm, again, start, old_len, <u64>at, new_len, flags);
}

/** vrm_set_new_addr: the same search as mmap's. */
function place(mm: usize, vma: usize, start: u64, new_len: u64, target: u64, placement: u32): i64 {
  const type = (vm_flags(vma) & VM_MAYSHARE) != 0 ? MapFlag.SHARED : MapFlag.PRIVATE;
  const pgoff = vm_pgoff(vma) + ((start - vm_start(vma)) >> page_shift(mm));
  return get_unmapped_area(mm, target, new_len, pgoff, placement | type, vm_file(vma));
}

/** mremap_at: no place was given. */
function remap_at(mm: usize, vma: usize, start: u64, old_len: u64, new_len: u64, flags: u32): i64 {
  if (new_len == old_len) return <i64>start;
  if (new_len < old_len) {
    const failed = munmap_locked(mm, start + new_len, old_len - new_len);
    return failed != 0 ? failed : <i64>start;
  }
  if (can_expand_in_place(mm, vma, start, old_len, new_len))
    return expand_in_place(mm, vma, start, old_len, new_len);
  if ((flags & MremapFlag.MAYMOVE) == 0) return -Errno.ENOMEM; // R-REMAP-4, 36
  const at = place(mm, vma, start, new_len, 0, 0);
  return at < 0 ? at : move_vma(mm, vma, start, old_len, <u64>at, new_len, flags);
}

/** R-REMAP-2, 50: the guard gap of a stack above does not bind. */
function can_expand_in_place(mm: usize, vma: usize, start: u64, old_len: u64, new_len: u64): bool {
  if (old_len == 0 || start + old_len != vm_end(vma)) return false;
  const end = start + new_len;
  if (end < vm_end(vma) || find_vma_intersection(mm, vm_end(vma), end) != 0) return false;
  return get_unmapped_area(mm, vm_start(vma), end - vm_start(vma), 0, MapFlag.FIXED, 0) >= 0;
}

function expand_in_place(mm: usize, vma: usize, start: u64, old_len: u64, new_len: u64): i64 {
  const vm = vm_flags(vma);
  const from = vm_end(vma);
  const to = start + new_len;
  const pages = <i64>((to - from) >> page_shift(mm));
  if ((vm & VM_SPECIAL) != 0) return -Errno.ENOMEM; // growth is a merge, and these never merge
  if (reserve(mm, 1, from, to, 1) != 0) return -Errno.ENOMEM;
  if ((vm & VM_ACCOUNT) != 0 && !vm_enough_memory(mm, pages)) return -Errno.ENOMEM;
  const c = set_candidate_part(mm, vma, from, from, vm);
  store<u64>(c, to, Vma.END);
  merge_new(mm, c, vma, vma_lookup(mm, to)); // R-REMAP-3: may swallow the next
  vm_stat_account(mm, vm, pages);
  if ((vm & VM_LOCKED) != 0) {
    account_locked(mm, pages);
    populate(mm, start + old_len, to, true);
  }
  return <i64>start;
}

/** Maps [at, at+new_len) as a copy of the source's attributes, then takes the source away. */
function move_vma(
  mm: usize,
  vma: usize,
  start: u64,
  old_len: u64,
  at: u64,
  new_len: u64,
  flags: u32,
): i64 {
  const shift = page_shift(mm);
  const vm = vm_flags(vma);
  const keep_source = (flags & MremapFlag.DONTUNMAP) != 0;
  if (map_count(mm) + MOVE_HEADROOM >= max_map_count(mm)) return -Errno.ENOMEM; // R-REMAP-64
  // The target and its store, and the cuts of the source, so that nothing fails once it is moved.
  const guards = guard_ranges(mm, start, start + old_len);
  const low = start < at ? start : at;
  if (reserve(mm, 4, low, start < at ? at + new_len : start + old_len, 5 + guards) != 0)
    return -Errno.ENOMEM;
  const mixed = (vm & VM_MIXEDMAP) != 0;
  if (mixed && pages_reserve_move(mm, start >> shift, at >> shift, old_len >> shift) != 0)
    return -Errno.ENOMEM;
  const pages = <i64>(new_len >> shift);
  const released = keep_source ? 0 : <i64>(old_len >> shift);
  if ((vm & VM_ACCOUNT) != 0) {
    if (pages > released && !vm_enough_memory(mm, pages - released)) return -Errno.ENOMEM;
    // Charged whole here; unmapping the source gives its part back (R-REMAP-65).
    vm_unacct_memory(mm, pages > released ? -released : -pages);
  }
  let pgoff = vm_pgoff(vma) + ((start - vm_start(vma)) >> shift);
  // R-REMAP-26: an anonymous VMA that was never touched starts afresh at the target.
  if (vma_is_anonymous(vma) && vm_anon_vma(vma) == AnonVma.NONE) pgoff = at >> shift;
  const c = set_candidate(at, at + new_len, vm, pgoff, vm_file(vma));
  store<u32>(c, vm_anon_vma(vma), Vma.ANON_VMA);
  store<u32>(c, load<u32>(vma, Vma.ANON_NAME), Vma.ANON_NAME);
  const moved = merge_new(mm, c, vma_lookup(mm, at - 1), vma_lookup(mm, at + new_len));
  vm_stat_account(mm, vm, pages);
  if ((vm & VM_LOCKED) != 0) account_locked(mm, pages);
  guard_move(mm, start, at, old_len);
  if (mixed) pages_move(mm, start >> shift, at >> shift, old_len >> shift);
  if (keep_source) empty_source(mm, start, old_len, moved);
  else if (old_len != 0) do_munmap(mm, start, start + old_len);
  if ((vm & VM_LOCKED) != 0 && new_len > old_len) populate(mm, at + old_len, at + new_len, true);
  return <i64>at;
}

/** R-REMAP-22, 25, 45, 63: the source stays, unlocked; locked_vm is not told, as in Linux. */
function empty_source(mm: usize, start: u64, length: u64, moved: usize): void {
  const vma = vma_lookup(mm, start);
  vma_start_write(vma, mm);
  set_vm_flags(vma, vm_flags(vma) & ~VM_LOCKED_MASK);
  const whole = vm_start(vma) == start && vm_end(vma) == start + length;
  if (whole && vma != moved) set_vm_anon_vma(vma, AnonVma.NONE);
}
