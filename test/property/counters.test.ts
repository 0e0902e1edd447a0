// Properties of whole spaces: counters are sums, spaces do not see each other, nothing is left.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assertSound } from "../../src/testing.js";
import { BASE, freshEngine, liveObjects, PAGE } from "../support/engine.js";
import {
  anyCallOrSeal,
  type Call,
  counters,
  drawn,
  openPlace,
  perform,
  runs,
  SEED,
  sequence,
  sums,
} from "./calls.js";

const DONTUNMAP = 4;
/** R-REMAP-63: the one call after which locked_vm is more than the locked pages. */
const drifts = (call: Call) => call.op === "mremap" && (call.flags & DONTUNMAP) !== 0;

describe(`VMAPLE_SEED=${SEED}`, () => {
  test("counters equal the sums over VMAs, after every step", async () => {
    const engine = await freshEngine();
    const property = fc.property(sequence(anyCallOrSeal, 60), (calls) => {
      using place = openPlace(engine, BASE);
      let exact = true;
      for (const call of calls) {
        perform(place, call);
        exact &&= !drifts(call);
        const [actual, expected] = [counters(engine, place.mm), sums(place.mm.vmas(), PAGE)];
        if (exact) expect(actual, JSON.stringify(call)).toEqual(expected);
        else {
          expect(actual.lockedVm).toBeGreaterThanOrEqual(expected.lockedVm);
          expect({ ...actual, lockedVm: 0 }, JSON.stringify(call)).toEqual({
            ...expected,
            lockedVm: 0,
          });
        }
      }
      assertSound(place.mm.validate());
    });
    fc.assert(property, { numRuns: runs(150), seed: SEED });
  });

  test("two spaces of one arena never influence each other", async () => {
    const [shared, alone] = [await freshEngine(), await freshEngine()];
    const turns = fc.array(fc.tuple(fc.boolean(), anyCallOrSeal), { maxLength: 50, size: "max" });
    const property = fc.property(turns, (calls) => {
      using first = openPlace(shared, BASE);
      using second = openPlace(shared, BASE);
      using reference = openPlace(alone, BASE);
      for (const [mine, call] of calls) {
        const result = perform(mine ? first : second, call);
        if (mine) expect(perform(reference, call)).toBe(result);
      }
      expect(drawn(first)).toEqual(drawn(reference));
      expect(counters(shared, first.mm)).toEqual(counters(alone, reference.mm));
      assertSound(shared.validate());
    });
    fc.assert(property, { numRuns: runs(100), seed: SEED });
  });

  test("objects in use return to the start after dispose, forks and all", async () => {
    const engine = await freshEngine();
    const start = liveObjects(engine);
    const property = fc.property(
      sequence(anyCallOrSeal, 30),
      fc.nat({ max: 3 }),
      (calls, forks) => {
        const place = openPlace(engine, BASE);
        for (const call of calls) perform(place, call);
        const children = Array.from({ length: forks }, () => place.mm.fork());
        for (const child of children)
          for (const call of calls) perform({ ...place, mm: child }, call);
        place[Symbol.dispose](); // the parent first
        for (const child of children) child.dispose();
        expect(engine.stats().memory.kinds).toMatchObject({
          vma: { live: 0 },
          leaf: { live: 0 },
          inner: { live: 0 },
          mm: { live: 0 },
          file: { live: 0 },
        });
      },
    );
    fc.assert(property, { numRuns: runs(80), seed: SEED });
    expect(liveObjects(engine)).toBe(start);
  });

  test("the heap grown and shrunk in any steps ends as it began", async () => {
    const engine = await freshEngine();
    const steps = fc.array(fc.integer({ min: 0, max: 40 * PAGE }), { minLength: 1, maxLength: 20 });
    const property = fc.property(steps, (breaks) => {
      using mm = engine.createMm();
      const start = mm.brk();
      for (const offset of breaks) {
        expect(mm.brk(start + offset)).toBe(start + offset);
        const pages = Math.ceil(offset / PAGE);
        expect(mm.stat()).toMatchObject({
          totalVm: pages,
          mapCount: pages === 0 ? 0 : 1,
          brk: start + offset,
        });
        assertSound(mm.validate());
      }
      expect(mm.brk(start)).toBe(start);
      expect(mm.maps()).toBe("");
      expect(mm.stat()).toMatchObject({ totalVm: 0, dataVm: 0, mapCount: 0 });
    });
    fc.assert(property, { numRuns: runs(60), seed: SEED });
    expect(liveObjects(engine)).toBe(0);
  });
});
