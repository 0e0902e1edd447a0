// Property: other page sizes, other places and other space sizes follow the same rules.
//
// One sequence, written in pages, runs with pages of 4, 16 and 64 KiB, across the border of a
// region of the index (2^30 pages) and at the very end of the largest space. Each step has
// the same answer and draws the same map.

import fc from "fast-check";
import { expect, test } from "vitest";
import { assertSound } from "../../src/testing.js";
import { BASE, freshEngine } from "../support/engine.js";
import {
  anyCallOrSeal,
  drawn,
  openPlace,
  perform,
  runs,
  SEED,
  SPACE,
  sequence,
  spaceOptions,
} from "./calls.js";

const REGION = 2 ** 30;
const KIB = 1024;

/** The plain one first. */
const PLACES = [
  { base: BASE, options: spaceOptions(BASE) },
  { base: BASE, options: spaceOptions(BASE, 16384) },
  { base: BASE, options: spaceOptions(BASE, 65536) },
  ...[4 * KIB, 16 * KIB].map((size) => {
    const base = (REGION - 12) * size;
    return { base, options: spaceOptions(base, size as 4096 | 16384) };
  }),
  { base: 2 ** 52 - SPACE * 4096, options: spaceOptions(2 ** 52 - SPACE * 4096) },
];

test(`the same sequence draws the same map (VMAPLE_SEED=${SEED})`, async () => {
  const engine = await freshEngine();
  const property = fc.property(sequence(anyCallOrSeal), (calls) => {
    const places = PLACES.map(({ base, options }) => openPlace(engine, base, options));
    const [plain, ...others] = places;
    try {
      for (const call of calls) {
        const result = perform(plain!, call);
        const map = drawn(plain!);
        const { mapCount, totalVm, dataVm, lockedVm } = plain!.mm.stat();
        for (const other of others) {
          const where = `${JSON.stringify(call)} at ${other.base.toString(16)}, page ${other.page}`;
          expect(perform(other, call), where).toBe(result);
          expect(drawn(other), where).toEqual(map);
          expect(other.mm.stat(), where).toMatchObject({ mapCount, totalVm, dataVm, lockedVm });
          assertSound(other.mm.validate());
        }
      }
    } finally {
      for (const place of places) place[Symbol.dispose]();
    }
  });
  fc.assert(property, { numRuns: runs(60), seed: SEED });
});
