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
  "REFCNT",
  "MM",
  "START",
  "END",
  "FLAGS",
  "PGOFF",
  "ANON_VMA",
);
export const MM = members(LAYOUT, "Mm", "LOCK", "LOCK_SEQ");
export const SEAT = members(LAYOUT, "Seat", "MAY_BLOCK", "VMA_HOLDS", "LOCK_HOLDS");
export const HOLD = members(LAYOUT, "Hold", "SLOTS", "LOCK_STRIDE");
export const RW_LOCK = members("sync/rwlock.ts", "RwLock", "OWNER", "WAITERS");
