// Reads VMAs and maple nodes straight from the wasm memory: nothing is called, nothing stored.
//
// Good only on the page's own engine, which no other thread shares: nobody edits a node
// while it is read. The offsets are assembly/shared/arena.ts.

import { ArenaHeader, ArenaMm, ArenaNode, ArenaVma } from "../../assembly/shared/arena.js";

const PAGE_BYTES = 4096;
const WORD = 2 ** 32;
const FNV_BASIS = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;

/** A node of the maple tree at one moment. */
export interface TreeNode {
  /** Byte address in the arena: its identity. */
  readonly address: number;
  /** 1 is a leaf. */
  readonly depth: number;
  /** Bytes; `[start, end)`, what the node covers. */
  readonly start: number;
  readonly end: number;
  readonly slots: readonly TreeSlot[];
}

export interface TreeSlot {
  /** Bytes. A slot's start is the pivot between it and the slot before. */
  readonly start: number;
  readonly end: number;
  /** VMA, or child's node word; 0 is NULL: nothing mapped. */
  readonly entry: number;
  /** Inner nodes: bytes of the largest gap below; leaves: of this slot if it is NULL. */
  readonly gap: number;
}

/** All VMAs of a moment, a column a field; row numbers are indices. */
export interface Columns {
  readonly count: number;
  readonly vma: Uint32Array;
  readonly start: Float64Array;
  readonly end: Float64Array;
  readonly flags: Float64Array;
  readonly pgoff: Float64Array;
  readonly file: Uint32Array;
  readonly anonVma: Uint32Array;
  readonly anonName: Uint32Array;
}

/** The nodes of a moment, to be compared with those of another: equal hashes, equal words. */
export interface NodeHashes {
  /** In the order of a walk. */
  readonly addresses: readonly number[];
  readonly hashes: readonly number[];
}

export class ArenaReader {
  readonly #u32: Uint32Array;
  readonly #mm: number;

  /** @param mm byte address of the mm_struct: `mm.asRaw()` */
  constructor(memory: WebAssembly.Memory, mm: number) {
    this.#u32 = new Uint32Array(memory.buffer);
    this.#mm = mm;
  }

  /** Byte address of the first chunk: all before it is header and seats. */
  get chunksStart(): number {
    return this.#at(ArenaHeader.CHUNKS);
  }

  /** All VMAs. @param count how many there are: `mm.stat().mapCount` */
  vmas(count: number): Columns {
    const vma = new Uint32Array(count);
    let found = 0;
    for (const { word } of this.#roots()) found = this.#collectVmas(word, vma, found);
    return columnsOf(this.#u32, vma.subarray(0, found));
  }

  /** The root of each region that holds something. */
  roots(): TreeNode[] {
    return this.#roots().map(({ word, start }) => this.node(word, start, start + REGION_BYTES));
  }

  /** The node behind a word that was read at this moment. */
  node(word: number, start: number, end: number): TreeNode {
    const address = nodeOf(word);
    const depth = word & DEPTH_MASK;
    const slots: TreeSlot[] = [];
    for (let i = 0; i < ArenaNode.SLOTS; i++) {
      const at = this.#at(address + ArenaNode.STARTS + i * 4);
      if (at === ArenaNode.UNUSED) break;
      const next =
        i + 1 < ArenaNode.SLOTS
          ? this.#at(address + ArenaNode.STARTS + (i + 1) * 4)
          : ArenaNode.UNUSED;
      const from = start + at * PAGE_BYTES;
      const to = next === ArenaNode.UNUSED ? end : Math.min(end, start + next * PAGE_BYTES);
      const entry = this.#at(address + ArenaNode.ENTRIES + i * 4);
      const inner = depth > 1;
      const gap = inner
        ? this.#at(address + ArenaNode.GAPS + i * 4) * PAGE_BYTES
        : entry === 0
          ? to - from
          : 0;
      slots.push({ start: from, end: to, entry, gap });
    }
    return { address, depth, start, end, slots };
  }

  /** A hash of each node's words. */
  nodeHashes(): NodeHashes {
    const nodes = { addresses: [] as number[], hashes: [] as number[] };
    for (const { word } of this.#roots()) this.#hash(word, nodes);
    return nodes;
  }

  #hash(word: number, nodes: { addresses: number[]; hashes: number[] }): void {
    const u32 = this.#u32;
    const inner = (word & DEPTH_MASK) > 1;
    const first = nodeOf(word) >>> 2;
    const end = first + (inner ? INNER_WORDS : LEAF_WORDS);
    let hash = FNV_BASIS;
    for (let at = first; at < end; at++) hash = Math.imul(hash ^ u32[at]!, FNV_PRIME);
    nodes.addresses.push(first * 4);
    nodes.hashes.push(hash);
    if (!inner) return;
    const entries = first + ENTRIES;
    for (let i = 0; i < SLOTS && u32[first + i] !== UNUSED; i++) {
      const child = u32[entries + i]!;
      if (child !== 0) this.#hash(child, nodes);
    }
  }

  #roots(): { word: number; start: number }[] {
    const table = this.#at(this.#mm + ArenaMm.TABLE);
    const regions = this.#at(this.#mm + ArenaMm.REGIONS);
    const roots = [];
    for (let r = 0; r < regions; r++) {
      const word = this.#at(table + r * 4);
      if (word !== 0) roots.push({ word, start: r * REGION_BYTES });
    }
    return roots;
  }

  /** Appends the VMAs below a node to `vmas`; how many there are then. */
  #collectVmas(word: number, vmas: Uint32Array, found: number): number {
    const u32 = this.#u32;
    const leaf = (word & DEPTH_MASK) === 1;
    const starts = nodeOf(word) >>> 2;
    const entries = starts + ENTRIES;
    let count = found;
    for (let i = 0; i < SLOTS && u32[starts + i] !== UNUSED; i++) {
      const entry = u32[entries + i]!;
      if (entry === 0) continue;
      if (!leaf) count = this.#collectVmas(entry, vmas, count);
      // A VMA that crosses the border of a region stands in a leaf on either side.
      else if (count === 0 || vmas[count - 1] !== entry) vmas[count++] = entry;
    }
    return count;
  }

  #at(address: number): number {
    return this.#u32[address >>> 2]!;
  }
}

const SLOTS: number = ArenaNode.SLOTS;
const UNUSED: number = ArenaNode.UNUSED;
const DEPTH_MASK: number = ArenaNode.DEPTH_MASK;
const ENTRIES = ArenaNode.ENTRIES / 4;
const LEAF_WORDS = ArenaNode.GAPS / 4;
const INNER_WORDS = LEAF_WORDS + SLOTS;
const REGION_BYTES = ArenaNode.REGION_PAGES * PAGE_BYTES;

function nodeOf(word: number): number {
  return (word & ~DEPTH_MASK) >>> 0;
}

// Words from the start of a record, as plain numbers: enums of another module are looked up.
const START = ArenaVma.START / 4;
const END = ArenaVma.END / 4;
const FLAGS = ArenaVma.FLAGS / 4;
const PGOFF = ArenaVma.PGOFF / 4;
const FILE = ArenaVma.FILE / 4;
const ANON_VMA = ArenaVma.ANON_VMA / 4;
const ANON_NAME = ArenaVma.ANON_NAME / 4;

/** Reads the records at `vma`: one pass, no calls, for this runs twice a frame. */
function columnsOf(u32: Uint32Array, vma: Uint32Array): Columns {
  const count = vma.length;
  const start = new Float64Array(count);
  const end = new Float64Array(count);
  const flags = new Float64Array(count);
  const pgoff = new Float64Array(count);
  const file = new Uint32Array(count);
  const anonVma = new Uint32Array(count);
  const anonName = new Uint32Array(count);
  for (let row = 0; row < count; row++) {
    const at = vma[row]! >>> 2;
    start[row] = u32[at + START]! + u32[at + START + 1]! * WORD;
    end[row] = u32[at + END]! + u32[at + END + 1]! * WORD;
    flags[row] = u32[at + FLAGS]! + u32[at + FLAGS + 1]! * WORD;
    pgoff[row] = u32[at + PGOFF]! + u32[at + PGOFF + 1]! * WORD;
    file[row] = u32[at + FILE]!;
    anonVma[row] = u32[at + ANON_VMA]!;
    anonName[row] = u32[at + ANON_NAME]!;
  }
  return { count, vma, start, end, flags, pgoff, file, anonVma, anonName };
}
