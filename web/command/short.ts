// One call -> its line in short form. `readCommand(shortForm(call))` is the call again.

import type { Address } from "../../src/index.js";
import { MapFlags } from "../../src/index.js";
import type { Call } from "../app/call.js";
import { PR_SET_VMA, RESOURCES, SIDES, UNLIMITED } from "./read.js";
import { wordOf } from "./tokens.js";
import { addressWord, lengthWord, protWord } from "./values.js";
import {
  ACCESS,
  ADVICE,
  flagWords,
  MAP_TYPE_MASK,
  MAP_TYPES,
  MAP_WORDS,
  MLOCK_WORDS,
  MLOCKALL_WORDS,
  MREMAP_WORDS,
  MSYNC_WORDS,
} from "./words.js";

/** Null: the command line has no such call (shmat and the like, of a strace log). */
export function shortForm(call: Call): string | null {
  const words = wordsOf(call);
  return words?.join(" ") ?? null;
}

function wordsOf({ op, args, text }: Call): string[] | null {
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = args;
  const range = [addressWord(a), lengthWord(b)];
  switch (op) {
    case "mmap":
      return mmapWords(args, text);
    case "munmap":
    case "mlock":
    case "munlock":
    case "mincore":
      return [op, ...range];
    case "mprotect":
      return [op, ...range, protWord(Number(c))];
    case "pkey_mprotect":
      return [op, ...range, protWord(Number(c)), lengthWord(d)];
    case "mremap": {
      const flags = flagWords(Number(d), MREMAP_WORDS);
      const to = e === 0 ? [] : ["to", addressWord(e)];
      return [op, ...range, lengthWord(c), ...flags, ...to];
    }
    case "brk":
      return a === 0 ? [op] : [op, addressWord(a)];
    case "madvise":
      return [op, ...range, nameOf(ADVICE, c) ?? `0x${c.toString(16)}`];
    case "mlock2":
      return [op, ...range, ...flagWords(Number(c), MLOCK_WORDS)];
    case "mlockall":
      return [op, ...flagWords(Number(a), MLOCKALL_WORDS)];
    case "munlockall":
      return [op];
    case "fork":
      return a === 1 ? [op] : [op, nameOf(SIDES, a) ?? `${a}`];
    case "msync":
      return [op, ...range, ...flagWords(Number(c), MSYNC_WORDS)];
    case "mseal":
      return [op, ...range, ...flagWords(Number(c), [])];
    case "fault":
      return [op, addressWord(a), ACCESS[Number(b)] ?? "read", ...(c === 0 ? [] : [lengthWord(c)])];
    case "rlimit":
      return [
        op,
        nameOf(RESOURCES, a) ?? `${a}`,
        BigInt(b) === UNLIMITED ? "unlimited" : lengthWord(b),
      ];
    case "remap_file_pages":
      return [op, ...range, lengthWord(c), lengthWord(d), ...flagWords(Number(e), [])];
    case "prctl":
      if (a !== PR_SET_VMA || b !== 0) return null;
      return ["name", addressWord(c), lengthWord(d), e === 0 ? "none" : nameWord(text)];
    default:
      return null;
  }
}

function mmapWords(args: readonly Address[], file: string): string[] | null {
  const [address = 0, length = 0, prot = 0, word = 0, , offset = 0] = args;
  const flags = Number(word);
  const type = MAP_TYPES.find(([, bits]) => bits === (flags & MAP_TYPE_MASK));
  // What is said by saying nothing: private, and anonymous where there is no file.
  const usual = file === "" ? MapFlags.ANONYMOUS : 0;
  const isSayable = type !== undefined && (flags & usual) === usual;
  const rest = flagWords(flags & ~MAP_TYPE_MASK & ~usual, MAP_WORDS);
  const typeWord = type?.[0] === "private" ? [] : [type?.[0] ?? ""];
  const isExact = !isSayable || rest[0]?.startsWith("flags=") === true;
  const said = isExact ? [`flags=0x${(flags >>> 0).toString(16)}`] : [...typeWord, ...rest];
  return [
    "mmap",
    lengthWord(length),
    protWord(Number(prot)),
    ...said,
    ...(address === 0 ? [] : ["at", addressWord(address)]),
    ...(file === "" ? [] : ["file", wordOf(file)]),
    ...(offset === 0 ? [] : ["offset", lengthWord(offset)]),
  ];
}

/** A name that is no keyword. */
function nameWord(text: string): string {
  return text.toLowerCase() === "none" ? `"${text}"` : wordOf(text);
}

function nameOf(words: ReadonlyMap<string, number>, value: Address): string | undefined {
  return [...words].find(([, number]) => number === value)?.[0];
}
