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

type WaitAsync = (
  array: Int32Array,
  index: number,
  value: number,
) => { value: string | Promise<string> };

const POLL_MIN_MS = 1;
const POLL_MAX_MS = 8;
/** No timer is longer: browsers and Node fire one above 2^31 ms at once. */
const TIMER_MAX_MS = 2 ** 30;

/** How long a caller waits. */
interface Patience {
  readonly signal: AbortSignal | undefined;
  /** Why to wait no longer; null: there is time. */
  over(): { readonly reason: unknown } | null;
  /**
   * Until `wait` resolves, the time is up, or the signal fires: whichever is first. May be early.
   * Its timer keeps Node's event loop alive, which Atomics.waitAsync does not; a pending lock must.
   */
  until(wait: Promise<unknown> | null, mostMs?: number): Promise<void>;
}

function patienceOf(call: string, options: LockOptions): Patience {
  assertFields(options, "options");
  const { signal, timeoutMs = Number.POSITIVE_INFINITY } = options;
  if (!(typeof timeoutMs === "number" && timeoutMs >= 0)) {
    throw new RangeError(`timeoutMs must not be negative, not ${shown(timeoutMs)}`);
  }
  signal?.throwIfAborted();
  const deadline = performance.now() + timeoutMs;
  return {
    signal,
    over() {
      if (signal?.aborted) return { reason: signal.reason };
      return performance.now() < deadline ? null : { reason: timeoutError(call, timeoutMs) };
    },
    until: (wait, mostMs = TIMER_MAX_MS) =>
      new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", done);
          resolve();
        };
        const timer = setTimeout(done, Math.min(deadline - performance.now(), mostMs));
        signal?.addEventListener("abort", done);
        wait?.then(done);
      }),
  };
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
  const { core } = context;
  const writes = kind === "write";
  const call = writes ? "mmapWriteLockAsync" : "mmapReadLockAsync";
  const patience = patienceOf(call, options);
  if (writes && locks.writing) {
    locks.addQueued(1);
    try {
      // Again, if another task of this worker came in between our turn and this line.
      do await turnToWrite(locks, patience);
      while (locks.ownsWriting);
    } finally {
      locks.addQueued(-1);
    }
  }
  // Throws EAGAIN, this worker reads as many spaces as its seat has room for, or EOWNERDEAD: the request
  // is out of the queue then.
  if (checked(core.x[`mmap_${kind}_queue`](mm), call) !== 0) return grant();
  locks.addQueued(1);
  if (writes) locks.writeQueued = true;
  try {
    return await queued(context, mm, kind, call, patience, grant);
  } finally {
    locks.addQueued(-1);
    if (writes) {
      locks.writeQueued = false;
      if (locks.writes === 0) locks.writers.next(); // given up
    }
  }
}

/** Waits until no other task of this worker writes or wants to. */
async function turnToWrite(locks: LockState, patience: Patience): Promise<void> {
  const { turn, leave } = locks.writers.wait();
  let hasCome = false;
  const came = turn.then(() => {
    hasCome = true;
  });
  while (!hasCome || patience.signal?.aborted) {
    const over = patience.over();
    if (over !== null) {
      leave();
      throw over.reason;
    }
    await patience.until(came);
  }
}

/** A request that the core has just queued, until it is granted or given up. */
async function queued<Guard>(
  { core, options: { shared } }: Context,
  mm: number,
  kind: "read" | "write",
  call: string,
  patience: Patience,
  grant: () => Guard,
): Promise<Guard> {
  const { u32, i32 } = core;
  const { waitAsync } = Atomics as unknown as { waitAsync?: WaitAsync };
  const mayWait = typeof waitAsync === "function" && shared;
  // In scratch, before anything else uses it: the word that changes, what it is now, and the read
  // queue's name for this request. A queue of writers asks for no ticket, and ignores it.
  let place = u32.slice(0, 3);
  const ticket = place[2] as number;
  let looked = performance.now();
  for (let poll = POLL_MIN_MS; ; poll = Math.min(poll * 2, POLL_MAX_MS)) {
    const [word, expected] = place as unknown as [number, number];
    const over = patience.over();
    if (over !== null) {
      // Out of the queue, holding nothing: it may have been granted meanwhile.
      if (core.x[`mmap_${kind}_cancel`](mm, ticket) !== 0) core.x[`mmap_${kind}_unlock`](mm);
      if (shared) Atomics.notify(i32, word / 4);
      throw over.reason;
    }
    if (mayWait) {
      const { value } = waitAsync.call(Atomics, i32, word / 4, expected | 0);
      await patience.until(Promise.resolve(value), Abi.LOOK_MS);
    } else {
      await patience.until(null, poll);
    }
    if (performance.now() - looked >= Abi.LOOK_MS) {
      looked = performance.now();
      core.x.worker_look();
    }
    // First: who aborted waits for no guard, so one granted just now would be lost.
    if (patience.signal?.aborted) continue;
    if (checked(core.x[`mmap_${kind}_queued`](mm, ticket), call) !== 0) return grant();
    place = u32.slice(0, 2);
  }
}
