// Traces of real programs: the memory calls of every process with their results,
// and /proc/PID/maps after each exec, now and then, and at exit. Pure: no wasm.
//
// Rows stand in the order in which calls returned; threads of one process may
// overlap. Stack growth makes no row. The last row is `total`.

import type { Address } from "../address.js";
import { Fields, InputError, linesOf, quantity, shown } from "./ndjson.js";

export const TRACE_SCHEMA = 1;

export interface TraceHeader {
  readonly kernel: string;
  readonly program: readonly string[];
}

export interface TraceVma {
  readonly start: number;
  readonly end: number;
  readonly perms: string;
  /** Bytes. */
  readonly offset: number;
  readonly inode: number;
  readonly name: string;
}

export const TRACE_CALLS = [
  "mmap",
  "munmap",
  "mprotect",
  "mremap",
  "brk",
  "madvise",
  "mlock",
  "munlock",
  "mlock2",
  "mlockall",
  "munlockall",
  "msync",
  "mincore",
  "mseal",
  "pkey_mprotect",
  "prctl",
  "remap_file_pages",
  "shmat",
  "shmdt",
  "mbind",
  "set_mempolicy",
] as const;
export type TraceCallName = (typeof TRACE_CALLS)[number];

/** How many arguments each call has in a row. */
export const TRACE_ARGUMENTS: Readonly<Record<TraceCallName, number>> = {
  mmap: 6,
  munmap: 2,
  mprotect: 3,
  mremap: 5,
  brk: 1,
  madvise: 3,
  mlock: 2,
  munlock: 2,
  mlock2: 3,
  mlockall: 1,
  munlockall: 0,
  msync: 3,
  mincore: 3,
  mseal: 3,
  pkey_mprotect: 4,
  prctl: 5,
  remap_file_pages: 5,
  shmat: 3,
  shmdt: 1,
  mbind: 6,
  set_mempolicy: 3,
};

export interface TraceCall {
  readonly kind: "call";
  readonly line: number;
  readonly pid: number;
  /** The thread. */
  readonly tid: number;
  readonly op: TraceCallName;
  /** In the order of the system call, as unsigned words; mmap's descriptor may be -1. */
  readonly args: readonly Address[];
  /** mmap: the path behind the descriptor; "" without one. */
  readonly file: string;
  /** The value returned, or the name of an errno. */
  readonly result: Address | string;
}

export interface TraceMaps {
  readonly kind: "maps";
  readonly line: number;
  readonly pid: number;
  /** `exec`, `every`, `exit` or `cut`. */
  readonly why: string;
  /** Without [vsyscall]: a page of the kernel's half, no VMA of the process. */
  readonly vmas: readonly TraceVma[];
}

export interface TraceEvent {
  readonly kind: "exec" | "fork" | "vfork" | "clone" | "end";
  readonly line: number;
  readonly pid: number;
  /** fork, vfork, clone: the new process. */
  readonly child: number;
}

export type TraceRow = TraceCall | TraceMaps | TraceEvent;

const SILENT = new Set(["thread", "thread_exit", "signal", "cut"]);

/** Reads a trace: its header now, its rows one by one. */
export function readTrace(
  bytes: Uint8Array,
  file: string,
): { header: TraceHeader; rows: Iterable<TraceRow> } {
  const lines = linesOf(bytes, file);
  const first = lines.next();
  if (first.done) throw new InputError(file, 1, "a header", "an empty file");
  const fields = new Fields(file, first.value);
  if (fields.any("k") !== "header") throw fields.wrong("k", '"header"');
  if (fields.any("schema") !== TRACE_SCHEMA) {
    throw fields.error(`schema ${TRACE_SCHEMA}`, shown(fields.any("schema")));
  }
  if (fields.integer("page") !== 4096) throw fields.wrong("page", "4096");
  const header: TraceHeader = {
    kernel: fields.string("kernel"),
    program: fields.array("program").map(String),
  };
  return { header, rows: readRows(lines, file) };
}

function* readRows(lines: ReturnType<typeof linesOf>, file: string): Generator<TraceRow> {
  let last = 1;
  let total = false;
  for (const line of lines) {
    last = line.number;
    const fields = new Fields(file, line);
    if (total) throw fields.error("nothing after the total row", shown(line.text));
    const kind = fields.string("k");
    if (kind === "total") total = true;
    else if (!SILENT.has(kind)) yield readRow(fields, kind, last);
  }
  if (!total) throw new InputError(file, last + 1, "a total row", "the end of the file");
}

function readRow(fields: Fields, kind: string, line: number): TraceRow {
  switch (kind) {
    case "s":
      return readCall(fields, line);
    case "maps": {
      const vmas = fields.array("vmas").map((value) => readVma(fields, value));
      return {
        kind,
        line,
        pid: fields.count("pid"),
        why: fields.string("why"),
        vmas: vmas.filter((vma) => vma.name !== "[vsyscall]"),
      };
    }
    case "exec":
    case "end":
      return { kind, line, pid: fields.count("pid"), child: 0 };
    case "fork":
    case "vfork":
    case "clone":
      return { kind, line, pid: fields.count("pid"), child: fields.count("child_pid") };
    default:
      throw fields.wrong("k", "s, maps, exec, fork, vfork, clone, end, total or a thread's row");
  }
}

function readCall(fields: Fields, line: number): TraceCall {
  const op = fields.string("op") as TraceCallName;
  if (!TRACE_CALLS.includes(op)) throw fields.wrong("op", `one of ${TRACE_CALLS.join(", ")}`);
  const args = fields.array("a").map((value) => {
    if (typeof value === "string") return quantity(fields.hex(value, "a", ""));
    if (Number.isInteger(value)) return value as number;
    throw fields.wrong("a", "a list of numbers and hexadecimal words");
  });
  if (args.length !== TRACE_ARGUMENTS[op]) {
    throw fields.wrong("a", `a list of ${TRACE_ARGUMENTS[op]} arguments of ${op}`);
  }
  const result = fields.string("r");
  return {
    kind: "call",
    line,
    pid: fields.count("pid"),
    tid: fields.count("tid"),
    op,
    args,
    file: fields.has("file") ? fields.string("file") : "",
    result: /^E[A-Z0-9]+$/.test(result) ? result : quantity(fields.hex(result, "r", "")),
  };
}

function readVma(fields: Fields, value: unknown): TraceVma {
  const [start, end, perms, offset, inode, name] = Array.isArray(value) ? value : [];
  if (
    typeof start !== "string" ||
    typeof end !== "string" ||
    !(typeof perms === "string" && /^[r-][w-][x-][ps]$/.test(perms)) ||
    typeof offset !== "string" ||
    !Number.isInteger(inode) ||
    typeof name !== "string"
  ) {
    const expected = 'a VMA [start, end, perms, offset, inode, name] in "vmas"';
    throw fields.error(expected, shown(value));
  }
  return {
    start: Number(fields.hex(start, "vmas", "")),
    end: Number(fields.hex(end, "vmas", "")),
    perms,
    offset: Number(fields.hex(offset, "vmas", "")),
    inode,
    name,
  };
}
