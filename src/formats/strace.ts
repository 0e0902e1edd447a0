// `vmaple/strace`: strace logs -> the operations of a trace. No wasm.

import { type Chunk, type Problem, type ReaderOptions, readStream, readWhole } from "./lines.js";
import { StraceReader } from "./strace-reader.js";
import type { TraceRow } from "./trace.js";

export type { Chunk, Problem, ReaderOptions } from "./lines.js";
export { InputError } from "./ndjson.js";
export { StraceReader } from "./strace-reader.js";
export type { TraceCall, TraceCallName, TraceEvent, TraceRow } from "./trace.js";

export interface StraceLog {
  /** Memory calls and what befell address spaces, in the order of the calls' returns. */
  readonly rows: readonly TraceRow[];
  /** The lines that were left out. */
  readonly problems: readonly Problem[];
  /** The line in the middle of which the log ends, counted from 1; 0 if it is whole. */
  readonly truncated: number;
  /** Memory calls of which the log has no result. */
  readonly unanswered: number;
}

/**
 * The rows of a log.
 *
 * @throws InputError a wrong line, if strict
 */
export function readStrace(input: Chunk, options?: ReaderOptions): StraceLog {
  const reader = new StraceReader(options);
  const rows = readWhole(reader, input);
  const { problems, truncated, unanswered } = reader;
  return { rows, problems, truncated, unanswered };
}

/**
 * The rows of a log that arrives in pieces; `reader` has the problems.
 *
 * @throws InputError a wrong line, if strict
 */
export function streamStrace(
  source: AsyncIterable<Chunk>,
  reader: StraceReader = new StraceReader(),
): AsyncGenerator<TraceRow> {
  return readStream(reader, source);
}
