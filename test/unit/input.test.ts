// Files that are larger than can be read: refused with one line, and without reading on.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { readInput } from "../../src/replay/input.js";

const FOLDER = mkdtempSync(join(tmpdir(), "vmaple-input-"));
const LIMIT = 2 ** 20;

afterAll(() => rmSync(FOLDER, { recursive: true }));

function written(name: string, bytes: Uint8Array): string {
  const path = join(FOLDER, name);
  writeFileSync(path, bytes);
  return path;
}

test("a file of the limit is read, a longer one is not", async () => {
  const path = written("whole", new Uint8Array(LIMIT));
  expect((await readInput(path, LIMIT)).length).toBe(LIMIT);
  const longer = written("longer", new Uint8Array(LIMIT + 1));
  await expect(readInput(longer, LIMIT)).rejects.toThrow(
    `${longer}:1: expected at most ${LIMIT} bytes, got more`,
  );
});

test("what unpacks to more than the limit is not unpacked to its end", async () => {
  const bomb = written("bomb.gz", gzipSync(new Uint8Array(64 * LIMIT)));
  await expect(readInput(bomb, LIMIT)).rejects.toThrow(
    `${bomb}:1: expected at most ${LIMIT} bytes, got more`,
  );
});
