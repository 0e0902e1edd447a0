// Replays a strace log (or perf's mmap events): the rows of a trace, with the maps that
// the log lacks put in where they belong.
//
//   after an execve, and where a log begins    the initial map, once; later ones are unknown
//   before the first process ends              the map that is expected

import type { Core } from "../core.js";
import type { MapsEntry } from "../formats/maps-line.js";
import { InputError } from "../formats/ndjson.js";
import { readPerf } from "../formats/perf.js";
import { isPerf } from "../formats/sniff.js";
import { type Problem, readStrace } from "../formats/strace.js";
import type { TraceMaps, TraceRow, TraceVma } from "../formats/trace.js";
import { newReport, type ReplayHooks, type ReplayReport } from "./report.js";
import { TraceReplay } from "./trace.js";

export interface StraceMaps {
  /** Right after the first execve of the log, or where it begins. */
  readonly initial?: readonly MapsEntry[];
  /** At the end of the first process. */
  readonly expected?: readonly MapsEntry[];
  readonly strict?: boolean;
}

/**
 * @throws InputError not a log; strict: a wrong line
 */
export function replayStrace(
  core: Core,
  bytes: Uint8Array,
  file: string,
  hooks: ReplayHooks = {},
  maps: StraceMaps = {},
): ReplayReport {
  const log = readLog(bytes, file, maps.strict === true);
  if (log.rows.length === 0) {
    throw new InputError(file, 1, "a log with memory calls", `${log.problems.length} other lines`);
  }
  const rows = withMaps(log.rows, maps);
  const report: ReplayReport = { ...newReport(file, "strace"), problems: log.problems };
  report.unanswered = log.unanswered;
  report.truncated = log.truncated;
  const replay = new TraceReplay(core, rows, report, { ...hooks, withUnknowns: true });
  try {
    replay.run();
  } finally {
    replay.close();
  }
  return report;
}

interface Log {
  readonly rows: readonly TraceRow[];
  readonly problems: readonly Problem[];
  readonly unanswered: number;
  readonly truncated: number;
}

function readLog(bytes: Uint8Array, file: string, strict: boolean): Log {
  const start = new TextDecoder().decode(bytes.subarray(0, 65536));
  if (!isPerf(start)) return readStrace(bytes, { file, strict });
  return { ...readPerf(bytes, { file, strict }), unanswered: 0, truncated: 0 };
}

/** The rows of a log, with a map where each process begins: the given one, or one of no lines. */
export function withMaps(log: readonly TraceRow[], { initial, expected }: StraceMaps): TraceRow[] {
  const rows: TraceRow[] = [];
  const seen = new Set<number>();
  const [first] = log;
  const main = first!.pid;
  let given = initial;
  let isEnded = false;
  const maps = (why: string, pid: number, line: number, entries: readonly MapsEntry[] = []) => {
    const row: TraceMaps = { kind: "maps", line, pid, why, vmas: entries.flatMap(vmaOf) };
    rows.push(row);
  };
  const last = log.at(-1)!.line;
  for (const row of log) {
    const { pid, line } = row;
    if (!seen.has(pid) && row.kind !== "exec") maps("exec", pid, line, take());
    seen.add(pid);
    if (row.kind === "end" && pid === main && expected !== undefined) {
      maps("expected", pid, line, expected);
      isEnded = true;
    }
    rows.push(row);
    if (row.kind === "exec") maps("exec", pid, line, take());
    else if (row.kind !== "call" && row.kind !== "maps" && row.child !== 0) seen.add(row.child);
  }
  if (expected !== undefined && !isEnded) maps("expected", main, last, expected);
  return rows;

  function take(): readonly MapsEntry[] | undefined {
    const entries = given;
    given = undefined;
    return entries;
  }
}

/** Without [vsyscall]: a page of the kernel's half, no VMA of the process. */
function vmaOf(entry: MapsEntry): TraceVma[] {
  const { start, end, perms, offset, inode, name } = entry;
  if (typeof end !== "number") return [];
  return [{ start: Number(start), end, perms, offset: Number(offset), inode: Number(inode), name }];
}
