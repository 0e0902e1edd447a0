// The checks of the calls that go over a range VMA by VMA: mprotect, madvise and the like.
//
// Context: the mmap lock. Floor: S2. Imports: shared, flags, facts.

import { MmFlag, MmStat } from "../../assembly/shared/abi.js";
import { FileFlag, MlockFlag, MsyncFlag, ProtBit } from "../../assembly/shared/flags.js";
import { hasFlags, permsOf, VmFlags } from "../flags.js";
import type { VmaSnapshot } from "../maps-text.js";
import { type Facts, type Finding, finding, hexOf, rangeText } from "./facts.js";

const ACCESS = ProtBit.READ | ProtBit.WRITE | ProtBit.EXEC;
/** MAYREAD, MAYWRITE, MAYEXEC stand this many bits above READ, WRITE, EXEC. */
const MAY_SHIFT = 4;
const HUGE_PAGE = 2n ** 21n;
const WRAP = 2n ** 64n;

/** Alignment and wrapping of a range; the end in pages, or null if the call ends here. */
export function* rangeFindings(
  facts: Facts,
  start: bigint,
  length: bigint,
  wraps: string,
): Generator<Finding, bigint | null> {
  if (!facts.isAligned(start)) {
    yield finding("EINVAL", `${hexOf(start)} is no multiple of the page size`);
  }
  const size = facts.align(length);
  if (length === 0n) return null;
  if (size === 0n || start + size >= WRAP) {
    yield finding(wraps, `the range from ${hexOf(start)} on passes 2^64`);
    return null;
  }
  return start + size;
}

/** The first hole of [start, end): these calls want every page mapped. */
export function* holeFindings(facts: Facts, start: bigint, end: bigint): Generator<Finding> {
  for (const { vma, from, to } of facts.parts(start, end)) {
    if (vma !== null) continue;
    yield finding("ENOMEM", `nothing is mapped at ${rangeText({ start: from, end: to })}`);
    return;
  }
}

/** A change of flags that splits: the number of VMAs, and huge pages. */
export function* splitFindings(
  facts: Facts,
  vma: VmaSnapshot,
  from: bigint,
  to: bigint,
  code: string,
): Generator<Finding> {
  const cuts = [from, to].filter((at) => at > BigInt(vma.start) && at < BigInt(vma.end));
  if (cuts.length === 0) return;
  if (hasFlags(vma.flags, VmFlags.HUGETLB)) {
    const inside = cuts.find((at) => at % HUGE_PAGE !== 0n);
    if (inside !== undefined) {
      yield finding("EINVAL", `${hexOf(inside)} lies inside a huge page of ${rangeText(vma)}`);
    }
  }
  // Two cuts that begin one below the limit fail at the second.
  if (facts.mapCount + cuts.length > facts.maxMapCount) {
    yield finding(
      code,
      `splitting ${rangeText(vma)} would pass vm.max_map_count (${facts.maxMapCount} VMAs)`,
    );
  }
}

export function* mprotectFindings(
  facts: Facts,
  start: bigint,
  length: bigint,
  prot: number,
): Generator<Finding> {
  const grows = prot & (ProtBit.GROWSDOWN | ProtBit.GROWSUP);
  const asked = prot & ~(ProtBit.GROWSDOWN | ProtBit.GROWSUP);
  if (grows === (ProtBit.GROWSDOWN | ProtBit.GROWSUP)) {
    yield finding("EINVAL", "PROT_GROWSDOWN and PROT_GROWSUP exclude each other");
  }
  const end = yield* rangeFindings(facts, start, length, "ENOMEM");
  if (end === null) return;
  if ((asked & ~(ACCESS | ProtBit.SEM)) !== 0) {
    yield finding("EINVAL", `unknown protection bits in ${hexOf(prot >>> 0)}`);
  }
  const first = facts.findVma(start);
  if (first === null || BigInt(first.start) >= end) {
    yield* holeFindings(facts, start, end);
    return;
  }
  if (grows === ProtBit.GROWSUP) {
    yield finding("EINVAL", "PROT_GROWSUP: no mapping grows up on x86-64");
  }
  if (grows === ProtBit.GROWSDOWN && !hasFlags(first.flags, VmFlags.GROWSDOWN)) {
    yield finding("EINVAL", `PROT_GROWSDOWN, and ${rangeText(first)} does not grow down`);
  }
  const from = grows === ProtBit.GROWSDOWN ? BigInt(first.start) : start;
  for (const part of facts.parts(from, end)) {
    if (part.vma === null) {
      yield finding(
        "ENOMEM",
        `nothing is mapped at ${rangeText({ start: part.from, end: part.to })}`,
      );
      return;
    }
    yield* protectFindings(facts, { ...part, vma: part.vma }, asked & ACCESS);
  }
}

interface Part {
  readonly vma: VmaSnapshot;
  readonly from: bigint;
  readonly to: bigint;
}

function* protectFindings(
  facts: Facts,
  { vma, from, to }: Part,
  access: number,
): Generator<Finding> {
  const low = vma.flags % 2 ** 31;
  const implied = facts.hasMode(MmFlag.READ_IMPLIES_EXEC) && (access & ProtBit.READ) !== 0;
  const isExec = implied && hasFlags(vma.flags, VmFlags.MAYEXEC);
  const wanted = isExec ? access | ProtBit.EXEC : access;
  const forbidden = wanted & ~(low >>> MAY_SHIFT) & ACCESS;
  if (forbidden !== 0) {
    yield finding(
      "EACCES",
      `${rangeText(vma)} may not become ${permsOf(forbidden).slice(0, 3)}: its file was not opened for that, or is sealed`,
    );
  }
  const gainsExec = (wanted & ProtBit.EXEC) !== 0 && facts.hasMode(MmFlag.MDWE);
  if (gainsExec && ((wanted & ProtBit.WRITE) !== 0 || !hasFlags(vma.flags, VmFlags.EXEC))) {
    yield finding("EACCES", `PR_SET_MDWE forbids ${rangeText(vma)} to become executable`);
  }
  if (hasFlags(vma.flags, VmFlags.SEALED)) {
    yield finding("EPERM", `${rangeText(vma)} is sealed by mseal(2)`);
  }
  if ((low & ACCESS) === wanted) return;
  const pages = (to - from) / facts.page;
  if ((wanted & ProtBit.WRITE) !== 0) {
    const flags = vma.flags - (low & ACCESS) + wanted;
    const [over] = facts.growth(flags, pages);
    const [overBefore] = facts.growth(vma.flags, pages);
    if (over !== undefined && overBefore === undefined) yield over;
    const counted = ["ACCOUNT", "WRITE", "HUGETLB", "SHARED", "NORESERVE"] as const;
    if (!counted.some((name) => hasFlags(vma.flags, VmFlags[name]))) yield* facts.commit(pages);
  }
  yield* splitFindings(facts, vma, from, to, "ENOMEM");
}

export function* mlockFindings(
  facts: Facts,
  start: bigint,
  length: bigint,
  flags: number,
): Generator<Finding> {
  if ((flags & ~MlockFlag.ONFAULT) !== 0) {
    yield finding("EINVAL", `unknown flags ${hexOf(flags >>> 0)}: mlock2 knows MLOCK_ONFAULT`);
  }
  yield* facts.mayLockAtAll();
  const [from, end] = lockRange(facts, start, length);
  const isLocked = (vma: VmaSnapshot) => hasFlags(vma.flags, VmFlags.LOCKED);
  const size = end - from;
  const already = facts.isOverMemlock(size / facts.page)
    ? facts.pagesIn(from, end < WRAP ? end : WRAP - 1n, isLocked)
    : 0n;
  const pages = size / facts.page - already;
  if (facts.isOverMemlock(pages)) yield finding("ENOMEM", facts.memlockText(pages));
  yield* lockFindings(facts, from, end);
  if (end >= WRAP) return;
  if (flags !== 0) return; // pages are locked when they are touched
  for (const { vma, from: at, to } of facts.parts(from, end)) {
    if (vma !== null) yield* touchFindings(facts, { vma, from: at, to });
  }
}

/** From the page of the start; the end, which may pass 2^64. */
function lockRange(facts: Facts, start: bigint, length: bigint): [from: bigint, end: bigint] {
  const from = start - (start % facts.page);
  return [from, from + facts.align(length + (start % facts.page))];
}

function* lockFindings(facts: Facts, from: bigint, end: bigint): Generator<Finding> {
  if (end >= WRAP) {
    yield finding("EINVAL", `the range from ${hexOf(from)} on passes 2^64`);
    return;
  }
  for (const { vma, from: at, to } of facts.parts(from, end)) {
    if (vma === null) {
      yield finding("ENOMEM", `nothing is mapped at ${rangeText({ start: at, end: to })}`);
      return;
    }
    if (facts.mapCount + 1 < facts.maxMapCount) continue;
    yield* splitFindings(facts, vma, at, to, "ENOMEM");
  }
}

/** mlock touches the pages: what cannot be touched is locked, and refused. */
function* touchFindings(facts: Facts, { vma, from, to }: Part): Generator<Finding> {
  const is = (flag: number) => hasFlags(vma.flags, flag);
  if (is(VmFlags.IO) || is(VmFlags.PFNMAP)) return;
  if (vma.flags % 8 === 0) {
    yield finding(
      "ENOMEM",
      `${rangeText(vma)} is PROT_NONE: its pages cannot be touched (it stays marked as locked)`,
    );
  }
  if (facts.hasGuard(from, to)) {
    yield finding("ENOMEM", `${rangeText(vma)} has guard pages, which cannot be touched`);
  }
  yield* beyondFile(facts, vma, to, "ENOMEM");
}

/** Pages up to `to` lie beyond the end of the file. */
export function* beyondFile(
  facts: Facts,
  vma: VmaSnapshot,
  to: bigint,
  code: string,
): Generator<Finding> {
  const pages = facts.filePages(vma.file);
  if (pages === null) return;
  if (BigInt(vma.pgoff) + (to - BigInt(vma.start)) / facts.page > pages) {
    yield finding(code, `${rangeText(vma)} reaches beyond the end of its file (${pages} pages)`);
  }
}

export function* munlockFindings(facts: Facts, start: bigint, length: bigint): Generator<Finding> {
  const [from, end] = lockRange(facts, start, length);
  yield* lockFindings(facts, from, end);
}

export function* mlockallFindings(facts: Facts, flags: number): Generator<Finding> {
  const known = MlockFlag.ALL_CURRENT | MlockFlag.ALL_FUTURE | MlockFlag.ALL_ONFAULT;
  if (flags === 0) yield finding("EINVAL", "no flags: MCL_CURRENT, MCL_FUTURE or both");
  if ((flags & ~known) !== 0) yield finding("EINVAL", `unknown flags in ${hexOf(flags >>> 0)}`);
  if (flags === MlockFlag.ALL_ONFAULT) {
    yield finding("EINVAL", "MCL_ONFAULT needs MCL_CURRENT or MCL_FUTURE");
  }
  yield* facts.mayLockAtAll();
  const { memlock } = facts.limits;
  const total = BigInt(facts.stat(MmStat.TOTAL_VM));
  const isCurrent = (flags & MlockFlag.ALL_CURRENT) !== 0;
  if (isCurrent && !facts.mayLock && memlock >= 0n && total > memlock / facts.page) {
    yield finding(
      "ENOMEM",
      `all ${total} pages would be locked, and RLIMIT_MEMLOCK allows ${memlock / facts.page}`,
    );
  }
}

export function* msyncFindings(
  facts: Facts,
  start: bigint,
  length: bigint,
  flags: number,
): Generator<Finding> {
  const known = MsyncFlag.ASYNC | MsyncFlag.INVALIDATE | MsyncFlag.SYNC;
  const both = MsyncFlag.ASYNC | MsyncFlag.SYNC;
  if ((flags & ~known) !== 0) yield finding("EINVAL", `unknown flags in ${hexOf(flags >>> 0)}`);
  if ((flags & both) === both) yield finding("EINVAL", "MS_ASYNC and MS_SYNC exclude each other");
  const size = facts.align(length);
  if (size === 0n && length !== 0n && facts.isAligned(start)) return; // a length that wraps to 0 is 0
  const end = yield* rangeFindings(facts, start, length, "ENOMEM");
  if (end === null) return;
  for (const { vma, from, to } of facts.parts(start, end)) {
    if (vma === null) {
      yield finding("ENOMEM", `nothing is mapped at ${rangeText({ start: from, end: to })}`);
    } else if ((flags & MsyncFlag.INVALIDATE) !== 0 && hasFlags(vma.flags, VmFlags.LOCKED)) {
      yield finding("EBUSY", `MS_INVALIDATE, and ${rangeText(vma)} is locked`);
    }
  }
}

export function* mincoreFindings(facts: Facts, start: bigint, length: bigint): Generator<Finding> {
  if (!facts.isAligned(start)) {
    yield finding("EINVAL", `${hexOf(start)} is no multiple of the page size`);
  }
  if (start > facts.taskSize || length > facts.taskSize - start) {
    yield finding("ENOMEM", "the range reaches beyond the end of the address space");
    return;
  }
  yield* holeFindings(facts, start, start + facts.align(length));
}

export function* msealFindings(
  facts: Facts,
  start: bigint,
  length: bigint,
  flags: number,
): Generator<Finding> {
  if (flags !== 0) yield finding("EINVAL", "mseal knows no flags");
  const end = yield* rangeFindings(facts, start, length, "EINVAL");
  if (end === null) return;
  yield* holeFindings(facts, start, end);
  for (const { vma, from, to } of facts.parts(start, end)) {
    if (vma === null || hasFlags(vma.flags, VmFlags.SEALED)) continue;
    yield* splitFindings(facts, vma, from, to, "ENOMEM");
  }
}

export function* nameFindings(
  facts: Facts,
  start: bigint,
  length: bigint,
  name: string | null,
): Generator<Finding> {
  if (facts.hasMode(MmFlag.NO_VMA_NAMES)) {
    yield finding("EINVAL", "the kernel was built without CONFIG_ANON_VMA_NAME");
  }
  if (name !== null && new TextEncoder().encode(name).length > MAX_NAME) {
    yield finding("EINVAL", `the name is longer than ${MAX_NAME} bytes`);
  }
  const bad = name === null ? null : /[^ -~]|[\\`$[\]]/u.exec(name);
  if (bad !== null) {
    yield finding("EINVAL", `a name may not have ${JSON.stringify(bad[0])} in it`);
  }
  const end = yield* rangeFindings(facts, start, length, "EINVAL");
  if (end === null) return;
  for (const { vma, from, to } of facts.parts(start, end)) {
    if (vma === null) {
      yield finding("ENOMEM", `nothing is mapped at ${rangeText({ start: from, end: to })}`);
    } else if (vma.file !== 0 && (facts.fileFlags(vma.file) & FileFlag.SHARED_ANON) === 0) {
      yield finding("EBADF", `${rangeText(vma)} maps a file: only anonymous memory has a name`);
    }
  }
}

const MAX_NAME = 79;

export function* remapFilePagesFindings(
  facts: Facts,
  words: { address: bigint; length: bigint; prot: number; pgoff: bigint },
): Generator<Finding> {
  if (words.prot !== 0) yield finding("EINVAL", "prot must be 0: the protection stays");
  const start = words.address - (words.address % facts.page);
  const size = words.length - (words.length % facts.page);
  if (size === 0n) yield finding("EINVAL", "the length is less than a page");
  if (start + size >= WRAP || words.pgoff + size / facts.page >= WRAP) {
    yield finding("EINVAL", "the range, or the offset at its end, passes 2^64");
    return;
  }
  const first = facts.vmaAt(start);
  if (first === null || !hasFlags(first.flags, VmFlags.SHARED)) {
    yield finding("EINVAL", `no shared mapping is at ${hexOf(start)}`);
    return;
  }
  for (const { vma } of facts.parts(start, start + size)) {
    if (vma !== null && vma.file === first.file && vma.flags === first.flags) continue;
    yield finding("EINVAL", "the range is not one shared mapping without holes");
    return;
  }
}
