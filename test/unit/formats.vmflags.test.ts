// VmFlags as text.

import { expect, test } from "vitest";
import { VmFlags } from "../../src/flags.js";
import { parseVmFlags, VM_FLAG_CODES, vmFlagsText } from "../../src/formats/vmflags.js";

/** The names that flags.ts gives to the bits, by bit. */
const NAMED = new Map(
  Object.entries(VmFlags).flatMap(([name, flag]) => (flag === 0 ? [] : [[Math.log2(flag), name]])),
);

test("every bit with a name has a code of its own, others have none", () => {
  const coded = [...VM_FLAG_CODES.keys()].filter((bit) => VM_FLAG_CODES[bit] !== "??");
  expect(coded).toEqual([...NAMED.keys()].sort((a, b) => a - b));
  expect(new Set(coded.map((bit) => VM_FLAG_CODES[bit])).size).toBe(coded.length);
});

test.each([
  [VmFlags.MAYSHARE, "ms"],
  [VmFlags.LOCKONFAULT, "lf"],
  [VmFlags.MERGEABLE, "mg"],
  [VmFlags.SHADOW_STACK, "ss"],
  [VmFlags.DROPPABLE, "dp"],
  [VmFlags.UFFD_MINOR, "ui"],
  [VmFlags.SEALED, "sl"],
])("%d is %s", (flag, code) => {
  expect(vmFlagsText(flag)).toBe(code);
});

test("a stack as smaps shows it", () => {
  const flags =
    VmFlags.READ +
    VmFlags.WRITE +
    VmFlags.MAYREAD +
    VmFlags.MAYWRITE +
    VmFlags.MAYEXEC +
    VmFlags.GROWSDOWN +
    VmFlags.ACCOUNT;
  expect(vmFlagsText(flags)).toBe("rd wr mr mw me gd ac");
});

test("bits above 31 are seen", () => {
  expect(vmFlagsText(VmFlags.SEALED + VmFlags.MERGEABLE + VmFlags.READ)).toBe("rd mg sl");
});

test("text and word go both ways", () => {
  for (const bit of NAMED.keys() as Iterable<number>) {
    expect(parseVmFlags(vmFlagsText(2 ** bit))).toBe(2 ** bit);
  }
  expect(parseVmFlags("")).toBe(0);
  expect(parseVmFlags("rd rd wr ")).toBe(VmFlags.READ + VmFlags.WRITE);
});

test("an unknown code is no word", () => {
  expect(parseVmFlags("rd zz")).toBeNull();
  expect(vmFlagsText(1 + 2 ** 36)).toBe("rd ??");
  expect(parseVmFlags("rd ??")).toBeNull();
});
