// Replays the trace of a program: one address space a process, rebuilt at each exec
// from the map the kernel gave it; then every call, compared by its result, and every
// recorded map, compared page by page.
//
// After a call that differed, the recorded outcome is forced (MAP_FIXED at the recorded
// place), so that one difference does not become thousands.
//
// What a trace does not tell, and what is done about it
//   page touches      which neighbours merged may hang on them: borders between neighbours
//                     that agree in all that maps shows are counted apart
//   stack growth      before a map is compared, a touch grows the stack to its recorded start
//   unlinked files    `PATH (deleted)` in a map equals a mapping of PATH
//   open files        a path stands for one open file
//   order of threads  rows stand in the order of return: see in-flight.ts

import { Abi, Access, Limit } from "../../assembly/shared/abi.js";
import type { Core } from "../core.js";
import { errorOf } from "../errors.js";
import { permsOf } from "../flags.js";
import { InputError } from "../formats/ndjson.js";
import {
  readTrace,
  type TraceCall,
  type TraceEvent,
  type TraceMaps,
  type TraceRow,
  type TraceVma,
} from "../formats/trace.js";
import { MapsReader, type VmaSnapshot } from "../maps-text.js";
import { FileTable } from "./files.js";
import { callsInFlight, orderThatFits, type Perform } from "./in-flight.js";
import { type MapsApart, type MapsVma, mapsApart } from "./maps-apart.js";
import { countDifference, newReport, type ReplayHooks, type ReplayReport } from "./report.js";
import { ReplaySpace } from "./space.js";
import { PAGE, TASK_SIZE } from "./surroundings.js";
import { callText, forceCall, isPlaced, makeCall, outcomeText, undoCall } from "./trace-calls.js";
import { type ExecPlan, execPlans, vmFlagsOf } from "./trace-exec.js";
import { Unknowns } from "./unknowns.js";

const STACK_LIMIT = 8 * 1024 * 1024;
const MMAP_MIN_ADDR = 65536;
const PROGRESS_EVERY = 64;

interface Process {
  readonly space: ReplaySpace;
  /** Processes that share the space: a vfork child until its exec. */
  sharers: number;
  /** The map after its exec was given. */
  readonly isKnown: boolean;
}

interface TraceOptions extends ReplayHooks {
  /** One space for all execs, so that others can go on using it between runs. */
  readonly reuse?: boolean;
  /** The rows are of a log that lacks maps: see unknowns.ts. */
  readonly withUnknowns?: boolean;
}

export function replayTrace(
  core: Core,
  bytes: Uint8Array,
  file: string,
  hooks: ReplayHooks = {},
): ReplayReport {
  const rows = [...readTrace(bytes, file).rows];
  const report = newReport(file, "trace");
  const replay = new TraceReplay(core, rows, report, hooks);
  try {
    replay.run();
  } finally {
    replay.close();
  }
  return report;
}

export class TraceReplay {
  readonly #hooks: ReplayHooks;
  readonly #plans: ReadonlyMap<TraceMaps, ExecPlan>;
  readonly #files: FileTable;
  readonly #unknowns: Unknowns | null;
  readonly #processes = new Map<number, Process>();
  /** Calls made before their row's turn. */
  readonly #made = new Set<TraceCall>();
  /** The comparison of the last `maps` row. */
  lastMap: { readonly lines: number; readonly differences: number } | null = null;

  /** Where every exec builds its map; null: each in a space of its own. */
  readonly #reused: ReplaySpace | null;

  constructor(
    readonly core: Core,
    readonly rows: readonly TraceRow[],
    readonly report: ReplayReport,
    { reuse = false, withUnknowns = false, ...hooks }: TraceOptions = {},
  ) {
    this.#hooks = hooks;
    this.#plans = execPlans(rows);
    this.#files = new FileTable(core);
    this.#unknowns = withUnknowns ? new Unknowns(this.#files) : null;
    if (this.#unknowns !== null) report.unknowns = this.#unknowns.counts;
    const [first] = this.#plans.values();
    if (reuse && (first === undefined || this.#plans.size > 1)) {
      throw new InputError(report.file, 1, "a trace with one exec", `${this.#plans.size}`);
    }
    this.#reused = reuse && first !== undefined ? this.#create(first) : null;
  }

  /** The reused space. */
  get space(): ReplaySpace {
    if (this.#reused === null) throw new TypeError("this replay reuses no space");
    return this.#reused;
  }

  run(): void {
    this.#made.clear();
    for (const [index, row] of this.rows.entries()) {
      if (row.kind === "maps") this.#maps(row, index);
      else if (row.kind !== "call") this.#event(row);
      else if (!this.#made.has(row)) this.#call(row, index);
    }
  }

  close(): void {
    for (const pid of this.#processes.keys()) this.#end(pid);
    this.#reused?.release();
    this.#files.close();
  }

  #event(row: TraceEvent): void {
    const parent = this.#processes.get(row.pid);
    if (row.kind === "end") this.#end(row.pid);
    if (parent === undefined) return;
    if (row.kind === "vfork") {
      parent.sharers++;
      this.#processes.set(row.child, parent);
    } else if (row.kind === "fork" || row.kind === "clone") {
      const child = parent.space.fork();
      if (typeof child === "number") {
        this.#differ(row.line, row.kind, "a child", errorOf(child, "fork").code);
      } else {
        this.#processes.set(row.child, { space: child, sharers: 1, isKnown: parent.isKnown });
      }
    }
  }

  #end(pid: number): void {
    const process = this.#processes.get(pid);
    this.#processes.delete(pid);
    if (process === undefined || --process.sharers > 0) return;
    if (process.space !== this.#reused) process.space.release();
  }

  #maps(row: TraceMaps, index: number): void {
    const plan = this.#plans.get(row);
    if (plan !== undefined) this.#exec(row, plan);
    const process = this.#processes.get(row.pid);
    // A map of which nothing is told is no map to compare.
    if (process === undefined || (plan !== undefined && !process.isKnown)) return;
    const { space } = process;
    let apart = this.#mapsApart(row, space);
    if (apart.differences !== 0) {
      // The thread that made the call before this row was stopped; the others were not.
      const before = this.rows[index - 1];
      const tid = before?.kind === "call" ? before.tid : row.pid;
      const fits = (trial: ReplaySpace) => this.#mapsApart(row, trial).differences === 0;
      this.#makeFit(space, { pid: row.pid, tid }, index, fits);
      apart = this.#mapsApart(row, space);
    }
    this.report.mapsCompared++;
    this.report.borders += apart.borders;
    this.lastMap = { lines: row.vmas.length, differences: apart.differences };
    const { missing, extra, differences } = apart;
    const operation = `maps of process ${row.pid} (${row.why})`;
    const expected = `${row.vmas.length} lines`;
    const got = `${differences} lines different`;
    const describe = () => ({ line: row.line, operation, expected, got, missing, extra });
    for (let n = 0; n < differences; n++) countDifference(this.report, describe);
  }

  #mapsApart(row: TraceMaps, space: ReplaySpace): MapsApart {
    const stack = row.vmas.find((vma) => vma.name === "[stack]");
    if (stack !== undefined) space.fault(stack.start, Access.WRITE);
    const map = this.#mapOf(space);
    if (this.#unknowns === null) return mapsApart(row.vmas, map);
    return this.#unknowns.mapsApart(row.vmas, map, this.#processes.get(row.pid)?.isKnown === true);
  }

  #exec(row: TraceMaps, plan: ExecPlan): void {
    this.#end(row.pid);
    const space = this.#reused ?? this.#create(plan);
    if (space === this.#reused) space.munmap(0, TASK_SIZE);
    for (const vma of row.vmas) {
      const file = this.#fileOf(vma);
      const pgoff = (file === Abi.NO_FILE ? vma.start : vma.offset) / PAGE;
      const result = space.install(vma.start, vma.end, vmFlagsOf(vma), pgoff, file);
      if (result < 0) {
        this.#differ(row.line, `exec: ${vma.name}`, "mapped", errorOf(result, "mmap").code);
      }
    }
    space.initBrk(plan.startBrk, plan.startBrk, 0, plan.startStack);
    const isKnown = this.#unknowns === null || row.vmas.length > 0;
    this.#processes.set(row.pid, { space, sharers: 1, isKnown });
    this.#hooks.onSpace?.(space.mm);
  }

  #create(plan: ExecPlan): ReplaySpace {
    const space = ReplaySpace.create(this.core, {
      mmapBase: plan.mmapBase,
      mmapMinAddr: MMAP_MIN_ADDR,
      capIpcLock: true,
      capSysRawio: true,
    });
    space.setLimit(Limit.STACK, STACK_LIMIT);
    return space;
  }

  #fileOf(vma: TraceVma): number {
    if (vma.name === "" || vma.name === "[stack]" || vma.name === "[heap]") return Abi.NO_FILE;
    if (vma.name.startsWith("[")) return this.#files.open(vma.name, { kind: "special" });
    return this.#files.path(vma.name);
  }

  #mapOf(space: ReplaySpace): MapsVma[] {
    const vmas: MapsVma[] = [];
    const reader = new MapsReader(this.core, space.mm);
    space.everyVma(0, TASK_SIZE, (start, end, flags, pgoff, file) => {
      const snapshot: VmaSnapshot = { start, end, flags, pgoff, file, anonVma: 0, name: null };
      const name = reader.name(snapshot) ?? "";
      const offset = name.startsWith("/") ? pgoff * PAGE : 0;
      vmas.push({ start, end, perms: permsOf(flags), offset, name });
      return true;
    });
    return vmas;
  }

  #call(call: TraceCall, index: number): void {
    const space = this.#processes.get(call.pid)?.space;
    let got = space === undefined ? null : makeCall(space, call, this.#files);
    if (space === undefined || got === null) {
      this.report.notReplayed[call.op] = (this.report.notReplayed[call.op] ?? 0) + 1;
      return;
    }
    if (got !== call.result && isPlaced(call)) {
      undoCall(space, call, got);
      this.#makeFit(space, call, index, (trial) => this.#make(trial, call) === call.result);
      got = this.#make(space, call);
    }
    const isUnknown = this.#processes.get(call.pid)?.isKnown === false;
    if (isUnknown && got !== null && got !== call.result) {
      got = this.#unknowns!.settle(space, call, got);
    }
    this.#count(space, call, got, (index + 1) / this.rows.length);
  }

  readonly #make: Perform = (space, call) => makeCall(space, call, this.#files);

  #count(
    space: ReplaySpace,
    call: TraceCall,
    got: TraceCall["result"] | null,
    share: number,
  ): void {
    this.report.operations++;
    this.#hooks.onOperation?.(space.mm);
    if (this.report.operations % PROGRESS_EVERY === 0) {
      this.#hooks.onProgress?.(this.report.operations, share);
    }
    if (got === null || got === call.result) return;
    this.#differ(call.line, callText(call), outcomeText(call.result), outcomeText(got));
    if (isPlaced(call)) forceCall(space, call, got, this.#files);
  }

  /** Makes calls that were in flight at row `index`, if that makes `fits` true. */
  #makeFit(
    space: ReplaySpace,
    thread: { readonly pid: number; readonly tid: number },
    index: number,
    fits: (trial: ReplaySpace) => boolean,
  ): void {
    const candidates = callsInFlight(this.rows, index, thread, this.#made);
    const order = orderThatFits(space, candidates, this.#make, fits) ?? [];
    for (const call of order) {
      this.#made.add(call);
      this.report.reordered++;
      this.#count(space, call, this.#make(space, call), index / this.rows.length);
    }
  }

  #differ(line: number, operation: string, expected: string, got: string): void {
    const describe = () => ({ line, operation, expected, got, missing: [], extra: [] });
    countDifference(this.report, describe);
  }
}
