// vm_flags as text: the two-letter codes of smaps' VmFlags line. Pure: no wasm.
// The place of a code is its bit (VmBit of assembly/shared/flags.ts), as the kernel prints them
// (Documentation/filesystems/proc.rst).

import { hasFlags } from "../flags.js";

/** What the kernel prints for a bit without a name. */
const NAMELESS = "??";

/** The code of each bit, bit 0 first. */
export const VM_FLAG_CODES: readonly string[] = /* @__PURE__ */ (
  "rd wr ex sh mr mw me ms gd um pf gu uw lo io sr rr dc de lf ac nr ht sf ar wf dd sd mm hg nh mg " +
  "?? ?? ?? ?? ?? ss ?? ?? dp ui sl"
).split(" ");

/** Bits that vm_flags has at most. */
const FLAG_BITS = 53;
const texts = new Map<number, string>();

/** Codes of the bits that are set, lowest first. */
export function flagCodes(flags: number): string[] {
  const codes: string[] = [];
  for (let bit = 0; bit < FLAG_BITS; bit++) {
    if (hasFlags(flags, 2 ** bit)) codes.push(VM_FLAG_CODES[bit] ?? NAMELESS);
  }
  return codes;
}

/** `rd wr mr mw me ac`: what smaps prints after `VmFlags: `, trailing space cut. */
export function vmFlagsText(flags: number): string {
  let text = texts.get(flags);
  if (text === undefined) {
    text = flagCodes(flags).join(" ");
    texts.set(flags, text);
  }
  return text;
}

/** The word of a VmFlags text; null if a code is unknown. */
export function parseVmFlags(text: string): number | null {
  let flags = 0;
  for (const code of text.split(" ")) {
    if (code === "") continue;
    const bit = code === NAMELESS ? -1 : VM_FLAG_CODES.indexOf(code);
    if (bit < 0) return null;
    if (!hasFlags(flags, 2 ** bit)) flags += 2 ** bit;
  }
  return flags;
}
