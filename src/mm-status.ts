// MmStatus: the numbers of one address space, as /proc/PID/status has them.
//
// Floor: S2. Imports: shared, core.

import { MmStat } from "../assembly/shared/abi.js";
import type { Core } from "./core.js";

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

export function mmStatus({ x }: Core, mm: number): MmStatus {
  return {
    mapCount: x.mm_stat(mm, MmStat.MAP_COUNT),
    totalVm: x.mm_stat(mm, MmStat.TOTAL_VM),
    dataVm: x.mm_stat(mm, MmStat.DATA_VM),
    execVm: x.mm_stat(mm, MmStat.EXEC_VM),
    stackVm: x.mm_stat(mm, MmStat.STACK_VM),
    lockedVm: x.mm_stat(mm, MmStat.LOCKED_VM),
    startBrk: x.mm_stat(mm, MmStat.START_BRK),
    brk: x.mm_stat(mm, MmStat.BRK),
    mmapBase: x.mm_stat(mm, MmStat.MMAP_BASE),
    taskSize: x.mm_stat(mm, MmStat.TASK_SIZE),
    pageSize: 2 ** x.mm_stat(mm, MmStat.PAGE_SHIFT),
    sequence: x.mm_stat(mm, MmStat.SEQUENCE),
  };
}
