// The calls of a trace, made in an address space: made, taken back, or made to have had
// the recorded outcome.

import { Abi } from "../../assembly/shared/abi.js";
import { MapFlag, MremapFlag } from "../../assembly/shared/flags.js";
import { errorOf } from "../errors.js";
import type { TraceCall } from "../formats/trace.js";
import type { FileTable } from "./files.js";
import type { ReplaySpace } from "./space.js";

type Outcome = TraceCall["result"];

const MOVE = MremapFlag.MAYMOVE | MremapFlag.FIXED;

/** Makes `call`; null for calls that change no VMA and that the engine does not have. */
export function makeCall(space: ReplaySpace, call: TraceCall, files: FileTable): Outcome | null {
  const result = system(space, call, files);
  return result === null || result >= 0 ? result : errorOf(result, call.op).code;
}

function system(space: ReplaySpace, call: TraceCall, files: FileTable): number | null {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = call.args;
  switch (call.op) {
    case "mmap":
      return space.mmap(a, b, Number(c), Number(d), fileOf(call, files), f);
    case "munmap":
      return space.munmap(a, b);
    case "mprotect":
    case "pkey_mprotect":
      return space.mprotect(a, b, Number(c));
    case "mremap":
      return space.mremap(a, b, c, Number(d), e);
    case "brk":
      return space.brk(a);
    case "madvise":
      return space.madvise(a, b, Number(c));
    case "mlock":
      return space.mlock(a, b, 0);
    case "mlock2":
      return space.mlock(a, b, Number(c));
    case "munlock":
      return space.munlock(a, b);
    case "mlockall":
      return space.mlockall(Number(a));
    case "munlockall":
      return space.munlockall();
    case "msync":
      return space.msync(a, b, Number(c));
    case "mincore":
      return space.mincore(a, b);
    case "mseal":
      return space.mseal(a, b, Number(c));
    default:
      return null;
  }
}

function fileOf(call: TraceCall, files: FileTable): number {
  if (Number(call.args[3]) & MapFlag.ANONYMOUS) return Abi.NO_FILE;
  return call.file === "" ? Abi.BAD_FILE : files.path(call.file);
}

/** True for calls whose place the kernel chooses: what other threads did shows in it. */
export function isPlaced(call: TraceCall): boolean {
  return call.op === "mmap" || call.op === "mremap";
}

/** Takes a placing call back: its pages are where they were, or nowhere. */
export function undoCall(space: ReplaySpace, call: TraceCall, got: Outcome): void {
  if (typeof got === "string") return;
  const [a = 0, b = 0, c = 0] = call.args;
  if (call.op === "mmap") space.munmap(got, b);
  else if (got !== a) space.mremap(got, c, b, MOVE, a);
}

/** Makes a placing call's recorded outcome true, whatever the engine answered. */
export function forceCall(
  space: ReplaySpace,
  call: TraceCall,
  got: Outcome,
  files: FileTable,
): void {
  const { result } = call;
  if (typeof result === "string") {
    undoCall(space, call, got);
    return;
  }
  const [a = 0, b = 0, c = 0, d = 0, , f = 0] = call.args;
  if (call.op === "mmap") {
    undoCall(space, call, got);
    const flags = (Number(d) & ~MapFlag.FIXED_NOREPLACE) | MapFlag.FIXED;
    space.mmap(result, b, Number(c), flags, fileOf(call, files), f);
  } else {
    const [from, old] = typeof got === "string" ? [a, b] : [got, c];
    space.mremap(from, old, c, MOVE, result);
  }
}

export function callText(call: TraceCall): string {
  const args = call.args.map((value) => (value < 0 ? `${value}` : `0x${value.toString(16)}`));
  const file = call.file === "" ? "" : ` of ${call.file}`;
  // 0: a log without pids.
  const who = call.tid === 0 ? "" : ` by thread ${call.tid} of process ${call.pid}`;
  return `${call.op}(${args.join(", ")})${file}${who}`;
}

export function outcomeText(outcome: Outcome): string {
  return typeof outcome === "string" ? outcome : `0x${outcome.toString(16)}`;
}
