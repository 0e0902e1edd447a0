// Files from disk: plain or gzip, whole or refused with the line where they end. Node only.

import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { InputError, shown } from "../formats/ndjson.js";

const GZIP_MAGIC = [0x1f, 0x8b];
const NEWLINE = 10;
/** Bytes, unpacked. */
const LIMIT = 2 ** 31;
/** The name of what comes through a pipe. */
const STDIN = "-";

/**
 * The bytes of `path`, decompressed if it is gzip (by its first bytes, whatever its name).
 * `-` is the standard input.
 *
 * @param limit bytes, unpacked
 *
 * @throws InputError it cannot be read, is too large, or the gzip stream is broken, ends
 * early, or holds another one
 */
export async function readInput(path: string, limit = LIMIT): Promise<Uint8Array> {
  const raw = await readAll(path, limit);
  if (raw[0] !== GZIP_MAGIC[0] || raw[1] !== GZIP_MAGIC[1]) {
    if (path.endsWith(".gz")) throw new InputError(path, 1, "gzip data", describe(raw));
    return raw;
  }
  const chunks: Uint8Array[] = [];
  try {
    await pipeline([raw], createGunzip(), async (source: AsyncIterable<Uint8Array>) => {
      let length = 0;
      for await (const chunk of source) {
        length += chunk.length;
        if (length > limit) throw tooLarge(path, limit);
        chunks.push(chunk);
      }
    });
  } catch (error) {
    if (error instanceof InputError) throw error;
    const line = 1 + chunks.reduce((lines, chunk) => lines + newlinesIn(chunk), 0);
    throw new InputError(path, line, "an intact gzip stream", (error as Error).message);
  }
  const bytes = Buffer.concat(chunks);
  if (bytes[0] === GZIP_MAGIC[0] && bytes[1] === GZIP_MAGIC[1]) {
    throw new InputError(path, 1, "text in the gzip stream", "another gzip stream");
  }
  return bytes;
}

/**
 * The same, of a file that is text.
 *
 * @throws InputError also if it has a NUL byte, which no text has
 */
export async function readText(path: string, what: string): Promise<Uint8Array> {
  const bytes = await readInput(path);
  if (bytes.length === 0) throw new InputError(path, 1, what, "an empty file");
  const at = bytes.indexOf(0);
  if (at < 0) return bytes;
  throw new InputError(path, 1 + newlinesIn(bytes.subarray(0, at)), what, "binary data");
}

function tooLarge(path: string, limit: number): InputError {
  return new InputError(path, 1, `at most ${limit} bytes`, "more");
}

async function readAll(path: string, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  try {
    let length = 0;
    for await (const chunk of path === STDIN ? process.stdin : createReadStream(path)) {
      length += (chunk as Uint8Array).length;
      if (length > limit) throw tooLarge(path, limit);
      chunks.push(chunk as Uint8Array);
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(path, 1, "a readable file", (error as NodeJS.ErrnoException).code);
  }
  return Buffer.concat(chunks);
}

function describe(bytes: Uint8Array): string {
  return bytes.length === 0
    ? "an empty file"
    : shown(Buffer.from(bytes.subarray(0, 20)).toString());
}

function newlinesIn(chunk: Uint8Array): number {
  let count = 0;
  for (const byte of chunk) if (byte === NEWLINE) count++;
  return count;
}
