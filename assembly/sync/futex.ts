// Waiting on a word and waking its waiters: the only wait of the core.
//
// Every wait is infinite and names its waker at the call site; a wake-up without
// a change of the word is harmless, since every caller looks again. Threads that
// must not block (a browser's main thread) never come here: may_block() is asked first.
//
// Floor: sync. Imports: base, atomics.

import { SPINS } from "../base/debug";
import { load_acquire, notify_word, wait_word } from "./atomics";

const FOREVER: i64 = -1;
const ALL: i32 = 0x7fffffff;

/** Looks at the word for a while, then sleeps while it holds `expected`. Returns once it does not. */
export function futex_wait(word: usize, expected: u32): void {
  for (let i = 0; i < SPINS; i++) {
    if (load_acquire(word) != expected) return;
  }
  wait_word(word, expected, FOREVER);
}

export function futex_wake_all(word: usize): void {
  notify_word(word, ALL);
}
