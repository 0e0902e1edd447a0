// Seats reserved for workers to come, and what becomes of a worker that has died: Engine.reap's
// work and its report.
//
// Floor: S2. Imports: address, core, errors, words.

import { shown } from "./address.js";
import type { Core } from "./core.js";
import { MmError } from "./errors.js";
import { byWord } from "./words.js";

/** One worker's time in one seat. */
export interface ReservedSeat {
  readonly slot: number;
  readonly generation: number;
}

export function isSeat(seat: ReservedSeat): boolean {
  return Number.isInteger(seat?.slot) && Number.isInteger(seat.generation);
}

/** Takes a seat for a worker that is to come. @throws MmError EAGAIN all are taken */
export function reserveSeat({ x }: Core): ReservedSeat {
  const slot = x.worker_reserve();
  if (slot < 0) throw new MmError(-slot, "attach", { maxWorkers: x.max_workers() });
  return { slot, generation: x.worker_generation(slot) };
}

/** Sits down in a reserved seat: its number. @throws TypeError it is this worker's no more */
export function sitDown(
  x: Core["x"],
  { slot, generation }: ReservedSeat,
  mayBlock: number,
): number {
  if (x.worker_sit(slot, generation, mayBlock) === 0) return slot;
  throw new TypeError(`seat ${slot} was given up before this worker came`);
}

/** Tells everybody that this worker is at its end: whoever waits for what it holds reaps it. */
export function markEnd({ x, seat }: Core): void {
  x.worker_mark_dead(seat, x.worker_generation(seat));
}

/**
 * Reaps a worker that is gone.
 *
 * @returns what was given up, by this call or by a waiter before it; null: it had left by itself;
 *   undefined: a waiter is at it this moment
 */
export function reapWorker(
  core: Core,
  { slot, generation }: ReservedSeat,
): ReapReport | null | undefined {
  const { x } = core;
  if (x.worker_generation(slot) === generation && x.worker_reap(slot) < 0) return undefined;
  return x.worker_report(slot, generation) < 0 ? null : readReport(core);
}

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
  if (slot === core.seat) throw new TypeError("a worker cannot reap itself: dispose the engine");
  if (core.x.worker_reap(slot) < 0) {
    throw new TypeError(`seat ${slot} is not taken, or is being reaped already`);
  }
  return readReport(core);
}

/** By Reap. */
export const REPORT = "vmaLocks mmapReads mmapWrites deadMms - undone references";

function readReport({ u32 }: Core): ReapReport {
  const words = byWord(REPORT, (word) => u32[word] as number);
  return { ...words, undone: words.undone !== 0 };
}
