// Writes recordings: the inverse of recording.ts, row by row. Pure: no wasm.

import type { Address } from "../address.js";
import {
  digestOfRows,
  RECORDING_SCHEMA,
  type RecordedCall,
  type RecordingHeader,
  type VmaRow,
} from "./recording.js";

const PAGE = 4096n;

export function headerText(header: RecordingHeader): string {
  const { heap } = header;
  return line({
    schema: RECORDING_SCHEMA,
    kernel: header.kernel,
    page: Number(PAGE),
    seed: header.seed,
    window: header.window,
    mode: header.mode,
    variant: header.variant,
    ops: header.ops,
    outside: header.full ? "full" : "free",
    uid: header.root ? 0 : 65534,
    cap_ipc_lock: header.capIpcLock,
    vmflags: header.vmFlags,
    outside_vmas: header.outsideVmas,
    max_map_count: header.maxMapCount,
    stack_guard_gap: header.stackGuardGapPages,
    rlimit: header.rlimits,
    ct0: header.initialCounts,
    files: header.files,
    init: [],
    ...(heap === null
      ? {}
      : {
          start_brk: hex(heap.startBrk),
          brk: hex(heap.brk),
          data_seg_bytes: heap.dataSegmentBytes,
        }),
  });
}

/** What came of a call, as its row has it. */
export interface RecordedOutcome {
  readonly r: number | string;
  /** touch: pages touched before the fault. */
  readonly t?: number;
  /** bulk: the errno that ended it. */
  readonly e?: string;
}

/** The row of one call: `before` and `after` are the window's map on either side of it. */
export function stepText(
  index: number,
  base: number,
  call: RecordedCall,
  outcome: RecordedOutcome,
  before: readonly VmaRow[],
  after: readonly VmaRow[],
): string {
  const change = changeOf(before, after);
  return line({
    i: index,
    op: call.op,
    ...argumentsOf(call, base),
    ...outcome,
    n: after.length,
    h: digestOfRows(after),
    ...(change === null ? {} : { x: change }),
  });
}

export function snapText(counts: readonly number[], map: readonly VmaRow[]): string {
  return line({ op: "snap", n: map.length, h: digestOfRows(map), ct: counts, vmas: map });
}

function line(row: Record<string, unknown>): string {
  return `${JSON.stringify(row)}\n`;
}

function hex(value: Address): string {
  return `0x${value.toString(16)}`;
}

/** Pages from the base, or an absolute `0x..`. */
function place(address: Address, base: number): number | string {
  const offset = BigInt(address) - BigInt(base);
  const isNear = typeof address === "number" && offset % PAGE === 0n;
  return isNear ? Number(offset / PAGE) : hex(address);
}

/** Pages, or `0x..` bytes. */
function size(length: Address): number | string {
  return typeof length === "number" && length % Number(PAGE) === 0
    ? length / Number(PAGE)
    : hex(length);
}

/** brk: null asks; pages or `0x..` bytes from the base, `-0x..` below it, `abs 0x..` above 2^53. */
function breakOf(address: Address, base: number): number | string | null {
  if (address === 0) return null;
  if (typeof address === "bigint") return `abs ${hex(address)}`;
  const offset = BigInt(address) - BigInt(base);
  if (offset < 0n) return `-0x${(-offset).toString(16)}`;
  return offset % PAGE === 0n ? Number(offset / PAGE) : `0x${offset.toString(16)}`;
}

function argumentsOf(call: RecordedCall, base: number): Record<string, unknown> {
  switch (call.op) {
    case "mmap":
      return {
        a: place(call.address, base),
        l: size(call.length),
        p: call.prot,
        f: call.flags,
        fd: call.fd,
        o: size(call.offset),
      };
    case "munmap":
    case "mlock":
    case "munlock":
    case "mincore":
      return { a: place(call.address, base), l: size(call.length) };
    case "mprotect":
      return { a: place(call.address, base), l: size(call.length), p: call.prot };
    case "mremap":
      return {
        a: place(call.address, base),
        l: size(call.length),
        nl: size(call.newLength),
        f: call.flags,
        ...(call.newAddress === 0 ? {} : { na: place(call.newAddress, base) }),
      };
    case "madvise":
      return { a: place(call.address, base), l: size(call.length), adv: call.advice };
    case "mlock2":
    case "msync":
    case "mseal":
      return { a: place(call.address, base), l: size(call.length), f: call.flags };
    case "setname":
      return { a: place(call.address, base), l: size(call.length), name: call.name };
    case "mlockall":
      return { f: call.flags };
    case "munlockall":
      return {};
    case "touch":
      return { a: place(call.address, base), l: call.pages, w: call.write ? 1 : 0 };
    case "brk":
      return { a: breakOf(call.address, base) };
    case "rlimit":
      return { res: call.resource, v: call.pages };
    case "fork":
      return { c: call.goOnInChild ? 1 : 0, child: call.child };
    case "bulk":
      return { a: place(call.address, base), cnt: call.count };
  }
}

/** [from, how many, the rows in their place]; null: nothing changed. */
function changeOf(
  before: readonly VmaRow[],
  after: readonly VmaRow[],
): readonly [number, number, readonly VmaRow[]] | null {
  const same = (a: VmaRow, b: VmaRow) => a.every((field, at) => field === b[at]);
  let from = 0;
  while (from < before.length && from < after.length && same(before[from]!, after[from]!)) from++;
  let tail = 0;
  const most = Math.min(before.length, after.length) - from;
  while (tail < most && same(before.at(-1 - tail)!, after.at(-1 - tail)!)) tail++;
  const count = before.length - from - tail;
  const rows = after.slice(from, after.length - tail);
  return count === 0 && rows.length === 0 ? null : [from, count, rows];
}
