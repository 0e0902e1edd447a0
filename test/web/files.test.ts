// Files of every kind, whole and broken: what is understood is kept, and the rest is told.

import { readFileSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readAnyFile } from "../../web/files/reading.js";

const ROOT = new URL("../../", import.meta.url);
const packed = (path: string) => readFileSync(new URL(path, ROOT));
const read = (bytes: Uint8Array | string, name = "f") =>
  readAnyFile(new Blob([bytes as string]), name);

describe("a whole file", () => {
  test.each([
    ["fixtures/maps/chromium.maps.gz", "maps", 400],
    ["fixtures/maps/postgres.smaps.gz", "smaps", 100],
  ])("%s", async (path, kind, least) => {
    for (const bytes of [packed(path), gunzipSync(packed(path))]) {
      const contents = await read(bytes);
      expect(contents.kind).toBe(kind);
      expect(contents.entries.length).toBeGreaterThan(least);
      expect(contents.problems).toEqual([]);
    }
  });

  test.each([
    ["fixtures/strace/demo.strace.gz", "strace"],
    ["fixtures/strace/perf.script.gz", "perf"],
    ["fixtures/recordings/basic-1000.ndjson.gz", "recording"],
    ["web/presets/traces/gcc.ndjson.gz", "trace"],
  ])("%s", async (path, kind) => {
    const contents = await read(packed(path));
    expect(contents.kind).toBe(kind);
    expect(contents.logs[0]?.planned.length).toBeGreaterThan(20);
    expect(contents.problems).toEqual([]);
  });

  test("tells how far it is, up to the whole", async () => {
    const shares: number[] = [];
    const text = "00400000-00401000 r--p 00000000 00:00 0 \n".repeat(1);
    await readAnyFile(new Blob([text]), "f", (share) => shares.push(share));
    expect(shares.at(-1)).toBe(1);
  });
});

describe("bad input", () => {
  test.each([
    ["", /^f:1: expected maps, smaps, a strace .*, got an empty file$/],
    ["Dear diary,\n", /^f:1: expected maps, .* got other text$/],
    ["\x7fELF\x00\x00", /^f:1: expected maps, .* got binary data$/],
    ['{"schema":9}\n', /^f:1: expected schema 1, got 9$/],
  ])("%j", async (text, message) => {
    await expect(read(text)).rejects.toThrow(message);
  });

  test("a wrong line among good ones is told with its number, the rest is kept", async () => {
    const { entries, problems } = await read(
      "00400000-00401000 r--p 00000000 00:00 0 \nnot a line\n00402000-00403000 rw-p 00000000 00:00 0 \n",
    );
    expect(entries).toHaveLength(2);
    expect(problems).toEqual([
      { line: 2, text: 'expected a line of maps or smaps, got "not a line"' },
    ]);
  });

  test("a half line at the end of a log", async () => {
    const { logs } = await read("munmap(0x5000, 4096) = 0\nmmap(NULL, 40");
    expect(logs[0]?.planned).toHaveLength(1);
  });

  test("a recording that contradicts itself keeps what came before", async () => {
    const lines = gunzipSync(packed("fixtures/recordings/basic-1000.ndjson.gz"))
      .toString()
      .split("\n");
    lines[40] = '{"op":"nonsense"}';
    const { logs, problems } = await read(lines.join("\n"));
    expect(logs[0]?.planned.length).toBeGreaterThan(30);
    expect(problems[0]?.line).toBe(41);
  });

  test("a gzip stream that is cut keeps the lines before the cut", async () => {
    const line = (n: number) =>
      `${(0x400000 + n * 8192).toString(16)}-${(0x401000 + n * 8192).toString(16)} rw-p 0000${(n * 7919) % 10000} 00:00 ${n * n} \n`;
    const bytes = gzipSync(Array.from({ length: 20_000 }, (_, n) => line(n)).join(""));
    const { entries, problems } = await read(bytes.subarray(0, bytes.length / 2));
    expect(entries.length).toBeGreaterThan(1000);
    expect(problems.at(-1)?.text).toMatch(/expected an intact gzip stream/);
  });

  test("any bytes: contents, or one line that says what was expected", async () => {
    const pieces = fc.constantFrom(
      "00400000-00401000 r--p 00000000 00:00 0 \n",
      "mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000\n",
      "[pid 5] munmap(0x7f0000000000, 4096) = 0\n",
      '{"k":"header","schema":1}\n',
      "VmFlags: rd\n",
      "\x00",
      "garbage ",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 8 }), async (parts) => {
        try {
          const { entries, logs } = await read(parts.join(""));
          expect(entries.length + logs.length).toBeGreaterThan(0);
        } catch (error) {
          expect((error as Error).name).toBe("InputError");
          expect((error as Error).message).toMatch(/^f:\d+: expected [^\n]+$/);
        }
      }),
      { numRuns: 300 },
    );
  });
});

test("a log of 50 MB", async () => {
  const line =
    "12345 mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000\n";
  const count = Math.ceil(50e6 / line.length);
  const begun = performance.now();
  const { logs } = await read(line.repeat(count));
  expect(logs[0]?.planned).toHaveLength(count);
  expect(performance.now() - begun).toBeLessThan(60_000);
}, 120_000);
