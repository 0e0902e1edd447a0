// The checks of mremap(2) that a call did not pass (R-REMAP-*).
//
// Context: the mmap lock. Floor: S2. Imports: shared, flags, facts, munmap.

import { MapFlag, MremapFlag } from "../../assembly/shared/flags.js";
import { hasFlags, VmFlags } from "../flags.js";
import type { VmaSnapshot } from "../maps-text.js";
import { type Facts, type Finding, finding, hexOf, rangeText } from "./facts.js";
import { munmapFindings, unmapFindings } from "./munmap.js";

export interface MremapWords {
  readonly address: bigint;
  readonly oldLength: bigint;
  readonly newLength: bigint;
  readonly flags: number;
  readonly newAddress: bigint;
}

const KNOWN = MremapFlag.MAYMOVE | MremapFlag.FIXED | MremapFlag.DONTUNMAP;
/** R-LIM-11: what a move, and what cutting its target, may need. */
const MOVE_HEADROOM = 3;
const TARGET_SPLITS = 2;

/** Lengths in whole pages, and what the flags say. */
interface Move {
  readonly start: bigint;
  readonly old: bigint;
  readonly size: bigint;
  readonly target: bigint;
  readonly mayMove: boolean;
  readonly isFixed: boolean;
  readonly dontUnmap: boolean;
  /** FIXED or DONTUNMAP: newAddress counts. */
  readonly isGiven: boolean;
}

export function* mremapFindings(facts: Facts, words: MremapWords): Generator<Finding> {
  const { flags } = words;
  const has = (flag: number) => (flags & flag) !== 0;
  const move: Move = {
    start: words.address,
    old: facts.align(words.oldLength),
    size: facts.align(words.newLength),
    target: words.newAddress,
    mayMove: has(MremapFlag.MAYMOVE),
    isFixed: has(MremapFlag.FIXED),
    dontUnmap: has(MremapFlag.DONTUNMAP),
    isGiven: has(MremapFlag.FIXED | MremapFlag.DONTUNMAP),
  };
  if ((flags & ~KNOWN) !== 0)
    yield finding("EINVAL", `unknown flags ${hexOf((flags & ~KNOWN) >>> 0)}`);
  if (!facts.isAligned(move.start)) {
    yield finding("EINVAL", `${hexOf(move.start)} is no multiple of the page size`);
  }
  if (move.size === 0n) yield finding("EINVAL", "the new length is 0");
  if (move.size > facts.taskSize) {
    yield finding("EINVAL", "the new length is more than the whole address space");
  }
  if (move.isGiven) yield* targetFindings(facts, move);
  yield* sourceFindings(facts, move);
}

function* targetFindings(facts: Facts, move: Move): Generator<Finding> {
  const { target, size, old, start } = move;
  if (target > facts.taskSize - size) {
    yield finding("EINVAL", `the target ends at ${hexOf(target + size)}, beyond the address space`);
  }
  if (!facts.isAligned(target)) {
    yield finding("EINVAL", `the target ${hexOf(target)} is no multiple of the page size`);
  }
  if (!move.mayMove) {
    const flag = move.isFixed ? "MREMAP_FIXED" : "MREMAP_DONTUNMAP";
    yield finding("EINVAL", `${flag} needs MREMAP_MAYMOVE`);
  }
  if (move.dontUnmap && old !== size) {
    yield finding("EINVAL", "MREMAP_DONTUNMAP needs equal lengths");
  }
  if (start + old > target && target + size > start) {
    yield finding(
      "EINVAL",
      `the old range ${text(start, old)} and the new one ${text(target, size)} overlap`,
    );
  }
  yield* headroom(facts, TARGET_SPLITS + MOVE_HEADROOM);
}

function text(start: bigint, length: bigint): string {
  return rangeText({ start, end: start + length });
}

function* headroom(facts: Facts, needed: number): Generator<Finding> {
  if (facts.mapCount + needed < facts.maxMapCount) return;
  yield finding(
    "ENOMEM",
    `a move may need ${needed} VMAs more than the ${facts.mapCount} there are, and vm.max_map_count is ${facts.maxMapCount}`,
  );
}

function* sourceFindings(facts: Facts, move: Move): Generator<Finding> {
  const { start, old, size, isFixed } = move;
  if (isFixed && old === size) {
    yield* eachFindings(facts, move);
    return;
  }
  const vma = facts.vmaAt(start);
  if (vma === null) {
    yield finding("EFAULT", `nothing is mapped at ${hexOf(start)}`);
    return;
  }
  yield* vmaFindings(facts, move, vma);
  if (move.isGiven) yield* replaceFindings(facts, move, vma);
  else if (size < old) yield* munmapFindings(facts, start + size, old - size);
  else if (size > old) yield* growFindings(facts, move, vma);
}

/** MREMAP_FIXED and the same size: each VMA of the range by itself. */
function* eachFindings(facts: Facts, move: Move): Generator<Finding> {
  const { start, old } = move;
  if (facts.vmaAt(start) === null) {
    yield finding("EFAULT", `nothing is mapped at ${hexOf(start)}, where the range begins`);
    return;
  }
  const end = old === 0n ? start + 1n : start + old;
  for (const { vma, from, to } of facts.parts(start, end)) {
    if (vma === null) continue;
    const length = old === 0n ? 0n : to - from;
    const part = {
      ...move,
      start: from,
      old: length,
      size: length,
      target: move.target + from - start,
    };
    yield* vmaFindings(facts, part, vma);
    yield* replaceFindings(facts, part, vma);
  }
}

function* vmaFindings(facts: Facts, move: Move, vma: VmaSnapshot): Generator<Finding> {
  const { start, old, size, isGiven, dontUnmap } = move;
  const is = (flag: number) => hasFlags(vma.flags, flag);
  const grows = size > old;
  if (is(VmFlags.SEALED)) yield finding("EPERM", `${rangeText(vma)} is sealed by mseal(2)`);
  if (is(VmFlags.HUGETLB) && grows) yield finding("EINVAL", "a mapping of huge pages cannot grow");
  if (old === 0n && !is(VmFlags.SHARED) && !is(VmFlags.MAYSHARE)) {
    yield finding(
      "EINVAL",
      `the old length is 0, which duplicates shared mappings: ${rangeText(vma)} is private`,
    );
  }
  if (!isGiven && !grows) return;
  const isSpecial = is(VmFlags.DONTEXPAND) || is(VmFlags.PFNMAP);
  if (dontUnmap && isSpecial) yield finding("EINVAL", "MREMAP_DONTUNMAP of a special mapping");
  const kept = grows ? old : size;
  if (kept > BigInt(vma.end) - start) {
    yield finding("EFAULT", `the old range leaves its VMA ${rangeText(vma)}`);
  }
  if (!grows) return;
  const pages = (size - old) / facts.page;
  const pgoff = BigInt(vma.pgoff) + (start - BigInt(vma.start)) / facts.page;
  if (pgoff + size / facts.page >= 2n ** 64n)
    yield finding("EINVAL", "the page offset would pass 2^64");
  if (isSpecial) yield finding("EFAULT", "a special mapping cannot grow");
  if (is(VmFlags.LOCKED) && facts.isOverMemlock(pages)) {
    yield finding("EAGAIN", facts.memlockText(pages));
  }
  yield* facts.growth(vma.flags, pages);
}

/** FIXED and DONTUNMAP: what makes room. */
function* replaceFindings(facts: Facts, move: Move, vma: VmaSnapshot): Generator<Finding> {
  const { start, old, size, target, isFixed, dontUnmap } = move;
  const tail = { from: start + size, to: start + old };
  if (isFixed && old > size) {
    for (const part of facts.parts(tail.from, tail.to)) {
      if (part.vma === null || !hasFlags(part.vma.flags, VmFlags.SEALED)) continue;
      yield finding("EPERM", `${rangeText(part.vma)} in the tail is sealed by mseal(2)`);
    }
  }
  if (isFixed) yield* unmapFindings(facts, target, target + size);
  if (old > size) {
    if (tail.to > facts.taskSize) {
      yield finding("EINVAL", "the old range reaches beyond the end of the address space");
    }
    yield* unmapFindings(facts, tail.from, tail.to);
  }
  if (dontUnmap) {
    // The target goes before the limits are asked.
    const freed = isFixed ? facts.pagesIn(target, target + size, () => true) : 0n;
    yield* facts.growth(vma.flags, size / facts.page - freed);
  }
  if (isFixed && target < facts.minAddr && !facts.mayMapLow) {
    yield finding(
      "EPERM",
      `the target ${hexOf(target)} is below vm.mmap_min_addr (${hexOf(facts.minAddr)})`,
    );
  }
  if (!isFixed) yield* roomFindings(facts, move, vma, target);
  yield* moveFindings(facts, move, vma);
}

/** The same search as mmap's. */
function* roomFindings(facts: Facts, { start, size }: Move, vma: VmaSnapshot, hint: bigint) {
  const isShared = hasFlags(vma.flags, VmFlags.MAYSHARE);
  const pgoff = BigInt(vma.pgoff) + (start - BigInt(vma.start)) / facts.page;
  yield* facts.room(hint, size, pgoff, isShared ? MapFlag.SHARED : MapFlag.PRIVATE, vma.file);
}

function* moveFindings(facts: Facts, { old, size, dontUnmap }: Move, vma: VmaSnapshot) {
  yield* headroom(facts, MOVE_HEADROOM);
  if (!hasFlags(vma.flags, VmFlags.ACCOUNT)) return;
  yield* facts.commit((size - (dontUnmap ? 0n : old)) / facts.page);
}

function* growFindings(facts: Facts, move: Move, vma: VmaSnapshot): Generator<Finding> {
  const { start, old, size, mayMove } = move;
  const end = start + size;
  const next = facts.findVma(BigInt(vma.end));
  const isAtEnd = old !== 0n && start + old === BigInt(vma.end);
  const isBlocked = next !== null && BigInt(next.start) < end;
  const isBeyond = end > facts.taskSize;
  if (isAtEnd && !isBlocked && !isBeyond) {
    if (hasFlags(vma.flags, VmFlags.DONTEXPAND))
      yield finding("ENOMEM", "special mappings never merge");
    if (hasFlags(vma.flags, VmFlags.ACCOUNT)) yield* facts.commit((size - old) / facts.page);
    return;
  }
  if (mayMove) {
    yield* roomFindings(facts, move, vma, 0n);
    yield* moveFindings(facts, move, vma);
    return;
  }
  const why = !isAtEnd
    ? "the old range does not end where its VMA ends"
    : isBeyond
      ? "the address space ends there"
      : `${rangeText(next as VmaSnapshot)} is in the way`;
  yield finding("ENOMEM", `it cannot grow in place: ${why}; MREMAP_MAYMOVE was not given`);
}
