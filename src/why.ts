// `vmaple/why`: which check a refused call did not pass, in words. A subpath of its own:
// the sentences weigh a third of the library, and many programs ask for none of them.

import type { MmWithUser } from "./mm.js";
import { readSpace } from "./read-space.js";
import { whyRefused as checkOf, type Refusal, type RefusedCall } from "./refusal.js";

export type { Refusal, RefusedCall } from "./refusal.js";

/**
 * Which check a call of this space did not pass, in one sentence with its manual page: asked
 * after the call threw, before others change the space. Null if no check tells (the engine's
 * own memory is full).
 *
 * @param error the MmError that the call threw, or what it says
 */
export function whyRefused(mm: MmWithUser, error: RefusedCall): Refusal | null {
  return readSpace(mm, "whyRefused", (core, space) => checkOf(core, space, error));
}
