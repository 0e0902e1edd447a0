// The counters of the two workers: rates, totals, and a line of the last seconds.
//
// Every number has its place and width in the page from the start: nothing jumps.

import type { WorkerCounters } from "../../../src/index.js";
import type { Tally } from "../member.js";
import type { JobName } from "../pace.js";
import { byId, setAttributes, setText } from "./dom.js";
import { count, percent } from "./format.js";

/** One job's numbers at one moment. */
export interface Sample {
  readonly slot: number;
  readonly tally: Tally;
  readonly counters: WorkerCounters;
}

const HISTORY = 75;
const LINE_WIDTH = 150;
const LINE_HEIGHT = 36;
/** Rates are means over about this long. */
const RATE_MS = 1000;

/** The rows of each card, by the id of their `dd`. */
const ROWS: Readonly<Record<JobName, Readonly<Record<string, (sample: Sample) => number>>>> = {
  mapper: {
    "mapper-mmap": ({ tally }) => tally.calls["mmap"] ?? 0,
    "mapper-munmap": ({ tally }) => tally.calls["munmap"] ?? 0,
    "mapper-mprotect": ({ tally }) => tally.calls["mprotect"] ?? 0,
    "mapper-write": ({ counters }) => counters.mmapLockWrite,
    "mapper-waited": ({ counters }) => counters.mmapLockWriteContended,
    "mapper-refused": ({ tally }) => tally.refused,
  },
  faulter: {
    "faulter-vma": ({ counters }) => counters.faultVmaLock,
    "faulter-fallback": ({ counters }) => counters.faultMmapLock,
    // The first write to a private mapping needs its neighbours, so the mmap lock.
    "faulter-first": ({ counters: { faultMmapLock, vmaLockMiss, vmaLockAbort } }) =>
      Math.max(0, faultMmapLock - vmaLockMiss - vmaLockAbort),
    "faulter-retry": ({ counters }) => counters.vmaLockRetry,
    "faulter-abort": ({ counters }) => counters.vmaLockAbort,
    "faulter-miss": ({ counters }) => counters.vmaLockMiss,
    "faulter-mmap": ({ counters }) => counters.mmapLockRead,
    "faulter-waited": ({ counters }) => counters.mmapLockReadContended,
    "faulter-refused": ({ tally }) => tally.refused,
  },
};

export class CounterCard {
  readonly #job: JobName;
  readonly #rate: HTMLElement;
  readonly #seat: HTMLElement;
  readonly #line: SVGPolylineElement;
  readonly #cells: readonly (readonly [HTMLElement, (sample: Sample) => number])[];
  readonly #past: { readonly at: number; readonly done: number }[] = [];
  readonly #history: number[] = [];

  constructor(job: JobName) {
    this.#job = job;
    this.#rate = byId(`${job}-rate`, HTMLElement);
    this.#seat = byId(`${job}-seat`, HTMLElement);
    this.#line = byId(`${job}-line`, SVGPolylineElement);
    this.#cells = Object.entries(ROWS[job]).map(([id, read]) => [byId(id, HTMLElement), read]);
  }

  show(sample: Sample, now: number): void {
    setText(this.#seat, `seat ${sample.slot}`);
    for (const [cell, read] of this.#cells) setText(cell, count(read(sample)));
    const rate = this.#rateOf(sample.tally.done, now);
    setText(this.#rate, count(rate));
    this.#drawLine(rate);
    if (this.#job === "faulter") showShare(sample.counters);
  }

  #rateOf(done: number, at: number): number {
    this.#past.push({ at, done });
    while (this.#past.length > 2 && at - (this.#past[1]?.at ?? at) >= RATE_MS) this.#past.shift();
    const first = this.#past[0];
    if (first === undefined || at <= first.at) return 0;
    return ((done - first.done) / (at - first.at)) * 1000;
  }

  #drawLine(rate: number): void {
    this.#history.push(rate);
    if (this.#history.length > HISTORY) this.#history.shift();
    const top = Math.max(1, ...this.#history);
    const step = LINE_WIDTH / (HISTORY - 1);
    const from = HISTORY - this.#history.length;
    const points = this.#history.map((value, i) => {
      const x = (from + i) * step;
      const y = LINE_HEIGHT - 1.5 - (value / top) * (LINE_HEIGHT - 3);
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    });
    setAttributes(this.#line, { points: points.join(" ") });
  }
}

/** How many of the faults needed no more than the VMA's own lock. */
function showShare({ faultVmaLock, faultMmapLock }: WorkerCounters): void {
  const whole = faultVmaLock + faultMmapLock;
  const share = percent(faultVmaLock, whole);
  setText(byId("share-text", HTMLElement), share);
  const meter = byId("share", HTMLElement);
  meter.style.setProperty("--share", String(whole === 0 ? 0 : faultVmaLock / whole));
}
