// Text in chunks -> lines, with no byte lost: what is not UTF-8 is kept too. Pure.
//
// A file name is bytes, not text. A chunk that is no UTF-8 has each byte above 0x7f as a
// lone surrogate U+DC80..U+DCFF (as Python's surrogateescape), and `encodeText` turns
// them back into the bytes.

import { InputError, shown } from "./ndjson.js";

/** A line that a reader could not use. */
export interface Problem {
  /** Counted from 1. */
  readonly line: number;
  readonly expected: string;
  /** The line, shortened if it is long. */
  readonly text: string;
}

export interface ReaderOptions {
  /** How messages call the input. */
  readonly file?: string;
  /** Throws at the first wrong line; else it is reported, and the rest is read. */
  readonly strict?: boolean;
}

export type Chunk = string | Uint8Array;

const NEWLINE = 10;
/** Bytes. Binary data has no newlines: a longer line is cut here. */
const MAX_LINE = 2 ** 24;
const LONE = /(?<![\ud800-\udbff])[\udc80-\udcff]/;

/** The bytes that `text` was decoded from. */
export function encodeText(text: string): Uint8Array {
  const encoder = new TextEncoder();
  if (!LONE.test(text)) return encoder.encode(text);
  const parts = text.split(/((?<![\ud800-\udbff])[\udc80-\udcff]+)/);
  const bytes = parts.map((part, n) =>
    n % 2 === 0 ? encoder.encode(part) : Uint8Array.from(part, (c) => c.charCodeAt(0) & 0xff),
  );
  return joined(bytes);
}

export function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return Array.from(bytes, (byte) =>
      String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte),
    ).join("");
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Feeds a reader line by line and keeps what it complains about. */
export abstract class LineReader<Row> {
  /** In the order of the lines. */
  readonly problems: Problem[] = [];
  readonly #options: ReaderOptions;
  #rest = new Uint8Array(0);
  #line = 0;
  protected rows: Row[] = [];

  constructor(options: ReaderOptions = {}) {
    this.#options = options;
  }

  /** The line at hand, counted from 1. */
  get line(): number {
    return this.#line;
  }

  /**
   * Takes the next piece of the input; what became complete by it.
   *
   * @throws InputError a wrong line, if strict
   */
  push(chunk: Chunk): Row[] {
    const bytes = typeof chunk === "string" ? encodeText(chunk) : chunk;
    const all = this.#rest.length === 0 ? bytes : joined([this.#rest, bytes]);
    const end = all.lastIndexOf(NEWLINE) + 1;
    if (end > 0) this.#take(all.subarray(0, end - 1));
    this.#rest = all.slice(end);
    if (this.#rest.length > MAX_LINE) {
      this.#take(this.#rest);
      this.#rest = new Uint8Array(0);
    }
    return this.#given();
  }

  /** The input is at its end; what became complete by that. */
  end(): Row[] {
    if (this.#rest.length > 0) {
      this.#line++;
      this.lastLine(decodeText(this.#rest));
      this.#rest = new Uint8Array(0);
    }
    this.finish();
    return this.#given();
  }

  #take(bytes: Uint8Array): void {
    let lines = [""];
    if (bytes.length > MAX_LINE) lines = linesOf(bytes);
    else lines = decodeText(bytes).split("\n");
    for (const text of lines) {
      this.#line++;
      this.readLine(text);
    }
  }

  #given(): Row[] {
    const rows = this.rows;
    this.rows = [];
    return rows;
  }

  protected abstract readLine(text: string): void;

  /** A last line without its newline: it may be cut. */
  protected lastLine(text: string): void {
    this.readLine(text);
  }

  protected finish(): void {}

  protected wrong(expected: string, text: string): void {
    const got = shown(text);
    const { file = "input", strict = false } = this.#options;
    if (strict) throw new InputError(file, this.#line, expected, got);
    this.problems.push({ line: this.#line, expected, text: got });
  }
}

/** Large input must not become one string. */
function linesOf(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  let start = 0;
  while (start <= bytes.length) {
    let end = bytes.indexOf(NEWLINE, start);
    if (end < 0) end = bytes.length;
    lines.push(decodeText(bytes.subarray(start, Math.min(end, start + MAX_LINE))));
    start = end + 1;
  }
  return lines;
}

/** Everything of an input that is at hand. */
export function readWhole<Row>(reader: LineReader<Row>, input: Chunk): Row[] {
  const rows = [reader.push(input), reader.end()];
  return rows.flat();
}

/** Everything of an input that arrives in pieces, as soon as it is complete. */
export async function* readStream<Row>(
  reader: LineReader<Row>,
  source: AsyncIterable<Chunk>,
): AsyncGenerator<Row> {
  for await (const chunk of source) yield* reader.push(chunk);
  yield* reader.end();
}
