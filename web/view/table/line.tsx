// One line of the table: a mapping that is, or one that the last call took away.

import { permsAt, type Rows } from "../../app/rows.js";
import type { Moment } from "../../app/store.js";
import { address, bytes } from "../format.js";
import { kindOf } from "../kinds.js";
import { Plain } from "../plain.js";
import type { Item } from "./items.js";

const PAGE_BYTES = 4096;

/** What a line shows, as plain values. */
interface LineFields {
  /** -1: it is gone. */
  readonly row: number;
  /** Bytes; `[start, end)`. */
  readonly start: number;
  readonly end: number;
  readonly flags: number;
  readonly perms: string;
  /** Pages. */
  readonly pgoff: number;
  readonly name: string;
}

interface LineProps extends LineFields {
  readonly isSelected: boolean;
  readonly isFresh: boolean;
}

export function lineOf({ before, after }: Moment, item: Item): LineFields {
  const rows: Rows = item < 0 ? before : after;
  const row = item < 0 ? ~item : item;
  return {
    row: item < 0 ? -1 : row,
    start: rows.start[row]!,
    end: rows.end[row]!,
    flags: rows.flags[row]!,
    perms: permsAt(rows, row),
    pgoff: rows.pgoff[row]!,
    name: rows.nameOf(row),
  };
}

export class Line extends Plain<LineProps> {
  override render({ row, start, end, flags, perms, pgoff, name, isSelected, isFresh }: LineProps) {
    const isGone = row < 0;
    const isFile = name.startsWith("/");
    const mark = isGone ? "−" : isFresh ? "+" : "";
    const state = `${isSelected ? "is-selected" : ""} ${isFresh ? "is-fresh" : ""}`;
    return (
      <tr
        id={isGone ? undefined : `row-${row}`}
        class={`line ${isGone ? "is-gone" : state}`}
        aria-rowindex={isGone ? undefined : row + 1}
        aria-selected={isSelected}
        data-start={isGone ? undefined : start}
      >
        <td class="line-mark">
          {mark === "" ? null : <span aria-hidden="true">{mark}</span>}
          {mark === "" ? null : <span class="visually-hidden">{isGone ? "gone" : "new"}</span>}
        </td>
        <td class="line-range">
          {address(start)}-{address(end)}
        </td>
        <td class="line-perms">
          <i class={`swatch is-${kindOf(flags)}`} />
          {perms}
        </td>
        <td class="line-size">{bytes(end - start)}</td>
        <td class="line-offset" title={isFile ? "Offset in the file" : undefined}>
          {isFile ? `+${(pgoff * PAGE_BYTES).toString(16)}` : ""}
        </td>
        <td class="line-name" title={name}>
          {name === "" ? <span class="muted">anonymous</span> : name}
        </td>
      </tr>
    );
  }
}
