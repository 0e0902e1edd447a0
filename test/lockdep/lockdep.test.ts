// lockdep: a deadlock to come is an error that names both places, in the verify build.

import { expect, test } from "vitest";
import { Engine, type MmWithUser, MmWithUser as User } from "../../src/index.js";
import { LockdepError, watchLocks } from "../../src/testing.js";
import { attachSeat, BASE, draw, freshEngine, PAGE } from "../support/engine.js";

async function watched() {
  const engine = await freshEngine();
  const watch = watchLocks(engine);
  const mm = engine.createMm();
  draw(mm, "WR");
  return { engine, watch, mm };
}

// Named, so that they can be looked for in a stack.
const takesReadLock = (mm: MmWithUser) => mm.mmapReadLock();
const takesWriteLock = (mm: MmWithUser) => mm.mmapWriteLock();
const triesReadLock = (mm: MmWithUser) => mm.mmapReadTrylock();
const triesWriteLock = (mm: MmWithUser) => mm.mmapWriteTrylock();
const takesVmaLock = (mm: MmWithUser) => mm.lockVmaUnderRcu(BASE);
const unmaps = (mm: MmWithUser) => mm.munmap(BASE, PAGE);
const forks = (mm: MmWithUser) => mm.fork();
const faults = (mm: MmWithUser) => mm.handleMmFault(BASE + 100 * PAGE, "read");

type Taker = (mm: MmWithUser) => Disposable | null;
type Waiter = (mm: MmWithUser) => unknown;

/** The error of a call; fails if there is none. */
function complaint(call: () => unknown): LockdepError {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(LockdepError);
    return error as LockdepError;
  }
  throw new Error("no complaint");
}

test.each<[Taker, Waiter]>([
  [takesReadLock, takesReadLock],
  [takesReadLock, takesWriteLock], // an upgrade
  [takesReadLock, unmaps],
  [takesWriteLock, takesReadLock],
  [takesWriteLock, takesWriteLock],
  [takesWriteLock, forks],
  [triesReadLock, faults],
  [triesWriteLock, unmaps],
])("recursion: %o, then %o", async (takes, waits) => {
  const { watch, mm } = await watched();
  const before = mm.maps();
  const guard = takes(mm);
  const { message, stack } = complaint(() => waits(mm));
  expect(message).toMatch(/waits for mmap lock 0x[0-9a-f]+ while this worker holds mmap lock/);
  expect(message.split("held since")[1]).toContain(takes.name);
  expect(stack?.slice(message.length)).toContain(waits.name);
  guard?.[Symbol.dispose]();
  watch.assertNothingHeld();
  waits(mm);
  expect(mm.validate()).toEqual([]);
  expect(before).not.toBe("");
});

test.each([takesReadLock, takesWriteLock, unmaps, forks, faults])(
  "the mmap lock, of any space, while a VMA is held: %o",
  async (waits) => {
    const { engine, watch, mm } = await watched();
    using other = engine.createMm();
    draw(other, "W");
    const guard = takesVmaLock(mm);
    for (const space of [mm, other]) {
      const { message, stack } = complaint(() => waits(space));
      expect(message).toMatch(/while this worker holds the lock of VMA 0x/);
      expect(message.split("held since")[1]).toContain("takesVmaLock");
      expect(stack?.slice(message.length)).toContain(waits.name);
    }
    guard?.dispose();
    watch.assertNothingHeld();
  },
);

test("two spaces in two orders: the second worker is told of the first", async () => {
  const { engine, mm } = await watched();
  const other = engine.createMm();
  const second = await attachSeat(engine);
  watchLocks(second);
  const theirs = [mm, other].map((space) => User.fromRaw(second, space.asRaw()));
  {
    using _first = mm.mmapReadLock();
    using _then = other.mmapWriteLock();
  }
  using _other = takesWriteLock(theirs[1] as MmWithUser);
  const { message, stack } = complaint(() => takesReadLock(theirs[0] as MmWithUser));
  expect(message).toContain(`other way round in seat ${engine.slot}, in its call number`);
  expect(message.split("held since")[1]).toContain("takesWriteLock");
  expect(stack?.slice(message.length)).toContain("takesReadLock");
});

test("two spaces in two orders by one worker: three places", async () => {
  const { engine, mm } = await watched();
  const other = engine.createMm();
  const oneOrder = () => {
    using _first = takesReadLock(mm);
    using _then = takesReadLock(other);
  };
  oneOrder();
  oneOrder(); // again is no complaint
  using _other = takesReadLock(other);
  const { message } = complaint(() => takesWriteLock(mm));
  expect(message.split("other way round")[1]).toContain("oneOrder");
});

test("a new space in an old record has no history", async () => {
  const { engine, mm } = await watched();
  const old = engine.createMm();
  const at = old.asRaw();
  {
    using _first = takesReadLock(mm);
    using _then = takesReadLock(old);
  }
  old.dispose();
  const fresh = engine.createMm();
  expect(fresh.asRaw()).toBe(at);
  using _fresh = takesReadLock(fresh);
  takesReadLock(mm).dispose();
});

test("what never waits is never refused", async () => {
  const { engine, watch, mm } = await watched();
  const other = engine.createMm();
  const vma = takesVmaLock(mm);
  const guards = [triesReadLock(mm), triesReadLock(mm), triesWriteLock(other), takesVmaLock(mm)];
  expect(guards.every((guard) => guard !== null)).toBe(true);
  expect(mm.peek(BASE)?.start).toBe(BASE);
  for (const guard of [vma, ...guards]) guard?.dispose();
  watch.assertNothingHeld();
});

test("asynchronous requests of other tasks are not this task's recursion", async () => {
  const { mm } = await watched();
  const guard = takesWriteLock(mm);
  const waiting = mm.mmapReadLockAsync();
  guard.dispose();
  (await waiting).dispose();
});

test("a lock kept, downgraded, by whoever goes is named", async () => {
  const { engine, watch, mm } = await watched();
  const { raw } = engine;
  const keepsLock = () => raw.mmapWriteLock(mm.asRaw());
  keepsLock();
  raw.mmapWriteDowngrade(mm.asRaw());
  const { message } = complaint(() => watch.assertNothingHeld());
  expect(message).toMatch(/^still held: mmap lock 0x/);
  expect(complaint(() => engine.dispose()).message).toContain("held since");
  raw.mmapReadUnlock(mm.asRaw());
  engine.dispose();
  expect(engine.disposed).toBe(true);
});

test("calls on integers are watched too", async () => {
  const { engine, mm } = await watched();
  const { raw } = engine;
  expect(raw.mmapReadLock(mm.asRaw())).toBe(0);
  expect(complaint(() => raw.munmap(mm.asRaw(), BASE, PAGE)).message).toContain("munmap waits");
  raw.mmapReadUnlock(mm.asRaw());
  expect(raw.munmap(mm.asRaw(), BASE, PAGE)).toBe(0);
});

test("the release build has nothing of it", async () => {
  using engine = await Engine.create({ memoryBytes: 2 ** 22, maxWorkers: 4 });
  expect(Object.keys(engine.raw.exports).filter((name) => name.includes("lockdep"))).toEqual([]);
  expect(() => watchLocks(engine)).toThrow(/verify build/);
});
