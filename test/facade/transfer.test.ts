// Handles, errors and guards between real workers, through comlink.

import { Worker } from "node:worker_threads";
import * as Comlink from "comlink";
import { afterEach, describe, expect, test } from "vitest";
import {
  expose,
  flightsInProgress,
  installTransferHandlers,
  move,
  setTransferLease,
  WorkerPool,
  wrap,
  wrapWorker,
} from "../../src/comlink.js";
import {
  Engine,
  type FileRef,
  type Mm,
  MmError,
  type MmWithUser,
  NotThreadSafeError,
} from "../../src/index.js";
import { BASE, draw, freshEngine, liveObjects, PAGE } from "../support/engine.js";

interface Api {
  slot(): number;
  use(mm: Mm): { kind: string; users: number; count: number };
  keep(mm: Mm): void;
  dropKept(): void;
  create(): MmWithUser;
  openFile(name: string): FileRef;
  mapFile(mm: MmWithUser, file: FileRef): number;
  fail(): void;
  returnError(): MmError;
  returnGuard(): unknown;
  holdWriteLock(ms: number): void;
  lockAsync(): string;
  exit(): void;
  forever(): void;
}

const WORKER = new URL("../support/pool-worker.mjs", import.meta.url);
const BROKEN = new URL("../support/broken-worker.mjs", import.meta.url);
const SILENT = new URL("../support/silent-worker.mjs", import.meta.url);

const pools: WorkerPool<Api>[] = [];
async function pool(engine: Engine, size = 1): Promise<WorkerPool<Api>> {
  const made = await WorkerPool.create<Api>({ engine, size, url: WORKER });
  pools.push(made);
  return made;
}

/** The API of one worker on `engine`. */
async function worker(engine: Engine): Promise<Comlink.Remote<Api>> {
  const { workers } = await pool(engine);
  return (workers[0] as (typeof workers)[0]).api;
}

/** comlink types arguments as what it can clone; our handlers carry handles. */
const sent = <T>(handle: T) => handle as never;

afterEach(async () => {
  setTransferLease(600_000);
  await Promise.all(pools.splice(0).map((p) => p.stop()));
});

const settled = async (condition: () => boolean) => {
  for (let i = 0; i < 200 && !condition(); i++)
    await new Promise((resolve) => setTimeout(resolve, 5));
  expect(condition()).toBe(true);
};

describe("the pool", () => {
  test("attaches each worker to its own seat and gives the seats back", async () => {
    const engine = await freshEngine({ maxWorkers: 3 });
    const two = await pool(engine, 2);
    expect((await two.run((api) => api.slot())).sort()).toEqual([1, 2]);
    expect(two.workers.map(({ slot }) => slot).sort()).toEqual([1, 2]);
    await two.stop();
    await two.stop();
    expect(engine.stats().workers).toHaveLength(1);
  });

  test("more workers than seats is EAGAIN, and the others are stopped", async () => {
    const engine = await freshEngine({ maxWorkers: 2 });
    await expect(pool(engine, 3)).rejects.toMatchObject({ code: "EAGAIN" });
    await settled(() => engine.stats().workers.length === 1);
  });

  test("a worker that fails to load rejects with its cause", async () => {
    const engine = await freshEngine();
    const broken = WorkerPool.create({ engine, size: 1, url: BROKEN });
    await expect(broken).rejects.toThrow("this worker is broken");
  });

  test("a worker that never calls exposeWorker rejects in time", async () => {
    const engine = await freshEngine();
    const silent = WorkerPool.create({ engine, size: 1, url: SILENT, startTimeoutMs: 200 });
    await expect(silent).rejects.toThrow(/did not call exposeWorker within 200 ms/);
  });

  test("calls under way reject when the worker dies", async () => {
    const engine = await freshEngine();
    const api = await worker(engine);
    const results = await Promise.allSettled([api.forever(), api.exit()]);
    for (const { reason } of results as PromiseRejectedResult[]) {
      expect(reason.message).toMatch(/exited with code 3/);
    }
    await expect(api.slot()).rejects.toThrow(/exited with code 3/);
  });

  test("wrapWorker takes a Worker of the caller", async () => {
    const engine = await freshEngine();
    const one = await wrapWorker<Api>(new Worker(WORKER), engine);
    expect(await one.api.slot()).toBe(one.slot);
    await one.stop();
    await expect(wrapWorker({}, engine)).rejects.toThrow(TypeError);
  });

  test("refuses an engine that is not shared, and a size of 0", async () => {
    const engine = await freshEngine({ shared: false });
    await expect(pool(engine)).rejects.toThrow(TypeError);
    await expect(pool(await freshEngine(), 0)).rejects.toThrow(RangeError);
  });
});

describe("handles", () => {
  test.each([
    ["Mm", (mm: MmWithUser) => mm.mmgrab(), { users: 1, count: 3 }],
    ["MmWithUser", (mm: MmWithUser) => mm.clone(), { users: 3, count: 1 }],
    ["MmWithUserAsync", (mm: MmWithUser) => mm.clone().intoMmputAsync(), { users: 3, count: 1 }],
  ])(
    "%s: the receiver has a count of its own, for as long as it keeps it",
    async (kind, make, counts) => {
      const engine = await freshEngine();
      const api = await worker(engine);
      using mm = engine.createMm();
      using handle = make(mm);
      expect(await api.use(sent(handle))).toEqual({ kind, ...counts });
      handle.dispose();
      expect([mm.mmUsers, mm.mmCount]).toEqual([1, 1]);
      expect(flightsInProgress()).toBe(0);
    },
  );

  test("a kept handle keeps the space", async () => {
    const engine = await freshEngine();
    const api = await worker(engine);
    const mm = engine.createMm();
    draw(mm, "WW");
    using struct = mm.mmgrab();
    await api.keep(sent(mm));
    mm.dispose();
    expect(struct.mmUsers).toBe(1);
    expect(engine.stats().memory.kinds.flight.live).toBe(0); // the answer has ended it
    await api.dropKept();
    expect(struct.mmUsers).toBe(0);
    expect(engine.stats().memory.kinds.vma.live).toBe(0);
  });

  test("what an answer brings needs no memory for long", async () => {
    const engine = await freshEngine();
    const mm = engine.createMm();
    const { port1, port2 } = new MessageChannel();
    await expose({ give: () => move(mm) }, port2);
    const given = (await wrap<{ give(): Mm }>(port1).give()) as unknown as Mm;
    expect(given.mmUsers).toBe(1);
    expect(flightsInProgress()).toBe(0);
    expect(engine.stats().memory.kinds.flight.live).toBe(0);
    given.dispose();
    expect(liveObjects(engine)).toBe(0);
    port1.close();
  });

  test("move: the sender's handle is dead, the count travels", async () => {
    const engine = await freshEngine();
    const api = await worker(engine);
    const mm = engine.createMm();
    using struct = mm.mmgrab();
    await api.keep(sent(move(mm)));
    expect(mm.disposed).toBe(true);
    expect(struct.mmUsers).toBe(1);
    await api.dropKept();
    expect(struct.mmUsers).toBe(0);
  });

  test("come back from a worker", async () => {
    const engine = await freshEngine();
    const api = await worker(engine);
    using mm = (await api.create()) as unknown as MmWithUser;
    expect(mm.mmUsers).toBe(1);
    draw(mm, "W");
    using file = (await api.openFile("/from/worker")) as unknown as FileRef;
    expect(file.name).toBe("/from/worker");
    const at = await api.mapFile(sent(mm), sent(file));
    expect(mm.peek(at)?.file).toBe(file.asRaw());
    expect(mm.mmUsers).toBe(1);
  });

  test("a disposed handle cannot be sent", async () => {
    const engine = await freshEngine();
    const api = await worker(engine);
    const mm = engine.createMm();
    mm.dispose();
    expect(() => api.use(sent(mm))).toThrow(/used after dispose/);
  });
});

describe("nothing leaks if the message never arrives", () => {
  test("the worker is gone", async () => {
    const engine = await freshEngine();
    const api = await worker(engine);
    using mm = engine.createMm();
    await expect(api.exit()).rejects.toThrow();
    await expect(api.use(sent(mm))).rejects.toThrow(/exited/);
    expect(mm.mmUsers).toBe(1);
  });

  test("the worker dies with the message unread", async () => {
    const engine = await freshEngine();
    const api = await worker(engine);
    using mm = engine.createMm();
    const results = await Promise.allSettled([api.exit(), api.keep(sent(mm))]);
    expect(results.map((r) => r.status)).toEqual(["rejected", "rejected"]);
    expect(mm.mmUsers).toBe(1);
  });

  test("the port is closed", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    const { port1, port2 } = new MessageChannel();
    const remote = wrap<{ take(mm: Mm): void }>(port1);
    const lost = remote.take(sent(mm)) as unknown as Promise<void>;
    expect(mm.mmUsers).toBe(2);
    port2.close();
    await expect(lost).rejects.toThrow(/gone/);
    expect(mm.mmUsers).toBe(1);
  });

  test("another argument cannot be cloned", async () => {
    const engine = await freshEngine();
    const api = (await worker(engine)) as unknown as { use(...args: unknown[]): Promise<unknown> };
    using mm = engine.createMm();
    await expect(api.use(mm, () => {})).rejects.toThrow(/could not be cloned/);
    expect(mm.mmUsers).toBe(1);
  });

  test("the lease ends", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    setTransferLease(0);
    const { port1, port2 } = new MessageChannel();
    const remote = wrap<{ take(mm: Mm): void }>(port1);
    const late = remote.take(sent(mm));
    expect(mm.mmUsers).toBe(2);
    expect(flightsInProgress()).toBe(0);
    expect(mm.mmUsers).toBe(1);
    await expose({ take() {} }, port2);
    await expect(late).rejects.toThrow(/expired in flight/);
    expect(mm.mmUsers).toBe(1);
    port1.close();
  });

  test("the engine is disposed", async () => {
    const engine = await freshEngine();
    const second = await Engine.attach(engine.share());
    const mm = second.createMm();
    const raw = mm.asRaw();
    const { port1, port2 } = new MessageChannel();
    const lost = wrap<{ take(mm: Mm): void }>(port1).take(sent(mm));
    mm.dispose();
    expect(engine.raw.mmUsers(raw)).toBe(1);
    second.dispose();
    expect(liveObjects(engine)).toBe(0);
    port2.close();
    await expect(lost).rejects.toThrow(/gone/);
  });

  test("no engine of that arena is attached there", async () => {
    const engine = await freshEngine();
    const other = await freshEngine();
    const api = await worker(engine);
    using foreign = other.createMm();
    await expect(api.use(sent(foreign))).rejects.toThrow(/foreign arena/);
    await expect(api.use(sent(foreign))).rejects.toThrow(TypeError);
    expect(await api.slot()).toBeGreaterThan(0); // the worker has survived it
  });
});

describe("errors", () => {
  test("an MmError keeps its class and fields", async () => {
    const engine = await freshEngine();
    const api = await worker(engine);
    using mm = engine.createMm();
    await api.keep(sent(mm));
    const error = await Promise.resolve(api.fail()).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(MmError);
    expect(error).toMatchObject({
      name: "MmError",
      code: "EINVAL",
      errno: 22,
      syscall: "munmap",
      args: { address: 1, length: PAGE },
    });
    expect((error as MmError).stack).toContain("pool-worker.mjs");
    await api.dropKept();
  });

  test("a TypeError stays one", async () => {
    const engine = await freshEngine();
    const api = await worker(engine);
    await expect(api.fail()).rejects.toThrow(TypeError);
  });

  test("an MmError travels as a value, too", async () => {
    const engine = await freshEngine();
    const api = await worker(engine);
    expect(await api.returnError()).toBeInstanceOf(MmError);
  });
});

describe("guards", () => {
  test("cannot be sent", async () => {
    const engine = await freshEngine();
    const api = await worker(engine);
    using mm = engine.createMm();
    draw(mm, "W");
    {
      using vma = mm.lockVmaUnderRcu(BASE);
      expect(() => api.use(sent(vma))).toThrow(NotThreadSafeError);
    }
    using guard = mm.mmapReadLock();
    expect(() => api.use(sent(guard))).toThrow(NotThreadSafeError);
    expect(() => api.use(sent(guard.vmaLookup(BASE)))).toThrow(NotThreadSafeError);
    expect(() => api.use(sent(engine))).toThrow(/engine.share/);
  });

  test("cannot be returned", async () => {
    const engine = await freshEngine();
    const api = await worker(engine);
    using mm = engine.createMm();
    await api.keep(sent(mm));
    await expect(api.returnGuard()).rejects.toThrow(TypeError);
    await api.dropKept();
  });
});

describe("locks between workers", () => {
  test("the main thread waits without blocking", async () => {
    const engine = await freshEngine();
    const api = await worker(engine);
    using mm = engine.createMm();
    await api.keep(sent(mm));
    const held = api.holdWriteLock(100);
    await settled(() => {
      using lock = mm.mmapReadTrylock();
      return lock === null;
    });
    let turns = 0;
    const ticker = setInterval(() => turns++, 1);
    (await mm.mmapReadLockAsync()).dispose();
    clearInterval(ticker);
    expect(turns).toBeGreaterThan(5);
    await held;
    await api.dropKept();
  });

  test("a worker waits for the main thread", async () => {
    const engine = await freshEngine();
    const api = await worker(engine);
    using mm = engine.createMm();
    await api.keep(sent(mm));
    const guard = mm.mmapWriteLock();
    const waiting = api.lockAsync();
    await new Promise((resolve) => setTimeout(resolve, 20));
    guard.dispose();
    expect(await waiting).toBe("held");
    await api.dropKept();
  });
});

describe("comlink's own functions", () => {
  test("work with installTransferHandlers, in one thread and without shared memory", async () => {
    installTransferHandlers();
    installTransferHandlers();
    const engine = await freshEngine({ shared: false });
    using mm = engine.createMm();
    const { port1, port2 } = new MessageChannel();
    Comlink.expose(
      {
        count(received: MmWithUser) {
          using it = received;
          return it.mmUsers;
        },
      },
      port2,
    );
    const remote = Comlink.wrap<{ count(mm: Mm): number }>(port1);
    expect(await remote.count(sent(mm))).toBe(2);
    expect(mm.mmUsers).toBe(1);
    port1.close();
  });

  test("released proxies close their port", async () => {
    const { port1, port2 } = new MessageChannel();
    await expose({ one: () => 1 }, port2);
    const remote = wrap<{ one(): number }>(port1);
    expect(await remote.one()).toBe(1);
    const closed = new Promise((resolve) => port2.addEventListener("close", resolve));
    (remote as unknown as Record<symbol, () => void>)[Comlink.releaseProxy]?.();
    await closed;
  });
});
