// vmaple on a page's main thread: what the tests call through page.evaluate.

import { WouldBlockError } from "../../../src/index.js";
import { assertSound } from "../../../src/testing.js";
import { whyApart } from "../../../src/why.js";
import { Calls } from "./calls.js";
import { mapped, newEngine, startWorker } from "./crew.js";
import { killWorkers } from "./kill.js";
import { Lag, type LagReport } from "./lag.js";
import { BASE, FIXED_ANON, PAGE, PAGES, RW } from "./space.js";

const ANON = 0x22;

/** One worker changes, one looks, without a pause; meanwhile this thread calls everything. */
async function besideWorkers(ms: number): Promise<{
  calls: Record<string, number>;
  refused: number;
  workers: number[];
  lag: LagReport;
  longestCallMs: number;
}> {
  const engine = await newEngine();
  const mm = mapped(engine);
  const crew = await Promise.all([startWorker(engine).ready, startWorker(engine).ready]);
  const work = crew.map(({ api }, i) =>
    api.work(mm as never, i === 0 ? "change" : "look", i + 1, ms),
  );
  const lag = new Lag();
  const calls = new Calls(mm);
  const until = performance.now() + ms;
  do await calls.round();
  while (performance.now() < until);
  const report = lag.stop();
  const workers = await Promise.all(work);
  await Promise.all(crew.map((worker) => worker.stop()));
  assertSound(mm.validate());
  mm.dispose();
  engine.dispose();
  return {
    calls: calls.done,
    refused: calls.refused,
    workers,
    lag: report,
    longestCallMs: calls.longestMs,
  };
}

/** What a synchronous call answers; "done" if it does not throw. */
function outcome(call: () => unknown): string {
  try {
    call();
    return "done";
  } catch (error) {
    return error instanceof WouldBlockError ? `${error.name} ${error.code}` : String(error);
  }
}

/** Each synchronous call that takes the mmap lock, while a worker has it for writing. */
async function whileLocked(): Promise<{
  outcomes: Record<string, string>;
  same: boolean;
  after: string;
}> {
  const engine = await newEngine();
  const mm = mapped(engine);
  const before = mm.maps();
  const worker = await startWorker(engine).ready;
  await worker.api.holdWriteLock(mm as never);
  const nowhere = BASE - 16 * PAGE;
  const syncs: Record<string, () => unknown> = {
    mmapReadLock: () => mm.mmapReadLock(),
    mmapWriteLock: () => mm.mmapWriteLock(),
    mmap: () => mm.mmap({ length: PAGE, prot: RW, flags: ANON }),
    munmap: () => mm.munmap(BASE, PAGE),
    mprotect: () => mm.mprotect(BASE, PAGE, 1),
    mremap: () => mm.mremap({ address: BASE, oldLength: PAGE, newLength: 2 * PAGE, flags: 1 }),
    brk: () => mm.brk(BASE),
    madvise: () => mm.madvise(BASE, PAGE, 10),
    mlock: () => mm.mlock(BASE, PAGE),
    munlock: () => mm.munlock(BASE, PAGE),
    mlockall: () => mm.mlockall(1),
    munlockall: () => mm.munlockall(),
    msync: () => mm.msync(BASE, PAGE, 4),
    mincore: () => mm.mincore(BASE, PAGE),
    mseal: () => mm.mseal(BASE, PAGE),
    setVmaName: () => mm.setVmaName(BASE, PAGE, "a name"),
    fork: () => mm.fork(),
    maps: () => mm.maps(),
    smaps: () => mm.smaps(),
    vmas: () => mm.vmas(),
    whyApart: () => whyApart(mm, BASE),
    validate: () => mm.validate(),
    "engine.validate": () => engine.validate(),
    "fault of an unmapped page": () => mm.handleMmFault(nowhere, "read"),
    "peek at an unmapped page": () => mm.peek(nowhere),
  };
  const outcomes: Record<string, string> = {};
  for (const [name, call] of Object.entries(syncs)) outcomes[name] = outcome(call);
  // These never wait, and say so.
  outcomes["mmapReadTrylock"] = String(mm.mmapReadTrylock());
  outcomes["mmapWriteTrylock"] = String(mm.mmapWriteTrylock());
  const waiting = mm.mmapReadLockAsync();
  await worker.api.release();
  (await waiting).dispose();
  const same = mm.maps() === before;
  const after = outcome(() => mm.munmap(BASE, PAGE));
  await worker.stop();
  mm.dispose();
  engine.dispose();
  return { outcomes, same, after };
}

/** A worker has read-locked a VMA: what a change of it answers here, alone and under a write guard. */
async function whileVmaLocked(): Promise<{
  outcomes: string[];
  same: boolean;
  after: string;
  elsewhere: string;
}> {
  const engine = await newEngine();
  const mm = mapped(engine);
  mm.mmap({ address: BASE + 2 * PAGES * PAGE, length: PAGE, prot: RW, flags: FIXED_ANON });
  const before = mm.maps();
  const worker = await startWorker(engine).ready;
  await worker.api.holdVma(mm as never, BASE);
  const outcomes = [
    outcome(() => mm.munmap(BASE, PAGE)),
    outcome(() => mm.mprotect(BASE, PAGE, 1)),
    outcome(() => mm.mmap({ address: BASE, length: PAGE, prot: 1, flags: FIXED_ANON })),
    outcome(() => mm.fork()),
  ];
  const guard = await mm.mmapWriteLockAsync();
  outcomes.push(outcome(() => guard.munmap(BASE, PAGE)));
  outcomes.push(outcome(() => guard.fork()));
  const same = mm.maps() === before;
  const elsewhere = outcome(() => guard.munmap(BASE + 2 * PAGES * PAGE, PAGE));
  await worker.api.release();
  const after = outcome(() => guard.munmap(BASE, PAGE));
  guard.dispose();
  assertSound(mm.validate());
  await worker.stop();
  mm.dispose();
  engine.dispose();
  return { outcomes, same, after, elsewhere };
}

/** A worker that closes itself, holding the write lock: the pool notices and reaps it. */
async function closesItself(): Promise<{ seats: number; call: string }> {
  const engine = await newEngine();
  const mm = mapped(engine);
  const worker = await startWorker(engine).ready;
  await worker.api.holdWriteLock(mm as never);
  await worker.api.close();
  (await mm.mmapWriteLockAsync({ timeoutMs: 20_000 })).dispose();
  const seats = engine.stats().workers.length;
  const call = await worker.api.release().then(
    () => "answered",
    (error: Error) => error.message,
  );
  return { seats, call };
}

const thread = { besideWorkers, whileLocked, whileVmaLocked, closesItself, killWorkers };
export type Thread = typeof thread;
Object.assign(globalThis, { thread });
document.documentElement.dataset["ready"] = "";
