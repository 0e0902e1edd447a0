// The checks of madvise(2), by advice (R-MADV-*, R-SEAL-11..13).
//
// Context: the mmap lock. Floor: S2. Imports: shared, flags, facts, ranges.

import { Advice, FileFlag } from "../../assembly/shared/flags.js";
import { hasFlags, VmFlags } from "../flags.js";
import type { VmaSnapshot } from "../maps-text.js";
import { type Facts, type Finding, finding, rangeText, SPECIAL } from "./facts.js";
import { beyondFile, rangeFindings, splitFindings } from "./ranges.js";

const DISCARDS = new Set<number>([
  Advice.DONTNEED,
  Advice.FREE,
  Advice.REMOVE,
  Advice.DONTFORK,
  Advice.WIPEONFORK,
  Advice.DONTNEED_LOCKED,
  Advice.GUARD_INSTALL,
]);

function isKnown(advice: number): boolean {
  if (advice >= Advice.NORMAL && advice <= Advice.DONTNEED) return true;
  if (advice >= Advice.FREE && advice <= Advice.COLLAPSE) return true;
  return advice >= Advice.HWPOISON && advice <= Advice.GUARD_REMOVE;
}

export function* madviseFindings(
  facts: Facts,
  start: bigint,
  length: bigint,
  advice: number,
): Generator<Finding> {
  if (!isKnown(advice)) {
    yield finding("EINVAL", `there is no advice ${advice}`);
    return;
  }
  const end = yield* rangeFindings(facts, start, length, "EINVAL");
  if (end === null) return;
  if (advice === Advice.HWPOISON || advice === Advice.SOFT_OFFLINE) {
    yield finding("EPERM", "this advice needs CAP_SYS_ADMIN");
    return;
  }
  const populates = advice === Advice.POPULATE_READ || advice === Advice.POPULATE_WRITE;
  for (const { vma, from, to } of facts.parts(start, end)) {
    if (vma === null) {
      const rest = populates ? "" : "; the rest of the range was advised";
      yield finding("ENOMEM", `nothing is mapped at ${rangeText({ start: from, end: to })}${rest}`);
    } else if (populates) {
      yield* populateFindings(facts, vma, from, to, advice === Advice.POPULATE_WRITE);
    } else {
      yield* adviceFindings(facts, vma, from, to, advice);
    }
  }
}

function* populateFindings(
  facts: Facts,
  vma: VmaSnapshot,
  from: bigint,
  to: bigint,
  writes: boolean,
): Generator<Finding> {
  const where = rangeText(vma);
  if (!hasFlags(vma.flags, writes ? VmFlags.WRITE : VmFlags.READ)) {
    yield finding("EINVAL", `${where} may not be ${writes ? "written" : "read"}`);
  }
  if (hasFlags(vma.flags, VmFlags.IO) || hasFlags(vma.flags, VmFlags.PFNMAP)) {
    yield finding("EINVAL", `${where} is a special mapping`);
  }
  if (facts.hasGuard(from, to)) {
    yield finding("EFAULT", `${where} has guard pages, which cannot be touched`);
  }
  yield* beyondFile(facts, vma, to, "EFAULT");
}

function* adviceFindings(
  facts: Facts,
  vma: VmaSnapshot,
  from: bigint,
  to: bigint,
  advice: number,
): Generator<Finding> {
  const where = rangeText(vma);
  const isReadOnlySeal =
    hasFlags(vma.flags, VmFlags.SEALED) &&
    !hasFlags(vma.flags, VmFlags.WRITE) &&
    isAnonymous(facts, vma);
  if (isReadOnlySeal && DISCARDS.has(advice)) {
    yield finding("EPERM", `${where} is sealed and not writable: its pages may not be discarded`);
  }
  const why = unfit(facts, vma, advice);
  if (why !== null) yield finding(why.code, `${where} ${why.text}`);
  if (FLAG_ADVICE.has(advice)) yield* splitFindings(facts, vma, from, to, "EAGAIN");
}

/** Private memory without a file, or of /dev/zero. */
function isAnonymous(facts: Facts, { file, flags }: VmaSnapshot): boolean {
  if (file === 0) return true;
  const isPrivate = !hasFlags(flags, VmFlags.SHARED) && !hasFlags(flags, VmFlags.MAYSHARE);
  return isPrivate && (facts.fileFlags(file) & FileFlag.DEV_ZERO) !== 0;
}

/** Advice that changes flags: it may split. */
const FLAG_ADVICE = new Set<number>([
  Advice.NORMAL,
  Advice.SEQUENTIAL,
  Advice.RANDOM,
  Advice.DONTFORK,
  Advice.DOFORK,
  Advice.WIPEONFORK,
  Advice.KEEPONFORK,
  Advice.DONTDUMP,
  Advice.DODUMP,
  Advice.MERGEABLE,
  Advice.UNMERGEABLE,
  Advice.HUGEPAGE,
  Advice.NOHUGEPAGE,
]);

/** Why this kind of mapping does not take the advice. */
function unfit(facts: Facts, vma: VmaSnapshot, advice: number): Finding | null {
  const is = (flag: number) => hasFlags(vma.flags, flag);
  const isSpecial = vma.flags !== 0 && anySpecial(vma.flags);
  const isShared = is(VmFlags.SHARED) || is(VmFlags.MAYSHARE);
  const no = (text: string, code = "EINVAL") => finding(code, text);
  switch (advice) {
    case Advice.DOFORK:
      return is(VmFlags.IO) ? no("is memory of a device") : null;
    case Advice.WIPEONFORK:
      return vma.file !== 0 || isShared ? no("is not private anonymous memory") : null;
    case Advice.KEEPONFORK:
      return is(VmFlags.DROPPABLE) ? no("is droppable") : null;
    case Advice.DODUMP: {
      const unfitting = (isSpecial && !is(VmFlags.HUGETLB)) || is(VmFlags.DROPPABLE);
      return unfitting ? no("is special or droppable: never dumped") : null;
    }
    case Advice.DONTNEED:
      return is(VmFlags.LOCKED) || is(VmFlags.PFNMAP) ? no("is locked or special") : null;
    case Advice.DONTNEED_LOCKED:
      return is(VmFlags.PFNMAP) ? no("is a special mapping") : null;
    case Advice.FREE: {
      const unfitting = is(VmFlags.LOCKED) || is(VmFlags.PFNMAP) || !isAnonymous(facts, vma);
      return unfitting ? no("is locked, special, or not private anonymous memory") : null;
    }
    case Advice.COLD:
    case Advice.PAGEOUT: {
      const unfitting = is(VmFlags.LOCKED) || is(VmFlags.PFNMAP) || is(VmFlags.HUGETLB);
      return unfitting ? no("is locked, special, or of huge pages") : null;
    }
    case Advice.REMOVE:
      return unfitToRemove(facts, vma);
    case Advice.GUARD_INSTALL:
      return isSpecial || is(VmFlags.HUGETLB) || is(VmFlags.LOCKED)
        ? no("is locked, special, or of huge pages: no guard pages there")
        : null;
    case Advice.GUARD_REMOVE:
      return isSpecial || is(VmFlags.HUGETLB) ? no("is special, or of huge pages") : null;
    case Advice.COLLAPSE:
      return unfitToCollapse(facts, vma, isSpecial);
    default:
      return null;
  }
}

function anySpecial(flags: number): boolean {
  return [VmFlags.IO, VmFlags.DONTEXPAND, VmFlags.PFNMAP, VmFlags.MIXEDMAP].some(
    (bit) => hasFlags(SPECIAL, bit) && hasFlags(flags, bit),
  );
}

function unfitToRemove(facts: Facts, { flags, file }: VmaSnapshot): Finding | null {
  if (hasFlags(flags, VmFlags.LOCKED) || file === 0) {
    return finding("EINVAL", "is locked, or has no file to punch a hole into");
  }
  if (!hasFlags(flags, VmFlags.SHARED) || !hasFlags(flags, VmFlags.MAYWRITE)) {
    return finding("EACCES", "is no shared mapping of a file open for writing");
  }
  const isSealed = (facts.fileFlags(file) & FileFlag.SEAL_WRITE) !== 0;
  return isSealed ? finding("EPERM", "maps a memfd that is sealed against writing") : null;
}

function unfitToCollapse(facts: Facts, vma: VmaSnapshot, isSpecial: boolean): Finding | null {
  if (
    isSpecial ||
    hasFlags(vma.flags, VmFlags.HUGETLB) ||
    hasFlags(vma.flags, VmFlags.NOHUGEPAGE)
  ) {
    return finding("EINVAL", "is special, or wants no huge pages");
  }
  const huge = (facts.page * facts.page) / 8n;
  const first = (BigInt(vma.start) + huge - 1n) & ~(huge - 1n);
  if (first + huge > BigInt(vma.end))
    return finding("EINVAL", "has no room for an aligned huge page");
  if (isAnonymous(facts, vma)) {
    return vma.anonVma === 0 ? finding("EINVAL", "was never written to") : null;
  }
  const isShmem = (facts.fileFlags(vma.file) & FileFlag.SHMEM) !== 0;
  return isShmem ? null : finding("EINVAL", "maps a file that is not in memory (tmpfs, memfd)");
}
