// Makes recordings with the engine in the kernel's place: what it answers, and the map after
// every call, in the format that replay reads.

import type { Core } from "../core.js";
import type { RecordedCall, RecordingHeader, VmaRow } from "../formats/recording.js";
import { headerText, type RecordedOutcome, snapText, stepText } from "../formats/recording-text.js";
import { RecordingReplay } from "./recording.js";
import { newReport } from "./report.js";

const SNAP_EVERY = 100;

/** The lines of a recording of `calls`, made now. */
export function* recordCalls(
  core: Core,
  header: RecordingHeader,
  calls: readonly RecordedCall[],
): Generator<string> {
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
        const child = recorder.fork(call.goOnInChild);
        made = { ...call, child };
        if (call.goOnInChild) before = child; // the reader goes on from the child's map
      } else {
        outcome = outcomeOf(call, recorder.make(call), base);
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

/** The text of an outcome as the fields of its row. */
function outcomeOf(call: RecordedCall, text: string, base: number): RecordedOutcome {
  const touched = /^(\w+) after (\d+) pages$/.exec(text);
  if (touched !== null) return { r: touched[1]!, t: Number(touched[2]) };
  const bulk = /^(\d+) calls, then (\w*)$/.exec(text);
  if (bulk !== null) return { r: Number(bulk[1]), e: bulk[2]! };
  if (/^-?\d+$/.test(text)) {
    const pages = Number(text);
    // A break below the base is told in bytes.
    if (call.op === "brk" && pages < 0) throw new RangeError(`the break lies below ${base}`);
    return { r: pages };
  }
  if (call.op === "brk" && text.startsWith("w+")) return { r: text.slice(2) };
  return { r: text };
}
