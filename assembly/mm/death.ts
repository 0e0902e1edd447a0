// What becomes of a worker's locks when it has died.
//
// Read locks are named in its seat (sync/holds.ts) and simply given up. A write lock is
// released too: if the worker had changed nothing yet (change.ts, D1) the space is as it was;
// if it was in the middle of a change the space is marked dead. Its VMAs and nodes are then
// given up, unreachable and never reused, since nothing tells which of them are whole: every
// call on the space answers EOWNERDEAD, every look-up finds nothing.
//
// Context: the worker is gone; the caller is another one, and has claimed the seat.
// Floor: mm. Imports: base, maple, sync, mm.

import { Hold, Mm, Region, Seat } from "../base/layout";
import { MmFlag, Reap } from "../shared/abi";
import { load_acquire, store_release } from "../sync/atomics";
import { hold_clear } from "../sync/holds";
import { rwlock_disown, rwlock_owner } from "../sync/rwlock";
import { mm_next_record } from "./mm";

/** Gives up all that `seat` holds; counts by kind as Reap words at `report`. */
export function seat_bury(seat: usize, report: usize): void {
  memory.fill(report, 0, Reap.COUNT * 4);
  for (let i: usize = 0; i < <usize>Hold.SLOTS; i++) {
    give_up(seat, seat + Seat.VMA_HOLDS + i * 4, report + Reap.VMA_LOCKS * 4);
    const slot = seat + Seat.LOCK_HOLDS + i * <usize>Hold.LOCK_STRIDE;
    give_up(seat, slot, report + Reap.MMAP_READS * 4);
  }
  let mm = mm_next_record(0);
  while (mm != 0) {
    if (rwlock_owner(mm + Mm.LOCK) == seat) bury_writer(seat, mm, report);
    mm = mm_next_record(mm);
  }
  store<u32>(seat, 0, Seat.CHANGING);
}

function give_up(seat: usize, slot: usize, counter: usize): void {
  if (load_acquire(slot) == 0) return;
  add_one(counter);
  hold_clear(seat, slot);
}

function add_one(counter: usize): void {
  store<u32>(counter, load<u32>(counter) + 1);
}

/** Releases the write lock of a dead worker, after judging what it leaves behind. */
function bury_writer(seat: usize, mm: usize, report: usize): void {
  if (load_acquire(seat + Seat.CHANGING) == <u32>mm) {
    add_one(report + Reap.DEAD_MMS * 4);
    if (load<u32>(report, Reap.FIRST_DEAD * 4) == 0)
      store<u32>(report, <u32>mm, Reap.FIRST_DEAD * 4);
    mark_dead(mm);
  } else add_one(report + Reap.MMAP_WRITES * 4);
  // Ends its section: drops the VMA write locks (mmap_lock S1).
  const seq = load_acquire(mm + Mm.LOCK_SEQ);
  if ((seq & 1) == 1) store_release(mm + Mm.LOCK_SEQ, seq + 1);
  rwlock_disown(mm + Mm.LOCK);
}

/** Takes the space apart from its remains: look-ups find nothing from here on. */
function mark_dead(mm: usize): void {
  store<u32>(mm, load<u32>(mm, Mm.FLAGS) | MmFlag.DEAD, Mm.FLAGS);
  forget_tree(mm + Mm.TREE);
  forget_tree(mm + Mm.GUARDS);
  store<u32>(mm, 0, Mm.MAP_COUNT);
  memory.fill(mm + Mm.TOTAL_VM, 0, Mm.BRK - Mm.TOTAL_VM);
}

function forget_tree(tree: usize): void {
  const table = <usize>load<u32>(tree);
  const regions = load<u32>(tree, 4);
  for (let r: u32 = 0; r < regions && r < <u32>Region.TABLE_MAX; r++) {
    store_release(table + ((<usize>r) << 2), 0); // partner: mt_load
  }
}
