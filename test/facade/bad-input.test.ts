// Bad input that is no attack: messages of another shape, seats and slots that run out, guards
// and handles after their time, a seat that changes hands.

import { EventEmitter, once } from "node:events";
import { MessageChannel, Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import {
  type PoolWorker,
  WorkerPool,
  type WrapOptions,
  wrap,
  wrapWorker,
} from "../../src/comlink.js";
import { type Engine, type EngineShare, MmError } from "../../src/index.js";
import { attachSeat, BASE, draw, freshEngine, liveObjects, PAGE } from "../support/engine.js";

const POOL_WORKER = new URL("../support/pool-worker.mjs", import.meta.url);
const stopped: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const stop of stopped.splice(0)) await stop();
});

/** A worker thread of which the test says what it posts and when it ends. */
class FakeWorker extends EventEmitter {
  readonly threadId = 1;
  readonly posted: unknown[] = [];

  postMessage(message: unknown): void {
    this.posted.push(message);
  }

  async terminate(): Promise<void> {}

  /** Says these once the pool has told it to start. */
  static reporting(...reports: unknown[]): FakeWorker {
    const worker = new FakeWorker();
    setTimeout(() => {
      for (const report of reports) worker.emit("message", report);
    });
    return worker;
  }

  /** Says these, and then that it sits in the seat that is reserved for it. */
  static ready(...reports: unknown[]): FakeWorker {
    const worker = FakeWorker.reporting(...reports);
    setTimeout(() => {
      const { share } = worker.posted[0] as { share: Required<EngineShare> };
      worker.emit("message", { vmaple: "ready", slot: share.seat.slot });
    });
    return worker;
  }
}

describe("messages of another shape", () => {
  test.each([null, undefined, 7, "ready", [], {}, { vmaple: "other" }])(
    "the owner passes over %o and takes the report that follows",
    async (junk) => {
      const engine = await freshEngine();
      const worker = await wrapWorker(FakeWorker.ready(junk), engine);
      expect(worker.slot).toBe(1);
    },
  );

  test.each([
    { vmaple: "ready" },
    { vmaple: "ready", slot: "1" },
    { vmaple: "ready", slot: 1.5 },
    { vmaple: "ready", slot: 2 },
    { vmaple: "failed" },
    { vmaple: "failed", error: "text" },
  ])("the owner refuses the report %o", async (report) => {
    const engine = await freshEngine();
    await expect(wrapWorker(FakeWorker.reporting(report), engine)).rejects.toThrow(TypeError);
  });

  test.each([
    null,
    "start",
    { vmaple: "start" },
    { vmaple: "start", share: { kind: "vmaple.engine" } },
    { vmaple: "start", share: null, port: null },
  ])("a worker that is told %o goes on, or says what is wrong", async (order) => {
    const engine = await freshEngine();
    const worker = new Worker(POOL_WORKER);
    stopped.push(() => worker.terminate());
    worker.postMessage(order);
    if (order === null || typeof order === "string") {
      const pooled = await wrapWorker<{ slot(): number }>(worker, engine);
      expect(await pooled.api.slot()).toBe(pooled.slot);
      return;
    }
    const [report] = await once(worker, "message");
    expect(report).toMatchObject({ vmaple: "failed", error: { name: "throw" } });
    expect(engine.stats().workers).toHaveLength(1);
  });

  test("a worker takes one engine", async () => {
    const engine = await freshEngine();
    const worker = new Worker(POOL_WORKER);
    const first = await wrapWorker<{ slot(): number }>(worker, engine);
    stopped.push(() => first.stop());
    worker.postMessage({ vmaple: "start", share: engine.share(), port: null });
    const [report] = await once(worker, "message");
    expect(JSON.stringify(report)).toContain("has an engine already");
    expect(await first.api.slot()).toBe(first.slot);
    expect(engine.stats().workers).toHaveLength(2);
  });

  test.each([
    null,
    "text",
    { pointer: 5 },
    { arena: 1, kind: "Mm", pointer: 4096, claim: null, token: 1 },
    { arena: "here", kind: "Engine", pointer: 4096, claim: null, token: 1 },
    { arena: "here", kind: "Mm", pointer: 1.5, claim: null, token: 1 },
    { arena: "here", kind: "Mm", pointer: 4096, claim: "none", token: 1 },
    { arena: "here", kind: "Mm", pointer: 4096, claim: null, token: 1 },
  ])("a handle of the shape %o becomes no handle", async (shape) => {
    const engine = await freshEngine();
    const { arena } = engine.share();
    const value = shape !== null && typeof shape === "object" && "arena" in shape;
    const wire = value && shape.arena === "here" ? { ...shape, arena } : shape;
    const { port1, port2 } = new MessageChannel();
    stopped.push(async () => port1.close());
    const api = wrap<{ get(): unknown }>(port1);
    port2.on("message", ({ id }: { id: string }) => {
      port2.postMessage({ id, type: "HANDLER", name: "vmaple.handle", value: wire });
    });
    const before = liveObjects(engine);
    await expect(api.get()).rejects.toThrow(TypeError);
    expect(liveObjects(engine)).toBe(before);
  });
});

describe("what a seat has room for", () => {
  test("the ninth VMA guard is null, the ninth read lock EAGAIN, and nothing is lost", async () => {
    const engine = await freshEngine();
    const mm = engine.createMm();
    draw(mm, "WRWRWRWRWR");
    const guards = Array.from({ length: 8 }, (_, i) => mm.lockVmaUnderRcu(BASE + i * PAGE));
    expect(guards.every((guard) => guard !== null)).toBe(true);
    expect(mm.lockVmaUnderRcu(BASE + 8 * PAGE)).toBeNull();
    for (const guard of guards) guard?.dispose();
    mm.lockVmaUnderRcu(BASE + 8 * PAGE)?.dispose();

    const spaces = Array.from({ length: 9 }, () => engine.createMm());
    const reads = spaces.slice(0, 8).map((space) => space.mmapReadLock());
    const ninth = spaces[8];
    expect(() => ninth?.mmapReadLock()).toThrow(/EAGAIN/);
    await expect(ninth?.mmapReadLockAsync()).rejects.toThrow(/EAGAIN/);
    expect(ninth?.mmapReadTrylock()).toBeNull();
    const write = ninth?.mmapWriteTrylock();
    expect(() => write?.downgrade()).toThrow(/EAGAIN/);
    write?.munmap(BASE, PAGE); // it is a write guard still
    write?.dispose();
    reads.pop()?.dispose();
    ninth?.mmapReadLock().dispose();
    for (const read of reads) read.dispose();
  });

  test("an engine with one seat refuses every worker and works itself", async () => {
    const engine = await freshEngine({ maxWorkers: 1 });
    const failed = WorkerPool.create({ engine, size: 1, url: POOL_WORKER });
    await expect(failed).rejects.toMatchObject({ code: "EAGAIN", syscall: "attach" });
    const mm = engine.createMm();
    draw(mm, "W");
    expect(mm.vmas()).toHaveLength(1);
  });
});

describe("guards after their time", () => {
  test("a second release does nothing to a lock taken meanwhile", async () => {
    const engine = await freshEngine();
    const mm = engine.createMm();
    draw(mm, "W");
    const read = mm.mmapReadLock();
    read.dispose();
    const write = mm.mmapWriteLock();
    read.dispose();
    write.munmap(BASE, PAGE);
    write.dispose();
    draw(mm, "W");
    const vma = mm.lockVmaUnderRcu(BASE);
    vma?.dispose();
    const again = mm.lockVmaUnderRcu(BASE);
    vma?.dispose();
    expect(again?.start).toBe(BASE);
    again?.dispose();
    write.dispose();
    expect(mm.mmapWriteTrylock()).not.toBeNull();
  });

  test("a lock of one seat is not released through another", async () => {
    const engine = await freshEngine();
    const other = await attachSeat(engine);
    const mm = engine.createMm();
    draw(mm, "W");
    using guard = mm.mmapReadLock();
    other.raw.mmapReadUnlock(mm.asRaw());
    expect(other.raw.mmapWriteTrylock(mm.asRaw())).toBe(0);
    expect(guard.vmaLookup(BASE)?.start).toBe(BASE);
  });
});

describe("a seat that changes hands", () => {
  /** A pool worker in a seat of its own, whose end the test announces. */
  async function member(
    engine: Engine,
    options: WrapOptions = {},
  ): Promise<{ worker: FakeWorker; pooled: PoolWorker<object>; slot: number }> {
    const worker = FakeWorker.ready();
    const pooled = await wrapWorker(worker, engine, options);
    return { worker, pooled, slot: pooled.slot };
  }

  test("the exit of a worker reaps its seat", async () => {
    const engine = await freshEngine();
    const { worker, slot } = await member(engine);
    worker.emit("exit", 1);
    expect(engine.stats().workers.map((taken) => taken.slot)).not.toContain(slot);
  });

  test("a late exit does not reap who sits there now", async () => {
    const engine = await freshEngine();
    const mm = engine.createMm();
    draw(mm, "W");
    const { worker, slot } = await member(engine);
    engine.reap(slot);
    const next = await attachSeat(engine);
    expect(next.slot).toBe(slot);
    expect(next.stats().workers.find((taken) => taken.slot === slot)?.mmapLockRead).toBe(0);
    expect(next.raw.mmapReadLock(mm.asRaw())).toBe(0);
    worker.emit("exit", 1);
    expect(mm.mmapWriteTrylock()).toBeNull();
    next.raw.mmapReadUnlock(mm.asRaw());
    expect(() => engine.reap(slot)).not.toThrow(); // it was taken all the time
    expect(() => engine.reap(slot)).toThrow(TypeError);
  });

  test("an error alone does not: in Node the exit follows it", async () => {
    const engine = await freshEngine();
    const { worker, slot } = await member(engine);
    worker.emit("error", new MmError(12, "mmap"));
    expect(engine.stats().workers.map((taken) => taken.slot)).toContain(slot);
    worker.emit("exit", 1);
    expect(engine.stats().workers.map((taken) => taken.slot)).not.toContain(slot);
  });
});
