// The reader of traces: what it makes of good input, and how it refuses bad input.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { InputError } from "../../src/formats/ndjson.js";
import { readTrace } from "../../src/formats/trace.js";

const FIXTURE = new URL("../../fixtures/traces/python-stdlib.ndjson.gz", import.meta.url);
const HEADER = '{"k":"header","schema":1,"kernel":"Linux","page":4096,"program":["true"]}';
const TOTAL = '{"k":"total","calls":0,"by":{}}';

const bytesOf = (text: string) => new TextEncoder().encode(text);

function rowsOf(...lines: string[]) {
  return [...readTrace(bytesOf([HEADER, ...lines].join("\n")), "FILE").rows];
}

function refusal(...lines: string[]): string {
  try {
    Array.from(readTrace(bytesOf(lines.join("\n")), "FILE").rows);
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  throw new Error("the input was accepted");
}

test("the committed trace has the calls that its header counts", () => {
  const { header, rows } = readTrace(gunzipSync(readFileSync(FIXTURE)), "FILE");
  const kinds = [...rows].map((row) => row.kind);
  expect(header.program.at(-1)).toBe("pymany.py");
  expect(kinds.filter((kind) => kind === "call").length).toBe(1258);
  expect(kinds.filter((kind) => kind === "maps").length).toBe(3);
});

test("a call has its arguments as words, its file and its result", () => {
  const [row] = rowsOf(
    '{"k":"s","pid":7,"tid":8,"t":0,"op":"mmap","a":["0","2000",1,2,3,"1000"],"file":"/lib/x","r":"7f00"}',
    TOTAL,
  );
  expect(row).toMatchObject({
    kind: "call",
    pid: 7,
    tid: 8,
    op: "mmap",
    args: [0, 0x2000, 1, 2, 3, 0x1000],
    file: "/lib/x",
    result: 0x7f00,
  });
});

test("an errno stays a name, a word above 2^53 a bigint", () => {
  const [row] = rowsOf(
    '{"k":"s","pid":7,"tid":7,"t":0,"op":"munmap","a":["fffffffffffff000","1"],"r":"EINVAL"}',
    TOTAL,
  );
  expect(row).toMatchObject({ args: [0xffff_ffff_ffff_f000n, 1], result: "EINVAL" });
});

test("the page of the kernel's half is no VMA", () => {
  const vmas = [
    ["1000", "2000", "r--p", "0", 5, "/lib/x"],
    ["ffffffffff600000", "ffffffffff601000", "--xp", "0", 0, "[vsyscall]"],
  ];
  const [row] = rowsOf(JSON.stringify({ k: "maps", why: "exit", pid: 7, t: 0, vmas }), TOTAL);
  expect(row).toMatchObject({
    kind: "maps",
    vmas: [{ start: 0x1000, end: 0x2000, perms: "r--p", offset: 0, inode: 5, name: "/lib/x" }],
  });
});

describe("a bad trace is refused with file, line and what was expected", () => {
  test("another schema version", () => {
    expect(refusal(HEADER.replace('"schema":1', '"schema":"x"'), TOTAL)).toBe(
      'FILE:1: expected schema 1, got "x"',
    );
  });

  test("an unknown kind of row", () => {
    expect(refusal(HEADER, '{"k":"weather"}', TOTAL)).toMatch(
      /^FILE:2: expected "k" to be s, maps, .*, got "weather"$/,
    );
  });

  test("an unknown call", () => {
    const call = '{"k":"s","pid":7,"tid":7,"op":"open","a":[],"r":"0"}';
    expect(refusal(HEADER, call, TOTAL)).toMatch(
      /^FILE:2: expected "op" to be one of mmap, .*, got "open"$/,
    );
  });

  test("too few arguments", () => {
    const call = '{"k":"s","pid":7,"tid":7,"op":"munmap","a":["0"],"r":"0"}';
    expect(refusal(HEADER, call, TOTAL)).toBe(
      'FILE:2: expected "a" to be a list of 2 arguments of munmap, got ["0"]',
    );
  });

  test("a result that is neither a number nor an errno", () => {
    const call = '{"k":"s","pid":7,"tid":7,"op":"brk","a":["0"],"r":"oops"}';
    expect(refusal(HEADER, call, TOTAL)).toBe(
      'FILE:2: expected "r" to be a number like 1000, got "oops"',
    );
  });

  test("no total row", () => {
    expect(refusal(HEADER, '{"k":"end","pid":7}')).toBe(
      "FILE:3: expected a total row, got the end of the file",
    );
  });

  test("rows after the total row", () => {
    expect(refusal(HEADER, TOTAL, TOTAL)).toMatch(
      /^FILE:3: expected nothing after the total row, got /,
    );
  });
});
