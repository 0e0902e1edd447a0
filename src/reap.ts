// What becomes of a worker that has died: Engine.reap's work and its report.
//
// Floor: S2. Imports: shared, core, errors.

import { Reap } from "../assembly/shared/abi.js";
import { shown } from "./address.js";
import type { Core } from "./core.js";

/** What {@link Engine.reap} gave up for a dead worker. */
export interface ReapReport {
  /** Per-VMA read locks. */
  readonly vmaLocks: number;
  /** mmap locks held for reading, or places in their queues. */
  readonly mmapReads: number;
  /** mmap locks held for writing. */
  readonly mmapWrites: number;
  /** It died in the middle of a call, which was undone: the space is as before that call. */
  readonly undone: boolean;
  /** References given back: of its handles, and in messages that nobody has received. */
  readonly references: number;
  /** Spaces that could not be put in order: every call on them answers EOWNERDEAD from now on. */
  readonly deadMms: number;
}

/**
 * Gives up what the worker in seat `slot` held.
 *
 * @throws RangeError no such seat
 * @throws TypeError this worker's own seat, or one that nobody has
 */
export function reapSeat(core: Core, slot: number, maxWorkers: number): ReapReport {
  if (!Number.isInteger(slot) || slot < 0 || slot >= maxWorkers) {
    throw new RangeError(`slot must be a seat below ${maxWorkers}, not ${shown(slot)}`);
  }
  if (slot === core.seat) throw new TypeError("a worker cannot reap itself; dispose its engine");
  if (core.x.worker_reap(slot) < 0) {
    throw new TypeError(`seat ${slot} is not taken, or is being reaped already`);
  }
  const words = core.u32;
  return {
    vmaLocks: words[Reap.VMA_LOCKS] as number,
    mmapReads: words[Reap.MMAP_READS] as number,
    mmapWrites: words[Reap.MMAP_WRITES] as number,
    undone: words[Reap.UNDONE] !== 0,
    references: words[Reap.REFERENCES] as number,
    deadMms: words[Reap.DEAD_MMS] as number,
  };
}
