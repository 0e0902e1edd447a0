// The table: the lines of /proc/PID/maps. Only the lines in sight are in the document.
//
// One stop of the Tab key; arrows, Page Up and Down, Home and End walk through the rows.

import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { rowAt } from "../../app/rows.js";
import type { PaneProps } from "../../app/slots.js";
import type { Store } from "../../app/store.js";
import { count } from "../format.js";
import { SearchIcon } from "../icons.js";
import { wordsOf } from "../words.js";
import { itemsOf, placeOf } from "./items.js";
import { Line } from "./line.js";
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
  const scrollTop = useSignal(0);
  const height = useSignal(600);
  /** Where the frame really stands. */
  const scrolled = useRef(0);
  const body = useRef<HTMLTableElement>(null);
  const search = useComputed(() => parseSearch(query.value));
  const found = useComputed(() => findRows(store.moment.value.after, search.value));
  const items = useComputed(() => itemsOf(store.moment.value, found.value));

  // The place to scroll to is known before the lines are drawn: they are drawn once, there.
  const reveal = (row: number) => {
    const place = placeOf(store.moment.peek(), found.peek(), row);
    if (place < 0) return;
    const top = place * LINE_PX;
    const sight = height.peek() - LINE_PX; // the head stays
    if (top < scrollTop.peek()) scrollTop.value = top;
    else if (top + LINE_PX > scrollTop.peek() + sight) scrollTop.value = top + LINE_PX - sight;
  };
  useLayoutEffect(() => {
    const frame = body.current;
    if (frame !== null && scrolled.current !== scrollTop.value) frame.scrollTop = scrollTop.value;
    scrolled.current = scrollTop.value;
  });
  useSignalEffect(() => {
    const at = store.selected.value;
    if (at !== null) reveal(rowAt(store.moment.peek().after, at));
  });
  useSignalEffect(() => {
    const { fresh } = store.moment.value.changes;
    if (fresh.length > 0) {
      reveal(fresh.at(-1)!);
      reveal(fresh[0]!);
    }
  });
  useEffect(() => {
    const observer = new ResizeObserver(() => {
      height.value = body.current?.clientHeight ?? 0;
    });
    observer.observe(body.current!);
    return () => observer.disconnect();
  }, []);

  const first = Math.max(0, Math.floor(scrollTop.value / LINE_PX) - OVERSCAN);
  const last = Math.min(
    items.value.length,
    Math.ceil((scrollTop.value + height.value) / LINE_PX) + OVERSCAN,
  );
  // Lines that scroll out are used again for those that scroll in.
  const pool = Math.ceil(height.value / LINE_PX) + 2 * OVERSCAN + 1;
  const { after, changes } = store.moment.value;
  const selected = rowOf(store, store.selected.value);
  const fresh = new Set(changes.fresh.length > 5000 ? [] : changes.fresh);
  return (
    <section class="card table-card" aria-label="The map">
      <TableHead store={store} query={query} found={items.value.length} search={search.value} />
      <table
        ref={body}
        class="grid"
        data-shortcut="table"
        // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: rows are chosen by keys
        role="grid"
        tabIndex={0}
        aria-label="Mappings"
        aria-rowcount={after.count}
        aria-activedescendant={selected < 0 ? undefined : `row-${selected}`}
        onScroll={(event) => {
          scrolled.current = event.currentTarget.scrollTop;
          scrollTop.value = scrolled.current;
        }}
        onPointerOver={(event) => {
          store.hover.value = startOf(event);
        }}
        onPointerLeave={() => {
          store.hover.value = null;
        }}
        onClick={(event) => {
          store.select(startOf(event) ?? store.selected.value);
        }}
        onKeyDown={(event) => onKey(event, store, items.value, Math.floor(height.value / LINE_PX))}
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
            height: `${items.value.length * LINE_PX}px`,
            paddingTop: `${first * LINE_PX}px`,
          }}
        >
          {Array.from(items.value.subarray(first, last), (item, i) => (
            <Line
              key={(first + i) % pool}
              moment={store.moment.value}
              item={item}
              state={`${item === selected ? "is-selected" : ""} ${fresh.has(item) ? "is-fresh" : ""}`}
            />
          ))}
          <HoverBand store={store} found={found.value} />
        </tbody>
      </table>
      {items.value.length === 0 ? <p class="empty">{emptyWords(store, search.value)}</p> : null}
    </section>
  );
}

/** What is hovered anywhere, without drawing the lines again. */
function HoverBand({ store, found }: PaneProps & { readonly found: number[] | null }) {
  const place = placeOf(store.moment.value, found, rowOf(store, store.hover.value));
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
          placeholder="Address, name, rwx"
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

function onKey(event: KeyboardEvent, store: Store, items: Int32Array, page: number): void {
  const { after } = store.moment.value;
  const rows = items.filter((item) => item >= 0);
  if (rows.length === 0 || event.ctrlKey || event.metaKey) return;
  const at = rows.indexOf(rowOf(store, store.selected.value));
  const steps: Record<string, number> = {
    ArrowDown: at + 1,
    ArrowUp: at < 0 ? rows.length - 1 : at - 1,
    PageDown: at + page,
    PageUp: at - page,
    Home: 0,
    End: rows.length - 1,
  };
  const next = steps[event.key];
  if (next === undefined) return;
  event.preventDefault();
  const row = rows[Math.max(0, Math.min(rows.length - 1, next))]!;
  store.select(after.start[row]!);
}

/** Bytes: where the mapping of the line under an event starts. */
function startOf(event: Event): number | null {
  const line = (event.target as Element).closest<HTMLElement>("[data-start]");
  return line === null ? null : Number(line.dataset["start"]);
}

function rowOf(store: Store, address: number | null): number {
  return address === null ? -1 : rowAt(store.moment.value.after, address);
}
