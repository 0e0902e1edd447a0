// The words in the arguments of memory calls, as strace prints them -> numbers. Pure.
//
//   PROT_READ|PROT_WRITE   0x3   0x3 /* PROT_READ|PROT_WRITE */   21<<MAP_HUGE_SHIFT|0x40000

// The values are those of assembly/shared/flags.ts, once more: emitted, its enums alone
// would fill half of what `vmaple/strace` may weigh. A test holds the two together.

import type { Address } from "../address.js";
import { quantity } from "./ndjson.js";

/** clone(2): what decides whose address space a child has. */
export const CLONE_VM = 0x100;
export const CLONE_FILES = 0x400;
export const CLONE_THREAD = 0x10000;
/** prctl(2): names for anonymous memory. */
export const SET_VMA = 0x53564d41;

/**
 * A group, then its names and values; without a value: one more than the name before, or with
 * `*` twice its value. The first is 0.
 */
const TABLE = `
PROT NONE READ WRITE EXEC=4 SEM* GROWSDOWN=0x1000000 GROWSUP*
MAP FILE SHARED PRIVATE SHARED_VALIDATE DROPPABLE=8 FIXED* ANON* ANONYMOUS=32 32BIT* ABOVE4G*
 GROWSDOWN* DENYWRITE=0x800 EXECUTABLE* LOCKED* NORESERVE* POPULATE* NONBLOCK* STACK* HUGETLB*
 SYNC* FIXED_NOREPLACE* UNINITIALIZED=0x4000000 HUGE_SHIFT=26
MREMAP MAYMOVE=1 FIXED DONTUNMAP=4
MADV NORMAL RANDOM SEQUENTIAL WILLNEED DONTNEED FREE=8 REMOVE DONTFORK DOFORK MERGEABLE
 UNMERGEABLE HUGEPAGE NOHUGEPAGE DONTDUMP DODUMP WIPEONFORK KEEPONFORK COLD PAGEOUT
 POPULATE_READ POPULATE_WRITE DONTNEED_LOCKED COLLAPSE HWPOISON=100 SOFT_OFFLINE GUARD_INSTALL
 GUARD_REMOVE
MCL CURRENT=1 FUTURE ONFAULT=4
MLOCK ONFAULT=1
MS ASYNC=1 INVALIDATE SYNC=4
PR SET_VMA=${SET_VMA}
CLONE VM=${CLONE_VM} FILES=${CLONE_FILES} THREAD=${CLONE_THREAD}`;

/** `MAP_PRIVATE` -> 2, of every name that is known. */
export const WORDS: ReadonlyMap<string, number> = /* @__PURE__ */ wordTable();

function wordTable(): Map<string, number> {
  const words = new Map<string, number>();
  for (const line of TABLE.split(/\n(?! )/)) {
    const [group, ...entries] = line.split(/\s+/);
    let value = -1;
    for (const entry of entries) {
      const [name, given] = entry.split(/=|(?=\*)/);
      if (given === undefined) value++;
      else value = given === "*" ? value * 2 : Number(given);
      words.set(`${group}_${name}`, value);
    }
  }
  return words;
}

function numberOf(text: string | undefined): Address | undefined {
  if (/^(0x[\da-f]{1,16}|\d{1,20})$/i.test(text!)) return quantity(BigInt(text!));
  return /^-\d{1,10}$/.test(text!) ? Number(text) : WORDS.get(text!);
}

/**
 * The value of one argument; undefined if it has none that is known.
 *
 * @param unknown what a name that is not known counts
 */
export function wordOf(argument: string, unknown?: number): Address | undefined {
  const text = argument.replace(/\s*\/\*.*?(\*\/|$)/g, "");
  if (text === "NULL") return 0;
  if (!/[|<]/.test(text)) return numberOf(text) ?? unknown;
  let word = 0;
  for (const part of text.split("|")) {
    const [base, shift = "0"] = part.split("<<");
    const value = Number(numberOf(base) ?? unknown) * 2 ** Number(numberOf(shift));
    // What is above 32 bits has no meaning in any call.
    if (!(value < 2 ** 32)) return undefined;
    word |= value;
  }
  return word >>> 0;
}
