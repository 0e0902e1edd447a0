// Samples of a replay for its chart: VMAs, mapped bytes and faults after an operation.
// However long it is, some thousand remain: at the limit every other one is dropped.

import { Counter, MmStat } from "../../assembly/shared/abi.js";
import type { Core } from "../core.js";
import { type Chart, chartSvg } from "./svg.js";

const LIMIT = 2000;

export class Samples {
  readonly #rows: { step: number; vmas: number; bytes: number; faults: number }[] = [];
  #step = 0;
  #every = 1;
  readonly #faultsBefore: number;

  constructor(
    readonly core: Core,
    /** Fault workers: seats 1 to so many. */
    readonly workers: number,
  ) {
    this.#faultsBefore = this.#faults();
  }

  take(mm: number): void {
    this.#step++;
    if (this.#step % this.#every !== 0) return;
    const { x } = this.core;
    const bytes = x.mm_stat(mm, MmStat.TOTAL_VM) * 2 ** x.mm_stat(mm, MmStat.PAGE_SHIFT);
    const faults = this.#faults() - this.#faultsBefore;
    this.#rows.push({ step: this.#step, vmas: x.mm_stat(mm, MmStat.MAP_COUNT), bytes, faults });
    if (this.#rows.length < LIMIT) return;
    const kept = this.#rows.filter((_, n) => n % 2 === 1);
    this.#rows.splice(0, this.#rows.length, ...kept);
    this.#every *= 2;
  }

  #faults(): number {
    let sum = 0;
    for (let seat = 0; seat <= this.workers; seat++) {
      sum += this.core.x.worker_counter(seat, Counter.FAULT);
    }
    return sum;
  }

  svg(title: string): string {
    const rows = this.#rows;
    const series: Chart["series"][number][] = [
      { name: "VMAs", unit: "count", colour: "#1f77b4", values: rows.map((row) => row.vmas) },
      { name: "mapped", unit: "bytes", colour: "#2ca02c", values: rows.map((row) => row.bytes) },
    ];
    const faults = rows.map((row) => row.faults);
    if ((faults.at(-1) ?? 0) > 0) {
      series.push({ name: "faults so far", unit: "count", colour: "#d62728", values: faults });
    }
    return chartSvg({ title, axis: "operations", steps: rows.map((row) => row.step), series });
  }
}
