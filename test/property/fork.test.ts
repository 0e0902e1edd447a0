// Property: a fork's child is the specification's transformation of its parent (R-FORK-*),
// and from then on neither sees what the other does.

import fc from "fast-check";
import { expect, test } from "vitest";
import { hasFlags, type VmaSnapshot, VmFlags } from "../../src/index.js";
import { assertSound } from "../../src/testing.js";
import { BASE, freshEngine, liveObjects, PAGE } from "../support/engine.js";
import {
  anyCallOrSeal,
  counters,
  openPlace,
  perform,
  runs,
  SEED,
  sequence,
  sums,
} from "./calls.js";

const LOCKS = VmFlags.LOCKED + VmFlags.LOCKONFAULT;

/** `flags` without the bits of `mask`; both beyond 32 bits. */
function without(flags: number, mask: number): number {
  return Number(BigInt(flags) & ~BigInt(mask));
}

/** What of a VMA the child must have; null: DONTCOPY (R-FORK-2, 3, 5, 11). */
function childOf(vma: VmaSnapshot) {
  if (hasFlags(vma.flags, VmFlags.DONTCOPY)) return null;
  const wiped = hasFlags(vma.flags, VmFlags.WIPEONFORK);
  const { start, end, pgoff, file, name } = vma;
  const touched = vma.anonVma !== 0 && !wiped;
  return { start, end, pgoff, file, name, flags: without(vma.flags, LOCKS), touched };
}

const bare = ({ start, end, pgoff, file, name, flags, anonVma }: VmaSnapshot) => ({
  start,
  end,
  pgoff,
  file,
  name,
  flags,
  touched: anonVma !== 0,
});

test(`a child is its parent, transformed (VMAPLE_SEED=${SEED})`, async () => {
  const engine = await freshEngine();
  const property = fc.property(
    sequence(anyCallOrSeal),
    sequence(anyCallOrSeal, 10),
    (calls, later) => {
      using place = openPlace(engine, BASE);
      const { mm } = place;
      for (const call of calls) perform(place, call);
      const parent = { vmas: mm.vmas(), stat: { ...mm.stat(), sequence: 0 } };
      using child = mm.fork();

      const vmas = child.vmas();
      expect(vmas.map(bare)).toEqual(parent.vmas.map(childOf).filter((vma) => vma !== null));
      // An identity is the child's own, one a VMA (R-AV-23).
      const identities = vmas.map((vma) => vma.anonVma).filter((id) => id !== 0);
      expect(new Set(identities).size).toBe(identities.length);
      for (const vma of parent.vmas) if (vma.anonVma) expect(identities).not.toContain(vma.anonVma);
      // R-FORK-12.
      expect(counters(engine, child)).toEqual(sums(vmas, PAGE));
      expect(child.stat().lockedVm).toBe(0);
      const { brk, startBrk, mmapBase, taskSize, pageSize } = parent.stat;
      expect(child.stat()).toMatchObject({ brk, startBrk, mmapBase, taskSize, pageSize });
      assertSound(child.validate());
      // The parent is as it was, and stays so.
      expect({ vmas: mm.vmas(), stat: { ...mm.stat(), sequence: 0 } }).toEqual(parent);
      for (const call of later) perform({ ...place, mm: child }, call);
      expect({ vmas: mm.vmas(), stat: { ...mm.stat(), sequence: 0 } }).toEqual(parent);
      const still = child.vmas();
      for (const call of later) perform(place, call);
      expect(child.vmas()).toEqual(still);
      assertSound(mm.validate());
      assertSound(child.validate());
    },
  );
  fc.assert(property, { numRuns: runs(120), seed: SEED });
  expect(liveObjects(engine)).toBe(0);
});
