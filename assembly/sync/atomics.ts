// Shared-memory accesses: the only file that says `atomic.*` or `v128.load` of shared data.
//
// WebAssembly atomics are sequentially consistent: there is no weaker choice.
// The suffixes say which half a call site relies on, so that a reader can check
// the pairing against its partner. `racy_*` loads may return torn or stale data;
// every caller validates what it found. `atomic.fence` is never used: the
// compiler drops it.
//
// Context: any. Floor: sync. Imports: base/debug.

import { explore, Touch } from "../base/debug";
import { Seat } from "../base/layout";
import { this_seat } from "../base/worker";

// Imported by the explore build only.
declare function host_wait(addr: usize, expected: u32): i32;
declare function host_notify(addr: usize, count: i32): i32;

export function load_acquire(addr: usize): u32 {
  explore(addr, Touch.READ);
  return atomic.load<u32>(addr);
}

export function load_acquire64(addr: usize): u64 {
  explore(addr, Touch.READ | Touch.WIDE);
  return atomic.load<u64>(addr);
}

export function store_release(addr: usize, value: u32): void {
  explore(addr, Touch.WRITE);
  atomic.store<u32>(addr, value);
}

export function store_release64(addr: usize, value: u64): void {
  explore(addr, Touch.WRITE | Touch.WIDE);
  atomic.store<u64>(addr, value);
}

/** Returns what was there; the store happened iff that equals `expected`. */
export function cmpxchg(addr: usize, expected: u32, desired: u32): u32 {
  explore(addr, Touch.WRITE);
  return atomic.cmpxchg<u32>(addr, expected, desired);
}

export function cmpxchg64(addr: usize, expected: u64, desired: u64): u64 {
  explore(addr, Touch.WRITE | Touch.WIDE);
  return atomic.cmpxchg<u64>(addr, expected, desired);
}

/** Returns the value before. */
export function fetch_add(addr: usize, n: u32): u32 {
  explore(addr, Touch.WRITE);
  return atomic.add<u32>(addr, n);
}

/** Returns the value before. */
export function exchange(addr: usize, value: u32): u32 {
  explore(addr, Touch.WRITE);
  return atomic.xchg<u32>(addr, value);
}

/** Returns the value before. */
export function exchange64(addr: usize, value: u64): u64 {
  explore(addr, Touch.WRITE | Touch.WIDE);
  return atomic.xchg<u64>(addr, value);
}

/** Sixteen bytes of a node that a writer may be changing: lanes may be of different times. */
export function racy_v128(addr: usize): v128 {
  explore(addr, Touch.READ | Touch.PLAIN | Touch.RACY);
  return v128.load(addr);
}

/** A word of a node that a writer may be changing. */
export function racy_load(addr: usize): u32 {
  explore(addr, Touch.READ | Touch.PLAIN | Touch.RACY);
  return load<u32>(addr);
}

/** What memory.atomic.wait32 answers. */
export const enum WaitResult {
  WOKEN = 0,
  NOT_EQUAL = 1,
  TIMED_OUT = 2,
}

/** Sleeps while the word is `expected`, for `timeout_ns` at most. sync/futex.ts is the only caller. */
export function wait_word(addr: usize, expected: u32, timeout_ns: i64): WaitResult {
  explore(addr, Touch.WRITE); // it changes who waits there
  if (isDefined(VMA_EXPLORE)) return host_wait(addr, expected);
  // Not simply dropped: the baseline compiler of V8 11.3 (Node 20) zeroes the stack value just
  // below the operands of memory.atomic.wait32, which with an empty stack is a local of the
  // function that this was inlined into (a lock's address, say). The address of this store is
  // that value: where the bug strikes, the store goes to the null page, and what is answered is
  // that time is up.
  store<i32>(this_seat(), WaitResult.TIMED_OUT, Seat.WAIT_RESULT);
  store<i32>(this_seat() + Seat.WAIT_RESULT, atomic.wait<i32>(addr, <i32>expected, timeout_ns));
  return load<i32>(this_seat(), Seat.WAIT_RESULT);
}

export function notify_word(addr: usize, count: i32): i32 {
  explore(addr, Touch.WRITE);
  if (isDefined(VMA_EXPLORE)) return host_notify(addr, count);
  return atomic.notify(addr, count);
}
