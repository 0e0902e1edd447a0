// sync/futex.ts: the only wait of the core. Every sleep has its waker, also on real threads.

import { expect, test } from "vitest";
import { WouldBlockError } from "../../../../src/index.js";
import { BASE, draw, freshEngine, PAGE } from "../../../support/engine.js";
import { settled, Thread } from "../thread.js";

test("a wait for a word that has changed already returns at once", async () => {
  const engine = await freshEngine();
  using mm = engine.createMm();
  await using thread = await Thread.start(engine);
  // Taken and let go before the thread comes: it never sleeps.
  mm.mmapWriteLock().dispose();
  expect(await thread.run(["mmap_write_lock", mm.asRaw()], ["mmap_write_unlock", mm.asRaw()])).toBe(
    undefined,
  );
});

test("all sleepers are woken: three readers behind one writer", async () => {
  const engine = await freshEngine();
  using mm = engine.createMm();
  const threads = await Promise.all([1, 2, 3].map(() => Thread.start(engine)));
  try {
    const guard = mm.mmapWriteLock();
    const blocked = threads.map((thread) => thread.run(["mmap_read_lock", mm.asRaw()]));
    expect(await Promise.all(blocked.map((one) => settled(one, 10)))).toEqual([
      false,
      false,
      false,
    ]);
    guard.dispose();
    expect(await Promise.all(blocked)).toEqual([0, 0, 0]);
    await Promise.all(threads.map((thread) => thread.run(["mmap_read_unlock", mm.asRaw()])));
  } finally {
    await Promise.all(threads.map((thread) => thread[Symbol.asyncDispose]()));
  }
});

test("a writer that waits for one VMA's reader is woken by that reader", async () => {
  const engine = await freshEngine();
  using mm = engine.createMm();
  draw(mm, "WR");
  await using thread = await Thread.start(engine);
  const guard = mm.lockVmaUnderRcu(BASE);
  const blocked = thread.run(["munmap", mm.asRaw(), BASE, PAGE]);
  expect(await settled(blocked)).toBe(false);
  guard?.dispose();
  expect(await blocked).toBe(0);
  expect(mm.vmas()).toMatchObject([{ start: BASE + PAGE }]);
});

test("a thread that must not block never sleeps: it is told so", async () => {
  const engine = await freshEngine({ shared: false }); // one thread: nobody could wake it
  using mm = engine.createMm();
  draw(mm, "W");
  const { raw } = engine;
  expect(raw.mmapReadTrylock(mm.asRaw())).toBe(1);
  expect(raw.mmapWriteLock(mm.asRaw())).toBe(-512);
  expect(() => mm.munmap(BASE, PAGE)).toThrow(WouldBlockError);
  raw.mmapReadUnlock(mm.asRaw());
  expect(mm.vmas()).toHaveLength(1);
});
