// The checks of munmap(2), which mmap(MAP_FIXED) and mremap(2) make too for what they replace.
//
// Context: the mmap lock. Floor: S2. Imports: flags, facts.

import { hasFlags, VmFlags } from "../flags.js";
import { type Facts, type Finding, finding, hexOf, rangeText } from "./facts.js";

const HUGE_PAGE = 2n ** 21n;

export function* munmapFindings(facts: Facts, start: bigint, length: bigint): Generator<Finding> {
  if (!facts.isAligned(start)) {
    yield finding("EINVAL", `${hexOf(start)} is no multiple of the page size`);
  }
  if (start > facts.taskSize || length > facts.taskSize - start) {
    const end = hexOf(start + length);
    yield finding(
      "EINVAL",
      `the range ends at ${end}, beyond the end of the address space at ${hexOf(facts.taskSize)}`,
    );
    return;
  }
  if (length === 0n) yield finding("EINVAL", "the length is 0");
  yield* unmapFindings(facts, start, start + facts.align(length));
}

/** What keeps [start, end) from being unmapped: seals, huge pages, the number of VMAs. */
export function* unmapFindings(facts: Facts, start: bigint, end: bigint): Generator<Finding> {
  for (const { vma } of facts.parts(start, end)) {
    if (vma === null) continue;
    if (BigInt(vma.start) < start && end < BigInt(vma.end)) yield* facts.cut("ENOMEM");
    if (hasFlags(vma.flags, VmFlags.SEALED)) {
      yield finding("EPERM", `${rangeText(vma)} is sealed by mseal(2)`);
    }
    if (!hasFlags(vma.flags, VmFlags.HUGETLB)) continue;
    for (const at of [start, end]) {
      if (at <= BigInt(vma.start) || at >= BigInt(vma.end) || at % HUGE_PAGE === 0n) continue;
      yield finding("EINVAL", `${hexOf(at)} lies inside a huge page of ${rangeText(vma)}`);
    }
  }
}
