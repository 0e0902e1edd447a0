// exec's fresh layout: a new mm with the settings of an old one and nothing but a stack.
//
// As execve(2) leaves it without address randomisation (R-EXEC-1): the break at its start,
// one GROWSDOWN VMA of 128 KiB and the page of the arguments at the end of the task. Gone:
// VMAs, seals, names, mlockall's state, READ_IMPLIES_EXEC, and MDWE if it is not inherited.
//
//        128 KiB of room            arguments
//   ┌────────────────────────────┬──────────┐ task size
//   └────────────────────────────┴──────────┘
//   start                        start_stack
//
// Floor: S2. Imports: shared, core, errors, flags, mm-flags.

import { Access, Fault, MmArg, MmFlag } from "../assembly/shared/abi.js";
import { Errno } from "../assembly/shared/errno.js";
import { type Address, asNumber, assertFields } from "./address.js";
import type { Core } from "./core.js";
import { checked, checkedPointer, MmError } from "./errors.js";
import { VmFlags } from "./flags.js";
import { flagsAfterExec, flagsOf } from "./mm-flags.js";

export interface ExecOptions {
  /** Where the new program's heap starts. Default: where the old one's did. */
  readonly startBrk?: Address;
  /** Bytes of the new program's data segment: they count against RLIMIT_DATA with the heap. Default 0. */
  readonly dataSegment?: Address;
  /** The new program asks for an executable stack of the old kind: READ_IMPLIES_EXEC. Default false. */
  readonly readImpliesExec?: boolean;
}

/** What exec expands the stack by beyond the arguments. */
const STACK_EXPAND = 128 * 1024;
const STACK_FLAGS =
  VmFlags.READ +
  VmFlags.WRITE +
  VmFlags.MAYREAD +
  VmFlags.MAYWRITE +
  VmFlags.MAYEXEC +
  VmFlags.GROWSDOWN +
  VmFlags.ACCOUNT;

/** The new mm; the caller owns its first mm_users count. */
export function execSpace(core: Core, old: number, options: ExecOptions): number {
  assertFields(options, "options");
  const { x } = core;
  const dataSegment = asNumber(options.dataSegment ?? 0, "dataSegment");
  const asked = options.startBrk === undefined ? null : asNumber(options.startBrk, "startBrk");
  x.mm_settings(old, core.scratch);
  const [taskSize, lowest, spaceLimit, stackLimit, shift] = [
    MmArg.TASK_SIZE,
    MmArg.MMAP_MIN_ADDR,
    MmArg.RLIMIT_AS,
    MmArg.RLIMIT_STACK,
    MmArg.PAGE_SHIFT,
  ].map((word) => core.f64[word]) as [number, number, number, number, number];
  const startBrk = asked ?? (core.f64[MmArg.START_BRK] as number);
  core.f64[MmArg.START_BRK] = startBrk;
  const mm = checkedPointer(x.mm_create(), "exec");
  try {
    const pageSize = 2 ** shift;
    const length = stackLength(pageSize, stackLimit);
    const flags = flagsAfterExec(flagsOf(core, old));
    x.mm_flags_set(mm, options.readImpliesExec ? flags | MmFlag.READ_IMPLIES_EXEC : flags);
    // Linux kills the process: by then the old program is gone.
    const refused = spaceLimit >= 0 && length > spaceLimit;
    if (refused || length > taskSize - lowest)
      throw new MmError(Errno.ENOMEM, "exec", { stack: length });
    const start = taskSize - length;
    checked(x.vma_install(mm, start, taskSize, STACK_FLAGS, start / pageSize, 0), "exec");
    const startStack = taskSize - pageSize;
    x.mm_brk_init(mm, startBrk, startBrk, dataSegment, startStack);
    // The arguments were written there: the stack has its anon_vma.
    const fault = checked(x.handle_mm_fault(mm, startStack, Access.WRITE), "exec");
    if ((fault & Fault.OUTCOME_MASK) !== Fault.OK) throw new TypeError("exec: no stack");
  } catch (error) {
    x.mmput(mm);
    throw error;
  }
  return mm;
}

/** R-EXEC-1, RLIMIT_STACK: 128 KiB and a page, or what the limit leaves, at least the page. */
function stackLength(pageSize: number, limit: number): number {
  const whole = Math.ceil((STACK_EXPAND + pageSize) / pageSize) * pageSize;
  if (limit < 0 || whole <= limit) return whole;
  return Math.max(pageSize, limit - (limit % pageSize));
}
