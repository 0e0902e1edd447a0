// The page's own engine: one thread, one address space, and a way back in time.
//
// Unshared on purpose: nobody else writes to it, so a copy of the arena's bytes is the
// whole state, and putting the bytes back is an exact undo. What runs in parallel (the race)
// has an engine of its own.

import { Abi, Access, Fault, Limit } from "../../assembly/shared/abi.js";
import { errorOf } from "../../src/errors.js";
import type { FileOptions } from "../../src/file.js";
import type { TraceCall, TraceVma } from "../../src/formats/trace.js";
import { Engine, MmError, type MmOptions, MmWithUser } from "../../src/index.js";
import { coreOf } from "../../src/replay/engine-core.js";
import { FileTable } from "../../src/replay/files.js";
import { ReplaySpace } from "../../src/replay/space.js";
import { forceCall, isPlaced, makeCall } from "../../src/replay/trace-calls.js";
import { vmFlagsOf } from "../../src/replay/trace-exec.js";
import { Unknowns } from "../../src/replay/unknowns.js";
import { type Explanation, type Refusal, whyApart, whyRefused } from "../../src/why.js";
import { refusedCall } from "../why/refused.js";
import { ArenaReader } from "./arena.js";
import type { Call, Outcome } from "./call.js";
import { RowReader } from "./row-reader.js";
import type { Rows } from "./rows.js";
import type { Touched } from "./touched.js";

const MEMORY_BYTES = 128 * 1024 * 1024;
const CHUNK_BYTES = 16384;
const PAGE_BYTES = 4096;
const PR_SET_VMA = 0x53564d41;
/** RLIM_INFINITY. */
const UNLIMITED = 2n ** 64n - 1n;
/** By the RLIMIT_ numbers of setrlimit(2). */
const LIMITS: ReadonlyMap<number, Limit> = new Map([
  [9, Limit.AS],
  [2, Limit.DATA],
  [8, Limit.MEMLOCK],
  [3, Limit.STACK],
]);
/** How a fault ended, by the low bits of its word: si_code of the signal. */
const FAULTS: readonly Outcome[] = [0, "SEGV_MAPERR", "SEGV_ACCERR", "BUS_ADRERR"];

/** Where a log starts: the settings of the space and the lines of its first map. */
export interface Start {
  readonly options: MmOptions;
  readonly vmas: readonly TraceVma[];
  /** Files that are more than a path: what else is mapped is an ordinary file. */
  readonly files?: readonly FileOptions[];
  /**
   * The first map is not known (a log without one): what calls prove to have been there is
   * taken as given. See src/replay/unknowns.ts.
   */
  readonly isPartial?: boolean;
}

/** All of the machine at one moment: bytes of the arena up to its last chunk in use. */
export interface Checkpoint {
  readonly bytes: Uint8Array;
  /** The space that the log is in: fork moves on to another one. */
  readonly mm: number;
  readonly files: readonly (readonly [name: string, file: number])[];
}

export class Machine {
  readonly engine: Engine;
  readonly #bytes: Uint8Array;
  /** The arena before any space: what every start begins with. */
  readonly #blank: Checkpoint;
  #files: FileTable;
  #space: ReplaySpace;
  #mm: MmWithUser;
  #arena: ArenaReader;
  #rows: RowReader;
  #isPartial = false;

  private constructor(engine: Engine) {
    const core = coreOf(engine);
    this.engine = engine;
    this.#bytes = new Uint8Array(engine.memory.buffer);
    this.#files = new FileTable(core);
    this.#arena = new ArenaReader(engine.memory, 0);
    const { bytes, files } = this.#bytesNow();
    this.#blank = { bytes: bytes.slice(), files, mm: 0 };
    this.#space = ReplaySpace.create(core, {});
    this.#mm = MmWithUser.fromRaw(engine, this.#space.mm);
    this.#rows = new RowReader(core, this.#arena, this.#mm);
    this.#enter(this.#space);
  }

  static async create(): Promise<Machine> {
    const options = { shared: false, maxWorkers: 1, memoryBytes: MEMORY_BYTES };
    return new Machine(await Engine.create(options));
  }

  /** The space itself, for questions; changes made through it escape the log. */
  get mm(): MmWithUser {
    return this.#mm;
  }

  /** The bytes of this moment, for the tree. */
  get arena(): ArenaReader {
    return this.#arena;
  }

  /**
   * Forgets everything and builds the space that a log starts from.
   *
   * @throws MmError a VMA of the start overlaps another, or leaves the space
   */
  begin({ options, vmas, files = [], isPartial = false }: Start): void {
    this.restore(this.#blank);
    this.#enter(ReplaySpace.create(coreOf(this.engine), options));
    this.#isPartial = isPartial;
    for (const file of files) this.#files.open(file.name, file);
    for (const vma of vmas) {
      const file = this.#fileOf(vma);
      const pgoff = (file === Abi.NO_FILE ? vma.start : vma.offset) / PAGE_BYTES;
      const result = this.#space.install(vma.start, vma.end, vmFlagsOf(vma), pgoff, file);
      if (result < 0) throw errorOf(result, "mmap", { address: `0x${vma.start.toString(16)}` });
    }
  }

  /**
   * Makes one call. Null: the engine has no such call, and nothing was done.
   *
   * @param recorded what the kernel answered: where a mapping went elsewhere then, it is moved
   * there, so that one difference does not become thousands
   */
  make(call: Call, recorded?: Outcome): Outcome | null {
    const { op, args, text } = call;
    if (op === "fault") return this.#fault(call);
    if (op === "prctl") return this.#prctl(call);
    if (op === "fork") return this.#fork(args[0] !== 0);
    if (op === "rlimit") return this.#rlimit(call);
    const result = recorded ?? 0;
    const row: TraceCall = { kind: "call", line: 0, pid: 0, tid: 0, op, args, file: text, result };
    const outcome = makeCall(this.#space, row, this.#files);
    if (recorded === undefined || outcome === null || outcome === recorded) return outcome;
    return this.#settle(row, outcome);
  }

  /** Which check a call did not pass; asked while the space is as the call left it. */
  whyRefused(call: Call, code: string): Refusal | null {
    const file = (path: string) => this.#files.path(path);
    return whyRefused(this.#mm, refusedCall(call, code, file));
  }

  /** What keeps the VMA at `address` and the next one apart. */
  whyApart(address: number): Explanation | null {
    return whyApart(this.#mm, address);
  }

  save(): Checkpoint {
    const now = this.look();
    return { ...now, bytes: now.bytes.slice() };
  }

  /** The same, but its bytes are the arena's own: good until the next call. */
  look(): Checkpoint {
    return { ...this.#bytesNow(), mm: this.#space.mm };
  }

  restore({ bytes, mm, files }: Checkpoint): void {
    const high = this.#used();
    const core = coreOf(this.engine);
    this.#bytes.set(bytes);
    this.#bytes.fill(0, bytes.length, Math.max(high, bytes.length));
    this.#files = new FileTable(core, files);
    if (mm !== 0 && mm !== this.#space.mm) this.#enter(new ReplaySpace(core, mm));
  }

  #bytesNow(): Omit<Checkpoint, "mm"> {
    return { bytes: this.#bytes.subarray(0, this.#used()), files: [...this.#files.entries()] };
  }

  /** The log goes on in `space`. */
  #enter(space: ReplaySpace): void {
    this.#space = space;
    this.#mm = MmWithUser.fromRaw(this.engine, space.mm);
    this.#arena = new ArenaReader(this.engine.memory, space.mm);
    this.#rows = new RowReader(coreOf(this.engine), this.#arena, this.#mm);
  }

  /** What the kernel answered is made true; the answer that the log shows. */
  #settle(row: TraceCall, outcome: Outcome): Outcome {
    if (this.#isPartial) return new Unknowns(this.#files).settle(this.#space, row, outcome);
    if (isPlaced(row)) forceCall(this.#space, row, outcome, this.#files);
    return outcome;
  }

  #fork(goesOn: boolean): Outcome {
    const child = this.#space.fork();
    if (typeof child === "number") return errorOf(child, "fork").code;
    if (goesOn) {
      this.#space.release();
      this.#enter(child);
    } else child.release();
    return 0;
  }

  #rlimit({ args }: Call): Outcome {
    const limit = LIMITS.get(Number(args[0]));
    if (limit === undefined) return "EINVAL";
    const bytes = args[1] ?? 0;
    this.#space.setLimit(limit, BigInt(bytes) === UNLIMITED ? -1 : Number(bytes));
    return 0;
  }

  /** The VMAs of this moment, with names that stay right when the machine moves on. */
  rows(): Rows {
    return this.#rows.all();
  }

  /**
   * The same, from those of another moment of this log.
   *
   * @param touched where calls between the two may have changed something; null: anywhere
   */
  rowsSince(known: Rows, touched: readonly Touched[] | null): Rows {
    return touched === null ? this.#rows.all() : this.#rows.since(known, touched);
  }

  /** Nobody reads these rows any more. */
  releaseRows(rows: Rows): void {
    this.#rows.release(rows);
  }

  /** Bytes of the arena up to the last chunk given to a slab. */
  #used(): number {
    const { x } = coreOf(this.engine);
    return this.#arena.chunksStart + x.slab_chunks() * CHUNK_BYTES;
  }

  /** The pages from an address on, until one is refused. */
  #fault({ args }: Call): Outcome {
    const [address = 0, access = Access.READ, bytes = 0] = args.map(Number);
    for (let at = address; at === address || at < address + bytes; at += PAGE_BYTES) {
      const result = this.#space.fault(at, access);
      if (result < 0) return errorOf(result, "fault").code;
      const outcome = FAULTS[result & Fault.OUTCOME_MASK] ?? 0;
      if (outcome !== 0) return outcome;
    }
    return 0;
  }

  #prctl({ args, text }: Call): Outcome | null {
    const [option, what, address = 0, length = 0, name = 0] = args;
    if (option !== PR_SET_VMA || Number(what) !== 0) return null;
    try {
      this.#mm.setVmaName(address, length, Number(name) === 0 ? null : text);
      return 0;
    } catch (error) {
      if (error instanceof MmError) return error.code;
      throw error;
    }
  }

  #fileOf({ name }: TraceVma): number {
    if (name === "" || name === "[stack]" || name === "[heap]") return Abi.NO_FILE;
    if (name.startsWith("[")) return this.#files.open(name, { kind: "special" });
    return this.#files.path(name);
  }
}
