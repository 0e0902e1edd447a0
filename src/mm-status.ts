// MmStatus: the numbers of one address space, as /proc/PID/status has them.
//
// Floor: S2. Imports: shared, core.

import { MmStat } from "../assembly/shared/abi.js";
import type { Core } from "./core.js";
import { byWord } from "./words.js";

/** Numbers of one address space. Counts in pages, the rest in bytes. */
export interface MmStatus {
  readonly mapCount: number;
  readonly totalVm: number;
  readonly dataVm: number;
  readonly execVm: number;
  readonly stackVm: number;
  readonly lockedVm: number;
  readonly startBrk: number;
  readonly brk: number;
  readonly mmapBase: number;
  readonly taskSize: number;
  readonly pageSize: number;
  /** mm_lock_seq: changes whenever the space may have changed; odd while write-locked. */
  readonly sequence: number;
}

/** By MmStat, from 0 on. */
export const STATS =
  "mapCount totalVm dataVm execVm stackVm lockedVm startBrk brk mmapBase taskSize - sequence";

export function mmStatus({ x }: Core, mm: number): MmStatus {
  const pageSize = 2 ** x.mm_stat(mm, MmStat.PAGE_SHIFT);
  return { ...byWord(STATS, (stat) => x.mm_stat(mm, stat)), pageSize };
}
