// refcount: a counter of references that saturates instead of wrapping.
// Source: include/linux/refcount.h; used for mm_users, mm_count and files.
//
//   0                 no reference; the object may be freed or reused
//   1 .. SATURATED-1  that many references
//   SATURATED         too many ever: the object is never freed (a leak, not a use after free)
//
// Invariants
//   C1  once zero a count stays zero until its owner sets it anew (inc_not_zero fails).
//   C2  a saturated count never changes again.
//
// Floor: sync. Imports: atomics, base/debug.

import { VERIFY } from "../base/debug";
import { cmpxchg, load_acquire, store_release } from "./atomics";

export const enum Refcount {
  SATURATED = 0x40000000,
}

/** Sets a count before the object is published. */
export function refcount_set(word: usize, n: u32): void {
  store_release(word, n);
}

export function refcount_read(word: usize): u32 {
  return load_acquire(word);
}

/** One more. Context: the caller already holds a reference. */
export function refcount_inc(word: usize): void {
  const alive = refcount_inc_not_zero(word);
  if (VERIFY) assert(alive); // C1: nobody may take a reference from nothing
}

/** One more unless there is none (C1): false then, and nothing is changed. */
export function refcount_inc_not_zero(word: usize): bool {
  while (true) {
    const n = load_acquire(word);
    if (n == 0) return false;
    if (n >= <u32>Refcount.SATURATED) return true; // C2
    // Claims a reference against a concurrent last put: the exchange fails if the
    // count reached zero in between. Partner: refcount_dec_and_test.
    if (cmpxchg(word, n, n + 1) == n) return true;
  }
}

/**
 * One less; true for the caller that took the last one, which then owns the object.
 * Everything other holders did before their own put is visible to it: the exchange
 * is both release (ours) and acquire (theirs).
 */
export function refcount_dec_and_test(word: usize): bool {
  while (true) {
    const n = load_acquire(word);
    if (n >= <u32>Refcount.SATURATED) return false; // C2
    if (VERIFY) assert(n != 0); // C1: a put without a get
    if (n == 0) return false;
    if (cmpxchg(word, n, n - 1) == n) return n == 1;
  }
}
