// Both readers under mutated real files: they report what is wrong and never throw but
// InputError, in strict mode; what they accept, they write and read again.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InputError, mapsBytes, readMaps } from "../../src/formats/maps.js";
import { readPerf } from "../../src/formats/perf.js";
import { readStrace } from "../../src/formats/strace.js";

const RUNS = Number(process.env["VMAPLE_FUZZ_RUNS"] ?? 150);
/** Bytes of a file that are mutated: many runs over a piece find more than few over all. */
const PIECE = 12_000;

function fixture(path: string): Uint8Array {
  const url = new URL(`../../fixtures/${path}.gz`, import.meta.url);
  return gunzipSync(readFileSync(url)).subarray(0, PIECE);
}

type Mutation =
  | { readonly kind: "set"; readonly at: number; readonly byte: number }
  | { readonly kind: "cut"; readonly at: number; readonly length: number }
  | { readonly kind: "repeat"; readonly at: number; readonly length: number }
  | { readonly kind: "insert"; readonly at: number; readonly text: string };

const at = fc.nat(PIECE);
const length = fc.nat(200);
/** What a format gives a meaning to. */
const texts = [
  "\n",
  "\0",
  "\r",
  " ",
  "-",
  "(",
  ")",
  "<",
  ">",
  '"',
  "\\",
  "|",
  "= ",
  "0x",
  "ffffffffffffffffff",
  "\\012",
  " (deleted)",
  "<unfinished ...>",
  "<... mmap resumed>",
  "[pid 7] ",
  "+++ exited with 0 +++",
  "é",
];
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant("set" as const), at, byte: fc.nat(255) }),
  fc.record({ kind: fc.constant("cut" as const), at, length }),
  fc.record({ kind: fc.constant("repeat" as const), at, length }),
  fc.record({ kind: fc.constant("insert" as const), at, text: fc.constantFrom(...texts) }),
);
const mutations = fc.array(mutation, { minLength: 1, maxLength: 12 });

function mutated(bytes: Uint8Array, list: readonly Mutation[]): Uint8Array {
  let result = Buffer.from(bytes);
  for (const one of list) {
    const place = one.at % (result.length + 1);
    const before = result.subarray(0, place);
    const after = result.subarray(place);
    if (one.kind === "set")
      result = Buffer.concat([before, Buffer.of(one.byte), after.subarray(1)]);
    if (one.kind === "cut") result = Buffer.concat([before, after.subarray(one.length)]);
    if (one.kind === "repeat")
      result = Buffer.concat([before, after.subarray(0, one.length), after]);
    if (one.kind === "insert") result = Buffer.concat([before, Buffer.from(one.text), after]);
  }
  return result;
}

function fuzz(file: string, property: (bytes: Uint8Array) => void): void {
  const bytes = fixture(file);
  fc.assert(
    fc.property(mutations, (list) => property(mutated(bytes, list))),
    { numRuns: RUNS },
  );
}

/** Strict reading ends well or with InputError, exactly if lenient reading had problems. */
function strictAgrees(problems: number, read: () => unknown): void {
  let error: unknown = null;
  try {
    read();
  } catch (caught) {
    error = caught;
  }
  if (error !== null) expect(error).toBeInstanceOf(InputError);
  expect(error !== null).toBe(problems > 0);
}

describe("maps", () => {
  test.each(["maps/odd.maps", "maps/odd.smaps", "maps/chromium.maps", "maps/postgres.smaps"])(
    "%s",
    (file) => {
      fuzz(file, (bytes) => {
        const { entries, problems } = readMaps(bytes);
        strictAgrees(problems.length, () => readMaps(bytes, { strict: true }));
        const written = mapsBytes(entries);
        const again = readMaps(written, { strict: true });
        expect(Buffer.compare(mapsBytes(again.entries), written)).toBe(0);
      });
    },
  );

  test("any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        const { entries } = readMaps(bytes);
        expect(entries.length).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: RUNS },
    );
  });
});

describe("strace", () => {
  test.each([
    "strace/demo.strace",
    "strace/all.strace",
    "strace/err.strace",
    "strace/verbose.strace",
  ])("%s", (file) => {
    fuzz(file, (bytes) => {
      const { rows, problems } = readStrace(bytes);
      strictAgrees(problems.length, () => readStrace(bytes, { strict: true }));
      for (const row of rows) expect(row.line).toBeGreaterThan(0);
    });
  });

  test("perf script", () => {
    fuzz("strace/perf.script", (bytes) => {
      const { problems } = readPerf(bytes);
      strictAgrees(problems.length, () => readPerf(bytes, { strict: true }));
    });
  });

  test("any text", () => {
    const word = fc.constantFrom(
      "mmap",
      "(",
      ")",
      "=",
      "0x7000",
      "brk",
      "10 ",
      "<",
      ">",
      '"',
      "{",
      "}",
      ", ",
      "\n",
      "clone",
      " resumed>",
      "<... ",
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 60 }), (words) => {
        readStrace(words.join(""));
      }),
      { numRuns: RUNS * 4 },
    );
  });
});
