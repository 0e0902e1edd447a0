// The index's standard workloads: the same streams, seeds and checksums as the anchors that
// its figures are compared with (other trees, native and JavaScript).
//
// A run executes every loop of assembly/maple-bench.ts on N ranges and returns, a loop, its
// checksum and process CPU time: nanoseconds an operation, best of the rounds asked for.

import { readFileSync } from "node:fs";
import { Prng } from "./maple";

const BASE = 0x555555555;
const STREAM_BYTES = 400 * 2 ** 20;
const MEMORY_PAGES = 16384;
const CHUNK = 5000;

interface BenchExports {
  init(bytes: number, streams: number, regions: number): void;
  streams(): number;
  live(kind: number): number;
  tree_destroy(): void;
  bench_lookup(stream: number, n: number): number;
  bench_iterate(times: number): number;
  bench_insert(order: number, ranges: number, n: number): void;
  bench_erase(order: number, ranges: number, n: number): void;
  bench_mixed(order: number, ranges: number, present: number, n: number): void;
  bench_split_merge(stream: number, ranges: number, n: number): void;
  bench_gap(stream: number, ranges: number, base: number, n: number): number;
}

/** 1 to 512 pages, about as many of each magnitude. */
function length(prng: Prng): number {
  const k = prng.below(10);
  return Math.min(512, 2 ** k + prng.below(2 ** k));
}

/** Ranges and the holes behind them; with `fill`, that share of ranges has no hole. */
export class Layout {
  readonly first: Float64Array;
  readonly length: Uint32Array;
  readonly gap: Uint32Array;

  constructor(
    readonly n: number,
    fill?: number,
  ) {
    const prng = new Prng(fill === undefined ? 1 : 7);
    this.first = new Float64Array(n);
    this.length = new Uint32Array(n);
    this.gap = new Uint32Array(n);
    let page = BASE + (fill === undefined ? 0 : 16);
    for (let i = 0; i < n; i++) {
      this.first[i] = page;
      this.length[i] = length(prng);
      if (fill === undefined) this.gap[i] = prng.below(10) < 3 ? length(prng) : 0;
      else this.gap[i] = prng.below(100) >= fill ? 1 + prng.below(16) : 0;
      page += this.length[i]! + this.gap[i]!;
    }
  }

  /** Two u64 a range: first page, end. */
  words(): BigUint64Array {
    const all = new BigUint64Array(2 * this.n);
    for (let i = 0; i < this.n; i++) {
      all[2 * i] = BigInt(this.first[i]!);
      all[2 * i + 1] = BigInt(this.first[i]! + this.length[i]!);
    }
    return all;
  }
}

export function permutation(n: number, seed: number): Uint32Array {
  const prng = new Prng(seed);
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n; i > 1; i--) {
    const j = prng.below(i);
    [order[i - 1], order[j]] = [order[j]!, order[i - 1]!];
  }
  return order;
}

export interface Row {
  /** Nanoseconds of process CPU time an operation; bytes a range for the bytes_ rows. */
  value: number;
  checksum?: number;
}

export type Rows = Map<string, Row>;

/** One release build on one memory, streams put one behind the other. */
class Bench {
  readonly #memory: WebAssembly.Memory;
  readonly maple: BenchExports;
  #at: number;

  constructor(module: WebAssembly.Module) {
    this.#memory = new WebAssembly.Memory({
      initial: MEMORY_PAGES,
      maximum: MEMORY_PAGES,
      shared: true,
    });
    const instance = new WebAssembly.Instance(module, { env: { memory: this.#memory } });
    this.maple = instance.exports as unknown as BenchExports;
    this.maple.init(MEMORY_PAGES * 65536, STREAM_BYTES, 64);
    this.#at = this.maple.streams();
  }

  put(stream: Uint8Array | Uint32Array | BigUint64Array): number {
    const at = this.#at;
    const bytes = new Uint8Array(stream.buffer, stream.byteOffset, stream.byteLength);
    new Uint8Array(this.#memory.buffer, at, bytes.length).set(bytes);
    this.#at = (at + bytes.length + 63) & ~63;
    return at;
  }

  bytesPer(n: number): number {
    return (this.maple.live(0) * 128 + this.maple.live(1) * 192) / n;
  }
}

/** Runs every workload on `n` ranges; `rows` keeps the best time of all runs given it. */
export function run(n: number, rows: Rows = new Map()): Rows {
  const file = new URL("../../build/maple-bench.wasm", import.meta.url);
  const module = new WebAssembly.Module(readFileSync(file));
  const operations = n <= 1000 ? 500_000 : n < 250_000 ? 1_000_000 : 2_000_000;
  inserts(new Bench(module), n, rows);
  steady(new Bench(module), n, operations, rows);
  mixed(new Bench(module), n, operations, rows);
  for (const fill of [0, 50, 99]) gaps(new Bench(module), n, fill, operations / 4, rows);
  return rows;
}

function note(rows: Rows, name: string, value: number, checksum?: number): void {
  const before = rows.get(name);
  if (checksum !== undefined && before?.checksum !== undefined && before.checksum !== checksum) {
    throw new Error(`${name}: checksum ${checksum}, before ${before.checksum}`);
  }
  const best = Math.min(value, before?.value ?? Number.POSITIVE_INFINITY);
  rows.set(name, checksum === undefined ? { value: best } : { value: best, checksum });
}

function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

/** Nanoseconds an operation; in pieces, so that the optimised code takes over early. */
function timed(total: number, body: (from: number, n: number) => void): number {
  const start = cpu();
  for (let k = 0; k < total; k += CHUNK) body(k, Math.min(CHUNK, total - k));
  return (cpu() - start) / total;
}

function inserts(bench: Bench, n: number, rows: Rows): void {
  const { maple } = bench;
  const ranges = bench.put(new Layout(n).words());
  const ascending = bench.put(Uint32Array.from({ length: n }, (_, i) => i));
  const random = bench.put(permutation(n, 3));
  const erased = bench.put(permutation(n, 4));
  const sum = { asc: 0, rand: 0, erase: 0 };
  const times = Math.max(2, Math.min(50, Math.ceil(200_000 / n)));
  for (let i = 0; i < times; i++) {
    sum.asc += timed(n, (k, m) => maple.bench_insert(ascending + 4 * k, ranges, m));
    note(rows, "bytes_asc", bench.bytesPer(n));
    maple.tree_destroy();
    sum.rand += timed(n, (k, m) => maple.bench_insert(random + 4 * k, ranges, m));
    note(rows, "bytes_rand", bench.bytesPer(n));
    sum.erase += timed(n, (k, m) => maple.bench_erase(erased + 4 * k, ranges, m));
    if (maple.live(0) + maple.live(1) !== 0) throw new Error("erased, and nodes are left");
  }
  note(rows, "insert_asc", sum.asc / times);
  note(rows, "insert_rand", sum.rand / times);
  note(rows, "erase_rand", sum.erase / times);
}

function steady(bench: Bench, n: number, operations: number, rows: Rows): void {
  const { maple } = bench;
  const layout = new Layout(n);
  const ranges = bench.put(layout.words());
  maple.bench_insert(bench.put(permutation(n, 3)), ranges, n);
  let prng = new Prng(2);
  const pages = new BigUint64Array(operations);
  for (let k = 0; k < operations; k++) {
    const i = prng.below(n);
    pages[k] = BigInt(layout.first[i]! + prng.below(layout.length[i]! + layout.gap[i]!));
    prng.below(4096); // the byte in the page, which the anchors draw too
  }
  const stream = bench.put(pages);
  for (let i = 0; i < 50; i++) maple.bench_lookup(stream, 2000);
  let sum = 0;
  const lookup = timed(operations, (k, m) => {
    sum += maple.bench_lookup(stream + 8 * k, m);
  });
  note(rows, "lookup_rand", lookup, sum);
  for (let i = 0; i < 50; i++) maple.bench_iterate(1);
  const times = Math.ceil(2_000_000 / n);
  const start = cpu();
  for (let i = 0; i < times; i++) sum = maple.bench_iterate(1);
  note(rows, "iterate", (cpu() - start) / times / n, sum);
  prng = new Prng(9);
  const cuts = new Uint32Array(operations / 2);
  for (let k = 0; k < cuts.length; k += 2) {
    let i = prng.below(n);
    while (layout.length[i]! < 3) i = prng.below(n);
    cuts[k] = i;
    cuts[k + 1] = 1 + prng.below(layout.length[i]! - 2);
  }
  const at = bench.put(cuts);
  const pairs = timed(operations / 4, (k, m) => maple.bench_split_merge(at + 8 * k, ranges, m));
  note(rows, "split_merge", pairs / 2, maple.bench_iterate(1));
}

function mixed(bench: Bench, n: number, operations: number, rows: Rows): void {
  const { maple } = bench;
  const ranges = bench.put(new Layout(2 * n).words());
  const order = permutation(2 * n, 6);
  const present = new Uint8Array(2 * n);
  for (let k = 0; k < n; k++) present[order[k]!] = 1;
  const prng = new Prng(5);
  const toggles = bench.put(Uint32Array.from({ length: operations }, () => prng.below(2 * n)));
  const flags = bench.put(present);
  maple.bench_insert(bench.put(order), ranges, n);
  const ns = timed(operations, (k, m) => maple.bench_mixed(toggles + 4 * k, ranges, flags, m));
  note(rows, "mixed", ns, maple.bench_iterate(1));
}

function gaps(bench: Bench, n: number, fill: number, queries: number, rows: Rows): void {
  const { maple } = bench;
  const ranges = bench.put(new Layout(n, fill).words());
  maple.bench_insert(bench.put(permutation(n, 3)), ranges, n);
  const prng = new Prng(8);
  const asked = new Uint32Array(2 * queries);
  for (let k = 0; k < asked.length; k += 2) {
    asked[k] = prng.below(n);
    asked[k + 1] = 1 + prng.below(16);
  }
  const at = bench.put(asked);
  for (let i = 0; i < 20; i++) maple.bench_gap(at, ranges, BASE, 1000);
  let sum = 0;
  const ns = timed(queries, (k, m) => {
    sum += maple.bench_gap(at + 8 * k, ranges, BASE, m);
  });
  note(rows, `gap_${fill}`, ns, sum);
}
