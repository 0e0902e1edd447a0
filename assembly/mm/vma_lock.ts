// Per-VMA locks: readers name the VMA in their seat, writers mark vm_lock_seq.
// Source: include/linux/mmap_lock.h, mm/mmap_lock.c (R-LOCK-30..66).
//
// Invariants
//   V1  a VMA is write-locked iff vm_lock_seq == mm_lock_seq; mm_lock_seq is odd
//       exactly while the mmap lock is held for writing, so ending that section
//       drops all VMA write locks at once.
//   V2  whoever returns from vma_start_write has found the VMA in no seat after it had
//       stored the mark: no reader is inside; later ones back off on V1.
//   V3  a reader that was refused gives its slot up again: what a seat names may be
//       transient, and giving it up wakes a waiting writer (holds H3, H4).
//   V4  a record is detached (LIFE's low half is 0) from removal until it is attached again, in
//       whatever mm. Readers of its old life find that out; nothing waits for them.
//   V5  a reader that got in holds the VMA it asked for: it has seen LIFE, after its slot was
//       published, with HELD and its mm.
//   V6  HELD says that no section has marked the VMA since some reader found it attached and not
//       write-locked (first_held), and that readers may be inside. A mark takes it down, and only
//       who took it down searches the seats, which readers are writing to. Readers set it
//       while LIFE is as they have seen it: so from the mark to the end of its section
//       LIFE is the writer's alone.
//
//   LIFE   63           32 31            1  0
//          ┌──────────────┬───────────────┬────┐  always loaded and stored as one u64: loads of
//          │ vm_lock_seq  │  mm, or 0     │HELD│  other widths than the stores' order nothing
//          └──────────────┴───────────────┴────┘  in WebAssembly's memory model
//
// Linux counts readers in vm_refcnt. We keep them in the seats: readers of one VMA share no
// cache line, no exchange is needed, a late reader's wake-up needs no pointer to an mm
// (upstream races 6 and 7 cannot be written), and a dead worker's locks can be found.
// Floor: mm. Imports: base, sync, maple, mm/vma_mark, mm/liveness.

import { VERIFY } from "../base/debug";
import { EngineFlag, Header, Mm, Seat, Vma } from "../base/layout";
import { count, may_block, this_seat } from "../base/worker";
import { mt_load, Walk } from "../maple/tree";
import { Abi, Counter, VmaOut } from "../shared/abi";
import { Errno } from "../shared/errno";
import {
  cmpxchg64,
  exchange64,
  load_acquire,
  load_acquire64,
  racy_v128,
  store_release64,
} from "../sync/atomics";
import {
  await_vma_hold,
  find_vma_hold,
  hold_clear,
  hold_publish,
  vma_hold_free,
  vma_hold_of,
} from "../sync/holds";
import { LOCKDEP, lockdep_vma } from "../sync/lockdep";
import { rwlock_owner } from "../sync/rwlock";
import { await_change, look } from "./liveness";
import { is_marked, lock_seq_of, mark_by, OWNER_MASK } from "./vma_mark";

const TWO_52: f64 = 4503599627370496;

export const enum VmaLock {
  /** In LIFE: a reader may be inside (V6). */
  HELD = 1,
  /** Walks before lock_vma_under_rcu leaves it to the mmap lock. */
  TRIES = 16,
  /** Looks at a reader's slot before a thread that may not block gives up. */
  SPINS = 4096,
}

/** The VMA at `address`, read-locked; 0 on any doubt: fall back to the mmap read lock (R-LOCK-63). */
export function lock_vma_under_rcu(mm: usize, address: u64): usize {
  if ((load<u32>(Header.FLAGS) & EngineFlag.PER_VMA_LOCK) == 0) return 0;
  const slot = vma_hold_free();
  if (slot == 0) return abort_lock();
  const vma = <usize>Walk.load(mm + Mm.TREE, address >> load<u32>(mm, Mm.PAGE_SHIFT));
  if (vma == 0) return lock_vma_slow(mm, address, slot, 0);
  // Claims the VMA against vma_start_write, which marks first and searches the seats then (holds
  // H2): whoever marks after we have seen HELD takes that down, and finds our slot. The usual
  // case calls nothing: what it needs stays in registers.
  hold_publish(slot, <u32>vma);
  // V5, V6. Pairs with the exchange in first_held, which follows the end of the last section.
  const life = load_acquire64(vma + Vma.LIFE);
  if (<u32>life != (<u32>mm | VmaLock.HELD)) return lock_vma_slow(mm, address, slot, vma);
  if (!vma_contains(vma, address)) return lock_vma_slow(mm, address, slot, vma);
  count(Counter.VMA_LOCK_SUCCESS);
  if (LOCKDEP) lockdep_vma(slot);
  return vma;
}

/** The same once a first walk has led to nothing (0), or to `vma`: named in `slot`, and in doubt. */
function lock_vma_slow(mm: usize, address: u64, slot: usize, vma: usize): usize {
  const page = address >> load<u32>(mm, Mm.PAGE_SHIFT);
  let tries = 1;
  while (true) {
    if (vma != 0) {
      if (is_held(vma, mm, address)) {
        count(Counter.VMA_LOCK_SUCCESS);
        if (LOCKDEP) lockdep_vma(slot);
        return vma;
      }
      hold_clear(this_seat(), slot); // V3
      // A writer has it: may be wrong both ways (R-LOCK-50).
      if (is_marked(vma, load_acquire(mm + Mm.LOCK_SEQ))) break;
    }
    if (tries++ == VmaLock.TRIES) break;
    // Before the walk: an even number still there afterwards means no writer was active, so
    // that "nothing found" is true. Partner: vma_end_write_all.
    const seq = load_acquire(mm + Mm.LOCK_SEQ);
    vma = <usize>mt_load(mm + Mm.TREE, page);
    if (vma != 0) hold_publish(slot, <u32>vma);
    else if ((seq & 1) == 0 && load_acquire(mm + Mm.LOCK_SEQ) == seq) {
      count(Counter.VMA_LOCK_MISS);
      return 0;
    }
    count(Counter.VMA_LOCK_RETRY);
  }
  return abort_lock();
}

function abort_lock(): usize {
  count(Counter.VMA_LOCK_ABORT);
  return 0;
}

/** V5, with `vma` published in this worker's slot. */
function is_held(vma: usize, mm: usize, address: u64): bool {
  const life = load_acquire64(vma + Vma.LIFE);
  const held = <u32>life == (<u32>mm | VmaLock.HELD) || first_held(vma, mm);
  return held && vma_contains(vma, address);
}

/**
 * Sets HELD if the VMA is attached to `mm` and not write-locked; else false. The section that LIFE
 * names was over when mm_lock_seq was loaded, and what it stored is visible; and nobody
 * has marked the VMA since, if the exchange finds LIFE as it was. Partner: vma_start_write.
 */
function first_held(vma: usize, mm: usize): bool {
  const seq = load_acquire(mm + Mm.LOCK_SEQ); // pairs with the store in vma_end_write_all
  const life = load_acquire64(vma + Vma.LIFE);
  if (!is_settled(life, seq, mm)) return false;
  const before = cmpxchg64(vma + Vma.LIFE, life, life | VmaLock.HELD);
  return (before | VmaLock.HELD) == (life | VmaLock.HELD); // another reader's HELD is as good
}

/** True if `life`, loaded after `seq`, is of a VMA of `mm` whose last section was over when `seq` was loaded. */
function is_settled(life: u64, seq: u32, mm: usize): bool {
  if (<u32>(life & OWNER_MASK) != <u32>mm || lock_seq_of(life) == seq) return false;
  // 2^30 sections later a number looks like one to come (R-LOCK-37): it is an old one if no
  // section has begun meanwhile.
  return <i32>(seq - lock_seq_of(life)) > 0 || load_acquire(mm + Mm.LOCK_SEQ) == seq;
}

/** Is the VMA write-locked by this worker? A reader's VMA may bear the mark of a writer that waits. */
export function vma_is_write_locked(vma: usize, mm: usize): bool {
  return rwlock_owner(mm + Mm.LOCK) == this_seat() && is_marked(vma, load<u32>(mm, Mm.LOCK_SEQ));
}

/** Context: VMA read lock, so plain loads: what ended sections stored is visible, the next one waits. */
function vma_contains(vma: usize, address: u64): bool {
  const start = load<u64>(vma, Vma.START);
  // One compare: below the start the difference wraps.
  return address - start < load<u64>(vma, Vma.END) - start;
}

/** Gives up a VMA that this worker has read-locked. */
export function vma_end_read(vma: usize): void {
  const slot = vma_hold_of(vma);
  if (VERIFY) assert(slot != 0); // not locked by this worker
  if (slot != 0) hold_clear(this_seat(), slot);
}

/**
 * Write-locks a VMA until the mmap write lock is released. Context: mmap write lock held.
 * @returns 0, or -WOULD_BLOCK on a thread that may not wait for a reader.
 */
export function vma_start_write(vma: usize, mm: usize): i32 {
  const seq = load<u32>(mm, Mm.LOCK_SEQ); // plain: only the mmap write holder stores it
  if (VERIFY) assert((seq & 1) == 1); // V1: the caller holds the mmap write lock
  const life = load_acquire64(vma + Vma.LIFE);
  // HELD as well: after 2^31 sections the number may be that of an old one (R-LOCK-37).
  if (lock_seq_of(life) == seq && (life & VmaLock.HELD) == 0) return 0;
  // Refuses new readers (V1), tells peek that fields may change, and takes HELD down: a reader
  // that was in time with it published its slot before (V6). Before the search of the seats;
  // partner: lock_vma_under_rcu.
  const before = exchange64(vma + Vma.LIFE, mark_by(seq, life));
  if ((before & VmaLock.HELD) == 0 || drain(vma)) return 0;
  store_release64(vma + Vma.LIFE, before); // nothing was changed; who is inside is still to be found
  return -Abi.WOULD_BLOCK;
}

/** Waits until no seat names the VMA (V2); false only where this thread may not wait. */
function drain(vma: usize): bool {
  const wait = this_seat() + Seat.TICKET;
  let spins = 0;
  while (true) {
    const slot = find_vma_hold(vma);
    if (slot == 0) return true;
    if (may_block()) {
      if (await_vma_hold(slot, vma, wait)) await_change(wait);
    } else if (++spins > VmaLock.SPINS) {
      if (look() == 0) return false;
      spins = 0;
    }
  }
}

/** Copies one VMA without a lock: 1 found, 0 nothing mapped, -EAGAIN: writers kept coming. */
export function peek(mm: usize, address: u64, copy: usize): i32 {
  const vma = <usize>Walk.load(mm + Mm.TREE, address >> load<u32>(mm, Mm.PAGE_SHIFT));
  if (vma == 0) return peek_slow(mm, address, copy, 0);
  // Unmarked (V6) before the copy, as in lock_vma_under_rcu, and after it.
  const life = load_acquire64(vma + Vma.LIFE);
  if (<u32>life != (<u32>mm | VmaLock.HELD)) return peek_slow(mm, address, copy, 1);
  if (Copy.take(vma, copy, address) == life) return 1;
  return peek_slow(mm, address, copy, 1);
}

/**
 * The same if a first walk has led to nothing, or to a VMA that nobody has held or peeked at since a
 * mark. `tries`: looks that count already. (Two values also keep the compiler from making the three
 * calls above one and inlining that: 0.98 of a peek's time.)
 */
function peek_slow(mm: usize, address: u64, copy: usize, tries: i32): i32 {
  const page = address >> load<u32>(mm, Mm.PAGE_SHIFT);
  for (; tries < VmaLock.TRIES; tries++) {
    const seq = load_acquire(mm + Mm.LOCK_SEQ);
    const vma = <usize>mt_load(mm + Mm.TREE, page);
    if (vma != 0) {
      let life = load_acquire64(vma + Vma.LIFE);
      if ((life & VmaLock.HELD) == 0 && first_held(vma, mm)) life |= VmaLock.HELD;
      const unmarked = <u32>life == (<u32>mm | VmaLock.HELD);
      if (unmarked && Copy.take(vma, copy, address) == life) return 1;
    } else if ((seq & 1) == 0 && load_acquire(mm + Mm.LOCK_SEQ) == seq) return 0;
    count(Counter.PEEK_RETRY);
  }
  return -Errno.EAGAIN;
}

/** Inlined by decree: a call is 2 ns of a peek's 13. */
class Copy {
  /**
   * Copies a VMA, then loads its LIFE: if it is as it was before, nothing has marked the VMA
   * meanwhile, and every change of a field follows a mark. 0: `address` is not in it.
   *
   * The fields are loaded plainly: atomic loads cost four instructions more each, and there are
   * none of vectors. LIFE was loaded atomically before, so they come after that. That they
   * come before LIFE is a dependency: its address is computed from all of them, and neither a
   * compiler nor a processor loads from an address that it does not know yet.
   */
  @inline static take(vma: usize, copy: usize, address: u64): u64 {
    const bounds = racy_v128(vma + Vma.START);
    const flags = racy_v128(vma + Vma.FLAGS); // and PGOFF
    const words = racy_v128(vma + Vma.FILE); // ANON_VMA, ANON_NAME, and one that is always 0
    // An integer added to the bits of 2^52 gives 2^52 more than the integer, up to 2^52 itself.
    const base = f64x2.splat(TWO_52);
    v128.store(copy + VmaOut.START * 8, f64x2.sub(i64x2.add(bounds, base), base));
    v128.store(copy + VmaOut.FLAGS * 8, f64x2.sub(i64x2.add(flags, base), base));
    const two = i64x2.extend_low_i32x4_u(words);
    v128.store(copy + VmaOut.FILE * 8, f64x2.sub(i64x2.add(two, base), base));
    const name = f64x2.sub(i64x2.add(i64x2.extend_high_i32x4_u(words), base), base);
    store<f64>(copy, f64x2.extract_lane(name, 0), VmaOut.ANON_NAME * 8);
    // Only the end is above the address. (As two loads of what is stored here: 1.06 of a peek.)
    if (i64x2.bitmask(i64x2.gt_s(bounds, i64x2.splat(<i64>address))) != 2) return 0;
    // Always 0: of what is loaded here as 64 bits, nothing has its top bit set.
    const none = i64x2.bitmask(v128.or(v128.or(bounds, flags), words));
    return load_acquire64(vma + Vma.LIFE + <usize>none);
  }
}
