// Why: what keeps the chosen mapping and its neighbours apart, field by field.

import type { Explanation } from "../../src/why.js";
import { permsAt, rowAt } from "../app/rows.js";
import type { PaneProps } from "../app/slots.js";
import type { Store } from "../app/store.js";
import { baseName } from "../command/names.js";
import { sentenceOf } from "./sentence.js";
import { spellReason } from "./words.js";
import "./pane.css";

export function WhyPane({ store }: PaneProps) {
  const moment = store.moment.value;
  const { after, changes } = moment;
  const chosen = store.selected.value;
  const fresh = changes.fresh[0];
  const row = chosen !== null ? rowAt(after, chosen) : (fresh ?? -1);
  const { text, page } = sentenceOf(moment, store.machine);
  return (
    <div class="why">
      <section>
        <h3>The last call</h3>
        <p>
          {text} {page === null ? null : <span class="chip">{page}</span>}
        </p>
      </section>
      {row < 0 ? (
        <p class="muted">
          Choose a mapping in the bar, the table or the tree: here stands what keeps it and its
          neighbours apart.
        </p>
      ) : (
        <>
          <section>
            <h3>{chosen === null ? "What it made" : "The chosen mapping"}</h3>
            <p class="mono why-vma">
              {hex(after.start[row])}-{hex(after.end[row])} {permsAt(after, row)}{" "}
              {nameOf(after.nameOf(row))}
            </p>
          </section>
          <Border store={store} left={row - 1} title="Below it" />
          <Border store={store} left={row} title="Above it" />
        </>
      )}
    </div>
  );
}

interface BorderProps {
  readonly store: Store;
  /** The row below the border. */
  readonly left: number;
  readonly title: string;
}

function Border({ store, left, title }: BorderProps) {
  const { after } = store.moment.value;
  if (left < 0 || left + 1 >= after.count) {
    return (
      <section>
        <h3>{title}</h3>
        <p class="muted">There is no other mapping.</p>
      </section>
    );
  }
  const other = title === "Below it" ? left : left + 1;
  const explanation = store.machine.whyApart(after.start[left] as number);
  return (
    <section>
      <h3>
        {title}: <span class="mono">{nameOf(after.nameOf(other))}</span>
      </h3>
      {explanation === null ? null : <Reasons explanation={explanation} />}
    </section>
  );
}

function Reasons({ explanation: { mergeable, reasons } }: { readonly explanation: Explanation }) {
  if (mergeable) {
    return (
      <p>
        Nothing keeps them apart: a merge is tried only for the range that a call changes, and none
        has touched this border since they became alike.
      </p>
    );
  }
  return (
    <ul class="why-reasons">
      {reasons.map(({ field, text }) => (
        <li key={field}>
          <span class="chip">{field}</span> {spellReason(text)}
        </li>
      ))}
    </ul>
  );
}

function nameOf(name: string): string {
  return name === "" ? "anonymous" : baseName(name);
}

function hex(value: number | undefined): string {
  return (value ?? 0).toString(16);
}
