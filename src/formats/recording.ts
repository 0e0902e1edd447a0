// Recordings of a real kernel: random memory calls inside one window of an
// address space, with what each returned and the map after it. Pure: no wasm.
//
// Line 1 is the header; every other line is one operation with its result, the
// number of VMAs (n), a digest of the map (h) and what changed in it (x); a `snap`
// line repeats the whole map. The reader turns addresses into bytes, applies the
// changes, and refuses a file that contradicts itself.

import type { Address } from "../address.js";
import { Fields, InputError, type Line, linesOf, quantity, shown, wrapU64 } from "./ndjson.js";
import { parseVmFlags } from "./vmflags.js";

export const RECORDING_SCHEMA = 1;

/** `[start, end, perms, pgoff, name, VmFlags]`: pages from the window base; pgoff in pages. */
export type VmaRow = readonly [
  start: number,
  end: number,
  perms: string,
  pgoff: number,
  name: string,
  vmFlags: string,
];

export interface RecordedFile {
  readonly id: string;
  readonly mode: string;
  readonly bytes: number;
  /** `ext4`, `memfd`, `memfd F_SEAL_FUTURE_WRITE`, `dir`, `pipe`. */
  readonly kind: string;
}

export const LIMIT_NAMES = ["AS", "DATA", "MEMLOCK", "STACK"] as const;
export type LimitName = (typeof LIMIT_NAMES)[number];

/** [VmSize, VmLck, VmData, VmStk] in pages. */
export type Counts = readonly number[];

export interface RecordingHeader {
  readonly kernel: string;
  /** The profile that drew the operations. */
  readonly mode: string;
  readonly seed: number;
  readonly variant: number;
  readonly ops: number;
  /** Pages. */
  readonly window: number;
  /** Bytes: where the window starts. brk files do not tell; any place serves. */
  readonly base: number;
  /** Everything outside the window is taken (else: free around it). */
  readonly full: boolean;
  readonly capIpcLock: boolean;
  readonly root: boolean;
  /** VmFlags are recorded; else they are "". */
  readonly vmFlags: boolean;
  readonly outsideVmas: number;
  readonly maxMapCount: number;
  readonly stackGuardGapPages: number;
  /** Pages, -1 unlimited. */
  readonly rlimits: Readonly<Record<LimitName, number>>;
  readonly initialCounts: Counts;
  readonly files: readonly RecordedFile[];
  /** brk files: bytes from the base. */
  readonly heap: { startBrk: number; brk: number; dataSegmentBytes: number } | null;
}

interface Range {
  readonly address: Address;
  readonly length: Address;
}

/** One call: addresses and lengths in bytes, flags and protections as Linux numbers them. */
export type RecordedCall =
  | (Range & {
      readonly op: "mmap";
      readonly prot: number;
      readonly flags: number;
      /** A file's id, "" without a file, "bad" for a descriptor that is not open. */
      readonly fd: string;
      readonly offset: Address;
    })
  | (Range & { readonly op: "munmap" | "mlock" | "munlock" | "mincore" })
  | (Range & { readonly op: "mprotect"; readonly prot: number })
  | (Range & {
      readonly op: "mremap";
      readonly newLength: Address;
      readonly flags: number;
      readonly newAddress: Address;
    })
  | (Range & { readonly op: "madvise"; readonly advice: number })
  | (Range & { readonly op: "mlock2" | "msync" | "mseal"; readonly flags: number })
  | (Range & { readonly op: "setname"; readonly name: string })
  | { readonly op: "mlockall"; readonly flags: number }
  | { readonly op: "munlockall" }
  | {
      readonly op: "touch";
      readonly address: Address;
      readonly pages: number;
      readonly write: boolean;
    }
  | { readonly op: "brk"; readonly address: Address }
  | { readonly op: "rlimit"; readonly resource: LimitName; readonly pages: number }
  | { readonly op: "fork"; readonly goOnInChild: boolean; readonly child: readonly VmaRow[] }
  | { readonly op: "bulk"; readonly address: Address; readonly count: number };

export interface RecordedStep {
  readonly kind: "call";
  readonly line: number;
  readonly call: RecordedCall;
  /**
   * mmap, mremap, brk: an address in bytes; bulk: how many calls succeeded; other calls: 0.
   * A string: an errno, "out" (the kernel chose a place outside the window, and the recorder
   * unmapped it again), or how a touch ended.
   */
  readonly result: Address | string;
  /** touch: pages touched before the fault. bulk: the errno that ended it. */
  readonly detail: number | string | null;
  /** The map after the call. */
  readonly map: readonly VmaRow[];
  /** The call as the file has it, without its outcome. */
  readonly text: () => string;
}

export interface RecordedSnap {
  readonly kind: "snap";
  readonly line: number;
  /** Change against the header's counts. */
  readonly counts: Counts;
  readonly map: readonly VmaRow[];
}

const OPERATIONS = [
  "mmap",
  "munmap",
  "mprotect",
  "mremap",
  "madvise",
  "mlock",
  "mlock2",
  "munlock",
  "mlockall",
  "munlockall",
  "msync",
  "mincore",
  "setname",
  "mseal",
  "touch",
  "brk",
  "rlimit",
  "fork",
  "bulk",
] as const;

const PAGE = 4096n;
/** Bytes: the window of every profile but brk. */
export const WINDOW_BASE = 2 ** 44;

/** FNV-1a, 32 bits, over one line a VMA: the `h` of a row. */
export function digestOfRows(rows: readonly VmaRow[]): string {
  let hash = 2166136261;
  for (const row of rows) {
    const text = `${row.join(" ")}\n`;
    for (let at = 0; at < text.length; at++) {
      hash = Math.imul(hash ^ text.charCodeAt(at), 16777619);
    }
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}

/** Reads a recording: its header now, its rows one by one. */
export function readRecording(
  bytes: Uint8Array,
  file: string,
): { header: RecordingHeader; steps: Iterable<RecordedStep | RecordedSnap> } {
  const lines = linesOf(bytes, file);
  const first = lines.next();
  if (first.done) throw new InputError(file, 1, "a header", "an empty file");
  const header = readHeader(new Fields(file, first.value));
  return { header, steps: readSteps(header, lines, file) };
}

function readHeader(fields: Fields): RecordingHeader {
  if (fields.any("schema") !== RECORDING_SCHEMA) {
    throw fields.error(`schema ${RECORDING_SCHEMA}`, shown(fields.any("schema")));
  }
  const outside = fields.string("outside");
  if (outside !== "free" && outside !== "full") throw fields.wrong("outside", '"free" or "full"');
  if (fields.integer("page") !== Number(PAGE)) throw fields.wrong("page", "4096");
  if (fields.array("init").length !== 0) throw fields.wrong("init", "an empty window");
  const rlimits = fields.object("rlimit");
  for (const name of LIMIT_NAMES) {
    if (!Number.isInteger(rlimits[name])) throw fields.wrong("rlimit", `pages for ${name}`);
  }
  return {
    kernel: fields.string("kernel"),
    mode: fields.string("mode"),
    seed: fields.integer("seed"),
    variant: fields.integer("variant"),
    ops: fields.count("ops"),
    window: fields.count("window"),
    base: WINDOW_BASE,
    full: outside === "full",
    capIpcLock: fields.boolean("cap_ipc_lock"),
    root: fields.count("uid") === 0,
    vmFlags: fields.boolean("vmflags"),
    outsideVmas: fields.count("outside_vmas"),
    maxMapCount: fields.count("max_map_count"),
    stackGuardGapPages: fields.count("stack_guard_gap"),
    rlimits: rlimits as Record<LimitName, number>,
    initialCounts: fields.integers("ct0", 4),
    files: fields.array("files").map((value) => readFile(fields, value)),
    heap: fields.has("start_brk") ? readHeap(fields) : null,
  };
}

function readHeap(fields: Fields) {
  return {
    startBrk: Number(fields.hex(fields.string("start_brk"), "start_brk")),
    brk: Number(fields.hex(fields.string("brk"), "brk")),
    dataSegmentBytes: fields.count("data_seg_bytes"),
  };
}

function readFile(fields: Fields, value: unknown): RecordedFile {
  const file = value as Partial<RecordedFile> | null;
  if (
    typeof file?.id !== "string" ||
    typeof file.mode !== "string" ||
    typeof file.kind !== "string" ||
    !Number.isInteger(file.bytes)
  ) {
    throw fields.wrong("files", "a list of {id, mode, bytes, kind}");
  }
  return file as RecordedFile;
}

/** A seventh field (anonymous pages present) is left out: see the format's notes on it. */
function readRows(fields: Fields, key: string, values: readonly unknown[]): VmaRow[] {
  return values.map((value) => {
    const [start, end, perms, pgoff, name, vmFlags] = Array.isArray(value) ? value : [];
    if (
      !(Number.isInteger(start) && Number.isInteger(end) && start < end) ||
      !Number.isInteger(pgoff) ||
      !(typeof perms === "string" && /^[r-][w-][x-][ps]$/.test(perms)) ||
      typeof name !== "string" ||
      typeof vmFlags !== "string" ||
      parseVmFlags(vmFlags) === null
    ) {
      const expected = `a VMA [start, end, perms, pgoff, name, VmFlags] in "${key}"`;
      throw fields.error(expected, shown(value));
    }
    return [start, end, perms, pgoff, name, vmFlags];
  });
}

function* readSteps(
  header: RecordingHeader,
  lines: Iterable<Line>,
  file: string,
): Generator<RecordedStep | RecordedSnap> {
  let map: readonly VmaRow[] = [];
  let calls = 0;
  let last = 1;
  let ended = false;
  for (const line of lines) {
    const fields = new Fields(file, line);
    last = line.number;
    ended = fields.any("op") === "snap";
    if (ended) {
      map = checkSnap(fields, map);
      yield { kind: "snap", line: last, counts: fields.integers("ct", 4), map };
      continue;
    }
    calls++;
    const call = readCall(header, fields);
    map = mapAfter(fields, call, map);
    yield {
      kind: "call",
      line: last,
      call,
      result: readResult(header, fields, call.op),
      detail: readDetail(fields, call.op),
      map,
      text: () => textOf(line),
    };
  }
  if (!ended) throw new InputError(file, last + 1, "a closing snap row", "the end of the file");
  // The bulk variant may skip operations that it drew.
  if (calls < header.ops && header.variant !== 4) {
    throw new InputError(file, last + 1, `${header.ops} operations`, `${calls}`);
  }
}

function checkSnap(fields: Fields, map: readonly VmaRow[]): readonly VmaRow[] {
  const rows = readRows(fields, "vmas", fields.array("vmas"));
  const digest = digestOfRows(rows);
  if (digest !== fields.string("h")) throw fields.wrong("h", `the digest of its rows, ${digest}`);
  if (rows.length !== map.length || !rows.every((row, at) => sameRow(row, map[at]!))) {
    throw fields.error("the map that the changes before it add up to", "another map");
  }
  return map;
}

export function sameRow(a: VmaRow, b: VmaRow): boolean {
  return (
    a[0] === b[0] &&
    a[1] === b[1] &&
    a[2] === b[2] &&
    a[3] === b[3] &&
    a[4] === b[4] &&
    a[5] === b[5]
  );
}

/** Applies `x`, the change of a row: [from, how many, the rows in their place]. */
function mapAfter(
  fields: Fields,
  call: RecordedCall,
  before: readonly VmaRow[],
): readonly VmaRow[] {
  let map = before;
  if (call.op === "fork" && call.goOnInChild) map = call.child;
  if (call.op === "bulk") {
    const count = fields.count("r");
    map = Array.from({ length: count }, (_, k) => [2 * k, 2 * k + 1, "r--p", 0, "", ""] as const);
  }
  if (fields.has("x")) {
    const [from, count, rows] = fields.array("x");
    if (!Number.isInteger(from) || !Number.isInteger(count) || !Array.isArray(rows)) {
      throw fields.wrong("x", "[from, count, rows]");
    }
    const next = map.slice();
    next.splice(from as number, count as number, ...readRows(fields, "x", rows));
    map = next;
  }
  if (map.length !== fields.count("n")) throw fields.wrong("n", `${map.length} VMAs`);
  return map;
}

function readCall(header: RecordingHeader, fields: Fields): RecordedCall {
  const op = fields.string("op") as RecordedCall["op"];
  const address = () => readAddress(header, fields, "a");
  const length = (key: string) => readLength(fields, key);
  const range = () => ({ address: address(), length: length("l") });
  switch (op) {
    case "mmap":
      return {
        op,
        ...range(),
        prot: fields.count("p"),
        flags: fields.count("f"),
        fd: readFd(header, fields),
        offset: length("o"),
      };
    case "munmap":
    case "mlock":
    case "munlock":
    case "mincore":
      return { op, ...range() };
    case "mprotect":
      return { op, ...range(), prot: fields.count("p") };
    case "mremap": {
      const newAddress = fields.has("na") ? readAddress(header, fields, "na") : 0;
      return { op, ...range(), newLength: length("nl"), flags: fields.count("f"), newAddress };
    }
    case "madvise":
      return { op, ...range(), advice: fields.integer("adv") };
    case "mlock2":
    case "msync":
    case "mseal":
      return { op, ...range(), flags: fields.integer("f") };
    case "setname":
      return { op, ...range(), name: fields.string("name") };
    case "mlockall":
      return { op, flags: fields.integer("f") };
    case "munlockall":
      return { op };
    case "touch":
      return { op, address: address(), pages: fields.count("l"), write: fields.integer("w") !== 0 };
    case "brk":
      return { op, address: readBreak(header, fields) };
    case "rlimit":
      return { op, resource: readLimitName(fields), pages: fields.integer("v") };
    case "fork": {
      const child = readRows(fields, "child", fields.array("child"));
      return { op, goOnInChild: fields.integer("c") !== 0, child };
    }
    case "bulk":
      return { op, address: address(), count: fields.count("cnt") };
    default:
      op satisfies never;
      throw fields.wrong("op", `one of ${OPERATIONS.join(", ")}, snap`);
  }
}

function readFd(header: RecordingHeader, fields: Fields): string {
  const fd = fields.string("fd");
  if (fd !== "" && fd !== "bad" && !header.files.some((file) => file.id === fd)) {
    throw fields.wrong("fd", 'a file of the header, "bad" or ""');
  }
  return fd;
}

function readLimitName(fields: Fields): LimitName {
  const name = fields.string("res") as LimitName;
  if (!LIMIT_NAMES.includes(name)) throw fields.wrong("res", `one of ${LIMIT_NAMES.join(", ")}`);
  return name;
}

/** A page offset from the base, `w+0x..` and `w-0x..` bytes from it, or `0x..` absolute. */
function readAddress(header: RecordingHeader, fields: Fields, key: string): Address {
  const value = fields.any(key);
  if (typeof value !== "string") {
    return wrapU64(BigInt(header.base) + BigInt(fields.integer(key)) * PAGE);
  }
  if (value.startsWith("w+")) {
    return wrapU64(BigInt(header.base) + fields.hex(value.slice(2), key));
  }
  if (value.startsWith("w-")) {
    return wrapU64(BigInt(header.base) - fields.hex(value.slice(2), key));
  }
  return quantity(fields.hex(value, key));
}

/** A number of pages, or `0x..` bytes. */
function readLength(fields: Fields, key: string): Address {
  const value = fields.any(key);
  if (typeof value === "string") return quantity(fields.hex(value, key));
  return quantity(BigInt(fields.count(key)) * PAGE);
}

/** The argument of brk: null asks, `-0x..` lies below the heap, `abs 0x..` above everything. */
function readBreak(header: RecordingHeader, fields: Fields): Address {
  const value = fields.any("a");
  if (value === null) return 0;
  if (typeof value !== "string") return header.base + Number(readLength(fields, "a"));
  if (value.startsWith("abs ")) return quantity(fields.hex(value.slice(4), "a"));
  if (value.startsWith("-")) return wrapU64(BigInt(header.base) - fields.hex(value.slice(1), "a"));
  return wrapU64(BigInt(header.base) + fields.hex(value, "a"));
}

function readResult(
  header: RecordingHeader,
  fields: Fields,
  op: RecordedCall["op"],
): Address | string {
  const value = fields.any("r");
  if (op === "fork") return 0;
  if (op === "touch") {
    const outcome = fields.string("r");
    if (!/^(ok|SEGV_MAPERR|SEGV_ACCERR|BUS_ADRERR)$/.test(outcome)) {
      throw fields.wrong("r", "ok, SEGV_MAPERR, SEGV_ACCERR or BUS_ADRERR");
    }
    return outcome;
  }
  if (typeof value === "string" && (value === "out" || /^E[A-Z0-9]+$/.test(value))) return value;
  if (op === "brk") return header.base + Number(readLength(fields, "r"));
  if (op === "mmap" || op === "mremap") return readAddress(header, fields, "r");
  return fields.integer("r");
}

function readDetail(fields: Fields, op: RecordedCall["op"]): number | string | null {
  if (op === "touch") return fields.has("t") ? fields.count("t") : null;
  if (op === "bulk") return fields.string("e");
  return null;
}

const OUTCOME = new Set(["i", "op", "r", "n", "h", "x", "t", "v", "e", "child", "what"]);

function textOf(line: Line): string {
  const row = JSON.parse(line.text) as Record<string, unknown>;
  const args = Object.entries(row).filter(([key]) => !OUTCOME.has(key));
  const words = args.map(([key, value]) => `${key}=${value === "" ? '""' : value}`);
  return [row["op"], ...words].join(" ");
}
