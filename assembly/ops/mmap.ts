// mmap(2): checks in Linux's order, then place, gather, charge, merge or insert.
// Source: mm/mmap.c, mm/vma.c; the numbered checks of R-MAP section 1.1.
//
//   check arguments ─▶ choose address ─▶ flags by type ─▶ gather what is replaced (cuts)
//     ─▶ limits ─▶ charge ─▶ one tree store: merged with neighbours or a new VMA ─▶ populate
//                      └▶ of a file with an mmap hook: VMA made ─▶ (hook) ─▶ commit or abort
//
// Up to the gathering a failure changes nothing; from there to the store the cuts stay
// (R-LIM-8) and the old mapping stays; after it nothing can fail.
//
// Context: mmap write lock. Floor: ops. Imports: base, mm, ops.

import { slab_reserve } from "../alloc/slab";
import { Mm } from "../base/layout";
import { mm_begin_change, mm_end_change } from "../mm/change";
import { file_create_internal, file_flags, file_put } from "../mm/file";
import {
  prot_to_vm,
  VM_ACCOUNT,
  VM_DONTDUMP,
  VM_DONTEXPAND,
  VM_DROPPABLE,
  VM_GROWSDOWN,
  VM_HUGETLB,
  VM_LOCKED,
  VM_LOCKED_MASK,
  VM_MAY,
  VM_MAYEXEC,
  VM_MAYSHARE,
  VM_MAYWRITE,
  VM_NOHUGEPAGE,
  VM_NORESERVE,
  VM_SHARED,
  VM_SPECIAL,
  VM_SYNC,
  VM_WIPEONFORK,
  VM_WRITE,
} from "../mm/flags";
import { making_abort, making_begin, making_end } from "../mm/making";
import { page_shift, set_vm_flags, vm_end, vm_flags, vm_start, vma_pages } from "../mm/vma";
import { Abi, MmFlag, SlabKind } from "../shared/abi";
import { Errno } from "../shared/errno";
import { FileFlag, MapFlag, ProtBit } from "../shared/flags";
import {
  account_locked,
  can_do_mlock,
  map_count,
  max_map_count,
  may_expand_vm,
  mlock_future_ok,
  Overcommit,
  vm_enough_memory,
  vm_stat_account,
  vm_unacct_memory,
} from "./account";
import {
  merge_new,
  merges_new,
  set_candidate,
  tree_store,
  vma_prepare,
  vma_publish,
} from "./merge";
import { accounted_pages, mapped_pages, vms_discard, vms_gather } from "./munmap";
import { denies_write_exec, mm_has_flag } from "./policy";
import { populate } from "./populate";
import { find_vma_intersection, is_page_aligned, page_align, prelock, vma_lookup } from "./range";
import { reserve } from "./reserve";
import { get_unmapped_area, huge_page_of, huge_size, round_hint } from "./unmapped";

/** What the file behind anonymous huge pages can do. */
const HUGE_ANON: u32 = FileFlag.READABLE | FileFlag.WRITABLE | FileFlag.HUGETLB;
const REFUSED: u64 = 1 << 63;
/** MAX_LFS_FILESIZE: no file mapping reaches beyond it. */
const FILE_SIZE_MAX: u64 = 0x7fffffffffffffff;

/** mmap(2) under the write lock: the address, -errno, or -NEEDS_HOOK with nothing changed. */
export function mmap_locked(
  mm: usize,
  address: u64,
  length: u64,
  prot: u32,
  flags: u32,
  file: u32,
  offset: u64,
): i64 {
  return do_mmap(mm, address, length, prot, flags, file, offset, 0);
}

/**
 * The same for a caller that can run the file's mmap hook: if `hook` is not 0, the VMA that
 * the hook is to be called with, not yet in the tree, is stored there (u32; 0: none was
 * needed, the mapping is made). The caller ends with mmap_commit or making_abort.
 */
export function do_mmap(
  mm: usize,
  address: u64,
  length: u64,
  prot: u32,
  flags: u32,
  file: u32,
  offset: u64,
  hook: usize,
): i64 {
  const anonymous = (flags & MapFlag.ANONYMOUS) != 0;
  if (anonymous) file = Abi.NO_FILE;
  if (!is_page_aligned(mm, offset)) return -Errno.EINVAL; // 1
  if (!anonymous && (file == Abi.BAD_FILE || file == Abi.NO_FILE)) return -Errno.EBADF; // 2
  const huge = (flags & MapFlag.HUGETLB) != 0;
  if (huge && !anonymous && (file_flags(file) & FileFlag.HUGETLB) == 0) return -Errno.EINVAL; // 3
  if (huge && anonymous && huge_size(flags) == 0) return -Errno.EINVAL; // 4
  const huge_page = huge_page_of(flags, file);
  if (huge_page != 0) length = (length + huge_page - 1) & ~(huge_page - 1);
  if (length == 0) return -Errno.EINVAL; // 6
  if (mm_has_flag(mm, MmFlag.READ_IMPLIES_EXEC) && (prot & ProtBit.READ) != 0) {
    if (anonymous || (file_flags(file) & FileFlag.NOEXEC) == 0) prot |= ProtBit.EXEC; // 7
  }
  const fixed = (flags & (MapFlag.FIXED | MapFlag.FIXED_NOREPLACE)) != 0;
  if (!fixed) address = round_hint(mm, address); // 8
  length = page_align(mm, length);
  if (length == 0) return -Errno.ENOMEM; // 9
  let pgoff = offset >> page_shift(mm);
  if (map_count(mm) > max_map_count(mm)) return -Errno.ENOMEM; // 11
  const at = get_unmapped_area(mm, address, length, pgoff, flags, file); // 12
  if (at < 0) return at;
  const start = <u64>at;
  const end = start + length;
  if ((flags & MapFlag.FIXED_NOREPLACE) != 0 && find_vma_intersection(mm, start, end) != 0)
    return -Errno.EEXIST; // 13
  let vm_flags = prot_to_vm(prot) | map_flags_to_vm(flags) | load<u64>(mm, Mm.DEF_FLAGS) | VM_MAY;
  if ((flags & MapFlag.LOCKED) != 0 && !can_do_mlock(mm)) return -Errno.EPERM; // 14
  if (!mlock_future_ok(mm, vm_flags, length >> page_shift(mm))) return -Errno.EAGAIN; // 15
  if (anonymous && !huge) {
    vm_flags = anonymous_flags(flags, vm_flags); // 17, 23, 25
    pgoff = (vm_flags & VM_SHARED) != 0 ? 0 : start >> page_shift(mm);
  } else {
    // Anonymous huge pages are those of a file that nobody else can name.
    const can = anonymous ? HUGE_ANON : file_flags(file);
    vm_flags = file_map_flags(can, flags, prot, vm_flags, length, offset); // 16..24
    if (!anonymous && hook == 0 && (vm_flags & REFUSED) == 0 && is_hooked(file))
      return -Abi.NEEDS_HOOK;
  }
  if ((vm_flags & REFUSED) != 0) return <i64>(vm_flags ^ REFUSED) * -1;
  const strict = load<u32>(mm, Mm.OVERCOMMIT) == Overcommit.NEVER && huge_page == 0;
  if ((flags & MapFlag.NORESERVE) != 0 && !strict) vm_flags |= VM_NORESERVE;
  // Any other place was found free above.
  const replaces = (flags & (MapFlag.FIXED | MapFlag.FIXED_NOREPLACE)) == MapFlag.FIXED;
  const failed = mmap_region(mm, start, end, vm_flags, pgoff, file, huge_page, hook, replaces);
  if (failed != 0) return failed;
  if (hook == 0 || load<u32>(hook) == 0) prefault(mm, start, end, flags, vm_flags);
  return at;
}

/** MAP_POPULATE and MAP_LOCKED; failure is not reported. */
export function prefault(mm: usize, start: u64, end: u64, flags: u32, vm_flags: u64): void {
  const asked = (flags & (MapFlag.POPULATE | MapFlag.NONBLOCK)) == MapFlag.POPULATE;
  if (asked || (vm_flags & VM_LOCKED) != 0) populate(mm, start, end, true);
}

function is_hooked(file: u32): bool {
  return (file_flags(file) & FileFlag.HOOKED) != 0;
}

/** calc_vm_flag_bits. */
function map_flags_to_vm(flags: u32): u64 {
  let vm_flags: u64 = 0;
  if ((flags & MapFlag.GROWSDOWN) != 0) vm_flags |= VM_GROWSDOWN;
  if ((flags & MapFlag.LOCKED) != 0) vm_flags |= VM_LOCKED;
  if ((flags & MapFlag.SYNC) != 0) vm_flags |= VM_SYNC;
  if ((flags & MapFlag.STACK) != 0) vm_flags |= VM_NOHUGEPAGE;
  return vm_flags;
}

function is_dev_zero(file: u32): bool {
  return (file_flags(file) & FileFlag.DEV_ZERO) != 0;
}

/** Flags of an anonymous mapping, or REFUSED | errno. */
function anonymous_flags(flags: u32, vm_flags: u64): u64 {
  const type = flags & MapFlag.TYPE_MASK;
  const grows = (vm_flags & VM_GROWSDOWN) != 0;
  if (type == MapFlag.PRIVATE) return vm_flags;
  if (type == MapFlag.SHARED)
    return grows ? REFUSED | Errno.EINVAL : vm_flags | VM_SHARED | VM_MAYSHARE;
  if (type == MapFlag.DROPPABLE) {
    if ((flags & (MapFlag.LOCKED | MapFlag.HUGETLB)) != 0 || grows) return REFUSED | Errno.EINVAL;
    return vm_flags | VM_DROPPABLE | VM_NORESERVE | VM_WIPEONFORK | VM_DONTDUMP;
  }
  return REFUSED | Errno.EINVAL;
}

/** Flags of a file mapping, or REFUSED | errno: checks 16 to 24 in order. */
function file_map_flags(
  can: u32,
  flags: u32,
  prot: u32,
  vm_flags: u64,
  length: u64,
  offset: u64,
): u64 {
  const type = flags & MapFlag.TYPE_MASK;
  const regular = (can & FileFlag.NO_MMAP) == 0;
  const reach = regular ? FILE_SIZE_MAX : u64.MAX_VALUE;
  if (length > reach || offset > reach - length) return REFUSED | Errno.EOVERFLOW; // 16
  const writable = (can & FileFlag.WRITABLE) != 0;
  if (type == MapFlag.SHARED_VALIDATE) {
    let known: u32 = MapFlag.LEGACY_MASK;
    if ((can & FileFlag.SYNC_LATE) != 0) known |= MapFlag.SYNC;
    if ((flags & ~known) != 0) return REFUSED | Errno.EOPNOTSUPP; // 18
  }
  if (type == MapFlag.SHARED || type == MapFlag.SHARED_VALIDATE) {
    if ((prot & ProtBit.WRITE) != 0) {
      if (!writable) return REFUSED | Errno.EACCES; // 19
      if ((can & FileFlag.SWAPFILE) != 0) return REFUSED | Errno.ETXTBSY;
    }
    if ((can & FileFlag.APPEND) != 0 && writable) return REFUSED | Errno.EACCES;
    vm_flags |= VM_SHARED | VM_MAYSHARE;
    if (!writable) vm_flags &= ~(VM_MAYWRITE | VM_SHARED);
  } else if (type != MapFlag.PRIVATE) return REFUSED | Errno.EINVAL; // 17
  if ((can & FileFlag.READABLE) == 0) return REFUSED | Errno.EACCES; // 20
  if ((can & FileFlag.NOEXEC) != 0) {
    if ((prot & ProtBit.EXEC) != 0) return REFUSED | Errno.EPERM; // 21
    vm_flags &= ~VM_MAYEXEC;
  }
  if (!regular) return REFUSED | Errno.ENODEV; // 22
  if ((vm_flags & VM_GROWSDOWN) != 0) return REFUSED | Errno.EINVAL; // 23
  if ((can & FileFlag.SEAL_WRITE) != 0 && (vm_flags & VM_SHARED) != 0) {
    if ((vm_flags & VM_WRITE) != 0) return REFUSED | Errno.EPERM; // 24
    vm_flags &= ~VM_MAYWRITE;
  }
  if ((can & FileFlag.HUGETLB) != 0) vm_flags |= VM_HUGETLB | VM_DONTEXPAND;
  return vm_flags;
}

/**
 * 31: MAP_SYNC without DAX; an offset between huge pages; a huge page that must be reserved, with
 * none in the pool (R-HUGE-2).
 */
function late_refusal(file: u32, vm_flags: u64, offset: u64, huge_page: u64): i64 {
  if (file != 0 && (vm_flags & VM_SYNC) != 0 && (file_flags(file) & FileFlag.SYNC_LATE) != 0) {
    return -Errno.EOPNOTSUPP; // whatever the map type: the file system looks at VM_SYNC alone
  }
  if (huge_page != 0 && (offset & (huge_page - 1)) != 0) return -Errno.EINVAL;
  const reserves = (vm_flags & (VM_HUGETLB | VM_NORESERVE)) == VM_HUGETLB;
  return reserves ? -Errno.ENOMEM : 0;
}

/** accountable_mapping: private writable memory without NORESERVE is charged (R-ACCT-1). */
function is_accountable(flags: u64): bool {
  return (flags & (VM_NORESERVE | VM_SHARED | VM_WRITE | VM_HUGETLB)) == VM_WRITE;
}

/**
 * From here on what is replaced may already be cut: 0 or -errno. `replaces`: there may be
 * something to replace; else the range is free.
 */
function mmap_region(
  mm: usize,
  start: u64,
  end: u64,
  vm_flags: u64,
  pgoff: u64,
  file: u32,
  huge_page: u64,
  hook: usize,
  replaces: bool,
): i64 {
  const pages = (end - start) >> page_shift(mm);
  if (denies_write_exec(mm, vm_flags, vm_flags)) return -Errno.EACCES; // 26
  // Shared and huge anonymous memory are files that nobody else can name.
  const shared_zero = file != 0 && (vm_flags & VM_SHARED) != 0 && is_dev_zero(file); // R-FILE-16
  const made = shared_zero || (file == 0 && (vm_flags & (VM_SHARED | VM_HUGETLB)) != 0);
  if (made && slab_reserve(SlabKind.FILE, 1) != 0) return -Errno.ENOMEM;
  const blocked = prelock(mm, start, end);
  if (blocked != 0) return blocked;
  const occupied = replaces && find_vma_intersection(mm, start, end) != 0;
  const failed = occupied ? vms_gather(mm, start, end, 1) : reserve(mm, 1, start, end, 1); // 27, 28
  if (failed != 0) return failed;
  const replaced = occupied ? mapped_pages(mm, start, end) : 0;
  // Asked even if nothing is added: a limit that is already exceeded refuses that too.
  if (!may_expand_vm(mm, vm_flags, pages - replaced)) return -Errno.ENOMEM; // 29
  let charged: i64 = 0;
  if (is_accountable(vm_flags)) {
    charged = <i64>pages - (occupied ? <i64>accounted_pages(mm, start, end) : 0);
    if (charged > 0 && !vm_enough_memory(mm, charged)) return -Errno.ENOMEM; // 30
    if (charged > 0) vm_unacct_memory(mm, charged); // charged for good when the VMA is counted below
    vm_flags |= VM_ACCOUNT;
  }
  // What a file system or hugetlbfs refuses only when its own hook runs: by then the old
  // mapping is gone (31, R-MAP-FIXED-8).
  const late = late_refusal(file, vm_flags, pgoff << page_shift(mm), huge_page);
  if (late != 0) {
    vms_discard(mm, start, end);
    tree_store(mm, start, end, 0);
    return late;
  }
  if (made) file = file_create_internal(end - start, huge_page == 0 ? 0 : <u32>ctz<u64>(huge_page));
  if (occupied) vms_discard(mm, start, end);
  vm_flags = without_lock_of_special(vm_flags);
  const c = set_candidate(start, end, vm_flags, pgoff, file);
  const prev = vma_lookup(mm, start - 1);
  const next = vma_lookup(mm, end);
  if (hook != 0) store<u32>(hook, 0);
  if (hook != 0 && is_hooked(file) && !merges_new(mm, c, prev, next)) {
    if (occupied) tree_store(mm, start, end, 0); // what the hook refuses leaves a hole
    const vma = vma_prepare(mm, c);
    store<u32>(hook, <u32>vma);
    making_begin(vma);
    mm_end_change(); // the hook may make calls of its own
    return 0;
  }
  merge_new(mm, c, prev, next);
  if (made) file_put(file); // the VMA has its own reference
  count_in(mm, vm_flags, <i64>pages);
  return 0;
}

/** The second half, for a VMA whose hook has run: 0, or -ENOMEM with the VMA gone. */
export function mmap_commit(mm: usize, vma: usize, flags: u32): i32 {
  const start = vm_start(vma);
  const end = vm_end(vma);
  // Again: the hook may have used up what was reserved, on other spaces.
  if (reserve(mm, 0, start, end, 1) != 0) {
    making_abort(mm, vma);
    return -Errno.ENOMEM;
  }
  mm_begin_change(mm); // the first half's change is over
  set_vm_flags(vma, without_lock_of_special(vm_flags(vma)));
  making_end(vma);
  vma_publish(mm, vma);
  count_in(mm, vm_flags(vma), <i64>vma_pages(vma, page_shift(mm)));
  prefault(mm, start, end, flags, vm_flags(vma));
  mm_end_change();
  return 0;
}

/** R-MLOCK-30. */
function without_lock_of_special(vm_flags: u64): u64 {
  return (vm_flags & (VM_SPECIAL | VM_HUGETLB | VM_DROPPABLE)) != 0
    ? vm_flags & ~VM_LOCKED_MASK
    : vm_flags;
}

/** Counts a new mapping in. */
function count_in(mm: usize, vm_flags: u64, pages: i64): void {
  vm_stat_account(mm, vm_flags, pages);
  if ((vm_flags & VM_ACCOUNT) != 0) vm_unacct_memory(mm, -pages);
  if ((vm_flags & VM_LOCKED) != 0) account_locked(mm, pages);
}
