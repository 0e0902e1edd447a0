// Reads a file of any kind that the page knows, in pieces, and keeps all that is understood.
//
// Runs in a worker (worker.ts); pure but for the streams of the platform.

import type { MapsEntry } from "../../src/formats/maps-line.js";
import { InputError } from "../../src/formats/ndjson.js";
import { PerfReader } from "../../src/formats/perf.js";
import { MapsParser } from "../../src/formats/smaps.js";
import { SNIFF_BYTES, sniff, type TextKind } from "../../src/formats/sniff.js";
import { StraceReader } from "../../src/formats/strace-reader.js";
import { readTrace, type TraceRow } from "../../src/formats/trace.js";
import { type ImportedLog, logsOfStrace, logsOfTrace } from "./import.js";
import { logOfRecording } from "./recorded.js";
import { isGzip } from "./unpack.js";

/** A line that was left out, or the place where reading ended. */
export interface ReadProblem {
  /** Counted from 1. */
  readonly line: number;
  readonly text: string;
}

export interface FileContents {
  readonly name: string;
  readonly kind: TextKind;
  /** maps, smaps: the lines. */
  readonly entries: readonly MapsEntry[];
  /** Logs: one a process, the longest first. */
  readonly logs: readonly ImportedLog[];
  readonly problems: readonly ReadProblem[];
}

const EXPECTED = "maps, smaps, a strace or perf log, a recording or a trace";
/** Bytes, unpacked. */
const LIMIT = 2 ** 30;

/**
 * @param onProgress share of the file's bytes, 0 to 1
 * @throws InputError nothing of it could be understood: one line with file, line and what was expected
 */
export async function readAnyFile(
  file: Blob,
  name: string,
  onProgress: (share: number) => void = () => {},
): Promise<FileContents> {
  const source = new Source(file, name, onProgress);
  const head = await source.head(SNIFF_BYTES);
  if (head.length === 0) throw source.endedAt ?? new InputError(name, 1, EXPECTED, "an empty file");
  const kind = sniff(head);
  if (kind === null) {
    throw new InputError(name, 1, EXPECTED, head.includes(0) ? "binary data" : "other text");
  }
  const contents = await readAs(kind, source);
  const problems = [...contents.problems];
  if (source.endedAt !== null) {
    problems.push({ line: source.lines, text: source.endedAt.message });
  }
  if (contents.entries.length === 0 && contents.logs.length === 0) {
    const [first] = problems;
    throw new InputError(name, first?.line ?? 1, EXPECTED, first?.text ?? "no call of memory");
  }
  return { name, kind, ...contents, problems };
}

type Contents = Omit<FileContents, "name" | "kind">;

async function readAs(kind: TextKind, source: Source): Promise<Contents> {
  switch (kind) {
    case "maps":
    case "smaps": {
      const parser = new MapsParser({ file: source.name });
      const entries: MapsEntry[] = [];
      for await (const chunk of source.chunks()) pushAll(entries, parser.push(chunk));
      pushAll(entries, parser.end());
      return { entries, logs: [], problems: parser.problems.map(problemOf) };
    }
    case "strace":
    case "perf": {
      const reader =
        kind === "perf"
          ? new PerfReader({ file: source.name })
          : new StraceReader({ file: source.name });
      const rows: TraceRow[] = [];
      for await (const chunk of source.chunks()) pushAll(rows, reader.push(chunk));
      pushAll(rows, reader.end());
      return { entries: [], logs: logsOfStrace(rows), problems: reader.problems.map(problemOf) };
    }
    case "recording": {
      const { problem, ...log } = logOfRecording(await source.whole(), source.name);
      return { entries: [], logs: [log], problems: problem === null ? [] : [wrongLine(problem)] };
    }
    case "trace": {
      const { rows, problem } = readRows(await source.whole(), source.name);
      const problems = problem === null ? [] : [wrongLine(problem)];
      return { entries: [], logs: logsOfTrace(rows), problems };
    }
  }
}

/** Not push(...rows): a chunk may have more rows than a call may have arguments. */
function pushAll<Row>(to: Row[], rows: readonly Row[]): void {
  for (const row of rows) to.push(row);
}

function readRows(bytes: Uint8Array, name: string) {
  const rows: TraceRow[] = [];
  try {
    for (const row of readTrace(bytes, name).rows) rows.push(row);
  } catch (error) {
    if (error instanceof InputError) return { rows, problem: error };
    throw error;
  }
  return { rows, problem: null };
}

function problemOf({ line, expected, text }: { line: number; expected: string; text: string }) {
  return { line, text: `expected ${expected}, got ${text}` };
}

function wrongLine({ line, expected, got }: InputError): ReadProblem {
  return { line, text: `expected ${expected}${got === undefined ? "" : `, got ${got}`}` };
}

/** The bytes of a file, unpacked, once. */
class Source {
  /** Why it ended early: a broken gzip stream, or too much. */
  endedAt: InputError | null = null;
  lines = 1;
  readonly #reader: Promise<ReadableStreamDefaultReader<Uint8Array>>;
  #begun: Uint8Array[] = [];
  #length = 0;
  #read = 0;

  constructor(
    file: Blob,
    readonly name: string,
    onProgress: (share: number) => void,
  ) {
    const count = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => {
        this.#read += chunk.length;
        onProgress(file.size === 0 ? 1 : this.#read / file.size);
        controller.enqueue(chunk);
      },
    });
    this.#reader = this.#open(file, count);
  }

  async #open(file: Blob, count: TransformStream<Uint8Array, Uint8Array>) {
    const magic = new Uint8Array(await file.slice(0, 2).arrayBuffer());
    const counted = file.stream().pipeThrough(count as never) as ReadableStream<Uint8Array>;
    const plain = isGzip(magic)
      ? (counted.pipeThrough(new DecompressionStream("gzip") as never) as typeof counted)
      : counted;
    return plain.getReader();
  }

  /** The first bytes; they come again in chunks(). */
  async head(bytes: number): Promise<Uint8Array> {
    while (this.#length < bytes) {
      const chunk = await this.#next();
      if (chunk === null) break;
      this.#begun.push(chunk);
    }
    return joined(this.#begun).subarray(0, bytes);
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    for (const chunk of this.#begun) yield this.#counted(chunk);
    this.#begun = [];
    for (;;) {
      const chunk = await this.#next();
      if (chunk === null) return;
      yield this.#counted(chunk);
    }
  }

  async whole(): Promise<Uint8Array> {
    const all: Uint8Array[] = [];
    for await (const chunk of this.chunks()) all.push(chunk);
    return joined(all);
  }

  #counted(chunk: Uint8Array): Uint8Array {
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) {
      this.lines++;
    }
    return chunk;
  }

  /** Null at the end, also at one that should not be. */
  async #next(): Promise<Uint8Array | null> {
    if (this.endedAt !== null) return null;
    try {
      const { done, value } = await (await this.#reader).read();
      if (done) return null;
      this.#length += value.length;
      if (this.#length <= LIMIT) return value;
      this.endedAt = new InputError(this.name, this.lines, `at most ${LIMIT} bytes`, "more");
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.endedAt = new InputError(this.name, this.lines, "an intact gzip stream", why);
    }
    return null;
  }
}

const NEWLINE = 10;

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
