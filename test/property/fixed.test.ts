// Property: MAP_FIXED over anything is munmap and then mmap.
//
// Two spaces run one sequence; in the second each mmap with FIXED that succeeded is made of
// the two calls. After every step both have the same VMAs: borders, flags, files, offsets,
// names, and which VMAs share an identity. There is no exception to the result. What differs
// is what lies between (a reader never sees the hole of FIXED, R-MAP-60) and refusals: FIXED
// may be refused where the pair is not (limits are asked before the old pages go, R-LIM-2,
// map_count R-MAP 28), and keeps the old mapping then; that is failure.test.ts.

import fc from "fast-check";
import { expect, test } from "vitest";
import { MapFlags } from "../../src/index.js";
import { assertSound } from "../../src/testing.js";
import { BASE, freshEngine } from "../support/engine.js";
import {
  anyCall,
  type Call,
  drawn,
  fixedMap,
  openPlace,
  perform,
  runs,
  SEED,
  sequence,
} from "./calls.js";

const call = fc.oneof(
  { weight: 1, arbitrary: fixedMap as fc.Arbitrary<Call> },
  { weight: 2, arbitrary: anyCall },
);

test(`MAP_FIXED equals munmap then mmap (VMAPLE_SEED=${SEED})`, async () => {
  const engine = await freshEngine();
  let replaced = 0;
  const property = fc.property(sequence(call), (calls) => {
    using one = openPlace(engine, BASE);
    using other = openPlace(engine, BASE);
    for (const step of calls) {
      const before = one.mm.stat().totalVm;
      const result = perform(one, step);
      if (step.op === "mmap" && (step.flags & MapFlags.FIXED) !== 0 && result.startsWith("page")) {
        const { page, pages } = step;
        expect(perform(other, { op: "munmap", page, pages })).toBe("ok");
        if (one.mm.stat().totalVm < before + pages) replaced++;
      }
      expect(perform(other, step), JSON.stringify(step)).toBe(result);
      expect(drawn(other), JSON.stringify(step)).toEqual(drawn(one));
      assertSound(one.mm.validate());
      assertSound(other.mm.validate());
    }
    expect(other.mm.stat()).toEqual({ ...one.mm.stat(), sequence: other.mm.stat().sequence });
  });
  fc.assert(property, { numRuns: runs(150), seed: SEED });
  expect(replaced).toBeGreaterThan(100); // the property was exercised
});
