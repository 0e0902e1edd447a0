// The system calls as exports: each in four forms.
//
//   name(mm, ...)             takes the mmap lock itself; addresses and lengths are f64
//   name_i64(mm, ...)         the same with i64 (values above 2^53, other wasm modules)
//   name_locked(mm, ...)      under the mmap lock that the caller holds
//   name_locked_i64(mm, ...)
//
// One-line bodies only; the rules are in ops/. Results: see shared/abi.ts.
// Floor: index. Imports: mm, ops.

import { seat_scratch } from "./base/worker";
import { mm_end_change } from "./mm/change";
import { mmap_read_unlock, mmap_write_unlock } from "./mm/mmap_lock";
import { mmap_read_lock, mmap_write_lock } from "./mm/mmap_wait";
import { brk_locked as do_brk } from "./ops/brk";
import { madvise_locked as do_madvise } from "./ops/madvise";
import {
  mlock_locked as do_mlock,
  mlockall_locked as do_mlockall,
  munlock_locked as do_munlock,
  munlockall_locked as do_munlockall,
} from "./ops/mlock";
import { mmap_locked as do_mmap } from "./ops/mmap";
import { mprotect_locked as do_mprotect } from "./ops/mprotect";
import { mremap_locked as do_mremap } from "./ops/mremap";
import { munmap_locked as do_munmap } from "./ops/munmap";
import {
  mincore_locked as do_mincore,
  mseal_locked as do_mseal,
  msync_locked as do_msync,
} from "./ops/pages";
import { remap_file_pages_locked as do_remap_file_pages } from "./ops/remap_file_pages";
import { set_vma_name_locked as do_set_vma_name } from "./ops/setname";

/** A call under the caller's lock is over: it stays done if this worker dies from here on. */
function done<T>(result: T): T {
  mm_end_change();
  return result;
}

/** The write section that a call took for itself is over; `lock || unlock_write(mm, call)`: no call without the lock. */
function unlock_write<T>(mm: usize, result: T): T {
  mmap_write_unlock(mm);
  return result;
}

function unlock_read<T>(mm: usize, result: T): T {
  mmap_read_unlock(mm);
  return result;
}

/** An address or length as it comes from JavaScript: a non-negative safe integer. */
function u(value: f64): u64 {
  return <u64>(<i64>value);
}

function run_mmap(
  mm: usize,
  address: u64,
  length: u64,
  prot: u32,
  flags: u32,
  file: u32,
  offset: u64,
): i64 {
  return (
    <i64>mmap_write_lock(mm) ||
    unlock_write(mm, do_mmap(mm, address, length, prot, flags, file, offset))
  );
}

export function mmap(
  mm: usize,
  address: f64,
  length: f64,
  prot: u32,
  flags: u32,
  file: u32,
  offset: f64,
): f64 {
  return <f64>run_mmap(mm, u(address), u(length), prot, flags, file, u(offset));
}

export function mmap_i64(
  mm: usize,
  address: i64,
  length: i64,
  prot: u32,
  flags: u32,
  file: u32,
  offset: i64,
): i64 {
  return run_mmap(mm, address, length, prot, flags, file, offset);
}

export function mmap_locked(
  mm: usize,
  address: f64,
  length: f64,
  prot: u32,
  flags: u32,
  file: u32,
  offset: f64,
): f64 {
  return <f64>done(do_mmap(mm, u(address), u(length), prot, flags, file, u(offset)));
}

export function mmap_locked_i64(
  mm: usize,
  address: i64,
  length: i64,
  prot: u32,
  flags: u32,
  file: u32,
  offset: i64,
): i64 {
  return done(do_mmap(mm, address, length, prot, flags, file, offset));
}

function run_munmap(mm: usize, address: u64, length: u64): i32 {
  return mmap_write_lock(mm) || unlock_write(mm, do_munmap(mm, address, length));
}

export function munmap(mm: usize, address: f64, length: f64): i32 {
  return run_munmap(mm, u(address), u(length));
}

export function munmap_i64(mm: usize, address: i64, length: i64): i32 {
  return run_munmap(mm, address, length);
}

export function munmap_locked(mm: usize, address: f64, length: f64): i32 {
  return done(do_munmap(mm, u(address), u(length)));
}

export function munmap_locked_i64(mm: usize, address: i64, length: i64): i32 {
  return done(do_munmap(mm, address, length));
}

function run_mprotect(mm: usize, address: u64, length: u64, prot: u32): i32 {
  return mmap_write_lock(mm) || unlock_write(mm, do_mprotect(mm, address, length, prot));
}

export function mprotect(mm: usize, address: f64, length: f64, prot: u32): i32 {
  return run_mprotect(mm, u(address), u(length), prot);
}

export function mprotect_i64(mm: usize, address: i64, length: i64, prot: u32): i32 {
  return run_mprotect(mm, address, length, prot);
}

export function mprotect_locked(mm: usize, address: f64, length: f64, prot: u32): i32 {
  return done(do_mprotect(mm, u(address), u(length), prot));
}

export function mprotect_locked_i64(mm: usize, address: i64, length: i64, prot: u32): i32 {
  return done(do_mprotect(mm, address, length, prot));
}

function run_mremap(
  mm: usize,
  address: u64,
  old_length: u64,
  new_length: u64,
  flags: u32,
  new_address: u64,
): i64 {
  return (
    <i64>mmap_write_lock(mm) ||
    unlock_write(mm, do_mremap(mm, address, old_length, new_length, flags, new_address))
  );
}

export function mremap(
  mm: usize,
  address: f64,
  old_length: f64,
  new_length: f64,
  flags: u32,
  new_address: f64,
): f64 {
  return <f64>run_mremap(mm, u(address), u(old_length), u(new_length), flags, u(new_address));
}

export function mremap_i64(
  mm: usize,
  address: i64,
  old_length: i64,
  new_length: i64,
  flags: u32,
  new_address: i64,
): i64 {
  return run_mremap(mm, address, old_length, new_length, flags, new_address);
}

export function mremap_locked(
  mm: usize,
  address: f64,
  old_length: f64,
  new_length: f64,
  flags: u32,
  new_address: f64,
): f64 {
  return <f64>done(do_mremap(mm, u(address), u(old_length), u(new_length), flags, u(new_address)));
}

export function mremap_locked_i64(
  mm: usize,
  address: i64,
  old_length: i64,
  new_length: i64,
  flags: u32,
  new_address: i64,
): i64 {
  return done(do_mremap(mm, address, old_length, new_length, flags, new_address));
}

function run_brk(mm: usize, address: u64): i64 {
  return <i64>mmap_write_lock(mm) || unlock_write(mm, do_brk(mm, address));
}

export function brk(mm: usize, address: f64): f64 {
  return <f64>run_brk(mm, u(address));
}

export function brk_i64(mm: usize, address: i64): i64 {
  return run_brk(mm, address);
}

export function brk_locked(mm: usize, address: f64): f64 {
  return <f64>done(do_brk(mm, u(address)));
}

export function brk_locked_i64(mm: usize, address: i64): i64 {
  return done(do_brk(mm, address));
}

function run_madvise(mm: usize, address: u64, length: u64, advice: i32): i32 {
  return mmap_write_lock(mm) || unlock_write(mm, do_madvise(mm, address, length, advice));
}

export function madvise(mm: usize, address: f64, length: f64, advice: i32): i32 {
  return run_madvise(mm, u(address), u(length), advice);
}

export function madvise_i64(mm: usize, address: i64, length: i64, advice: i32): i32 {
  return run_madvise(mm, address, length, advice);
}

export function madvise_locked(mm: usize, address: f64, length: f64, advice: i32): i32 {
  return done(do_madvise(mm, u(address), u(length), advice));
}

export function madvise_locked_i64(mm: usize, address: i64, length: i64, advice: i32): i32 {
  return done(do_madvise(mm, address, length, advice));
}

function run_mlock(mm: usize, address: u64, length: u64, flags: u32): i32 {
  return mmap_write_lock(mm) || unlock_write(mm, do_mlock(mm, address, length, flags));
}

export function mlock(mm: usize, address: f64, length: f64, flags: u32): i32 {
  return run_mlock(mm, u(address), u(length), flags);
}

export function mlock_i64(mm: usize, address: i64, length: i64, flags: u32): i32 {
  return run_mlock(mm, address, length, flags);
}

export function mlock_locked(mm: usize, address: f64, length: f64, flags: u32): i32 {
  return done(do_mlock(mm, u(address), u(length), flags));
}

export function mlock_locked_i64(mm: usize, address: i64, length: i64, flags: u32): i32 {
  return done(do_mlock(mm, address, length, flags));
}

function run_munlock(mm: usize, address: u64, length: u64): i32 {
  return mmap_write_lock(mm) || unlock_write(mm, do_munlock(mm, address, length));
}

export function munlock(mm: usize, address: f64, length: f64): i32 {
  return run_munlock(mm, u(address), u(length));
}

export function munlock_i64(mm: usize, address: i64, length: i64): i32 {
  return run_munlock(mm, address, length);
}

export function munlock_locked(mm: usize, address: f64, length: f64): i32 {
  return done(do_munlock(mm, u(address), u(length)));
}

export function munlock_locked_i64(mm: usize, address: i64, length: i64): i32 {
  return done(do_munlock(mm, address, length));
}

function run_msync(mm: usize, address: u64, length: u64, flags: u32): i32 {
  return mmap_read_lock(mm) || unlock_read(mm, do_msync(mm, address, length, flags));
}

export function msync(mm: usize, address: f64, length: f64, flags: u32): i32 {
  return run_msync(mm, u(address), u(length), flags);
}

export function msync_i64(mm: usize, address: i64, length: i64, flags: u32): i32 {
  return run_msync(mm, address, length, flags);
}

export function msync_locked(mm: usize, address: f64, length: f64, flags: u32): i32 {
  return do_msync(mm, u(address), u(length), flags);
}

export function msync_locked_i64(mm: usize, address: i64, length: i64, flags: u32): i32 {
  return do_msync(mm, address, length, flags);
}

function run_mincore(mm: usize, address: u64, length: u64): i32 {
  return mmap_read_lock(mm) || unlock_read(mm, do_mincore(mm, address, length));
}

export function mincore(mm: usize, address: f64, length: f64): i32 {
  return run_mincore(mm, u(address), u(length));
}

export function mincore_i64(mm: usize, address: i64, length: i64): i32 {
  return run_mincore(mm, address, length);
}

export function mincore_locked(mm: usize, address: f64, length: f64): i32 {
  return do_mincore(mm, u(address), u(length));
}

export function mincore_locked_i64(mm: usize, address: i64, length: i64): i32 {
  return do_mincore(mm, address, length);
}

function run_mseal(mm: usize, address: u64, length: u64, flags: u32): i32 {
  return mmap_write_lock(mm) || unlock_write(mm, do_mseal(mm, address, length, flags));
}

export function mseal(mm: usize, address: f64, length: f64, flags: u32): i32 {
  return run_mseal(mm, u(address), u(length), flags);
}

export function mseal_i64(mm: usize, address: i64, length: i64, flags: u32): i32 {
  return run_mseal(mm, address, length, flags);
}

export function mseal_locked(mm: usize, address: f64, length: f64, flags: u32): i32 {
  return done(do_mseal(mm, u(address), u(length), flags));
}

export function mseal_locked_i64(mm: usize, address: i64, length: i64, flags: u32): i32 {
  return done(do_mseal(mm, address, length, flags));
}

export { fork_locked, mm_fork } from "./ops/fork";

export function mlockall_locked(mm: usize, flags: u32): i32 {
  return done(do_mlockall(mm, flags));
}

export function munlockall_locked(mm: usize): i32 {
  return done(do_munlockall(mm));
}

export function mlockall(mm: usize, flags: u32): i32 {
  return mmap_write_lock(mm) || unlock_write(mm, do_mlockall(mm, flags));
}

export function munlockall(mm: usize): i32 {
  return mmap_write_lock(mm) || unlock_write(mm, do_munlockall(mm));
}

function run_set_vma_name(mm: usize, address: u64, length: u64, name_length: i32): i32 {
  return (
    mmap_write_lock(mm) ||
    unlock_write(mm, do_set_vma_name(mm, address, length, seat_scratch(), name_length))
  );
}

/** The name's bytes are at the start of scratch; a negative length takes the name away. */
export function set_vma_name(mm: usize, address: f64, length: f64, name_length: i32): i32 {
  return run_set_vma_name(mm, u(address), u(length), name_length);
}

export function set_vma_name_i64(mm: usize, address: i64, length: i64, name_length: i32): i32 {
  return run_set_vma_name(mm, address, length, name_length);
}

export function set_vma_name_locked(mm: usize, address: f64, length: f64, name_length: i32): i32 {
  return done(do_set_vma_name(mm, u(address), u(length), seat_scratch(), name_length));
}

export function set_vma_name_locked_i64(
  mm: usize,
  address: i64,
  length: i64,
  name_length: i32,
): i32 {
  return done(do_set_vma_name(mm, address, length, seat_scratch(), name_length));
}

/** `pgoff` in pages. */
export function remap_file_pages(
  mm: usize,
  address: f64,
  length: f64,
  prot: u32,
  pgoff: f64,
  flags: u32,
): i32 {
  return (
    mmap_write_lock(mm) ||
    unlock_write(mm, do_remap_file_pages(mm, u(address), u(length), prot, u(pgoff), flags))
  );
}

export function remap_file_pages_locked(
  mm: usize,
  address: f64,
  length: f64,
  prot: u32,
  pgoff: f64,
  flags: u32,
): i32 {
  return done(do_remap_file_pages(mm, u(address), u(length), prot, u(pgoff), flags));
}
