// Which space this worker is changing, so that its death can be judged.
//
// Invariant
//   D1  seat.CHANGING names the mm from before the first store of a write section that
//       changes VMAs, tree or counters until the section's end; 0 otherwise. So a worker
//       that died in a section without having set it left the space as it was.
//
// Floor: mm. Imports: base, sync/atomics.

import { Seat } from "../base/layout";
import { this_seat } from "../base/worker";
import { store_release } from "../sync/atomics";

/** Before any store to `mm`'s VMAs, tree or counters. Context: mmap write lock. */
export function mm_begin_change(mm: usize): void {
  const seat = this_seat();
  // Partner: mm_bury, after this worker's death. Only this worker stores it, so the load is plain.
  if (load<u32>(seat, Seat.CHANGING) != <u32>mm) store_release(seat + Seat.CHANGING, <u32>mm);
}

/** The section ends: what it changed is whole. */
export function mm_end_change(): void {
  const seat = this_seat();
  if (load<u32>(seat, Seat.CHANGING) != 0) store_release(seat + Seat.CHANGING, 0);
}
