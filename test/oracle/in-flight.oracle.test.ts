// Calls of threads that overlap: a trace has them in the order of their return, and the
// replay finds the order in which they worked.

import { afterAll, beforeAll, expect, test } from "vitest";
import { Engine } from "../../src/engine.js";
import { coreOf } from "../../src/replay/engine-core.js";
import { replayFile } from "../../src/replay/replay-file.js";

const TOP = 0x7f00_0000_0000;
const PAGE = 4096;
const hex = (value: number) => value.toString(16);

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.create();
});
afterAll(() => engine.dispose());

const HEADER = { k: "header", schema: 1, kernel: "Linux", page: PAGE, program: ["threads"] };
const VMAS = [
  [hex(TOP - PAGE), hex(TOP), "r-xp", "0", 1, "/lib/ld.so"],
  [hex(TOP + 0x1000_0000), hex(TOP + 0x1002_1000), "rw-p", "0", 0, "[stack]"],
];
const EXEC = [
  { k: "exec", pid: 1, t: 0, exe: "threads" },
  { k: "maps", why: "exec", pid: 1, t: 0, vmas: VMAS },
];

/** Anonymous memory of so many pages, placed `below` pages under the library. */
const mmap = (tid: number, pages: number, below: number) => {
  const a = ["0", hex(pages * PAGE), 3, 34, -1, "0"];
  return { k: "s", pid: 1, tid, t: 0, op: "mmap", a, r: hex(TOP - PAGE - below * PAGE) };
};
const munmap = (tid: number, pages: number, below: number) => {
  const a = [hex(TOP - PAGE - below * PAGE), hex(pages * PAGE)];
  return { k: "s", pid: 1, tid, t: 0, op: "munmap", a, r: "0" };
};

function replay(...rows: object[]) {
  const all = [HEADER, ...EXEC, ...rows, { k: "total", calls: 0, by: {} }];
  const text = all.map((row) => JSON.stringify(row)).join("\n");
  return replayFile(coreOf(engine), new TextEncoder().encode(text), "FILE");
}

test("calls in the order they worked need no other", () => {
  const report = replay(mmap(1, 2, 2), mmap(2, 3, 5), mmap(1, 1, 6));
  expect(report).toMatchObject({ operations: 3, differences: 0, reordered: 0 });
});

test("one that returned later had worked earlier", () => {
  const report = replay(mmap(1, 2, 5), mmap(2, 3, 3), mmap(1, 1, 6));
  expect(report).toMatchObject({ operations: 3, differences: 0, reordered: 1 });
});

test("two that returned later had worked earlier, in their own order", () => {
  const report = replay(mmap(1, 2, 7), mmap(2, 3, 5), mmap(3, 2, 2));
  expect(report).toMatchObject({ operations: 3, differences: 0, reordered: 2 });
});

test("a hole that another thread had made already", () => {
  const report = replay(mmap(1, 4, 4), mmap(1, 2, 6), mmap(1, 3, 3), munmap(2, 4, 4));
  expect(report).toMatchObject({ operations: 4, differences: 0, reordered: 1 });
});

test("a thread's own later calls cannot have worked earlier", () => {
  const report = replay(mmap(1, 2, 5), mmap(1, 3, 3));
  expect(report).toMatchObject({ reordered: 0 });
  expect(report.differences).toBeGreaterThan(0);
});

test("nor those of another process", () => {
  const other = { ...mmap(2, 3, 3), pid: 2 };
  const report = replay(mmap(1, 2, 5), other);
  expect(report).toMatchObject({ reordered: 0, differences: 1, notReplayed: { mmap: 1 } });
});

test("a map may show what a thread did whose call returned later", () => {
  const mapped = [hex(TOP - 4 * PAGE), hex(TOP - PAGE), "rw-p", "0", 0, ""];
  const snapshot = { k: "maps", why: "every", pid: 1, t: 0, vmas: [mapped, ...VMAS] };
  const [call, other] = [mmap(1, 1, 1), mmap(2, 2, 3)];
  expect(replay(call, snapshot, other)).toMatchObject({ differences: 0, reordered: 1 });
});
