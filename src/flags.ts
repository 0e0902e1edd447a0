// The flag words of the public API, with Linux's names and values.
//
// The numbers live in assembly/shared/flags.ts; here they become objects that exist
// at run time. vm_flags has 43 bits: JavaScript's bit operators see 32, so test with
// hasFlags. Floor: S0. Imports: shared.

import {
  Advice,
  MapFlag,
  MlockFlag,
  MremapFlag,
  MsyncFlag,
  ProtBit,
  VmBit,
} from "../assembly/shared/flags.js";

/** `prot` of mmap(2) and mprotect(2). */
export const Prot = Object.freeze({
  NONE: ProtBit.NONE,
  READ: ProtBit.READ,
  WRITE: ProtBit.WRITE,
  EXEC: ProtBit.EXEC,
  SEM: ProtBit.SEM,
  GROWSDOWN: ProtBit.GROWSDOWN,
  GROWSUP: ProtBit.GROWSUP,
} as const);

/** `flags` of mmap(2). */
export const MapFlags = Object.freeze({
  SHARED: MapFlag.SHARED,
  PRIVATE: MapFlag.PRIVATE,
  SHARED_VALIDATE: MapFlag.SHARED_VALIDATE,
  DROPPABLE: MapFlag.DROPPABLE,
  FIXED: MapFlag.FIXED,
  ANONYMOUS: MapFlag.ANONYMOUS,
  MAP_32BIT: MapFlag.MAP_32BIT,
  ABOVE4G: MapFlag.ABOVE4G,
  GROWSDOWN: MapFlag.GROWSDOWN,
  DENYWRITE: MapFlag.DENYWRITE,
  EXECUTABLE: MapFlag.EXECUTABLE,
  LOCKED: MapFlag.LOCKED,
  NORESERVE: MapFlag.NORESERVE,
  POPULATE: MapFlag.POPULATE,
  NONBLOCK: MapFlag.NONBLOCK,
  STACK: MapFlag.STACK,
  HUGETLB: MapFlag.HUGETLB,
  SYNC: MapFlag.SYNC,
  FIXED_NOREPLACE: MapFlag.FIXED_NOREPLACE,
  UNINITIALIZED: MapFlag.UNINITIALIZED,
  /** The size class of a HUGETLB mapping is log2(bytes) << HUGE_SHIFT. */
  HUGE_SHIFT: MapFlag.HUGE_SHIFT,
} as const);

/** `flags` of mremap(2). */
export const MremapFlags = Object.freeze({
  MAYMOVE: MremapFlag.MAYMOVE,
  FIXED: MremapFlag.FIXED,
  DONTUNMAP: MremapFlag.DONTUNMAP,
} as const);

/** `advice` of madvise(2). */
export const Madvise = Object.freeze({
  NORMAL: Advice.NORMAL,
  RANDOM: Advice.RANDOM,
  SEQUENTIAL: Advice.SEQUENTIAL,
  WILLNEED: Advice.WILLNEED,
  DONTNEED: Advice.DONTNEED,
  FREE: Advice.FREE,
  REMOVE: Advice.REMOVE,
  DONTFORK: Advice.DONTFORK,
  DOFORK: Advice.DOFORK,
  MERGEABLE: Advice.MERGEABLE,
  UNMERGEABLE: Advice.UNMERGEABLE,
  HUGEPAGE: Advice.HUGEPAGE,
  NOHUGEPAGE: Advice.NOHUGEPAGE,
  DONTDUMP: Advice.DONTDUMP,
  DODUMP: Advice.DODUMP,
  WIPEONFORK: Advice.WIPEONFORK,
  KEEPONFORK: Advice.KEEPONFORK,
  COLD: Advice.COLD,
  PAGEOUT: Advice.PAGEOUT,
  POPULATE_READ: Advice.POPULATE_READ,
  POPULATE_WRITE: Advice.POPULATE_WRITE,
  DONTNEED_LOCKED: Advice.DONTNEED_LOCKED,
  COLLAPSE: Advice.COLLAPSE,
  HWPOISON: Advice.HWPOISON,
  SOFT_OFFLINE: Advice.SOFT_OFFLINE,
  GUARD_INSTALL: Advice.GUARD_INSTALL,
  GUARD_REMOVE: Advice.GUARD_REMOVE,
} as const);

/** `flags` of mlock2(2) (ONFAULT) and mlockall(2) (CURRENT, FUTURE, ALL_ONFAULT). */
export const MlockFlags = Object.freeze({
  ONFAULT: MlockFlag.ONFAULT,
  CURRENT: MlockFlag.ALL_CURRENT,
  FUTURE: MlockFlag.ALL_FUTURE,
  ALL_ONFAULT: MlockFlag.ALL_ONFAULT,
} as const);

/** `flags` of msync(2). */
export const MsyncFlags = Object.freeze({
  ASYNC: MsyncFlag.ASYNC,
  INVALIDATE: MsyncFlag.INVALIDATE,
  SYNC: MsyncFlag.SYNC,
} as const);

/**
 * vm_flags of Linux 6.18 on x86-64, as numbers (`2 ** bit`). Bits above 31 are real:
 * combine with `+` or `|` below 2^31 only, test with {@link hasFlags}.
 */
export const VmFlags = Object.freeze({
  NONE: 0,
  READ: 2 ** VmBit.READ,
  WRITE: 2 ** VmBit.WRITE,
  EXEC: 2 ** VmBit.EXEC,
  SHARED: 2 ** VmBit.SHARED,
  MAYREAD: 2 ** VmBit.MAYREAD,
  MAYWRITE: 2 ** VmBit.MAYWRITE,
  MAYEXEC: 2 ** VmBit.MAYEXEC,
  MAYSHARE: 2 ** VmBit.MAYSHARE,
  GROWSDOWN: 2 ** VmBit.GROWSDOWN,
  UFFD_MISSING: 2 ** VmBit.UFFD_MISSING,
  PFNMAP: 2 ** VmBit.PFNMAP,
  MAYBE_GUARD: 2 ** VmBit.MAYBE_GUARD,
  UFFD_WP: 2 ** VmBit.UFFD_WP,
  LOCKED: 2 ** VmBit.LOCKED,
  IO: 2 ** VmBit.IO,
  SEQ_READ: 2 ** VmBit.SEQ_READ,
  RAND_READ: 2 ** VmBit.RAND_READ,
  DONTCOPY: 2 ** VmBit.DONTCOPY,
  DONTEXPAND: 2 ** VmBit.DONTEXPAND,
  LOCKONFAULT: 2 ** VmBit.LOCKONFAULT,
  ACCOUNT: 2 ** VmBit.ACCOUNT,
  NORESERVE: 2 ** VmBit.NORESERVE,
  HUGETLB: 2 ** VmBit.HUGETLB,
  SYNC: 2 ** VmBit.SYNC,
  ARCH_1: 2 ** VmBit.ARCH_1,
  WIPEONFORK: 2 ** VmBit.WIPEONFORK,
  DONTDUMP: 2 ** VmBit.DONTDUMP,
  SOFTDIRTY: 2 ** VmBit.SOFTDIRTY,
  MIXEDMAP: 2 ** VmBit.MIXEDMAP,
  HUGEPAGE: 2 ** VmBit.HUGEPAGE,
  NOHUGEPAGE: 2 ** VmBit.NOHUGEPAGE,
  MERGEABLE: 2 ** VmBit.MERGEABLE,
  SHADOW_STACK: 2 ** VmBit.SHADOW_STACK,
  DROPPABLE: 2 ** VmBit.DROPPABLE,
  UFFD_MINOR: 2 ** VmBit.UFFD_MINOR,
  SEALED: 2 ** VmBit.SEALED,
});

const HALF = 2 ** 32;

/** True if every bit of `mask` is set in `flags`, all 53 bits considered. */
export function hasFlags(flags: number, mask: number): boolean {
  const low = mask >>> 0;
  const high = Math.floor(mask / HALF);
  return (flags & low) >>> 0 === low && (Math.floor(flags / HALF) & high) === high;
}

/** `r-xp`: the second column of /proc/PID/maps (R-PROC-2). */
export function permsOf(flags: number): string {
  return (
    (flags & VmFlags.READ ? "r" : "-") +
    (flags & VmFlags.WRITE ? "w" : "-") +
    (flags & VmFlags.EXEC ? "x" : "-") +
    (flags & VmFlags.MAYSHARE ? "s" : "p")
  );
}
