// vm_flags as text: the two-letter codes of smaps' VmFlags line. Pure: no wasm.
// The codes stand in bit order, as the kernel prints them
// (Documentation/filesystems/proc.rst).

import { VmBit } from "../../assembly/shared/flags.js";
import { hasFlags } from "../flags.js";

/** Every named bit with its code, lowest bit first. */
export const VM_FLAG_CODES: ReadonlyArray<readonly [bit: number, code: string]> = [
  [VmBit.READ, "rd"],
  [VmBit.WRITE, "wr"],
  [VmBit.EXEC, "ex"],
  [VmBit.SHARED, "sh"],
  [VmBit.MAYREAD, "mr"],
  [VmBit.MAYWRITE, "mw"],
  [VmBit.MAYEXEC, "me"],
  [VmBit.MAYSHARE, "ms"],
  [VmBit.GROWSDOWN, "gd"],
  [VmBit.UFFD_MISSING, "um"],
  [VmBit.PFNMAP, "pf"],
  [VmBit.MAYBE_GUARD, "gu"],
  [VmBit.UFFD_WP, "uw"],
  [VmBit.LOCKED, "lo"],
  [VmBit.IO, "io"],
  [VmBit.SEQ_READ, "sr"],
  [VmBit.RAND_READ, "rr"],
  [VmBit.DONTCOPY, "dc"],
  [VmBit.DONTEXPAND, "de"],
  [VmBit.LOCKONFAULT, "lf"],
  [VmBit.ACCOUNT, "ac"],
  [VmBit.NORESERVE, "nr"],
  [VmBit.HUGETLB, "ht"],
  [VmBit.SYNC, "sf"],
  [VmBit.ARCH_1, "ar"],
  [VmBit.WIPEONFORK, "wf"],
  [VmBit.DONTDUMP, "dd"],
  [VmBit.SOFTDIRTY, "sd"],
  [VmBit.MIXEDMAP, "mm"],
  [VmBit.HUGEPAGE, "hg"],
  [VmBit.NOHUGEPAGE, "nh"],
  [VmBit.MERGEABLE, "mg"],
  [VmBit.SHADOW_STACK, "ss"],
  [VmBit.DROPPABLE, "dp"],
  [VmBit.UFFD_MINOR, "ui"],
  [VmBit.SEALED, "sl"],
];

const BIT_OF_CODE = /* @__PURE__ */ bitsOfCodes();
const texts = new Map<number, string>();

/** `rd wr mr mw me ac`: what smaps prints after `VmFlags: `, trailing space cut. */
export function vmFlagsText(flags: number): string {
  let text = texts.get(flags);
  if (text === undefined) {
    const codes = VM_FLAG_CODES.filter(([bit]) => hasFlags(flags, 2 ** bit));
    text = codes.map(([, code]) => code).join(" ");
    texts.set(flags, text);
  }
  return text;
}

/** The word of a VmFlags text; null if a code is unknown. */
export function parseVmFlags(text: string): number | null {
  let flags = 0;
  for (const code of text.split(" ")) {
    if (code === "") continue;
    const bit = BIT_OF_CODE.get(code);
    if (bit === undefined) return null;
    if (!hasFlags(flags, 2 ** bit)) flags += 2 ** bit;
  }
  return flags;
}

function bitsOfCodes(): ReadonlyMap<string, VmBit> {
  return new Map(VM_FLAG_CODES.map(([bit, code]) => [code, bit]));
}
