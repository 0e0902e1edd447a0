// refcount: a counter of references that saturates instead of wrapping.
// Source: include/linux/refcount.h; used for mm_users, mm_count, files and names.
//
//   0                 no reference; the object may be freed or reused
//   1 .. SATURATED-1  that many references
//   SATURATED         too many ever: the object is never freed (a leak, not a use after free)
//
// The count is the low half of a u64 word, the mark of its last change the high one
// (sync/announce.ts): so a change can be told from its worker's death before or after it.
//
// Invariants
//   C1  once zero a count stays zero until its owner sets it anew (inc_not_zero fails).
//   C2  a saturated count never changes again.
//
// Context of changes: announced by the caller. Floor: sync. Imports: atomics, announce, base/debug.

import { VERIFY } from "../base/debug";
import { announced_cmpxchg } from "./announce";
import { load_acquire, load_acquire64, store_release64 } from "./atomics";

export const enum Refcount {
  SATURATED = 0x40000000,
}

/** Sets a count before the object is published. */
export function refcount_set(word: usize, n: u32): void {
  store_release64(word, n);
}

export function refcount_read(word: usize): u32 {
  return load_acquire(word);
}

/** One more. Context: somebody holds a reference meanwhile. */
export function refcount_inc(word: usize): void {
  const alive = refcount_inc_not_zero(word);
  if (VERIFY) assert(alive); // C1: nobody may take a reference from nothing
}

/** One more unless there is none (C1): false then, and nothing is changed. */
export function refcount_inc_not_zero(word: usize): bool {
  while (true) {
    const was = load_acquire64(word);
    const n = <u32>was;
    if (n == 0) return false;
    if (n >= <u32>Refcount.SATURATED) return true; // C2
    // Claims a reference against a concurrent last put: the exchange fails if the
    // count reached zero in between. Partner: refcount_dec_and_test.
    if (announced_cmpxchg(word, was, n + 1)) return true;
  }
}

/**
 * One less; true for the caller that took the last one, which then owns the object.
 * Everything other holders did before their own put is visible to it: the exchange
 * is both release (ours) and acquire (theirs).
 */
export function refcount_dec_and_test(word: usize): bool {
  while (true) {
    const was = load_acquire64(word);
    const n = <u32>was;
    if (n >= <u32>Refcount.SATURATED) return false; // C2
    if (VERIFY) assert(n != 0); // C1: a put without a get
    if (n == 0) return false;
    if (announced_cmpxchg(word, was, n - 1)) return n == 1;
  }
}
