// A large map is drawn in two frames: what moves the cursor meanwhile waits, and the last of it counts.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Call } from "../../web/app/call.js";
import { Machine } from "../../web/app/machine.js";
import { Store } from "../../web/app/store.js";

const PAGE = 4096;
const BASE = 0x7000_0000_0000;
const CALLS = 12;

function startOf(vmas: number) {
  return {
    options: { maxMapCount: 131_072 },
    vmas: Array.from({ length: vmas }, (_, i) => ({
      start: BASE + i * 2 * PAGE,
      end: BASE + (i * 2 + 1) * PAGE,
      perms: "rw-p",
      offset: 0,
      inode: 0,
      name: "",
    })),
  };
}

/** Call `i` unmaps mapping `i`: at place `n` of the log there are `n` mappings less. */
const unmap = (i: number): Call => ({ op: "munmap", args: [BASE + i * 2 * PAGE, PAGE], text: "" });

async function stored(vmas: number): Promise<Store> {
  const store = new Store(await Machine.create(), { options: {}, vmas: [] });
  const calls = Array.from({ length: CALLS }, (_, i) => ({ call: unmap(i) }));
  await store.load(startOf(vmas), calls);
  return store;
}

/** Rows of the moment, and of the settled one. */
const shown = ({ moment, settled }: Store) => [moment.value.after.count, settled.value.after.count];

let frames: (() => void)[] = [];
/** Everything asked for up to now, and the timers that it starts. */
function frame(): void {
  for (const callback of frames.splice(0)) callback();
  vi.runAllTimers();
}

beforeEach(() => {
  frames = [];
  vi.stubGlobal("requestAnimationFrame", (callback: () => void) => frames.push(callback));
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a small map is drawn at once", async () => {
  const store = await stored(100);
  store.seek(3);
  expect(shown(store)).toEqual([97, 97]);
  expect(frames).toEqual([]);
});

test("of a large map the costly views follow a frame later, and then the last move wanted", async () => {
  const vmas = 6000;
  const store = await stored(vmas);
  expect(frames).toEqual([]); // a log that has been read is drawn at once
  expect(shown(store)).toEqual([vmas - CALLS, vmas - CALLS]);
  store.seek(3);
  expect(shown(store)).toEqual([vmas - 3, vmas - CALLS]);
  store.seek(4);
  store.seek(5);
  expect(shown(store)).toEqual([vmas - 3, vmas - CALLS]);
  frame();
  expect(shown(store)).toEqual([vmas - 3, vmas - 3]);
  frame();
  expect(shown(store)).toEqual([vmas - 5, vmas - 3]);
  // The rows of the settled moment are not used for others before it goes.
  expect(store.settled.value.after.start[0]).toBe(BASE + 3 * 2 * PAGE);
  while (frames.length > 0) frame();
  expect(shown(store)).toEqual([vmas - 5, vmas - 5]);
});

test("a call takes the place of a move that waits", async () => {
  const store = await stored(6000);
  store.seek(3);
  store.seek(9);
  store.run(unmap(100));
  while (frames.length > 0) frame();
  expect(store.cursor.value).toBe(4);
  expect(store.entries.value.length).toBe(4);
});
