// ops/validate.ts: a broken space is reported, each invariant by its name.
//
// Each test breaks one word of a sound space behind the engine's back and puts it right again.

import { expect, test } from "vitest";
import { assertSound } from "../../../../src/testing.js";
import { type Sketch, sketch } from "../../../support/drawing.js";

/** Offsets of assembly/base/layout.ts. */
const VMA = { MM: 8, START: 16, END: 24 };
const MM_MAP_COUNT = 256;
const COUNTERS = { TOTAL_VM: 264, DATA_VM: 272, EXEC_VM: 280, STACK_VM: 288, COMMIT: 304 };
const MM_LOCKED_VM = 296;

function breach(s: Sketch, at: number, change: (word: bigint) => bigint): string[] {
  const view = new DataView(s.engine.memory.buffer);
  const was = view.getBigUint64(at, true);
  view.setBigUint64(at, change(was), true);
  const found = s.mm.validate();
  view.setBigUint64(at, was, true);
  assertSound(s.mm.validate());
  return found.map((violation) => violation.invariant);
}

const vmaAt = (s: Sketch, page: number) => s.engine.raw.vmaLookup(s.mm.asRaw(), s.at(page));

test.each(Object.entries(COUNTERS))("%s that is not the sum of its pages", async (name, offset) => {
  const s = await sketch("WWXXGG.RR");
  for (const delta of [1n, -1n]) {
    expect(breach(s, s.mm.asRaw() + offset, (word) => word + delta)).toEqual([name]);
  }
});

test("map_count that is not the number of VMAs", async () => {
  const s = await sketch("WR");
  expect(breach(s, s.mm.asRaw() + MM_MAP_COUNT, (word) => word + 1n)).toEqual(["MAP_COUNT"]);
});

test("locked_vm may exceed the locked pages (R-REMAP-63), never fall short", async () => {
  const s = await sketch("LLL");
  expect(breach(s, s.mm.asRaw() + MM_LOCKED_VM, (word) => word - 1n)).toEqual(["LOCKED_VM"]);
  expect(breach(s, s.mm.asRaw() + MM_LOCKED_VM, (word) => word + 5n)).toEqual([]);
});

test.each([
  ["start above the tree's", VMA.START, 4096n],
  ["start below the tree's", VMA.START, -4096n],
  ["end below the tree's", VMA.END, -4096n],
  ["end above the tree's", VMA.END, 4096n],
  ["misaligned start", VMA.START, 1n],
  ["misaligned end", VMA.END, -1n],
])("a VMA whose range is not the tree's: %s", async (_name, offset, delta) => {
  const s = await sketch(".WWWW.");
  const [found] = breach(s, vmaAt(s, 1) + offset, (word) => word + delta);
  expect(found).toMatch(/^VMA_(RANGE|ORDER)$/);
});

test("an empty VMA, and one beyond the space", async () => {
  const s = await sketch("WW");
  const vma = vmaAt(s, 0);
  expect(breach(s, vma + VMA.END, () => BigInt(s.at(0)))).toEqual(["VMA_ORDER"]);
  expect(breach(s, vma + VMA.END, () => 2n ** 50n)).toEqual(["VMA_ORDER"]);
});

test("a VMA of another mm", async () => {
  const s = await sketch("WW");
  using other = s.engine.createMm();
  const high = 0xffffffff00000000n;
  const swap = (word: bigint) => (word & high) | BigInt(other.asRaw());
  expect(breach(s, vmaAt(s, 0) + VMA.MM, swap)).toEqual(["VMA_MM"]);
});

test("a detached VMA in the tree", async () => {
  const s = await sketch("WW");
  const found = breach(s, vmaAt(s, 0), (word) => (word >> 32n) << 32n);
  expect(found).toEqual(["VMA_DETACHED"]);
});

test("the report names the space, and assertSound throws it", async () => {
  const s = await sketch("WR");
  const view = new DataView(s.engine.memory.buffer);
  const at = s.mm.asRaw() + COUNTERS.TOTAL_VM;
  view.setBigUint64(at, 7n, true);
  expect(s.mm.validate()).toMatchObject([{ mm: s.mm.asRaw(), invariant: "TOTAL_VM" }]);
  expect(() => assertSound(s.mm.validate())).toThrow(/TOTAL_VM/);
  expect(s.engine.validate()).toHaveLength(1);
  view.setBigUint64(at, 2n, true);
  assertSound(s.engine.validate());
});
