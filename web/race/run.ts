// The race: the same work under the mmap lock only, and with per-VMA locks.
//
// What is counted is read from the shared memory, never asked of a racer: asking would stop it.

import type { WorkerCounters } from "../../src/index.js";
import { type Board, type Change, changesOf, clock, tallyOf } from "./board.js";
import { Crew, type Plan } from "./crew.js";

export type Mode = "mmapLock" | "vmaLock";
export const MODES: readonly Mode[] = ["mmapLock", "vmaLock"];

export const SAMPLE_MS = 100;
/** The modes take turns of this length. */
const SLICE_MS = 500;
/** Before counting begins: the compiler of the browser, first writes. */
const WARM_UP_MS = 300;
/** How long the slow motion records. */
const RECORD_MS = 60;

/** A second, from one sample to the next. */
export interface Sample {
  readonly operations: number;
  /** Look-ups of a VMA lock that had to look again, or gave up as a writer was at work. */
  readonly retries: number;
  /** Faults served under the mmap lock. */
  readonly fallbacks: number;
}

/** Of all slices of one mode. */
export interface Figures {
  /** Milliseconds over which was counted. */
  readonly elapsedMs: number;
  readonly operations: number;
  /** Got an errno or a signal. */
  readonly refused: number;
  readonly counters: WorkerCounters;
}

/** Locks of all racers over a short time. */
export interface Recording {
  /** Milliseconds, as {@link Change.at}. */
  readonly from: number;
  readonly to: number;
  readonly lanes: readonly (readonly Change[])[];
}

export interface Progress {
  readonly samples: Readonly<Record<Mode, readonly Sample[]>>;
  /** 0 to 1, of the whole race. */
  readonly share: number;
}

export interface LegResult {
  readonly figures: Figures;
  readonly recording: Recording;
}

export interface RaceOptions extends Plan {
  /** Of each mode. */
  readonly seconds: number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/**
 * Runs both modes by turns of SLICE_MS, so that what else the machine does meets both alike.
 *
 * @throws the signal's reason once it is aborted; all workers are gone then
 */
export async function race(options: RaceOptions): Promise<Record<Mode, LegResult>> {
  const { signal } = options;
  await using mmapOnly = await Crew.hire(options, false);
  signal.throwIfAborted();
  await using withVmaLocks = await Crew.hire(options, true);
  const legs = { mmapLock: new Leg(mmapOnly), vmaLock: new Leg(withVmaLocks) };
  for (const mode of MODES) await legs[mode].run(WARM_UP_MS, signal, null);
  const slices = Math.ceil((options.seconds * 1000) / SLICE_MS);
  for (let slice = 0; slice < slices; slice++) {
    for (const [i, mode] of MODES.entries()) {
      await legs[mode].run(SLICE_MS, signal, (done) => {
        options.onProgress({
          samples: { mmapLock: legs.mmapLock.samples, vmaLock: legs.vmaLock.samples },
          share: (slice + (i + done) / MODES.length) / slices,
        });
      });
    }
  }
  return {
    mmapLock: { figures: legs.mmapLock.figures, recording: await record(mmapOnly, signal) },
    vmaLock: { figures: legs.vmaLock.figures, recording: await record(withVmaLocks, signal) },
  };
}

/** One mode's crew and what it has done in the slices so far. */
class Leg {
  readonly samples: Sample[] = [];
  readonly #crew: Crew;
  #figures: Figures | null = null;

  constructor(crew: Crew) {
    this.#crew = crew;
  }

  get figures(): Figures {
    if (this.#figures === null) throw new TypeError("nothing has been counted yet");
    return this.#figures;
  }

  /** @param onSample told how much of the slice is over; null: nothing is counted */
  async run(
    ms: number,
    signal: AbortSignal,
    onSample: ((done: number) => void) | null,
  ): Promise<void> {
    const crew = this.#crew;
    crew.start("race");
    const first = measure(crew);
    let last = first;
    while (last.at - first.at < ms) {
      await sleep(SAMPLE_MS, signal);
      const now = measure(crew);
      if (onSample !== null) this.samples.push(sampleOf(last, now));
      last = now;
      onSample?.(Math.min(1, (now.at - first.at) / ms));
    }
    await crew.stop();
    if (onSample !== null) this.#figures = sum(this.#figures, figuresOf(first, last));
  }
}

async function record(crew: Crew, signal: AbortSignal): Promise<Recording> {
  crew.start("slowMotion");
  await sleep(RECORD_MS / 2, signal); // until all of them are at it
  const from = clock();
  await sleep(RECORD_MS, signal);
  const to = clock();
  await crew.stop();
  return { from, to, lanes: lanesOf(crew.board) };
}

export function lanesOf({ rings }: Board): Change[][] {
  return rings.map(changesOf);
}

interface Measured {
  /** Milliseconds. */
  readonly at: number;
  readonly done: number;
  readonly refused: number;
  readonly counters: WorkerCounters;
}

function measure({ engine, board }: Crew): Measured {
  return { at: performance.now(), ...tallyOf(board), counters: engine.stats().total };
}

function sampleOf(from: Measured, to: Measured): Sample {
  const perSecond = 1000 / (to.at - from.at);
  const counters = difference(from.counters, to.counters);
  return {
    operations: (to.done - from.done) * perSecond,
    retries: (counters.vmaLockRetry + counters.vmaLockAbort) * perSecond,
    fallbacks: counters.faultMmapLock * perSecond,
  };
}

function figuresOf(from: Measured, to: Measured): Figures {
  return {
    elapsedMs: to.at - from.at,
    operations: to.done - from.done,
    refused: to.refused - from.refused,
    counters: difference(from.counters, to.counters),
  };
}

function sum(a: Figures | null, b: Figures): Figures {
  if (a === null) return b;
  const names = Object.keys(b.counters) as (keyof WorkerCounters)[];
  return {
    elapsedMs: a.elapsedMs + b.elapsedMs,
    operations: a.operations + b.operations,
    refused: a.refused + b.refused,
    counters: countersOf(names.map((name) => [name, a.counters[name] + b.counters[name]])),
  };
}

function difference(from: WorkerCounters, to: WorkerCounters): WorkerCounters {
  const names = Object.keys(to) as (keyof WorkerCounters)[];
  return countersOf(names.map((name) => [name, to[name] - from[name]]));
}

function countersOf(entries: readonly [keyof WorkerCounters, number][]): WorkerCounters {
  return Object.fromEntries(entries) as Record<keyof WorkerCounters, number>;
}

/** @throws the signal's reason */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
