// whyApart: why two neighbours are two, in words.
//
// The core decides (vma_explain, the same function that every merge asks); here its bits
// become sentences. Context: the mmap lock. Floor: S2. Imports: core, file, flags, maps-text.

import { hex } from "./address.js";
import type { Core } from "./core.js";
import { readFileInfo } from "./file.js";
import { VmFlags } from "./flags.js";
import { flagCodes } from "./formats/vmflags.js";
import { MapsReader, type VmaSnapshot } from "./maps-text.js";

/** What can keep two VMAs apart. */
export type ApartField = "gap" | "flags" | "special" | "file" | "pgoff" | "anon_vma" | "anon_name";

/** One field that keeps two VMAs apart. */
export interface ApartReason {
  readonly field: ApartField;
  /** A sentence with the values of both sides. */
  readonly text: string;
}

/** Two VMAs that follow each other, and what keeps them apart. */
export interface Explanation {
  readonly left: VmaSnapshot;
  readonly right: VmaSnapshot;
  /**
   * True if no field keeps them apart: they are two only because no call has touched the
   * line between them since they became alike (a merge is tried only for the range being changed).
   */
  readonly mergeable: boolean;
  readonly reasons: readonly ApartReason[];
}

/** What the sentences are made of. */
interface Pair {
  readonly left: VmaSnapshot;
  readonly right: VmaSnapshot;
  readonly core: Core;
  readonly pageSize: number;
}

/** Apart bits of assembly/ops/merge.ts, in the order in which they are told. */
const REASONS: readonly (readonly [
  bit: number,
  field: ApartField,
  text: (pair: Pair) => string,
])[] = [
  [1, "gap", ({ left, right }) => `not adjacent: ${right.start - left.end} bytes lie between them`],
  [2, "flags", flagsText],
  [4, "special", specialText],
  [8, "file", fileText],
  [16, "pgoff", pgoffText],
  [32, "anon_vma", anonVmaText],
  [64, "anon_name", nameText],
];

const SPECIAL = VmFlags.IO + VmFlags.DONTEXPAND + VmFlags.PFNMAP + VmFlags.MIXEDMAP;
/** R-MERGE-11: may differ. */
const STICKY = VmFlags.SOFTDIRTY + VmFlags.MAYBE_GUARD;

/** Null: no VMA at `address`, or none after it. */
export function explain(core: Core, mm: number, address: number): Explanation | null {
  const bits = core.x.vma_explain(mm, address);
  if (bits < 0) return null;
  const reader = new MapsReader(core, mm);
  const left = reader.snapshot(core.x.vma_lookup(mm, address) >>> 0);
  const right = reader.snapshot(core.x.find_vma(mm, left.end) >>> 0);
  const pair = { left, right, core, pageSize: reader.pageSize };
  const reasons = REASONS.filter(([bit]) => (bits & bit) !== 0).map(([, field, text]) => ({
    field,
    text: text(pair),
  }));
  return { left, right, mergeable: bits === 0, reasons };
}

/** Codes of the bits of `mask` that are in `flags` and not in `other`. Bigints: the words have 43 bits. */
function codes(flags: number, mask: bigint, other = 0): string {
  return flagCodes(Number(BigInt(flags) & mask & ~BigInt(other))).join(" ");
}

function sides(verb: string, left: string, right: string): string {
  const has = [
    ["left", left],
    ["right", right],
  ].filter(([, what]) => what !== "");
  return has.map(([side, what]) => `${side} ${verb} ${what}`).join(", ");
}

function flagsText({ left, right }: Pair): string {
  const matters = ~BigInt(STICKY);
  const [a, b] = [codes(left.flags, matters, right.flags), codes(right.flags, matters, left.flags)];
  return `flags differ: ${sides("has", a, b)}`;
}

function specialText({ left, right }: Pair): string {
  const special = BigInt(SPECIAL);
  return `special mappings never merge: ${sides("has", codes(left.flags, special), codes(right.flags, special))}`;
}

/** Device, inode and name of a VMA's file. */
function identity(core: Core, vma: VmaSnapshot): string {
  if (vma.file === 0) return "no file";
  const { name, major, minor, inode } = readFileInfo(core, vma.file);
  return `${name === "" ? "a file without a name" : name} (${hex(major, 2)}:${hex(minor, 2)} ${inode})`;
}

function fileText({ left, right, core }: Pair): string {
  const [a, b] = [identity(core, left), identity(core, right)];
  if (a === b) return `files differ: ${a} was opened twice, each open file is its own`;
  return `files differ: ${sides("maps", a, b)}`;
}

function pgoffText({ left, right, pageSize }: Pair): string {
  const ends = left.pgoff + (left.end - left.start) / pageSize;
  return `offsets do not continue: left ends before page 0x${hex(ends)}, right begins at page 0x${hex(right.pgoff)}`;
}

function anonVmaText({ left, right }: Pair): string {
  if (left.anonVma !== 0 && right.anonVma !== 0)
    return "anon_vmas differ: both sides were written to while they could not share one";
  const side = left.anonVma !== 0 ? "left" : "right";
  return `anon_vmas differ: ${side} has one that came with fork, the other side was not written to`;
}

function nameText({ left, right }: Pair): string {
  return `names differ: ${sides("is", left.name ?? "without a name", right.name ?? "without a name")}`;
}
