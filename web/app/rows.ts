// The VMAs of one moment in columns: 65,530 of them are read, compared and drawn in a frame.

import { permsOf } from "../../src/index.js";
import type { Columns } from "./columns.js";

/** VMAs in order of address. */
export interface Rows extends Columns {
  /** Bytes of all rows together. */
  readonly mappedBytes: number;
  /** The last column of maps; "" if it is empty. */
  nameOf(row: number): string;
}

/** The row whose VMA contains `address`; -1 in a gap. */
export function rowAt(rows: Rows, address: number): number {
  const row = firstAbove(rows, address) - 1;
  return row >= 0 && address < rows.end[row]! ? row : -1;
}

/** The first row that starts above `address`; `count` if none does. */
export function firstAbove({ start, count }: Rows, address: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (start[middle]! <= address) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The first row that ends above `address`; `count` if none does. */
export function rowBehind(rows: Rows, address: number): number {
  const above = firstAbove(rows, address);
  return above > 0 && rows.end[above - 1]! > address ? above - 1 : above;
}

/** The unmapped range around `address`, bytes; `end` of the space. */
export function gapAt(rows: Rows, address: number, end: number): { start: number; end: number } {
  const above = firstAbove(rows, address);
  return {
    start: above === 0 ? 0 : rows.end[above - 1]!,
    end: above < rows.count ? rows.start[above]! : end,
  };
}

/** `rwxp`, as in maps. */
export function permsAt(rows: Rows, row: number): string {
  return permsOf(rows.flags[row]!);
}

/** Rows of `before` that are no more, and rows of `after` that were not, ascending. */
export interface Changes {
  readonly gone: readonly number[];
  readonly fresh: readonly number[];
}

export const NO_CHANGES: Changes = { gone: [], fresh: [] };

/** Compares what maps shows, vm_flags and anon_vma; a row is its whole line. */
export function changesOf(before: Rows, after: Rows): Changes {
  const gone: number[] = [];
  const fresh: number[] = [];
  let a = 0;
  let b = 0;
  while (a < before.count && b < after.count) {
    if (sameRow(before, a, after, b)) {
      a++;
      b++;
    } else if (before.start[a]! < after.start[b]!) gone.push(a++);
    else if (before.start[a]! > after.start[b]!) fresh.push(b++);
    else {
      gone.push(a++);
      fresh.push(b++);
    }
  }
  while (a < before.count) gone.push(a++);
  while (b < after.count) fresh.push(b++);
  return { gone, fresh };
}

function sameRow(a: Rows, i: number, b: Rows, j: number): boolean {
  return (
    a.start[i] === b.start[j] &&
    a.end[i] === b.end[j] &&
    a.flags[i] === b.flags[j] &&
    a.pgoff[i] === b.pgoff[j] &&
    a.file[i] === b.file[j] &&
    a.anonVma[i] === b.anonVma[j] &&
    a.anonName[i] === b.anonName[j]
  );
}
