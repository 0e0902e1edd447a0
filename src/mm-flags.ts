// Settings of prctl(2) and personality(2) that mmap and mprotect obey: MmFlag bits.
//
// Floor: S2. Imports: shared, address, core.

import { MmFlag, MmStat } from "../assembly/shared/abi.js";
import { shown } from "./address.js";
import type { Core } from "./core.js";

/** Both ways of MDWE. */
export const MDWE = MmFlag.MDWE | MmFlag.MDWE_NO_INHERIT;

/** MmFlag bits of a mode of PR_SET_MDWE. @throws TypeError an unknown mode */
export function mdweBits(mode: boolean | "no-inherit"): number {
  if (mode === "no-inherit") return MDWE;
  if (typeof mode === "boolean") return mode ? MmFlag.MDWE : 0;
  throw new TypeError(`mdwe must be a boolean or "no-inherit", not ${shown(mode)}`);
}

/** What exec keeps: MDWE unless it is not inherited, and what the kernel was built with. */
export function flagsAfterExec(flags: number): number {
  const kept = flags & (MmFlag.MDWE | MmFlag.NO_VMA_NAMES);
  return (flags & MmFlag.MDWE_NO_INHERIT) !== 0 ? kept & ~MmFlag.MDWE : kept;
}

/** MmFlag bits. */
export function flagsOf(core: Core, mm: number): number {
  return core.x.mm_stat(mm, MmStat.FLAGS);
}
