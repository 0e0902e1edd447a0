// mm/refs.ts, alloc/ledger.ts, mm/flight.ts: whose reference is whose (L1..L3, G1..G3).
//
// Seats in one thread stand for workers; one that is reaped is as dead as any.

import { describe, expect, test } from "vitest";
import { Ref } from "../../../../assembly/shared/abi.js";
import type { Engine } from "../../../../src/index.js";
import { attachSeat, draw, freshEngine, liveObjects, PAGE } from "../../../support/engine.js";

const ENOMEM = -12;
const SEED = 20251126;

/** Numbers below `n`, the same for each seed (mulberry32). */
function random(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

function ledgers(engine: Engine): number {
  return engine.stats().memory.kinds.ledger.live;
}

/** Sends a reference: what a message carries. */
function launch(engine: Engine, kind: Ref, object: number): { flight: number; claim: number } {
  const flight = engine.raw.exports.flight_launch(kind, object);
  return { flight, claim: engine.context.core.u32[0] as number };
}

describe("a worker's references", () => {
  test("are given back when it leaves", async () => {
    const engine = await freshEngine();
    const worker = await attachSeat(engine);
    const mm = worker.createMm();
    draw(mm, "WRW");
    mm.mmgrab();
    mm.clone();
    worker.openFile({ name: "/left/open", size: PAGE });
    worker.raw.exports.page_create();
    expect(liveObjects(engine)).toBeGreaterThan(5);
    worker.dispose();
    expect(liveObjects(engine)).toBe(0);
  });

  test("are given back by whoever reaps it, and counted; those of others stay", async () => {
    const engine = await freshEngine();
    const worker = await attachSeat(engine);
    const theirs = worker.createMm();
    draw(theirs, "W");
    theirs.mmgrab();
    const mine = engine.createMm();
    worker.raw.mmget(mine.asRaw());
    worker.raw.mmget(mine.asRaw());
    const x = engine.raw.exports;
    x.mmgrab(theirs.asRaw());
    expect(engine.reap(worker.slot).references).toBe(4);
    expect(mine.mmUsers).toBe(1);
    expect([x.mm_users(theirs.asRaw()), x.mm_count(theirs.asRaw())]).toEqual([0, 1]);
    expect(engine.stats().memory.kinds.vma.live).toBe(0);
    x.mmdrop(theirs.asRaw());
    mine.dispose();
    expect(liveObjects(engine)).toBe(0);
  });

  test("one that another worker took can be put, and stays listed there", async () => {
    const engine = await freshEngine();
    const worker = await attachSeat(engine);
    using mm = engine.createMm();
    worker.raw.mmgrab(mm.asRaw());
    engine.raw.mmdrop(mm.asRaw());
    expect(mm.mmCount).toBe(1);
    engine.raw.mmgrab(mm.asRaw()); // what the other will give back in its place
    worker.dispose();
    expect(mm.mmCount).toBe(1);
  });

  test("more objects than the seat has room for need further records, which go again", async () => {
    const engine = await freshEngine({ memoryBytes: 32 * 1024 * 1024 });
    const worker = await attachSeat(engine);
    const mms = Array.from({ length: 600 }, () => engine.createMm().asRaw());
    const mine = ledgers(engine);
    for (const mm of mms) expect(worker.raw.mmgrab(mm)).toBe(0);
    const most = ledgers(engine) - mine;
    expect(most).toBeGreaterThan(600 / 7 - 17);
    expect(most).toBeLessThan(150);
    for (const mm of mms) worker.raw.mmdrop(mm);
    expect(ledgers(engine)).toBe(mine);
    for (const mm of mms) expect(engine.raw.exports.mm_count(mm)).toBe(1);
  });

  test(`any sequence of gets and puts, then a death (SEED=${SEED})`, async () => {
    const below = random(SEED);
    const engine = await freshEngine();
    const worker = await attachSeat(engine);
    const x = worker.raw.exports;
    const mms = Array.from({ length: 60 }, () => engine.createMm().asRaw());
    const held = mms.map(() => [0, 0]);
    for (let i = 0; i < 5000; i++) {
      const which = below(mms.length);
      const mm = mms[which] as number;
      const has = held[which] as [number, number];
      const kind = below(2) as 0 | 1;
      // Runs of growing and of shrinking, so that chains come and go.
      const get = has[kind] === 0 || below(10) < (i % 1000 < 500 ? 7 : 2);
      if (get) expect([x.mmget, x.mmgrab][kind]?.(mm)).toBe(0);
      else [x.mmput, x.mmdrop][kind]?.(mm);
      has[kind] += get ? 1 : -1;
      expect([x.mm_users(mm), x.mm_count(mm)]).toEqual([1 + has[0], 1 + has[1]]);
    }
    const total = held.flat().reduce((sum, n) => sum + n, 0);
    expect(engine.reap(worker.slot).references).toBe(total);
    for (const mm of mms) expect([x.mm_users(mm), x.mm_count(mm)]).toEqual([1, 1]);
  });

  test.each([
    ["mmgrab", "mmdrop"],
    ["mmget", "mmput"],
    ["mmget_not_zero", "mmput"],
  ] as const)(
    "%s that finds no room is ENOMEM and takes nothing; %s needs none",
    async (get, put) => {
      const engine = await freshEngine();
      const worker = await attachSeat(engine);
      const mms = Array.from({ length: 200 }, () => engine.createMm().asRaw());
      const x = worker.raw.exports;
      const refused = mms.findIndex((mm) => {
        x.fail_after(1); // a record beyond the seat's is the first reservation
        return x[get](mm) === ENOMEM;
      });
      expect(refused).toBeGreaterThan(7);
      const counts = () => mms.map((mm) => x.mm_users(mm) + x.mm_count(mm) - 2);
      expect(counts()).toEqual(mms.map((_, i) => (i < refused ? 1 : 0)));
      x.fail_after(1);
      for (const mm of mms.slice(0, refused)) x[put](mm);
      expect(x.fail_pending()).toBe(1);
      expect(counts()).toEqual(mms.map(() => 0));
    },
  );
});

describe("a reference in a message", () => {
  test("lands once, as the receiver's", async () => {
    const engine = await freshEngine();
    const worker = await attachSeat(engine);
    const mm = engine.createMm().asRaw();
    const { flight, claim } = launch(engine, Ref.USERS, mm);
    const [x, y] = [engine.raw.exports, worker.raw.exports];
    expect(x.flight_landed(flight)).toBe(0);
    expect(y.flight_land(flight, claim + 4)).toBe(0); // of another journey
    expect(y.flight_land(flight, claim)).toBe(1);
    expect(y.flight_land(flight, claim)).toBe(0);
    expect([x.flight_landed(flight), x.flight_recall(flight)]).toEqual([1, 0]);
    expect(x.mm_users(mm)).toBe(1);
    expect(engine.reap(worker.slot).references).toBe(1);
    expect(liveObjects(engine)).toBe(0);
  });

  test("is taken back by the sender, once, and does not land then", async () => {
    const engine = await freshEngine();
    const worker = await attachSeat(engine);
    const mm = engine.createMm().asRaw();
    const { flight, claim } = launch(engine, Ref.USERS, mm);
    const x = engine.raw.exports;
    expect(x.flight_recall(flight)).toBe(1);
    expect(liveObjects(engine)).toBe(0);
    expect(worker.raw.exports.flight_land(flight, claim)).toBe(0);
    expect(x.flight_recall(flight)).toBe(0);
    expect(worker.raw.exports.flight_land(PAGE, 4)).toBe(0); // no record at all
  });

  test("is taken back by whoever reaps the sender", async () => {
    const engine = await freshEngine();
    const worker = await attachSeat(engine);
    const mm = worker.createMm();
    draw(mm, "WW");
    const { flight, claim } = launch(worker, Ref.USERS, mm.asRaw());
    expect(engine.reap(worker.slot).references).toBe(1);
    expect(liveObjects(engine)).toBe(0);
    expect(engine.raw.exports.flight_land(flight, claim)).toBe(0);
  });

  test("has landed before the sender dies: it is the receiver's for good", async () => {
    const engine = await freshEngine();
    const worker = await attachSeat(engine);
    const mm = worker.createMm().asRaw();
    const { flight, claim } = launch(worker, Ref.USERS, mm);
    expect(engine.raw.exports.flight_land(flight, claim)).toBe(1);
    expect(engine.reap(worker.slot).references).toBe(0);
    expect(engine.raw.exports.mm_users(mm)).toBe(1);
    engine.raw.mmput(mm);
    expect(liveObjects(engine)).toBe(0);
  });
});
