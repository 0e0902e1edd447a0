// Workers terminated at random moments, from a page: the pool notices each end by the Web Lock
// that the worker held, and reaps its seat. Then others go on, and so does this thread.

import { Counter } from "../../../assembly/shared/abi.js";
import { type Engine, type MmWithUser, WouldBlockError } from "../../../src/index.js";
import { newEngine, startWorker } from "./crew.js";
import { BASE, FIXED_ANON, PAGE, RW, random } from "./space.js";

/** Workers at one space; some of them die in each round. */
const CREW = 4;
const LIFE_MAX_MS = 20;
/** Everything that must not hang is waited for this long. */
const PATIENCE_MS = 20_000;

export interface KillReport {
  readonly kills: number;
  /** Some workers die in each; the space is sound after each. */
  readonly rounds: number;
  /** Calls under way that were rejected: one a kill. */
  readonly rejected: number;
}

interface Member {
  readonly worker: Worker;
  readonly slot: number;
  /** True once its endless call is rejected. */
  readonly call: Promise<boolean>;
}

/** @throws Error something hangs, is not sound, or answers wrongly */
export async function killWorkers(kills: number, seed: number): Promise<KillReport> {
  const engine = await newEngine();
  const rand = random(seed);
  const totals = { kills: 0, rounds: 0, rejected: 0 };
  const mm = engine.createMm();
  const crew: Member[] = [];
  const end = async (members: readonly Member[]) => {
    const ends = await Promise.all(members.map((member) => ended(engine, member)));
    totals.rejected += ends.filter(Boolean).length;
  };
  while (totals.kills < kills) {
    const starts = Array.from({ length: CREW - crew.length }, () =>
      start(engine, mm, rand(2 ** 31)),
    );
    crew.push(...(await Promise.all(starts)));
    const victims = crew.splice(0, Math.min(1 + rand(CREW - 1), kills - totals.kills));
    for (const { worker } of victims) {
      await sleep(rand(LIFE_MAX_MS));
      worker.terminate();
    }
    await end(victims);
    totals.kills += victims.length;
    await checkSound(mm);
    totals.rounds++;
  }
  for (const { worker } of crew) worker.terminate();
  await end(crew);
  await checkAll(engine, mm);
  return totals;
}

async function start(engine: Engine, mm: MmWithUser, seed: number): Promise<Member> {
  const { worker, ready } = startWorker(engine);
  const { api, slot } = await ready;
  const call = api.work(mm as never, "both", seed, Number.POSITIVE_INFINITY).then(
    () => false,
    () => true,
  );
  return { worker, slot, call };
}

/** Waits until a terminated worker is reaped; true: its call was rejected. */
async function ended(engine: Engine, { slot, call }: Member): Promise<boolean> {
  const taken = () => engine.stats().workers.some((seat) => seat.slot === slot);
  const late = performance.now() + PATIENCE_MS;
  while (taken()) {
    if (performance.now() > late) throw new Error("a seat is not reaped");
    await sleep(1);
  }
  // Chromium lets a busy worker run on for seconds after terminate(): reaped too early it
  // would still be counting.
  const counted = () => engine.raw.exports.worker_counter(slot, Counter.MMAP_LOCK_WRITE);
  const before = counted();
  await sleep(5);
  if (counted() !== before) throw new Error("a worker was reaped while it ran");
  const hangs = sleep(PATIENCE_MS).then(() => {
    throw new Error("a call of a dead worker does not reject");
  });
  return Promise.race([call, hangs]);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A call of this thread, then every invariant: what the dead were doing is undone or finished. */
async function checkSound(mm: MmWithUser): Promise<void> {
  const guard = await mm.mmapWriteLockAsync({ timeoutMs: PATIENCE_MS });
  const broken = mm.validate();
  guard.dispose();
  if (broken.length !== 0) throw new Error(`not sound: ${JSON.stringify(broken)}`);
}

/** With all workers gone nothing is locked: this thread's synchronous calls work. */
async function checkAll(engine: Engine, mm: MmWithUser): Promise<void> {
  await checkSound(mm);
  try {
    mm.mmap({ address: BASE, length: PAGE, prot: RW, flags: FIXED_ANON });
    mm.munmap(BASE, PAGE);
  } catch (error) {
    if (error instanceof WouldBlockError) throw new Error("a dead worker still holds a lock");
    throw error;
  }
  const broken = engine.validate();
  if (broken.length !== 0) throw new Error(`not sound: ${JSON.stringify(broken)}`);
}
