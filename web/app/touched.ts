// Which addresses a call may have changed: where the maps at two places of a log can differ.
//
// Outside these spans, and the mappings that adjoin them (they may have merged), every VMA
// is the same before and after. Null stands for "anywhere". The reader checks what it built
// from this against the kernel's own sums (Machine.rowsSince).

import type { Address } from "../../src/index.js";
import type { Entry } from "./call.js";

/** Bytes; `[start, end)`. */
export interface Touched {
  readonly start: number;
  readonly end: number;
}

/** The spans of one entry; null: anywhere. */
export function touchedBy({ call, outcome, recorded }: Entry): readonly Touched[] | null {
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = call.args;
  // Where the kernel put it elsewhere, the machine has moved it there.
  if (recorded !== undefined && recorded !== outcome) return null;
  switch (call.op) {
    case "mmap":
      return spans([a, b], [placeOf(outcome, a), b]);
    case "mremap":
      return spans([a, b], [e, c], [placeOf(outcome, a), c]);
    case "munmap":
    case "mprotect":
    case "pkey_mprotect":
    case "madvise":
    case "mlock":
    case "mlock2":
    case "munlock":
    case "mseal":
      return spans([a, b]);
    case "fault":
      return spans([a, Math.max(1, Number(c))]);
    case "prctl":
      return spans([c, d]); // PR_SET_VMA, PR_SET_VMA_ANON_NAME, start, length
    case "msync":
    case "mincore":
      return [];
    default:
      return null;
  }
}

function placeOf(outcome: Entry["outcome"], otherwise: Address): Address {
  return typeof outcome === "string" ? otherwise : outcome;
}

function spans(...ranges: readonly (readonly [start: Address, length: Address])[]): Touched[] {
  return ranges.map(([start, length]) => ({
    start: Number(start),
    end: Number(start) + Number(length),
  }));
}
