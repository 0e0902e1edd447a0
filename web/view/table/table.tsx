// The table: the lines of /proc/PID/maps. Only the lines in sight are in the document.
//
// One stop of the Tab key; arrows, Page Up and Down, Home and End walk through the rows.

import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { rowAt } from "../../app/rows.js";
import type { PaneProps } from "../../app/slots.js";
import type { Store } from "../../app/store.js";
import { count } from "../format.js";
import { SearchIcon } from "../icons.js";
import { useLines } from "../lines.js";
import { wordsOf } from "../words.js";
import { type Items, itemsOf } from "./items.js";
import { Line, lineOf } from "./line.js";
import { findRows, parseSearch } from "./search.js";
import "./table.css";

const LINE_PX = 26;
const OVERSCAN = 6;
const COLUMNS = [
  ["mark", ""],
  ["range", "Range"],
  ["perms", "Perms"],
  ["size", "Size"],
  ["offset", "Offset"],
  ["name", "Name"],
] as const;

export function Table({ store }: PaneProps) {
  const query = useSignal("");
  const lines = useLines<HTMLTableElement>({
    linePx: LINE_PX,
    headPx: LINE_PX,
    overscan: OVERSCAN,
  });
  const search = useComputed(() => parseSearch(query.value));
  const found = useComputed(() => findRows(store.settled.value.after, search.value));
  const items = useComputed(() => itemsOf(store.settled.value, found.value));

  const reveal = (row: number) => {
    const place = items.peek().placeOf(row);
    if (place >= 0) lines.reveal(place);
  };
  useSignalEffect(() => {
    const at = store.selected.value;
    if (at !== null) reveal(rowAt(store.settled.peek().after, at));
  });
  useSignalEffect(() => {
    const { fresh } = store.settled.value.changes;
    if (fresh.length > 0) {
      reveal(fresh.at(-1)!);
      reveal(fresh[0]!);
    }
  });
  const { first, last } = lines.range(items.value.count);
  // Lines that scroll out are used again for those that scroll in.
  const pool = Math.ceil(lines.height.value / LINE_PX) + 2 * OVERSCAN + 1;
  const { after, changes } = store.settled.value;
  const selected = rowOf(store, store.selected.value);
  const fresh = new Set(changes.fresh.length > 5000 ? [] : changes.fresh);
  return (
    <section class="card table-card" aria-label="The map">
      <TableHead store={store} query={query} found={items.value.count} search={search.value} />
      <table
        ref={lines.frame}
        class="grid"
        data-shortcut="table"
        // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: rows are chosen by keys
        role="grid"
        tabIndex={0}
        aria-label="Mappings"
        aria-rowcount={after.count}
        aria-activedescendant={selected < 0 ? undefined : `row-${selected}`}
        onScroll={lines.onScroll}
        onPointerOver={(event) => {
          store.hover.value = startOf(event);
        }}
        onPointerLeave={() => {
          store.hover.value = null;
        }}
        onClick={(event) => {
          store.select(startOf(event) ?? store.selected.value);
        }}
        onKeyDown={(event) =>
          onKey(event, store, found.value, Math.floor(lines.height.value / LINE_PX))
        }
      >
        <thead class="grid-head">
          <tr>
            {COLUMNS.map(([name, title]) => (
              <th key={name} scope="col" class={`line-${name}`}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody
          class="grid-space"
          style={{
            height: `${items.value.count * LINE_PX}px`,
            paddingTop: `${first * LINE_PX}px`,
          }}
        >
          {Array.from({ length: last - first }, (_, i) => {
            const item = items.value.at(first + i);
            return (
              <Line
                key={(first + i) % pool}
                {...lineOf(store.settled.value, item)}
                isSelected={item === selected}
                isFresh={fresh.has(item)}
              />
            );
          })}
          <HoverBand store={store} items={items.value} />
        </tbody>
      </table>
      {items.value.count === 0 ? <p class="empty">{emptyWords(store, search.value)}</p> : null}
    </section>
  );
}

/** What is hovered anywhere, without drawing the lines again. */
function HoverBand({ store, items }: PaneProps & { readonly items: Items }) {
  const place = items.placeOf(rowOf(store, store.hover.value));
  if (place < 0) return null;
  return <tr class="hover-band" style={{ top: `${place * LINE_PX}px` }} />;
}

interface TableHeadProps extends PaneProps {
  readonly query: { value: string };
  readonly search: ReturnType<typeof parseSearch>;
  readonly found: number;
}

function TableHead({ store, query, search, found }: TableHeadProps) {
  return (
    <div class="card-head">
      <h2>Map</h2>
      <span class="muted">/proc/PID/maps</span>
      <span class="spacer" />
      <span class="muted number" role="status">
        {search.kind === "all" ? "" : `${count(found)} found`}
      </span>
      <label class="search">
        <SearchIcon />
        <span class="visually-hidden">Search by address, name or permissions</span>
        <input
          class="field"
          type="search"
          data-shortcut="search"
          placeholder="0x7f…, libc, rw"
          spellcheck={false}
          autocomplete="off"
          value={query.value}
          onInput={(event) => {
            query.value = event.currentTarget.value;
            const { kind, ...rest } = parseSearch(query.value);
            if (kind === "address" && "address" in rest) store.select(rest.address);
          }}
        />
      </label>
    </div>
  );
}

function emptyWords(store: Store, search: ReturnType<typeof parseSearch>): string {
  if (search.kind === "address") return wordsOf(store, search.address);
  return search.kind === "all" ? "Nothing is mapped." : "No mapping is like that.";
}

function onKey(
  event: KeyboardEvent,
  store: Store,
  found: readonly number[] | null,
  page: number,
): void {
  const { after } = store.settled.value;
  const count = found?.length ?? after.count;
  if (count === 0 || event.ctrlKey || event.metaKey) return;
  const row = rowOf(store, store.selected.value);
  const at = found?.indexOf(row) ?? row;
  const steps: Record<string, number> = {
    ArrowDown: at + 1,
    ArrowUp: at < 0 ? count - 1 : at - 1,
    PageDown: at + page,
    PageUp: at - page,
    Home: 0,
    End: count - 1,
  };
  const next = steps[event.key];
  if (next === undefined) return;
  event.preventDefault();
  const place = Math.max(0, Math.min(count - 1, next));
  store.select(after.start[found?.[place] ?? place]!);
}

/** Bytes: where the mapping of the line under an event starts. */
function startOf(event: Event): number | null {
  const line = (event.target as Element).closest<HTMLElement>("[data-start]");
  return line === null ? null : Number(line.dataset["start"]);
}

function rowOf(store: Store, address: number | null): number {
  return address === null ? -1 : rowAt(store.settled.value.after, address);
}
