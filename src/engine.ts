// Engine: one arena seen from one worker; the only constructor users meet.
//
// Floor: S4. Imports: everything below.

import { Abi, MmFlag, MmStat } from "../assembly/shared/abi.js";
import { Errno } from "../assembly/shared/errno.js";
import { type Address, assertFields, shown } from "./address.js";
import { Context, type LeakReport, type Makers } from "./context.js";
import { Core, instantiate } from "./core.js";
import { checked, MmError } from "./errors.js";
import { createFile, type FileOptions, FileRef, registerFileOps } from "./file.js";
import { checkHeader, checkVersion, createMemory, DEFAULT_MEMORY_BYTES } from "./memory.js";
import { MmWithUser } from "./mm.js";
import { createMm, type MmOptions } from "./mm-options.js";
import { MmWithUserAsync } from "./mm-with-user-async.js";
import { Page } from "./page.js";
import { threadMayBlock, unref } from "./platform.js";
import { RawPlane } from "./raw.js";
import { isSeat, type ReapReport, type ReservedSeat, reapSeat, sitDown } from "./reap.js";
import { registerContext, unregisterContext } from "./registry.js";
import { type ValidationReport, type Violation, validateMm } from "./validation.js";
import type { FileOps } from "./vma-new.js";
import { compileEngine, type WasmSource } from "./wasm.js";
import { byWord, type Words } from "./words.js";

export interface EngineOptions {
  /**
   * Size of the arena in bytes, fixed for ever: a multiple of 64 KiB up to 4 GiB - 64 KiB.
   * Default 64 MiB. Memory that is not touched costs nothing; when it is full, calls fail
   * with ENOMEM and change nothing.
   */
  readonly memoryBytes?: Address;
  /** Default true. False: the whole API in one thread, without SharedArrayBuffer. */
  readonly shared?: boolean;
  /** Seats for workers, this one included, up to 500; 28 KiB of the arena each. Default 128. */
  readonly maxWorkers?: number;
  /** Default true. False: lockVmaUnderRcu always returns null, as without CONFIG_PER_VMA_LOCK. */
  readonly perVmaLock?: boolean;
  /** Where the wasm comes from. Default: the bytes inlined in the package. */
  readonly wasm?: WasmSource;
  /** Remembers where handles and guards were acquired, for leak reports. Costs time. Default false. */
  readonly debug?: boolean;
  /** Told of each handle that is collected without dispose. Default: one console warning. */
  readonly onLeak?: (leak: LeakReport) => void;
}

export type AttachOptions = Pick<EngineOptions, "wasm" | "debug" | "onLeak">;

/** What another worker needs to attach: survives structured clone. */
export interface EngineShare {
  readonly kind: "vmaple.engine";
  /** Layout of the arena; attach refuses another. */
  readonly layoutVersion: number;
  /** Names the arena in every worker, so that handles in messages find their engine. */
  readonly arena: string;
  readonly memory: WebAssembly.Memory;
  readonly module: WebAssembly.Module;
  readonly maxWorkers: number;
  /** A seat reserved for whoever attaches with this; without it, any that is free. */
  readonly seat?: ReservedSeat;
}

/** Events that a seat counted since it was taken. */
export interface WorkerCounters {
  /** lockVmaUnderRcu: locked / gave up on a writer or after retries / looked again / nothing mapped. */
  readonly vmaLockSuccess: number;
  readonly vmaLockAbort: number;
  readonly vmaLockRetry: number;
  readonly vmaLockMiss: number;
  /** mmap lock: taken, and how often it had to be waited for. */
  readonly mmapLockRead: number;
  readonly mmapLockReadContended: number;
  readonly mmapLockWrite: number;
  readonly mmapLockWriteContended: number;
  /** Faults, and under which lock they were served. */
  readonly fault: number;
  readonly faultVmaLock: number;
  readonly faultMmapLock: number;
  /** peek: looks that a writer spoiled. */
  readonly peekRetry: number;
}

export interface WorkerStats extends WorkerCounters {
  readonly slot: number;
}

/** Objects of one kind. */
export interface MemoryStats {
  /** Objects in use. */
  readonly live: number;
  /** Bytes of the objects in use. */
  readonly liveBytes: number;
  /** Bytes the kind has ever claimed: chunks never change their kind, so this is its peak. */
  readonly peakBytes: number;
}

export interface EngineStats {
  /** The seats that are taken. */
  readonly workers: readonly WorkerStats[];
  readonly total: WorkerCounters;
  readonly memory: {
    readonly arenaBytes: number;
    /** Chunks of 16 KiB in use by any kind. */
    readonly chunks: number;
    readonly kinds: Readonly<Record<SlabName, MemoryStats>>;
  };
}

/** By Counter. */
export const COUNTERS =
  "vmaLockSuccess vmaLockAbort vmaLockRetry vmaLockMiss mmapLockRead mmapLockReadContended mmapLockWrite mmapLockWriteContended fault faultVmaLock faultMmapLock peekRetry";

/** By SlabKind. */
export const SLABS = "leaf inner vma mm file name table log page ledger flight";

/**
 * Kinds of objects in the arena: maple nodes, VMAs, mms, files, names, tables, journals of large
 * calls, pages, lists of many references, references in messages.
 */
export type SlabName = Words<typeof SLABS>;

const DEFAULT_MAX_WORKERS = 128;
/** rwlock.ts has room for this many in its state word. */
const MAX_WORKERS = 500;

const enum ArenaFlag {
  PER_VMA_LOCK = 1,
  SHARED = 2,
}

const MAKERS: Makers = {
  user: (context, pointer, scope) => new MmWithUser(context, pointer, scope),
  async: (context, pointer) => new MmWithUserAsync(context, pointer),
};

/** What create and attach have found out before they take a seat. */
interface Parts {
  readonly memory: WebAssembly.Memory;
  readonly module: WebAssembly.Module;
  readonly arena: string;
  readonly maxWorkers: number;
  readonly shared: boolean;
}

/**
 * One arena seen from one worker: a seat in the shared memory and an instance of the wasm.
 *
 * Made by {@link Engine.create}, and in other workers by {@link Engine.attach} with what
 * {@link Engine.share} returned. `using` or `dispose` gives the seat back; the arena lives as
 * long as some worker keeps the memory. Locks must be released first; references of handles
 * that were not disposed before are given back.
 */
export class Engine implements Disposable {
  readonly #context: Context;
  readonly #parts: Parts;
  readonly #raw: RawPlane;
  #disposed = false;
  #deferredTimer: unknown;

  private constructor(context: Context, parts: Parts) {
    this.#context = context;
    this.#parts = parts;
    this.#raw = new RawPlane(context.core);
    context.scheduleDeferred = () => this.#scheduleDeferred();
    registerContext(context);
  }

  /**
   * A new arena with this worker in its first seat.
   *
   * @throws RangeError memoryBytes or maxWorkers out of range, or too little memory for the seats
   * @throws TypeError `shared` without SharedArrayBuffer (no cross-origin isolation), or a wrong wasm
   */
  static async create(options: EngineOptions = {}): Promise<Engine> {
    assertFields(options, "options");
    const shared = options.shared ?? true;
    const maxWorkers = options.maxWorkers ?? DEFAULT_MAX_WORKERS;
    if (!Number.isInteger(maxWorkers) || maxWorkers < 1 || maxWorkers > MAX_WORKERS) {
      throw new RangeError(`maxWorkers must be in 1..${MAX_WORKERS}, not ${shown(maxWorkers)}`);
    }
    if (shared && typeof SharedArrayBuffer === "undefined") {
      throw new TypeError(
        "no SharedArrayBuffer here: isolate the page (COOP and COEP) or pass shared: false",
      );
    }
    const memory = createMemory(options.memoryBytes ?? DEFAULT_MEMORY_BYTES, shared);
    const module = await compileEngine(options.wasm, shared);
    const exports = instantiate(module, memory);
    const perVmaLock = options.perVmaLock ?? true;
    const flags = (perVmaLock ? ArenaFlag.PER_VMA_LOCK : 0) | (shared ? ArenaFlag.SHARED : 0);
    const bytes = memory.buffer.byteLength;
    if (exports.arena_init(bytes, maxWorkers, flags) < 0) {
      throw new RangeError(`${bytes} bytes are too few for ${maxWorkers} workers`);
    }
    return Engine.#seat(
      exports,
      { memory, module, arena: newArenaId(), maxWorkers, shared },
      options,
    );
  }

  /**
   * Takes a seat in an arena that another worker shared.
   *
   * @throws TypeError not an EngineShare, or one of another layout version
   * @throws MmError EAGAIN all seats are taken
   */
  static async attach(share: EngineShare, options: AttachOptions = {}): Promise<Engine> {
    assertShare(share);
    assertFields(options, "options");
    checkVersion(share.layoutVersion, "the shared engine");
    checkHeader(share.memory);
    const { memory, arena, maxWorkers } = share;
    const module =
      options.wasm === undefined ? share.module : await compileEngine(options.wasm, true);
    const exports = instantiate(module, memory);
    const parts = { memory, module, arena, maxWorkers, shared: true };
    return Engine.#seat(exports, parts, options, share.seat);
  }

  static #seat(
    exports: ReturnType<typeof instantiate>,
    parts: Parts,
    options: AttachOptions,
    reserved?: ReservedSeat,
  ): Engine {
    const mayBlock = parts.shared && threadMayBlock() ? 1 : 0;
    const seat =
      reserved === undefined
        ? exports.worker_attach(mayBlock)
        : sitDown(exports, reserved, mayBlock);
    if (seat === -Errno.EAGAIN) {
      throw new MmError(Errno.EAGAIN, "attach", { maxWorkers: parts.maxWorkers });
    }
    if (seat < 0) throw new TypeError("the memory holds no vmaple arena");
    const core = new Core(exports, parts.memory, seat);
    const settings = {
      shared: parts.shared,
      debug: options.debug ?? false,
      onLeak: options.onLeak,
    };
    return new Engine(new Context(core, parts.arena, settings, MAKERS), parts);
  }

  /** @internal @throws TypeError after dispose */
  get context(): Context {
    if (this.#disposed) throw new TypeError("engine used after dispose");
    return this.#context;
  }

  /** The same operations on integers, for hot loops: nothing allocates, errors are `-errno`. */
  get raw(): RawPlane {
    this.context;
    return this.#raw;
  }

  /** True once {@link dispose} has been called. */
  get disposed(): boolean {
    return this.#disposed;
  }

  /** This worker's seat. */
  get slot(): number {
    return this.context.core.seat;
  }

  /** The arena itself, for tools that look at its bytes. Write nothing. */
  get memory(): WebAssembly.Memory {
    return this.context.core.memory;
  }

  /**
   * What another worker needs for {@link Engine.attach}; send it with any postMessage.
   *
   * @throws TypeError the engine is not shared
   */
  share(): EngineShare {
    this.context;
    const { shared, arena, memory, module, maxWorkers } = this.#parts;
    if (!shared) throw new TypeError("shared: false belongs to one thread");
    const layoutVersion = Abi.LAYOUT_VERSION;
    return { kind: "vmaple.engine", layoutVersion, arena, memory, module, maxWorkers };
  }

  /**
   * A new address space, empty: mm_users 1, mm_count 1. The caller owns its user reference.
   *
   * @throws RangeError an option out of range; TypeError an unknown word
   * @throws MmError ENOMEM the arena is full
   */
  createMm(options: MmOptions = {}): MmWithUser {
    return new MmWithUser(this.context, createMm(this.context.core, options));
  }

  /**
   * An open file to map: its identity, not its contents.
   *
   * @throws RangeError the name is longer than 4096 bytes, or a number is out of range
   * @throws TypeError a kind that is neither known nor registered here
   * @throws MmError ENOMEM the arena is full
   */
  openFile(file: FileOptions): FileRef {
    const { context } = this;
    return new FileRef(context, createFile(context.core, file, context.fileOps));
  }

  /**
   * The operations of a kind of file (f_ops) in this worker: mmap of a file opened with
   * `kind` calls them. Each worker that maps such files registers its own; mapping one
   * elsewhere throws TypeError. A later registration takes the place of an earlier one.
   *
   * @throws TypeError the kind is one that the engine knows by itself, or has more than 64 bytes
   */
  registerFileOps(kind: string, ops: FileOps): void {
    registerFileOps(this.context.fileOps, kind, ops);
  }

  /** A page to put into a mapping, see {@link Page}. @throws MmError ENOMEM the arena is full */
  allocPage(): Page {
    return Page.make(this.context);
  }

  /** Runs teardowns that MmWithUserAsync has queued, of any worker; how many. */
  runDeferred(): number {
    return this.context.core.x.mm_run_deferred();
  }

  /**
   * Gives up what a worker held that has died: its VMA and mmap read locks, its places in
   * queues, its write locks, the references of its handles and of messages of its that nobody
   * has received: a space of which it was the last user is torn down. The call that it died in is undone, or finished if it was over:
   * the space is as before or after it. Only where the arena was too full to keep track of a
   * large call, its space answers EOWNERDEAD from then on (MmError, errno 130). The pool
   * calls this by itself when one of its workers exits.
   *
   * The worker must be gone: reaping one that still runs lets two workers write at once. In Node
   * it is when its `exit` event comes. A browser has no such event, and a worker may run on for
   * a moment after `terminate()`: let it hold a Web Lock all its life, and reap once that is
   * free; the pool does so.
   *
   * @param slot its seat: {@link Engine.slot} of its engine
   * @throws RangeError no such seat; TypeError this worker's own, or not taken
   */
  reap(slot: number): ReapReport {
    return reapSeat(this.context.core, slot, this.#parts.maxWorkers);
  }

  /** Counters of all seats, and what the arena holds. A snapshot: others go on counting. */
  stats(): EngineStats {
    const { x } = this.context.core;
    const workers: WorkerStats[] = [];
    const total = byWord(COUNTERS, () => 0);
    for (let slot = 0; slot < this.#parts.maxWorkers; slot++) {
      const counters = byWord(COUNTERS, (counter) => x.worker_counter(slot, counter));
      for (const name in total)
        total[name as keyof WorkerCounters] += counters[name as keyof WorkerCounters];
      if (x.worker_seat_taken(slot) !== 0) workers.push({ slot, ...counters });
    }
    const kinds = byWord(SLABS, (kind) => {
      const live = x.slab_live(kind);
      return { live, liveBytes: live * x.slab_object_size(kind), peakBytes: x.slab_bytes(kind) };
    });
    const memory = { arenaBytes: this.memory.buffer.byteLength, chunks: x.slab_chunks(), kinds };
    return { workers, total, memory };
  }

  /**
   * Checks every invariant of every address space that has users; empty when sound. Spaces
   * that a worker died changing (EOWNERDEAD) have none left and are passed over. Takes each
   * one's mmap lock in turn, so other workers may be at work meanwhile.
   *
   * @throws WouldBlockError one is locked and this thread must not block
   */
  validate(): ValidationReport {
    const { context } = this;
    const { x } = context.core;
    const found: Violation[] = [];
    for (let mm = x.mm_first() >>> 0; mm !== 0; mm = x.mm_next(mm) >>> 0) {
      if (context.locksOf(mm).held) {
        found.push(...validateMm(context.core, mm, true));
        continue;
      }
      if ((x.mm_stat(mm, MmStat.FLAGS) & MmFlag.DEAD) !== 0) continue; // nothing left to check
      if (checked(x.mmget_not_zero(mm), "validate") === 0) continue;
      // Not `using`: its helpers weigh more than the rest of the class.
      const user = new MmWithUser(context, mm);
      try {
        found.push(...user.validate());
      } finally {
        user.dispose();
      }
    }
    return found;
  }

  /**
   * Gives the seat back; every later use of the engine, its handles and guards throws TypeError.
   *
   * @throws TypeError locks are held, or async locks pending: others would wait for them for ever
   */
  dispose(): void {
    if (this.#disposed) return;
    const context = this.#context;
    if (context.busy !== 0) {
      throw new TypeError(
        `engine disposed while ${context.busy} locks are held or pending: release them first`,
      );
    }
    unregisterContext(context);
    context.core.x.mm_run_deferred();
    if (this.#deferredTimer !== undefined) clearTimeout(this.#deferredTimer as number);
    context.core.x.worker_detach();
    context.core.kill();
    this.#disposed = true;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** One turn of the event loop later; the process need not stay for it. */
  #scheduleDeferred(): void {
    if (this.#deferredTimer !== undefined) return;
    this.#deferredTimer = setTimeout(() => {
      this.#deferredTimer = undefined;
      if (!this.#disposed) this.runDeferred();
    }, 0);
    unref(this.#deferredTimer);
  }
}

function assertShare(share: EngineShare | null | undefined): asserts share {
  const fits =
    share?.kind === "vmaple.engine" &&
    typeof share.arena === "string" &&
    share.memory instanceof WebAssembly.Memory &&
    share.module instanceof WebAssembly.Module &&
    (share.seat === undefined || isSeat(share.seat));
  if (!fits) throw new TypeError("not an EngineShare: pass what engine.share() returned");
}

/** 64 random bits: SharedArrayBuffers have no identity across threads. */
function newArenaId(): string {
  return crypto.getRandomValues(new Uint32Array(2)).join();
}
