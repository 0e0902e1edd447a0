// FaultResult: what handle_mm_fault answers. One frozen object per outcome, so that a
// fault allocates nothing. Floor: S0. Imports: shared, errors.

import { Access as AccessCode, Fault as FaultWord } from "../assembly/shared/abi.js";
import { codeOf } from "./address.js";
import { errorOf } from "./errors.js";

/** `access` of the raw plane's handleMmFault. */
export const Access = Object.freeze({
  READ: AccessCode.READ,
  WRITE: AccessCode.WRITE,
  EXEC: AccessCode.EXEC,
} as const);

/** What the raw plane's handleMmFault answers: an outcome, under OUTCOME_MASK, and how it came about. */
export const Fault = Object.freeze({
  OK: FaultWord.OK,
  SEGV_MAPERR: FaultWord.SEGV_MAPERR,
  SEGV_ACCERR: FaultWord.SEGV_ACCERR,
  BUS_ADRERR: FaultWord.BUS_ADRERR,
  OUTCOME_MASK: FaultWord.OUTCOME_MASK,
  /** Served under the mmap lock; without it, under a per-VMA lock. */
  VIA_MMAP_LOCK: FaultWord.VIA_MMAP_LOCK,
  GREW_STACK: FaultWord.GREW_STACK,
} as const);

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

/** By Access. */
export const ACCESSES: readonly FaultAccess[] = ["read", "write", "exec"];
const OUTCOMES: readonly FaultOutcome[] = ["OK", "SEGV_MAPERR", "SEGV_ACCERR", "BUS_ADRERR"];
const RESULTS: readonly FaultResult[] = /* @__PURE__ */ everyResult();

function everyResult(): readonly FaultResult[] {
  return Array.from({ length: FaultWord.GREW_STACK * 2 }, (_, word) => {
    const outcome = OUTCOMES[word & FaultWord.OUTCOME_MASK] ?? "SEGV_MAPERR";
    return Object.freeze({
      ok: outcome === "OK",
      outcome,
      signal: outcome === "OK" ? null : outcome === "BUS_ADRERR" ? "SIGBUS" : "SIGSEGV",
      viaMmapLock: (word & FaultWord.VIA_MMAP_LOCK) !== 0,
      grewStack: (word & FaultWord.GREW_STACK) !== 0,
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
  return codeOf(ACCESSES, access, "access");
}
