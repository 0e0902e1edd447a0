// Where a tool finds VMAs and maple nodes among the arena's bytes: for readers that draw them.
//
// Read only, and only while no worker changes the space. These are the numbers of
// base/layout.ts (asserted there), for whoever cannot import the core: byte offsets.
// Imports nothing. Floor: shared.

export const enum ArenaHeader {
  /** u32: byte address of the first chunk. */
  CHUNKS = 92,
}

export const enum ArenaMm {
  /** u32: byte address of the table of root words; u32: how many regions. */
  TABLE = 192,
  REGIONS = 196,
}

/** A node word: the node's byte address, and in the low bits its depth; 0 is NULL. */
export const enum ArenaNode {
  /** Depth 1 is a leaf: its entries are VMAs. */
  DEPTH_MASK = 63,
  SLOTS = 16,
  /** i32 each: pages from the node's own low bound; UNUSED ends the list. */
  STARTS = 0,
  /** u32 each: VMA or node word; 0 is NULL. */
  ENTRIES = 64,
  /** i32 each, inner nodes only: the largest gap below that slot, but for the region's last; pages. */
  GAPS = 128,
  UNUSED = 0x7fffffff,
  /** Pages of a region: what a root covers. */
  REGION_PAGES = 0x40000000,
}

export const enum ArenaVma {
  /** u64 each, little-endian. START and END in bytes, PGOFF in pages. */
  START = 16,
  END = 24,
  FLAGS = 32,
  PGOFF = 40,
  FILE = 48,
  ANON_VMA = 52,
  ANON_NAME = 56,
}
