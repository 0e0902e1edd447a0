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

const NAMES: Readonly<Record<number, string>> = {
  [Invariant.TREE_ORDER]: "TREE_ORDER",
  [Invariant.TREE_OCCUPANCY]: "TREE_OCCUPANCY",
  [Invariant.TREE_NULLS]: "TREE_NULLS",
  [Invariant.TREE_GAP]: "TREE_GAP",
  [Invariant.TREE_DEPTH]: "TREE_DEPTH",
  [Invariant.TREE_UNUSED_SLOT]: "TREE_UNUSED_SLOT",
  [Invariant.VMA_RANGE]: "VMA_RANGE",
  [Invariant.VMA_MM]: "VMA_MM",
  [Invariant.VMA_DETACHED]: "VMA_DETACHED",
  [Invariant.VMA_ORDER]: "VMA_ORDER",
  [Invariant.VMA_SEQUENCE]: "VMA_SEQUENCE",
  [Invariant.VMA_FLAGS]: "VMA_FLAGS",
  [Invariant.MAP_COUNT]: "MAP_COUNT",
  [Invariant.TOTAL_VM]: "TOTAL_VM",
  [Invariant.DATA_VM]: "DATA_VM",
  [Invariant.EXEC_VM]: "EXEC_VM",
  [Invariant.STACK_VM]: "STACK_VM",
  [Invariant.LOCKED_VM]: "LOCKED_VM",
  [Invariant.COMMIT]: "COMMIT",
  [Invariant.LOCK_SEQUENCE]: "LOCK_SEQUENCE",
  [Invariant.REFCOUNT]: "REFCOUNT",
  [Invariant.PAGE_OUTSIDE]: "PAGE_OUTSIDE",
};

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
  return [{ mm, invariant: NAMES[code] ?? `INVARIANT_${code}`, where: core.f64[0] as number }];
}
