// What a recording cannot hold is refused in one line; what it holds comes back as it was.

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RecordingLimitError } from "../../src/formats/recordable.js";
import {
  type RecordedCall,
  type RecordingHeader,
  readRecording,
  WINDOW_BASE,
} from "../../src/formats/recording.js";
import { Engine } from "../../src/index.js";
import { coreOf } from "../../src/replay/engine-core.js";
import { recordCalls } from "../../src/replay/record.js";

const PAGE = 4096;
const HEADER: RecordingHeader = {
  kernel: "vmaple",
  mode: "test",
  seed: 0,
  variant: 0,
  ops: 0,
  window: 2 ** 20,
  base: WINDOW_BASE,
  full: false,
  capIpcLock: false,
  root: false,
  vmFlags: true,
  outsideVmas: 2,
  maxMapCount: 65530,
  stackGuardGapPages: 256,
  rlimits: { AS: -1, DATA: -1, MEMLOCK: 2048, STACK: 2048 },
  initialCounts: [2, 0, 1, 1],
  files: [{ id: "f0", mode: "rw", bytes: 2 ** 20, kind: "ext4" }],
  heap: null,
};

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.create();
});
afterAll(() => engine.dispose());

const HERE = { address: WINDOW_BASE, length: PAGE };
const MAP = { op: "mmap", ...HERE, prot: 3, flags: 0x22, fd: "", offset: 0 } as const;

describe("a recording cannot hold", () => {
  test.each<[string, RecordedCall]>([
    ["mmap, prot: expected a count, got -1", { ...MAP, prot: -1 }],
    ["mmap, flags: expected a count, got 0.5", { ...MAP, flags: 0.5 }],
    ['mmap, fd: expected a file of the header, "bad" or "", got f9', { ...MAP, fd: "f9" }],
    [
      "munmap, address: expected a count, got -4096",
      { op: "munmap", address: -PAGE, length: PAGE },
    ],
    [
      "munmap, length: expected a word of 64 bits, got 18446744073709551616",
      { op: "munmap", address: 0, length: 2n ** 64n },
    ],
    [
      "madvise, advice: expected an integer, got NaN",
      { op: "madvise", ...HERE, advice: Number.NaN },
    ],
    [
      "touch, pages: expected a count, got -2",
      { op: "touch", address: 0, pages: -2, write: false },
    ],
    [
      "bulk, count: expected a count, got Infinity",
      { op: "bulk", address: 0, count: Number.POSITIVE_INFINITY },
    ],
  ])("%s", (message, call) => {
    const record = () => recordCalls(coreOf(engine), HEADER, [MAP, call]).next();
    expect(record).toThrow(RecordingLimitError);
    expect(record).toThrow(`a recording cannot hold call 2, ${message}`);
  });

  test.each<[string, Partial<RecordingHeader>]>([
    ["the header's base: expected 17592186044416, got 4096", { base: PAGE }],
    ["the header's window: expected a count, got -1", { window: -1 }],
    ["the header's seed: expected an integer, got 0.5", { seed: 0.5 }],
    [
      "the header's rlimit AS: expected an integer, got 1.5",
      { rlimits: { ...HEADER.rlimits, AS: 1.5 } },
    ],
    ["the header's counts: expected an integer, got NaN", { initialCounts: [2, 0, 1, Number.NaN] }],
    [
      "the bytes of file f1: expected an integer, got Infinity",
      { files: [{ id: "f1", mode: "r", bytes: Number.POSITIVE_INFINITY, kind: "ext4" }] },
    ],
    [
      "the heap's startBrk: expected a count, got -4096",
      { heap: { startBrk: -PAGE, brk: 0, dataSegmentBytes: 0 } },
    ],
  ])("%s", (message, header) => {
    const record = () => recordCalls(coreOf(engine), { ...HEADER, ...header }, []).next();
    expect(record).toThrow(RecordingLimitError);
    expect(record).toThrow(`a recording cannot hold ${message}`);
  });

  test("a fork that fails", async () => {
    using small = await Engine.create({ memoryBytes: 2 ** 20, maxWorkers: 1 });
    const bulk: RecordedCall = { op: "bulk", address: WINDOW_BASE, count: 2 ** 19 };
    const fork: RecordedCall = { op: "fork", goOnInChild: false, child: [] };
    const record = () => [...recordCalls(coreOf(small), HEADER, [bulk, fork])];
    expect(record).toThrow("a recording cannot hold call 2, fork: expected a child, got ENOMEM");
    expect(small.stats().memory.kinds.mm.live).toBe(0);
  });
});

test("what it holds is read back as it was given", () => {
  const address = fc.oneof(
    fc.maxSafeNat(),
    fc.nat({ max: 2 ** 30 }).map((page) => page * PAGE),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
    fc.bigInt({ min: 2n ** 41n, max: 2n ** 52n - 1n }).map((page) => page * 4096n),
  );
  const count = fc.nat();
  const integer = fc.integer();
  const call = fc.oneof(
    fc.record({
      op: fc.constant("mmap" as const),
      address,
      length: address,
      prot: count,
      flags: count,
      fd: fc.constantFrom("", "bad", "f0"),
      offset: address,
    }),
    fc.record({ op: fc.constantFrom("munmap" as const, "mincore"), address, length: address }),
    fc.record({
      op: fc.constant("mremap" as const),
      address,
      length: address,
      newLength: address,
      flags: count,
      newAddress: address,
    }),
    fc.record({
      op: fc.constantFrom("msync" as const, "mseal", "mlock2"),
      address,
      length: address,
      flags: integer,
    }),
    fc.record({ op: fc.constant("madvise" as const), address, length: address, advice: integer }),
    fc.record({ op: fc.constant("brk" as const), address }),
    fc.record({
      op: fc.constant("touch" as const),
      address,
      pages: fc.nat({ max: 3 }),
      write: fc.boolean(),
    }),
    fc.record({
      op: fc.constant("setname" as const),
      address,
      length: address,
      name: fc.string({ unit: "binary" }),
    }),
  );
  fc.assert(
    fc.property(fc.array(call, { maxLength: 10 }), (calls) => {
      const text = [...recordCalls(coreOf(engine), HEADER, calls)].join("");
      const { steps } = readRecording(new TextEncoder().encode(text), "r");
      const read = [...steps].flatMap((step) => (step.kind === "call" ? [step.call] : []));
      expect(read).toEqual(calls);
    }),
    { numRuns: 300 },
  );
});
