// Waiting for the mmap lock without blocking the thread.
//
// The core queues the request and names the word that changes when it is this request's
// turn. The wait is Atomics.waitAsync on that word; where that is missing, or the memory
// is not shared, a poll. Like every wait it ends after Abi.LOOK_MS, to look whether who has
// the lock is known to be dead (mm/liveness.ts).
//
// A request that is given up leaves the queue in the core, and its waiter leaves the
// word's list: a later wake-one would hit it and be lost. So giving up wakes everyone on
// that word once; every waiter looks again and sleeps on (futex.ts).
//
// Floor: S2. Imports: shared, context, errors.

import { Abi } from "../assembly/shared/abi.js";
import { assertFields, shown } from "./address.js";
import type { Context, LockState } from "./context.js";
import { checked, timeoutError } from "./errors.js";

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
) => { async: false; value: string } | { async: true; value: Promise<string> };

const POLL_MIN_MS = 1;
const POLL_MAX_MS = 8;
/** No timer is longer: browsers and Node fire one above 2^31 ms at once. */
const TIMER_MAX_MS = 2 ** 30;

/** How long a caller waits. */
interface Patience {
  readonly signal: AbortSignal | undefined;
  /** As the caller gave it, for the message. */
  readonly timeoutMs: number;
  /** On the clock of performance.now(). */
  readonly deadline: number;
}

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
  const { signal, timeoutMs = Number.POSITIVE_INFINITY } = options;
  if (!(typeof timeoutMs === "number" && timeoutMs >= 0)) {
    throw new RangeError(`timeoutMs must not be negative, not ${shown(timeoutMs)}`);
  }
  signal?.throwIfAborted();
  const mode = modeOf(context, mm, kind);
  const patience = { signal, timeoutMs, deadline: performance.now() + timeoutMs };
  const writes = kind === "write";
  if (writes && locks.writing) {
    locks.addQueued(1);
    try {
      // Again, if another task of this worker came in between our turn and this line.
      do await turnToWrite(locks, mode.call, patience);
      while (locks.ownsWriting);
    } finally {
      locks.addQueued(-1);
    }
  }
  if (mode.queue()) return grant();
  locks.addQueued(1);
  if (writes) locks.writeQueued = true;
  try {
    return await new Request(context, mode, patience).granted(grant);
  } finally {
    locks.addQueued(-1);
    if (writes) {
      locks.writeQueued = false;
      if (locks.writes === 0) locks.writers.next(); // given up
    }
  }
}

/** Waits until no other task of this worker writes or wants to. */
async function turnToWrite(locks: LockState, call: string, patience: Patience): Promise<void> {
  const { turn, leave } = locks.writers.wait();
  let hasCome = false;
  const came = turn.then(() => {
    hasCome = true;
  });
  while (!hasCome || patience.signal?.aborted) {
    const over = isOver(patience, call);
    if (over !== null) {
      leave();
      throw over.reason;
    }
    await settled(patience, came);
  }
}

/** Why to wait no longer; null: there is time. */
function isOver(patience: Patience, call: string): { readonly reason: unknown } | null {
  const { signal, timeoutMs, deadline } = patience;
  if (signal?.aborted) return { reason: signal.reason };
  return performance.now() < deadline ? null : { reason: timeoutError(call, timeoutMs) };
}

/**
 * Until `wait` resolves, the time is up, or the signal fires: whichever is first. May be early.
 * Its timer keeps Node's event loop alive, which Atomics.waitAsync does not; a pending lock must.
 */
function settled(
  { signal, deadline }: Patience,
  wait: Promise<unknown> | null,
  mostMs: number = TIMER_MAX_MS,
): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, Math.min(deadline - performance.now(), mostMs));
    signal?.addEventListener("abort", done);
    wait?.then(done);
  });
}

function modeOf({ core }: Context, mm: number, kind: "read" | "write"): Mode {
  const call = kind === "read" ? "mmapReadLockAsync" : "mmapWriteLockAsync";
  // A queue of writers asks for no ticket, and ignores it.
  return {
    call,
    queue: () => held(core.x[`mmap_${kind}_queue`](mm), call),
    queued: (ticket) => held(core.x[`mmap_${kind}_queued`](mm, ticket), call),
    cancel: (ticket) => core.x[`mmap_${kind}_cancel`](mm, ticket) !== 0,
    unlock: () => core.x[`mmap_${kind}_unlock`](mm),
  };
}

/**
 * @throws MmError EAGAIN this worker reads as many spaces as its seat has room for; EOWNERDEAD
 *   (the request is out of the queue then)
 */
function held(result: number, call: string): boolean {
  return checked(result, call) !== 0;
}

/** One queued request, until it is granted or given up. */
class Request {
  readonly #context: Context;
  readonly #mode: Mode;
  readonly #patience: Patience;
  /** The read queue's name for this request. */
  readonly #ticket: number;
  #place: Place;

  constructor(context: Context, mode: Mode, patience: Patience) {
    this.#context = context;
    this.#mode = mode;
    this.#patience = patience;
    this.#place = this.#readPlace();
    this.#ticket = context.core.u32[2] as number;
  }

  async granted<Guard>(grant: () => Guard): Promise<Guard> {
    let looked = performance.now();
    for (let poll = POLL_MIN_MS; ; poll = Math.min(poll * 2, POLL_MAX_MS)) {
      const over = isOver(this.#patience, this.#mode.call);
      if (over !== null) return this.#giveUp(over.reason);
      await this.#wait(poll);
      if (performance.now() - looked >= Abi.LOOK_MS) {
        looked = performance.now();
        this.#context.core.x.worker_look();
      }
      // First: who aborted waits for no guard, so one granted just now would be lost.
      if (this.#patience.signal?.aborted) continue;
      if (this.#mode.queued(this.#ticket)) return grant();
      this.#place = this.#readPlace();
    }
  }

  /** Until the word changes, or there is a reason to give up. May be early. */
  #wait(poll: number): Promise<void> {
    const { waitAsync } = Atomics as unknown as { waitAsync?: WaitAsync };
    const { views } = this.#context.core;
    if (typeof waitAsync !== "function" || !views.shared)
      return settled(this.#patience, null, poll);
    const { word, expected } = this.#place;
    const wait = waitAsync.call(Atomics, views.i32, word / 4, expected | 0);
    return settled(this.#patience, wait.async ? wait.value : Promise.resolve(), Abi.LOOK_MS);
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
