// The calls of the command line: what each takes, in order, and how it is written back.
//
// One table for reading (read.ts), completing (complete.ts) and writing (short.ts).

import type { CallName } from "../app/call.js";
import {
  type FlagWord,
  MAP_TYPES,
  MAP_WORDS,
  MLOCK_WORDS,
  MLOCKALL_WORDS,
  MREMAP_WORDS,
  MSYNC_WORDS,
} from "./words.js";

/** What stands at one place of a command. */
export type SlotKind =
  | "address"
  | "length"
  | "prot"
  | "advice"
  | "access"
  | "number"
  | "path"
  | "name"
  | "resource"
  | "break"
  | "limit"
  | "side";

export interface Slot {
  readonly kind: SlotKind;
  /** As the usage line shows it. */
  readonly label: string;
  readonly isOptional?: boolean;
}

/** A word that a value follows: `at 0x7f...`. */
export interface Keyword {
  readonly word: string;
  readonly slot: Slot;
  readonly meaning: string;
}

export interface Verb {
  readonly word: string;
  readonly op: CallName;
  readonly slots: readonly Slot[];
  readonly flags: readonly FlagWord[];
  readonly keywords: readonly Keyword[];
  readonly meaning: string;
  /** The manual page. */
  readonly manual: string;
}

const ADDRESS: Slot = { kind: "address", label: "ADDRESS" };
const LENGTH: Slot = { kind: "length", label: "LENGTH" };
const PROT: Slot = { kind: "prot", label: "PROT" };

function verb(
  word: string,
  op: CallName,
  manual: string,
  meaning: string,
  slots: readonly Slot[],
  flags: readonly FlagWord[] = [],
  keywords: readonly Keyword[] = [],
): Verb {
  return { word, op, manual, meaning, slots, flags, keywords };
}

const RANGE = [ADDRESS, LENGTH] as const;

export const VERBS: readonly Verb[] = [
  verb(
    "mmap",
    "mmap",
    "mmap(2)",
    "map memory or a file",
    [LENGTH, { ...PROT, isOptional: true }],
    [...MAP_TYPES, ...MAP_WORDS],
    [
      { word: "at", slot: ADDRESS, meaning: "a hint; with fixed the place" },
      { word: "file", slot: { kind: "path", label: "PATH" }, meaning: "the file to map" },
      { word: "offset", slot: { ...LENGTH, label: "OFFSET" }, meaning: "where in the file" },
    ],
  ),
  verb("munmap", "munmap", "munmap(2)", "unmap a range", RANGE),
  verb("mprotect", "mprotect", "mprotect(2)", "change the protection", [...RANGE, PROT]),
  verb(
    "mremap",
    "mremap",
    "mremap(2)",
    "grow, shrink or move a mapping",
    [ADDRESS, { ...LENGTH, label: "OLD" }, { ...LENGTH, label: "NEW" }],
    MREMAP_WORDS,
    [{ word: "to", slot: ADDRESS, meaning: "with fixed the target, with dontunmap a hint" }],
  ),
  verb("brk", "brk", "brk(2)", "move the end of the heap", [
    { kind: "break", label: "ADDRESS|+LENGTH|-LENGTH", isOptional: true },
  ]),
  verb("madvise", "madvise", "madvise(2)", "give advice about a range", [
    ...RANGE,
    { kind: "advice", label: "ADVICE" },
  ]),
  verb("mlock", "mlock", "mlock(2)", "lock pages in memory", RANGE),
  verb("mlock2", "mlock2", "mlock2(2)", "lock pages, perhaps later", RANGE, MLOCK_WORDS),
  verb("munlock", "munlock", "munlock(2)", "unlock pages", RANGE),
  verb("mlockall", "mlockall", "mlockall(2)", "lock everything", [], MLOCKALL_WORDS),
  verb("munlockall", "munlockall", "munlockall(2)", "unlock everything", []),
  verb("msync", "msync", "msync(2)", "write a mapping back", RANGE, MSYNC_WORDS),
  verb("mincore", "mincore", "mincore(2)", "ask which pages are present", RANGE),
  verb("mseal", "mseal", "mseal(2)", "seal mappings for ever", RANGE, []),
  verb("name", "prctl", "PR_SET_VMA(2const)", "name anonymous memory", [
    ...RANGE,
    { kind: "name", label: "NAME" },
  ]),
  verb("fork", "fork", "fork(2)", "copy the space, and go on in the child", [
    { kind: "side", label: "child|parent", isOptional: true },
  ]),
  verb("rlimit", "rlimit", "setrlimit(2)", "set a resource limit", [
    { kind: "resource", label: "as|data|memlock|stack" },
    { kind: "limit", label: "LENGTH|unlimited" },
  ]),
  verb("fault", "fault", "mmap(2)", "touch a page, as a program's access does", [
    ADDRESS,
    { kind: "access", label: "read|write|exec", isOptional: true },
    { ...LENGTH, isOptional: true },
  ]),
  verb("remap_file_pages", "remap_file_pages", "remap_file_pages(2)", "map other pages of a file", [
    ...RANGE,
    { kind: "number", label: "PROT" },
    { kind: "number", label: "PGOFF" },
  ]),
  verb("pkey_mprotect", "pkey_mprotect", "pkey_mprotect(2)", "mprotect with a key", [
    ...RANGE,
    PROT,
    { kind: "number", label: "KEY" },
  ]),
];

export const VERB_OF_WORD: ReadonlyMap<string, Verb> = new Map(
  VERBS.map((entry) => [entry.word, entry]),
);

export function usageOf(entry: Verb): string {
  const slots = entry.slots.map(({ label, isOptional }) => (isOptional ? `[${label}]` : label));
  const keywords = entry.keywords.map(({ word, slot }) => `[${word} ${slot.label}]`);
  const flags = entry.flags.slice(0, 6).map(([word]) => word);
  const more = entry.flags.length > flags.length ? "|..." : "";
  const flagPart = flags.length === 0 ? [] : [`[${flags.join("|")}${more}]`];
  return [entry.word, ...slots, ...keywords, ...flagPart].join(" ");
}
