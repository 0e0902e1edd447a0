// The page's log and its way back in time: the map at a place of the log is the same
// whichever way the cursor came there.

import { describe, expect, test } from "vitest";
import { Machine } from "../../web/app/machine.js";
import { changesOf, permsAt, rowAt } from "../../web/app/rows.js";
import { Store } from "../../web/app/store.js";
import { Timeline } from "../../web/app/timeline.js";
import { MPROTECT_THE_MIDDLE, SMALL_PROCESS } from "../../web/presets/first.js";

const PAGE = 4096;
const BASE = 0x7000_0000_0000;

/** Calls that split, merge, move, map files and fault, drawn from a seed. */
function drawn(count: number, seed = 7) {
  let word = seed;
  const below = (n: number) => {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
    return Math.floor((word / 2 ** 32) * n);
  };
  return Array.from({ length: count }, () => {
    const address = BASE + below(64) * PAGE;
    const length = (1 + below(8)) * PAGE;
    switch (below(6)) {
      case 0:
        return { call: { op: "munmap" as const, args: [address, length], text: "" } };
      case 1:
        return { call: { op: "fault" as const, args: [address, below(2)], text: "" } };
      case 2:
        return { call: { op: "mprotect" as const, args: [address, length, below(4)], text: "" } };
      case 3: {
        const file = `/tmp/file-${below(9)}`;
        return {
          call: { op: "mmap" as const, args: [address, length, 1, 0x12, 3, 0], text: file },
        };
      }
      default:
        return { call: { op: "mmap" as const, args: [address, length, 3, 0x32, -1, 0], text: "" } };
    }
  });
}

describe("the timeline", () => {
  test("every place has one map, whichever way one comes there", async () => {
    const machine = await Machine.create();
    const timeline = new Timeline(machine, SMALL_PROCESS);
    const maps = [machine.mm.maps()];
    for (const planned of drawn(400)) {
      timeline.run(planned);
      maps.push(machine.mm.maps());
    }
    expect(new Set(maps).size).toBeGreaterThan(200);
    for (const at of [0, 399, 1, 64, 63, 65, 400, 200, 199, 128, 7, 390]) {
      timeline.seek(at);
      expect(timeline.cursor).toBe(at);
      expect(machine.mm.maps()).toBe(maps[at]);
      expect(machine.mm.validate()).toEqual([]);
    }
  });

  test("a call after an undo takes the place of what was undone", async () => {
    const timeline = new Timeline(await Machine.create(), SMALL_PROCESS);
    for (const planned of drawn(100)) timeline.run(planned);
    timeline.seek(10);
    timeline.run({ call: { op: "munmap", args: [BASE, 64 * PAGE], text: "" } });
    expect(timeline.entries).toHaveLength(11);
    const after = timeline.machine.mm.maps();
    timeline.seek(10);
    timeline.seek(11);
    expect(timeline.machine.mm.maps()).toBe(after);
  });

  test("an impossible start leaves the old log", async () => {
    const timeline = new Timeline(await Machine.create(), SMALL_PROCESS);
    timeline.run(MPROTECT_THE_MIDDLE[0]!);
    const maps = timeline.machine.mm.maps();
    const twice = [SMALL_PROCESS.vmas[0]!, SMALL_PROCESS.vmas[0]!];
    expect(() => timeline.begin({ ...SMALL_PROCESS, vmas: twice })).toThrow("EEXIST");
    expect(timeline.entries).toHaveLength(1);
    expect(timeline.machine.mm.maps()).toBe(maps);
  });
});

describe("while a log is read", () => {
  test("nothing moves the cursor, and a newer log takes its place", async () => {
    const store = new Store(await Machine.create(), SMALL_PROCESS);
    const reading = store.load(SMALL_PROCESS, drawn(20_000));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(store.cursor.value).toBe(0);
    store.seek(5);
    expect(() => store.run(MPROTECT_THE_MIDDLE[0]!.call)).toThrow("a log is being read");
    const newer = store.load(SMALL_PROCESS, MPROTECT_THE_MIDDLE);
    expect(await reading).toBe(false);
    expect(await newer).toBe(true);
    expect(store.entries.value.map(({ call }) => call)).toEqual(
      MPROTECT_THE_MIDDLE.map(({ call }) => call),
    );
    expect(store.cursor.value).toBe(MPROTECT_THE_MIDDLE.length);
    expect(store.moment.value.after.count).toBe(store.machine.mm.stat().mapCount);
  });

  test("cancel keeps the calls made so far", async () => {
    const store = new Store(await Machine.create(), SMALL_PROCESS);
    const cancel = new AbortController();
    const onProgress = (share: number) => {
      if (share > 0.1) cancel.abort();
    };
    expect(
      await store.load(SMALL_PROCESS, drawn(20_000), { signal: cancel.signal, onProgress }),
    ).toBe(false);
    const { length } = store.entries.value;
    expect(length).toBeGreaterThan(0);
    expect(length).toBeLessThan(20_000);
    expect(store.cursor.value).toBe(length);
    store.seek(1);
    expect(store.cursor.value).toBe(1);
  });

  test("a call that the engine lacks ends it there, with what came before", async () => {
    const store = new Store(await Machine.create(), SMALL_PROCESS);
    const calls = [
      ...MPROTECT_THE_MIDDLE,
      { call: { op: "shmat" as const, args: [0, 0, 0], text: "" } },
    ];
    await expect(store.load(SMALL_PROCESS, calls)).rejects.toThrow("the engine has no shmat");
    expect(store.cursor.value).toBe(MPROTECT_THE_MIDDLE.length);
    store.seek(0);
    expect(store.cursor.value).toBe(0);
  });
});

describe("rows", () => {
  test("are what maps says, with names that outlive the moment", async () => {
    const machine = await Machine.create();
    const timeline = new Timeline(machine, SMALL_PROCESS);
    for (const planned of drawn(60)) timeline.run(planned);
    timeline.run({ call: { op: "brk", args: [0x5555_5558_0000], text: "" } });
    const lines = machine.mm.maps().trimEnd().split("\n");
    const rows = machine.rows();
    timeline.seek(0);
    expect(rows.count).toBe(lines.length);
    lines.forEach((line, row) => {
      const [range = "", perms] = line.split(" ");
      expect(`${rows.start[row]!.toString(16)}-${rows.end[row]!.toString(16)}`).toBe(range);
      expect(permsAt(rows, row)).toBe(perms);
      expect(rows.nameOf(row)).toBe(line.slice(73));
      expect(rowAt(rows, rows.end[row]! - 1)).toBe(row);
    });
    expect(lines.some((line) => line.endsWith("[heap]"))).toBe(true);
    expect(rowAt(rows, 0)).toBe(-1);
  });

  test("scrubbing a large map shows its rows at once, and the changes when it rests", async () => {
    const vmas = Array.from({ length: 6000 }, (_, i) => {
      const start = BASE + i * 2 * PAGE;
      return { start, end: start + PAGE, perms: "rw-p", offset: 0, inode: 0, name: "" };
    });
    const store = new Store(await Machine.create(), { options: {}, vmas });
    await store.load({ options: {}, vmas }, drawn(50));
    while (store.moment.value.changes.fresh.length === 0) store.seek(store.cursor.value - 1);
    const rested = store.moment.value;
    store.scrub(20);
    expect(store.moment.value).toMatchObject({ passing: true, index: 20 });
    expect(store.moment.value.after.count).toBe(store.machine.mm.stat().mapCount);
    expect(store.moment.value.changes.fresh).toEqual([]);
    store.scrub(rested.index);
    await expect.poll(() => store.moment.value.passing).toBe(false);
    expect(store.moment.value.changes).toEqual(rested.changes);
  });

  test("mprotect in the middle: one row goes, three come", async () => {
    const store = new Store(await Machine.create(), SMALL_PROCESS);
    expect(await store.load(SMALL_PROCESS, MPROTECT_THE_MIDDLE)).toBe(true);
    store.seek(2);
    const { before, after, changes, changedNodes } = store.moment.value;
    expect(changes.gone).toHaveLength(1);
    expect(changes.fresh.map((row) => permsAt(after, row))).toEqual(["rw-p", "r--p", "rw-p"]);
    expect(changedNodes.size).toBeGreaterThan(0);
    expect(changesOf(after, before).fresh).toEqual(changes.gone);
    store.seek(3);
    expect(store.moment.value.changes.gone).toHaveLength(3);
    expect(store.moment.value.changes.fresh).toHaveLength(1);
    const unchanged = store.machine.mm.maps();
    const foreseen = store.foresee(MPROTECT_THE_MIDDLE[3]!.call);
    expect(foreseen.count).toBe(store.moment.value.after.count + 1);
    expect(store.machine.mm.maps()).toBe(unchanged);
  });
});
