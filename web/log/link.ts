// A log in the fragment of the page's address, and back.
//
//   #log=1.<base64url of zlib of this text>
//   start {"options":{...},"vmas":[["7ffe...","7fff...","rw-p","0",0,"[stack]"]]}
//   at 3
//   mmap 64K rw
//   mprotect 0x7ffff7d84000 16K r => ENOMEM         (=> what a file recorded, where it differs)
//
// The text is the log itself, line by line, so that of a damaged link all lines before the
// damage are kept. zlib's checksum tells damage.

import type { Entry } from "../app/call.js";
import type { Start } from "../app/machine.js";
import type { Planned } from "../app/timeline.js";
import { CommandError } from "../command/tokens.js";
import { plannedLine, readPlanned } from "./planned.js";
import { type StartJson, startJson, startOf } from "./start.js";

export const LINK_VERSION = 1;
const KEY = "log=";
/** Characters: what browsers, chats and mail pass on without cutting. */
export const LINK_LIMIT = 32_000;
/** Bytes of a log, unpacked: more is no log that a link was made of. */
const TEXT_LIMIT = 2 ** 24;

/** A log as a link has it. */
export interface LinkedLog {
  readonly start: Start;
  readonly planned: readonly Planned[];
  readonly cursor: number;
  /** What is wrong with the link, in one sentence; null if it is whole. */
  readonly problem: string | null;
}

/** The fragment for a log, with its `#`. @throws RangeError it is longer than a link may be */
export async function linkOf(
  start: Start,
  entries: readonly Entry[],
  cursor: number,
): Promise<string> {
  const lines = entries.map(({ call, outcome, recorded }) =>
    plannedLine(call, recorded === outcome ? undefined : recorded),
  );
  const text = [`start ${JSON.stringify(startJson(start))}`, `at ${cursor}`, ...lines, ""].join(
    "\n",
  );
  const packed = await through(new CompressionStream("deflate"), new TextEncoder().encode(text));
  const fragment = `#${KEY}${LINK_VERSION}.${toBase64Url(packed.bytes)}`;
  if (fragment.length <= LINK_LIMIT) return fragment;
  throw new RangeError(
    `a link to this log would have ${fragment.length} characters; ${LINK_LIMIT} is the most`,
  );
}

/** Null: the fragment is no link to a log. Otherwise as much of the log as is understood. */
export async function readLink(fragment: string): Promise<LinkedLog | null> {
  const text = fragment.replace(/^#/, "");
  if (!text.startsWith(KEY)) return null;
  const match = /^(\d{1,9})\.(.*)$/s.exec(text.slice(KEY.length));
  if (match === null) return broken("it has no version");
  if (Number(match[1]) !== LINK_VERSION) {
    return broken(`it is of version ${match[1]}, and this page reads version ${LINK_VERSION}`);
  }
  const [packed, junk] = fromBase64Url(match[2] as string);
  const { bytes, damage } = await through(new DecompressionStream("deflate"), packed);
  const damaged = junk !== null ? `character ${junk + 1} is none of a link` : damage;
  return readText(new TextDecoder().decode(bytes), damaged);
}

function broken(why: string): LinkedLog {
  return {
    start: { options: {}, vmas: [] },
    planned: [],
    cursor: 0,
    problem: `The link is broken: ${why}. Nothing of it could be read.`,
  };
}

function readText(text: string, damage: string | null): LinkedLog {
  const lines = text.split("\n");
  const rest = lines.pop(); // what stands behind the last newline is cut, or ""
  const [first, second, ...calls] = lines;
  const start = readStart(first);
  if (start === null) return broken(damage ?? "its first line is no start of a log");
  const cursor = /^at (\d{1,9})$/.exec(second ?? "")?.[1];
  const planned: Planned[] = [];
  let problem = damage;
  if (problem === null && (cursor === undefined || rest !== "")) problem = "it is cut";
  for (const [n, line] of calls.entries()) {
    const read = readLine(line);
    if (typeof read === "string") {
      problem = `call ${n + 1} of ${calls.length}: ${read}`;
      break;
    }
    planned.push(read);
  }
  const told =
    problem === null
      ? null
      : `The link is broken: ${problem}. The first ${planned.length} calls are here.`;
  return { start, planned, cursor: Math.min(Number(cursor ?? 0), planned.length), problem: told };
}

function readStart(line: string | undefined): Start | null {
  if (!line?.startsWith("start ")) return null;
  try {
    return startOf(JSON.parse(line.slice("start ".length)) as StartJson);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return null;
    throw error;
  }
}

/** A call with its recorded outcome, or what is wrong with the line. */
function readLine(line: string): Planned | string {
  try {
    return readPlanned(line);
  } catch (error) {
    if (error instanceof CommandError) return error.message;
    throw error;
  }
}

/** What comes out of a stream, and what was wrong with what went in. */
async function through(
  stream: CompressionStream | DecompressionStream,
  input: Uint8Array,
): Promise<{ bytes: Uint8Array; damage: string | null }> {
  const reader = (stream.readable as ReadableStream<Uint8Array>).getReader();
  const writer = (stream.writable as WritableStream<Uint8Array>).getWriter();
  const chunks: Uint8Array[] = [];
  let length = 0;
  let damage: string | null = null;
  const reading = (async () => {
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        chunks.push(value);
        length += value.length;
        if (length > TEXT_LIMIT) throw new RangeError("it unpacks to more than any log has");
      }
    } catch (error) {
      damage ??= error instanceof RangeError ? error.message : "its data is damaged, or cut";
      void reader.cancel().catch(() => {});
    }
  })();
  try {
    // In pieces: what came out before a fault is kept.
    for (let at = 0; at < input.length; at += PIECE) {
      await writer.write(input.subarray(at, at + PIECE));
    }
    await writer.close();
  } catch {
    // Both sides of the stream fail as one: the reader tells it.
  }
  await reading;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return { bytes, damage };
}

const PIECE = 256;

function toBase64Url(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** The bytes up to the first character that is none of base64url, and its place. */
function fromBase64Url(text: string): [bytes: Uint8Array, junk: number | null] {
  const junk = /[^\w-]/.exec(text)?.index ?? null;
  let good = junk === null ? text : text.slice(0, junk);
  if (good.length % 4 === 1) good = good.slice(0, -1);
  const plain = atob(good.replaceAll("-", "+").replaceAll("_", "/"));
  return [Uint8Array.from(plain, (char) => char.charCodeAt(0)), junk];
}
