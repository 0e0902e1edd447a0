// How addresses become pixels: three scales, each monotone, each with its inverse.
//
//   linear   in proportion
//   log      by the logarithm of the distance from the window's start: near things large
//   gaps     every VMA in the window gets room by the logarithm of its pages, every gap a
//            fixed small piece: nothing mapped is lost in terabytes of nothing

import { firstAbove, type Rows, rowBehind } from "../../app/rows.js";
import type { ScaleName, Span } from "../../app/store.js";

export const PAGE_BYTES = 4096;
/** Weight of a gap on the `gaps` scale; a VMA of one page weighs 2. */
const GAP_WEIGHT = 1.2;

export interface Projection {
  /** Pixels. Addresses outside the window are outside [0, width]. */
  x(address: number): number;
  /** Bytes; the inverse. */
  address(x: number): number;
}

/** The last two are remembered: the bar's and the minimap's. */
export function projectionOf(name: ScaleName, rows: Rows, span: Span, width: number): Projection {
  const known = recent.find(
    (entry) =>
      entry.name === name &&
      entry.rows === rows &&
      entry.width === width &&
      entry.span.start === span.start &&
      entry.span.end === span.end,
  );
  if (known !== undefined) return known.projection;
  const projection = makeProjection(name, rows, span, width);
  recent = [{ name, rows, span, width, projection }, ...recent.slice(0, 1)];
  return projection;
}

let recent: readonly {
  readonly name: ScaleName;
  readonly rows: Rows;
  readonly span: Span;
  readonly width: number;
  readonly projection: Projection;
}[] = [];

function makeProjection(name: ScaleName, rows: Rows, span: Span, width: number): Projection {
  if (name === "linear") return linear(span, width);
  if (name === "log") return logarithmic(span, width);
  return gaps(rows, span, width);
}

function linear({ start, end }: Span, width: number): Projection {
  const bytes = end - start;
  return {
    x: (address) => ((address - start) / bytes) * width,
    address: (x) => start + (x / width) * bytes,
  };
}

function logarithmic({ start, end }: Span, width: number): Projection {
  const top = Math.log2(1 + (end - start) / PAGE_BYTES);
  const right = linear({ start: 0, end: top }, width);
  return {
    x(address) {
      const pages = (address - start) / PAGE_BYTES;
      return pages < 0 ? (pages / top) * width : right.x(Math.log2(1 + pages));
    },
    address(x) {
      const power = right.address(x);
      return start + (power < 0 ? power : 2 ** power - 1) * PAGE_BYTES;
    },
  };
}

/** Straight pieces between the borders of what is mapped in the window. */
function gaps(rows: Rows, span: Span, width: number): Projection {
  const scale = new GapScale(rows, span);
  return {
    x: (address) => (scale.weightAt(address) / scale.total) * width,
    address: (x) => scale.addressAt((x / width) * scale.total),
  };
}

/** Rows between two sums that are kept. */
const BLOCK_ROWS = 16;

/**
 * Sums of weights from the window's start on. Row `i` of the window lies between two pieces of
 * nothing: the one before it (of no weight where it adjoins row `i - 1`) and the next one's.
 */
class GapScale {
  readonly total: number;
  readonly #rows: Rows;
  readonly #span: Span;
  /** Rows `[first, last)` are in the window. */
  readonly #first: number;
  readonly #last: number;
  /** The weight of all before row `first + i * BLOCK_ROWS`, and before the gap before it. */
  readonly #sums: Float64Array;
  /** Whoever paints goes from left to right: the row asked for last, and the weight before it. */
  #row: number;
  #sum = 0;

  constructor(rows: Rows, span: Span) {
    this.#rows = rows;
    this.#span = span;
    this.#first = rowBehind(rows, span.start);
    let last = firstAbove(rows, span.end);
    while (last > this.#first && rows.start[last - 1]! >= span.end) last--;
    this.#last = last;
    this.#row = this.#first;
    this.#sums = new Float64Array(Math.ceil((last - this.#first) / BLOCK_ROWS) + 1);
    let sum = 0;
    for (let row = this.#first; row < last; row++) {
      const place = row - this.#first;
      if (place % BLOCK_ROWS === 0) this.#sums[place / BLOCK_ROWS] = sum;
      sum += this.#gap(row) + this.#weight(row);
    }
    this.total = sum + this.#gap(last);
  }

  weightAt(address: number): number {
    const row = Math.min(firstAbove(this.#rows, address), this.#last) - 1;
    if (row < this.#first) return this.#between(address, this.#first, 0);
    const start = this.#start(row);
    const end = this.#end(row);
    const before = this.#before(row) + this.#gap(row);
    if (address >= end && (row + 1 < this.#last || end < this.#span.end)) {
      return this.#between(address, row + 1, before + this.#weight(row));
    }
    return before + ((address - start) / (end - start)) * this.#weight(row);
  }

  addressAt(weight: number): number {
    let low = 0;
    let high = this.#sums.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      const isUsed = this.#first + middle * BLOCK_ROWS < this.#last;
      if (isUsed && this.#sums[middle]! <= weight) low = middle;
      else high = middle - 1;
    }
    let row = this.#first + low * BLOCK_ROWS;
    let sum = this.#sums[low]!;
    for (; row < this.#last; row++) {
      const gap = this.#gap(row);
      const own = this.#weight(row);
      if (weight < sum + gap) break;
      if (weight < sum + gap + own || this.#isEnd(row)) {
        const start = this.#start(row);
        return start + ((weight - sum - gap) / own) * (this.#end(row) - start);
      }
      sum += gap + own;
    }
    const from = this.#end(row - 1);
    return from + ((weight - sum) / GAP_WEIGHT) * (this.#start(row) - from);
  }

  /** The weight of a place in the gap before `row`, of which `sum` is before the gap. */
  #between(address: number, row: number, sum: number): number {
    const from = this.#end(row - 1);
    return sum + ((address - from) / (this.#start(row) - from)) * this.#gap(row);
  }

  #before(row: number): number {
    const place = row - this.#first;
    if (row < this.#row || row - this.#row > BLOCK_ROWS) {
      const block = Math.floor(place / BLOCK_ROWS);
      this.#row = this.#first + block * BLOCK_ROWS;
      this.#sum = this.#sums[block]!;
    }
    for (; this.#row < row; this.#row++)
      this.#sum += this.#gap(this.#row) + this.#weight(this.#row);
    return this.#sum;
  }

  /** Of the piece of nothing before a row, or of that behind the last one. */
  #gap(row: number): number {
    return this.#start(row) > this.#end(row - 1) ? GAP_WEIGHT : 0;
  }

  #weight(row: number): number {
    return weightOf((this.#end(row) - this.#start(row)) / PAGE_BYTES);
  }

  /** Nothing lies between this row and the end of the window. */
  #isEnd(row: number): boolean {
    return row + 1 === this.#last && this.#end(row) === this.#span.end;
  }

  /** Of the part in the window; behind the last row: the window's end. */
  #start(row: number): number {
    return row < this.#last ? Math.max(this.#span.start, this.#rows.start[row]!) : this.#span.end;
  }

  /** Before the first row: the window's start. */
  #end(row: number): number {
    return row < this.#first ? this.#span.start : Math.min(this.#span.end, this.#rows.end[row]!);
  }
}

/** Most mappings are small, and there may be 65,530: their logarithms are taken once. */
const SMALL_WEIGHTS = Float64Array.from({ length: 1024 }, (_, pages) => 1 + Math.log2(1 + pages));

function weightOf(pages: number): number {
  return SMALL_WEIGHTS[pages] ?? 1 + Math.log2(1 + pages);
}

/** A window of at least one page, whole pages, inside [0, taskSize). */
export function clampedSpan({ start, end }: Span, taskSize: number): Span {
  const pages = Math.max(1, Math.round((end - start) / PAGE_BYTES));
  const bytes = Math.min(taskSize, pages * PAGE_BYTES);
  const wanted = Math.floor(start / PAGE_BYTES) * PAGE_BYTES;
  const from = Math.max(0, Math.min(taskSize - bytes, wanted));
  return { start: from, end: from + bytes };
}

/**
 * Around pixel `x`, `factor` times as much; below 1 zooms in. What is under that pixel stays in
 * sight. In pixels where that gets on, else (log, or one large piece) in bytes.
 */
export function zoomed(
  projection: Projection,
  span: Span,
  { x, width, factor, taskSize }: { x: number; width: number; factor: number; taskSize: number },
): Span {
  const address = projection.address(x);
  let start = projection.address(x - x * factor);
  let end = projection.address(x + (width - x) * factor);
  const reached = Math.log((end - start) / (span.end - span.start)) / Math.log(factor);
  if (reached < 0.5) {
    start = address - (address - span.start) * factor;
    end = address + (span.end - address) * factor;
  }
  const next = clampedSpan({ start, end }, taskSize);
  if (address < next.end) return next;
  return clampedSpan({ start: address, end: address + next.end - next.start }, taskSize);
}
