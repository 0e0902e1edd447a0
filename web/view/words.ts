// What is at an address, in words: for the readout and for screen readers.

import { gapAt, permsAt, rowAt } from "../app/rows.js";
import type { Store } from "../app/store.js";
import { address, bytes, plural } from "./format.js";
import { KINDS, kindOf } from "./kinds.js";

const PAGE_BYTES = 4096;

export interface Place {
  /** Null: nothing is mapped there. */
  readonly row: number | null;
  readonly start: number;
  readonly end: number;
  /** `rwxp`; "" in a gap. */
  readonly perms: string;
  readonly name: string;
  /** `64 KiB, 16 pages, writable, private`. */
  readonly facts: string;
}

export function placeAt(store: Store, at: number): Place {
  const { after } = store.moment.value;
  const row = rowAt(after, at);
  if (row < 0) {
    const { start, end } = gapAt(after, at, store.taskSize);
    return { row: null, start, end, perms: "", name: "not mapped", facts: sizeWords(end - start) };
  }
  const start = after.start[row]!;
  const end = after.end[row]!;
  const perms = permsAt(after, row);
  const shared = perms[3] === "s" ? "shared" : "private";
  const name = after.nameOf(row);
  const facts = `${sizeWords(end - start)}, ${KINDS[kindOf(after.flags[row]!)]}, ${shared}`;
  return { row, start, end, perms, name: name === "" ? "anonymous" : name, facts };
}

export function wordsOf(store: Store, at: number): string {
  const { start, end, perms, name, facts } = placeAt(store, at);
  return `${address(start)}-${address(end)} ${perms} ${name}, ${facts}`;
}

function sizeWords(size: number): string {
  return `${bytes(size)}, ${plural(size / PAGE_BYTES, "page")}`;
}
