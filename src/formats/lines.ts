// Text in chunks -> lines, and what a reader complains about. Pure.

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

/** Bytes or characters at once. Binary data has no newlines: a longer line is cut. */
const SLICE = 2 ** 24;

/** Feeds a reader line by line. */
export abstract class LineReader<Row> {
  /** In the order of the lines. */
  readonly problems: Problem[] = [];
  /** The line at hand, counted from 1. */
  line = 0;
  protected readonly rows: Row[] = [];
  /** There is no newline after the line at hand, so it may be cut. */
  protected isLast = false;
  readonly #options: ReaderOptions;
  readonly #decoder = new TextDecoder();
  #rest = "";

  constructor(options: ReaderOptions = {}) {
    this.#options = options;
  }

  /**
   * Takes the next piece of the input; what became complete by it.
   *
   * @throws InputError a wrong line, if strict
   */
  push(chunk: Chunk): Row[] {
    for (let at = 0; at < chunk.length; at += SLICE) {
      const slice = chunk.slice(at, at + SLICE);
      const text = this.#rest + (typeof slice === "string" ? slice : this.decode(slice));
      const lines = text.split("\n");
      this.#rest = lines.at(-1)!.length > SLICE ? "" : lines.pop()!;
      for (const line of lines) this.#next(line);
    }
    return this.rows.splice(0);
  }

  /** The input is at its end; what became complete by that. */
  end(): Row[] {
    const rest = this.#rest + this.decode();
    this.#rest = "";
    this.isLast = true;
    if (rest !== "") this.#next(rest);
    this.finish();
    return this.rows.splice(0);
  }

  #next(text: string): void {
    this.line++;
    this.readLine(text);
  }

  /** Text of the next bytes; without any, of what is left. */
  protected decode(bytes?: Uint8Array): string {
    return this.#decoder.decode(bytes, { stream: bytes !== undefined });
  }

  protected abstract readLine(text: string): void;

  protected finish(): void {}

  protected wrong(expected: string, text: string): void {
    const { file = "input", strict } = this.#options;
    const got = shown(text);
    if (strict) throw new InputError(file, this.line, expected, got);
    this.problems.push({ line: this.line, expected, text: got });
  }
}

/** Everything of an input that is at hand. */
export function readWhole<Row>(reader: LineReader<Row>, input: Chunk): Row[] {
  return reader.push(input).concat(reader.end());
}

/** Everything of an input that arrives in pieces, as soon as it is complete. */
export async function* readStream<Row>(
  reader: LineReader<Row>,
  source: AsyncIterable<Chunk>,
): AsyncGenerator<Row> {
  for await (const chunk of source) yield* reader.push(chunk);
  yield* reader.end();
}
