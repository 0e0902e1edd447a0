// Replays a recording: makes every call, compares what it returns and the map it
// leaves with what the kernel did. After a difference it goes on and counts: nothing
// of the recording is taken over, so only the first difference is evidence.
//
// Three things are not compared, because the recorder cannot vouch for them: the
// vector of mincore, the pages present (seventh field of a snap), and anything that
// hangs on CONFIG_ANON_VMA_NAME, which the recorded kernel lacks: its `setname` is
// EINVAL whatever the arguments, and that is the rule here too.

import { Abi, Access, Fault, Limit, MmStat } from "../../assembly/shared/abi.js";
import { MapFlag, ProtBit } from "../../assembly/shared/flags.js";
import type { Address } from "../address.js";
import type { Core } from "../core.js";
import { errorOf } from "../errors.js";
import type { FileOptions } from "../file.js";
import { permsOf } from "../flags.js";
import {
  type LimitName,
  type RecordedCall,
  type RecordedFile,
  type RecordedSnap,
  type RecordedStep,
  type RecordingHeader,
  readRecording,
  type VmaRow,
} from "../formats/recording.js";
import { vmFlagsText } from "../formats/vmflags.js";
import { FileTable } from "./files.js";
import {
  countDifference,
  linesApart,
  newReport,
  type ReplayHooks,
  type ReplayReport,
  rowText,
} from "./report.js";
import { ReplaySpace } from "./space.js";
import { outsideVmas, PAGE, TASK_SIZE } from "./surroundings.js";

/** Fixed in the recorded kernel: the minimum a process without CAP_SYS_RAWIO may map (R-BASE-2). */
const MMAP_MIN_ADDR = 65536;
/** Where the top-down search starts; in a "full" file the window is the only hole below it. */
export const MMAP_BASE = 0x7fff_f7ff_f000;

const LIMITS: Readonly<Record<LimitName, Limit>> = {
  AS: Limit.AS,
  DATA: Limit.DATA,
  MEMLOCK: Limit.MEMLOCK,
  STACK: Limit.STACK,
};
/** Their recorded values count from what the process used at the start. */
const LIMIT_ABOVE: Readonly<Partial<Record<LimitName, number>>> = { AS: 0, DATA: 2 };

const COUNTS = [MmStat.TOTAL_VM, MmStat.LOCKED_VM, MmStat.DATA_VM, MmStat.STACK_VM] as const;

const PROGRESS_EVERY = 64;

export function replayRecording(
  core: Core,
  bytes: Uint8Array,
  file: string,
  hooks: ReplayHooks = {},
): ReplayReport {
  const { header, steps } = readRecording(bytes, file);
  const report = newReport(file, "recording");
  const replay = new RecordingReplay(core, header, report, hooks);
  try {
    for (const step of steps) {
      if (step.kind === "snap") replay.snap(step);
      else replay.step(step);
      if (step.kind === "call") hooks.onOperation?.(replay.mm);
      if (report.operations % PROGRESS_EVERY === 0) {
        hooks.onProgress?.(report.operations, report.operations / header.ops);
      }
    }
  } finally {
    replay.close();
  }
  return report;
}

/** The recorder's process, rebuilt: calls go to its window. */
export class RecordingReplay {
  #space: ReplaySpace;
  readonly #files: FileTable;
  /** The header's ids, and s1, s2, .. for shared anonymous objects in order of first sight. */
  readonly #names = new Map<number, string>();
  readonly #sharedObjects: number[] = [];
  readonly #initialCounts: readonly number[];
  readonly #end: number;

  constructor(
    readonly core: Core,
    readonly header: RecordingHeader,
    readonly report: ReplayReport,
    readonly hooks: ReplayHooks,
  ) {
    this.#end = header.base + header.window * PAGE;
    this.#space = ReplaySpace.create(core, {
      taskSize: TASK_SIZE,
      mmapBase: MMAP_BASE,
      mmapMinAddr: MMAP_MIN_ADDR,
      stackGuardGapPages: header.stackGuardGapPages,
      maxMapCount: header.maxMapCount,
      capIpcLock: header.capIpcLock,
      capSysRawio: header.root,
    });
    this.#files = new FileTable(core);
    for (const file of header.files) {
      this.#names.set(this.#files.open(file.id, fileOptions(file)), file.id);
    }
    this.#surround();
    for (const name of Object.keys(LIMITS) as LimitName[]) this.#limit(name, header.rlimits[name]);
    if (header.heap !== null) {
      const { startBrk, brk, dataSegmentBytes } = header.heap;
      this.#space.initBrk(header.base + startBrk, header.base + brk, dataSegmentBytes, 0);
    }
    this.#initialCounts = this.#counts();
    hooks.onSpace?.(this.#space.mm);
  }

  get mm(): number {
    return this.#space.mm;
  }

  close(): void {
    for (const file of this.#sharedObjects) this.core.x.file_put(file);
    this.#files.close();
    this.#space.release();
  }

  step(step: RecordedStep): void {
    this.report.operations++;
    const { call } = step;
    const { beforeCall } = this.hooks;
    beforeCall?.(this.mm, step, call.op === "mmap" ? this.#fileOf(call.fd) : Abi.NO_FILE);
    const got = call.op === "fork" ? this.#fork(call, step) : this.#call(call);
    const expected = this.#expected(step);
    const same = got === expected;
    this.report.mapsCompared++;
    if (same && this.#holds(step.map)) return;
    const describe = () => ({
      line: step.line,
      operation: step.text(),
      expected,
      got,
      ...this.#mapsApart(step.map),
    });
    countDifference(this.report, describe);
  }

  snap(snap: RecordedSnap): void {
    this.report.mapsCompared++;
    const counts = this.countsChanged();
    const same = counts.every((count, at) => count === snap.counts[at]);
    if (same && this.#holds(snap.map)) return;
    countDifference(this.report, () => ({
      line: snap.line,
      operation: "snap: change of [VmSize, VmLck, VmData, VmStk] in pages",
      expected: `[${snap.counts.join(", ")}]`,
      got: `[${counts.join(", ")}]`,
      ...this.#mapsApart(snap.map),
    }));
  }

  #surround(): void {
    const foreign = this.#files.open("outside", { kind: "shmem" });
    for (const { start, end, flags, mapsFile } of outsideVmas(this.header)) {
      const file = mapsFile ? foreign : Abi.NO_FILE;
      this.#space.install(start, end, flags, mapsFile ? 0 : start / PAGE, file);
    }
  }

  #limit(name: LimitName, pages: number, above = 0): void {
    this.#space.setLimit(LIMITS[name], pages < 0 ? -1 : (pages + above) * PAGE);
  }

  #counts(): number[] {
    return COUNTS.map((count) => this.#space.stat(count));
  }

  /** Makes a call; its outcome as a recording writes it. */
  make(call: Exclude<RecordedCall, { op: "fork" }>): string {
    return this.#call(call);
  }

  /** Forks, and goes on in the child if asked to; the child's map. */
  fork(goOnInChild: boolean): VmaRow[] {
    const parent = this.#space;
    const child = parent.fork();
    if (typeof child === "number") throw errorOf(child, "fork");
    this.#space = child;
    const rows = this.rows();
    if (!goOnInChild) this.#space = parent;
    (goOnInChild ? parent : child).release();
    return rows;
  }

  /** Change of [VmSize, VmLck, VmData, VmStk] in pages since the start. */
  countsChanged(): number[] {
    return this.#counts().map((count, at) => count - this.#initialCounts[at]!);
  }

  /** How the recorded outcome reads in a message; equal text is equal outcome. */
  #expected(step: RecordedStep): string {
    const { call, result, detail } = step;
    if (call.op === "fork") return "the child's map";
    if (call.op === "touch" && detail !== null) return `${result} after ${detail} pages`;
    if (call.op === "bulk") return `${result} calls, then ${detail}`;
    return typeof result === "string" ? result : this.#shown(call, result);
  }

  /** A result as a recording writes it: pages from the window base where it is an address. */
  #shown(call: RecordedCall, result: Address): string {
    if (call.op !== "mmap" && call.op !== "mremap" && call.op !== "brk") return `${result}`;
    const offset = Number(result) - this.header.base;
    return offset % PAGE === 0 ? `${offset / PAGE}` : `w+0x${offset.toString(16)}`;
  }

  #call(call: Exclude<RecordedCall, { op: "fork" }>): string {
    switch (call.op) {
      case "touch":
        return this.#touch(call.address, call.pages, call.write);
      case "bulk":
        return this.#bulk(call.address, call.count);
      case "setname":
        return "EINVAL";
      case "rlimit": {
        const above = LIMIT_ABOVE[call.resource];
        const initial = above === undefined ? 0 : this.header.initialCounts[above]!;
        this.#limit(call.resource, call.pages, initial);
        return "0";
      }
      default: {
        const result = this.#system(call);
        if (result < 0) return errorOf(result, call.op).code;
        return this.#placedOutside(call, result) ? "out" : this.#shown(call, result);
      }
    }
  }

  #system(
    call: Exclude<RecordedCall, { op: "fork" | "touch" | "bulk" | "setname" | "rlimit" }>,
  ): number {
    const space = this.#space;
    switch (call.op) {
      case "mmap": {
        const { address, length, prot, flags, fd, offset } = call;
        return space.mmap(address, length, prot, flags, this.#fileOf(fd), offset);
      }
      case "munmap":
        return space.munmap(call.address, call.length);
      case "mprotect":
        return space.mprotect(call.address, call.length, call.prot);
      case "mremap": {
        const { address, length, newLength, flags, newAddress } = call;
        return space.mremap(address, length, newLength, flags, newAddress);
      }
      case "madvise":
        return space.madvise(call.address, call.length, call.advice);
      case "mlock":
        return space.mlock(call.address, call.length, 0);
      case "mlock2":
        return space.mlock(call.address, call.length, call.flags);
      case "munlock":
        return space.munlock(call.address, call.length);
      case "mlockall":
        return space.mlockall(call.flags);
      case "munlockall":
        return space.munlockall();
      case "msync":
        return space.msync(call.address, call.length, call.flags);
      case "mincore":
        return space.mincore(call.address, call.length);
      case "mseal":
        return space.mseal(call.address, call.length, call.flags);
      case "brk":
        return space.brk(call.address);
    }
  }

  #fileOf(fd: string): number {
    if (fd === "") return Abi.NO_FILE;
    return fd === "bad" ? Abi.BAD_FILE : this.#files.open(fd, {});
  }

  /** What the kernel put outside the window, the recorder unmapped at once: so does this. */
  #placedOutside(call: RecordedCall, address: number): boolean {
    if (call.op !== "mmap" && call.op !== "mremap") return false;
    if (address >= this.header.base && address < this.#end) return false;
    const length = Number(call.op === "mmap" ? call.length : call.newLength);
    this.#space.munmap(address, Math.ceil(length / PAGE) * PAGE);
    return true;
  }

  #touch(address: Address, pages: number, write: boolean): string {
    const access = write ? Access.WRITE : Access.READ;
    for (let page = 0; page < pages; page++) {
      const fault = this.#space.fault(Number(address) + page * PAGE, access);
      const outcome = fault & Fault.OUTCOME_MASK;
      if (outcome !== Fault.OK) return `${faultName(outcome)} after ${page} pages`;
    }
    return "ok";
  }

  /** max_map_count: one page of two, until a call fails. */
  #bulk(address: Address, count: number): string {
    const flags = MapFlag.PRIVATE | MapFlag.ANONYMOUS | MapFlag.FIXED;
    let made = 0;
    let result = 0;
    for (; made < count; made++) {
      if (2 * made + 1 >= this.header.window) break;
      const at = Number(address) + 2 * made * PAGE;
      result = this.#space.mmap(at, PAGE, ProtBit.READ, flags, Abi.NO_FILE, 0);
      if (result < 0) break;
    }
    return `${made} calls, then ${result < 0 ? errorOf(result, "mmap").code : ""}`;
  }

  #fork(call: RecordedCall & { op: "fork" }, step: RecordedStep): string {
    const child = this.#space.fork();
    if (typeof child === "number") return errorOf(child, "fork").code;
    const parent = this.#space;
    this.#space = child;
    const same = this.#holds(call.child);
    const rows = same ? "" : this.rows().map(rowText).join("; ");
    if (call.goOnInChild) {
      parent.release();
      this.hooks.onSpace?.(child.mm);
    } else {
      this.#space = parent;
      child.release();
    }
    return same ? this.#expected(step) : `the child's map is ${rows}`;
  }

  /** True if the window holds exactly `map`. Compares in place: nothing is built. */
  #holds(map: readonly VmaRow[]): boolean {
    let at = 0;
    const { base, vmFlags, heap } = this.header;
    const same = this.#space.everyVma(base, this.#end, (start, end, flags, pgoff, file) => {
      if (heap !== null && start < base) return true;
      const row = map[at++];
      return (
        row !== undefined &&
        row[0] === (start - base) / PAGE &&
        row[1] === (end - base) / PAGE &&
        row[2] === permsOf(flags) &&
        row[3] === (file === Abi.NO_FILE ? 0 : pgoff) &&
        row[4] === this.#name(file, start, end) &&
        (!vmFlags || row[5] === vmFlagsText(flags))
      );
    });
    return same && at === map.length;
  }

  /** The map of the window. */
  rows(): VmaRow[] {
    const rows: VmaRow[] = [];
    const { base, vmFlags, heap } = this.header;
    this.#space.everyVma(base, this.#end, (start, end, flags, pgoff, file) => {
      if (heap !== null && start < base) return true;
      rows.push([
        (start - base) / PAGE,
        (end - base) / PAGE,
        permsOf(flags),
        file === Abi.NO_FILE ? 0 : pgoff,
        this.#name(file, start, end),
        vmFlags ? vmFlagsText(flags) : "",
      ]);
      return true;
    });
    return rows;
  }

  #mapsApart(map: readonly VmaRow[]) {
    const [missing, extra] = linesApart(map.map(rowText), this.rows().map(rowText));
    return { missing, extra };
  }

  #name(file: number, start: number, end: number): string {
    if (file === Abi.NO_FILE) return this.#space.isHeap(start, end) ? "[heap]" : "";
    let name = this.#names.get(file);
    if (name === undefined) {
      // A shared anonymous object. Held until the end, so that its handle stays its own.
      this.core.x.file_get(file);
      name = `s${this.#sharedObjects.push(file)}`;
      this.#names.set(file, name);
    }
    return name;
  }
}

function faultName(outcome: number): string {
  if (outcome === Fault.SEGV_MAPERR) return "SEGV_MAPERR";
  return outcome === Fault.SEGV_ACCERR ? "SEGV_ACCERR" : "BUS_ADRERR";
}

/** The recorded kinds of files, as properties. */
export function fileOptions({ mode, bytes, kind }: RecordedFile): Omit<FileOptions, "name"> {
  return {
    size: bytes,
    readable: mode.includes("r"),
    writable: mode.includes("w"),
    sealed: kind.includes("SEAL"),
    mappable: kind !== "dir" && kind !== "pipe",
    noexec: kind === "pipe",
    hugePageAligned: kind === "ext4",
    syncRefused: kind === "ext4",
    kind: kind.startsWith("memfd") ? "shmem" : "regular",
  };
}
