// What exec set up, as far as a trace tells: the first map, the break, the mmap area's top.

import { VmBit } from "../../assembly/shared/flags.js";
import type { TraceMaps, TraceRow, TraceVma } from "../formats/trace.js";
import { PAGE, TASK_SIZE } from "./surroundings.js";

const MAY = 2 ** VmBit.MAYREAD + 2 ** VmBit.MAYWRITE + 2 ** VmBit.MAYEXEC;
const VDSO = MAY + 2 ** VmBit.DONTEXPAND;
const VVAR = 2 ** VmBit.MAYREAD + 2 ** VmBit.IO + 2 ** VmBit.PFNMAP + 2 ** VmBit.DONTDUMP;

/** What exec set up and the trace tells only later. Bytes. */
export interface ExecPlan {
  readonly mmapBase: number;
  readonly startBrk: number;
  readonly startStack: number;
}

/** What exec gave a VMA that maps shows so: smaps of the recorded kernel has the flags. */
export function vmFlagsOf({ name, perms }: TraceVma): number {
  let flags = 0;
  if (perms[0] === "r") flags += 2 ** VmBit.READ;
  if (perms[1] === "w") flags += 2 ** VmBit.WRITE;
  if (perms[2] === "x") flags += 2 ** VmBit.EXEC;
  if (name === "[vdso]") return flags + VDSO;
  if (name.startsWith("[vvar")) return flags + VVAR;
  if (perms[3] === "s") return flags + MAY + 2 ** VmBit.SHARED + 2 ** VmBit.MAYSHARE;
  if (name === "[stack]") flags += 2 ** VmBit.GROWSDOWN;
  if (perms[1] === "w") flags += 2 ** VmBit.ACCOUNT;
  return flags + MAY;
}

/**
 * Looks ahead for what exec set up: the break is the result of the process's first brk;
 * the top of the mmap area is the highest end below the stack, of what exec mapped or of
 * what the kernel chose later.
 */
export function execPlans(rows: readonly TraceRow[]): Map<TraceMaps, ExecPlan> {
  const plans = new Map<TraceMaps, { -readonly [Key in keyof ExecPlan]: ExecPlan[Key] }>();
  const current = new Map<number, { plan: ExecPlan & { mmapBase: number; startBrk: number } }>();
  for (const row of rows) {
    if (row.kind === "maps" && row.why === "exec") {
      const plan = planOf(row);
      plans.set(row, plan);
      current.set(row.pid, { plan });
    }
    const plan = row.kind === "call" ? current.get(row.pid)?.plan : undefined;
    if (plan === undefined || row.kind !== "call" || typeof row.result !== "number") continue;
    if (row.op === "brk" && plan.startBrk < 0) plan.startBrk = row.result;
    const chosen = row.op === "mmap" && row.args[0] === 0;
    if (chosen && row.result < plan.startStack) {
      const end = row.result + Math.ceil(Number(row.args[1]) / PAGE) * PAGE;
      plan.mmapBase = Math.max(plan.mmapBase, end);
    }
  }
  for (const plan of plans.values()) if (plan.startBrk < 0) plan.startBrk = 0;
  return plans;
}

function planOf(row: TraceMaps) {
  const stack = row.vmas.find((vma) => vma.name === "[stack]");
  const below = row.vmas.filter((vma) => stack === undefined || vma.start < stack.start);
  const mmapBase = Math.max(PAGE, ...below.map((vma) => vma.end));
  return { mmapBase, startBrk: -1, startStack: (stack?.end ?? TASK_SIZE) - 16 };
}
