// Compares two maps of an address space page by page, as lines of /proc/PID/maps.
//
// Neighbours that agree in permissions, name and running offset are one line first, on
// both sides: the border between them is nothing a page could tell. Such borders are
// counted apart.

import { hex } from "../address.js";
import { linesApart } from "./report.js";

/** A line of maps; bytes. */
export interface MapsVma {
  readonly start: number;
  readonly end: number;
  readonly perms: string;
  readonly offset: number;
  readonly name: string;
}

export interface MapsApart {
  readonly missing: readonly string[];
  readonly extra: readonly string[];
  /** Lines that differ, whichever side has more. */
  readonly differences: number;
  readonly borders: number;
}

export function mapsApart(expected: readonly MapsVma[], got: readonly MapsVma[]): MapsApart {
  const want = joined(expected);
  const have = joined(got);
  const [missing, extra] = linesApart(want.vmas.map(mapsLine), have.vmas.map(mapsLine));
  let borders = 0;
  for (const border of want.borders) if (!have.borders.has(border)) borders++;
  for (const border of have.borders) if (!want.borders.has(border)) borders++;
  return { missing, extra, differences: Math.max(missing.length, extra.length), borders };
}

/** `7f0000000000-7f0000001000 rw-p 00000000 NAME`: without device and inode. */
export function mapsLine({ start, end, perms, offset, name }: MapsVma): string {
  return `${hex(start, 8)}-${hex(end, 8)} ${perms} ${hex(offset, 8)} ${name}`.trimEnd();
}

/** Names of objects that live without a path: ` (deleted)` belongs to them from the start. */
const ALWAYS_DELETED = /^\/(dev\/zero|memfd:|SYSV|anon_hugepage)/;
const DELETED = " (deleted)";

/** A file may have been unlinked after it was mapped; no row of a trace tells when. */
function nameOfPath(name: string): string {
  if (!name.endsWith(DELETED) || ALWAYS_DELETED.test(name)) return name;
  return name.slice(0, -DELETED.length);
}

function joined(vmas: readonly MapsVma[]): { vmas: MapsVma[]; borders: Set<number> } {
  const result: MapsVma[] = [];
  const borders = new Set<number>();
  for (const vma of vmas) {
    const name = nameOfPath(vma.name);
    const last = result.at(-1);
    if (last !== undefined && goesOn(last, vma, name)) {
      result[result.length - 1] = { ...last, end: vma.end };
      borders.add(vma.start);
    } else {
      result.push({ ...vma, name });
    }
  }
  return { vmas: result, borders };
}

function goesOn(last: MapsVma, next: MapsVma, name: string): boolean {
  if (last.end !== next.start || last.perms !== next.perms || last.name !== name) return false;
  const isFile = name.startsWith("/");
  return next.offset === (isFile ? last.offset + (next.start - last.start) : last.offset);
}
