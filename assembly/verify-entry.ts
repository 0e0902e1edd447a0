// The verify build's exports: the ABI, and what lockdep has to say.
//
// Floor: index. Imports: index, sync/lockdep.

import { seat_scratch } from "./base/worker";
import { lockdep_report as copy_report } from "./sync/lockdep";

export * from "./index";
export { lockdep_held, lockdep_site } from "./sync/lockdep";

/** Writes the last complaint, Lockdep words (u32), to scratch. */
export function lockdep_report(): void {
  copy_report(seat_scratch());
}
