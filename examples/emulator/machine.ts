// A small machine whose memory-management unit calls the engine directly, wasm to wasm.
//
// Its guest sees 64-bit addresses; what is mapped there the engine knows, what is stored there
// lies in frames of this module's own memory. Sixteen registers, eight instructions:
//
//   byte 0 op · 1 a · 2 b · 3 c · 4..7 immediate (i32)
//
// Invariants
//   M1  a TLB entry is used only while mm_lock_seq has not moved since the TLB was emptied, so a
//       change by any worker is seen at the next access.
//   M2  nothing is remembered that was read while a writer was inside (odd mm_lock_seq).
//
// AssemblyScript; compiled by run.mjs. The same unit in C: ../c/mmu.c.

import {
  ACCESS_READ,
  ACCESS_WRITE,
  FAULT_OK,
  FAULT_OUTCOME_MASK,
  handle_mm_fault_i64,
  lock_vma_under_rcu_i64,
  MM_STAT_SEQUENCE,
  mm_stat,
  mmap_i64,
  mmap_read_lock,
  mmap_read_unlock,
  mprotect_i64,
  munmap_i64,
  VM_BIT_READ,
  VM_BIT_WRITE,
  vma_end_read,
  vma_flags,
  vma_lookup_i64,
} from "../../dist/include/vmaple";

/** x86-64 numbers of the system calls that the guest may make. */
const enum Sys {
  MMAP = 9,
  MPROTECT = 10,
  MUNMAP = 11,
}
const ENOSYS: i64 = 38;

export const enum Op {
  HALT,
  LI,
  ADD,
  ADDI,
  LOAD,
  STORE,
  BNE,
  SYSCALL,
}

const PAGE_SHIFT: i64 = 12;
const PAGE: u32 = 4096;

/** TLB: 256 entries of { page u64, frame u32, rights u32 }. */
const TLB: u32 = 1024;
const TLB_ENTRIES: u32 = 256;
const TLB_ENTRY: u32 = 16;
/** Frame table: 4096 entries of { page + 1 u64, frame u32 }, open addressing; never shrinks. */
const TABLE: u32 = 8192;
const TABLE_ENTRIES: u32 = 4096;
const REGISTERS: u32 = 128;
/** Where the host puts the program. */
export const CODE: u32 = 0x20000;
const FRAMES: u32 = 0x40000;

let next_frame: u32 = FRAMES;
let sequence: f64 = -1;
/** Fault outcome that stopped the guest; 0 none. */
let trap: u32 = 0;
let misses: u32 = 0;

export function trapped(): u32 {
  return trap;
}

export function tlb_misses(): u32 {
  return misses;
}

export function register(n: u32): i64 {
  return load<i64>(REGISTERS + n * 8);
}

export function set_register(n: u32, value: i64): void {
  store<i64>(REGISTERS + n * 8, value);
}

/** The byte of our memory behind a guest address; 0: `trap` says why there is none. */
function translate(mm: u32, address: i64, access: u32): u32 {
  const now = mm_stat(mm, MM_STAT_SEQUENCE);
  if (now != sequence) flush(now);
  const page = address >> PAGE_SHIFT;
  const entry = TLB + (<u32>page & (TLB_ENTRIES - 1)) * TLB_ENTRY;
  const right: u32 = 1 << (access == ACCESS_WRITE ? VM_BIT_WRITE : VM_BIT_READ);
  if (load<i64>(entry) == page + 1 && (load<u32>(entry, 12) & right) != 0) {
    return load<u32>(entry, 8) + (<u32>address & (PAGE - 1));
  }
  return miss(mm, address, access, entry);
}

function miss(mm: u32, address: i64, access: u32, entry: u32): u32 {
  misses++;
  const fault = <u32>handle_mm_fault_i64(mm, address, access) & FAULT_OUTCOME_MASK;
  if (fault != FAULT_OK) {
    trap = fault;
    return 0;
  }
  const rights = rights_at(mm, address);
  const frame = frame_of(address >> PAGE_SHIFT);
  if ((<i64>sequence & 1) == 0) {
    // M2
    store<i64>(entry, (address >> PAGE_SHIFT) + 1);
    store<u32>(entry, frame, 8);
    store<u32>(entry, rights, 12);
  }
  return frame + (<u32>address & (PAGE - 1));
}

/** The per-VMA lock first, then the mmap lock: as the kernel does. */
function rights_at(mm: u32, address: i64): u32 {
  let vma = lock_vma_under_rcu_i64(mm, address);
  if (vma != 0) {
    const flags = <u32>vma_flags(vma);
    vma_end_read(vma);
    return flags;
  }
  if (mmap_read_lock(mm) != 0) return 0;
  vma = vma_lookup_i64(mm, address);
  const flags = vma == 0 ? 0 : <u32>vma_flags(vma);
  mmap_read_unlock(mm);
  return flags;
}

function flush(now: f64): void {
  memory.fill(TLB, 0, TLB_ENTRIES * TLB_ENTRY);
  sequence = now;
}

/** The place of a page in the frame table, taken or not. */
function slot_of(page: i64): u32 {
  let n = <u32>page & (TABLE_ENTRIES - 1);
  while (true) {
    const slot = TABLE + n * 16;
    const key = load<i64>(slot);
    if (key == page + 1 || key == 0) return slot;
    n = (n + 1) & (TABLE_ENTRIES - 1);
  }
}

function frame_of(page: i64): u32 {
  const slot = slot_of(page);
  if (load<i64>(slot) == 0) {
    const end = next_frame + PAGE;
    if (end > (<u32>memory.size()) << 16) memory.grow(16);
    store<i64>(slot, page + 1);
    store<u32>(slot, next_frame, 8);
    next_frame = end;
  }
  return load<u32>(slot, 8);
}

/** What was stored there is gone: the next mapping reads zeros. */
function forget(address: i64, length: i64): void {
  const end = (address + length + PAGE - 1) >> PAGE_SHIFT;
  for (let page = address >> PAGE_SHIFT; page < end; page++) {
    const slot = slot_of(page);
    if (load<i64>(slot) != 0) memory.fill(load<u32>(slot, 8), 0, PAGE);
  }
}

function syscall(mm: u32, n: i64): i64 {
  const a = register(1);
  const b = register(2);
  const c = register(3);
  switch (<i32>n) {
    case Sys.MMAP: {
      const address = mmap_i64(mm, a, b, <u32>c, <u32>register(4), 0, register(6));
      if (address >= 0) forget(address, b);
      return address;
    }
    case Sys.MUNMAP: {
      const result = munmap_i64(mm, a, b);
      if (result == 0) forget(a, b);
      return result;
    }
    case Sys.MPROTECT:
      return mprotect_i64(mm, a, b, <u32>c);
    default:
      return -ENOSYS;
  }
}

/** Runs from the first instruction until HALT, a trap or the limit; how many were executed. */
export function run(mm: u32, limit: u32): u32 {
  let pc = CODE;
  let done: u32 = 0;
  trap = 0;
  while (done < limit) {
    done++;
    const op = load<u8>(pc);
    const a = load<u8>(pc, 1);
    const b = load<u8>(pc, 2);
    const c = load<u8>(pc, 3);
    const immediate = load<i32>(pc, 4);
    pc += 8;
    switch (<i32>op) {
      case Op.LI:
        set_register(a, immediate);
        break;
      case Op.ADD:
        set_register(a, register(b) + register(c));
        break;
      case Op.ADDI:
        set_register(a, register(b) + immediate);
        break;
      case Op.LOAD: {
        const at = translate(mm, register(b) + immediate, ACCESS_READ);
        if (at == 0) return done;
        set_register(a, load<i64>(at));
        break;
      }
      case Op.STORE: {
        const at = translate(mm, register(b) + immediate, ACCESS_WRITE);
        if (at == 0) return done;
        store<i64>(at, register(a));
        break;
      }
      case Op.BNE:
        if (register(a) != register(b)) pc += immediate * 8;
        break;
      case Op.SYSCALL:
        set_register(0, syscall(mm, register(0)));
        break;
      default:
        return done;
    }
  }
  return done;
}

// What a call costs from here: loops for the host to time.

export function lock_pairs(mm: u32, address: i64, n: u32): u32 {
  let got: u32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const vma = lock_vma_under_rcu_i64(mm, address);
    if (vma == 0) continue;
    vma_end_read(vma);
    got++;
  }
  return got;
}

export function sequences(mm: u32, n: u32): f64 {
  let sum: f64 = 0;
  for (let i: u32 = 0; i < n; i++) sum += mm_stat(mm, MM_STAT_SEQUENCE);
  return sum;
}

export function translations(mm: u32, address: i64, pages: u32, n: u32): u32 {
  let sum: u32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    sum += translate(mm, address + <i64>((i % pages) * PAGE), ACCESS_READ) & 7;
  }
  return sum;
}
