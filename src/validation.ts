// Validators: what the core's mm_validate answers, in words. Floor: S2. Imports: shared, errors.

import { Invariant } from "../assembly/shared/abi.js";
import type { Core } from "./core.js";
import { checked } from "./errors.js";

/** One broken invariant. */
export interface Violation {
  /** The address space. */
  readonly mm: number;
  /** Name of the invariant, as in `TREE_GAP`. */
  readonly invariant: string;
  /** Where: a byte address in the space, or the count that was found; 0 if that says nothing. */
  readonly where: number;
}

/** Empty when sound. A validator stops at the first breach of a space. */
export type ValidationReport = readonly Violation[];

/** By Invariant: sixteen numbers a kind. */
export const INVARIANTS = [
  "- TREE_ORDER TREE_OCCUPANCY TREE_NULLS TREE_GAP TREE_DEPTH TREE_UNUSED_SLOT",
  "VMA_RANGE VMA_MM VMA_DETACHED VMA_ORDER VMA_SEQUENCE VMA_FLAGS",
  "MAP_COUNT TOTAL_VM DATA_VM EXEC_VM STACK_VM LOCKED_VM COMMIT LOCK_SEQUENCE REFCOUNT PAGE_OUTSIDE",
];

/**
 * Checks one space: under the mmap lock that the caller holds, or under the write lock.
 *
 * @throws WouldBlockError it is locked and this thread must not block
 */
export function validateMm(core: Core, mm: number, held: boolean): ValidationReport {
  core.f64[0] = 0;
  const result = held ? core.x.mm_validate_under_lock(mm) : core.x.mm_validate(mm);
  const code = checked(result, "validate");
  if (code === Invariant.SOUND) return [];
  const invariant = INVARIANTS[code >> 4]?.split(" ")[code & 15] ?? `${code}`;
  return [{ mm, invariant, where: core.f64[0] as number }];
}
