// VmFlags as text.

import { expect, test } from "vitest";
import { VmFlags } from "../../src/flags.js";
import { parseVmFlags, VM_FLAG_CODES, vmFlagsText } from "../../src/formats/vmflags.js";

test("codes stand in bit order, each bit and each code once", () => {
  const bits = VM_FLAG_CODES.map(([bit]) => bit);
  expect(bits).toEqual([...bits].sort((a, b) => a - b));
  expect(new Set(bits).size).toBe(bits.length);
  expect(new Set(VM_FLAG_CODES.map(([, code]) => code)).size).toBe(bits.length);
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
  for (const [bit, code] of VM_FLAG_CODES) {
    expect(vmFlagsText(2 ** bit)).toBe(code);
    expect(parseVmFlags(code)).toBe(2 ** bit);
  }
  expect(parseVmFlags("")).toBe(0);
  expect(parseVmFlags("rd rd wr ")).toBe(VmFlags.READ + VmFlags.WRITE);
});

test("an unknown code is no word", () => {
  expect(parseVmFlags("rd zz")).toBeNull();
});
