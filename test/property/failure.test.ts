// Property: a call that fails changes nothing, except where Linux itself publishes a part.
//
// What may remain of a failed call, and nothing else:
//   munmap, mmap FIXED, mseal, brk   a border inside a VMA (the cut at the range's ends, R-LIM-8,
//                                    R-SEAL-21); no page changes, no counter but map_count
//   mprotect, mlock, munlock, madvise  the VMAs before the first problem (R-PROT-21, R-MLOCK-6,
//                                    R-MADV-5), and the head split of the one that failed (R-PROT-31)
//   madvise GUARD_INSTALL            the mark on the whole of each VMA it reached (R-MADV-15)
//   mseal                            likewise if a split is refused half-way; a hole seals nothing
//   mremap                           the target unmapped, a shrunk source, VMAs already moved
//                                    (R-REMAP-66): pages of the two ranges; DONTUNMAP unlocks the whole
//                                    VMA of a source that it has moved (R-REMAP-25)
//   a fault                          the identity of a stack that could not grow; a stack that grew
//                                    to the page before the access to it was refused
// Spaces here have narrow limits, so that calls fail half-way.

import fc from "fast-check";
import { expect, test } from "vitest";
import { hasFlags, MapFlags, type MmOptions, MremapFlags, VmFlags } from "../../src/index.js";
import { assertSound } from "../../src/testing.js";
import { BASE, freshEngine, PAGE } from "../support/engine.js";
import {
  anyCallOrSeal,
  type Call,
  counters,
  openPlace,
  type Place,
  pagesOf,
  perform,
  runs,
  SEED,
  sequence,
  spaceOptions,
} from "./calls.js";

const limits: fc.Arbitrary<Partial<MmOptions>> = fc.record(
  {
    maxMapCount: fc.integer({ min: 4, max: 12 }),
    overcommit: fc.constantFrom("heuristic" as const, "never" as const),
    totalRam: fc.integer({ min: 6, max: 40 }).map((n) => n * PAGE),
    rlimits: fc.record(
      {
        as: fc.integer({ min: 6, max: 30 }).map((n) => n * PAGE),
        data: fc.integer({ min: 3, max: 20 }).map((n) => n * PAGE),
        memlock: fc.integer({ min: 0, max: 8 }).map((n) => n * PAGE),
        stack: fc.integer({ min: 2, max: 8 }).map((n) => n * PAGE),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);

interface State {
  readonly pages: Map<number, string>;
  readonly borders: Set<number>;
  readonly counters: ReturnType<typeof counters>;
}

type Change = readonly [before: State, after: State];

/** Pages whose record is another one afterwards. */
function changedPages(before: State, after: State): number[] {
  const all = new Set([...before.pages.keys(), ...after.pages.keys()]);
  return [...all]
    .filter((page) => before.pages.get(page) !== after.pages.get(page))
    .sort((a, b) => a - b);
}

const isFailure = (result: string) => /^[A-Z]/.test(result) && result !== "OK";

function rangeOf(call: Call): [first: number, end: number] {
  return "page" in call && "pages" in call ? [call.page, call.page + call.pages] : [0, 0];
}

/** What a failed call may leave behind. */
function checkFailure(place: Place, call: Call, result: string, [before, after]: Change): void {
  const changed = changedPages(before, after);
  const [first, end] = rangeOf(call);
  switch (call.op) {
    case "mmap":
      expect(changed).toEqual([]);
      expect(withoutCount(after)).toEqual(withoutCount(before));
      // Without FIXED not even a border; with it only at the ends of the range.
      if ((call.flags & MapFlags.FIXED) === 0) expect(after).toEqual(before);
      else expectBorders(before, after, [first, end]);
      return;
    case "munmap":
      expect(changed).toEqual([]);
      expect(withoutCount(after)).toEqual(withoutCount(before));
      expectBorders(before, after, [first, end]);
      return;
    case "mprotect":
    case "mlock":
    case "munlock":
    case "mseal":
    case "madvise":
      for (const page of changed) {
        expect(page).toBeGreaterThanOrEqual(first);
        expect(page).toBeLessThan(end);
      }
      if (call.op !== "madvise") expectPrefix(place, call, changed);
      return;
    case "mremap": {
      const inside = (page: number) =>
        (page >= call.page && page < end) ||
        (page >= call.to && page < call.to + Math.max(call.newPages, call.pages));
      const unlocked = (page: number) =>
        withoutLocks(before.pages.get(page)) === withoutLocks(after.pages.get(page));
      const keeps = (call.flags & MremapFlags.DONTUNMAP) !== 0;
      expect(changed.filter((page) => !inside(page) && !(keeps && unlocked(page)))).toEqual([]);
      return;
    }
    case "touch":
      if (result === "SEGV_ACCERR")
        expect(changed.filter((page) => before.pages.has(page))).toEqual([]);
      else
        expect({ changed, counters: after.counters }).toEqual({
          changed: [],
          counters: before.counters,
        });
      return;
    default:
      expect(after).toEqual(before);
  }
}

function withoutLocks(record: string | undefined): string | undefined {
  const locks = BigInt(VmFlags.LOCKED + VmFlags.LOCKONFAULT);
  return record?.replace(/^\d+/, (flags) => `${BigInt(flags) & ~locks}`);
}

function withoutCount({ counters: all }: State) {
  return { ...all, mapCount: 0 };
}

/** No border has gone, and new ones are these only. */
function expectBorders(before: State, after: State, allowed: readonly number[]): void {
  for (const border of before.borders) expect(after.borders).toContain(border);
  const fresh = [...after.borders].filter((border) => !before.borders.has(border));
  for (const border of fresh) expect(allowed).toContain(border);
  expect(after.counters.mapCount).toBe(before.counters.mapCount + fresh.length);
}

/** Up to the last page that changed, every page is as the call wanted it: nothing was passed over. */
function expectPrefix(place: Place, call: Call, changed: readonly number[]): void {
  const last = changed.at(-1);
  if (last === undefined || !("page" in call)) return;
  for (let page = call.page; page <= last; page++) {
    const at = place.base + page * place.page;
    const vma = place.mm.vmas().find(({ start, end }) => start <= at && at < end);
    if (call.op === "mprotect")
      expect(vma?.flags ?? -1).toSatisfy((f) => (f as number) % 8 === call.value);
    else {
      const flag = call.op === "mseal" ? VmFlags.SEALED : VmFlags.LOCKED;
      expect(vma).toBeDefined();
      if (vma) expect(hasFlags(vma.flags, flag)).toBe(call.op !== "munlock");
    }
  }
}

test(`a failed call changes nothing but what Linux publishes (VMAPLE_SEED=${SEED})`, async () => {
  const engine = await freshEngine();
  const failures = new Map<string, number>();
  const property = fc.property(limits, sequence(anyCallOrSeal, 50), (narrow, calls) => {
    using place = openPlace(engine, BASE, { ...spaceOptions(BASE), ...narrow });
    const state = (): State => ({
      pages: pagesOf(place, VmFlags.MAYBE_GUARD),
      borders: new Set(
        place.mm.vmas().flatMap(({ start, end }) => [start, end].map((a) => (a - BASE) / PAGE)),
      ),
      counters: counters(engine, place.mm),
    });
    let before = state();
    for (const call of calls) {
      const result = perform(place, call);
      const after = state();
      assertSound(place.mm.validate());
      if (isFailure(result)) {
        failures.set(call.op, (failures.get(call.op) ?? 0) + 1);
        checkFailure(place, call, result, [before, after]);
      }
      before = after;
    }
  });
  fc.assert(property, { numRuns: runs(250), seed: SEED });
  for (const op of [
    "mmap",
    "munmap",
    "mprotect",
    "madvise",
    "mlock",
    "munlock",
    "mremap",
    "touch",
    "mseal",
  ]) {
    expect(failures.get(op) ?? 0, op).toBeGreaterThan(0);
  }
});

test(`a refused break leaves everything (VMAPLE_SEED=${SEED})`, async () => {
  const engine = await freshEngine();
  const property = fc.property(
    limits,
    sequence(anyCallOrSeal, 15),
    fc.integer({ min: 0, max: 20 }),
    (narrow, calls, pages) => {
      using place = openPlace(engine, BASE, { ...spaceOptions(BASE), ...narrow });
      for (const call of calls) perform(place, call);
      const before = { maps: place.mm.maps(), counters: counters(engine, place.mm) };
      const old = place.mm.brk();
      const wanted = BASE + (80 + pages) * PAGE;
      const now = place.mm.brk(wanted);
      assertSound(place.mm.validate());
      if (now === wanted) return;
      expect(now).toBe(old);
      expect({ maps: place.mm.maps(), counters: counters(engine, place.mm) }).toEqual(before);
    },
  );
  fc.assert(property, { numRuns: runs(100), seed: SEED });
});
