// `vmaple/perf`: the mmap and task events of `perf script --show-mmap-events
// --show-task-events` -> the operations of a trace. No wasm.
//
// perf tells what is mapped, not the call: an event becomes an mmap at that place. What
// was unmapped it does not tell.
//
//   ls  2273 [-01]  5917.0333: PERF_RECORD_MMAP2 2273/2273: [0x5606..(0x26000) @ 0 fe:00 26 0]: r--p /bin/ls

import { type Chunk, LineReader, type Problem, type ReaderOptions, readWhole } from "./lines.js";
import { wordOf } from "./strace-words.js";
import type { TraceRow } from "./trace.js";

const MMAP = /PERF_RECORD_MMAP2? (-?\d+)\/(\d+): \[(\w+)\((\w+)\) @ (\w+)[^\]]*\]: (\S+) (.*)/s;
const TASK = /PERF_RECORD_(COMM exec|FORK|EXIT)(.*?)(\d+)[:/](\d+)\)?(?::\((\d+):\d+\))?$/s;
/** `ls 2273 [001] 5917.03: ...` and the lines of its call chain. */
const SAMPLE = /^ *\S.* \d+ .*\d\.\d+: |^\s+[\da-f]+ /;
const ANONYMOUS = /^(\/\/anon|\[heap\]|\[stack.*|)$/;

export type { Chunk, Problem, ReaderOptions } from "./lines.js";
export { InputError } from "./ndjson.js";
export type { TraceCall, TraceEvent, TraceRow } from "./trace.js";

/** Reads the events in pieces: `push` until the end, then `end`. */
export class PerfReader extends LineReader<TraceRow> {
  protected override readLine(text: string): void {
    if (text === "" || text.startsWith("#")) return;
    const row = perfRow(text, this.line);
    if (row !== null && row !== undefined) this.rows.push(row);
    // Other lines are samples, which say nothing of maps.
    else if (row === undefined && !SAMPLE.test(text)) this.wrong("a line of perf script", text);
  }
}

export interface PerfEvents {
  readonly rows: readonly TraceRow[];
  /** The lines that were left out. */
  readonly problems: readonly Problem[];
}

/**
 * The rows of what perf script wrote.
 *
 * @throws InputError a wrong line, if strict
 */
export function readPerf(input: Chunk, options?: ReaderOptions): PerfEvents {
  const reader = new PerfReader(options);
  return { rows: readWhole(reader, input), problems: reader.problems };
}

/** A perf event: its row, null if it changes no space. Undefined: no such event. */
export function perfRow(text: string, line: number): TraceRow | null | undefined {
  if (!text.includes("PERF_RECORD_")) return undefined;
  const [, what, , first = 0, second, third = 0] = TASK.exec(text) ?? [];
  const [pid, parent] = [Number(first), Number(third)];
  if (what?.startsWith("COMM")) return { kind: "exec", line, pid, child: 0 };
  // Threads come and go within their process.
  if (what === "EXIT") return first === second ? { kind: "end", line, pid, child: 0 } : null;
  if (what === "FORK")
    return pid === parent ? null : { kind: "fork", line, pid: parent, child: pid };
  return mmapRow(text, line);
}

function mmapRow(text: string, line: number): TraceRow | null {
  const [, pid, tid, start, length, pgoff, perms, name] = MMAP.exec(text) ?? [];
  const [at, bytes, offset] = [start, length, pgoff].map((word) => wordOf(word ?? ""));
  // -1: the kernel's own text.
  if (pid === "-1" || at === undefined || bytes === undefined || offset === undefined) return null;
  const isAnonymous = ANONYMOUS.test(name!);
  const flags =
    `MAP_FIXED|MAP_${perms!.endsWith("s") ? "SHARED" : "PRIVATE"}` +
    (isAnonymous ? "|MAP_ANONYMOUS" : "");
  const prot = ["r", "w", "x"].reduce((sum, c, n) => sum + (perms!.includes(c) ? 1 << n : 0), 0);
  return {
    kind: "call",
    line,
    pid: Number(pid),
    tid: Number(tid),
    op: "mmap",
    args: [at, bytes, prot, wordOf(flags)!, -1, isAnonymous ? 0 : offset],
    file: isAnonymous ? "" : name!,
    result: at,
  };
}
