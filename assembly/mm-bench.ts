// mm-bench: loops over the engine's calls inside wasm. Not part of the engine.
//
// Built for benches only, from the same source as the engine and instantiated on the
// same memory: what an emulator compiled to wasm would do. It calls the functions of
// docs/abi.md. Streams are u64 addresses (or u32 orders) that the host wrote behind the
// arena; a loop reads one word a step and calls nothing else.
//
// Floor: bench. Imports: index, syscalls, base, maple/tree.

import { Mm, slab_object_size, Vma } from "./base/layout";
import { set_this_seat } from "./base/worker";
import {
  brk_i64,
  handle_mm_fault_i64,
  lock_vma_under_rcu_i64,
  mm_fork,
  mmap_i64,
  mmap_read_lock,
  mmap_read_unlock,
  mmap_write_lock,
  mmap_write_unlock,
  mmput,
  mprotect_i64,
  mremap_i64,
  munmap_i64,
  peek_i64,
  vma_end_read,
  vma_lookup_i64,
  vma_start,
} from "./index";
import { Walk } from "./maple/tree";
import { Access, Fault } from "./shared/abi";
import { MapFlag, MremapFlag, ProtBit } from "./shared/flags";

/** This instance works on the seat of the engine instance in the same thread. */
export function use_seat(seat: usize): void {
  set_this_seat(seat);
}

/** Bytes of an object of SlabKind `kind`. */
export function object_size(kind: u32): u32 {
  return slab_object_size(kind);
}

/** Reads the stream and calls nothing: what the loop itself costs. */
export function bench_floor(stream: usize, n: u32): f64 {
  let sum: u64 = 0;
  const end = stream + ((<usize>n) << 3);
  for (let at = stream; at < end; at += 8) sum += load<u64>(at) >> 12;
  return <f64>sum;
}

/** The index's walk alone: mt_load, no lock. VMAs found. */
export function bench_walk(mm: usize, stream: usize, n: u32): f64 {
  let found: u32 = 0;
  const shift = load<u32>(mm, Mm.PAGE_SHIFT);
  const end = stream + ((<usize>n) << 3);
  for (let at = stream; at < end; at += 8) {
    found += u32(Walk.load(mm + Mm.TREE, load<u64>(at) >> shift) != 0);
  }
  return <f64>found;
}

/**
 * The walk, and one plain load from the VMA that it leads to: the cache line that a lock and a peek
 * fetch as well and a bare walk does not. Sum of the starts, pages.
 */
export function bench_walk_start(mm: usize, stream: usize, n: u32): f64 {
  let sum: u64 = 0;
  const shift = load<u32>(mm, Mm.PAGE_SHIFT);
  const end = stream + ((<usize>n) << 3);
  for (let at = stream; at < end; at += 8) {
    const vma = Walk.load(mm + Mm.TREE, load<u64>(at) >> shift);
    if (vma != 0) sum += load<u64>(vma, Vma.START) >> shift;
  }
  return <f64>sum;
}

export function bench_vma_lookup(mm: usize, stream: usize, n: u32): f64 {
  let found: u32 = 0;
  const end = stream + ((<usize>n) << 3);
  for (let at = stream; at < end; at += 8) found += u32(vma_lookup_i64(mm, load<i64>(at)) != 0);
  return <f64>found;
}

/** lock_vma_under_rcu and vma_end_read: how many were locked. */
export function bench_lock_vma(mm: usize, stream: usize, n: u32): f64 {
  let locked: u32 = 0;
  const end = stream + ((<usize>n) << 3);
  for (let at = stream; at < end; at += 8) {
    const vma = lock_vma_under_rcu_i64(mm, load<i64>(at));
    if (vma == 0) continue;
    locked++;
    vma_end_read(vma);
  }
  return <f64>locked;
}

/** Copies at `out`: how many were found. */
export function bench_peek(mm: usize, stream: usize, out: usize, n: u32): f64 {
  let found: u32 = 0;
  const end = stream + ((<usize>n) << 3);
  for (let at = stream; at < end; at += 8) found += u32(peek_i64(mm, load<i64>(at), out) == 1);
  return <f64>found;
}

export function bench_read_lock(mm: usize, n: u32): f64 {
  for (let i: u32 = 0; i < n; i++) {
    if (mmap_read_lock(mm) != 0) unreachable();
    mmap_read_unlock(mm);
  }
  return <f64>n;
}

export function bench_write_lock(mm: usize, n: u32): f64 {
  for (let i: u32 = 0; i < n; i++) {
    if (mmap_write_lock(mm) != 0) unreachable();
    mmap_write_unlock(mm);
  }
  return <f64>n;
}

/** Sum of the starts of the VMAs found: equal results mean that all found the same. */
export function sum_of_starts(mm: usize, stream: usize, n: u32): f64 {
  let sum: f64 = 0;
  const end = stream + ((<usize>n) << 3);
  for (let at = stream; at < end; at += 8) {
    const vma = lock_vma_under_rcu_i64(mm, load<i64>(at));
    if (vma == 0) continue;
    sum += vma_start(vma) / 4096;
    vma_end_read(vma);
  }
  return sum;
}

const ANON: u32 = <u32>MapFlag.PRIVATE | <u32>MapFlag.ANONYMOUS;
const RW: u32 = <u32>ProtBit.READ | <u32>ProtBit.WRITE;

/** mmap of `length` bytes where the engine likes, then munmap of it. Sum of the pages chosen. */
export function bench_mmap_munmap(mm: usize, length: f64, n: u32): f64 {
  let sum: f64 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const at = mmap_i64(mm, 0, <i64>length, RW, ANON, 0, 0);
    if (at < 0) unreachable();
    sum += <f64>(at >> 12);
    if (munmap_i64(mm, at, <i64>length) != 0) unreachable();
  }
  return sum;
}

/** Maps one page at each address of the stream (0: anywhere), alternating protection. */
export function bench_mmap(mm: usize, stream: usize, n: u32): f64 {
  let sum: f64 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const address = load<i64>(stream + ((<usize>i) << 3));
    const flags = address == 0 ? ANON : ANON | <u32>MapFlag.FIXED_NOREPLACE;
    const prot = (i & 1) == 0 ? RW : <u32>ProtBit.READ;
    const at = mmap_i64(mm, address, 4096, prot, flags, 0, 0);
    if (at < 0) unreachable();
    store<i64>(stream + ((<usize>i) << 3), at); // where it is: what the other loops use
    sum += <f64>(at >> 12);
  }
  return sum;
}

/** As bench_mmap, all writable, and a write fault in each page. */
export function bench_map(mm: usize, stream: usize, n: u32): f64 {
  let sum: f64 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const address = load<i64>(stream + ((<usize>i) << 3));
    const flags = address == 0 ? ANON : ANON | <u32>MapFlag.FIXED_NOREPLACE;
    const at = mmap_i64(mm, address, 4096, RW, flags, 0, 0);
    if (at < 0) unreachable();
    const outcome = handle_mm_fault_i64(mm, at, Access.WRITE);
    if ((outcome & Fault.OUTCOME_MASK) != <i32>Fault.OK) unreachable();
    sum += <f64>(at >> 12);
  }
  return sum;
}

/** A page in the middle loses its rights (split in three), then has them again (merge). */
export function bench_mprotect(mm: usize, stream: usize, n: u32): f64 {
  for (let i: u32 = 0; i < n; i++) {
    const at = load<i64>(stream + ((<usize>i) << 3));
    if (mprotect_i64(mm, at, 4096, <u32>ProtBit.NONE) != 0) unreachable();
    if (mprotect_i64(mm, at, 4096, RW) != 0) unreachable();
  }
  return <f64>n;
}

/** Grows the mapping at each address by a page, moving it if it must, and shrinks it again. */
export function bench_mremap(mm: usize, at: f64, n: u32): f64 {
  let sum: f64 = 0;
  let address = <i64>at;
  for (let i: u32 = 0; i < n; i++) {
    address = mremap_i64(mm, address, 4096, 8192, <u32>MremapFlag.MAYMOVE, 0);
    if (address < 0) unreachable();
    address = mremap_i64(mm, address, 8192, 4096, 0, 0);
    if (address < 0) unreachable();
    sum += <f64>(address >> 12);
  }
  return sum;
}

/** mremap of a page between two fixed places, to and fro. */
export function bench_mremap_move(mm: usize, from: f64, to: f64, n: u32): f64 {
  const flags = <u32>MremapFlag.MAYMOVE | <u32>MremapFlag.FIXED;
  for (let i: u32 = 0; i < n; i++) {
    if (mremap_i64(mm, <i64>from, 4096, 4096, flags, <i64>to) != <i64>to) unreachable();
    if (mremap_i64(mm, <i64>to, 4096, 4096, flags, <i64>from) != <i64>from) unreachable();
  }
  return <f64>n;
}

/** fork and the child's end. */
export function bench_fork(mm: usize, n: u32): f64 {
  for (let i: u32 = 0; i < n; i++) {
    const child = mm_fork(mm);
    if (child < 0 && child >= -4095) unreachable();
    mmput(<usize>child);
  }
  return <f64>n;
}

/** Write faults: how many were served. */
export function bench_fault(mm: usize, stream: usize, n: u32): f64 {
  let served: u32 = 0;
  const end = stream + ((<usize>n) << 3);
  for (let at = stream; at < end; at += 8) {
    const outcome = handle_mm_fault_i64(mm, load<i64>(at), Access.WRITE);
    served += u32((outcome & Fault.OUTCOME_MASK) == <i32>Fault.OK);
  }
  return <f64>served;
}

/**
 * mmap of four pages at `address` (0: anywhere), a write fault in each, mprotect of the
 * second (split), and back (merge), munmap. Sum of the pages chosen.
 */
export function bench_alloc_fault_modify(mm: usize, address: f64, n: u32): f64 {
  let sum: f64 = 0;
  const flags = address == 0 ? ANON : ANON | <u32>MapFlag.FIXED_NOREPLACE;
  for (let i: u32 = 0; i < n; i++) {
    const at = mmap_i64(mm, <i64>address, 16384, RW, flags, 0, 0);
    if (at < 0) unreachable();
    sum += <f64>(at >> 12);
    for (let page: i64 = 0; page < 4; page++) {
      const outcome = handle_mm_fault_i64(mm, at + (page << 12), Access.WRITE);
      if ((outcome & Fault.OUTCOME_MASK) != <i32>Fault.OK) unreachable();
    }
    if (mprotect_i64(mm, at + 4096, 4096, <u32>ProtBit.READ) != 0) unreachable();
    if (mprotect_i64(mm, at + 4096, 4096, RW) != 0) unreachable();
    if (munmap_i64(mm, at, 16384) != 0) unreachable();
  }
  return sum;
}

/** A call of a recorded program: eight f64. */
const enum Call {
  OP = 0,
  ARGUMENTS = 8,
  /** What the kernel answered. */
  RESULT = 56,
  SIZE = 64,
}

const enum Op {
  MMAP = 0,
  MUNMAP = 1,
  MPROTECT = 2,
  MREMAP = 3,
  BRK = 4,
}

function argument(call: usize, i: usize): i64 {
  return <i64>load<f64>(call + (i << 3), Call.ARGUMENTS);
}

function perform(mm: usize, call: usize): i64 {
  const a = argument(call, 0);
  const b = argument(call, 1);
  const c = argument(call, 2);
  const d = argument(call, 3);
  switch (<u32>load<f64>(call, Call.OP)) {
    case Op.MMAP:
      return mmap_i64(mm, a, b, <u32>c, <u32>d, <u32>argument(call, 4), argument(call, 5));
    case Op.MUNMAP:
      return munmap_i64(mm, a, b);
    case Op.MPROTECT:
      return mprotect_i64(mm, a, b, <u32>c);
    case Op.MREMAP:
      return mremap_i64(mm, a, b, c, <u32>d, argument(call, 4));
    default:
      return brk_i64(mm, a);
  }
}

/** A recorded program's calls: how many were answered otherwise than by the kernel. */
export function bench_calls(mm: usize, calls: usize, n: u32): u32 {
  let differences: u32 = 0;
  const end = calls + <usize>n * Call.SIZE;
  for (let call = calls; call < end; call += Call.SIZE) {
    differences += u32(perform(mm, call) != <i64>load<f64>(call, Call.RESULT));
  }
  return differences;
}
