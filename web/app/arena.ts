// Reads VMAs and maple nodes straight from the wasm memory: nothing is called, nothing stored.
//
// Good only on the page's own engine, which no other thread shares: nobody edits a node
// while it is read. The offsets are assembly/shared/arena.ts.

import { ArenaHeader, ArenaMm, ArenaNode, ArenaVma } from "../../assembly/shared/arena.js";
import type { Columns } from "./columns.js";

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

/** All nodes of a moment in the order of a walk, parents before children; a column a field. */
export interface Nodes {
  readonly count: number;
  readonly address: Uint32Array;
  /** Of the node's words: equal hashes, equal nodes. */
  readonly hash: Int32Array;
  /** 1 is a leaf. */
  readonly depth: Uint8Array;
  /** Slots in use, of 16. */
  readonly used: Uint8Array;
  /** Index of the parent; -1: a root. */
  readonly parent: Int32Array;
  /** Index behind the last node below: a leaf's own index + 1. */
  readonly next: Int32Array;
  /** Bytes; `[start, end)`, what the node covers. */
  readonly start: Float64Array;
  readonly end: Float64Array;
}

type Growing = { -readonly [Field in keyof Nodes]: Nodes[Field] };

/** Where VMAs are collected, and which. */
interface Wanted {
  readonly vmas: Uint32Array;
  readonly start: number;
  readonly end: number;
  /** Index of the first one collected. */
  readonly first: number;
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

  /**
   * Writes the addresses of the VMAs that overlap `[start, end)` into `vmas`, from index `at` on.
   *
   * @returns the index behind the last
   */
  collectVmas(vmas: Uint32Array, at = 0, start = 0, end = Number.POSITIVE_INFINITY): number {
    let found = at;
    for (const root of this.#roots()) {
      if (root.start + REGION_BYTES <= start || root.start >= end) continue;
      found = this.#collect(root.word, root.start, { vmas, start, end, first: at }, found);
    }
    return found;
  }

  /** Reads the records at `columns.vma`, rows `from` to `to`: no calls, for this runs in a frame. */
  readRows(columns: Columns, from = 0, to = columns.count): void {
    const u32 = this.#u32;
    const { vma, start, end, flags, pgoff, file, anonVma, anonName } = columns;
    for (let row = from; row < to; row++) {
      const at = vma[row]! >>> 2;
      start[row] = u32[at + START]! + u32[at + START + 1]! * WORD;
      end[row] = u32[at + END]! + u32[at + END + 1]! * WORD;
      flags[row] = u32[at + FLAGS]! + u32[at + FLAGS + 1]! * WORD;
      pgoff[row] = u32[at + PGOFF]! + u32[at + PGOFF + 1]! * WORD;
      file[row] = u32[at + FILE]!;
      anonVma[row] = u32[at + ANON_VMA]!;
      anonName[row] = u32[at + ANON_NAME]!;
    }
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

  /** All nodes. @param capacity as many as there may be: more if it proves too few */
  nodes(capacity: number): Nodes {
    const nodes = emptyNodes(capacity);
    for (const { word, start } of this.#roots()) {
      if (!this.#addNode(nodes, word, -1, start, start + REGION_BYTES)) {
        return this.nodes(capacity * 2);
      }
    }
    return nodes;
  }

  /** Appends a node and all below it; false: there is no room. */
  #addNode(nodes: Growing, word: number, parent: number, start: number, end: number): boolean {
    const index = nodes.count;
    if (index === nodes.address.length) return false;
    const u32 = this.#u32;
    const inner = (word & DEPTH_MASK) > 1;
    const first = nodeOf(word) >>> 2;
    const words = first + (inner ? INNER_WORDS : LEAF_WORDS);
    let hash = FNV_BASIS;
    for (let at = first; at < words; at++) hash = Math.imul(hash ^ u32[at]!, FNV_PRIME);
    let used = 0;
    while (used < SLOTS && u32[first + used] !== UNUSED) used++;
    nodes.count++;
    nodes.address[index] = first * 4;
    nodes.hash[index] = hash;
    nodes.depth[index] = word & DEPTH_MASK;
    nodes.used[index] = used;
    nodes.parent[index] = parent;
    nodes.start[index] = start;
    nodes.end[index] = end;
    for (let i = 0; inner && i < used; i++) {
      const child = u32[first + ENTRIES + i]!;
      if (child === 0) continue;
      const from = start + u32[first + i]! * PAGE_BYTES;
      const to = i + 1 < used ? start + u32[first + i + 1]! * PAGE_BYTES : end;
      if (!this.#addNode(nodes, child, index, from, Math.min(end, to))) return false;
    }
    nodes.next[index] = nodes.count;
    return true;
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

  /** Appends the VMAs below a node; how many there are then. */
  #collect(word: number, low: number, wanted: Wanted, found: number): number {
    const u32 = this.#u32;
    const { vmas, start, end, first } = wanted;
    const leaf = (word & DEPTH_MASK) === 1;
    const starts = nodeOf(word) >>> 2;
    const entries = starts + ENTRIES;
    let count = found;
    for (let i = 0; i < SLOTS && u32[starts + i] !== UNUSED; i++) {
      const entry = u32[entries + i]!;
      if (entry === 0) continue;
      const from = low + u32[starts + i]! * PAGE_BYTES;
      if (from >= end) break;
      const next = i + 1 < SLOTS ? u32[starts + i + 1]! : UNUSED;
      if (next !== UNUSED && low + next * PAGE_BYTES <= start) continue;
      if (!leaf) count = this.#collect(entry, from, wanted, count);
      // A VMA that crosses the border of a region stands in a leaf on either side.
      else if (count === first || vmas[count - 1] !== entry) vmas[count++] = entry;
    }
    return count;
  }

  #at(address: number): number {
    return this.#u32[address >>> 2]!;
  }
}

/** Of every node. */
export const SLOTS: number = ArenaNode.SLOTS;
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

function emptyNodes(capacity: number): Growing {
  return {
    count: 0,
    address: new Uint32Array(capacity),
    hash: new Int32Array(capacity),
    depth: new Uint8Array(capacity),
    used: new Uint8Array(capacity),
    parent: new Int32Array(capacity),
    next: new Int32Array(capacity),
    start: new Float64Array(capacity),
    end: new Float64Array(capacity),
  };
}
