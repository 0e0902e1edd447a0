// The ABI: every export of the engine, as docs/abi.md lists them. One-line bodies only.
//
// Floor: index. Imports: everything below.

import { Cap, Header, Mm, slab_object_size as object_size, Vma, VmaName } from "./base/layout";
import { seat_scratch } from "./base/worker";
import { mt_height, mt_nodes, Walk } from "./maple/tree";
import { mm_end_change } from "./mm/change";
import { file_info as copy_file_info, file_create as make_file } from "./mm/file";
import { limit_from, mm_create as make_mm, mm_next as next_mm } from "./mm/mm";
import {
  mmap_read_granted,
  mmap_write_granted,
  mmap_write_unlock,
  mmap_read_trylock as try_read,
  mmap_write_trylock as try_write,
} from "./mm/mmap_lock";
import { mmap_write_lock } from "./mm/mmap_wait";
import { vm_anon_vma, vm_end, vm_file, vm_flags, vm_pgoff, vm_start } from "./mm/vma";
import { lock_vma_under_rcu as lock_vma, peek as peek_vma } from "./mm/vma_lock";
import { handle_mm_fault as fault, handle_mm_fault_locked as fault_locked } from "./ops/fault";
import { any_guard } from "./ops/guard";
import { mm_brk_init as init_brk, vma_install_locked } from "./ops/install";
import { why_not_mergeable } from "./ops/merge";
import {
  find_vma as find,
  find_vma_prev as find_prev,
  vma_lookup as lookup,
  vma_next,
} from "./ops/range";
import { get_unmapped_area } from "./ops/unmapped";
import { mm_validate_locked } from "./ops/validate";
import { Abi, Access, MmArg, MmStat, VmaOut } from "./shared/abi";
import { Errno } from "./shared/errno";
import { load_acquire } from "./sync/atomics";
import {
  Queue,
  rwlock_is_contended,
  rwlock_read_cancel,
  rwlock_read_queue,
  rwlock_read_step,
  rwlock_write_cancel,
  rwlock_write_step,
} from "./sync/rwlock";

export { slab_bytes, slab_live } from "./alloc/slab";
// The arena and its workers.
export {
  arena_init,
  fail_after,
  fail_pending,
  layout_version,
  max_workers,
  slab_chunks,
  worker_attach,
  worker_counter,
  worker_detach,
  worker_generation,
  worker_look,
  worker_mark_dead,
  worker_reap,
  worker_report,
  worker_reserve,
  worker_scratch,
  worker_seat,
  worker_seat_taken,
  worker_sit,
} from "./arena";

/** Bytes of one object of a SlabKind. */
export function slab_object_size(kind: u32): u32 {
  return object_size(kind);
}

// Address spaces.
export {
  mm_count,
  mm_is_valid,
  mm_run_deferred,
  mm_users,
} from "./mm/mm";
// References, and how they travel.
export {
  file_get,
  file_put,
  flight_land,
  flight_landed,
  flight_launch,
  flight_recall,
  mmdrop,
  mmget,
  mmget_not_zero,
  mmgrab,
  mmput,
  mmput_async,
} from "./mm/refs";

export function mm_create(): i32 {
  return make_mm(seat_scratch());
}

/** The inverse: what mm_create was told, and what was set since, as MmArg words at `out`. */
export function mm_settings(mm: usize, out: usize): void {
  store<f64>(out, <f64>load<u32>(mm, Mm.PAGE_SHIFT), MmArg.PAGE_SHIFT * 8);
  store<f64>(out, <f64>load<u64>(mm, Mm.TASK_SIZE), MmArg.TASK_SIZE * 8);
  store<f64>(out, <f64>load<u64>(mm, Mm.MMAP_BASE), MmArg.MMAP_BASE * 8);
  store<f64>(out, <f64>load<u64>(mm, Mm.MMAP_MIN_ADDR), MmArg.MMAP_MIN_ADDR * 8);
  store<f64>(out, <f64>load<u32>(mm, Mm.BOTTOM_UP), MmArg.BOTTOM_UP * 8);
  store<f64>(out, <f64>load<u32>(mm, Mm.STACK_GUARD_GAP), MmArg.STACK_GUARD_GAP_PAGES * 8);
  store<f64>(out, <f64>load<u32>(mm, Mm.MAX_MAP_COUNT), MmArg.MAX_MAP_COUNT * 8);
  store<f64>(out, <f64>load<u64>(mm, Mm.START_BRK), MmArg.START_BRK * 8);
  store<f64>(out, <f64>load<u32>(mm, Mm.OVERCOMMIT), MmArg.OVERCOMMIT * 8);
  store<f64>(out, <f64>load<u32>(mm, Mm.THP), MmArg.THP * 8);
  store<f64>(out, limit_to(load<u64>(mm, Mm.RLIMIT_AS)), MmArg.RLIMIT_AS * 8);
  store<f64>(out, limit_to(load<u64>(mm, Mm.RLIMIT_DATA)), MmArg.RLIMIT_DATA * 8);
  store<f64>(out, limit_to(load<u64>(mm, Mm.RLIMIT_MEMLOCK)), MmArg.RLIMIT_MEMLOCK * 8);
  store<f64>(out, limit_to(load<u64>(mm, Mm.RLIMIT_STACK)), MmArg.RLIMIT_STACK * 8);
  const caps = load<u32>(mm, Mm.CAPS);
  store<f64>(out, (caps & Cap.IPC_LOCK) != 0 ? 1 : 0, MmArg.CAP_IPC_LOCK * 8);
  store<f64>(out, (caps & Cap.SYS_RAWIO) != 0 ? 1 : 0, MmArg.CAP_SYS_RAWIO * 8);
  store<f64>(out, limit_to(load<u64>(mm, Mm.TOTALRAM_PAGES)), MmArg.TOTALRAM_PAGES * 8);
  store<f64>(out, <f64>load<u64>(mm, Mm.LEGACY_BASE), MmArg.LEGACY_BASE * 8);
}

export function mm_first(): usize {
  return next_mm(0);
}

export function mm_next(mm: usize): usize {
  return next_mm(mm);
}

export function mm_stat(mm: usize, stat: u32): f64 {
  switch (stat) {
    case MmStat.MAP_COUNT:
      return <f64>load<u32>(mm, Mm.MAP_COUNT);
    case MmStat.TOTAL_VM:
      return <f64>load<u64>(mm, Mm.TOTAL_VM);
    case MmStat.DATA_VM:
      return <f64>load<u64>(mm, Mm.DATA_VM);
    case MmStat.EXEC_VM:
      return <f64>load<u64>(mm, Mm.EXEC_VM);
    case MmStat.STACK_VM:
      return <f64>load<u64>(mm, Mm.STACK_VM);
    case MmStat.LOCKED_VM:
      return <f64>load<u64>(mm, Mm.LOCKED_VM);
    case MmStat.START_BRK:
      return <f64>load<u64>(mm, Mm.START_BRK);
    case MmStat.BRK:
      return <f64>load<u64>(mm, Mm.BRK);
    case MmStat.MMAP_BASE:
      return <f64>load<u64>(mm, Mm.MMAP_BASE);
    case MmStat.TASK_SIZE:
      return <f64>load<u64>(mm, Mm.TASK_SIZE);
    case MmStat.PAGE_SHIFT:
      return <f64>load<u32>(mm, Mm.PAGE_SHIFT);
    case MmStat.SEQUENCE:
      return <f64>load_acquire(mm + Mm.LOCK_SEQ);
    case MmStat.USERS:
      return <f64>load_acquire(mm + Mm.USERS);
    case MmStat.COUNT:
      return <f64>load_acquire(mm + Mm.COUNT);
    case MmStat.COMMIT:
      return <f64>load<u64>(mm, Mm.COMMIT);
    case MmStat.DEF_FLAGS:
      return <f64>load<u64>(mm, Mm.DEF_FLAGS);
    case MmStat.DATA_SEGMENT:
      return <f64>load<u64>(mm, Mm.DATA_SEGMENT);
    case MmStat.START_STACK:
      return <f64>load<u64>(mm, Mm.START_STACK);
    case MmStat.FLAGS:
      return <f64>load<u32>(mm, Mm.FLAGS);
    default:
      return -Errno.EINVAL;
  }
}

export function mm_limit_set(mm: usize, limit: u32, bytes: f64): void {
  store<u64>(mm + Mm.RLIMIT_AS + ((<usize>limit) << 3), limit_from(bytes));
}

/** MmFlag bits, all at once. */
export function mm_flags_set(mm: usize, flags: u32): void {
  store<u32>(mm, flags, Mm.FLAGS);
}

export function mm_caps_set(mm: usize, caps: u32): void {
  store<u32>(mm, caps, Mm.CAPS);
}

export function mm_brk_init(
  mm: usize,
  start_brk: f64,
  brk: f64,
  data_segment: f64,
  start_stack: f64,
): void {
  init_brk(mm, u(start_brk), u(brk), u(data_segment), u(start_stack));
}

/** 0 or an Invariant; scratch word 0 says where. */
export function mm_validate(mm: usize): i32 {
  const blocked = mmap_write_lock(mm);
  if (blocked != 0) return blocked;
  const result = mm_validate_locked(mm, seat_scratch());
  mmap_write_unlock(mm);
  return result;
}

export function mm_validate_under_lock(mm: usize): i32 {
  return mm_validate_locked(mm, seat_scratch());
}

export function mm_tree_height(mm: usize, region: u32): u32 {
  return mt_height(mm + Mm.TREE, region);
}

export function mm_tree_nodes(mm: usize, leaves: u32): u32 {
  return mt_nodes(mm + Mm.TREE, leaves != 0);
}

export function file_create(): i32 {
  return done(make_file(seat_scratch()));
}

export function file_info(file: u32): void {
  copy_file_info(file, seat_scratch());
}

// Locks.
export { mmap_read_unlock, mmap_write_downgrade, mmap_write_unlock } from "./mm/mmap_lock";
export { mmap_read_lock, mmap_write_lock } from "./mm/mmap_wait";
export { vma_end_read } from "./mm/vma_lock";

export function mmap_read_trylock(mm: usize): i32 {
  return try_read(mm) ? 1 : 0;
}

export function mmap_write_trylock(mm: usize): i32 {
  return try_write(mm) ? 1 : 0;
}

export function mmap_lock_is_contended(mm: usize): i32 {
  return rwlock_is_contended(mm + Mm.LOCK) ? 1 : 0;
}

/** 1 held, 0 queued (scratch: word, value, request), -EAGAIN: this worker reads too many spaces. */
export function mmap_read_queue(mm: usize): i32 {
  const queue = rwlock_read_queue(mm + Mm.LOCK, seat_scratch());
  if (queue == Queue.FULL) return -Errno.EAGAIN;
  return queue == Queue.HELD ? read_granted(mm) : 0;
}

/** 1 held, 0 still queued: scratch is up to date. */
export function mmap_read_queued(mm: usize, request: u32): i32 {
  return rwlock_read_step(mm + Mm.LOCK, request, seat_scratch()) ? read_granted(mm) : 0;
}

/** 1: was let in first, the caller holds the lock. */
export function mmap_read_cancel(mm: usize, request: u32): i32 {
  return rwlock_read_cancel(mm + Mm.LOCK, request) ? 0 : 1;
}

function read_granted(mm: usize): i32 {
  const dead = mmap_read_granted(mm);
  return dead != 0 ? dead : 1;
}

function write_step(mm: usize): i32 {
  if (!rwlock_write_step(mm + Mm.LOCK, seat_scratch())) return 0;
  const dead = mmap_write_granted(mm);
  return dead != 0 ? dead : 1;
}

export function mmap_write_queue(mm: usize): i32 {
  return write_step(mm);
}

export function mmap_write_queued(mm: usize): i32 {
  return write_step(mm);
}

export function mmap_write_cancel(mm: usize): i32 {
  rwlock_write_cancel(mm + Mm.LOCK);
  return 0;
}

// VMAs.
export function lock_vma_under_rcu(mm: usize, address: f64): usize {
  return lock_vma(mm, u(address));
}

export function lock_vma_under_rcu_i64(mm: usize, address: i64): usize {
  return lock_vma(mm, address);
}

export function vma_start(vma: usize): f64 {
  return <f64>vm_start(vma);
}

export function vma_end(vma: usize): f64 {
  return <f64>vm_end(vma);
}

export function vma_flags(vma: usize): f64 {
  return <f64>vm_flags(vma);
}

export function vma_pgoff(vma: usize): f64 {
  return <f64>vm_pgoff(vma);
}

export function vma_file(vma: usize): u32 {
  return vm_file(vma);
}

export function vma_mm(vma: usize): u32 {
  return load<u32>(vma, Vma.MM);
}

export function vma_anon_vma(vma: usize): u32 {
  return vm_anon_vma(vma);
}

export function vma_anon_name(vma: usize): u32 {
  return load<u32>(vma, Vma.ANON_NAME);
}

/** Copies a VMA name to scratch; its length in bytes. Context: a lock on the VMA that has it. */
export function vma_name(name: u32): u32 {
  const length = load<u32>(<usize>name, VmaName.LENGTH);
  memory.copy(seat_scratch(), <usize>name + VmaName.BYTES, length);
  return length;
}

export function vma_read(vma: usize, out: usize): void {
  store<f64>(out, <f64>vm_start(vma), VmaOut.START * 8);
  store<f64>(out, <f64>vm_end(vma), VmaOut.END * 8);
  store<f64>(out, <f64>vm_flags(vma), VmaOut.FLAGS * 8);
  store<f64>(out, <f64>vm_pgoff(vma), VmaOut.PGOFF * 8);
  store<f64>(out, <f64>vm_file(vma), VmaOut.FILE * 8);
  store<f64>(out, <f64>vm_anon_vma(vma), VmaOut.ANON_VMA * 8);
  store<f64>(out, <f64>load<u32>(vma, Vma.ANON_NAME), VmaOut.ANON_NAME * 8);
}

export function vma_lookup(mm: usize, address: f64): usize {
  return lookup(mm, u(address));
}

export function vma_lookup_i64(mm: usize, address: i64): usize {
  return lookup(mm, address);
}

export function find_vma(mm: usize, address: f64): usize {
  return find(mm, u(address));
}

export function find_vma_i64(mm: usize, address: i64): usize {
  return find(mm, address);
}

export function find_vma_prev(mm: usize, address: f64): usize {
  return find_prev(mm, u(address));
}

export function find_vma_prev_i64(mm: usize, address: i64): usize {
  return find_prev(mm, address);
}

export function peek(mm: usize, address: f64, out: usize): i32 {
  return peek_vma(mm, u(address), out);
}

export function peek_i64(mm: usize, address: i64, out: usize): i32 {
  return peek_vma(mm, address, out);
}

/** `n` addresses (f64) at `input`, a VMA or 0 (u32) each at `out`; how many were found. */
export function lookup_many(mm: usize, input: usize, out: usize, n: u32): u32 {
  const shift = load<u32>(mm, Mm.PAGE_SHIFT);
  let found: u32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const vma = Walk.load(mm + Mm.TREE, u(load<f64>(input + ((<usize>i) << 3))) >> shift);
    store<u32>(out + ((<usize>i) << 2), vma);
    found += vma != 0 ? 1 : 0;
  }
  return found;
}

/** Apart bits that keep the VMA at `address` from merging with the one after it; -EINVAL: no such pair. */
export function vma_explain(mm: usize, address: f64): i32 {
  const vma = lookup(mm, u(address));
  const next: usize = vma == 0 ? 0 : vma_next(mm, vma);
  return next == 0 ? -Errno.EINVAL : <i32>why_not_mergeable(mm, vma, next);
}

/** Where mmap would put `length` bytes (whole pages), as get_unmapped_area answers. Context: the mmap lock. */
export function unmapped_area(
  mm: usize,
  address: f64,
  length: f64,
  pgoff: f64,
  flags: u32,
  file: u32,
): f64 {
  return <f64>get_unmapped_area(mm, u(address), u(length), u(pgoff), flags, file);
}

/** 1 if a page of [start, end) is a guard page. Context: the mmap lock. */
export function guard_in(mm: usize, start: f64, end: f64): u32 {
  return any_guard(mm, u(start), u(end)) ? 1 : 0;
}

export function vma_install(
  mm: usize,
  start: f64,
  end: f64,
  flags: f64,
  pgoff: f64,
  file: u32,
): i32 {
  const blocked = mmap_write_lock(mm);
  if (blocked != 0) return blocked;
  const result = vma_install_locked(mm, u(start), u(end), <u64>flags, <u64>pgoff, file);
  mmap_write_unlock(mm);
  return result;
}

// Faults and system calls.
export function handle_mm_fault(mm: usize, address: f64, access: Access): i32 {
  return fault(mm, u(address), access);
}

export function handle_mm_fault_i64(mm: usize, address: i64, access: Access): i32 {
  return fault(mm, address, access);
}

export function handle_mm_fault_locked(mm: usize, address: f64, access: Access): i32 {
  return done(fault_locked(mm, u(address), access));
}

export * from "./file-ops";
export * from "./syscalls";

/** A call that takes no lock itself is over (mm/change.ts). */
function done(result: i32): i32 {
  mm_end_change();
  return result;
}

/** The inverse of limit_from. */
function limit_to(limit: u64): f64 {
  return limit == u64.MAX_VALUE ? -1 : <f64>limit;
}

/** An address as it comes from JavaScript: a non-negative safe integer. */
function u(value: f64): u64 {
  return <u64>(<i64>value);
}

if (<i32>Abi.HEADER != <i32>Header.MAGIC) ERROR("the header begins with its magic");
