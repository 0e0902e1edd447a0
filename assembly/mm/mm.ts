// mm_struct: creation, the two reference counts, teardown by the last user.
// Source: include/linux/sched/mm.h, kernel/fork.c (R-LOCK-1..16).
//
// Invariants
//   M1  all mm_users together hold one mm_count; mm_users 0 is final (R-LOCK-4).
//   M2  whoever takes mm_users to 0 tears the space down, exactly once, or queues
//       that (mmput_async); then the users' mm_count is dropped.
//   M3  whoever takes mm_count to 0 frees the record; its memory stays an mm for
//       ever, so a stale handle reads counts of 0 or of the next mm, never garbage.
//   M4  mm.TEARDOWN names the seat that tears the space down, from the put that took mm_users
//       to 0 until mm_count is dropped, or that builds it (fork): if that worker dies,
//       whoever reaps it goes on. QUEUED: mmput_async left it to whoever comes first.
//
// Floor: mm. Imports: base, alloc, sync, maple, mm/vma, vma_lock, mmap_lock.

import { journal_later } from "../alloc/commit";
import { journal_alloc, journal_word, Tag } from "../alloc/journal";
import { ledger_add } from "../alloc/ledger";
import { slab_owns, slab_reserve } from "../alloc/slab";
import { Cap, Chunk, Header, Mm, Region, Teardown, Vma } from "../base/layout";
import { this_seat } from "../base/worker";
import { mt_init } from "../maple/tree";
import { MmArg, Ref, SlabKind } from "../shared/abi";
import { Errno } from "../shared/errno";
import { cmpxchg, load_acquire, store_release } from "../sync/atomics";
import { LOCKDEP, lockdep_born } from "../sync/lockdep";
import { refcount_read, refcount_set } from "../sync/refcount";
import { mm_end_change } from "./change";
import { mm_teardown } from "./teardown";

/** A new mm from the MmArg words at `args`: mm_users 1, this worker's; mm_count 1. The mm, -ENOMEM or -EINVAL. */
export function mm_create(args: usize): i32 {
  const shift = <u32>load<f64>(args, MmArg.PAGE_SHIFT * 8);
  const task_size = <u64>load<f64>(args, MmArg.TASK_SIZE * 8);
  const task_pages = task_size >> shift;
  const regions = <u32>((task_pages + Region.MASK) >> Region.SHIFT);
  if (shift < 12 || shift > 16 || regions == 0 || regions > <u32>Region.TABLE_MAX)
    return -Errno.EINVAL;
  if (task_size > (<u64>1) << Vma.LOG_MAX) return -Errno.EINVAL;
  const mm = mm_alloc(regions);
  if (mm == 0) return -Errno.ENOMEM;
  store<u32>(mm, shift, Mm.PAGE_SHIFT);
  store<u32>(mm, <u32>load<f64>(args, MmArg.BOTTOM_UP * 8), Mm.BOTTOM_UP);
  store<u64>(mm, <u64>load<f64>(args, MmArg.TASK_SIZE * 8), Mm.TASK_SIZE);
  store<u64>(mm, <u64>load<f64>(args, MmArg.MMAP_BASE * 8), Mm.MMAP_BASE);
  store<u64>(mm, <u64>load<f64>(args, MmArg.MMAP_MIN_ADDR * 8), Mm.MMAP_MIN_ADDR);
  store<u64>(mm, <u64>load<f64>(args, MmArg.LEGACY_BASE * 8), Mm.LEGACY_BASE);
  store<u32>(mm, <u32>load<f64>(args, MmArg.STACK_GUARD_GAP_PAGES * 8), Mm.STACK_GUARD_GAP);
  store<u32>(mm, <u32>load<f64>(args, MmArg.MAX_MAP_COUNT * 8), Mm.MAX_MAP_COUNT);
  store<u32>(mm, <u32>load<f64>(args, MmArg.THP * 8), Mm.THP);
  store<u32>(mm, <u32>load<f64>(args, MmArg.OVERCOMMIT * 8), Mm.OVERCOMMIT);
  let caps: u32 = load<f64>(args, MmArg.CAP_IPC_LOCK * 8) != 0 ? Cap.IPC_LOCK : 0;
  if (load<f64>(args, MmArg.CAP_SYS_RAWIO * 8) != 0) caps |= Cap.SYS_RAWIO;
  store<u32>(mm, caps, Mm.CAPS);
  const brk = <u64>load<f64>(args, MmArg.START_BRK * 8);
  store<u64>(mm, brk, Mm.START_BRK);
  store<u64>(mm, brk, Mm.BRK);
  store<u64>(mm, limit_from(load<f64>(args, MmArg.RLIMIT_AS * 8)), Mm.RLIMIT_AS);
  store<u64>(mm, limit_from(load<f64>(args, MmArg.RLIMIT_DATA * 8)), Mm.RLIMIT_DATA);
  store<u64>(mm, limit_from(load<f64>(args, MmArg.RLIMIT_MEMLOCK * 8)), Mm.RLIMIT_MEMLOCK);
  store<u64>(mm, limit_from(load<f64>(args, MmArg.RLIMIT_STACK * 8)), Mm.RLIMIT_STACK);
  store<u64>(mm, limit_from(load<f64>(args, MmArg.TOTALRAM_PAGES * 8)), Mm.TOTALRAM_PAGES);
  store<u32>(mm, <u32>this_seat(), Mm.TEARDOWN);
  mm_publish(mm);
  return mm_keep(mm);
}

/** A limit argument: negative is unlimited. */
export function limit_from(value: f64): u64 {
  return value < 0 ? u64.MAX_VALUE : <u64>value;
}

/** An empty mm record with its tree; counts still 0. 0 if the arena is full. */
export function mm_alloc(regions: u32): usize {
  const large = regions > <u32>Region.INLINE;
  if (slab_reserve(SlabKind.MM, 1) != 0) return 0;
  if (large && slab_reserve(SlabKind.TABLE, 2) != 0) return 0;
  const mm = journal_alloc(SlabKind.MM);
  // The lock words and mm_lock_seq stay as they are: free, even, and never going
  // back, so that a stale reader cannot see an old number come true again.
  memory.fill(mm + Mm.TREE, 0, Mm.SIZE - Mm.TREE);
  if (LOCKDEP) lockdep_born(mm);
  const table = large ? journal_alloc(SlabKind.TABLE) : mm + Mm.INLINE_TABLE;
  mt_init(mm + Mm.TREE, table, regions);
  const guards = large ? journal_alloc(SlabKind.TABLE) : mm + Mm.INLINE_GUARD_TABLE;
  mt_init(mm + Mm.GUARDS, guards, regions);
  return mm;
}

/**
 * Sets the counts of a filled record: from here on it is an mm. Commits what it is made of
 * before anybody can find it: what is undone has no users. Context: TEARDOWN is this seat, so
 * that it is given up if its maker dies (M4).
 */
export function mm_publish(mm: usize): void {
  refcount_set(mm + Mm.COUNT, 1);
  mm_end_change();
  // Last: a walk that had found the record's old life may become a user from here on, and
  // M1 must hold by then. Partner: mmget_not_zero.
  refcount_set(mm + Mm.USERS, 1);
}

/**
 * Its maker is done with a published space: from here on its user is a reference like any other,
 * this worker's. The mm; -ENOMEM if that can't be listed, and the space is given up.
 */
export function mm_keep(mm: usize): i32 {
  if (ledger_add(<u32>mm | Ref.USERS) != 0) {
    mm_give_up(mm);
    return -Errno.ENOMEM;
  }
  journal_word(mm + Mm.TEARDOWN);
  store<u32>(mm, Teardown.NONE, Mm.TEARDOWN);
  mm_end_change();
  return <i32>mm;
}

/** One user less; the last one tears the space down here and now (M2). */
function put_user(mm: usize): void {
  journal_later(Tag.PUT_USERS, mm);
  mm_end_change();
  mm_teardown_if_last(mm);
}

/** After a put of a user, which may have been the last. */
export function mm_teardown_if_last(mm: usize): void {
  // Ours alone: nobody else stores this seat there, and the record is ours until then (M4).
  if (load_acquire(mm + Mm.TEARDOWN) == <u32>this_seat()) mm_teardown(mm);
}

/** The same, leaving it to whoever comes first. If this worker dies before, its reaper does it. */
export function mm_queue_teardown_if_last(mm: usize): void {
  if (load_acquire(mm + Mm.TEARDOWN) == <u32>this_seat())
    store_release(mm + Mm.TEARDOWN, Teardown.QUEUED); // partner: mm_run_deferred
}

/**
 * Gives up a space that this worker tears down or builds (M4): one that still has users is
 * left to the others among them.
 */
export function mm_give_up(mm: usize): void {
  if (mm_users(mm) == 0) {
    mm_teardown(mm);
    return;
  }
  journal_word(mm + Mm.TEARDOWN);
  store<u32>(mm, Teardown.NONE, Mm.TEARDOWN);
  put_user(mm);
}

/** Tears down everything mmput_async has queued; how many mms. */
export function mm_run_deferred(): i32 {
  let n = 0;
  let mm = mm_next_record(0);
  while (mm != 0) {
    // Claims the teardown against other workers. Partner: mm_queue_teardown_if_last.
    if (load_acquire(mm + Mm.TEARDOWN) == Teardown.QUEUED) {
      const was = cmpxchg(mm + Mm.TEARDOWN, Teardown.QUEUED, <u32>this_seat());
      if (was == Teardown.QUEUED) {
        mm_teardown(mm);
        n++;
      }
    }
    mm = mm_next_record(mm);
  }
  return n;
}

export function mm_users(mm: usize): u32 {
  return refcount_read(mm + Mm.USERS);
}

export function mm_count(mm: usize): u32 {
  return refcount_read(mm + Mm.COUNT);
}

/** The live mm at the lowest address above `after`; 0 at the end. A snapshot: for validators and tools. */
export function mm_next(after: usize): usize {
  let mm = mm_next_record(after);
  while (mm != 0 && mm_count(mm) == 0) mm = mm_next_record(mm);
  return mm;
}

/** The mm record, live or not, at the lowest address above `after`; 0 at the end. */
export function mm_next_record(after: usize): usize {
  const kinds = <usize>load<u32>(Header.CHUNK_KINDS);
  const base = <usize>load<u32>(Header.CHUNKS);
  const chunks = load_acquire(Header.CHUNK_NEXT);
  let chunk: u32 = after == 0 ? 0 : <u32>((after - base) >> Chunk.SHIFT);
  for (; chunk < chunks; chunk++) {
    if (<u32>load<u8>(kinds + chunk) != SlabKind.MM + 1) continue;
    const first = base + ((<usize>chunk) << Chunk.SHIFT);
    for (let mm = first; mm + Mm.SIZE <= first + Chunk.SIZE; mm += Mm.SIZE) {
      if (mm > after) return mm;
    }
  }
  return 0;
}

/** True if `mm` is the address of an mm record: misuse checks of the facade. */
export function mm_is_valid(mm: usize): bool {
  return slab_owns(SlabKind.MM, mm) && mm_count(mm) != 0;
}
