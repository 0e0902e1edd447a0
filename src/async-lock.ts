// Waiting for the mmap lock without blocking the thread.
//
// The core queues the request and names the word that changes when it is this request's
// turn. The wait is Atomics.waitAsync on that word; where that is missing, or the memory
// is not shared, a poll.
//
// A request that is given up leaves the queue in the core, and its waiter leaves the
// word's list: a later wake-one would hit it and be lost. So giving up wakes everyone on
// that word once; every waiter looks again and sleeps on (futex.ts).
//
// Floor: S2. Imports: context, errors.

import { assertFields, shown } from "./address.js";
import type { Context, LockState } from "./context.js";
import { errorOf, timeoutError } from "./errors.js";

export interface LockOptions {
  /** Gives the request up; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Gives the request up after this long; the promise rejects with MmError ETIMEDOUT. */
  readonly timeoutMs?: number;
}

/** One kind of request in terms of the core. */
interface Mode {
  readonly call: string;
  /** True: held at once. False: queued; scratch names the word. */
  queue(): boolean;
  /** True: held now. False: still queued; `expected` is up to date. */
  queued(ticket: number): boolean;
  /** True: it was granted meanwhile and is held. False: it left the queue. */
  cancel(ticket: number): boolean;
  unlock(): void;
}

/** Where a queued request waits. */
interface Place {
  word: number;
  expected: number;
}

type WaitAsync = (
  array: Int32Array,
  index: number,
  value: number,
  timeout?: number,
) => { async: false; value: string } | { async: true; value: Promise<string> };

const POLL_MIN_MS = 1;
const POLL_MAX_MS = 8;
/** An interval of this length keeps a Node process alive and never fires. */
const KEEP_ALIVE_MS = 2 ** 30;

/** Resolves with what `grant` makes; it runs in the moment in which this worker holds `mm`'s mmap lock. */
export async function lockAsync<Guard>(
  context: Context,
  mm: number,
  kind: "read" | "write",
  locks: LockState,
  options: LockOptions,
  grant: () => Guard,
): Promise<Guard> {
  assertFields(options, "options");
  const { signal, timeoutMs } = options;
  if (timeoutMs !== undefined && !(typeof timeoutMs === "number" && timeoutMs >= 0)) {
    throw new RangeError(`timeoutMs must not be negative, not ${shown(timeoutMs)}`);
  }
  signal?.throwIfAborted();
  const mode = kind === "read" ? readMode(context, mm) : writeMode(context, mm);
  if (kind === "read" || !locks.writing) return request(context, mode, kind, locks, options, grant);
  locks.addQueued(1);
  const started = performance.now();
  try {
    // Again, if another task of this worker came in between our turn and this line.
    do await turnToWrite(locks, mode.call, remaining(options, started));
    while (locks.ownsWriting);
  } finally {
    locks.addQueued(-1);
  }
  return request(context, mode, kind, locks, remaining(options, started), grant);
}

/** The options with what is left of the time since `started`. */
function remaining(options: LockOptions, started: number): LockOptions {
  if (options.timeoutMs === undefined) return options;
  const timeoutMs = Math.max(0, options.timeoutMs - (performance.now() - started));
  return { ...options, timeoutMs };
}

/** Stands in the core's queue; held at once if it is free. */
async function request<Guard>(
  context: Context,
  mode: Mode,
  kind: "read" | "write",
  locks: LockState,
  { signal, timeoutMs }: LockOptions,
  grant: () => Guard,
): Promise<Guard> {
  if (mode.queue()) return grant();
  locks.addQueued(1);
  if (kind === "write") locks.writeQueued = true;
  try {
    return await new Request(context, mode, signal, timeoutMs).granted(grant);
  } finally {
    locks.addQueued(-1);
    if (kind === "write") {
      locks.writeQueued = false;
      if (locks.writes === 0) locks.writers.next(); // given up
    }
  }
}

/** Waits until no other task of this worker writes or wants to. */
function turnToWrite(locks: LockState, call: string, options: LockOptions): Promise<void> {
  const { signal, timeoutMs } = options;
  const { turn, leave } = locks.writers.wait();
  if (signal === undefined && timeoutMs === undefined) return turn;
  return new Promise<void>((resolve, reject) => {
    const stop = (reason: unknown) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", aborted);
      leave();
      reject(reason);
    };
    const aborted = () => stop(signal?.reason);
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => stop(timeoutError(call, timeoutMs)), timeoutMs);
    signal?.addEventListener("abort", aborted);
    turn.then(() => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", aborted);
      if (signal?.aborted) stop(signal.reason);
      else resolve();
    });
  });
}

function readMode(context: Context, mm: number): Mode {
  const { core } = context;
  return {
    call: "mmapReadLockAsync",
    queue: () => held(core.x.mmap_read_queue(mm), "mmapReadLockAsync"),
    queued: (ticket) => held(core.x.mmap_read_queued(mm, ticket), "mmapReadLockAsync"),
    cancel: (ticket) => core.x.mmap_read_cancel(mm, ticket) !== 0,
    unlock: () => core.x.mmap_read_unlock(mm),
  };
}

/**
 * @throws MmError EAGAIN this worker reads as many spaces as its seat has room for; EOWNERDEAD
 *   (the request is out of the queue then)
 */
function held(result: number, call: string): boolean {
  if (result < 0) throw errorOf(result, call);
  return result !== 0;
}

function writeMode(context: Context, mm: number): Mode {
  const { core } = context;
  return {
    call: "mmapWriteLockAsync",
    queue: () => held(core.x.mmap_write_queue(mm), "mmapWriteLockAsync"),
    queued: () => held(core.x.mmap_write_queued(mm), "mmapWriteLockAsync"),
    cancel: () => core.x.mmap_write_cancel(mm) !== 0,
    unlock: () => core.x.mmap_write_unlock(mm),
  };
}

/** One queued request, until it is granted or given up. */
class Request {
  readonly #context: Context;
  readonly #mode: Mode;
  readonly #signal: AbortSignal | undefined;
  readonly #deadline: number;
  readonly #timeoutMs: number | undefined;
  /** The read queue's name for this request. */
  readonly #ticket: number;
  #place: Place;

  constructor(
    context: Context,
    mode: Mode,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
  ) {
    this.#context = context;
    this.#mode = mode;
    this.#signal = signal;
    this.#timeoutMs = timeoutMs;
    this.#deadline =
      timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
    this.#place = this.#readPlace();
    this.#ticket = context.core.u32[2] as number;
  }

  async granted<Guard>(grant: () => Guard): Promise<Guard> {
    // A pending waitAsync does not keep Node's event loop alive; a pending lock must.
    const keepAlive = setInterval(() => {}, KEEP_ALIVE_MS);
    let poll = POLL_MIN_MS;
    try {
      while (true) {
        const left = this.#deadline - performance.now();
        if (left <= 0)
          return this.#giveUp(timeoutError(this.#mode.call, this.#timeoutMs as number));
        await this.#wait(left, poll);
        poll = Math.min(poll * 2, POLL_MAX_MS);
        // First: who aborted waits for no guard, so one granted just now would be lost.
        if (this.#signal?.aborted) return this.#giveUp(this.#signal.reason);
        if (this.#mode.queued(this.#ticket)) return grant();
        this.#place = this.#readPlace();
      }
    } finally {
      clearInterval(keepAlive);
    }
  }

  /** Until the word changes, the time is up, or the signal fires: whichever is first. May be early. */
  #wait(left: number, poll: number): Promise<unknown> {
    const waitAsync = (Atomics as unknown as { waitAsync?: WaitAsync }).waitAsync;
    const { views } = this.#context.core;
    if (typeof waitAsync !== "function" || !views.shared)
      return this.#orAborted(sleep(Math.min(left, poll)));
    const timeout = Number.isFinite(left) ? left : undefined;
    const { word, expected } = this.#place;
    const wait = waitAsync.call(Atomics, views.i32, word / 4, expected | 0, timeout);
    return wait.async ? this.#orAborted(wait.value) : Promise.resolve();
  }

  #orAborted(wait: Promise<unknown>): Promise<unknown> {
    const signal = this.#signal;
    if (signal === undefined) return wait;
    return new Promise<void>((resolve) => {
      const done = () => {
        signal.removeEventListener("abort", done);
        resolve();
      };
      signal.addEventListener("abort", done);
      wait.then(done);
    });
  }

  /** Leaves the queue, holding nothing, and rejects. */
  #giveUp(reason: unknown): never {
    if (this.#mode.cancel(this.#ticket)) this.#mode.unlock();
    const { views } = this.#context.core;
    if (views.shared) Atomics.notify(views.i32, this.#place.word / 4);
    throw reason;
  }

  /** Context: right after a queue or queued call, before anything else uses scratch. */
  #readPlace(): Place {
    const { u32 } = this.#context.core;
    return { word: u32[0] as number, expected: u32[1] as number };
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
