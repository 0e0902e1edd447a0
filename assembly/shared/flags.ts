// Numbers of the Linux x86-64 system call interface and of vm_flags, one home.
//
// Compiled by asc and by tsc; imports nothing. AssemblyScript enums are i32, so
// vm_flags (43 bits) are given as bit numbers: the core shifts a u64, TypeScript
// uses 2 ** bit. Sources: mmap(2), mremap(2), madvise(2), mlock(2), msync(2),
// Documentation/filesystems/proc.rst (VmFlags). Floor: shared.

/** mmap(2), mprotect(2): prot bits. */
export const enum ProtBit {
  NONE = 0,
  READ = 1,
  WRITE = 2,
  EXEC = 4,
  SEM = 8,
  GROWSDOWN = 0x01000000,
  GROWSUP = 0x02000000,
}

/** mmap(2): flags. */
export const enum MapFlag {
  SHARED = 0x01,
  PRIVATE = 0x02,
  SHARED_VALIDATE = 0x03,
  DROPPABLE = 0x08,
  TYPE_MASK = 0x0f,
  FIXED = 0x10,
  ANONYMOUS = 0x20,
  MAP_32BIT = 0x40,
  ABOVE4G = 0x80,
  GROWSDOWN = 0x100,
  DENYWRITE = 0x800,
  EXECUTABLE = 0x1000,
  LOCKED = 0x2000,
  NORESERVE = 0x4000,
  POPULATE = 0x8000,
  NONBLOCK = 0x10000,
  STACK = 0x20000,
  HUGETLB = 0x40000,
  SYNC = 0x80000,
  FIXED_NOREPLACE = 0x100000,
  UNINITIALIZED = 0x4000000,
  HUGE_SHIFT = 26,
  HUGE_MASK = 0x3f,
  /** Known before MAP_SHARED_VALIDATE: with it, any other is EOPNOTSUPP (R-MAP 18). */
  LEGACY_MASK = SHARED |
    PRIVATE |
    FIXED |
    ANONYMOUS |
    DENYWRITE |
    EXECUTABLE |
    UNINITIALIZED |
    GROWSDOWN |
    LOCKED |
    NORESERVE |
    POPULATE |
    NONBLOCK |
    STACK |
    HUGETLB |
    MAP_32BIT |
    ABOVE4G |
    (HUGE_MASK << HUGE_SHIFT),
}

/** mremap(2): flags. */
export const enum MremapFlag {
  MAYMOVE = 1,
  FIXED = 2,
  DONTUNMAP = 4,
}

/** madvise(2): advice. */
export const enum Advice {
  NORMAL = 0,
  RANDOM = 1,
  SEQUENTIAL = 2,
  WILLNEED = 3,
  DONTNEED = 4,
  FREE = 8,
  REMOVE = 9,
  DONTFORK = 10,
  DOFORK = 11,
  MERGEABLE = 12,
  UNMERGEABLE = 13,
  HUGEPAGE = 14,
  NOHUGEPAGE = 15,
  DONTDUMP = 16,
  DODUMP = 17,
  WIPEONFORK = 18,
  KEEPONFORK = 19,
  COLD = 20,
  PAGEOUT = 21,
  POPULATE_READ = 22,
  POPULATE_WRITE = 23,
  DONTNEED_LOCKED = 24,
  COLLAPSE = 25,
  HWPOISON = 100,
  SOFT_OFFLINE = 101,
  GUARD_INSTALL = 102,
  GUARD_REMOVE = 103,
}

/** mlock2(2) and mlockall(2): flags. */
export const enum MlockFlag {
  ONFAULT = 1,
  ALL_CURRENT = 1,
  ALL_FUTURE = 2,
  ALL_ONFAULT = 4,
}

/** msync(2): flags. */
export const enum MsyncFlag {
  ASYNC = 1,
  INVALIDATE = 2,
  SYNC = 4,
}

/** vm_flags, as bit numbers (x86-64, Linux 6.18). */
export const enum VmBit {
  READ = 0,
  WRITE = 1,
  EXEC = 2,
  SHARED = 3,
  MAYREAD = 4,
  MAYWRITE = 5,
  MAYEXEC = 6,
  MAYSHARE = 7,
  GROWSDOWN = 8,
  UFFD_MISSING = 9,
  PFNMAP = 10,
  MAYBE_GUARD = 11,
  UFFD_WP = 12,
  LOCKED = 13,
  IO = 14,
  SEQ_READ = 15,
  RAND_READ = 16,
  DONTCOPY = 17,
  DONTEXPAND = 18,
  LOCKONFAULT = 19,
  ACCOUNT = 20,
  NORESERVE = 21,
  HUGETLB = 22,
  SYNC = 23,
  ARCH_1 = 24,
  WIPEONFORK = 25,
  DONTDUMP = 26,
  SOFTDIRTY = 27,
  MIXEDMAP = 28,
  HUGEPAGE = 29,
  NOHUGEPAGE = 30,
  MERGEABLE = 31,
  SHADOW_STACK = 37,
  DROPPABLE = 40,
  UFFD_MINOR = 41,
  SEALED = 42,
}

/** What a FileRef can do; `FileOptions` of the facade in one word. */
export const enum FileFlag {
  READABLE = 1,
  WRITABLE = 2,
  APPEND = 4,
  /** Swap file in use: shared writable maps are ETXTBSY. */
  SWAPFILE = 8,
  /** Mount is noexec. */
  NOEXEC = 16,
  /** Directory, pipe, socket: no mmap operation (ENODEV). */
  NO_MMAP = 32,
  /** F_SEAL_WRITE or F_SEAL_FUTURE_WRITE. */
  SEAL_WRITE = 64,
  /** tmpfs, memfd or shared anonymous: no huge page alignment. */
  SHMEM = 128,
  /** File system aligns large mappings for huge pages (ext4, xfs, btrfs). */
  THP_ALIGNED = 256,
  /** /dev/zero: private maps are anonymous memory that keeps its file. */
  DEV_ZERO = 512,
  /** hugetlbfs. */
  HUGETLB = 1024,
  /** Made by the core for MAP_SHARED|MAP_ANONYMOUS. */
  SHARED_ANON = 2048,
  /** Name of a special mapping ([vdso], [vvar], ...), not a file: no dev, inode or offset shown. */
  SPECIAL = 4096,
  /** The file was unlinked: maps shows ` (deleted)`. */
  DELETED = 8192,
  /** The file system knows the MAP_SYNC flag but this file cannot do it (ext4 without DAX). */
  SYNC_LATE = 16384,
  /** Size is unknown: no access is beyond its end. */
  SIZE_UNKNOWN = 32768,
  /** Its kind has operations: mmap of it runs a hook. */
  HOOKED = 65536,
}
