// The lines of the table: the rows of the moment, and where they were, those that are gone.

import { firstAbove } from "../../app/rows.js";
import type { Moment } from "../../app/store.js";

/** A row number of `after`, or `~row` of `before` for one that is gone. */
export type Item = number;

/** The lines, which are not written down: there may be 65,530 of them. */
export interface Items {
  readonly count: number;
  /** The line at a place, counted from 0. */
  at(place: number): Item;
  /** The place of row `row` of `after`; -1 if it is not shown. */
  placeOf(row: number): number;
}

/** @param found the rows of `after` to show; null: all, and those that are gone */
export function itemsOf({ before, after, changes }: Moment, found: number[] | null): Items {
  if (found !== null) {
    return {
      count: found.length,
      at: (place) => found[place]!,
      placeOf: (row) => found.indexOf(row),
    };
  }
  // Each row that is gone stands before the first one that starts above it.
  const ghosts = changes.gone.map((row, i) => ({
    row,
    place: firstAbove(after, before.start[row]! - 1) + i,
  }));
  /** How many of them stand before a place. */
  const ghostsBefore = (isBefore: (i: number) => boolean) => {
    let low = 0;
    let high = ghosts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(middle)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    count: after.count + ghosts.length,
    at(place) {
      const n = ghostsBefore((i) => ghosts[i]!.place < place);
      const ghost = ghosts[n];
      return ghost?.place === place ? ~ghost.row : place - n;
    },
    placeOf(row) {
      if (row < 0) return -1;
      return row + ghostsBefore((i) => ghosts[i]!.place - i <= row);
    },
  };
}
