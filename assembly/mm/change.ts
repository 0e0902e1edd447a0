// Which space this worker is changing, and the end of a call.
//
// Invariant
//   D1  seat.CHANGING names the mm whose counters this call has logged (alloc/journal.ts), from
//       before the first store to them until the call's end; 0 otherwise.
//
// Every call that changes anything ends with mm_end_change: under a lock that its caller
// holds, or before the lock is released. Floor: mm. Imports: base, alloc.

import { journal_commit } from "../alloc/commit";
import { journal_mm } from "../alloc/journal";
import { journal_undo } from "../alloc/undo";
import { Seat } from "../base/layout";
import { this_seat } from "../base/worker";

/** Before any store to `mm`'s counters or break. Context: mmap write lock. */
export function mm_begin_change(mm: usize): void {
  const seat = this_seat();
  if (load<u32>(seat, Seat.CHANGING) == <u32>mm) return;
  journal_mm(mm);
  store<u32>(seat, <u32>mm, Seat.CHANGING);
}

/** The call ends: what it has changed is whole, and stays. */
export function mm_end_change(): void {
  journal_commit();
}

/** The call is given up: all is as before it. */
export function mm_abandon_change(): void {
  const seat = this_seat();
  store<u32>(seat, 0, Seat.CHANGING);
  journal_undo(seat);
}
