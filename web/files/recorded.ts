// A recording of a real kernel as a log of the page. Pure.
//
// The recorder's surroundings (surroundings.ts) are the start; its files have ids for names.

import { InputError } from "../../src/formats/ndjson.js";
import {
  type LimitName,
  type RecordedCall,
  type RecordingHeader,
  readRecording,
} from "../../src/formats/recording.js";
import type { TraceVma } from "../../src/formats/trace.js";
import { hasFlags, VmFlags } from "../../src/index.js";
import { fileOptions, MMAP_BASE } from "../../src/replay/recording.js";
import { outsideVmas, PAGE, TASK_SIZE } from "../../src/replay/surroundings.js";
import type { Call, Outcome } from "../app/call.js";
import type { Start } from "../app/machine.js";
import type { Planned } from "../app/timeline.js";
import { PR_SET_VMA, RESOURCES, UNLIMITED } from "../command/read.js";
import { type ImportedLog, MMAP_MIN_ADDR } from "./import.js";

/** Limits that a recording counts from what the process used at the start. */
const ABOVE: Readonly<Partial<Record<LimitName, number>>> = { AS: 0, DATA: 2 };
const ANY_FD = 3;

/**
 * The log, as far as the recording can be read: `problem` is where it contradicts itself.
 *
 * @throws InputError its header cannot be read
 */
export function logOfRecording(
  bytes: Uint8Array,
  file: string,
): ImportedLog & { readonly problem: InputError | null } {
  const { header, steps } = readRecording(bytes, file);
  const planned: Planned[] = [];
  const title = `recording ${header.mode}, seed ${header.seed}`;
  const log = { title, start: startOfRecording(header), planned };
  try {
    for (const step of steps) {
      if (step.kind === "snap") continue;
      const recorded = recordedOutcome(step.call, step.result);
      for (const call of callsOf(step.call, header)) {
        planned.push(recorded === undefined ? { call } : { call, recorded });
      }
    }
  } catch (error) {
    if (error instanceof InputError) return { ...log, problem: error };
    throw error;
  }
  return { ...log, problem: null };
}

/** Undefined: the recording does not tell, or says what the page does not do. */
function recordedOutcome({ op }: RecordedCall, result: Outcome): Outcome | undefined {
  if (op === "touch") return result === "ok" ? 0 : result;
  const isUntold = result === "out" || op === "fork" || op === "bulk" || op === "rlimit";
  return isUntold ? undefined : result;
}

function startOfRecording(header: RecordingHeader): Start {
  const { base, heap, rlimits } = header;
  const bytes = (name: LimitName) =>
    rlimits[name] < 0 ? Number.POSITIVE_INFINITY : rlimits[name] * PAGE;
  const { startBrk = 0, brk = 0, dataSegmentBytes = 0 } = heap ?? {};
  return {
    options: {
      taskSize: TASK_SIZE,
      mmapBase: MMAP_BASE,
      mmapMinAddr: MMAP_MIN_ADDR,
      stackGuardGapPages: header.stackGuardGapPages,
      maxMapCount: header.maxMapCount,
      capIpcLock: header.capIpcLock,
      capSysRawio: header.root,
      vmaNames: false, // the recorded kernel has no CONFIG_ANON_VMA_NAME
      rlimits: {
        as: bytes("AS"),
        data: bytes("DATA"),
        memlock: bytes("MEMLOCK"),
        stack: bytes("STACK"),
      },
      ...(heap === null
        ? {}
        : { startBrk: base + startBrk, brk: base + brk, dataSegment: dataSegmentBytes }),
    },
    vmas: outsideVmas(header).map(({ start, end, flags, mapsFile }): TraceVma => {
      const isStack = hasFlags(flags, VmFlags.GROWSDOWN);
      const perms = mapsFile ? (header.full ? "---s" : "r--p") : "rw-p";
      const name = mapsFile ? "/outside" : isStack ? "[stack]" : "";
      return { start, end, perms, offset: 0, inode: 0, name };
    }),
    files: header.files.map((recorded) => ({ ...fileOptions(recorded), name: recorded.id })),
  };
}

/** One recorded operation as calls of the page. */
function callsOf(call: RecordedCall, header: RecordingHeader): Call[] {
  const of = (op: Call["op"], args: Call["args"], text = ""): Call[] => [{ op, args, text }];
  switch (call.op) {
    case "mmap": {
      const { address, length, prot, flags, fd, offset } = call;
      const isFile = fd !== "" && fd !== "bad";
      const words = [address, length, prot, flags, isFile ? ANY_FD : -1, offset];
      return of(call.op, words, isFile ? fd : "");
    }
    case "munmap":
    case "mlock":
    case "munlock":
      return of(call.op, [call.address, call.length]);
    case "mincore":
      return of(call.op, [call.address, call.length, 0]);
    case "mprotect":
      return of(call.op, [call.address, call.length, call.prot]);
    case "mremap":
      return of(call.op, [call.address, call.length, call.newLength, call.flags, call.newAddress]);
    case "madvise":
      return of(call.op, [call.address, call.length, call.advice]);
    case "mlock2":
    case "msync":
    case "mseal":
      return of(call.op, [call.address, call.length, call.flags]);
    case "mlockall":
      return of(call.op, [call.flags]);
    case "munlockall":
      return of(call.op, []);
    case "setname":
      return of("prctl", [PR_SET_VMA, 0, call.address, call.length, 1], call.name);
    case "touch":
      return of("fault", [call.address, call.write ? 1 : 0, call.pages * PAGE]);
    case "brk":
      return of(call.op, [call.address]);
    case "fork":
      return of(call.op, [call.goOnInChild ? 1 : 0]);
    case "rlimit": {
      const above = ABOVE[call.resource];
      const used = above === undefined ? 0 : (header.initialCounts[above] ?? 0);
      const bytes = call.pages < 0 ? UNLIMITED : (call.pages + used) * PAGE;
      return of("rlimit", [RESOURCES.get(call.resource.toLowerCase()) ?? 0, bytes]);
    }
    case "bulk":
      return Array.from({ length: call.count }, (_, n) => bulkCall(Number(call.address), n));
  }
}

/** The n-th page of every second one. */
function bulkCall(address: number, n: number): Call {
  return { op: "mmap", args: [address + 2 * n * PAGE, PAGE, 1, 0x32, -1, 0], text: "" };
}
