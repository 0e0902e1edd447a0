// FaultResult: what handle_mm_fault answers. One frozen object per outcome, so that a
// fault allocates nothing. Floor: S0. Imports: shared, errors.

import { Access, Fault } from "../assembly/shared/abi.js";
import { shown } from "./address.js";
import { errorOf } from "./errors.js";

/** Kind of access that faults. */
export type FaultAccess = "read" | "write" | "exec";

/** What becomes of an access: served, or the signal's si_code. */
export type FaultOutcome = "OK" | "SEGV_MAPERR" | "SEGV_ACCERR" | "BUS_ADRERR";

/** Result of {@link MmWithUser.handleMmFault}; frozen, and shared between calls. */
export interface FaultResult {
  readonly ok: boolean;
  /** `SEGV_MAPERR` nothing mapped, `SEGV_ACCERR` not allowed, `BUS_ADRERR` beyond the end of the file. */
  readonly outcome: FaultOutcome;
  /** The signal the access would raise; null if it is served. */
  readonly signal: "SIGSEGV" | "SIGBUS" | null;
  /** Served under the mmap lock; false: under a per-VMA lock. */
  readonly viaMmapLock: boolean;
  /** The stack was grown down to the address. */
  readonly grewStack: boolean;
}

const OUTCOMES: readonly FaultOutcome[] = ["OK", "SEGV_MAPERR", "SEGV_ACCERR", "BUS_ADRERR"];
const RESULTS: readonly FaultResult[] = /* @__PURE__ */ everyResult();

function everyResult(): readonly FaultResult[] {
  return Array.from({ length: Fault.GREW_STACK * 2 }, (_, word) => {
    const outcome = OUTCOMES[word & Fault.OUTCOME_MASK] ?? "SEGV_MAPERR";
    return Object.freeze({
      ok: outcome === "OK",
      outcome,
      signal: outcome === "OK" ? null : outcome === "BUS_ADRERR" ? "SIGBUS" : "SIGSEGV",
      viaMmapLock: (word & Fault.VIA_MMAP_LOCK) !== 0,
      grewStack: (word & Fault.GREW_STACK) !== 0,
    } as const);
  });
}

/** The result object of a core answer. @throws MmError the answer is an errno */
export function faultResult(word: number, address: number | bigint): FaultResult {
  const result = RESULTS[word];
  if (result === undefined) throw errorOf(word, "handleMmFault", { address });
  return result;
}

/** @throws TypeError not one of the three */
export function accessCode(access: FaultAccess): number {
  if (access === "read") return Access.READ;
  if (access === "write") return Access.WRITE;
  if (access === "exec") return Access.EXEC;
  throw new TypeError(`access must be "read", "write" or "exec", not ${shown(access)}`);
}
