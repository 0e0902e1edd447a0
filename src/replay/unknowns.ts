// What a log of calls cannot tell, and what is done about it.
//
// A log lacks the map right after execve. Where none is given, a space starts empty, and
//   a call on pages that the space lacks but the process had   they are adopted
//   a place that the engine would not have chosen               something unknown lay there
//   a map at the end                                            compared where calls told of it
// Each is counted, none is a difference. Without -y a log has names as they were opened,
// through links perhaps: where one place has two names, they are one.

import { MapFlag, VmBit } from "../../assembly/shared/flags.js";
import type { TraceCall, TraceVma } from "../formats/trace.js";
import type { FileTable } from "./files.js";
import { type MapsApart, type MapsVma, mapsApart } from "./maps-apart.js";
import type { ReplaySpace } from "./space.js";
import { PAGE, TASK_SIZE } from "./surroundings.js";
import { forceCall, isPlaced, makeCall, undoCall } from "./trace-calls.js";

type Outcome = TraceCall["result"];

/** The name of pages of which only their being there is known. */
const ADOPTED = "[adopted]";
const FLAGS =
  2 ** VmBit.READ +
  2 ** VmBit.WRITE +
  2 ** VmBit.MAYREAD +
  2 ** VmBit.MAYWRITE +
  2 ** VmBit.MAYEXEC;

export interface UnknownCounts {
  /** Ranges that calls touched first and that were adopted. */
  ranges: number;
  /** Places chosen by the kernel that a free space would not explain. */
  places: number;
  /** Lines of a final map of which no call tells. */
  lines: number;
  /** Files with another name in the final map than when they were opened. */
  names: number;
}

export class Unknowns {
  readonly counts: UnknownCounts = { ranges: 0, places: 0, lines: 0, names: 0 };

  constructor(readonly files: FileTable) {}

  /** The outcome of `call`, made again with what it proves to have been there. */
  settle(space: ReplaySpace, call: TraceCall, got: Outcome): Outcome {
    const [address, length] = call.args;
    if (isPlaced(call)) return this.#settlePlace(space, call, got);
    if (typeof call.result === "string" || typeof got !== "string") return got;
    if (!this.#adopt(space, Number(address), Number(length))) return got;
    return makeCall(space, call, this.files) ?? got;
  }

  #settlePlace(space: ReplaySpace, call: TraceCall, got: Outcome): Outcome {
    const [address, length] = call.args;
    const flags = call.op === "mmap" ? Number(call.args[3]) : 0;
    if (call.result === "EEXIST" && (flags & MapFlag.FIXED_NOREPLACE) !== 0) {
      undoCall(space, call, got);
      this.#adopt(space, Number(address), Number(length));
      return call.result;
    }
    if (typeof call.result === "string") return got;
    if (call.op === "mremap" && typeof got === "string") {
      if (!this.#adopt(space, Number(address), Number(length))) return got;
      const again = makeCall(space, call, this.files) ?? got;
      if (again === call.result || typeof again === "string") return again;
      got = again;
    }
    if (typeof got === "string") return got;
    this.counts.places++;
    forceCall(space, call, got, this.files);
    return call.result;
  }

  /** Fills what is free of a range; false if nothing is. */
  #adopt(space: ReplaySpace, address: number, length: number): boolean {
    const start = address - (address % PAGE);
    const end = Math.ceil((address + length) / PAGE) * PAGE;
    if (!(end <= TASK_SIZE) || start >= end) return false;
    const free: [number, number][] = [];
    let at = start;
    space.everyVma(start, end, (from, to) => {
      if (from > at) free.push([at, from]);
      at = to;
      return true;
    });
    if (at < end) free.push([at, end]);
    const file = this.files.open(ADOPTED, { kind: "special" });
    let adopted = false;
    for (const [from, to] of free) {
      if (space.install(from, to, FLAGS, from / PAGE, file) === 0) adopted = true;
    }
    if (adopted) this.counts.ranges++;
    return adopted;
  }

  /** A given map against the space, as far as the log tells of it. */
  mapsApart(expected: readonly TraceVma[], got: readonly MapsVma[], isKnown: boolean): MapsApart {
    const told = got.filter((vma) => vma.name !== ADOPTED);
    const want = isKnown ? expected : this.#toldOf(expected, told);
    return mapsApart(want.map(withoutAnonName), this.#renamed(want, told));
  }

  /** The parts of `expected` where `told` has something. */
  #toldOf(expected: readonly MapsVma[], told: readonly MapsVma[]): MapsVma[] {
    const parts: MapsVma[] = [];
    let first = 0;
    for (const vma of expected) {
      let bytes = 0;
      while (first < told.length && told[first]!.end <= vma.start) first++;
      for (let at = first; at < told.length && told[at]!.start < vma.end; at++) {
        const start = Math.max(vma.start, told[at]!.start);
        const end = Math.min(vma.end, told[at]!.end);
        const offset = vma.name.startsWith("/") ? vma.offset + (start - vma.start) : vma.offset;
        parts.push({ ...vma, start, end, offset });
        bytes += end - start;
      }
      if (bytes < vma.end - vma.start) this.counts.lines++;
    }
    return parts;
  }

  /** Gives a file the name that the map has for it, if it is one and the same everywhere. */
  #renamed(expected: readonly MapsVma[], got: readonly MapsVma[]): MapsVma[] {
    const names = new Map<string, string | null>();
    const byStart = new Map(expected.map((vma) => [vma.start, vma]));
    for (const { start, offset, name } of got) {
      const other = byStart.get(start);
      if (!isFileName(name) || other === undefined || other.offset !== offset) continue;
      const known = names.get(name);
      names.set(name, known === undefined || known === other.name ? other.name : null);
    }
    for (const [name, other] of names) {
      // An unlinked file is compared as its path: see maps-apart.ts.
      const isSame = other === name || other === `${name} (deleted)`;
      if (isSame || other === null || !isFileName(other)) names.delete(name);
    }
    this.counts.names += names.size;
    return got.map((vma) => ({ ...vma, name: names.get(vma.name) ?? vma.name }));
  }
}

function isFileName(name: string): boolean {
  return name.startsWith("/") || name.startsWith("[fd ");
}

/** Names by prctl are not replayed. */
function withoutAnonName(vma: MapsVma): MapsVma {
  return vma.name.startsWith("[anon:") ? { ...vma, name: "" } : vma;
}
