// The table: the lines of /proc/PID/maps, one row each.
//
// One stop of the Tab key; the up and down keys walk through the rows.

import { type Mapping, mappingAt } from "../space/maps.js";
import { html, KeyedChildren, setText } from "./dom.js";
import type { Focus } from "./focus.js";
import { address, bytes } from "./format.js";
import { kindOf } from "./kinds.js";

const COLUMNS = ["range", "size", "perms", "offset", "dev", "inode", "name"] as const;

export class MapTable {
  readonly #body: HTMLTableSectionElement;
  readonly #focus: Focus;
  readonly #rows: KeyedChildren<HTMLTableRowElement>;
  #mappings: readonly Mapping[] = [];

  constructor(body: HTMLTableSectionElement, focus: Focus) {
    this.#body = body;
    this.#focus = focus;
    this.#rows = new KeyedChildren(body, makeRow);
    this.#listen();
    focus.listen(() => this.#mark());
  }

  show(mappings: readonly Mapping[]): void {
    this.#mappings = mappings;
    this.#rows.update(mappings.map(({ start }) => start));
    for (const mapping of mappings) this.#fill(mapping);
    this.#mark();
  }

  /** Brings the row of `at` into sight, moving nothing but the table's own frame. */
  reveal(at: number): void {
    const row = this.#rowAt(at);
    const frame = this.#body.closest<HTMLElement>(".table-frame");
    if (row === undefined || frame === null) return;
    const header = this.#body.parentElement?.querySelector("thead")?.clientHeight ?? 0;
    const top = row.offsetTop - header;
    const bottom = row.offsetTop + row.clientHeight;
    if (top < frame.scrollTop) frame.scrollTop = top;
    else if (bottom > frame.scrollTop + frame.clientHeight) {
      frame.scrollTop = bottom - frame.clientHeight;
    }
  }

  #fill(mapping: Mapping): void {
    const row = this.#rows.get(mapping.start);
    if (row === undefined) return;
    const { start, end, perms, offset, dev, inode, name } = mapping;
    const texts = [
      `${address(start)}-${address(end)}`,
      bytes(end - start),
      perms,
      offset,
      dev,
      inode,
      name,
    ];
    for (const [i, text] of texts.entries()) setText(row.cells[i] as HTMLTableCellElement, text);
    const kind = kindOf(perms);
    if (row.dataset["kind"] !== kind) row.dataset["kind"] = kind;
  }

  #mark(): void {
    const row = this.#focus.address === null ? undefined : this.#rowAt(this.#focus.address);
    const chosen = this.#focus.selected === null ? undefined : this.#rowAt(this.#focus.selected);
    const stop = chosen ?? this.#body.rows[0];
    for (const other of this.#body.rows) {
      other.classList.toggle("is-active", other === row);
      const index = other === stop ? 0 : -1;
      if (other.tabIndex !== index) other.tabIndex = index;
    }
  }

  #rowAt(at: number): HTMLTableRowElement | undefined {
    const mapping = mappingAt(this.#mappings, at);
    return mapping === null ? undefined : this.#rows.get(mapping.start);
  }

  #listen(): void {
    const body = this.#body;
    body.addEventListener("pointerover", (event) => this.#focus.hover(startOf(event)));
    body.addEventListener("pointerleave", () => this.#focus.hover(null));
    body.addEventListener("click", (event) => this.#focus.select(startOf(event)));
    body.addEventListener("focusin", (event) => this.#focus.select(startOf(event)));
    body.addEventListener("keydown", (event) => {
      const row = (event.target as Element).closest("tr");
      const next =
        event.key === "ArrowDown"
          ? row?.nextElementSibling
          : event.key === "ArrowUp"
            ? row?.previousElementSibling
            : event.key === "Home"
              ? body.firstElementChild
              : event.key === "End"
                ? body.lastElementChild
                : undefined;
      if (!(next instanceof HTMLElement)) return;
      event.preventDefault();
      next.focus();
    });
  }
}

function makeRow(start: number): HTMLTableRowElement {
  const row = html("tr");
  row.dataset["start"] = String(start);
  row.tabIndex = -1;
  row.append(...COLUMNS.map((column) => html("td", `column-${column}`)));
  return row;
}

function startOf(event: Event): number | null {
  const row = (event.target as Element).closest("tr");
  return row?.dataset["start"] === undefined ? null : Number(row.dataset["start"]);
}
