// Plain accesses of the explore build: as the built-ins, but seen by the explorer.
//
// test/explore/compile.ts rewrites `load<`, `store<`, `v128.load`, `v128.store`,
// `memory.fill` and `memory.copy` of every core file to these, in memory only. So a
// switch can also fall between two plain stores, and before each lane of a vector: lanes
// are separate accesses, as WebAssembly's memory model allows.
//
// Floor: base. Imports: base/debug.

import { explore, Touch } from "./base/debug";

export function x_load<T>(address: usize, offset: usize = 0): T {
  const at = address + offset;
  explore(at, sizeof<T>() == 8 ? Touch.PLAIN | Touch.WIDE : Touch.PLAIN);
  return load<T>(at);
}

/** racy_load of sync/atomics.ts. */
export function x_load_racy<T>(at: usize): T {
  explore(at, Touch.PLAIN | Touch.RACY);
  return load<T>(at);
}

export function x_store<T>(address: usize, value: T, offset: usize = 0): void {
  const at = address + offset;
  explore(at, (sizeof<T>() == 8 ? Touch.PLAIN | Touch.WIDE : Touch.PLAIN) | Touch.WRITE);
  store<T>(at, value);
}

export function x_v128_load(at: usize): v128 {
  return lanes(at, Touch.PLAIN);
}

/** racy_v128 of sync/atomics.ts. */
export function x_v128_racy(at: usize): v128 {
  return lanes(at, Touch.PLAIN | Touch.RACY);
}

function lanes(at: usize, how: Touch): v128 {
  explore(at, how);
  const a = load<i32>(at);
  explore(at + 4, how);
  const b = load<i32>(at, 4);
  explore(at + 8, how);
  const c = load<i32>(at, 8);
  explore(at + 12, how);
  const d = load<i32>(at, 12);
  const ab = i32x4.replace_lane(i32x4.splat(a), 1, b);
  return i32x4.replace_lane(i32x4.replace_lane(ab, 2, c), 3, d);
}

export function x_v128_store(at: usize, value: v128): void {
  explore(at, Touch.PLAIN | Touch.WRITE);
  store<i32>(at, i32x4.extract_lane(value, 0));
  explore(at + 4, Touch.PLAIN | Touch.WRITE);
  store<i32>(at, i32x4.extract_lane(value, 1), 4);
  explore(at + 8, Touch.PLAIN | Touch.WRITE);
  store<i32>(at, i32x4.extract_lane(value, 2), 8);
  explore(at + 12, Touch.PLAIN | Touch.WRITE);
  store<i32>(at, i32x4.extract_lane(value, 3), 12);
}

export function x_memory_fill(at: usize, byte: u8, n: usize): void {
  for (let i: usize = 0; i < n; i += 4) explore(at + i, Touch.PLAIN | Touch.WRITE);
  memory.fill(at, byte, n);
}

export function x_memory_copy(to: usize, from: usize, n: usize): void {
  for (let i: usize = 0; i < n; i += 4) {
    explore(from + i, Touch.PLAIN);
    explore(to + i, Touch.PLAIN | Touch.WRITE);
  }
  memory.copy(to, from, n);
}
