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
  const stat = (which: MmStat) => x.mm_stat(mm, which);
  return {
    mapCount: stat(MmStat.MAP_COUNT),
    totalVm: stat(MmStat.TOTAL_VM),
    dataVm: stat(MmStat.DATA_VM),
    execVm: stat(MmStat.EXEC_VM),
    stackVm: stat(MmStat.STACK_VM),
    lockedVm: stat(MmStat.LOCKED_VM),
    startBrk: stat(MmStat.START_BRK),
    brk: stat(MmStat.BRK),
    mmapBase: stat(MmStat.MMAP_BASE),
    taskSize: stat(MmStat.TASK_SIZE),
    pageSize: 2 ** stat(MmStat.PAGE_SHIFT),
    sequence: stat(MmStat.SEQUENCE),
  };
}
