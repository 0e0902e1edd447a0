// Context: what every handle and guard of one engine shares in this worker.
//
//   core     the wasm instance and its views
//   locks    per mm: what this worker holds, to refuse what would wait for itself
//   leaks    handles that were collected without dispose
//
// Floor: S1. Imports: core, errors.

import type { Core } from "./core.js";
import { WouldBlockError } from "./errors.js";
import type { MmWithUser } from "./mm.js";
import type { MmWithUserAsync } from "./mm-with-user-async.js";
import type { FileOps } from "./vma-new.js";

/** A handle that nobody disposed before it was collected. Its reference is lost. */
export interface LeakReport {
  /** Class of the handle. */
  readonly kind: string;
  /** What it pointed to. */
  readonly pointer: number;
  /** Where it was made; only with `debug: true`. */
  readonly stack: string | undefined;
}

/** Upward arrows, made once by engine.ts so that files import only downwards. */
export interface Makers {
  /** Without `scope` the caller gives one mm_users count away; so with `async`. */
  user(context: Context, pointer: number, scope?: Scope): MmWithUser;
  async(context: Context, pointer: number): MmWithUserAsync;
}

/** Something a borrowed handle lives by. */
export interface Scope {
  /** @throws TypeError it is over */
  assertLive(): void;
}

export interface ContextOptions {
  readonly shared: boolean;
  readonly debug: boolean;
  readonly onLeak: ((leak: LeakReport) => void) | undefined;
}

export class Context {
  readonly leaks: LeakRegistry;
  /** Held locks and queued requests of this worker, all mms: the engine waits for 0 before it goes. */
  busy = 0;
  /** The core itself looks for deadlocks to come, and knows where locks were taken (lockdep.ts). */
  lockdep = false;
  /** Operations of kinds of files, by kind: this worker's. */
  readonly fileOps = new Map<string, FileOps>();
  /** Run once, before the engine gives its seat back. */
  readonly closers = new Set<() => void>();
  #locks = new Map<number, LockState>();
  /** A teardown was queued: somebody must run it. Set by the engine. */
  scheduleDeferred: () => void = () => {};

  constructor(
    readonly core: Core,
    readonly arena: string,
    readonly options: ContextOptions,
    readonly makers: Makers,
  ) {
    this.leaks = new LeakRegistry(options.debug, options.onLeak);
  }

  /** What this worker holds of `mm`'s locks. Records are few: memory of mms is reused. */
  locksOf(mm: number): LockState {
    let state = this.#locks.get(mm);
    if (state === undefined) {
      state = new LockState(this);
      this.#locks.set(mm, state);
    }
    return state;
  }
}

/** What one worker holds of one mm's mmap lock and VMA locks. */
export class LockState {
  /** mmap read guards. */
  reads = 0;
  /** 1 while a write guard is held. */
  writes = 0;
  /** Per-VMA read guards. */
  vmaReads = 0;
  /** Async requests not answered yet. */
  queued = 0;
  /**
   * Turns of this worker's writing tasks. The core knows a writer by its seat, so only one
   * task at a time may stand in its queue or hold the lock.
   */
  readonly writers = new Turns();
  /** True while an mmap hook runs: it must not change the space, or give the lock up. */
  inHook = false;
  /** True while an async write request of this worker stands in the core's queue. */
  writeQueued = false;

  constructor(private readonly context: Context) {}

  /** True if this worker already holds the mmap lock in some mode. */
  get held(): boolean {
    return this.reads + this.writes !== 0;
  }

  /** True if a task of this worker holds the lock for writing, or stands in the core's queue for it. */
  get ownsWriting(): boolean {
    return this.writes !== 0 || this.writeQueued;
  }

  /** True if a further writing task of this worker has to wait for its turn. */
  get writing(): boolean {
    return this.ownsWriting || this.writers.waiting;
  }

  addRead(n: 1 | -1): void {
    this.reads += n;
    this.context.busy += n;
  }

  addWrite(n: 1 | -1): void {
    this.writes += n;
    this.context.busy += n;
    if (n < 0) this.writers.next();
  }

  addVmaRead(n: 1 | -1): void {
    this.vmaReads += n;
    this.context.busy += n;
  }

  addQueued(n: 1 | -1): void {
    this.queued += n;
    this.context.busy += n;
  }

  /**
   * Refuses to wait for a lock that this worker itself keeps from being free. Under lockdep
   * that is the core's business, which can say where the lock was taken.
   *
   * @throws TypeError it holds the mmap lock, or a VMA's lock that a writer would wait for
   * @throws WouldBlockError an async request of this worker is in the queue ahead
   */
  assertMayWait(call: string): void {
    if (this.queued === 0 && this.context.lockdep) return;
    if (this.reads + this.writes + this.vmaReads + this.queued !== 0) this.#refuse(call);
  }

  /** @throws TypeError an mmap hook of this space is running */
  assertNoHook(): void {
    if (!this.inHook) return;
    throw new TypeError("an mmap hook must not change the space it maps into, nor unlock it");
  }

  #refuse(call: string): never {
    if (this.held) {
      throw new TypeError(
        `${call}: this worker holds the mmap lock for ${this.writes ? "writing" : "reading"}: ` +
          "use the guard's methods, or release it first",
      );
    }
    if (this.vmaReads !== 0) {
      throw new TypeError(
        `${call}: this worker holds a VMA read guard, for which a writer may wait: release it first`,
      );
    }
    throw new WouldBlockError(call);
  }
}

interface LeakRecord {
  readonly kind: string;
  readonly pointer: number;
  readonly stack: string | undefined;
}

/** Reports lost handles; never gives their reference back, since that could run a teardown anywhere. */
export class LeakRegistry {
  readonly #registry: FinalizationRegistry<LeakRecord>;

  constructor(
    readonly debug: boolean,
    onLeak: ((leak: LeakReport) => void) | undefined,
  ) {
    const report = onLeak ?? warnOnce();
    this.#registry = new FinalizationRegistry((record) => report(record));
  }

  add(handle: object, kind: string, pointer: number): void {
    const stack = this.debug ? new Error(`${kind} acquired`).stack : undefined;
    this.#registry.register(handle, { kind, pointer, stack }, handle);
  }

  /** Guards are watched in debug builds only: the registry costs more than the lock. */
  addGuard(guard: object, kind: string, pointer: number): void {
    if (this.debug) this.add(guard, kind, pointer);
  }

  removeGuard(guard: object): void {
    if (this.debug) this.remove(guard);
  }

  remove(handle: object): void {
    this.#registry.unregister(handle);
  }
}

function warnOnce(): (leak: LeakReport) => void {
  let warned = false;
  return ({ kind, pointer, stack }) => {
    if (warned) return;
    warned = true;
    const where = stack === undefined ? "Engine.create({ debug: true }) tells where" : stack;
    console.warn(
      `vmaple: a ${kind} (0x${pointer.toString(16)}) was never disposed: its reference is lost. ${where}`,
    );
  };
}

/** A line of tasks of which one at a time goes ahead. */
export class Turns {
  #waiting: (() => void)[] = [];

  get waiting(): boolean {
    return this.#waiting.length !== 0;
  }

  /** Resolves at this task's turn; `leave` gives up waiting for it. */
  wait(): { readonly turn: Promise<void>; readonly leave: () => void } {
    let go = () => {};
    const turn = new Promise<void>((resolve) => {
      go = resolve;
    });
    this.#waiting.push(go);
    const leave = () => {
      const at = this.#waiting.indexOf(go);
      if (at >= 0) this.#waiting.splice(at, 1);
      else this.next(); // the turn had come: it goes to the next task
    };
    return { turn, leave };
  }

  /** The task whose turn it was is done. */
  next(): void {
    this.#waiting.shift()?.();
  }
}
