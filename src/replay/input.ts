// Files from disk: plain or gzip, whole or refused with the line where they end. Node only.

import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { InputError, shown } from "../formats/ndjson.js";

const GZIP_MAGIC = [0x1f, 0x8b];
const NEWLINE = 10;

/**
 * The bytes of `path`, decompressed if it is gzip (by its first bytes, whatever its name).
 *
 * @throws InputError it cannot be read, or the gzip stream is broken or ends early
 */
export async function readInput(path: string): Promise<Uint8Array> {
  const raw = await readAll(path);
  if (raw[0] !== GZIP_MAGIC[0] || raw[1] !== GZIP_MAGIC[1]) {
    if (path.endsWith(".gz")) throw new InputError(path, 1, "gzip data", describe(raw));
    return raw;
  }
  const chunks: Uint8Array[] = [];
  try {
    await pipeline([raw], createGunzip(), async (source: AsyncIterable<Uint8Array>) => {
      for await (const chunk of source) chunks.push(chunk);
    });
  } catch (error) {
    const line = 1 + chunks.reduce((lines, chunk) => lines + newlinesIn(chunk), 0);
    throw new InputError(path, line, "an intact gzip stream", (error as Error).message);
  }
  return Buffer.concat(chunks);
}

async function readAll(path: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of createReadStream(path)) chunks.push(chunk as Uint8Array);
  } catch (error) {
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
