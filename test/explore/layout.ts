// Offsets of the core's records, read from its sources, so that no number is written down
// twice: those files are AssemblyScript and cannot be imported here.

import { readFileSync } from "node:fs";

const CORE = new URL("../../assembly/", import.meta.url);

/** Members of one of the core's enums: K is which. */
function members<K extends string>(file: string, name: string, ...keys: K[]) {
  const text = readFileSync(new URL(file, CORE), "utf8");
  const body = new RegExp(`const enum ${name} \\{([^}]*)\\}`).exec(text)?.[1] ?? "";
  const entries = keys.map((key) => {
    const value = new RegExp(`\\b${key} = (\\d+)`).exec(body)?.[1];
    if (!value) throw new Error(`assembly/${file} has no ${name}.${key}`);
    return [key, Number(value)];
  });
  return Object.fromEntries(entries) as Record<K, number>;
}

const LAYOUT = "base/layout.ts";
export const VMA = members(
  LAYOUT,
  "Vma",
  "LIFE",
  "MM",
  "START",
  "END",
  "FLAGS",
  "PGOFF",
  "ANON_VMA",
);
export const MM = members(LAYOUT, "Mm", "LOCK", "LOCK_SEQ");
export const SEAT = members(
  LAYOUT,
  "Seat",
  "MAY_BLOCK",
  "GENERATION",
  "VMA_HOLDS",
  "LOCK_HOLDS",
  "MAGAZINES",
  "LEDGER",
  "SIZE",
);
export const HOLD = members(LAYOUT, "Hold", "SLOTS", "LOCK_STRIDE");
export const RW_LOCK = members("sync/rwlock.ts", "RwLock", "OWNER", "WAITED");
export const MAGAZINE = members(LAYOUT, "Magazine", "SIZE");
const node = members(LAYOUT, "Node", "LEAF_SIZE", "INNER_SIZE", "LINK");
const log = members(LAYOUT, "Log", "BYTES", "NEXT");
const ledger = members(LAYOUT, "Ledger", "SIZE", "NEXT", "NUMBER");
export const LEDGER = ledger;
const name = members(LAYOUT, "Name", "SIZE", "NEXT");
const record = (of: string) => {
  const { SIZE, LINK } = members(LAYOUT, of, "SIZE", "LINK");
  return { size: SIZE, link: LINK };
};
const TABLE_BYTES = members(LAYOUT, "Region", "TABLE_MAX").TABLE_MAX * 4;

/** By SlabKind: bytes of an object, and where its link is while it is free. */
export const SLABS = [
  { size: node.LEAF_SIZE, link: node.LINK },
  { size: node.INNER_SIZE, link: node.LINK },
  record("Vma"),
  record("Mm"),
  record("File"),
  { size: name.SIZE, link: name.NEXT },
  { size: TABLE_BYTES, link: TABLE_BYTES - 4 },
  { size: log.BYTES, link: log.NEXT },
  record("Page"),
  { size: ledger.SIZE, link: ledger.NEXT },
  record("Flight"),
];
