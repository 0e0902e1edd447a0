// One line of the table: a mapping that is, or one that the last call took away.

import { permsAt, type Rows } from "../../app/rows.js";
import type { Moment } from "../../app/store.js";
import { address, bytes } from "../format.js";
import { kindOf } from "../kinds.js";
import type { Item } from "./items.js";

const PAGE_BYTES = 4096;

interface LineProps {
  readonly moment: Moment;
  readonly item: Item;
  /** Class names. */
  readonly state: string;
}

export function Line({ moment, item, state }: LineProps) {
  const { before, after } = moment;
  const gone = item < 0;
  const rows: Rows = gone ? before : after;
  const row = gone ? ~item : item;
  const start = rows.start[row]!;
  const end = rows.end[row]!;
  const name = rows.nameOf(row);
  const isFile = name.startsWith("/");
  const mark = gone ? "−" : state.includes("is-fresh") ? "+" : "";
  return (
    <tr
      id={gone ? undefined : `row-${row}`}
      class={`line ${gone ? "is-gone" : state}`}
      aria-rowindex={gone ? undefined : row + 1}
      aria-selected={state.includes("is-selected")}
      data-start={gone ? undefined : start}
    >
      <td class="line-mark">
        {mark === "" ? null : <span aria-hidden="true">{mark}</span>}
        {mark === "" ? null : <span class="visually-hidden">{gone ? "gone" : "new"}</span>}
      </td>
      <td class="line-range">
        {address(start)}-{address(end)}
      </td>
      <td class="line-perms">
        <i class={`swatch is-${kindOf(rows.flags[row]!)}`} />
        {permsAt(rows, row)}
      </td>
      <td class="line-size">{bytes(end - start)}</td>
      <td class="line-offset" title={isFile ? "Offset in the file" : undefined}>
        {isFile ? `+${(rows.pgoff[row]! * PAGE_BYTES).toString(16)}` : ""}
      </td>
      <td class="line-name" title={name}>
        {name === "" ? <span class="muted">anonymous</span> : name}
      </td>
    </tr>
  );
}
