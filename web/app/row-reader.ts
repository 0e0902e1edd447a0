// Makes the rows of a moment: all of them, or those that calls since another moment may have
// changed, between copies of the others. A copy is fifty times as fast as reading.

import { MmStat } from "../../assembly/shared/abi.js";
import type { Core } from "../../src/core.js";
import type { MmWithUser } from "../../src/index.js";
import { MapsReader } from "../../src/maps-text.js";
import type { ArenaReader } from "./arena.js";
import { ColumnPool, type Columns, NARROW, WIDE } from "./columns.js";
import { firstAbove, type Rows } from "./rows.js";
import type { Touched } from "./touched.js";

const PAGE_BYTES = 4096;
/** With more spans for each row than this, reading all is faster. */
const SPANS_A_ROW = 1 / 32;

/** Rows `[first, last)` of the known moment, and what takes their place. */
interface Piece {
  first: number;
  last: number;
  /** Bytes; `[start, end)`. */
  start: number;
  end: number;
  /** How many VMAs are there now. */
  found: number;
}

export class RowReader {
  readonly #core: Core;
  readonly #arena: ArenaReader;
  readonly #mm: MmWithUser;
  readonly #names = [""];
  readonly #numbers = new Map([["", 0]]);
  /** What this reader made: names have other numbers in another one's rows. */
  readonly #made = new WeakSet<Rows>();
  readonly #pool = new ColumnPool();
  /** Addresses of the VMAs that {@link since} reads. */
  #found = new Uint32Array(1024);

  constructor(core: Core, arena: ArenaReader, mm: MmWithUser) {
    this.#core = core;
    this.#arena = arena;
    this.#mm = mm;
  }

  all(): Rows {
    const columns = this.#pool.take(this.#mm.stat().mapCount);
    this.#arena.collectVmas(columns.vma);
    this.#arena.readRows(columns);
    this.#nameRows(columns, 0, columns.count);
    let mappedBytes = 0;
    for (let row = 0; row < columns.count; row++) {
      mappedBytes += columns.end[row]! - columns.start[row]!;
    }
    return this.#rowsOf(columns, mappedBytes);
  }

  /** The rows now; outside of `touched` they are as in `known`. */
  since(known: Rows, touched: readonly Touched[]): Rows {
    const { mapCount, totalVm } = this.#mm.stat();
    if (!this.#made.has(known) || touched.length > mapCount * SPANS_A_ROW) return this.all();
    const pieces = piecesOf(known, touched);
    const change = this.#collect(pieces);
    if (known.count + change !== mapCount) return this.all();
    const columns = this.#pool.take(mapCount);
    for (const column of [...WIDE, ...NARROW]) copyAround(pieces, known[column], columns[column]);
    const grown = this.#fill(pieces, columns, known);
    // What was left out must be what the mm itself counts, or the spans were too narrow.
    if (known.mappedBytes + grown !== totalVm * PAGE_BYTES) return this.all();
    return this.#rowsOf(columns, known.mappedBytes + grown);
  }

  /** Nobody reads these rows any more: their memory is used for others. */
  release(rows: Rows): void {
    if (this.#made.delete(rows)) this.#pool.give(rows);
  }

  /** Finds the VMAs of each piece; by how many there are more than before. */
  #collect(pieces: readonly Piece[]): number {
    let at = 0;
    let change = 0;
    const capacity = this.#mm.stat().mapCount + 1;
    if (this.#found.length < capacity) this.#found = new Uint32Array(2 * capacity);
    for (const piece of pieces) {
      const next = this.#arena.collectVmas(this.#found, at, piece.start, piece.end);
      piece.found = next - at;
      change += piece.found - (piece.last - piece.first);
      at = next;
    }
    return change;
  }

  /** Reads the pieces into the room between the copies; by how many bytes more is mapped. */
  #fill(pieces: readonly Piece[], columns: Columns, known: Rows): number {
    let taken = 0;
    let shift = 0;
    let grown = 0;
    for (const { first, last, found } of pieces) {
      const from = first + shift;
      columns.vma.set(this.#found.subarray(taken, taken + found), from);
      this.#arena.readRows(columns, from, from + found);
      this.#nameRows(columns, from, from + found);
      for (let row = from; row < from + found; row++) {
        grown += columns.end[row]! - columns.start[row]!;
      }
      for (let row = first; row < last; row++) grown -= known.end[row]! - known.start[row]!;
      taken += found;
      shift += found - (last - first);
    }
    return grown;
  }

  #rowsOf(columns: Columns, mappedBytes: number): Rows {
    const names = this.#names;
    const { name } = columns;
    const rows = { ...columns, mappedBytes, nameOf: (row: number) => names[name[row]!]! };
    this.#made.add(rows);
    return rows;
  }

  #nameRows({ start, end, file, anonName, vma, name }: Columns, from: number, to: number): void {
    const { startBrk, brk } = this.#mm.stat();
    const stack = this.#core.x.mm_stat(this.#mm.asRaw(), MmStat.START_STACK);
    let reader: MapsReader | null = null;
    for (let row = from; row < to; row++) {
      const isHeap = start[row]! < brk && end[row]! > startBrk;
      const isStack = start[row]! <= stack && end[row]! >= stack;
      if (file[row] === 0 && anonName[row] === 0 && !isHeap && !isStack) name[row] = 0;
      else {
        reader ??= new MapsReader(this.#core, this.#mm.asRaw());
        name[row] = this.#numberOf(reader.snapshot(vma[row]!).name ?? "");
      }
    }
  }

  #numberOf(name: string): number {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.#names.push(name) - 1;
      this.#numbers.set(name, number);
    }
    return number;
  }
}

/** The rows that the spans touch or adjoin, ascending, no two of them overlapping. */
function piecesOf(known: Rows, touched: readonly Touched[]): Piece[] {
  const pieces: Piece[] = [];
  for (const span of [...touched].sort((a, b) => a.start - b.start)) {
    let first = firstAbove(known, span.start);
    while (first > 0 && known.end[first - 1]! >= span.start) first--;
    let last = first;
    while (last < known.count && known.start[last]! <= span.end) last++;
    const start = first < last ? Math.min(span.start, known.start[first]!) : span.start;
    const end = first < last ? Math.max(span.end, known.end[last - 1]!) : span.end;
    const before = pieces.at(-1);
    if (before !== undefined && first <= before.last) {
      before.last = Math.max(before.last, last);
      before.end = Math.max(before.end, end);
      before.start = Math.min(before.start, start);
    } else pieces.push({ first, last, start, end, found: 0 });
  }
  return pieces;
}

/** Copies what lies outside the pieces to where it stands now. */
function copyAround<Column extends Float64Array | Uint32Array>(
  pieces: readonly Piece[],
  known: Column,
  column: Column,
): void {
  let from = 0;
  let to = 0;
  for (const { first, last, found } of pieces) {
    column.set(known.subarray(from, first), to);
    to += first - from + found;
    from = last;
  }
  column.set(known.subarray(from), to);
}
