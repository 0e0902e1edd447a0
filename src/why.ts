// `vmaple/why`: why two VMAs are two, and which check a refused call did not pass, in words. A
// subpath of its own: the sentences weigh a third of the library, and many programs ask for none.

import { type Address, assertFields, clamped } from "./address.js";
import { type Explanation, explain } from "./explain.js";
import type { MmWithUser } from "./mm.js";
import { assertSpace, readSpace } from "./read-space.js";
import { whyRefused as checkOf, type Refusal, type RefusedCall } from "./refusal.js";

export type { ApartField, ApartReason, Explanation } from "./explain.js";
export type { Refusal, RefusedCall } from "./refusal.js";

/**
 * Why the VMA at `address` and the next one are two: the fields that keep them apart, in
 * words; `mergeable` if nothing does. Null if nothing is mapped there, or nothing above.
 *
 * @throws RangeError `address` is no address; TypeError `mm` is no space
 */
export function whyApart(mm: MmWithUser, address: Address): Explanation | null {
  assertSpace(mm);
  const at = clamped(address, "address");
  return readSpace(mm, "whyApart", (core, space) => explain(core, space, at));
}

/**
 * Which check a call of this space did not pass, in one sentence with its manual page: asked
 * after the call threw, before others change the space. Null if no check tells (the engine's
 * own memory is full).
 *
 * @param error the MmError that the call threw, or what it says
 * @throws TypeError `mm` is no space, or `error` says nothing of a call
 */
export function whyRefused(mm: MmWithUser, error: RefusedCall): Refusal | null {
  assertSpace(mm);
  assertFields(error, "error");
  assertFields(error.args, "error.args");
  return readSpace(mm, "whyRefused", (core, space) => checkOf(core, space, error));
}
