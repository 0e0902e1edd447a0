// A replay must notice: every field that a recording or a trace has is changed here in
// turn, and the change must be reported as a difference.

import { afterAll, beforeAll, expect, test } from "vitest";
import { Engine } from "../../src/engine.js";
import { digestOfRows, type VmaRow } from "../../src/formats/recording.js";
import { coreOf } from "../../src/replay/engine-core.js";
import { readInput } from "../../src/replay/input.js";
import { replayFile } from "../../src/replay/replay-file.js";
import type { ReplayReport } from "../../src/replay/report.js";

const RECORDING = new URL("../../fixtures/recordings/touch-1000.ndjson.gz", import.meta.url)
  .pathname;
const TRACE = new URL("../../fixtures/traces/python-stdlib.ndjson.gz", import.meta.url).pathname;

let engine: Engine;
let header: Record<string, unknown>;

beforeAll(async () => {
  engine = await Engine.create();
  const text = new TextDecoder().decode(await readInput(RECORDING));
  header = { ...JSON.parse(text.slice(0, text.indexOf("\n"))), ops: 1 };
});
afterAll(() => engine.dispose());

const replay = (text: string) => replayFile(coreOf(engine), new TextEncoder().encode(text), "FILE");

const ROW: VmaRow = [3, 5, "rw-p", 0, "", "rd wr mr mw me ac"];

/** A recording of one mmap of two private anonymous pages. */
function recorded({ row = ROW, result = 3 as number | string, counts = [2, 0, 2, 0] } = {}) {
  const call = { i: 0, op: "mmap", a: 3, l: 2, p: 3, f: 50, fd: "", o: 0, r: result, n: 1, h: "" };
  const snap = { i: 1, op: "snap", h: digestOfRows([row]), ct: counts, vmas: [row] };
  const lines = [header, { ...call, x: [0, 0, [row]] }, snap];
  return replay(lines.map((line) => JSON.stringify(line)).join("\n"));
}

const changed = (at: number, value: unknown) =>
  ROW.map((field, index) => (index === at ? value : field)) as unknown as VmaRow;

test("the recording itself has none", () => {
  expect(recorded()).toMatchObject({ operations: 1, mapsCompared: 2, differences: 0, first: null });
});

test("another result", () => {
  const { differences, first } = recorded({ result: "ENOMEM" });
  expect(differences).toBe(1);
  expect(first).toEqual({
    line: 2,
    operation: 'mmap a=3 l=2 p=3 f=50 fd="" o=0',
    expected: "ENOMEM",
    got: "3",
    missing: [],
    extra: [],
  });
});

test.each([
  ["start", changed(0, 2)],
  ["end", changed(1, 6)],
  ["permissions", changed(2, "r--p")],
  ["page offset", changed(3, 7)],
  ["name", changed(4, "f0")],
  ["VmFlags", changed(5, "rd wr mr mw me ac nh")],
])("another %s of the VMA, in the call's map and in the snap's", (_, row) => {
  const { differences, first } = recorded({ row });
  expect(differences).toBe(2);
  expect(first?.missing.length).toBe(1);
  expect(first?.extra).toEqual(['3-5 rw-p 0 "" rd wr mr mw me ac']);
});

test.each([
  ["VmSize", [3, 0, 2, 0]],
  ["VmLck", [2, 2, 2, 0]],
  ["VmData", [2, 0, 0, 0]],
  ["VmStk", [2, 0, 2, 2]],
])("another %s", (_, counts) => {
  const { differences, first } = recorded({ counts });
  expect(differences).toBe(1);
  expect(first).toMatchObject({ line: 3, expected: `[${counts.join(", ")}]`, got: "[2, 0, 2, 0]" });
});

test("after a difference the replay goes on and counts", () => {
  expect(recorded({ result: 4, counts: [0, 0, 0, 0] }).differences).toBe(2);
});

/** Replays the committed trace with `edit` made to one of its rows. */
async function editedTrace(
  which: (row: Record<string, unknown>) => boolean,
  edit: (row: Record<string, unknown>) => void,
): Promise<{ line: number; report: ReplayReport }> {
  const text = new TextDecoder().decode(await readInput(TRACE));
  const lines = text.trimEnd().split("\n");
  const at = lines.findIndex((line) => which(JSON.parse(line)));
  const row = JSON.parse(lines[at]!);
  edit(row);
  lines[at] = JSON.stringify(row);
  return { line: at + 1, report: replay(`${lines.join("\n")}\n`) };
}

test("another place of a mapping in a trace, and the map that shows it", async () => {
  const isChosen = (row: Record<string, unknown>) => row["op"] === "mmap";
  const { line, report } = await editedTrace(isChosen, (row) => {
    row["r"] = "7f0000000000";
  });
  expect(report.first).toMatchObject({ line, expected: "0x7f0000000000" });
  expect(report.differences).toBeGreaterThan(1);
});

test("another errno in a trace", async () => {
  const { report } = await editedTrace(
    (row) => row["op"] === "mprotect",
    (row) => {
      row["r"] = "EACCES";
    },
  );
  expect(report).toMatchObject({ differences: 1, first: { expected: "EACCES", got: "0x0" } });
});

test.each([
  ["start", 0],
  ["end", 1],
  ["permissions", 2],
  ["offset", 3],
  ["name", 5],
])("another %s in a map of a trace", async (_, field) => {
  const isLast = (row: Record<string, unknown>) => row["k"] === "maps" && row["why"] === "exit";
  const { report } = await editedTrace(isLast, (row) => {
    // The first VMA of a shared library: a file, with an offset.
    const vmas = row["vmas"] as string[][];
    const vma = vmas.find((one) => one[5]!.includes("libc.so") && one[3] !== "0")!;
    const other: Record<number, string> = {
      0: (Number.parseInt(vma[0]!, 16) + 4096).toString(16),
      1: (Number.parseInt(vma[1]!, 16) - 4096).toString(16),
      2: "rwxs",
      3: "7000000",
      5: "/other",
    };
    vma[field] = other[field]!;
  });
  expect(report.differences).toBeGreaterThan(0);
  expect(report.first?.missing.length).toBeGreaterThan(0);
});
