// The names of the API stand where the numbers of their enums say.

import { describe, expect, expectTypeOf, test } from "vitest";
import { COUNTERS, SLABS } from "../../src/engine.js";
import { ACCESSES } from "../../src/fault.js";
import { VM_BITS, VmFlags } from "../../src/flags.js";
import { STATS } from "../../src/mm-status.js";
import { REPORT } from "../../src/reap.js";
import { INVARIANTS } from "../../src/validation.js";
import { byWord, type Words } from "../../src/words.js";

const ENUMS = ["Access", "Counter", "Invariant", "MmStat", "Reap", "SlabKind", "VmBit"] as const;
/** The const enums as the objects that they are at run time. */
const { Access, Counter, Invariant, MmStat, Reap, SlabKind, VmBit } = {
  ...(await import("../../assembly/shared/abi.js")),
  ...(await import("../../assembly/shared/flags.js")),
} as unknown as Record<(typeof ENUMS)[number], Readonly<Record<string, number>>>;

const camelCase = (name: string) =>
  name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
const asIs = (name: string) => name;

/** Names of an enum by number; what only counts or masks is left out. */
const namesOf = (numbers: object, without: readonly string[] = []) =>
  Object.entries(numbers)
    .filter(([name, value]) => typeof value === "number" && !without.includes(name))
    .map(([name, value]) => [name, value as number] as const);

describe.each([
  ["VM_BITS", VM_BITS, VmBit, asIs, []],
  ["COUNTERS", COUNTERS, Counter, camelCase, ["COUNT"]],
  ["SLABS", SLABS, SlabKind, camelCase, ["COUNT"]],
  ["REPORT", REPORT, Reap, camelCase, ["COUNT", "FIRST_DEAD"]],
  ["INVARIANTS 0", INVARIANTS[0] ?? "", only(Invariant, 0), asIs, ["SOUND"]],
  ["INVARIANTS 1", INVARIANTS[1] ?? "", only(Invariant, 1), asIs, []],
  ["INVARIANTS 2", INVARIANTS[2] ?? "", only(Invariant, 2), asIs, []],
  ["ACCESSES", ACCESSES.join(" "), Access, camelCase, []],
] as const)("%s", (_name, text, numbers, spelled, without) => {
  test("is its enum, no name more and none less", () => {
    const found = byWord(text as string, (place) => place);
    const expected = namesOf(numbers, without).map(([name, value]) => [spelled(name), value]);
    expect(found).toEqual(Object.fromEntries(expected));
    expect(expected.length).toBeGreaterThan(0);
  });
});

/** Invariants of one kind, counted from its first. */
function only(numbers: object, kind: number): object {
  const ofKind = namesOf(numbers).filter(([, value]) => value >> 4 === kind);
  return Object.fromEntries(ofKind.map(([name, value]) => [name, value & 15]));
}

test("STATS are numbers of MmStat", () => {
  const stats = Object.fromEntries(
    namesOf(MmStat).map(([name, value]) => [camelCase(name), value]),
  );
  expect(stats).toMatchObject(byWord(STATS, (place) => place));
});

test("VmFlags has every bit, and NONE", () => {
  for (const [name, bit] of namesOf(VmBit)) expect(Reflect.get(VmFlags, name)).toBe(2 ** bit);
  expect(VmFlags.NONE).toBe(0);
  expect(Object.isFrozen(VmFlags)).toBe(true);
});

test("keys are the words; - is a place without one", () => {
  const object = byWord("a - c", (place) => place);
  expect(object).toEqual({ a: 0, c: 2 });
  expectTypeOf(object).toEqualTypeOf<Record<"a" | "c", number>>();
  expectTypeOf<Words<"one">>().toEqualTypeOf<"one">();
});
