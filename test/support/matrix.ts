// The support matrix: every memory call with every flag by itself, on a fresh space.
//
// A row is one question, asked of four kinds of mapping. test/support/matrix-linux.c asks
// Linux the same from the same lines; what it answered is matrix-linux.json.

import { Madvise, MapFlags, MremapFlags, MsyncFlags, Prot } from "../../src/flags.js";

/** Columns: the mapping that is made, or that the call acts on (4 pages, read-write, at BASE). */
export const KINDS = [
  "private anonymous",
  "shared anonymous",
  "private file",
  "shared file",
] as const;

export interface Row {
  readonly call: string;
  /** The flag by name; empty for a call without any. */
  readonly flag: string;
  /** The word that goes in as flags, prot or advice. */
  readonly word: number;
  /** mmap: takes the place of the column's map type. */
  readonly type?: number;
  /** A {@link Mode}. */
  readonly mode?: number;
  /** Columns for which the row has a meaning; all if left out. */
  readonly kinds?: readonly number[];
  /** The space lacks names (the recording kernel has no CONFIG_ANON_VMA_NAME). */
  readonly vmaNames?: false;
}

/** The place is taken; mremap: more pages, a new address, no old pages; mmap: PROT + prot. */
export const Mode = { PLAIN: 0, TAKEN: 1, GROW: 2, MOVE_TO: 3, DUPLICATE: 4, PROT: 100 } as const;

const UNKNOWN_MAP = 0x200000;
const PRIVATE_KINDS = [0, 2];
const SHARED_KINDS = [1, 3];

type Named = readonly [name: string, word: number];

function named(flags: Readonly<Record<string, number>>, ...left: string[]): Named[] {
  return Object.entries(flags).filter(([name]) => !left.includes(name));
}

const TYPES: readonly Row[] = [
  { call: "mmap", flag: "PRIVATE", word: 0, type: MapFlags.PRIVATE, kinds: PRIVATE_KINDS },
  { call: "mmap", flag: "SHARED", word: 0, type: MapFlags.SHARED, kinds: SHARED_KINDS },
  { call: "mmap", flag: "SHARED_VALIDATE", word: 0, type: 3, kinds: SHARED_KINDS },
  { call: "mmap", flag: "DROPPABLE", word: 0, type: MapFlags.DROPPABLE, kinds: PRIVATE_KINDS },
  { call: "mmap", flag: "no map type", word: 0, type: 0, kinds: PRIVATE_KINDS },
  { call: "mmap", flag: "unknown map type (4)", word: 0, type: 4, kinds: PRIVATE_KINDS },
];

const MMAP: readonly Row[] = [
  ...named(
    MapFlags,
    "SHARED",
    "PRIVATE",
    "SHARED_VALIDATE",
    "DROPPABLE",
    "ANONYMOUS",
    "HUGE_SHIFT",
  ).map(([flag, word]) => ({ call: "mmap", flag, word })),
  { call: "mmap", flag: "FIXED, taken", word: MapFlags.FIXED, mode: Mode.TAKEN },
  {
    call: "mmap",
    flag: "FIXED_NOREPLACE, taken",
    word: MapFlags.FIXED_NOREPLACE,
    mode: Mode.TAKEN,
  },
  { call: "mmap", flag: "HUGETLB, NORESERVE", word: MapFlags.HUGETLB | MapFlags.NORESERVE },
  { call: "mmap", flag: "HUGETLB of 16 KiB", word: MapFlags.HUGETLB | (14 << MapFlags.HUGE_SHIFT) },
  { call: "mmap", flag: "unknown (0x200000)", word: UNKNOWN_MAP },
  { call: "mmap", flag: "SHARED_VALIDATE, SYNC", word: MapFlags.SYNC, type: 3, kinds: [3] },
  {
    call: "mmap",
    flag: "SHARED_VALIDATE, unknown (0x200000)",
    word: UNKNOWN_MAP,
    type: 3,
    kinds: [3],
  },
];

const PROTS: readonly Named[] = [
  ...named(Prot).map(([name, word]): Named => [`PROT_${name}`, word]),
  ["unknown prot (0x10)", 0x10],
];
const ADVICES: readonly Named[] = [...named(Madvise), ["unknown (999)", 999]];

/** Every row, in the order of the table. */
export const ROWS: readonly Row[] = [
  ...TYPES,
  ...MMAP,
  ...PROTS.map(([flag, prot]) => ({ call: "mmap", flag, word: 0, mode: Mode.PROT + prot })),
  { call: "munmap", flag: "", word: 0 },
  ...PROTS.map(([flag, word]) => ({ call: "mprotect", flag, word })),
  { call: "mremap", flag: "none, larger", word: 0, mode: Mode.GROW },
  { call: "mremap", flag: "MAYMOVE", word: MremapFlags.MAYMOVE },
  {
    call: "mremap",
    flag: "MAYMOVE, old length 0",
    word: MremapFlags.MAYMOVE,
    mode: Mode.DUPLICATE,
  },
  { call: "mremap", flag: "FIXED", word: MremapFlags.FIXED, mode: Mode.MOVE_TO },
  { call: "mremap", flag: "FIXED, MAYMOVE", word: 3, mode: Mode.MOVE_TO },
  { call: "mremap", flag: "DONTUNMAP", word: MremapFlags.DONTUNMAP },
  { call: "mremap", flag: "DONTUNMAP, MAYMOVE", word: 5 },
  { call: "mremap", flag: "unknown (8)", word: 8 },
  { call: "brk", flag: "", word: 0 },
  ...ADVICES.map(([flag, word]) => ({ call: "madvise", flag, word })),
  { call: "mlock", flag: "", word: 0 },
  { call: "mlock2", flag: "ONFAULT", word: 1 },
  { call: "mlock2", flag: "unknown (2)", word: 2 },
  { call: "munlock", flag: "", word: 0 },
  { call: "mlockall", flag: "none", word: 0 },
  { call: "mlockall", flag: "CURRENT", word: 1 },
  { call: "mlockall", flag: "FUTURE", word: 2 },
  { call: "mlockall", flag: "ONFAULT", word: 4 },
  { call: "mlockall", flag: "ONFAULT, CURRENT", word: 5 },
  { call: "mlockall", flag: "unknown (8)", word: 8 },
  { call: "munlockall", flag: "", word: 0 },
  { call: "msync", flag: "none", word: 0 },
  ...named(MsyncFlags).map(([flag, word]) => ({ call: "msync", flag, word })),
  { call: "msync", flag: "ASYNC, SYNC", word: MsyncFlags.ASYNC | MsyncFlags.SYNC },
  { call: "msync", flag: "unknown (8)", word: 8 },
  { call: "mincore", flag: "", word: 0 },
  { call: "mseal", flag: "none", word: 0 },
  { call: "mseal", flag: "unknown (1)", word: 1 },
  { call: "PR_SET_VMA_ANON_NAME", flag: "vmaNames: true", word: 0 },
  { call: "PR_SET_VMA_ANON_NAME", flag: "vmaNames: false", word: 0, vmaNames: false },
  { call: "remap_file_pages", flag: "none", word: 0 },
  { call: "remap_file_pages", flag: "PROT_READ", word: Prot.READ },
  { call: "fork", flag: "", word: 0 },
];

/** One line for the program that asks Linux; unique for a row. */
export function lineOf(row: Row): string {
  return `${row.call} ${row.word} ${row.type ?? -1} ${row.mode ?? 0}`;
}
