// Exports: a recording replays without a difference, a strace log is read as the same calls.

import { readFile, readFileSync } from "node:fs";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RecordingLimitError } from "../../src/formats/recordable.js";
import { readRecording } from "../../src/formats/recording.js";
import { headerText } from "../../src/formats/recording-text.js";
import { readStrace } from "../../src/formats/strace.js";
import { Engine } from "../../src/index.js";
import { coreOf } from "../../src/replay/engine-core.js";
import { recordCalls } from "../../src/replay/record.js";
import { replayRecording } from "../../src/replay/recording.js";
import type { Entry } from "../../web/app/call.js";
import { Machine } from "../../web/app/machine.js";
import { Timeline } from "../../web/app/timeline.js";
import { readCommand } from "../../web/command/read.js";
import { straceText } from "../../web/log/exports.js";
import { recordingText } from "../../web/log/recording.js";
import { presets } from "../../web/presets/list.js";
import { anyCall } from "./calls.js";

const ROOT = new URL("../../", import.meta.url);
const ALL = presets(async (url) => new Uint8Array(await promisify(readFile)(url)));
const bytes = (text: string) => new TextEncoder().encode(text);

/** The log of a preset, run. */
async function timelineOf(id: string): Promise<Timeline> {
  const { start, planned } = await ALL.find((preset) => preset.id === id)!.load();
  const timeline = new Timeline(await Machine.create(), start);
  for (const call of planned) timeline.run(call);
  return timeline;
}

describe("a recording", () => {
  const ids = ALL.map(({ id }) => id).filter((id) => !["calls", "crowded"].includes(id));
  test.each(ids)("of %s replays with no difference", async (id) => {
    const timeline = await timelineOf(id);
    using engine = await Engine.create();
    const text = recordingText(coreOf(engine), timeline.start, timeline.entries);
    const report = replayRecording(coreOf(engine), bytes(text), "log.ndjson");
    expect(report.first).toBeNull();
    expect(report.operations).toBeGreaterThanOrEqual(timeline.entries.length);
  });

  test("tells the outcomes of the log, where no address had to be moved", async () => {
    const timeline = await timelineOf("middle");
    using engine = await Engine.create();
    const text = recordingText(coreOf(engine), timeline.start, timeline.entries);
    const { steps } = readRecording(bytes(text), "r");
    const results = [...steps].flatMap((step) => (step.kind === "call" ? [step.result] : []));
    expect(results.slice(-5)).toEqual(timeline.entries.map(({ outcome }) => outcome));
  });

  test("of a log below 16 TiB is the same log, 16 TiB further up", async () => {
    const { start, entries } = await timelineOf("B003");
    using engine = await Engine.create();
    const { steps } = readRecording(bytes(recordingText(coreOf(engine), start, entries)), "r");
    const results = [...steps].flatMap((step) => (step.kind === "call" ? [step.result] : []));
    expect(results).toEqual([0x10000000 + 2 ** 44, 0, "SEGV_MAPERR", "ok"]);
  });

  test.each([
    [{ overcommit: "never" }, /overcommit: expected heuristic, got never/],
    [{ mdwe: "no-inherit" }, /mdwe: expected false, got no-inherit/],
    [{ readImpliesExec: true }, /readImpliesExec: expected false, got true/],
  ] as const)(
    "of a start with %j is refused: its header has no place for that",
    async (options, why) => {
      using engine = await Engine.create();
      const record = () => recordingText(coreOf(engine), { options, vmas: [] }, []);
      expect(record).toThrow(RecordingLimitError);
      expect(record).toThrow(why);
    },
  );

  test("of any calls is read back and replays with no difference", async () => {
    using engine = await Engine.create({ memoryBytes: 2 ** 28 });
    const core = coreOf(engine);
    await fc.assert(
      fc.asyncProperty(fc.array(anyCall, { maxLength: 25 }), async (calls) => {
        const start = { options: {}, vmas: [] };
        const entries: Entry[] = calls.map((call) => ({ call, outcome: "EINVAL" }));
        const report = replayRecording(core, bytes(recordingText(core, start, entries)), "f");
        expect(report.first).toBeNull();
      }),
      { numRuns: 200 },
    );
  });

  test("of the kernel's own calls is the kernel's recording again", async () => {
    const name = "fixtures/recordings/basic-1000.ndjson.gz";
    const original = gunzipSync(readFileSync(new URL(name, ROOT)));
    const { header, steps } = readRecording(original, name);
    const calls = [...steps].flatMap((step) => (step.kind === "call" ? [step.call] : []));
    using engine = await Engine.create();
    const again = [...recordCalls(coreOf(engine), header, calls)].join("");
    expect(readRecording(bytes(again), "again").header).toEqual({ ...header, ops: calls.length });
    const read = (input: Uint8Array) =>
      [...readRecording(input, "f").steps].flatMap((step) =>
        step.kind === "call" ? [[step.call, step.result, step.detail, step.map]] : [],
      );
    expect(read(bytes(again))).toEqual(read(original));
    expect(headerText(header)).toContain('"schema":1');
  });
});

describe("a strace log", () => {
  test.each(["middle", "python", "B059"])("of %s is read as the same calls", async (id) => {
    const { entries } = await timelineOf(id);
    const { rows, problems } = readStrace(straceText(entries));
    expect(problems).toEqual([]);
    const calls = rows.flatMap((row) =>
      row.kind === "call" ? [[row.op, row.args, row.result]] : [],
    );
    const shown = entries.filter(({ call }) => call.op !== "fault");
    expect(calls).toEqual(shown.map(({ call, outcome }) => [call.op, call.args, outcome]));
  });

  test("with a fork has two processes", () => {
    const entry = (line: string, outcome: Entry["outcome"] = 0): Entry => ({
      call: readCommand(line),
      outcome,
    });
    const text = straceText([
      entry("munmap 1000 1p"),
      entry("fork"),
      entry("munmap 2000 1p"),
      entry("fault 2000", 0),
      entry("fault 2000", "SEGV_MAPERR"),
    ]);
    expect(text.split("\n")).toEqual([
      "1 munmap(0x1000, 4096) = 0",
      "1 fork() = 2",
      "2 munmap(0x2000, 4096) = 0",
      "2 --- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x2000} ---",
      "",
    ]);
    const { rows, problems } = readStrace(text);
    expect(problems).toEqual([]);
    expect(rows.map(({ kind, pid }) => [kind, pid])).toEqual([
      ["call", 1],
      ["fork", 1],
      ["call", 2],
    ]);
  });
});
