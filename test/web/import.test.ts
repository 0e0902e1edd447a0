// Files as logs of the page: what the kernel answered in them is what the page's engine answers.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { readMaps } from "../../src/formats/maps.js";
import { sniff } from "../../src/formats/sniff.js";
import { readStrace } from "../../src/formats/strace.js";
import { readTrace } from "../../src/formats/trace.js";
import { Machine } from "../../web/app/machine.js";
import { Timeline } from "../../web/app/timeline.js";
import {
  type ImportedLog,
  logsOfStrace,
  logsOfTrace,
  startOfMaps,
} from "../../web/files/import.js";
import { logOfRecording } from "../../web/files/recorded.js";

const ROOT = new URL("../../", import.meta.url);
const bytesOf = (path: string) => gunzipSync(readFileSync(new URL(path, ROOT)));

/** Runs a log; the calls whose outcome is not the recorded one. */
async function differencesOf({ start, planned }: ImportedLog) {
  const timeline = new Timeline(await Machine.create(), start);
  for (const call of planned) timeline.run(call);
  expect(timeline.machine.mm.validate()).toEqual([]);
  return {
    timeline,
    differences: timeline.entries.filter(
      ({ outcome, recorded }) => recorded !== undefined && recorded !== outcome,
    ),
  };
}

describe("recordings", () => {
  test.each(["basic-1000", "merge-1005", "touch-1000"])(
    "%s: every result is the kernel's",
    async (name) => {
      const log = logOfRecording(bytesOf(`fixtures/recordings/${name}.ndjson.gz`), name);
      expect(log.planned.length).toBeGreaterThan(250);
      const { differences } = await differencesOf(log);
      expect(differences).toEqual([]);
    },
  );
});

describe("traces", () => {
  test("python: one process, every result the kernel's, its last map too", async () => {
    const rows = [...readTrace(bytesOf("fixtures/traces/python-stdlib.ndjson.gz"), "t").rows];
    const logs = logsOfTrace(rows);
    expect(logs.map(({ title, planned }) => [title, planned.length])).toEqual([
      ["python3.11 (process 2691)", 1258],
    ]);
    const { differences, timeline } = await differencesOf(logs[0]!);
    expect(differences).toEqual([]);
    const last = rows.findLast((row) => row.kind === "maps");
    const lines = timeline.machine.mm.vmas().length;
    expect(Math.abs(lines - (last?.kind === "maps" ? last.vmas.length : 0))).toBeLessThan(5);
  });

  test("gcc: assembler, compiler and driver, the longest first", () => {
    const rows = [...readTrace(bytesOf("web/presets/traces/gcc.ndjson.gz"), "t").rows];
    const logs = logsOfTrace(rows);
    expect(logs.map(({ title }) => title.replace(/ .*/, ""))).toEqual([
      "x86_64-linux-gnu-as",
      "cc1",
      "x86_64-linux-gnu-gcc-12",
    ]);
    expect(logs[0]!.planned.length).toBeGreaterThan(logs[1]!.planned.length);
  });
});

describe("logs of strace", () => {
  test("have a start that is not known, and what they prove is taken as given", async () => {
    const { rows } = readStrace(bytesOf("fixtures/strace/demo.strace.gz"));
    const [log] = logsOfStrace(rows);
    expect(log?.start.isPartial).toBe(true);
    const { differences } = await differencesOf(log!);
    expect(differences).toEqual([]);
    expect(log?.planned.length).toBeGreaterThan(50);
  });

  test("without memory calls are no log", () => {
    expect(logsOfStrace(readStrace('write(1, "x", 1) = 1\n').rows)).toEqual([]);
  });
});

describe("maps", () => {
  test.each(["fixtures/maps/chromium.maps.gz", "fixtures/maps/postgres.smaps.gz"])(
    "%s: the start shows the file's lines",
    async (path) => {
      const { entries } = readMaps(bytesOf(path));
      const start = startOfMaps(entries);
      const timeline = new Timeline(await Machine.create(), start);
      const shown = timeline.machine.mm.vmas();
      const mapped = entries.filter(({ end }) => typeof end === "number");
      expect(shown.map(({ start: from, end }) => [from, end])).toEqual(
        mapped.map(({ start: from, end }) => [from, end]),
      );
      const heap = entries.find(({ name }) => name === "[heap]");
      expect(shown.find(({ name }) => name === "[heap]")?.start).toBe(heap?.start);
      // A call goes on from there.
      const call = { op: "mmap" as const, args: [0, 4096, 3, 0x22, -1, 0], text: "" };
      expect(typeof timeline.run({ call }).outcome).toBe("number");
    },
  );
});

describe("the kind of a file", () => {
  test.each([
    ["fixtures/maps/chromium.maps.gz", "maps"],
    ["fixtures/maps/postgres.smaps.gz", "smaps"],
    ["fixtures/strace/demo.strace.gz", "strace"],
    ["fixtures/strace/plain.strace.gz", "strace"],
    ["fixtures/strace/perf.script.gz", "perf"],
    ["fixtures/traces/python-stdlib.ndjson.gz", "trace"],
    ["fixtures/recordings/basic-1000.ndjson.gz", "recording"],
  ])("%s is %s", (path, kind) => {
    expect(sniff(bytesOf(path))).toBe(kind);
  });

  test.each(["", "hello\n", "{}", '{"a":1}\n', "<html></html>", "\x00\x01\x02"])(
    "%j is none",
    (text) => {
      expect(sniff(new TextEncoder().encode(text))).toBeNull();
    },
  );
});
