// What becomes of a worker's call, locks and teardowns when it has died.
//
// Whoever reaps it sits down in its seat and goes on in its place: what it had announced is
// finished (sync/announce.ts), a committed call is finished (alloc/commit.ts), any other is
// undone (alloc/undo.ts). What an mmap hook was making goes (mm/making.ts). Then read locks
// (sync/holds.ts) and write locks are given up, spaces that it was tearing down or building
// (mm.TEARDOWN) are torn down, and what it had references to is given back (alloc/ledger.ts).
// Every step can be done again: a reaper may die as well (liveness N3).
//
// One case is left: a call whose journal found no memory (LOG_LOST). Then the space under its
// write lock is marked dead. Its VMAs and nodes are given up, unreachable and never reused,
// since nothing tells which of them are whole: every call on the space answers EOWNERDEAD,
// every look-up finds nothing.
//
// Context: the worker is gone; the caller is another one, and has claimed the seat.
// Floor: mm. Imports: base, alloc, maple, sync, mm.

import { commit_recover, finish } from "../alloc/commit";
import { journal_init, journal_recover } from "../alloc/journal";
import { slab_drain, slab_recount, slab_recover } from "../alloc/slab";
import { journal_undo } from "../alloc/undo";
import { Hold, LogState, Mm, Region, Seat } from "../base/layout";
import { set_this_seat, this_seat } from "../base/worker";
import { cursor_forget } from "../maple/cursor";
import { mt_measure } from "../maple/tree";
import { MmFlag, Reap } from "../shared/abi";
import { load_acquire, store_release } from "../sync/atomics";
import { futex_wake_all } from "../sync/futex";
import { hold_clear, wake_waiter } from "../sync/holds";
import { RwLock, rwlock_disown, rwlock_owner } from "../sync/rwlock";
import { making_abort_all } from "./making";
import { mm_give_up, mm_next_record } from "./mm";
import { pages_recover } from "./pages";
import { refs_give_back } from "./refs";

/** Gives up all that `seat` holds; counts by kind as Reap words at `report`. */
export function seat_bury(seat: usize, report: usize): void {
  memory.fill(report, 0, Reap.COUNT * 4);
  const own = this_seat();
  set_this_seat(seat);
  finish_call(seat, report);
  const lost = load<u32>(seat, Seat.LOG_LOST) != 0; // stays until its spaces are marked
  making_abort_all(lost);
  give_up_holds(seat, report);
  give_up_mms(seat, lost, report);
  store<u32>(seat, 0, Seat.LOG_LOST);
  // Holding no lock any more: one of them may be a space's last.
  store<u32>(report, refs_give_back(), Reap.REFERENCES * 4);
  slab_recount();
  slab_drain();
  set_this_seat(own);
}

/** Undoes or finishes the call under way; LOG_LOST afterwards: it could not be undone. */
function finish_call(seat: usize, report: usize): void {
  slab_recount();
  slab_recover();
  journal_recover();
  pages_recover();
  commit_recover(seat);
  if (load<u32>(seat, Seat.LOG_STATE) != LogState.OPEN) finish(seat);
  else if (load<u32>(seat, Seat.LOG_LOST) == 0) {
    if (load<u32>(seat, Seat.LOG_N) != 0) add_one(report + Reap.UNDONE * 4);
    journal_undo(seat);
  }
  store<u32>(seat, 0, Seat.CHANGING);
  journal_init(seat);
  cursor_forget(seat);
}

function give_up_holds(seat: usize, report: usize): void {
  for (let i: usize = 0; i < <usize>Hold.SLOTS; i++) {
    give_up(seat, seat + Seat.VMA_HOLDS + i * 4, report + Reap.VMA_LOCKS * 4);
    const slot = seat + Seat.LOCK_HOLDS + i * <usize>Hold.LOCK_STRIDE;
    give_up(seat, slot, report + Reap.MMAP_READS * 4);
  }
  wake_waiter(seat); // it may have died between clearing a slot and waking who waits for that
}

function give_up(seat: usize, slot: usize, counter: usize): void {
  if (load_acquire(slot) == 0) return;
  add_one(counter);
  hold_clear(seat, slot);
}

function add_one(counter: usize): void {
  store<u32>(counter, load<u32>(counter) + 1);
}

/** Write locks, and what the worker was tearing down. */
function give_up_mms(seat: usize, lost: bool, report: usize): void {
  for (let mm = mm_next_record(0); mm != 0; mm = mm_next_record(mm)) {
    if (rwlock_owner(mm + Mm.LOCK) == seat) bury_writer(mm, lost, report);
    // It may have died between taking down what tells that somebody waits, and waking.
    futex_wake_all(mm + Mm.LOCK + RwLock.PHASE);
  }
  for (let mm = mm_next_record(0); mm != 0; mm = mm_next_record(mm)) {
    if (load_acquire(mm + Mm.TEARDOWN) == <u32>seat) mm_give_up(mm);
  }
}

/** Releases the write lock of a dead worker. */
function bury_writer(mm: usize, lost: bool, report: usize): void {
  if (lost) {
    add_one(report + Reap.DEAD_MMS * 4);
    if (load<u32>(report, Reap.FIRST_DEAD * 4) == 0)
      store<u32>(report, <u32>mm, Reap.FIRST_DEAD * 4);
    mark_dead(mm);
  } else {
    add_one(report + Reap.MMAP_WRITES * 4);
    // What was undone has left the records of gaps behind (undo U3).
    mt_measure(mm + Mm.TREE);
    mt_measure(mm + Mm.GUARDS);
  }
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
