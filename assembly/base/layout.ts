// The memory map: every size, offset and alignment of the shared arena, one home.
//
//   0            null: never an object
//   64           header: magic, layout version, size; then one cache line a shared word
//   SEATS        one seat a worker: counters, magazines, cursors, scratch
//   CHUNK_KINDS  one byte a chunk: which slab owns it (SlabKind + 1, 0 unused)
//   CHUNKS       chunks of 16 KiB, each given to one slab for ever (type-stable)
//   end          memory size; the memory never grows
//
// Invariants
//   L1  everything is an offset from zero; no offset is below HEADER.
//   L2  a chunk, once given to a slab, never serves another kind: a reader with a
//       stale pointer finds an object of the kind it expects.
//   L3  words that several workers write stand in cache lines of their own.
//
// Floor: base. Imports: shared.

import { Abi, Reap, SlabKind, VmaOut } from "../shared/abi";
import { ArenaHeader, ArenaMm, ArenaNode, ArenaVma } from "../shared/arena";

/** Bytes of a cache line on the machines we know (x86-64, most arm64). */
export const enum Line {
  SIZE = 64,
}

/** Header words. Each that changes while workers run has its own line (L3). */
export const enum Header {
  MAGIC = 64,
  VERSION = 68,
  BYTES = 72,
  MAX_WORKERS = 76,
  FLAGS = 80,
  SEATS = 84,
  CHUNK_KINDS = 88,
  CHUNKS = 92,
  CHUNK_COUNT = 96,
  /** One more than the highest seat ever taken: where a search of the seats ends. */
  SEAT_HIGH = 160,
  /** u64: next chunk never given out, low; who claimed the last one, high (sync/announce.ts). */
  CHUNK_NEXT = 128,
  /** Next anon_vma identity. */
  ANON_VMA_NEXT = 192,
  /** Next inode of a shared anonymous object. */
  INODE_NEXT = 196,
  /** Verify builds: mms made so far (sync/lockdep.ts). */
  LOCKDEP_BIRTH = 200,
  /** One line a slab: u64 depot = mark << 32 | first free object. */
  DEPOTS = 320,
  END = 1024,
}
if (<i32>Header.MAGIC != <i32>Abi.HEADER_MAGIC || <i32>Header.VERSION != <i32>Abi.HEADER_VERSION)
  ERROR("header words");
if (Header.DEPOTS + SlabKind.COUNT * Line.SIZE > Header.END) ERROR("depots fit the header");

export const enum EngineFlag {
  PER_VMA_LOCK = 1,
  SHARED = 2,
}

/** Chunks are what slabs get. */
export const enum Chunk {
  SHIFT = 14,
  SIZE = 16384,
}

/** One worker's seat. Only its worker writes it, except STATE and ACKED. */
export const enum Seat {
  STATE = 0,
  /** 1 if this worker's thread may block in memory.atomic.wait. */
  MAY_BLOCK = 4,
  /** Verify build: fail the slab reservation when this reaches zero; 0 is off. */
  FAIL_AFTER = 8,
  /** What the last wait answered (sync/atomics.ts says why it is stored). */
  WAIT_RESULT = 12,
  /** The mm whose counters this call has logged, 0 none (mm/change.ts). */
  CHANGING = 16,
  /** 1 if a magazine may be above Magazine.HIGH. */
  OVERFULL = 20,
  /** +1 each time the seat is left, or reaped: tells one worker in it from the next. */
  GENERATION = 24,
  /** This seat's number + 1, in the bits of a mark (sync/announce.ts). */
  MARK = 28,
  /** The worker of this generation, counted from 1, is known to be dead (mm/liveness.ts). */
  DEAD = 32,
  /** The VMA that an mmap hook of this worker is making, 0 none (mm/making.ts). */
  MAKING = 40,
  COUNTERS = 64,
  /** One 16-byte record a slab kind: head, count, allocations, frees. */
  MAGAZINES = 192,
  /** The maple cursor's path (maple/cursor.ts). */
  CURSOR = 512,
  /** A record shaped like a VMA: the range that an operation is about to map (mm/merge.ts). */
  CANDIDATE = 2048,
  /** Three u32: what this worker waits for in a lock's queue (sync/rwlock.ts). */
  TICKET = 2112,
  /** A line: the announced change (sync/announce.ts). */
  OP_WHAT = 2176,
  OP_WORD = 2180,
  OP_NUMBER = 2184,
  OP_A = 2188,
  OP_B = 2192,
  OP_C = 2196,
  /** Written by others: the number of a change of this worker's that they have built upon. */
  ACKED = 2200,
  /** A line: the journal (alloc/journal.ts). u64: tags in the current segment, the segment. */
  LOG_N = 2240,
  LOG_SEGMENT = 2244,
  /** Where the segment's images begin. */
  LOG_IMAGES = 2248,
  /** LogState. */
  LOG_STATE = 2252,
  /** u64, while COMMITTED: the tag that is being seen to, its segment. */
  LOG_DONE = 2256,
  LOG_DONE_SEGMENT = 2260,
  /** 1 once the call has put off something until its end. */
  LOG_DEFERRED = 2264,
  /** 1 once something could not be logged: the call cannot be undone. */
  LOG_LOST = 2268,
  /** A line: Hold.SLOTS VMAs that this worker has read-locked, or is about to (sync/holds.ts). */
  VMA_HOLDS = 1792,
  /** In the same line: +1 when a hold was given up that somebody waited for; that somebody waits. */
  RELEASES = 1824,
  WAITED = 1828,
  /** A line: Hold.SLOTS pairs (lock, ticket) that this worker reads, or queues to read. */
  LOCK_HOLDS = 1856,
  /** Verify builds: where locks were taken (sync/lockdep.ts). */
  LOCKDEP = 2304,
  /** What this worker has references to (alloc/ledger.ts). */
  LEDGER = 2560,
  /** Reap words of the last worker that was reaped here; which generation that was, from 1. */
  REPORT = 3968,
  REPORT_OF = 4032,
  /** Result and argument area, Abi.SCRATCH_BYTES. */
  SCRATCH = 4096,
  /** The journal's first segment. */
  LOG = 20480,
  SIZE = 28672,
}
if (Seat.REPORT + Reap.COUNT * 4 > <i32>Seat.REPORT_OF) ERROR("a report fits");
if (Seat.SCRATCH + Abi.SCRATCH_BYTES != Seat.LOG) ERROR("the journal follows scratch");

/** A record of the ledger: the next one, seven words, and behind each word's place its number. */
export const enum Ledger {
  /** Records in the seat, chosen by a hash; the shift leaves that many numbers. */
  BUCKETS = 16,
  HASH_SHIFT = 28,
  NEXT = 0,
  /** From a word to its number. */
  NUMBER = 32,
  SIZE = 64,
}
if (1 << (32 - Ledger.HASH_SHIFT) != <i32>Ledger.BUCKETS) ERROR("a bucket each hash");
if (Seat.LEDGER + Ledger.BUCKETS * Ledger.SIZE > <i32>Seat.REPORT)
  ERROR("the ledger fits the seat");

/** A reference on its way to another worker (mm/flight.ts). */
export const enum Flight {
  /** u64: mark of who changed it last, high; which journey and how it stands, low. */
  CLAIM = 0,
  /** The reference: a ledger's word. */
  WHAT = 8,
  LINK = 12,
  SIZE = 64,
}

/** A segment of the journal: a header, tags from FIRST up, images from its end down. */
export const enum Log {
  /** The segment before, 0 none; how many tags that one has. */
  PREV = 0,
  PREV_N = 4,
  NEXT = 8,
  FIRST = 64,
  SEAT_BYTES = 8192,
  /** Further segments: one slab object, a chunk. */
  BYTES = 16384,
}
if (Seat.LOG + Log.SEAT_BYTES != Seat.SIZE) ERROR("the journal ends the seat");

export const enum LogState {
  /** What is logged is undone if the worker dies. */
  OPEN = 0,
  /** The call is done; what it has put off is finished if the worker dies. */
  COMMITTED = 1,
  /** Nothing is left to be done but to empty the journal. */
  FINISHED = 2,
}

export const enum SeatState {
  FREE = 0,
  TAKEN = 1,
  /** Its worker has died; somebody is giving up what it held. */
  REAPED = 2,
}

export const enum Magazine {
  HEAD = 0,
  COUNT = 4,
  /** Objects that ever came in from a depot or a chunk, less those that went to one. */
  TAKEN = 8,
  SIZE = 16,
  /** Objects moved between a magazine and the depot at once. */
  BATCH = 32,
  /** A magazine above this gives BATCH back. */
  HIGH = 96,
}
if (Seat.MAGAZINES + SlabKind.COUNT * Magazine.SIZE > Seat.CURSOR) ERROR("magazines fit");

/** What a worker holds for reading, kept in its seat. */
export const enum Hold {
  /** Of VMAs, and of mmap locks, that one worker may have at once. */
  SLOTS = 8,
  /** Bytes from one lock hold to the next: lock, ticket. */
  LOCK_STRIDE = 8,
  TICKET = 4,
  /** In a lock hold: queued. Locks are at least 8-byte aligned. */
  QUEUED = 1,
}
if (Seat.VMA_HOLDS + Hold.SLOTS * 4 > <i32>Seat.RELEASES) ERROR("holds fit their line");
if (Seat.LOCK_HOLDS + Hold.SLOTS * Hold.LOCK_STRIDE > <i32>Seat.CANDIDATE) ERROR("lock holds fit");

/** vm_area_struct: one cache line. The lock column names what a store needs. */
export const enum Vma {
  /** u64, atomic: vm_lock_seq, and the mm that it is attached to, if any (mm/vma_lock.ts). mmap W. */
  LIFE = 0,
  /** u32: owning mm. Before publication. */
  MM = 8,
  /** u32: free list link while the record is free. */
  LINK = 12,
  /** u64 bytes. mmap W + VMA W. */
  START = 16,
  /** u64 bytes, exclusive. mmap W + VMA W. */
  END = 24,
  /** u64. mmap W + VMA W. */
  FLAGS = 32,
  /** u64 pages; anonymous VMAs have one too (virtual page number). mmap W + VMA W. */
  PGOFF = 40,
  /** u32: file record, 0 none. Before publication. */
  FILE = 48,
  /** u32, atomic: identity | FORKED, 0 none. Set once under mmap R by compare-and-swap. */
  ANON_VMA = 52,
  /** u32: name record of PR_SET_VMA_ANON_NAME, 0 none. mmap W + VMA W. */
  ANON_NAME = 56,
  /** u32, always 0: a reader of four words from FILE on takes their top bits for 0. */
  NOTHING = 60,
  SIZE = 64,
  /** END is at most 2^LOG_MAX, FLAGS and PGOFF are below: peek makes f64 of them on that condition. */
  LOG_MAX = 52,
}
if (VmaOut.COUNT * 8 > Abi.SCRATCH_BYTES) ERROR("a VMA copy fits scratch");
if (Vma.END != Vma.START + 8 || VmaOut.END != VmaOut.START + 1) ERROR("peek copies these as one");
if (Vma.FILE % 16 != 0 || Vma.ANON_VMA != Vma.FILE + 4 || Vma.ANON_NAME != Vma.FILE + 8)
  ERROR("peek loads these as one");
if (VmaOut.ANON_VMA != VmaOut.FILE + 1) ERROR("peek stores these as one");

/** anon_vma word: identity in the low bits. */
export const enum AnonVma {
  NONE = 0,
  /** The chain is longer than one: inherited by fork. */
  FORKED = 0x40000000,
  ID_MASK = 0x3fffffff,
}

/** mm_struct. */
export const enum Mm {
  /** u64 counts (sync/refcount.ts). */
  USERS = 0,
  COUNT = 8,
  LINK = 16,
  /** Who tears the space down, or builds it: a seat; QUEUED: nobody yet; 0 neither. */
  TEARDOWN = 20,
  /** Line 1: the mmap lock (sync/rwlock.ts). */
  LOCK = 64,
  /** Line 2: u32 mm_lock_seq, odd while write-held. */
  LOCK_SEQ = 128,
  /** +1 before the shape of one of its trees changes (maple/cursor.ts). mmap W. */
  SHAPE = 132,
  /** Line 3: read-mostly. TREE = table address, number of regions (maple/tree.ts). */
  TREE = 192,
  PAGE_SHIFT = 200,
  BOTTOM_UP = 204,
  TASK_SIZE = 208,
  MMAP_BASE = 216,
  MMAP_MIN_ADDR = 224,
  LEGACY_BASE = 232,
  STACK_GUARD_GAP = 240,
  MAX_MAP_COUNT = 244,
  THP = 248,
  OVERCOMMIT = 252,
  /** Line 4: counters, pages, u64. mmap W. */
  MAP_COUNT = 256,
  CAPS = 260,
  TOTAL_VM = 264,
  DATA_VM = 272,
  EXEC_VM = 280,
  STACK_VM = 288,
  LOCKED_VM = 296,
  COMMIT = 304,
  BRK = 312,
  /** Line 5: limits. u64 bytes, u64.MAX_VALUE unlimited. mmap W. */
  DEF_FLAGS = 320,
  RLIMIT_AS = 328,
  RLIMIT_DATA = 336,
  RLIMIT_MEMLOCK = 344,
  RLIMIT_STACK = 352,
  TOTALRAM_PAGES = 360,
  START_BRK = 368,
  DATA_SEGMENT = 376,
  /** Line 6. GUARDS = the tree of guard pages (ops/guard.ts); GUARDED: 1 once there was one. */
  START_STACK = 384,
  GUARDS = 392,
  GUARDED = 400,
  /** MmFlag bits. mmap W. */
  FLAGS = 404,
  /** 1 once a VMA has crossed a region's border (ops/reserve.ts). mmap W. */
  CROSSED = 408,
  /** u32, atomic: top table of the pages put into mappings, 0 none yet (mm/pages.ts). */
  PAGES = 412,
  /** Root words of up to Region.INLINE regions; larger spaces have tables of their own. */
  INLINE_TABLE = 512,
  INLINE_GUARD_TABLE = 640,
  /** Verify builds: which locks were taken after this one (sync/lockdep.ts). */
  LOCKDEP = 768,
  SIZE = 1024,
}

export const enum Teardown {
  NONE = 0,
  QUEUED = 1,
}

export const enum Region {
  /** A region is 2^30 pages: the key inside one is a non-negative i32 and never the unused mark. */
  SHIFT = 30,
  PAGES = 1 << 30,
  MASK = (1 << 30) - 1,
  INLINE = 32,
  TABLE_MAX = 1024,
}
if (Mm.INLINE_TABLE + Region.INLINE * 4 > Mm.INLINE_GUARD_TABLE) ERROR("inline table fits");
if (Mm.INLINE_GUARD_TABLE + Region.INLINE * 4 > Mm.LOCKDEP) ERROR("inline guard table fits");

export const enum Cap {
  IPC_LOCK = 1,
  SYS_RAWIO = 2,
}

/** File record. */
export const enum File {
  /** u64 count (sync/refcount.ts). */
  REFS = 0,
  FLAGS = 8,
  DEV_MAJOR = 12,
  DEV_MINOR = 16,
  NAME = 20,
  INODE = 24,
  /** u64 bytes. */
  SIZE_BYTES = 32,
  NAME_LENGTH = 40,
  LINK = 44,
  /** Bytes of its kind's name, which follow those of its own; 0 without operations (mm/file.ts). */
  KIND_LENGTH = 48,
  /** hugetlbfs: log2 of a page's bytes. */
  HUGE_SHIFT = 52,
  SIZE = 64,
}

/** A page: nothing but its references. */
export const enum Page {
  /** u64 count (sync/refcount.ts). */
  REFS = 0,
  LINK = 8,
  /** What a journal's tag can name: multiples of 64. */
  SIZE = 64,
}

/** Tables of page numbers: LEVELS of them cover the largest task, 2^52 bytes of 4 KiB pages. */
export const enum PageTable {
  BITS = 10,
  ENTRIES = 1 << 10,
  MASK = (1 << 10) - 1,
  LEVELS = 4,
}
if (PageTable.ENTRIES > Region.TABLE_MAX) ERROR("a page table is a table");

/** A piece of a name: link, then bytes. */
export const enum Name {
  NEXT = 0,
  BYTES = 4,
  CAPACITY = 124,
  SIZE = 128,
}

/** A VMA name (prctl PR_SET_VMA): one piece. */
export const enum VmaName {
  LENGTH = 4,
  /** u64 count (sync/refcount.ts). */
  REFS = 8,
  BYTES = 16,
  /** R-NAME: at most 79 characters. */
  MAX = 79,
}
if (VmaName.BYTES + VmaName.MAX > Name.SIZE) ERROR("a VMA name fits a piece");

/** Maple nodes (maple/node.ts has the drawing). */
export const enum Node {
  SLOTS = 16,
  /** i32 starts, relative to the node's low bound; unused = UNUSED. */
  STARTS = 0,
  /** u32 entries or child nodes. */
  ENTRIES = 64,
  LEAF_SIZE = 128,
  /** Inner nodes only: u32 largest gap of each child, pages. */
  GAPS = 128,
  INNER_SIZE = 192,
  UNUSED = 0x7fffffff,
  /** Free list link: a start, so a stale reader sees an odd number, never a foreign pointer. */
  LINK = 60,
  DEPTH_MAX = 12,
  /** Words are shifted as vectors, which look at up to so many bytes behind the last slot (maple/node.ts). */
  OVERRUN = 64,
}

// What tools read of the arena (shared/arena.ts) stands where they look for it.
if (<i32>Header.CHUNKS != <i32>ArenaHeader.CHUNKS) ERROR("the first chunk");
if (<i32>Mm.TREE != <i32>ArenaMm.TABLE) ERROR("the table of roots");
if (<i32>Region.PAGES != <i32>ArenaNode.REGION_PAGES) ERROR("a region");
if (
  <i32>Node.SLOTS != <i32>ArenaNode.SLOTS ||
  <i32>Node.STARTS != <i32>ArenaNode.STARTS ||
  <i32>Node.ENTRIES != <i32>ArenaNode.ENTRIES ||
  <i32>Node.GAPS != <i32>ArenaNode.GAPS ||
  <i32>Node.UNUSED != <i32>ArenaNode.UNUSED
)
  ERROR("a node");
if (
  <i32>Vma.FILE != <i32>ArenaVma.FILE ||
  <i32>Vma.START != <i32>ArenaVma.START ||
  <i32>Vma.END != <i32>ArenaVma.END ||
  <i32>Vma.FLAGS != <i32>ArenaVma.FLAGS ||
  <i32>Vma.PGOFF != <i32>ArenaVma.PGOFF ||
  <i32>Vma.ANON_VMA != <i32>ArenaVma.ANON_VMA ||
  <i32>Vma.ANON_NAME != <i32>ArenaVma.ANON_NAME
)
  ERROR("a VMA");

/** Bytes of an object of `kind`. */
export function slab_object_size(kind: u32): u32 {
  if (kind == SlabKind.LEAF) return Node.LEAF_SIZE;
  if (kind == SlabKind.INNER) return Node.INNER_SIZE;
  if (kind == SlabKind.VMA) return Vma.SIZE;
  if (kind == SlabKind.MM) return Mm.SIZE;
  if (kind == SlabKind.FILE) return File.SIZE;
  if (kind == SlabKind.NAME) return Name.SIZE;
  if (kind == SlabKind.LOG) return Log.BYTES;
  if (kind == SlabKind.PAGE) return Page.SIZE;
  if (kind == SlabKind.LEDGER) return Ledger.SIZE;
  if (kind == SlabKind.FLIGHT) return Flight.SIZE;
  return Region.TABLE_MAX * 4;
}

/** Where a free object of `kind` keeps its link: a word no stale reader follows. */
export function slab_link_offset(kind: u32): u32 {
  if (kind == SlabKind.LEAF || kind == SlabKind.INNER) return Node.LINK;
  if (kind == SlabKind.VMA) return Vma.LINK;
  if (kind == SlabKind.MM) return Mm.LINK;
  if (kind == SlabKind.FILE) return File.LINK;
  if (kind == SlabKind.NAME) return Name.NEXT;
  if (kind == SlabKind.LOG) return Log.NEXT;
  if (kind == SlabKind.PAGE) return Page.LINK;
  if (kind == SlabKind.LEDGER) return Ledger.NEXT;
  if (kind == SlabKind.FLIGHT) return Flight.LINK;
  return (Region.TABLE_MAX - 1) * 4;
}
