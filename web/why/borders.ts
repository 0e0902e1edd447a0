// What a step did to the borders between VMAs: where one was cut, where two became one.
//
//   before   ┌────────────A────────────┐      p is a split: inside A before, a border between
//   after    ┌──A──┐┌──B──┐┌────C──────┐      mapped ranges after; read backwards it is a merge
//                  p      p

import { vmFlagsText } from "../../src/formats/vmflags.js";
import { permsOf } from "../../src/index.js";
import type { Rows } from "../app/rows.js";
import type { Moment } from "../app/store.js";
import { spellCodes } from "./words.js";

/** A VMA that the step changed, made or removed. */
export interface Piece {
  readonly start: number;
  readonly end: number;
  readonly flags: number;
  readonly file: number;
  readonly name: string;
}

export interface Step {
  /** VMAs that are no more, or are not what they were. */
  readonly gone: readonly Piece[];
  /** VMAs that were not there, or are not what they were. */
  readonly fresh: readonly Piece[];
  /** Addresses where a VMA was cut and both sides are still mapped. */
  readonly splits: readonly number[];
  /** Addresses where two VMAs became one. */
  readonly merges: readonly number[];
  /** Addresses where a VMA grew into what was free. */
  readonly growths: readonly number[];
}

export function stepOf({ before, after, changes }: Moment): Step {
  const gone = changes.gone.map((row) => pieceAt(before, row));
  const fresh = changes.fresh.map((row) => pieceAt(after, row));
  const cut = bordersInside(fresh, gone);
  const joined = bordersInside(gone, fresh);
  return {
    gone,
    fresh,
    splits: cut.filter(({ isMapped }) => isMapped).map(({ at }) => at),
    merges: joined.filter(({ isMapped }) => isMapped).map(({ at }) => at),
    growths: joined.filter(({ isMapped }) => !isMapped).map(({ at }) => at),
  };
}

export function pieceAt(rows: Rows, row: number): Piece {
  return {
    start: rows.start[row] as number,
    end: rows.end[row] as number,
    flags: rows.flags[row] as number,
    file: rows.file[row] as number,
    name: rows.nameOf(row),
  };
}

interface Border {
  readonly at: number;
  /** Mapped on both sides. */
  readonly isMapped: boolean;
}

/** Borders of `pieces` that lie strictly inside one of `others`; both ascending. */
function bordersInside(pieces: readonly Piece[], others: readonly Piece[]): Border[] {
  const starts = new Set(pieces.map(({ start }) => start));
  const ends = new Set(pieces.map(({ end }) => end));
  const all = [...new Set([...starts, ...ends])].sort((a, b) => a - b);
  const borders: Border[] = [];
  let other = 0;
  for (const at of all) {
    while (other < others.length && (others[other] as Piece).end <= at) other++;
    const within = others[other];
    if (within === undefined || within.start >= at) continue;
    borders.push({ at, isMapped: starts.has(at) && ends.has(at) });
  }
  return borders;
}

/** What is different between two pieces, in words: `r--`, or codes of smaps spelled out. */
export function becameText(from: number, to: number): string {
  const perms = permsOf(to).slice(0, 3);
  if (permsOf(from).slice(0, 3) !== perms) return perms;
  const before = new Set(vmFlagsText(from).split(" "));
  const after = new Set(vmFlagsText(to).split(" "));
  const gained = [...after].filter((code) => !before.has(code));
  const lost = [...before].filter((code) => !after.has(code));
  return spellCodes(
    [...gained.map((code) => `+${code}`), ...lost.map((code) => `-${code}`)].join(" "),
  );
}
