// Every preset runs, and every call of it answers what Linux answered.

import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { Machine } from "../../web/app/machine.js";
import { Store } from "../../web/app/store.js";
import { Timeline } from "../../web/app/timeline.js";
import { SMALL_PROCESS } from "../../web/presets/first.js";
import { presets } from "../../web/presets/list.js";
import { MOST_VMAS, manyCalls } from "../../web/presets/scale.js";

const ALL = presets(async (url) => new Uint8Array(await readFile(url)));
/** Logs without recorded outcomes: what they show is not what a kernel was asked. */
const UNTOLD = new Set(["middle", "calls"]);

describe("presets", () => {
  test.each(ALL.filter(({ id }) => id !== "calls").map((preset) => [preset.id, preset] as const))(
    "%s",
    async (id, preset) => {
      const { start, planned } = await preset.load();
      const timeline = new Timeline(await Machine.create(), start);
      for (const call of planned) timeline.run(call);
      const wrong = timeline.entries.filter(
        ({ outcome, recorded }) => recorded !== undefined && recorded !== outcome,
      );
      // In a trace of threads, calls that were in flight may have taken effect in another order.
      expect(wrong.length).toBeLessThanOrEqual(id === "node" ? 6 : 0);
      const told = timeline.entries.filter(({ recorded }) => recorded !== undefined).length;
      expect(told).toBe(UNTOLD.has(id) ? 0 : planned.length);
      expect(timeline.machine.mm.validate()).toEqual([]);
    },
  );

  test("have titles, sentences and links of their own", () => {
    expect(ALL.filter(({ group }) => group === "Bug reports")).toHaveLength(12);
    expect(new Set(ALL.map(({ id }) => id)).size).toBe(ALL.length);
    for (const { title, sentence, link, group } of ALL) {
      expect(title.length).toBeGreaterThan(3);
      expect(sentence).toMatch(/\.$/);
      expect(link === null).toBe(group !== "Bug reports");
    }
  });

  test("65,530 VMAs: the table is full", async () => {
    const { start, planned } = await ALL.find(({ id }) => id === "crowded")!.load();
    const timeline = new Timeline(await Machine.create(), start);
    expect(timeline.machine.mm.stat().mapCount).toBe(MOST_VMAS - 1);
    for (const call of planned) timeline.run(call);
    expect(timeline.entries.map(({ outcome }) => outcome)).toContain("ENOMEM");
  });
});

test("100,000 calls: any place of the log is reached in a moment, and is what it was", async () => {
  const machine = await Machine.create();
  const store = new Store(machine, SMALL_PROCESS);
  await store.load(SMALL_PROCESS, manyCalls());
  const counts = new Map<number, number>();
  const times: number[] = [];
  for (const at of [100_000, 12_345, 99_999, 1, 50_000, 49_999, 77_777]) {
    const begun = performance.now();
    store.seek(at);
    times.push(performance.now() - begun);
    counts.set(at, machine.mm.stat().mapCount);
  }
  for (const [at, count] of counts) {
    store.seek(at);
    expect(machine.mm.stat().mapCount).toBe(count);
  }
  // A generous bound for a loaded machine; 20 ms each on an idle one.
  expect(Math.max(...times)).toBeLessThan(1500);
}, 60_000);
