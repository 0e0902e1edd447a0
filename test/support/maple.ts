// The maple index alone, on a fresh arena: what its unit and model tests drive.

import { readFileSync } from "node:fs";

/** Exports of assembly/maple-bench.ts. Pages are whole numbers, ranges [first, end). */
export interface MapleExports {
  init(bytes: number, streams: number, regions: number): void;
  attach(worker: number): void;
  streams(): number;
  fail_after(n: number): void;
  tree_load(page: number): number;
  tree_find(page: number, limit: number): number;
  tree_prev(page: number): number;
  tree_range(page: number): number;
  tree_store(first: number, end: number, entry: number): number;
  tree_gap_highest(low: number, high: number, size: number): number;
  tree_gap_lowest(low: number, high: number, size: number): number;
  tree_iter_begin(page: number): void;
  tree_iter_next(): number;
  tree_destroy(): void;
  tree_dup(): number;
  twin_load(page: number): number;
  twin_validate(): number;
  twin_destroy(): void;
  tree_validate(): number;
  tree_height(region: number): number;
  tree_nodes(leaves: number): number;
  live(kind: number): number;
  bytes(kind: number): number;
}

export const REGION = 2 ** 30;
const PAGE = 65536;
const module = new WebAssembly.Module(
  readFileSync(new URL("../../build/maple-bench.verify.wasm", import.meta.url)),
);

export interface Arena {
  memory: WebAssembly.Memory;
  maple: MapleExports;
}

/** Instantiates the verify build on `memory`; the caller attaches a seat. */
export function attachMaple(memory: WebAssembly.Memory): MapleExports {
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  return instance.exports as unknown as MapleExports;
}

/** An empty tree of `regions` regions in an arena of `mib` MiB. */
export function freshArena({ regions = 2, mib = 32 } = {}): Arena {
  const pages = mib * 16;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const maple = attachMaple(memory);
  maple.init(pages * PAGE, 65536, regions);
  return { memory, maple };
}

export interface Piece {
  first: number;
  end: number;
  entry: number;
}

/** Everything below page `top` as mt_range tells it, holes included, whole ranges. */
export function pieces({ memory, maple }: Arena, top: number): Piece[] {
  const out = new Float64Array(memory.buffer, maple.streams(), 2);
  const all: Piece[] = [];
  for (let page = 0; page < top; page = out[1]!) {
    const entry = maple.tree_range(page);
    all.push({ first: out[0]!, end: Math.min(out[1]!, top), entry });
  }
  return all;
}

/** Draws pages [0, width): a letter a page, '.' free; entry 1 is 'A'. */
export function drawing(arena: Arena, width: number, at = 0): string {
  let text = "";
  for (let page = at; page < at + width; page++) {
    const entry = arena.maple.tree_load(page);
    text += entry === 0 ? "." : String.fromCharCode(64 + entry);
  }
  return text;
}

/** Stores what a drawing shows, one store a run of like letters. */
export function draw(arena: Arena, text: string, at = 0): void {
  for (let i = 0, j = 0; i < text.length; i = j) {
    while (j < text.length && text[j] === text[i]) j++;
    const entry = text[i] === "." ? 0 : text.charCodeAt(i) - 64;
    if (entry !== 0) arena.maple.tree_store(at + i, at + j, entry);
  }
}

/** sfc32: small, seeded, good enough for tests. */
export class Prng {
  #a: number;
  #b = 0x9e3779b9 | 0;
  #c = 0x243f6a88 | 0;
  #d = 1;

  constructor(seed: number) {
    this.#a = seed | 0;
    for (let i = 0; i < 12; i++) this.next();
  }

  next(): number {
    const t = (this.#a + this.#b + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + t) | 0;
    return t >>> 0;
  }

  /** A whole number in [0, n). */
  below(n: number): number {
    return Math.floor((this.next() * n) / 4294967296);
  }
}
