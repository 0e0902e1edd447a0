// The values in a command: addresses, lengths, protections; read, and written back.
//
//   ADDRESS  0x7f12c000 or 7f12c000; `$` what mmap returned last; the name of a mapping
//            ([heap], libc.so.6), NAME.end its end; any of these with +LENGTH or -LENGTH
//   LENGTH   4096, 0x1000, 64K, 2M, 1G, 1T; 3p is three pages
//   PROT     letters of rwx, or none

import { type Address, Prot } from "../../src/index.js";
import { baseName } from "./names.js";
import { CommandError, type Token } from "./tokens.js";

/** A mapping that an address may be named after. */
export interface NamedRange {
  /** Bytes; `[start, end)`. */
  readonly start: number;
  readonly end: number;
  /** `r-xp` */
  readonly perms: string;
  /** The last column of maps; "" if it is empty. */
  readonly name: string;
}

/** What the words of a command may refer to. */
export interface CommandContext {
  /** What mmap or mremap returned last: `$`; null before the first one. */
  readonly last: number | null;
  /** Ascending. */
  readonly mappings: readonly NamedRange[];
  /** Where the heap ends now: brk +LENGTH counts from it. Bytes. */
  readonly brk: number;
}

export const NO_CONTEXT: CommandContext = { last: null, mappings: [], brk: 0 };

const PAGE = 4096n;
const UNITS: Readonly<Record<string, bigint>> = {
  "": 1n,
  p: PAGE,
  k: 1n << 10n,
  m: 1n << 20n,
  g: 1n << 30n,
  t: 1n << 40n,
};
const LENGTH = /^(0x[\da-f]{1,16}|\d{1,20}?)(?:(?:([kmgt])(?:i?b)?)|(p))?$/i;
const LIMIT = 1n << 64n;

/** Bytes; null if the word is no LENGTH. */
function bytesOf(word: string): bigint | null {
  const match = LENGTH.exec(word);
  if (match === null) return null;
  const unit = (match[2] ?? match[3] ?? "").toLowerCase();
  return BigInt(match[1] as string) * (UNITS[unit] as bigint);
}

function exact(value: bigint, token: Token): Address {
  if (value < 0n || value >= LIMIT) {
    throw new CommandError(`"${token.text}" is not in 0 to 2^64 - 1`, token.from, token.to);
  }
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

/** @throws CommandError */
export function lengthIn(token: Token): Address {
  const bytes = bytesOf(token.text);
  if (bytes !== null) return exact(bytes, token);
  throw new CommandError(
    `expected a LENGTH such as 4096, 0x1000, 64K, 2M or 3p, not "${token.text}"`,
    token.from,
    token.to,
  );
}

/** @throws CommandError */
export function addressIn(token: Token, context: CommandContext): Address {
  const { text } = token;
  const whole = baseOf(text, token, context);
  if (whole !== null) return exact(whole, token);
  // From the right: a name may have a + of its own.
  for (let at = text.length - 1; at > 0; at--) {
    const sign = text[at];
    if (sign !== "+" && sign !== "-") continue;
    const offset = bytesOf(text.slice(at + 1));
    const base = offset === null ? null : baseOf(text.slice(0, at), token, context);
    if (offset === null || base === null) continue;
    return exact(sign === "+" ? base + offset : base - offset, token);
  }
  const known = context.mappings.length === 0 ? "" : ", or a mapping's name";
  throw new CommandError(
    `expected an ADDRESS such as 0x7f12c000, $ or $+4K${known}, not "${text}"`,
    token.from,
    token.to,
  );
}

/** The value of an ADDRESS without an offset; null if it is none. */
function baseOf(text: string, token: Token, context: CommandContext): bigint | null {
  if (text === "$") {
    if (context.last !== null) return BigInt(context.last);
    throw new CommandError(
      "$ stands for what mmap returned last, and nothing was mapped yet",
      token.from,
      token.to,
    );
  }
  if (/^0x[\da-f]+$/i.test(text)) return BigInt(text);
  if (/^[\da-f]+$/i.test(text)) return BigInt(`0x${text}`);
  const isEnd = text.endsWith(".end");
  const named = rangesOf(isEnd ? text.slice(0, -".end".length) : text, context);
  const first = named[0];
  const last = named.at(-1);
  if (first === undefined || last === undefined) return null;
  return BigInt(isEnd ? last.end : first.start);
}

/** The mappings with a name: the whole last column, or the last part of its path. */
export function rangesOf(name: string, { mappings }: CommandContext): readonly NamedRange[] {
  if (name === "") return [];
  const exact = mappings.filter((range) => range.name === name);
  return exact.length > 0 ? exact : mappings.filter((range) => baseName(range.name) === name);
}

/** @throws CommandError */
export function protIn(token: Token): number {
  const word = token.text.toLowerCase();
  const exact = /^prot=(0x[\da-f]{1,8})$/.exec(word);
  if (exact !== null) return Number(exact[1]);
  if (word === "none") return Prot.NONE;
  if (/^[rwx-]{1,4}$/.test(word)) {
    return (
      (word.includes("r") ? Prot.READ : 0) |
      (word.includes("w") ? Prot.WRITE : 0) |
      (word.includes("x") ? Prot.EXEC : 0)
    );
  }
  throw new CommandError(
    `expected a PROT: letters of r, w, x, or none; not "${token.text}"`,
    token.from,
    token.to,
  );
}

export function isProt(text: string): boolean {
  return /^([rwx-]{1,4}|none|prot=0x[\da-f]{1,8})$/i.test(text);
}

export function addressWord(value: Address): string {
  return value < 0 ? `0x${(LIMIT + BigInt(value)).toString(16)}` : `0x${value.toString(16)}`;
}

/** `64K`, `2M`, `4096`: the shortest that is exact. */
export function lengthWord(value: Address): string {
  const bytes = BigInt(value);
  for (const unit of ["t", "g", "m", "k"]) {
    const size = UNITS[unit] as bigint;
    if (bytes >= size && bytes % size === 0n) return `${bytes / size}${unit.toUpperCase()}`;
  }
  return bytes < 10000n ? `${bytes}` : `0x${bytes.toString(16)}`;
}

export function protWord(prot: number): string {
  if (prot === 0) return "none";
  if (prot > (Prot.READ | Prot.WRITE | Prot.EXEC)) return `prot=0x${prot.toString(16)}`;
  const letter = (bit: number, text: string) => ((prot & bit) !== 0 ? text : "");
  return letter(Prot.READ, "r") + letter(Prot.WRITE, "w") + letter(Prot.EXEC, "x");
}
