// A question about the next call of the log: what will the map show around it?
//
// The right answer is asked of the engine. The wrong ones are what a reader may believe:
// that nothing happens, that the whole mapping changes, that mappings never merge, or that
// alike neighbours always do. Answers that say the same are one.

import { type Entry, failed } from "../app/call.js";
import { changesOf, permsAt, type Rows, rowAt } from "../app/rows.js";
import type { Store } from "../app/store.js";

/** One mapping of an answer. Bytes; `[start, end)`. */
export interface Piece {
  readonly start: number;
  readonly end: number;
  readonly perms: string;
  /** "" for an anonymous one. */
  readonly name: string;
}

export interface Answer {
  /** What the call returns: an errno, or null if it succeeds. */
  readonly errno: string | null;
  /** The mappings around the place, in order. */
  readonly pieces: readonly Piece[];
}

export interface Question {
  readonly entry: Entry;
  readonly answers: readonly Answer[];
  /** Which answer is right. */
  readonly right: number;
}

interface Range {
  readonly start: number;
  readonly end: number;
}

const MAX_ANSWERS = 4;
/** More mappings than this are no question for people. */
const MAX_PIECES = 12;
const PAGE_BYTES = 4096;

/** Null: the log is at its end, or the next call changes too much to be asked about. */
export function questionOf(store: Store): Question | null {
  const { index, after: now } = store.moment.value;
  const entry = store.entries.value[index];
  if (entry === undefined) return null;
  const next = store.foresee(entry.call);
  const call = rangeOf(entry);
  const range = placeOf(now, next, call);
  if (range === null) return null;
  const truth: Answer = {
    errno: failed(entry.outcome) ? entry.outcome : null,
    pieces: piecesIn(next, range),
  };
  if (truth.pieces.length > MAX_PIECES) return null;
  const before = piecesIn(now, range);
  const guesses = [
    ...wholes(before, truth, call),
    { errno: null, pieces: split(truth.pieces, [...before, call]) },
    { errno: null, pieces: before },
    { errno: null, pieces: joined(truth.pieces) },
    { errno: truth.errno === "ENOMEM" ? "EINVAL" : "ENOMEM", pieces: before },
  ];
  const answers = distinct([truth, ...guesses]).slice(0, MAX_ANSWERS);
  const turn = (index * 7 + 3) % answers.length;
  return {
    entry,
    answers: [...answers.slice(turn), ...answers.slice(0, turn)],
    right: (answers.length - turn) % answers.length,
  };
}

/** What the call is about: its own range, or where it was placed. */
function rangeOf({ call, outcome }: Entry): Range {
  const [address = 0, length = 0] = call.args.map(Number);
  const start = call.op === "mmap" && typeof outcome === "number" ? outcome : address;
  const bytes =
    call.op === "fault" || call.op === "brk" ? PAGE_BYTES : Math.max(PAGE_BYTES, length);
  return { start, end: start + Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES };
}

/** The range of all that changes, and one neighbour that touches it on either side. */
function placeOf(now: Rows, next: Rows, call: Range): Range | null {
  const { gone, fresh } = changesOf(now, next);
  let { start, end } = call;
  if (!Number.isFinite(start) || !Number.isFinite(end)) return null;
  for (const row of gone)
    [start, end] = [Math.min(start, now.start[row]!), Math.max(end, now.end[row]!)];
  for (const row of fresh)
    [start, end] = [Math.min(start, next.start[row]!), Math.max(end, next.end[row]!)];
  const below = rowAt(now, start - 1);
  const above = rowAt(now, end);
  return {
    start: below < 0 ? start : now.start[below]!,
    end: above < 0 ? end : now.end[above]!,
  };
}

function piecesIn(rows: Rows, { start, end }: Range): Piece[] {
  const pieces: Piece[] = [];
  for (let row = 0; row < rows.count; row++) {
    if (rows.end[row]! <= start || rows.start[row]! >= end) continue;
    pieces.push({
      start: rows.start[row]!,
      end: rows.end[row]!,
      perms: permsAt(rows, row),
      name: rows.nameOf(row),
    });
    if (pieces.length > MAX_PIECES) break;
  }
  return pieces;
}

/** As if a call on a part took the whole mapping. */
function wholes(before: readonly Piece[], truth: Answer, call: Range): Answer[] {
  const touched = before.filter(({ start, end }) => start < call.end && end > call.start);
  if (touched.length === 0) return [];
  const now = truth.pieces.find(({ start, end }) => start <= call.start && call.start < end);
  const pieces = before.flatMap((piece) => {
    if (!touched.includes(piece)) return [piece];
    return now === undefined ? [] : [{ ...piece, perms: now.perms }];
  });
  return [{ errno: null, pieces }];
}

/** The same pages, cut wherever something begins or ends. */
function split(pieces: readonly Piece[], ranges: readonly Range[]): Piece[] {
  const borders = ranges.flatMap(({ start, end }) => [start, end]).sort((a, b) => a - b);
  return pieces.flatMap((piece) => {
    const inside = borders.filter((border) => piece.start < border && border < piece.end);
    const ends = [...new Set(inside), piece.end];
    return ends.map((end, i) => ({ ...piece, start: i === 0 ? piece.start : ends[i - 1]!, end }));
  });
}

/** The same pages, with every two neighbours that look alike made one. */
function joined(pieces: readonly Piece[]): Piece[] {
  const out: Piece[] = [];
  for (const piece of pieces) {
    const last = out.at(-1);
    const alike =
      last?.end === piece.start && last.perms === piece.perms && last.name === piece.name;
    if (alike) out[out.length - 1] = { ...last, end: piece.end };
    else out.push(piece);
  }
  return out;
}

/** The first of those that say the same. */
function distinct(answers: readonly Answer[]): Answer[] {
  const seen = new Set<string>();
  return answers.filter((answer) => {
    const words = JSON.stringify(answer);
    const isNew = !seen.has(words);
    seen.add(words);
    return isNew;
  });
}
