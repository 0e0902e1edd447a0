// maple-bench: the index alone, for its tests and benches. Not part of the engine.
//
// One tree in a fresh arena, driven with f64 pages; the loops read streams that the host
// wrote into the arena's head room and run without a call per step.
//
//   0  header  seats  chunk kinds │ root table │ streams ... │ chunks
//
// Floor: bench. Imports: maple/tree, alloc/slab, base.

import { journal_commit } from "./alloc/commit";
import { journal_init } from "./alloc/journal";
import { chunks_in, slab_bytes, slab_live } from "./alloc/slab";
import { VERIFY } from "./base/debug";
import { Chunk, Header, Magazine, Region, Seat } from "./base/layout";
import { set_this_seat, this_seat } from "./base/worker";
import {
  mt_destroy,
  mt_dup,
  mt_find,
  mt_gap_highest,
  mt_gap_lowest,
  mt_height,
  mt_init,
  mt_iter_begin,
  mt_iter_entries,
  mt_iter_entry,
  mt_iter_leaf,
  mt_iter_next,
  mt_load,
  mt_nodes,
  mt_prev,
  mt_range,
  mt_reserve,
  mt_store,
  mt_validate,
  Walk,
} from "./maple/tree";
import { SlabKind } from "./shared/abi";
import { mark_of_index } from "./sync/announce";

const enum Bench {
  TREE = 1024,
  /** Target of dup. */
  TWIN = 1032,
  SEATS = 4096,
  WORKERS = 2,
  TABLE = 65536,
  TABLE_MAX = 1024,
  TWIN_TABLE = 69632,
  KINDS = 73728,
  STREAMS = 1048576,
}
if (Bench.SEATS + Bench.WORKERS * Seat.SIZE > Bench.TABLE) ERROR("seats end below the table");
if (Bench.KINDS + (1 << 18) > Bench.STREAMS) ERROR("chunk kinds end below the streams");

/** Makes an arena of `bytes` with `streams` bytes of head room, and an empty tree. */
export function init(bytes: f64, streams: u32, regions: u32): void {
  const chunks = (<usize>Bench.STREAMS + streams + Chunk.SIZE) & ~(Chunk.SIZE - 1);
  store<u32>(Header.MAX_WORKERS, Bench.WORKERS);
  store<u32>(Header.SEATS, Bench.SEATS);
  store<u32>(Header.CHUNK_KINDS, Bench.KINDS);
  store<u32>(Header.CHUNKS, <u32>chunks);
  store<u32>(Header.CHUNK_COUNT, chunks_in(chunks, <u64>bytes));
  attach(0);
  mt_init(Bench.TREE, Bench.TABLE, regions);
  mt_init(Bench.TWIN, Bench.TWIN_TABLE, regions);
}

/** Another instance on the same memory takes seat `worker`. */
export function attach(worker: u32): void {
  const seat = <usize>Bench.SEATS + <usize>worker * Seat.SIZE;
  store<u32>(seat, mark_of_index(worker), Seat.MARK);
  journal_init(seat);
  set_this_seat(seat);
}

/** Byte address of the streams. */
export function streams(): u32 {
  return Bench.STREAMS;
}

export function fail_after(n: u32): void {
  store<u32>(this_seat(), n, Seat.FAIL_AFTER);
}

export function tree_load(page: f64): u32 {
  return Walk.load(Bench.TREE, <u64>page);
}

export function tree_find(page: f64, limit: f64): u32 {
  return mt_find(Bench.TREE, <u64>page, <u64>limit);
}

export function tree_prev(page: f64): u32 {
  return mt_prev(Bench.TREE, <u64>page);
}

/** Entry; first and end follow at streams(), as f64. */
export function tree_range(page: f64): u32 {
  const entry = mt_range(Bench.TREE, <u64>page, Bench.STREAMS);
  store<f64>(Bench.STREAMS, <f64>load<u64>(Bench.STREAMS));
  store<f64>(Bench.STREAMS, <f64>load<u64>(Bench.STREAMS, 8), 8);
  return entry;
}

export function tree_store(first: f64, end: f64, entry: u32): i32 {
  const failed = mt_reserve(Bench.TREE, <u64>first, <u64>end, 1);
  if (failed != 0) return failed;
  const leaves = held(SlabKind.LEAF);
  const inner = held(SlabKind.INNER);
  const regions = <u32>((<u64>end - 1) >> Region.SHIFT) - <u32>(<u64>first >> Region.SHIFT) + 1;
  const depth = deepest(<u64>first, <u64>end);
  mt_store(Bench.TREE, <u64>first, <u64>end, entry);
  // The magazine alone would hide a reservation that is too small.
  // What the store takes out is freed at its end: until then the magazine tells what it took.
  if (VERIFY) assert(leaves - held(SlabKind.LEAF) <= regions);
  if (VERIFY) assert(inner - held(SlabKind.INNER) <= min<u32>(regions, 2) * depth);
  journal_commit();
  return 0;
}

/** Objects of `kind` in this worker's magazine. */
function held(kind: u32): u32 {
  return load<u32>(this_seat() + Seat.MAGAZINES + <usize>kind * Magazine.SIZE, Magazine.COUNT);
}

function deepest(first: u64, end: u64): u32 {
  let depth: u32 = 0;
  for (let r = first >> Region.SHIFT; r <= (end - 1) >> Region.SHIFT; r++) {
    depth = max<u32>(depth, mt_height(Bench.TREE, <u32>r));
  }
  return depth;
}

/** -1: no such window. */
export function tree_gap_highest(low: f64, high: f64, size: f64): f64 {
  const found = mt_gap_highest(Bench.TREE, <u64>low, <u64>high, <u64>size);
  return found == u64.MAX_VALUE ? -1 : <f64>found;
}

export function tree_gap_lowest(low: f64, high: f64, size: f64): f64 {
  const found = mt_gap_lowest(Bench.TREE, <u64>low, <u64>high, <u64>size);
  return found == u64.MAX_VALUE ? -1 : <f64>found;
}

/** tree_iter_next gives the entries, one a call. */
export function tree_iter_begin(page: f64): void {
  mt_iter_begin(Bench.TREE, <u64>page);
}

export function tree_iter_next(): u32 {
  return mt_iter_next(Bench.TREE);
}

export function tree_destroy(): void {
  mt_destroy(Bench.TREE);
  journal_commit();
}

export function tree_dup(): i32 {
  const failed = mt_dup(Bench.TWIN, Bench.TREE);
  journal_commit();
  return failed;
}

export function twin_load(page: f64): u32 {
  return mt_load(Bench.TWIN, <u64>page);
}

export function twin_validate(): i32 {
  return mt_validate(Bench.TWIN);
}

export function twin_destroy(): void {
  mt_destroy(Bench.TWIN);
  journal_commit();
}

export function tree_validate(): i32 {
  return mt_validate(Bench.TREE);
}

export function tree_height(region: u32): u32 {
  return mt_height(Bench.TREE, region);
}

export function tree_nodes(leaves: bool): u32 {
  return mt_nodes(Bench.TREE, leaves);
}

/** Objects of `kind` in use, from the slab's counters. */
export function live(kind: u32): f64 {
  return slab_live(kind);
}

/** Bytes of the chunks of `kind`. */
export function bytes(kind: u32): f64 {
  return slab_bytes(kind);
}

function put(first: u64, end: u64, entry: u32): void {
  if (mt_reserve(Bench.TREE, first, end, 1) != 0) unreachable();
  mt_store(Bench.TREE, first, end, entry);
  journal_commit();
}

/** Stream: u64 pages. Sum of the entries found. */
export function bench_lookup(stream: u32, n: u32): f64 {
  let sum: u64 = 0;
  const end = stream + (n << 3);
  for (let at = stream; at < end; at += 8) sum += Walk.load(Bench.TREE, load<u64>(at));
  return <f64>sum;
}

/** Sum of all entries, `times` over. */
export function bench_iterate(times: u32): f64 {
  let sum: u64 = 0;
  for (let i: u32 = 0; i < times; i++) {
    for (let m = mt_iter_begin(Bench.TREE, 0); m != 0; m = mt_iter_leaf(Bench.TREE)) {
      const entries = mt_iter_entries();
      for (; m != 0; m &= m - 1) sum += mt_iter_entry(entries, m);
    }
  }
  return <f64>sum;
}

/** Streams: u32 range numbers; u64 first, u64 end of each range. */
export function bench_insert(order: u32, ranges: u32, n: u32): void {
  for (let k: u32 = 0; k < n; k++) {
    const i = load<u32>(order + (k << 2));
    const range = ranges + (i << 4);
    put(load<u64>(range), load<u64>(range, 8), i + 1);
  }
}

export function bench_erase(order: u32, ranges: u32, n: u32): void {
  for (let k: u32 = 0; k < n; k++) {
    const range = ranges + (load<u32>(order + (k << 2)) << 4);
    put(load<u64>(range), load<u64>(range, 8), 0);
  }
}

/** As insert; `present`: one byte a range, toggled. */
export function bench_mixed(order: u32, ranges: u32, present: u32, n: u32): void {
  for (let k: u32 = 0; k < n; k++) {
    const i = load<u32>(order + (k << 2));
    const range = ranges + (i << 4);
    const was = load<u8>(present + i);
    store<u8>(present + i, was ^ 1);
    put(load<u64>(range), load<u64>(range, 8), was ? 0 : i + 1);
  }
}

/** Stream: u32 range, u32 page inside it. One page of another value, then the whole back. */
export function bench_split_merge(stream: u32, ranges: u32, n: u32): void {
  for (let k: u32 = 0; k < n; k++) {
    const i = load<u32>(stream + (k << 3));
    const range = ranges + (i << 4);
    const first = load<u64>(range);
    const page = first + load<u32>(stream + (k << 3), 4);
    put(page, page + 1, 0x7fffff);
    put(first, load<u64>(range, 8), i + 1);
  }
}

/** Stream: u32 range, u32 pages. Sum of positions above `base`, 1 where there is none. */
export function bench_gap(stream: u32, ranges: u32, base: f64, n: u32): f64 {
  let sum: u64 = 0;
  const low = <u64>base;
  for (let k: u32 = 0; k < n; k++) {
    const high = load<u64>(ranges + (load<u32>(stream + (k << 3)) << 4));
    const found = mt_gap_highest(Bench.TREE, low, high, load<u32>(stream + (k << 3), 4));
    sum += found == u64.MAX_VALUE ? 1 : found - low;
  }
  return <f64>sum;
}
