// What a file holds -> logs of the page: a start and calls. Pure.
//
//   maps, smaps   one log without calls: the map is its start
//   strace, perf  one log a process, and one more for each execve; the start is not known
//   trace         the same, each from the map that exec gave it
//   recording     one log, from the recorder's surroundings (recorded.ts)

import type { MapsEntry } from "../../src/formats/maps-line.js";
import type { TraceCall, TraceMaps, TraceRow, TraceVma } from "../../src/formats/trace.js";
import { withMaps } from "../../src/replay/strace.js";
import { TASK_SIZE } from "../../src/replay/surroundings.js";
import { type ExecPlan, execPlans } from "../../src/replay/trace-exec.js";
import type { Start } from "../app/machine.js";
import type { Planned } from "../app/timeline.js";
import { baseName } from "../command/names.js";
import { PR_SET_VMA } from "../command/read.js";

export interface ImportedLog {
  /** `gcc (process 2754)` */
  readonly title: string;
  readonly start: Start;
  readonly planned: Planned[];
}

export const MMAP_MIN_ADDR = 65536;
const STACK_LIMIT = 8 * 2 ** 20;
/** The largest space that the engine knows. */
const TASK_SIZE_MAX = 2 ** 52;
const USUAL_MAP_COUNT = 65530;

/** A process as maps shows it. [vsyscall] and ranges without length are no VMAs. */
export function startOfMaps(entries: readonly MapsEntry[]): Start {
  const vmas = entries.flatMap(vmaOf);
  const stack = vmas.find(({ name }) => name === "[stack]");
  const heap = vmas.filter(({ name }) => name === "[heap]");
  const [first] = heap;
  const top = vmas.at(-1)?.end ?? 0;
  const below = vmas.findLast(({ end }) => end <= (stack?.start ?? TASK_SIZE));
  return {
    options: {
      taskSize: top > TASK_SIZE ? TASK_SIZE_MAX : TASK_SIZE,
      mmapMinAddr: 0,
      maxMapCount: vmas.length + USUAL_MAP_COUNT,
      capIpcLock: true,
      ...(below === undefined ? {} : { mmapBase: below.end }),
      ...(first === undefined ? {} : { startBrk: first.start, brk: heap.at(-1)?.end ?? first.end }),
      ...(stack === undefined ? {} : { startStack: stack.end - 16 }),
    },
    vmas,
  };
}

function vmaOf({ start, end, perms, offset, inode, name }: MapsEntry): TraceVma[] {
  if (typeof end !== "number" || end > TASK_SIZE_MAX || start === end) return [];
  return [{ start: Number(start), end, perms, offset: Number(offset), inode: Number(inode), name }];
}

/** The logs of strace's or perf's rows, the longest first. */
export function logsOfStrace(rows: readonly TraceRow[]): ImportedLog[] {
  return rows.length === 0 ? [] : logsOfTrace(withMaps(rows, {}));
}

/** The logs of a trace's rows, the longest first: a process, from each of its execs. */
export function logsOfTrace(rows: readonly TraceRow[]): ImportedLog[] {
  const plans = execPlans(rows);
  const current = new Map<number, ImportedLog>();
  const logs: ImportedLog[] = [];
  for (const row of rows) {
    if (row.kind === "maps") {
      const plan = plans.get(row);
      if (plan === undefined) continue;
      const log = { title: titleOf(row), start: startOfExec(row, plan), planned: [] };
      current.set(row.pid, log);
      logs.push(log);
    } else if (row.kind === "call") {
      const planned = plannedOf(row);
      if (planned !== null) current.get(row.pid)?.planned.push(planned);
    }
  }
  const used = logs.filter(({ planned, start }) => planned.length > 0 || start.vmas.length > 0);
  return used.map(withNames).sort((a, b) => b.planned.length - a.planned.length);
}

/** A kernel that refuses a good name was built without names. */
function withNames(log: ImportedLog): ImportedLog {
  const isRefused = log.planned.some(
    ({ call, recorded }) =>
      call.op === "prctl" && recorded === "EINVAL" && /^[ -~]+$/.test(call.text),
  );
  if (!isRefused) return log;
  const { start } = log;
  return { ...log, start: { ...start, options: { ...start.options, vmaNames: false } } };
}

function titleOf({ pid, vmas }: TraceMaps): string {
  const program = vmas.find(({ name }) => name.startsWith("/"))?.name;
  const who = pid === 0 ? "the process" : `process ${pid}`;
  return program === undefined ? who : `${baseName(program)} (${who})`;
}

function startOfExec({ vmas }: TraceMaps, plan: ExecPlan): Start {
  const { mmapBase, startBrk, startStack } = plan;
  return {
    options: {
      mmapBase,
      mmapMinAddr: MMAP_MIN_ADDR,
      startBrk,
      brk: startBrk,
      startStack,
      capIpcLock: true,
      capSysRawio: true,
      rlimits: { stack: STACK_LIMIT },
    },
    vmas,
    ...(vmas.length === 0 ? { isPartial: true } : {}),
  };
}

/** Calls that the engine does not have change no VMA: they are left out. */
const LEFT_OUT: ReadonlySet<string> = new Set(["shmat", "shmdt", "mbind", "set_mempolicy"]);
/** Where prctl(PR_SET_VMA) has the name's address, which a log does not tell. */
const NAME_ARGUMENT = 4;

function plannedOf({ op, args, file, result }: TraceCall): Planned | null {
  if (LEFT_OUT.has(op)) return null;
  if (op !== "prctl") return { call: { op, args, text: file }, recorded: result };
  if (args[0] !== PR_SET_VMA) return null;
  const named = args.map((word, n) => (n === NAME_ARGUMENT && file !== "" ? 1 : word));
  return { call: { op, args: named, text: file }, recorded: result };
}
