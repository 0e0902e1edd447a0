// The log as a recording (.ndjson), made by the page's engine: `vmaple replay` reads it.
//
// A recording looks at one window, from 16 TiB up. So that a log fits:
//   addresses below 16 TiB are moved up by 16 TiB
//   a place that mmap chose is written as a hint, a move by mremap as one to its place
//   the first map is made by calls; what the kernel maps itself ([vdso]) is left out

import type { Core } from "../../src/core.js";
import { RecordingLimitError } from "../../src/formats/recordable.js";
import type {
  LimitName,
  RecordedCall,
  RecordedFile,
  RecordingHeader,
} from "../../src/formats/recording.js";
import type { TraceVma } from "../../src/formats/trace.js";
import {
  type Address,
  type FileOptions,
  MapFlags,
  type MmOptions,
  MremapFlags,
  Prot,
} from "../../src/index.js";
import { recordCalls } from "../../src/replay/record.js";
import { PAGE, TASK_SIZE } from "../../src/replay/surroundings.js";
import type { Entry } from "../app/call.js";
import type { Start } from "../app/machine.js";
import { RESOURCES, UNLIMITED } from "../command/read.js";

/** Where the window of every recording begins. */
const BASE = 2 ** 44;
/** Bytes of a file whose size nobody knows: no access is beyond them. */
const UNKNOWN_SIZE = 2 ** 40;
/** The recorder's own process outside the window: a page of data, a page of stack. */
const STACK_PAGES = 1;
const OUTSIDE = { vmas: 2, counts: [2, 0, 1, STACK_PAGES] };
const DEFAULTS = {
  maxMapCount: 65530,
  stackGuardGapPages: 256,
  memlock: 8 * 2 ** 20,
  stack: 8 * 2 ** 20,
};

/** Settings of a start that change outcomes and that a header has no place for, as a header's reader has them. */
const UNRECORDED = {
  overcommit: "heuristic",
  mdwe: false,
  readImpliesExec: false,
} as const satisfies Partial<MmOptions>;

/** The text of a recording of a log. @throws RecordingLimitError a setting that recordings do not have */
export function recordingText(core: Core, start: Start, entries: readonly Entry[]): string {
  for (const [name, usual] of Object.entries(UNRECORDED)) {
    const value = start.options[name as keyof typeof UNRECORDED] ?? usual;
    if (value !== usual) throw new RecordingLimitError(name, `${usual}`, `${value}`);
  }
  const files = new Files(start.files ?? []);
  const calls = [
    ...firstCalls(start, files),
    ...entries.flatMap((entry) => callOf(entry, files) ?? []),
  ];
  return [...recordCalls(core, headerOf(start, files, calls.length), calls)].join("");
}

/** The files of the log by the ids that a recording gives them. */
class Files {
  readonly list: RecordedFile[] = [];
  readonly #ids = new Map<string, string>();

  constructor(readonly known: readonly FileOptions[]) {}

  idOf(name: string): string {
    let id = this.#ids.get(name);
    if (id === undefined) {
      id = `f${this.list.length}`;
      this.#ids.set(name, id);
      this.list.push(this.#record(id, name));
    }
    return id;
  }

  #record(id: string, name: string): RecordedFile {
    const options = this.known.find((file) => file.name === name);
    const inMemory = options?.kind === "shmem" || /^\/(memfd:|SYSV|dev\/(shm\/|zero))/.test(name);
    const sealed = options?.sealed === true ? " F_SEAL_FUTURE_WRITE" : "";
    const isNone = options?.mappable === false;
    return {
      id,
      mode: `${options?.readable === false ? "" : "r"}${options?.writable === false ? "" : "w"}`,
      bytes: Number(options?.size ?? UNKNOWN_SIZE),
      kind: isNone ? "dir" : inMemory ? `memfd${sealed}` : "ext4",
    };
  }
}

function headerOf({ options }: Start, { list }: Files, ops: number): RecordingHeader {
  const { rlimits = {}, startBrk } = options;
  const pages = (bytes: number) =>
    bytes === Number.POSITIVE_INFINITY ? -1 : Math.floor(bytes / PAGE);
  const from = startBrk === undefined ? null : moved(startBrk) - BASE;
  return {
    kernel: "vmaple",
    mode: "playground",
    seed: 0,
    variant: 0,
    ops,
    window: (TASK_SIZE - BASE) / PAGE - STACK_PAGES,
    base: BASE,
    full: false,
    capIpcLock: options.capIpcLock ?? false,
    root: options.capSysRawio ?? false,
    vmFlags: true,
    outsideVmas: OUTSIDE.vmas,
    maxMapCount: options.maxMapCount ?? DEFAULTS.maxMapCount,
    stackGuardGapPages: options.stackGuardGapPages ?? DEFAULTS.stackGuardGapPages,
    rlimits: {
      AS: pages(rlimits.as ?? Number.POSITIVE_INFINITY),
      DATA: pages(rlimits.data ?? Number.POSITIVE_INFINITY),
      MEMLOCK: pages(rlimits.memlock ?? DEFAULTS.memlock),
      STACK: pages(rlimits.stack ?? DEFAULTS.stack),
    },
    initialCounts: OUTSIDE.counts,
    files: list,
    heap:
      from === null || from < 0
        ? null
        : {
            startBrk: from,
            brk: moved(options.brk ?? startBrk ?? 0) - BASE,
            dataSegmentBytes: Number(options.dataSegment ?? 0),
          },
  };
}

/** Calls that make the first map. */
function firstCalls({ vmas }: Start, files: Files): RecordedCall[] {
  return vmas.filter(({ name }) => !name.startsWith("[v")).map((vma) => mapCall(vma, files));
}

function mapCall({ start, end, perms, offset, name }: TraceVma, files: Files): RecordedCall {
  const isFile = name !== "" && !name.startsWith("[");
  const type = perms[3] === "s" ? MapFlags.SHARED : MapFlags.PRIVATE;
  const grows = name === "[stack]" ? MapFlags.GROWSDOWN : 0;
  return {
    op: "mmap",
    address: moved(start),
    length: end - start,
    prot:
      (perms[0] === "r" ? Prot.READ : 0) |
      (perms[1] === "w" ? Prot.WRITE : 0) |
      (perms[2] === "x" ? Prot.EXEC : 0),
    flags: type | MapFlags.FIXED | grows | (isFile ? 0 : MapFlags.ANONYMOUS),
    fd: isFile ? files.idOf(name) : "",
    offset: isFile ? offset : 0,
  };
}

/** Into the window, if it lies below; 0 stays: no hint. */
function moved(address: Address): number {
  const at = Number(address);
  return at > 0 && at < BASE ? at + BASE : at;
}

function movedWide(address: Address): Address {
  return typeof address === "number" ? moved(address) : address;
}

/** The call as recordings have it; null: they have none such. */
function callOf({ call: { op, args, text }, outcome }: Entry, files: Files): RecordedCall | null {
  const [a = 0, length = 0, c = 0, d = 0, e = 0, offset = 0] = args;
  const address = movedWide(a);
  const place = typeof outcome === "number" ? moved(outcome) : null;
  switch (op) {
    case "mmap": {
      const flags = Number(d);
      const isFixed = (flags & (MapFlags.FIXED | MapFlags.FIXED_NOREPLACE)) !== 0;
      const fd = (flags & MapFlags.ANONYMOUS) !== 0 ? "" : text === "" ? "bad" : files.idOf(text);
      const at = isFixed || place === null ? address : place;
      return { op, address: at, length, prot: Number(c), flags, fd, offset };
    }
    case "munmap":
    case "mlock":
    case "munlock":
    case "mincore":
      return { op, address, length };
    case "mprotect":
    case "pkey_mprotect":
      return { op: "mprotect", address, length, prot: Number(c) };
    case "mremap": {
      const isMoved = place !== null && place !== address && (Number(d) & MremapFlags.FIXED) === 0;
      const flags = isMoved ? Number(d) | MremapFlags.FIXED : Number(d);
      const newAddress = isMoved ? place : movedWide(e);
      return { op, address, length, newLength: c, flags, newAddress };
    }
    case "madvise":
      return { op, address, length, advice: Number(c) };
    case "mlock2":
    case "msync":
    case "mseal":
      return { op, address, length, flags: Number(c) };
    case "mlockall":
      return { op, flags: Number(a) };
    case "munlockall":
      return { op };
    case "brk":
      return { op, address };
    case "prctl":
      return { op: "setname", address: movedWide(c), length: d, name: text };
    case "fork":
      return { op, goOnInChild: a !== 0, child: [] };
    case "fault":
      // An exec access is no touch of a recording: as a read.
      return {
        op: "touch",
        address,
        pages: Math.max(1, Math.ceil(Number(c) / PAGE)),
        write: length === 1,
      };
    case "rlimit":
      return limitCall(a, length);
    default:
      return null;
  }
}

function limitCall(resource: Address, bytes: Address): RecordedCall | null {
  const name = [...RESOURCES].find(([, number]) => number === resource)?.[0].toUpperCase();
  if (name === undefined) return null;
  const used = name === "AS" ? OUTSIDE.counts[0] : name === "DATA" ? OUTSIDE.counts[2] : 0;
  const pages =
    BigInt(bytes) === UNLIMITED ? -1 : Math.max(0, Math.floor(Number(bytes) / PAGE) - (used ?? 0));
  return { op: "rlimit", resource: name as LimitName, pages };
}
