// One file, whatever kind of record it is.

import type { Core } from "../core.js";
import { Fields, InputError, linesOf } from "../formats/ndjson.js";
import { isLog, sniff } from "../formats/sniff.js";
import { replayRecording } from "./recording.js";
import type { ReplayHooks, ReplayReport } from "./report.js";
import { replayStrace, type StraceMaps } from "./strace.js";
import { replayTrace } from "./trace.js";

export type RecordKind = "recording" | "trace" | "strace";

const FIRST_LINE = 2 ** 24;
const EXPECTED = "a recording, a trace or a strace log";

/**
 * Which kind of record starts so.
 *
 * @throws InputError neither
 */
export function recordKind(bytes: Uint8Array, file: string): RecordKind {
  // What is binary may have no end of a line.
  const first = linesOf(bytes.subarray(0, FIRST_LINE), file).next();
  if (first.done) throw new InputError(file, 1, EXPECTED, "an empty file");
  if (!first.value.text.startsWith("{")) {
    if (isLog(bytes)) return "strace";
    const kind = bytes.includes(0) ? "binary data" : sniff(bytes);
    const got = kind === "maps" || kind === "smaps" ? `${kind}, which vmaple maps reads` : kind;
    throw new InputError(file, 1, EXPECTED, got ?? "other text");
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
  maps: StraceMaps = {},
): ReplayReport {
  const kind = recordKind(bytes, file);
  if (kind === "strace") return replayStrace(core, bytes, file, hooks, maps);
  const replay = kind === "trace" ? replayTrace : replayRecording;
  return replay(core, bytes, file, hooks);
}
