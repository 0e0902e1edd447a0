// The flag words of the public API, with Linux's names and values.
//
// The numbers live in assembly/shared/flags.ts; here they become objects that exist
// at run time. vm_flags has 43 bits: JavaScript's bit operators see 32, so test with
// hasFlags. Floor: S0. Imports: shared, words.

import {
  Advice,
  MapFlag,
  MlockFlag,
  MremapFlag,
  MsyncFlag,
  ProtBit,
} from "../assembly/shared/flags.js";
import { byWord, type Words } from "./words.js";

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

/** Of bit 0 on: VmBit of assembly/shared/flags.ts. */
export const VM_BITS =
  "READ WRITE EXEC SHARED MAYREAD MAYWRITE MAYEXEC MAYSHARE GROWSDOWN UFFD_MISSING PFNMAP MAYBE_GUARD UFFD_WP LOCKED IO SEQ_READ RAND_READ DONTCOPY DONTEXPAND LOCKONFAULT ACCOUNT NORESERVE HUGETLB SYNC ARCH_1 WIPEONFORK DONTDUMP SOFTDIRTY MIXEDMAP HUGEPAGE NOHUGEPAGE MERGEABLE - - - - - SHADOW_STACK - - DROPPABLE UFFD_MINOR SEALED";

/**
 * vm_flags of Linux 6.18 on x86-64, as numbers (`2 ** bit`). Bits above 31 are real:
 * combine with `+` or `|` below 2^31 only, test with {@link hasFlags}.
 */
export const VmFlags = /* @__PURE__ */ vmFlags();

function vmFlags(): Readonly<Record<"NONE" | Words<typeof VM_BITS>, number>> {
  return Object.freeze({ NONE: 0, ...byWord(VM_BITS, (bit) => 2 ** bit) });
}

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
