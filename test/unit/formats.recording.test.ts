// The reader of recordings: what it makes of good input, and how it refuses bad input.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { InputError } from "../../src/formats/ndjson.js";
import { digestOfRows, readRecording } from "../../src/formats/recording.js";

const FIXTURE = new URL("../../fixtures/recordings/touch-1000.ndjson.gz", import.meta.url);
const TEXT = gunzipSync(readFileSync(FIXTURE)).toString();
const HEADER = TEXT.slice(0, TEXT.indexOf("\n"));
const BASE = 2 ** 44;

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Reads a recording of the fixture's header and these rows; the first error's message. */
function refusal(rows: readonly string[], header = HEADER): string {
  const text = [header, ...rows].join("\n");
  try {
    Array.from(readRecording(bytesOf(text), "FILE").steps);
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  throw new Error("the input was accepted");
}

const row = (fields: object) => JSON.stringify({ i: 0, r: 0, n: 0, h: "811c9dc5", ...fields });

describe("a good recording", () => {
  const { header, steps } = readRecording(bytesOf(TEXT), "FILE");
  const all = [...steps];
  const calls = all.filter((step) => step.kind === "call");

  test("has as many operations as its header says, and a snap at its end", () => {
    expect(calls.length).toBe(header.ops);
    expect(all.at(-1)?.kind).toBe("snap");
  });

  test("gives addresses in bytes from the window base", () => {
    const mmap = calls.map(({ call }) => call).find((call) => call.op === "mmap");
    expect(mmap).toMatchObject({ op: "mmap" });
    expect(Number(mmap!.address)).toBeGreaterThanOrEqual(BASE);
  });

  test("applies the change of each row, so that every map has the row's digest", () => {
    const digests = TEXT.trim()
      .split("\n")
      .slice(1)
      .map((line) => JSON.parse(line).h);
    expect(all.map((step) => digestOfRows(step.map))).toEqual(digests);
  });

  test("describes a call by its arguments alone", () => {
    const { steps: one } = readRecording(
      bytesOf(`${HEADER}\n${row({ op: "mlock", a: 1, l: "0x10", r: "ENOMEM" })}\n`),
      "FILE",
    );
    const [step] = one;
    expect(step?.kind === "call" && step.text()).toBe("mlock a=1 l=0x10");
  });
});

describe("forms of addresses", () => {
  const addressOf = (fields: object) => {
    const { steps } = readRecording(bytesOf(`${HEADER}\n${row(fields)}`), "FILE");
    const [step] = steps;
    return step?.kind === "call" && "address" in step.call ? step.call.address : null;
  };

  test.each([
    [3, BASE + 3 * 4096],
    [-(2 ** 32), 0],
    ["w+0x1801", BASE + 0x1801],
    ["w-0x10", BASE - 0x10],
    ["0x1000", 0x1000],
    ["0xfffffffffffff000", 0xffff_ffff_ffff_f000n],
  ])("munmap a=%s", (a, expected) => {
    expect(addressOf({ op: "munmap", a, l: 1 })).toBe(expected);
  });

  test.each([
    [null, 0],
    [2, BASE + 8192],
    ["0x12", BASE + 0x12],
    ["-0x1000", BASE - 4096],
    ["abs 0x7ffffffff000", 0x7fff_ffff_f000],
  ])("brk a=%s", (a, expected) => {
    expect(addressOf({ op: "brk", a })).toBe(expected);
  });
});

describe("a bad recording is refused with file, line and what was expected", () => {
  const change = (edit: (header: Record<string, unknown>) => void) => {
    const header = JSON.parse(HEADER);
    edit(header);
    return JSON.stringify(header);
  };

  test("empty", () => {
    expect(() => readRecording(bytesOf(""), "FILE")).toThrow(
      "FILE:1: expected a header, got an empty file",
    );
  });

  test("another schema version", () => {
    const header = change((fields) => {
      fields["schema"] = 2;
    });
    expect(refusal([], header)).toBe("FILE:1: expected schema 1, got 2");
  });

  test("a header without files", () => {
    const header = change((fields) => {
      delete fields["files"];
    });
    expect(refusal([], header)).toBe('FILE:1: expected "files" to be a list, got nothing');
  });

  test("a line that is no JSON", () => {
    const good = row({ op: "munmap", a: 0, l: 1 });
    expect(refusal([good, '{"i":1,"op":"mun'])).toBe(
      'FILE:3: expected one JSON object, got "{\\"i\\":1,\\"op\\":\\"mun"',
    );
  });

  test("a line that is JSON but no object", () => {
    expect(refusal(["[1]"])).toBe("FILE:2: expected one JSON object, got [1]");
  });

  test("an unknown operation", () => {
    expect(refusal([row({ op: "frobnicate" })])).toMatch(
      /^FILE:2: expected "op" to be one of mmap, munmap, .*, snap, got "frobnicate"$/,
    );
  });

  test.each([
    [{ op: "munmap", l: 1 }, 'FILE:2: expected "a" to be an integer, got nothing'],
    [{ op: "munmap", a: "7", l: 1 }, 'FILE:2: expected "a" to be a number like 0x1000, got "7"'],
    [{ op: "munmap", a: 0, l: -1 }, 'FILE:2: expected "l" to be a count, got -1'],
    [{ op: "munmap", a: 0, l: 1, n: 3 }, 'FILE:2: expected "n" to be 0 VMAs, got 3'],
    [
      { op: "munmap", a: 0, l: 1, x: [0] },
      'FILE:2: expected "x" to be [from, count, rows], got [0]',
    ],
    [
      { op: "rlimit", res: "CPU", v: 1 },
      'FILE:2: expected "res" to be one of AS, DATA, MEMLOCK, STACK, got "CPU"',
    ],
    [
      { op: "touch", a: 0, l: 1, w: 0, r: "maybe" },
      'FILE:2: expected "r" to be ok, SEGV_MAPERR, SEGV_ACCERR or BUS_ADRERR, got "maybe"',
    ],
  ])("%j", (fields, message) => {
    expect(refusal([row(fields)])).toBe(message);
  });

  test("a file of the mapping that the header does not know", () => {
    const fields = { op: "mmap", a: 0, l: 1, p: 1, f: 2, fd: "f9", o: 0 };
    expect(refusal([row(fields)])).toBe(
      'FILE:2: expected "fd" to be a file of the header, "bad" or "", got "f9"',
    );
  });

  test("a VMA with impossible permissions", () => {
    const fields = { op: "munmap", a: 0, l: 1, n: 1, x: [0, 0, [[0, 1, "rwzp", 0, "", ""]]] };
    expect(refusal([row(fields)])).toMatch(
      /^FILE:2: expected a VMA \[start, .*\] in "x", got \[0,1,"rwzp",0,"",""\]$/,
    );
  });

  test("a snap that the changes do not add up to", () => {
    const vmas = [[0, 1, "r--p", 0, "", "rd mr mw me"]] as const;
    const snap = { op: "snap", h: digestOfRows(vmas), ct: [0, 0, 0, 0], vmas };
    expect(refusal([row(snap)])).toBe(
      "FILE:2: expected the map that the changes before it add up to, got another map",
    );
  });

  test("rows missing at the end", () => {
    const lines = TEXT.trim().split("\n");
    const cut = 1 + lines.findLastIndex((line) => !line.includes('"op":"snap"'));
    expect(refusal(lines.slice(1, cut))).toBe(
      `FILE:${cut + 1}: expected a closing snap row, got the end of the file`,
    );
  });

  test("fewer operations than the header says", () => {
    const lines = TEXT.trim().split("\n");
    const cut = lines.findIndex((line) => line.includes('"snap"')) + 1;
    expect(refusal(lines.slice(1, cut))).toMatch(/^FILE:\d+: expected 300 operations, got \d+$/);
  });
});

test("a line longer than any row is refused before it becomes a string", () => {
  const [rows, limit] = [bytesOf(`${HEADER}\n`), 2 ** 26];
  const bytes = new Uint8Array(rows.length + limit + 2).fill(0x20);
  bytes.set(rows);
  const read = () => Array.from(readRecording(bytes, "FILE").steps);
  expect(read).toThrow(new InputError("FILE", 2, "a line of at most 64 MiB", "a longer one"));
});
