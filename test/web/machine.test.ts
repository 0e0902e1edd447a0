// The machine's calls that are no system calls of one space: faults, fork, limits; and what a
// recorded answer does to the map.

import { describe, expect, test } from "vitest";
import type { Call } from "../../web/app/call.js";
import { Machine, type Start } from "../../web/app/machine.js";
import { Timeline } from "../../web/app/timeline.js";
import { readCommand } from "../../web/command/read.js";

const EMPTY: Start = { options: {}, vmas: [] };
const AT = 0x10000000;

async function timelineOf(start: Start, ...lines: string[]): Promise<Timeline> {
  const timeline = new Timeline(await Machine.create(), start);
  for (const line of lines) timeline.run({ call: readCommand(line) });
  return timeline;
}

const outcomes = ({ entries }: Timeline) => entries.map(({ outcome }) => outcome);

describe("calls", () => {
  test("a fault goes page by page, until one is refused", async () => {
    const timeline = await timelineOf(
      EMPTY,
      "mmap 2p rw fixed at 10000000",
      "fault 10000000 write 2p",
      "fault 10000000 read 3p",
      "fault 10002000",
      "fault 10000000 exec",
    );
    expect(outcomes(timeline)).toEqual([AT, 0, "SEGV_MAPERR", "SEGV_MAPERR", "SEGV_ACCERR"]);
    expect(timeline.machine.mm.vmas()[0]?.anonVma).not.toBe(0);
  });

  test("fork goes on in the child, and back over it in the parent", async () => {
    const timeline = await timelineOf(
      EMPTY,
      "mmap 1p rw fixed at 10000000",
      "mmap 1p r fixed at 10001000",
      "madvise 10001000 1p dontfork",
      "fork",
      "munmap 10000000 1p",
    );
    const { machine } = timeline;
    expect(machine.mm.vmas()).toHaveLength(0);
    const child = machine.mm.asRaw();
    timeline.seek(3);
    expect(machine.mm.vmas()).toHaveLength(2);
    expect(machine.mm.asRaw()).not.toBe(child);
    timeline.seek(4);
    expect(machine.mm.vmas().map(({ start }) => start)).toEqual([AT]);
    expect(machine.mm.validate()).toEqual([]);
  });

  test("fork parent leaves the log where it is", async () => {
    const timeline = await timelineOf(EMPTY, "mmap 1p rw fixed at 10000000");
    const before = timeline.machine.mm.asRaw();
    timeline.run({ call: readCommand("fork parent") });
    expect(timeline.machine.mm.asRaw()).toBe(before);
    expect(timeline.machine.mm.mmUsers).toBe(1);
  });

  test("a limit refuses, and unlimited lifts it", async () => {
    const timeline = await timelineOf(
      EMPTY,
      "rlimit as 8K",
      "mmap 3p rw",
      "rlimit as unlimited",
      "mmap 3p rw at 10000000 fixed",
    );
    expect(outcomes(timeline)).toEqual([0, "ENOMEM", 0, AT]);
  });
});

describe("a recorded answer", () => {
  const mmap: Call = { op: "mmap", args: [0, 4096, 3, 0x22, -1, 0], text: "" };

  test("puts a mapping where it went, whichever way one comes there", async () => {
    const timeline = new Timeline(await Machine.create(), EMPTY);
    const entry = timeline.run({ call: mmap, recorded: AT });
    expect(entry.outcome).not.toBe(AT);
    timeline.run({ call: { op: "munmap", args: [AT, 4096], text: "" }, recorded: 0 });
    timeline.seek(1);
    expect(timeline.machine.mm.vmas().map(({ start }) => start)).toEqual([AT]);
  });

  test("of a log without a first map proves what was there", async () => {
    const timeline = new Timeline(await Machine.create(), { ...EMPTY, isPartial: true });
    const call: Call = { op: "mprotect", args: [AT, 8192, 1], text: "" };
    expect(timeline.run({ call, recorded: 0 }).outcome).toBe(0);
    expect(timeline.machine.mm.vmas().map(({ start, end }) => [start, end])).toEqual([
      [AT, AT + 8192],
    ]);
  });
});

test("files of a start have their properties", async () => {
  const start: Start = { ...EMPTY, files: [{ name: "f", writable: false }] };
  const timeline = await timelineOf(start, "mmap 4K rw shared file f", "mmap 4K r shared file f");
  expect(timeline.entries[0]?.outcome).toBe("EACCES");
  expect(typeof timeline.entries[1]?.outcome).toBe("number");
});
