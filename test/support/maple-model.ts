// The slowest correct index: one entry a cell, a cell is what lies between two points.
//
// With points 0, 1, 2, ... a cell is a page. With points on both sides of the region
// borders and far apart elsewhere, a few hundred cells span whole regions, and the tree
// cannot tell. No tree in here, so no tree bug.

import type { Piece } from "./maple";

export class CellModel {
  readonly cells: Uint32Array;

  /** `points` rise from 0; the last one is the top of the space. */
  constructor(readonly points: readonly number[]) {
    this.cells = new Uint32Array(points.length - 1);
  }

  get top(): number {
    return this.points[this.points.length - 1]!;
  }

  store(from: number, to: number, entry: number): void {
    this.cells.fill(entry, from, to);
  }

  /** Runs of equal entries. Neighbouring stores of one entry look like one range. */
  pieces(): Piece[] {
    const all: Piece[] = [];
    for (let i = 0; i < this.cells.length; i++) {
      const last = all[all.length - 1];
      if (last && last.entry === this.cells[i]) last.end = this.points[i + 1]!;
      else all.push({ first: this.points[i]!, end: this.points[i + 1]!, entry: this.cells[i]! });
    }
    return all;
  }

  holes(low: number, high: number): { from: number; to: number }[] {
    return this.pieces()
      .filter((piece) => piece.entry === 0)
      .map(({ first, end }) => ({ from: Math.max(first, low), to: Math.min(end, high) }));
  }

  highest(low: number, high: number, size: number): number {
    const hole = this.holes(low, high).findLast(({ from, to }) => to - from >= size);
    return hole ? hole.to - size : -1;
  }

  lowest(low: number, high: number, size: number): number {
    const hole = this.holes(low, high).find(({ from, to }) => to - from >= size);
    return hole ? hole.from : -1;
  }

  find(page: number, limit: number): number {
    if (page >= limit) return 0;
    return this.pieces().find((p) => p.entry !== 0 && p.end > page && p.first < limit)?.entry ?? 0;
  }

  prev(page: number): number {
    return this.pieces().findLast((p) => p.entry !== 0 && p.first < page)?.entry ?? 0;
  }
}

/** Joins like neighbours, so that lists of ranges from two sources compare. */
export function joined(list: Piece[]): Piece[] {
  const all: Piece[] = [];
  for (const piece of list) {
    const last = all[all.length - 1];
    if (last && last.entry === piece.entry && last.end === piece.first) last.end = piece.end;
    else all.push({ ...piece });
  }
  return all;
}
