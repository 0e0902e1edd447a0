// vmaple on the main thread of a page, which must not block: in headless Chromium, and under
// the rules of browsers that have no Atomics.waitAsync (Firefox before 145).

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Opened, WebPage } from "../support/web-page.js";
import { threadPage } from "./thread/config.js";
import type { Thread } from "./thread/page.js";

declare global {
  var thread: Thread;
}

const MS = Number(process.env["VMAPLE_STRESS_MS"] ?? 2000);
const SEED = Number(process.env["VMAPLE_SEED"] ?? Date.now() % 2 ** 31);
const KILLS = 6;
const WOULD_BLOCK = "WouldBlockError EWOULDBLOCK";

let web: WebPage;

beforeAll(async () => {
  web = await WebPage.build(threadPage);
});

afterAll(async () => {
  await web?.[Symbol.asyncDispose]();
});

const withoutWaitAsync = () => {
  Reflect.deleteProperty(Atomics, "waitAsync");
};

describe.each([
  ["with Atomics.waitAsync", undefined],
  ["without Atomics.waitAsync", withoutWaitAsync],
])("%s", (_how, before) => {
  const open = (): Promise<Opened> => web.open(before === undefined ? {} : { before });

  test("every call works beside two busy workers, and none blocks", async () => {
    await using opened = await open();
    const { page, complaints } = opened;
    expect(await page.evaluate(() => [crossOriginIsolated, "waitAsync" in Atomics])).toEqual([
      true,
      before === undefined,
    ]);
    const report = await page.evaluate((ms) => thread.besideWorkers(ms), MS);
    const { calls, lag, longestCallMs, refused, workers } = report;
    const rounds = calls["vmaLookup"] ?? 0;
    console.log(
      `main thread${before === undefined ? "" : " without waitAsync"}: ${rounds} rounds of calls, ` +
        `${refused} WouldBlockErrors, ${lag.turns} turns; lag p99 ${lag.p99Ms.toFixed(1)} ms, ` +
        `max ${lag.maxMs.toFixed(1)} ms; longest call ${longestCallMs.toFixed(1)} ms`,
    );
    expect(Object.keys(calls)).toHaveLength(26);
    expect(workers.every((n) => n > 0)).toBe(true);
    expect(lag.turns).toBeGreaterThan(rounds);
    expect(complaints).toEqual([]);
  });

  test("a synchronous call that would have to wait throws WouldBlockError and changes nothing", async () => {
    await using opened = await open();
    const { outcomes, same, after } = await opened.page.evaluate(() => thread.whileLocked());
    const { mmapReadTrylock, mmapWriteTrylock, ...waiting } = outcomes;
    expect([mmapReadTrylock, mmapWriteTrylock]).toEqual(["null", "null"]);
    expect(Object.keys(waiting).length).toBeGreaterThan(20);
    for (const [call, outcome] of Object.entries(waiting)) expect(outcome, call).toBe(WOULD_BLOCK);
    expect(same).toBe(true);
    expect(after).toBe("done");
    expect(opened.complaints).toEqual([]);
  });

  test("so does a change of a VMA that a worker has read-locked, under a write guard too", async () => {
    await using opened = await open();
    const report = await opened.page.evaluate(() => thread.whileVmaLocked());
    expect(report).toEqual({
      outcomes: Array.from({ length: 6 }, () => WOULD_BLOCK),
      same: true,
      elsewhere: "done",
      after: "done",
    });
    expect(opened.complaints).toEqual([]);
  });
});

test("a worker that closes itself is noticed and reaped", async () => {
  await using opened = await web.open();
  const report = await opened.page.evaluate(() => thread.closesItself());
  expect(report).toEqual({ seats: 1, call: "worker has ended" });
});

test(`${KILLS} workers are terminated: nothing hangs, and the space is sound`, async () => {
  await using opened = await web.open();
  const task = { kills: KILLS, seed: SEED };
  const report = await opened.page.evaluate(
    ({ kills, seed }) => thread.killWorkers(kills, seed),
    task,
  );
  expect(report.kills).toBe(KILLS);
  expect(report.rounds).toBeGreaterThan(1);
  expect(report.rejected).toBeGreaterThanOrEqual(KILLS);
  expect(opened.complaints).toEqual([]);
}, 120_000);
