// What a recording has room for: whoever writes one asks first. Pure: no wasm.
//
// The reader knows one window base, counts in most places and the files of the header; another
// value would be written all the same and read as something else, or not at all.

import type { Address } from "../address.js";
import { type RecordedCall, type RecordingHeader, WINDOW_BASE } from "./recording.js";

/** What no recording can hold, in one line: where, what would fit, and what was given. */
export class RecordingLimitError extends RangeError {
  override readonly name = "RecordingLimitError";

  constructor(where: string, expected: string, got: Address | string) {
    super(`a recording cannot hold ${where}: expected ${expected}, got ${got}`);
  }
}

/** How messages name a call: by its place, from 1 on. */
export function callName(index: number, op: string): string {
  return `call ${index + 1}, ${op}`;
}

type Check = (where: string, value: Address) => void;

const integer: Check = (where, value) => {
  if (!Number.isSafeInteger(value)) throw new RecordingLimitError(where, "an integer", value);
};

const count: Check = (where, value) => {
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new RecordingLimitError(where, "a count", value);
};

const word64: Check = (where, value) => {
  if (typeof value === "number") count(where, value);
  else if (value < 0n || value >= 2n ** 64n) {
    throw new RecordingLimitError(where, "a word of 64 bits", value);
  }
};

/** Arguments by name; where two are given, the second is for mmap, mremap and touch. */
const ARGUMENTS: Readonly<Record<string, readonly [Check, Check?]>> = {
  address: [word64],
  length: [word64],
  newLength: [word64],
  newAddress: [word64],
  offset: [word64],
  prot: [count],
  flags: [integer, count],
  advice: [integer],
  pages: [integer, count],
  count: [count],
};

/** @throws RecordingLimitError a header that would not be read back as it is */
export function assertHeader(header: RecordingHeader): void {
  const { base, files, heap, initialCounts, rlimits } = header;
  if (base !== WINDOW_BASE) {
    throw new RecordingLimitError("the header's base", `${WINDOW_BASE}`, base);
  }
  for (const key of ["seed", "variant"] as const) integer(`the header's ${key}`, header[key]);
  for (const key of ["window", "outsideVmas", "maxMapCount", "stackGuardGapPages"] as const) {
    count(`the header's ${key}`, header[key]);
  }
  for (const [name, pages] of Object.entries(rlimits))
    integer(`the header's rlimit ${name}`, pages);
  for (const pages of initialCounts) integer("the header's counts", pages);
  for (const { id, bytes } of files) integer(`the bytes of file ${id}`, bytes);
  for (const [name, bytes] of Object.entries(heap ?? {})) count(`the heap's ${name}`, bytes);
}

/** @throws RecordingLimitError a call that would not be read back as it is */
export function assertCall(header: RecordingHeader, index: number, call: RecordedCall): void {
  const where = callName(index, call.op);
  const strict = ["mmap", "mremap", "touch"].includes(call.op);
  for (const [name, value] of Object.entries(call)) {
    const [check, other = check] = ARGUMENTS[name] ?? [];
    (strict ? other : check)?.(`${where}, ${name}`, value as Address);
  }
  if (call.op !== "mmap" || call.fd === "" || call.fd === "bad") return;
  if (header.files.some(({ id }) => id === call.fd)) return;
  throw new RecordingLimitError(`${where}, fd`, 'a file of the header, "bad" or ""', call.fd);
}
