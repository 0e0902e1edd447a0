// Offsets of the core's records, read from assembly/base/layout.ts, so that no number is
// written down twice: that file is AssemblyScript and cannot be imported here.

import { readFileSync } from "node:fs";

const text = readFileSync(new URL("../../assembly/base/layout.ts", import.meta.url), "utf8");

/** The value of a member of one of the layout's enums. */
function member(name: string, key: string): number {
  const body = new RegExp(`const enum ${name} \\{([^}]*)\\}`).exec(text)?.[1];
  const value = body && new RegExp(`\\b${key} = (\\d+)`).exec(body)?.[1];
  if (!value) throw new Error(`assembly/base/layout.ts has no ${name}.${key}`);
  return Number(value);
}

const members = <K extends string>(name: string, ...keys: K[]) =>
  Object.fromEntries(keys.map((key) => [key, member(name, key)])) as Record<K, number>;

export const VMA = members("Vma", "REFCNT", "MM", "START", "END", "FLAGS", "PGOFF", "ANON_VMA");
export const MM = members("Mm", "LOCK", "LOCK_SEQ");
export const SEAT = members("Seat", "VMA_HOLDS", "LOCK_HOLDS");
export const HOLD = members("Hold", "SLOTS", "LOCK_STRIDE");
