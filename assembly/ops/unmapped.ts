// Where a mapping goes: hint, fixed, top-down or bottom-up, guard gaps, huge page alignment.
// Source: mm/mmap.c, arch/x86/kernel/sys_x86_64.c, mm/huge_memory.c; R-PLACE-*, R-THP-*, R-HINT-*.
//
// All functions return an address, or -errno as a negative i64.
// Context: mmap lock. Floor: ops. Imports: base, maple, ops/range.

import { Cap, Mm } from "../base/layout";
import { mt_gap_highest, mt_gap_lowest } from "../maple/tree";
import { file_flags, file_huge_size } from "../mm/file";
import { VM_GROWSDOWN, VM_SHADOW_STACK } from "../mm/flags";
import { page_shift, vm_end, vm_flags, vm_start } from "../mm/vma";
import { Errno } from "../shared/errno";
import { FileFlag, MapFlag } from "../shared/flags";
import {
  find_vma,
  is_page_aligned,
  page_align,
  page_align_down,
  page_size,
  task_size,
} from "./range";

const NOWHERE: u64 = u64.MAX_VALUE;
/** MAP_32BIT: [1 GiB, 2 GiB), R-PLACE-7; the kernel's random part of the start is 0 here. */
const LOW_BEGIN: u64 = 0x40000000;
const LOW_END: u64 = 0x80000000;
const FOUR_GIB: u64 = 1 << 32;
const HUGE_SHIFT_DEFAULT: u32 = 21;

/** R-PLACE-2: where the room a VMA keeps free below itself begins. */
export function vm_start_gap(mm: usize, vma: usize): u64 {
  const start = vm_start(vma);
  const flags = vm_flags(vma);
  let gap: u64 = 0;
  if ((flags & VM_GROWSDOWN) != 0) gap = (<u64>load<u32>(mm, Mm.STACK_GUARD_GAP)) << page_shift(mm);
  else if ((flags & VM_SHADOW_STACK) != 0) gap = page_size(mm);
  return gap > start ? 0 : start - gap;
}

/** A PMD: the size of a huge page, 2 MiB with 4 KiB pages. */
export function huge_page_size(mm: usize): u64 {
  return (<u64>1) << (page_shift(mm) * 2 - 3);
}

/** Size of the huge pages that mmap flags with MAP_HUGETLB ask for; 0: none of x86-64's. */
export function huge_size(flags: u32): u64 {
  const log2 = (flags >> MapFlag.HUGE_SHIFT) & MapFlag.HUGE_MASK;
  if (log2 == 0) return (<u64>1) << HUGE_SHIFT_DEFAULT;
  return log2 == HUGE_SHIFT_DEFAULT || log2 == 30 ? (<u64>1) << log2 : 0;
}

/** Bytes of the huge pages that a mapping is made of; 0: it is not. */
export function huge_page_of(flags: u32, file: u32): u64 {
  if (file != 0) return (file_flags(file) & FileFlag.HUGETLB) != 0 ? file_huge_size(file) : 0;
  return (flags & MapFlag.HUGETLB) != 0 ? huge_size(flags) : 0;
}

/** get_unmapped_area: `address` is the hint or the fixed address; `length` is page-aligned and not 0. */
export function get_unmapped_area(
  mm: usize,
  address: u64,
  length: u64,
  pgoff: u64,
  flags: u32,
  file: u32,
): i64 {
  const size = task_size(mm);
  if (length > size) return -Errno.ENOMEM;
  let at: i64 = 0;
  if ((flags & (MapFlag.FIXED | MapFlag.FIXED_NOREPLACE)) != 0) {
    if (address > size - length) return -Errno.ENOMEM;
    const huge = huge_page_of(flags, file);
    if (huge != 0 && (address & (huge - 1)) != 0) return -Errno.EINVAL;
    at = <i64>address;
  } else {
    at = choose_address(mm, address, length, pgoff, flags, file);
    if (at < 0) return at;
    if (<u64>at > size - length) return -Errno.ENOMEM;
  }
  if (!is_page_aligned(mm, <u64>at)) return -Errno.EINVAL;
  if (<u64>at < load<u64>(mm, Mm.MMAP_MIN_ADDR) && (load<u32>(mm, Mm.CAPS) & Cap.SYS_RAWIO) == 0)
    return -Errno.EPERM;
  return at;
}

/** round_hint_to_min. */
export function round_hint(mm: usize, hint: u64): u64 {
  const down = page_align_down(mm, hint);
  const lowest = load<u64>(mm, Mm.MMAP_MIN_ADDR);
  return down != 0 && down < lowest ? page_align(mm, lowest) : down;
}

/** R-THP-9: aligned to the huge page size. */
function choose_huge(mm: usize, hint: u64, length: u64, flags: u32, size: u64): i64 {
  const at = search(mm, hint & ~(size - 1), length, flags);
  if (at < 0 || (<u64>at & (size - 1)) == 0) return at;
  const padded = search(mm, 0, length + size, flags);
  return padded < 0 ? padded : <i64>((<u64>padded + size - 1) & ~(size - 1));
}

function choose_address(mm: usize, hint: u64, length: u64, pgoff: u64, flags: u32, file: u32): i64 {
  const size = huge_page_of(flags, file);
  if (size != 0) return choose_huge(mm, hint, length, flags, size);
  if (wants_huge_alignment(mm, hint, length, flags, file)) {
    const aligned = huge_aligned_area(
      mm,
      hint,
      length,
      file != 0 ? pgoff << page_shift(mm) : 0,
      flags,
    );
    if (aligned >= 0) return aligned; // R-THP-6: else plain
  }
  return search(mm, hint, length, flags);
}

/** R-THP-1..4. */
function wants_huge_alignment(mm: usize, hint: u64, length: u64, flags: u32, file: u32): bool {
  const is_private = (flags & MapFlag.TYPE_MASK) != MapFlag.SHARED;
  if (file != 0) {
    const can = file_flags(file);
    if ((can & FileFlag.DEV_ZERO) != 0) return is_private;
    return (can & FileFlag.THP_ALIGNED) != 0;
  }
  if (!is_private) return false;
  return hint == 0 && (length & (huge_page_size(mm) - 1)) == 0;
}

/** R-THP-3, 7: an address congruent to `offset` modulo a huge page; negative: search plainly. */
function huge_aligned_area(mm: usize, hint: u64, length: u64, offset: u64, flags: u32): i64 {
  const huge = huge_page_size(mm);
  const end = offset + length;
  const aligned = (offset + huge - 1) & ~(huge - 1);
  if (end <= aligned || end - aligned < huge) return -Errno.ENOMEM; // no whole huge page in it
  const at = search(mm, hint, length + huge, flags);
  if (at < 0) return at;
  if (hint != 0 && <u64>at == hint) return at;
  const shift = (offset - <u64>at) & (huge - 1);
  const top_down = load<u32>(mm, Mm.BOTTOM_UP) == 0;
  return top_down && shift == 0 ? at + <i64>huge : at + <i64>shift;
}

function search(mm: usize, hint: u64, length: u64, flags: u32): i64 {
  const size = task_size(mm);
  if (length > size) return -Errno.ENOMEM;
  const low_window = (flags & MapFlag.MAP_32BIT) != 0;
  // x86 takes a hint below 2 GiB even for MAP_32BIT, also from below its window.
  const top = low_window ? LOW_END : size;
  if (hint != 0 && length <= top && hint <= top - length) {
    const next = find_vma(mm, hint);
    if (next == 0 || hint + length <= vm_start_gap(mm, next)) return <i64>hint; // R-PLACE-1
  }
  let found = NOWHERE;
  const lowest = (flags & MapFlag.ABOVE4G) != 0 ? FOUR_GIB : page_size(mm);
  if (low_window) found = bottom_up(mm, LOW_BEGIN, LOW_END, length);
  else if (load<u32>(mm, Mm.BOTTOM_UP) != 0)
    found = bottom_up(mm, load<u64>(mm, Mm.LEGACY_BASE), size, length);
  else {
    found = top_down(mm, lowest, load<u64>(mm, Mm.MMAP_BASE), length);
    // R-PLACE-5: the failure may come from a low mmap_base; look above it too.
    if (found == NOWHERE) found = bottom_up(mm, load<u64>(mm, Mm.LEGACY_BASE), size, length);
  }
  return found == NOWHERE ? -Errno.ENOMEM : <i64>found;
}

function at_least_minimum(mm: usize, low: u64): u64 {
  const lowest = page_align(mm, load<u64>(mm, Mm.MMAP_MIN_ADDR));
  return low < lowest ? lowest : low;
}

/** unmapped_area_topdown: the highest room in [low, high) that spares the guard gap above it (R-PLACE-3, 4). */
function top_down(mm: usize, low: u64, high: u64, length: u64): u64 {
  const shift = page_shift(mm);
  const from = at_least_minimum(mm, low) >> shift;
  let limit = high;
  while (limit > 0) {
    const page = mt_gap_highest(mm + Mm.TREE, from, limit >> shift, length >> shift);
    if (page == NOWHERE) return NOWHERE;
    const at = page << shift;
    const next = find_vma(mm, at);
    if (next == 0) return at;
    const gap_start = vm_start_gap(mm, next);
    // The limit falls for the whole rest of the search, also below VMAs inside the gap.
    if (gap_start == vm_start(next) || gap_start >= at + length) return at;
    limit = gap_start;
  }
  return NOWHERE;
}

/** unmapped_area: the lowest room in [low, high). */
function bottom_up(mm: usize, low: u64, high: u64, length: u64): u64 {
  const shift = page_shift(mm);
  let from = at_least_minimum(mm, low);
  while (from < high) {
    const page = mt_gap_lowest(mm + Mm.TREE, from >> shift, high >> shift, length >> shift);
    if (page == NOWHERE) return NOWHERE;
    const at = page << shift;
    const next = find_vma(mm, at);
    if (next == 0) return at;
    const gap_start = vm_start_gap(mm, next);
    if (gap_start == vm_start(next) || gap_start >= at + length) return at;
    from = vm_end(next);
  }
  return NOWHERE;
}
