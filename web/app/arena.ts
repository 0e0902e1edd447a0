// Reads VMAs and maple nodes straight from the wasm memory: nothing is called, nothing stored.
//
// Good only on the page's own engine, which no other thread shares: nobody edits a node
// while it is read. The offsets are assembly/shared/arena.ts.

import { ArenaHeader, ArenaMm, ArenaNode, ArenaVma } from "../../assembly/shared/arena.js";

const PAGE_BYTES = 4096;
const WORD = 2 ** 32;

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

/** Columns that grow as leaves are read. */
class Columns {
  count = 0;
  constructor(
    readonly capacity: number,
    readonly vma = new Uint32Array(capacity),
    readonly start = new Float64Array(capacity),
    readonly end = new Float64Array(capacity),
    readonly flags = new Float64Array(capacity),
    readonly pgoff = new Float64Array(capacity),
    readonly file = new Uint32Array(capacity),
    readonly anonVma = new Uint32Array(capacity),
    readonly anonName = new Uint32Array(capacity),
  ) {}
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

  /** All VMAs, in columns. @param count how many there are: `mm.stat().mapCount` */
  vmas(count: number): Columns {
    const columns = new Columns(count);
    for (const root of this.#roots()) this.#readVmas(root.word, columns);
    return columns;
  }

  /** The root of each region that holds something. */
  roots(): TreeNode[] {
    return this.#roots().map(({ word, start }) => this.node(word, start, start + REGION_BYTES));
  }

  /** The node behind a word that was read at this moment. */
  node(word: number, start: number, end: number): TreeNode {
    const address = nodeOf(word);
    const depth = word & ArenaNode.DEPTH_MASK;
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

  /** The words of every node, keyed by its address: equal words mean an unchanged node. */
  nodeWords(): Map<number, Uint32Array> {
    const words = new Map<number, Uint32Array>();
    for (const { word } of this.#roots()) this.#collect(word, words);
    return words;
  }

  #collect(word: number, words: Map<number, Uint32Array>): void {
    const address = nodeOf(word);
    const inner = (word & ArenaNode.DEPTH_MASK) > 1;
    const bytes = inner ? ArenaNode.GAPS + ArenaNode.SLOTS * 4 : ArenaNode.GAPS;
    words.set(address, this.#u32.slice(address >>> 2, (address + bytes) >>> 2));
    if (!inner) return;
    for (let i = 0; i < ArenaNode.SLOTS; i++) {
      if (this.#at(address + ArenaNode.STARTS + i * 4) === ArenaNode.UNUSED) break;
      const child = this.#at(address + ArenaNode.ENTRIES + i * 4);
      if (child !== 0) this.#collect(child, words);
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

  #readVmas(word: number, columns: Columns): void {
    const u32 = this.#u32;
    const starts = (nodeOf(word) + ArenaNode.STARTS) >>> 2;
    const entries = (nodeOf(word) + ArenaNode.ENTRIES) >>> 2;
    const leaf = (word & ArenaNode.DEPTH_MASK) === 1;
    for (let i = 0; i < ArenaNode.SLOTS && u32[starts + i] !== ArenaNode.UNUSED; i++) {
      const entry = u32[entries + i]!;
      if (entry === 0) continue;
      if (leaf) this.#readVma(entry, columns);
      else this.#readVmas(entry, columns);
    }
  }

  #readVma(vma: number, columns: Columns): void {
    const row = columns.count;
    // A VMA that crosses the border of a region stands in a leaf on either side.
    if (row > 0 && columns.vma[row - 1] === vma) return;
    if (row === columns.capacity) throw new RangeError(`more than ${row} VMAs in the tree`);
    columns.vma[row] = vma;
    columns.start[row] = this.#wide(vma + ArenaVma.START);
    columns.end[row] = this.#wide(vma + ArenaVma.END);
    columns.flags[row] = this.#wide(vma + ArenaVma.FLAGS);
    columns.pgoff[row] = this.#wide(vma + ArenaVma.PGOFF);
    columns.file[row] = this.#at(vma + ArenaVma.FILE);
    columns.anonVma[row] = this.#at(vma + ArenaVma.ANON_VMA);
    columns.anonName[row] = this.#at(vma + ArenaVma.ANON_NAME);
    columns.count++;
  }

  #at(address: number): number {
    return this.#u32[address >>> 2]!;
  }

  #wide(address: number): number {
    return this.#u32[address >>> 2]! + this.#u32[(address >>> 2) + 1]! * WORD;
  }
}

const REGION_BYTES = ArenaNode.REGION_PAGES * PAGE_BYTES;

function nodeOf(word: number): number {
  return (word & ~ArenaNode.DEPTH_MASK) >>> 0;
}
