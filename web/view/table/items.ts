// The lines of the table: the rows of the moment, and where they were, those that are gone.

import type { Moment } from "../../app/store.js";

/** A row number of `after`, or `~row` of `before` for one that is gone. */
export type Item = number;

/** @param found the rows of `after` to show; null: all */
export function itemsOf({ before, after, changes }: Moment, found: number[] | null): Int32Array {
  if (found !== null) return Int32Array.from(found);
  const { gone } = changes;
  const items = new Int32Array(after.count + gone.length);
  let at = 0;
  let next = 0;
  for (let row = 0; row < after.count; row++) {
    while (next < gone.length && before.start[gone[next]!]! <= after.start[row]!) {
      items[at++] = ~gone[next++]!;
    }
    items[at++] = row;
  }
  while (next < gone.length) items[at++] = ~gone[next++]!;
  return items;
}

/**
 * The place of row `row` of `after` among the items; -1 if it is not shown.
 *
 * @param found as for itemsOf
 */
export function placeOf({ before, after, changes }: Moment, found: number[] | null, row: number) {
  if (row < 0) return -1;
  if (found !== null) return found.indexOf(row);
  const { gone } = changes;
  let ghosts = 0;
  while (ghosts < gone.length && before.start[gone[ghosts]!]! <= after.start[row]!) ghosts++;
  return row + ghosts;
}
