// Waiting on a word and waking its waiters: the only wait of the core.
//
// A wake-up without a change of the word is harmless, since every caller looks again. Every wait
// names its waker at the call site, and ends after LOOK_NS: that waker may have died, and the
// caller looks (mm/liveness.ts). Threads that must not block (a browser's main thread) never
// come here: may_block() is asked first.
//
// Floor: sync. Imports: base, atomics.

import { SPINS } from "../base/debug";
import { Abi } from "../shared/abi";
import { load_acquire, notify_word, WaitResult, wait_word } from "./atomics";

const LOOK_NS: i64 = <i64>Abi.LOOK_MS * 1_000_000;
const ALL: i32 = 0x7fffffff;

/**
 * Looks at the word for a while, then sleeps while it holds `expected`. False: Abi.LOOK_MS have
 * passed, and it still does.
 */
export function futex_wait(word: usize, expected: u32): bool {
  for (let i = 0; i < SPINS; i++) {
    if (load_acquire(word) != expected) return true;
  }
  const result = wait_word(word, expected, LOOK_NS);
  return result != WaitResult.TIMED_OUT || load_acquire(word) != expected;
}

export function futex_wake_all(word: usize): void {
  notify_word(word, ALL);
}
