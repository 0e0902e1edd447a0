// Where fault workers may touch: pages that the record maps at some time.

import type { RecordingHeader } from "../formats/recording.js";
import type { TraceRow } from "../formats/trace.js";
import { PAGE } from "./surroundings.js";

/** The whole window, holes included. */
export function rangesOfRecording(header: RecordingHeader): Float64Array {
  return Float64Array.of(header.base, header.base + header.window * PAGE);
}

/**
 * Every VMA of every recorded map. Of a stack only what exec gave it: a fault below
 * would grow it, at a time when the recorded one may not have grown.
 */
export function rangesOfTrace(rows: readonly TraceRow[]): Float64Array {
  const ranges = new Map<string, [number, number]>();
  for (const row of rows) {
    if (row.kind !== "maps") continue;
    for (const { start, end, name } of row.vmas) {
      if (name === "[stack]" && row.why !== "exec") continue;
      ranges.set(`${start}-${end}`, [start, end]);
    }
  }
  return Float64Array.from([...ranges.values()].flat());
}
