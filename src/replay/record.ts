// Makes recordings with the engine in the kernel's place: what it answers, and the map after
// every call, in the format that replay reads. What that format has no room for is refused.

import type { Core } from "../core.js";
import { MmError } from "../errors.js";
import { assertCall, assertHeader, callName, RecordingLimitError } from "../formats/recordable.js";
import type { RecordedCall, RecordingHeader, VmaRow } from "../formats/recording.js";
import { headerText, type RecordedOutcome, snapText, stepText } from "../formats/recording-text.js";
import { RecordingReplay } from "./recording.js";
import { newReport } from "./report.js";

const SNAP_EVERY = 100;

/**
 * The lines of a recording of `calls`, made now.
 *
 * @throws RecordingLimitError what no recording can hold; of the header and of arguments before the first line
 */
export function* recordCalls(
  core: Core,
  header: RecordingHeader,
  calls: readonly RecordedCall[],
): Generator<string> {
  assertHeader(header);
  for (const [index, call] of calls.entries()) assertCall(header, index, call);
  const { base } = header;
  const recorder = new RecordingReplay(core, header, newReport("", "recording"), {});
  try {
    yield headerText({ ...header, ops: calls.length });
    let map: readonly VmaRow[] = [];
    for (const [index, call] of calls.entries()) {
      let made: RecordedCall = call;
      let before = map;
      let outcome: RecordedOutcome = { r: 0 };
      if (call.op === "fork") {
        const child = forked(recorder, call.goOnInChild, index);
        made = { ...call, child };
        if (call.goOnInChild) before = child; // the reader goes on from the child's map
      } else {
        outcome = outcomeOf(call, recorder.make(call));
      }
      map = recorder.rows();
      yield stepText(index, base, made, outcome, before, map);
      if ((index + 1) % SNAP_EVERY === 0) yield snapText(recorder.countsChanged(), map);
    }
    if (calls.length % SNAP_EVERY !== 0 || calls.length === 0) {
      yield snapText(recorder.countsChanged(), map);
    }
  } finally {
    recorder.close();
  }
}

/** The child's map. A row of fork has no place for an errno. */
function forked(recorder: RecordingReplay, goOnInChild: boolean, index: number): VmaRow[] {
  try {
    return recorder.fork(goOnInChild);
  } catch (error) {
    if (!(error instanceof MmError)) throw error;
    throw new RecordingLimitError(callName(index, "fork"), "a child", error.code);
  }
}

/** The text of an outcome as the fields of its row. */
function outcomeOf(call: RecordedCall, text: string): RecordedOutcome {
  const touched = /^(\w+) after (\d+) pages$/.exec(text);
  if (touched !== null) return { r: touched[1]!, t: Number(touched[2]) };
  const bulk = /^(\d+) calls, then (\w*)$/.exec(text);
  if (bulk !== null) return { r: Number(bulk[1]), e: bulk[2]! };
  if (/^-?\d+$/.test(text)) return { r: Number(text) };
  if (call.op === "brk" && text.startsWith("w+")) return { r: text.slice(2) };
  return { r: text };
}
