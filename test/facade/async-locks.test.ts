// Waiting for the mmap lock without blocking: waitAsync, polling, abort, timeout.
//
// Two seats in one thread stand for two workers: what one holds the other waits for.

import { afterEach, describe, expect, test, vi } from "vitest";
import { Abi, MmFlag } from "../../assembly/shared/abi.js";
import { type Engine, MmWithUser, WouldBlockError } from "../../src/index.js";
import { diesAfter } from "../support/dying.js";
import { attachSeat, BASE, draw, freshEngine, PAGE } from "../support/engine.js";

interface Pair {
  readonly engine: Engine;
  /** Handles of the two seats for one space. */
  readonly mine: MmWithUser;
  readonly theirs: MmWithUser;
}

async function pair(): Promise<Pair> {
  const engine = await freshEngine();
  const other = await attachSeat(engine);
  const mine = engine.createMm();
  draw(mine, "W");
  return { engine, mine, theirs: MmWithUser.fromRaw(other, mine.asRaw()) };
}

const soon = (ms = 20) => new Promise<"late">((resolve) => setTimeout(() => resolve("late"), ms));

/** True if the lock is free and nobody is queued. */
function isFree({ mine }: Pair): boolean {
  using lock = mine.mmapWriteTrylock();
  using read = lock === null ? null : lock.downgrade();
  return read !== null && mine.context.core.x.mmap_lock_is_contended(mine.asRaw()) === 0;
}

afterEach(() => vi.unstubAllGlobals());

describe.each(["Atomics.waitAsync", "polling"])("with %s", (how) => {
  const prepare = () => {
    if (how === "Atomics.waitAsync") return;
    const { waitAsync: _gone, ...rest } = Object.getOwnPropertyDescriptors(Atomics) as never as {
      waitAsync: PropertyDescriptor;
    };
    vi.stubGlobal("Atomics", Object.defineProperties({}, rest));
    expect("waitAsync" in Atomics).toBe(false);
  };

  test("a free lock is taken at once", async () => {
    const locks = await pair();
    prepare();
    const read = await locks.mine.mmapReadLockAsync();
    const second = await locks.theirs.mmapReadLockAsync();
    read.dispose();
    second.dispose();
    const write = await locks.mine.mmapWriteLockAsync();
    write.munmap(BASE, PAGE);
    write.dispose();
    expect(isFree(locks)).toBe(true);
  });

  test("readers wait for a writer, and come in together", async () => {
    const locks = await pair();
    prepare();
    const write = locks.theirs.mmapWriteLock();
    const first = locks.mine.mmapReadLockAsync();
    const second = locks.mine.mmapReadLockAsync();
    expect(await Promise.race([first, soon()])).toBe("late");
    write.dispose();
    const guards = await Promise.all([first, second]);
    expect(guards.map((guard) => guard.vmaLookup(BASE)?.start)).toEqual([BASE, BASE]);
    for (const guard of guards) guard.dispose();
    expect(isFree(locks)).toBe(true);
  });

  test.each(["mmap_write_lock", "mmap_read_lock"])(
    "who waits for a dead worker's %s reaps it",
    async (lock) => {
      const { engine, mine } = await pair();
      const seat = await diesAfter(engine, mine, `x.${lock}(mm);`);
      prepare();
      const { exports } = engine.raw;
      const waiting = mine.mmapWriteLockAsync();
      expect(await Promise.race([waiting, soon(3 * Abi.LOOK_MS)])).toBe("late");
      exports.worker_mark_dead(seat, exports.worker_generation(seat));
      (await waiting).dispose();
      expect(exports.worker_seat_taken(seat)).toBe(0);
    },
  );

  test("a writer waits for readers, and new readers for the writer", async () => {
    const locks = await pair();
    prepare();
    const read = locks.theirs.mmapReadLock();
    const write = locks.mine.mmapWriteLockAsync();
    expect(await Promise.race([write, soon()])).toBe("late");
    expect(locks.theirs.mmapReadTrylock()).toBeNull();
    const late = locks.theirs.mmapReadLockAsync();
    read.dispose();
    const guard = await write;
    expect(await Promise.race([late, soon()])).toBe("late");
    guard.dispose();
    (await late).dispose();
    expect(isFree(locks)).toBe(true);
  });

  test.each(["mmapReadLockAsync", "mmapWriteLockAsync"] as const)(
    "%s: a space that died meanwhile is EOWNERDEAD, and nothing is held",
    async (take) => {
      const locks = await pair();
      prepare();
      const write = locks.theirs.mmapWriteLock();
      const waiting = locks.mine[take]();
      const { x } = locks.mine.context.core;
      x.mm_flags_set(locks.mine.asRaw(), MmFlag.DEAD);
      write.dispose();
      await expect(waiting).rejects.toMatchObject({ code: "EOWNERDEAD", syscall: take });
      await expect(locks.mine[take]()).rejects.toMatchObject({ code: "EOWNERDEAD" });
      x.mm_flags_set(locks.mine.asRaw(), 0);
      expect(isFree(locks)).toBe(true);
    },
  );

  test("two tasks of one worker take turns", async () => {
    const locks = await pair();
    prepare();
    const order: number[] = [];
    const task = async (id: number) => {
      const guard = await locks.mine.mmapWriteLockAsync();
      order.push(id);
      await soon(2);
      order.push(id);
      guard.dispose();
    };
    await Promise.all([task(1), task(2), task(3)]);
    expect(order[0]).toBe(order[1]);
    expect(order[2]).toBe(order[3]);
    expect(isFree(locks)).toBe(true);
  });

  test.each(["mmapReadLockAsync", "mmapWriteLockAsync"] as const)(
    "%s: abort rejects with the reason and leaves the queue",
    async (take) => {
      const locks = await pair();
      prepare();
      const write = locks.theirs.mmapWriteLock();
      const controller = new AbortController();
      const waiting = locks.mine[take]({ signal: controller.signal });
      await soon();
      controller.abort(new Error("enough"));
      await expect(waiting).rejects.toThrow("enough");
      write.dispose();
      expect(isFree(locks)).toBe(true);
      const aborted = locks.mine[take]({ signal: AbortSignal.abort(new Error("before")) });
      await expect(aborted).rejects.toThrow("before");
    },
  );

  test.each(["mmapReadLockAsync", "mmapWriteLockAsync"] as const)(
    "%s: timeout is ETIMEDOUT and leaves the queue",
    async (take) => {
      const locks = await pair();
      prepare();
      const write = locks.theirs.mmapWriteLock();
      for (const timeoutMs of [0, 15]) {
        await expect(locks.mine[take]({ timeoutMs })).rejects.toMatchObject({
          code: "ETIMEDOUT",
          errno: 110,
          syscall: take,
        });
      }
      write.dispose();
      (await locks.mine[take]({ timeoutMs: 0 })).dispose();
      expect(isFree(locks)).toBe(true);
    },
  );

  // A timer of 2^31 ms and more fires at once.
  test.each([2 ** 31, Number.POSITIVE_INFINITY])(
    "who would wait %d ms is not late: behind another worker, and behind this one's task",
    async (timeoutMs) => {
      const locks = await pair();
      prepare();
      const theirs = locks.theirs.mmapWriteLock();
      const first = locks.mine.mmapWriteLockAsync({ timeoutMs });
      const second = locks.mine.mmapWriteLockAsync({ timeoutMs });
      expect(await Promise.race([first, second, soon()])).toBe("late");
      theirs.dispose();
      (await first).dispose();
      (await second).dispose();
      expect(isFree(locks)).toBe(true);
    },
  );

  test("the message of a timeout has the time that was given, behind this worker's task too", async () => {
    const locks = await pair();
    prepare();
    const first = locks.mine.mmapWriteLock();
    await expect(locks.mine.mmapWriteLockAsync({ timeoutMs: 15 })).rejects.toThrow(
      /^ETIMEDOUT: mmapWriteLockAsync\(timeoutMs=15 ms\): /,
    );
    first.dispose();
    expect(isFree(locks)).toBe(true);
  });

  test("a try between a release and the next task's turn does not make two writers", async () => {
    const locks = await pair();
    prepare();
    const first = locks.mine.mmapWriteLock();
    const waiting = locks.mine.mmapWriteLockAsync();
    first.dispose();
    const between = locks.mine.mmapWriteTrylock();
    const also = locks.mine.mmapWriteLockAsync();
    let held = between === null ? 0 : 1;
    const count = async (promise: typeof waiting) => {
      const guard = await promise;
      expect(++held).toBe(1);
      await soon(2);
      held--;
      guard.dispose();
    };
    const rest = Promise.all([count(waiting), count(also)]);
    await soon(2);
    if (between !== null) {
      held--;
      between.dispose();
    }
    await rest;
    expect(isFree(locks)).toBe(true);
  });

  test("a writer that gives up lets the readers behind it in", async () => {
    const locks = await pair();
    prepare();
    const read = locks.theirs.mmapReadLock();
    const controller = new AbortController();
    const write = locks.mine.mmapWriteLockAsync({ signal: controller.signal });
    const behind = locks.theirs.mmapReadLockAsync();
    expect(await Promise.race([behind, soon()])).toBe("late");
    controller.abort();
    await expect(write).rejects.toThrow();
    (await behind).dispose();
    read.dispose();
    expect(isFree(locks)).toBe(true);
  });

  test("the wake-up of a writer that gave up goes to the next", async () => {
    const locks = await pair();
    prepare();
    const read = locks.theirs.mmapReadLock();
    const controller = new AbortController();
    const first = locks.mine.mmapWriteLockAsync({ signal: controller.signal });
    const second = locks.mine.mmapWriteLockAsync();
    await soon(2);
    controller.abort();
    read.dispose();
    await expect(first).rejects.toThrow();
    (await second).dispose();
    expect(isFree(locks)).toBe(true);
  });
});

describe("in one thread without shared memory", () => {
  test("async locks work", async () => {
    const engine = await freshEngine({ shared: false });
    using mm = engine.createMm();
    const write = mm.mmapWriteLock();
    const waiting = mm.mmapReadLockAsync();
    expect(await Promise.race([waiting, soon()])).toBe("late");
    write.dispose();
    (await waiting).dispose();
  });
});

describe("while a request is pending", () => {
  test("the handle cannot be disposed, nor the engine", async () => {
    const { engine, mine, theirs } = await pair();
    const write = theirs.mmapWriteLock();
    const waiting = mine.mmapReadLockAsync();
    expect(() => mine.dispose()).toThrow(/guards are held/);
    expect(() => engine.dispose()).toThrow(/held or pending/);
    write.dispose();
    (await waiting).dispose();
  });

  test("blocking calls of this worker throw WouldBlockError: the queue ahead is its own", async () => {
    const { mine, theirs } = await pair();
    const read = theirs.mmapReadLock();
    const waiting = mine.mmapWriteLockAsync();
    expect(() => mine.mmapReadLock()).toThrow(WouldBlockError);
    expect(() => mine.munmap(BASE, PAGE)).toThrow(WouldBlockError);
    read.dispose();
    (await waiting).dispose();
    mine.munmap(BASE, PAGE);
  });

  test("a thread that must not block gets WouldBlockError, and nothing is changed", async () => {
    const engine = await freshEngine();
    vi.stubGlobal("SharedArrayBuffer", undefined);
    const other = await attachSeat(engine).finally(() => vi.unstubAllGlobals());
    using mm = engine.createMm();
    draw(mm, "W");
    const theirs = MmWithUser.fromRaw(other, mm.asRaw());
    {
      using _write = mm.mmapWriteLock();
      expect(() => theirs.mmapReadLock()).toThrow(WouldBlockError);
      expect(() => theirs.mmapWriteLock()).toThrow(WouldBlockError);
      expect(() => theirs.munmap(BASE, PAGE)).toThrow(WouldBlockError);
      expect(() => theirs.maps()).toThrow(WouldBlockError);
      expect(() => theirs.handleMmFault(BASE, "write")).toThrow(WouldBlockError);
      expect(() => theirs.fork()).toThrow(WouldBlockError);
    }
    expect(theirs.vmas()).toHaveLength(1);
    expect(mm.validate()).toEqual([]);
  });

  test.each([-1, Number.NaN])("timeoutMs %s is a RangeError", async (timeoutMs) => {
    const { mine } = await pair();
    await expect(mine.mmapReadLockAsync({ timeoutMs })).rejects.toThrow(RangeError);
  });
});
