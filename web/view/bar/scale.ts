// How addresses become pixels: three scales, each monotone, each with its inverse.
//
//   linear   in proportion
//   log      by the logarithm of the distance from the window's start: near things large
//   gaps     every VMA in the window gets room by the logarithm of its pages, every gap a
//            fixed small piece: nothing mapped is lost in terabytes of nothing

import { firstAbove, type Rows } from "../../app/rows.js";
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
  const { at, weight, count } = borders(rows, span);
  const total = weight[count - 1]!;
  let last = 0; // whoever paints goes from left to right: mostly this piece or the next
  return {
    x(address) {
      if (last + 2 < count && at[last + 1]! <= address) last++;
      if (address < at[last]! || (last + 2 < count && at[last + 1]! <= address)) {
        last = pieceOf(at, count, address);
      }
      const i = last;
      const share = (address - at[i]!) / (at[i + 1]! - at[i]!);
      return ((weight[i]! + share * (weight[i + 1]! - weight[i]!)) / total) * width;
    },
    address(x) {
      const wanted = (x / width) * total;
      const i = pieceOf(weight, count, wanted);
      const share = (wanted - weight[i]!) / (weight[i + 1]! - weight[i]!);
      return at[i]! + share * (at[i + 1]! - at[i]!);
    },
  };
}

/** Ascending addresses, and the sum of weights up to each. At least two. */
function borders(rows: Rows, { start, end }: Span) {
  const first = Math.max(0, firstAbove(rows, start) - 1);
  const last = firstAbove(rows, end);
  const at = new Float64Array(2 * (last - first) + 2);
  const weight = new Float64Array(at.length);
  let count = 1;
  at[0] = start;
  const to = (address: number, more: number) => {
    if (address <= at[count - 1]!) return;
    at[count] = address;
    weight[count] = weight[count - 1]! + more;
    count++;
  };
  for (let row = first; row < last; row++) {
    const from = Math.max(start, rows.start[row]!);
    const until = Math.min(end, rows.end[row]!);
    if (until <= from) continue;
    to(from, GAP_WEIGHT);
    to(until, weightOf((until - from) / PAGE_BYTES));
  }
  to(end, GAP_WEIGHT);
  return { at, weight, count };
}

/** Most mappings are small, and there may be 65,530: their logarithms are taken once. */
const SMALL_WEIGHTS = Float64Array.from({ length: 1024 }, (_, pages) => 1 + Math.log2(1 + pages));

function weightOf(pages: number): number {
  return SMALL_WEIGHTS[pages] ?? 1 + Math.log2(1 + pages);
}

/** The piece [values[i], values[i + 1]] of `value`; the outermost one outside. */
function pieceOf(values: Float64Array, count: number, value: number): number {
  let low = 0;
  let high = count - 2;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (values[middle]! <= value) low = middle;
    else high = middle - 1;
  }
  return low;
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
