// The wall between the core and the facade: versions, indices of argument
// blocks in a worker's scratch area, result codes. Compiled by asc and by tsc;
// imports nothing. Floor: shared.
//
// How a result rides back
//   i32 / f64 >= 0   success (an address, a handle, a count)
//   < 0              -errno (Errno), or -Abi.WOULD_BLOCK: the call would have had
//                    to wait on a thread that must not; nothing was changed.

export const enum Abi {
  /** Layout of the shared arena; attach refuses any other. */
  LAYOUT_VERSION = 6,
  MAGIC = 0x4c504d56,
  /** Byte addresses of the header words that a reader may check before attaching. */
  HEADER = 64,
  HEADER_MAGIC = 64,
  HEADER_VERSION = 68,
  HEADER_BYTES = 72,
  /** How long a wait for a lock lasts before the waiter looks whether somebody is known to be dead. */
  LOOK_MS = 100,
  /** Bytes of a worker's scratch area. */
  SCRATCH_BYTES = 16384,
  /** Addresses one look-up batch holds: 8 bytes in, 4 bytes out each. */
  BATCH = 1024,
  /** Not an errno (ERESTARTSYS is never seen by users): see the head of this file. */
  WOULD_BLOCK = 512,
  /** mmap of a file with operations: only the facade can run them (mmap_begin); nothing was changed. */
  NEEDS_HOOK = 513,
  /** mmap: `file` argument of a call without a file. */
  NO_FILE = 0,
  /** mmap: `file` argument that stands for a bad descriptor (EBADF). */
  BAD_FILE = 0xffffffff,
}

/** mm_create: f64 words at the start of scratch. Sizes in bytes; -1 is unlimited. */
export const enum MmArg {
  PAGE_SHIFT = 0,
  TASK_SIZE = 1,
  MMAP_BASE = 2,
  MMAP_MIN_ADDR = 3,
  /** 0 top-down, 1 bottom-up. */
  BOTTOM_UP = 4,
  STACK_GUARD_GAP_PAGES = 5,
  MAX_MAP_COUNT = 6,
  START_BRK = 7,
  /** 0 heuristic, 1 always, 2 never. */
  OVERCOMMIT = 8,
  /** 0 never, 1 madvise, 2 always. */
  THP = 9,
  RLIMIT_AS = 10,
  RLIMIT_DATA = 11,
  RLIMIT_MEMLOCK = 12,
  RLIMIT_STACK = 13,
  CAP_IPC_LOCK = 14,
  CAP_SYS_RAWIO = 15,
  /** Pages the overcommit heuristic takes as RAM plus swap. */
  TOTALRAM_PAGES = 16,
  LEGACY_BASE = 17,
  COUNT = 18,
}

/** mm_limit_set: which limit. */
export const enum Limit {
  AS = 0,
  DATA = 1,
  MEMLOCK = 2,
  STACK = 3,
}

/** mm_flags_set: settings of prctl(2) and personality(2). */
export const enum MmFlag {
  /** PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN. */
  MDWE = 1,
  /** PR_MDWE_NO_INHERIT: a fork's child has neither. */
  MDWE_NO_INHERIT = 2,
  /** personality(READ_IMPLIES_EXEC). */
  READ_IMPLIES_EXEC = 4,
  /** A kernel without CONFIG_ANON_VMA_NAME: naming is EINVAL. */
  NO_VMA_NAMES = 8,
  /** A worker died changing the space, and that could not be undone: every call answers EOWNERDEAD. */
  DEAD = 16,
}

/** worker_reap: u32 words written to scratch. */
export const enum Reap {
  VMA_LOCKS = 0,
  MMAP_READS = 1,
  /** Write locks: the space is as before the call, or after it. */
  MMAP_WRITES = 2,
  /** Spaces marked dead. */
  DEAD_MMS = 3,
  /** The first of them, 0 none. */
  FIRST_DEAD = 4,
  /** 1: it died in the middle of a call that was undone. */
  UNDONE = 5,
  /** References that it held, or had sent and nobody had received. */
  REFERENCES = 6,
  COUNT = 7,
}

/** What a reference is to, and which of an mm's counts it is counted in. */
export const enum Ref {
  USERS = 0,
  COUNT = 1,
  FILE = 2,
  PAGE = 3,
}

/** What a lockdep complaint is about (verify builds). */
export const enum LockdepRule {
  /** The worker holds that mmap lock itself. */
  RECURSION = 1,
  /** It holds a VMA lock. */
  VMA_HELD = 2,
  /** It holds another mmap lock, and somebody has waited for that while holding this one. */
  ORDER = 3,
}

/** lockdep_report: u32 words written to scratch. */
export const enum Lockdep {
  RULE = 0,
  /** The lock, or VMA, held, and where it was taken. */
  HELD = 1,
  HELD_SITE = 2,
  /** The lock wanted, 0 none: the worker goes. */
  WANTED = 3,
  WANTED_SITE = 4,
  /** ORDER: who did it the other way round, and where. */
  OTHER_SEAT = 5,
  OTHER_SITE = 6,
  WORDS = 7,
}

/** mm_stat: which number. Pages unless said otherwise. */
export const enum MmStat {
  MAP_COUNT = 0,
  TOTAL_VM = 1,
  DATA_VM = 2,
  EXEC_VM = 3,
  STACK_VM = 4,
  LOCKED_VM = 5,
  /** Bytes. */
  START_BRK = 6,
  /** Bytes. */
  BRK = 7,
  /** Bytes. */
  MMAP_BASE = 8,
  /** Bytes. */
  TASK_SIZE = 9,
  PAGE_SHIFT = 10,
  /** mm_lock_seq: odd while write-locked. */
  SEQUENCE = 11,
  USERS = 12,
  COUNT = 13,
  COMMIT = 14,
  DEF_FLAGS = 15,
  /** Bytes: end_data - start_data, added to the heap against RLIMIT_DATA. */
  DATA_SEGMENT = 16,
  /** Bytes: the address of the first stack argument; names the [stack] VMA. */
  START_STACK = 17,
  /** MmFlag bits. */
  FLAGS = 18,
}

/** vma_read / peek: f64 words written at `out`. */
export const enum VmaOut {
  START = 0,
  END = 1,
  FLAGS = 2,
  /** Pages. */
  PGOFF = 3,
  FILE = 4,
  ANON_VMA = 5,
  ANON_NAME = 6,
  COUNT = 7,
}

/** file_create: f64 words at the start of scratch; the name's UTF-8 bytes follow at NAME_OFFSET. */
export const enum FileArg {
  FLAGS = 0,
  DEV_MAJOR = 1,
  DEV_MINOR = 2,
  INODE = 3,
  /** Bytes; see FileFlag.SIZE_UNKNOWN. */
  SIZE = 4,
  NAME_LENGTH = 5,
  /** Of the kind's name, whose bytes follow the file's name; 0 without operations. */
  KIND_LENGTH = 6,
  /** hugetlbfs: log2 of a page's bytes. */
  HUGE_SHIFT = 7,
  COUNT = 8,
  NAME_OFFSET = 64,
  NAME_MAX = 4096,
  KIND_MAX = 64,
}

/** handle_mm_fault: access. */
export const enum Access {
  READ = 0,
  WRITE = 1,
  EXEC = 2,
}

/** handle_mm_fault: result = outcome | how. */
export const enum Fault {
  OK = 0,
  SEGV_MAPERR = 1,
  SEGV_ACCERR = 2,
  BUS_ADRERR = 3,
  OUTCOME_MASK = 15,
  /** Served under the mmap lock; without it, under a per-VMA lock. */
  VIA_MMAP_LOCK = 16,
  /** The stack was grown. */
  GREW_STACK = 32,
}

/** worker_counter: what a seat counts since it was taken. */
export const enum Counter {
  VMA_LOCK_SUCCESS = 0,
  /** Gave up: write-locked, contended or retries spent. */
  VMA_LOCK_ABORT = 1,
  VMA_LOCK_RETRY = 2,
  /** Nothing mapped at the address. */
  VMA_LOCK_MISS = 3,
  MMAP_LOCK_READ = 4,
  MMAP_LOCK_READ_CONTENDED = 5,
  MMAP_LOCK_WRITE = 6,
  MMAP_LOCK_WRITE_CONTENDED = 7,
  FAULT = 8,
  FAULT_VMA_LOCK = 9,
  FAULT_MMAP_LOCK = 10,
  PEEK_RETRY = 11,
  COUNT = 12,
}

/** Kinds of objects in the arena, for slab_stat and live bytes. */
export const enum SlabKind {
  /** Maple leaf node. */
  LEAF = 0,
  /** Maple internal node. */
  INNER = 1,
  VMA = 2,
  MM = 3,
  FILE = 4,
  /** Pieces of file and VMA names. */
  NAME = 5,
  /** Region tables of address spaces above 2^47 bytes, and page tables. */
  TABLE = 6,
  /** Journals of calls too large for a seat's own. */
  LOG = 7,
  /** Pages put into mappings. */
  PAGE = 8,
  /** What a worker has references to, beyond what its seat has room for. */
  LEDGER = 9,
  /** References on their way to another worker. */
  FLIGHT = 10,
  COUNT = 11,
}

/** validate: result, 0 when sound; otherwise which invariant failed (see docs in validate files). */
export const enum Invariant {
  SOUND = 0,
  TREE_ORDER = 1,
  TREE_OCCUPANCY = 2,
  TREE_NULLS = 3,
  TREE_GAP = 4,
  TREE_DEPTH = 5,
  TREE_UNUSED_SLOT = 6,
  VMA_RANGE = 16,
  VMA_MM = 17,
  VMA_DETACHED = 18,
  VMA_ORDER = 19,
  VMA_SEQUENCE = 20,
  VMA_FLAGS = 21,
  MAP_COUNT = 32,
  TOTAL_VM = 33,
  DATA_VM = 34,
  EXEC_VM = 35,
  STACK_VM = 36,
  LOCKED_VM = 37,
  COMMIT = 38,
  LOCK_SEQUENCE = 39,
  REFCOUNT = 40,
  /** A page outside every VM_MIXEDMAP mapping. */
  PAGE_OUTSIDE = 41,
}
