// One file, whatever kind of record it is.

import type { Core } from "../core.js";
import { Fields, InputError, linesOf } from "../formats/ndjson.js";
import { replayRecording } from "./recording.js";
import type { ReplayHooks, ReplayReport } from "./report.js";
import { replayTrace } from "./trace.js";

export type RecordKind = "recording" | "trace";

/**
 * Which kind of record starts so.
 *
 * @throws InputError neither
 */
export function recordKind(bytes: Uint8Array, file: string): RecordKind {
  const first = linesOf(bytes).next();
  if (first.done) throw new InputError(file, 1, "a recording or a trace", "an empty file");
  if (!first.value.text.startsWith("{")) {
    const expected = "a recording or a trace (NDJSON; strace logs are not read yet)";
    throw new InputError(file, 1, expected, "other text");
  }
  const fields = new Fields(file, first.value);
  if (fields.any("k") === "header") return "trace";
  if (fields.has("schema")) return "recording";
  throw fields.error('a header with "schema"');
}

export function replayFile(
  core: Core,
  bytes: Uint8Array,
  file: string,
  hooks: ReplayHooks = {},
): ReplayReport {
  const replay = recordKind(bytes, file) === "trace" ? replayTrace : replayRecording;
  return replay(core, bytes, file, hooks);
}
