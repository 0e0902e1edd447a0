// Questions to the entries of a maps file: what is here, what is free, what changed,
// how much of what. Pure; entries are ascending and apart, as the reader gives them.

import type { Address } from "../address.js";
import type { MapsEntry } from "./maps-line.js";
import { quantity } from "./ndjson.js";

export interface Gap {
  readonly start: Address;
  readonly end: Address;
}

export type MapsKind =
  | "anonymous"
  | "named anonymous"
  | "heap"
  | "stack"
  | "file"
  | "shared memory"
  | "kernel";

/** Bytes of a range. */
export function sizeOf({ start, end }: Gap): number {
  return typeof start === "number" && typeof end === "number"
    ? end - start
    : Number(BigInt(end) - BigInt(start));
}

/** The entry that holds the byte at `address`; null in a gap. */
export function findEntry(entries: readonly MapsEntry[], address: Address): MapsEntry | null {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries[middle]!.start <= address) low = middle + 1;
    else high = middle;
  }
  const entry = entries[low - 1];
  return entry !== undefined && address < entry.end ? entry : null;
}

/** Where the kernel's half begins: nothing there is free to a process. */
const KERNEL_HALF = 2n ** 63n;

/** What lies free between `from` (the first entry) and `to` (the last one below 2^63). */
export function* gaps(
  entries: readonly MapsEntry[],
  from: Address = entries[0]?.start ?? 0,
  to: Address = entries.findLast(({ end }) => end <= KERNEL_HALF)?.end ?? from,
): Generator<Gap> {
  let at = from;
  for (const { start, end } of entries) {
    if (start >= to) break;
    if (start > at) yield { start: at, end: start };
    if (end > at) at = end;
  }
  if (at < to) yield { start: at, end: to };
}

const SHARED_MEMORY = /^(\/(dev\/zero|dev\/shm\/|memfd:|SYSV|anon_hugepage)|\[anon_shmem:)/;
const BRACKETS: Readonly<Record<string, MapsKind>> = {
  heap: "heap",
  stack: "stack",
  anon: "named anonymous",
};

/** What a line is, by its name. */
export function kindOf({ name }: MapsEntry): MapsKind {
  if (name === "") return "anonymous";
  if (SHARED_MEMORY.test(name)) return "shared memory";
  const [, word] = /^\[(\w+)/.exec(name) ?? [];
  return word === undefined ? "file" : (BRACKETS[word] ?? "kernel");
}

export interface MapsPath {
  /** What the name most likely stands for. */
  readonly path: string;
  /** The name ends with ` (deleted)`. */
  readonly deleted: boolean;
  /**
   * Every path that is written so, the likeliest first. The kernel writes a newline as `\012`
   * but leaves a backslash alone, and marks an unlinked file by ` (deleted)`, which a name may
   * end with as well: the text alone cannot tell.
   */
  readonly candidates: readonly string[];
}

const DELETED = " (deleted)";

/** The file behind a name; null if it is no path. */
export function pathOf({ name }: Pick<MapsEntry, "name">): MapsPath | null {
  if (name === "" || name.startsWith("[")) return null;
  const deleted = name.endsWith(DELETED);
  const texts = deleted ? [name.slice(0, -DELETED.length), name] : [name];
  const all = texts.flatMap((text) => [text.replaceAll("\\012", "\n"), text]);
  const candidates = [...new Set(all)];
  return { path: candidates[0]!, deleted, candidates };
}

/** The name of a path in maps: what the kernel escapes, escaped. */
export function nameOfPath(path: string, deleted = false): string {
  return path.replaceAll("\n", "\\012") + (deleted ? DELETED : "");
}

export interface MapsTotal {
  count: number;
  bytes: number;
  /** smaps: the sums of its fields, kB. */
  readonly fields: Record<string, number>;
}

/** Sums by kind, by name or by permissions, in the order of their first entry. */
export function totals(
  entries: Iterable<MapsEntry>,
  by: "kind" | "path" | "perms",
): Map<string, MapsTotal> {
  const sums = new Map<string, MapsTotal>();
  for (const entry of entries) {
    const key = by === "kind" ? kindOf(entry) : by === "path" ? entry.name : entry.perms;
    const sum = sums.get(key) ?? { count: 0, bytes: 0, fields: {} };
    sums.set(key, sum);
    sum.count++;
    sum.bytes += sizeOf(entry);
    for (const [label, value] of Object.entries(entry.fields ?? {})) {
      if (typeof value === "number") sum.fields[label] = (sum.fields[label] ?? 0) + value;
    }
  }
  return sums;
}

export interface MapsDiff {
  readonly removed: readonly MapsEntry[];
  readonly added: readonly MapsEntry[];
  /** The same start, anything else different. */
  readonly changed: ReadonlyArray<readonly [before: MapsEntry, after: MapsEntry]>;
}

/** What `after` has otherwise than `before`; fields of smaps are not compared. */
export function diffMaps(before: readonly MapsEntry[], after: readonly MapsEntry[]): MapsDiff {
  const old = new Map(before.map((entry) => [entry.start, entry]));
  const added: MapsEntry[] = [];
  const changed: [MapsEntry, MapsEntry][] = [];
  for (const entry of after) {
    const was = old.get(entry.start);
    if (was === undefined) added.push(entry);
    else if (!sameEntry(was, entry)) changed.push([was, entry]);
    old.delete(entry.start);
  }
  return { removed: [...old.values()], added, changed };
}

export function sameEntry(a: MapsEntry, b: MapsEntry): boolean {
  return (
    a.start === b.start &&
    a.end === b.end &&
    a.perms === b.perms &&
    a.offset === b.offset &&
    a.major === b.major &&
    a.minor === b.minor &&
    a.inode === b.inode &&
    a.name === b.name
  );
}

/** How far into the file behind an entry `address` lies. */
export function fileOffset({ start, offset }: MapsEntry, address: Address): Address {
  return quantity(BigInt(address) - BigInt(start) + BigInt(offset));
}
