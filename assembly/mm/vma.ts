// vm_area_struct: make, copy, free; page arithmetic. Fields and their locks: base/layout.ts.
// Source: include/linux/mm_types.h.
//
// Invariants
//   A VMA record is detached (mm/vma_mark.ts) from the moment it is made until it is
//   attached; it owns one reference of its file. vm_lock_seq of a fresh record is the
//   current section's: made under the mmap write lock, it is write-locked at once.
//
// Floor: mm. Imports: base, alloc, mm/file, mm/vma_mark.

import { journal_free } from "../alloc/commit";
import { journal_alloc, journal_vma } from "../alloc/journal";
import { AnonVma, Header, Mm, Vma } from "../base/layout";
import { SlabKind } from "../shared/abi";
import { FileFlag } from "../shared/flags";
import { cmpxchg, fetch_add, load_acquire, store_release, store_release64 } from "../sync/atomics";
import { mm_begin_change } from "./change";
import { file_flags, file_get, file_put } from "./file";
import { VM_MAYSHARE } from "./flags";
import { mmap_is_write_locked } from "./mmap_lock";
import { name_get, name_put } from "./name";
import { vma_mark_written } from "./vma_mark";

/** A detached, write-locked record; 0 if none was reserved and the arena is full. Context: mmap write lock. */
export function vma_alloc(mm: usize): usize {
  mm_begin_change(mm);
  const vma = journal_alloc(SlabKind.VMA);
  if (vma == 0) return 0;
  // vm_lock_seq first: a peek at the old life of this record must fail from here on.
  vma_mark_written(vma, mm);
  renew(vma + Vma.MM, <u32>mm);
  return vma;
}

/** Copies all that defines a mapping from one VMA-shaped record to a fresh one. Takes its own file reference. */
export function vma_fill(vma: usize, from: usize): void {
  const file = load<u32>(from, Vma.FILE);
  if (file != 0) file_get(file);
  const name = load<u32>(from, Vma.ANON_NAME);
  if (name != 0) name_get(name);
  renew(vma + Vma.FILE, file);
  renew64(vma + Vma.START, load<u64>(from, Vma.START));
  renew64(vma + Vma.END, load<u64>(from, Vma.END));
  renew64(vma + Vma.FLAGS, load<u64>(from, Vma.FLAGS));
  renew64(vma + Vma.PGOFF, load<u64>(from, Vma.PGOFF));
  renew(vma + Vma.ANON_VMA, load<u32>(from, Vma.ANON_VMA));
  renew(vma + Vma.ANON_NAME, name);
}

/**
 * A field of a record that only stale readers see: stored unless it is what is there. A look
 * is cheaper than an atomic store (20 cycles), and most records come back much as they went.
 */
function renew(at: usize, word: u32): void {
  if (load<u32>(at) != word) store_release(at, word);
}

function renew64(at: usize, word: u64): void {
  if (load<u64>(at) != word) store_release64(at, word);
}

/** Frees a detached record and its references, when the call is committed. */
export function vma_free(vma: usize): void {
  const file = load<u32>(vma, Vma.FILE);
  if (file != 0) file_put(file);
  const name = load<u32>(vma, Vma.ANON_NAME);
  if (name != 0) name_put(name);
  journal_free(SlabKind.VMA, vma);
}

// Fields of an attached VMA. Context of the setters: mmap write lock and VMA write lock;
// atomic, because peek reads them without any lock.

export function vm_start(vma: usize): u64 {
  return load<u64>(vma, Vma.START);
}

export function vm_end(vma: usize): u64 {
  return load<u64>(vma, Vma.END);
}

export function vm_flags(vma: usize): u64 {
  return load<u64>(vma, Vma.FLAGS);
}

export function vm_pgoff(vma: usize): u64 {
  return load<u64>(vma, Vma.PGOFF);
}

export function vm_file(vma: usize): u32 {
  return load<u32>(vma, Vma.FILE);
}

export function set_vm_start(vma: usize, start: u64): void {
  journal_vma(vma);
  store_release64(vma + Vma.START, start);
}

export function set_vm_end(vma: usize, end: u64): void {
  journal_vma(vma);
  store_release64(vma + Vma.END, end);
}

export function set_vm_flags(vma: usize, flags: u64): void {
  journal_vma(vma);
  store_release64(vma + Vma.FLAGS, flags);
}

export function set_vm_pgoff(vma: usize, pgoff: u64): void {
  journal_vma(vma);
  store_release64(vma + Vma.PGOFF, pgoff);
}

/** Gives a VMA another name (or none): takes a reference of it, gives back the old one's. */
export function set_vm_name(vma: usize, name: u32): void {
  const old = load<u32>(vma, Vma.ANON_NAME);
  if (old == name) return;
  if (name != 0) name_get(name);
  journal_vma(vma);
  store_release(vma + Vma.ANON_NAME, name);
  if (old != 0) name_put(old);
}

/** anon_vma word: identity, maybe | FORKED; 0 none. Atomic: set under read locks. */
export function vm_anon_vma(vma: usize): u32 {
  return load_acquire(vma + Vma.ANON_VMA);
}

export function set_vm_anon_vma(vma: usize, word: u32): void {
  journal_vma(vma);
  store_release(vma + Vma.ANON_VMA, word);
}

/** Gives a VMA its identity unless another fault was first (mmap read lock is enough). */
export function claim_anon_vma(mm: usize, vma: usize, word: u32): void {
  if (mmap_is_write_locked(mm)) journal_vma(vma); // by us: part of a call that may be undone
  cmpxchg(vma + Vma.ANON_VMA, AnonVma.NONE, word);
}

/** An identity never used before (modulo 2^30). */
export function new_anon_vma(): u32 {
  return (fetch_add(Header.ANON_VMA_NEXT, 1) & AnonVma.ID_MASK) | 0;
}

/** vma_is_anonymous: no vm_ops; private /dev/zero is anonymous but keeps its file (R-BASE-8). */
export function vma_is_anonymous(vma: usize): bool {
  const file = vm_file(vma);
  if (file == 0) return true;
  return (file_flags(file) & FileFlag.DEV_ZERO) != 0 && (vm_flags(vma) & VM_MAYSHARE) == 0;
}

export function vma_pages(vma: usize, shift: u32): u64 {
  return (vm_end(vma) - vm_start(vma)) >> shift;
}

export function page_shift(mm: usize): u32 {
  return load<u32>(mm, Mm.PAGE_SHIFT);
}
