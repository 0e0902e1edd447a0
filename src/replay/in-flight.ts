// Calls of several threads overlap. A trace has them in the order of their return, but
// a call that returns later may have worked earlier: it was in flight. So where an
// outcome does not fit, calls in flight at that row are tried before it, on copies of the
// space, until an order explains what was recorded.

import type { TraceCall, TraceRow } from "../formats/trace.js";
import type { ReplaySpace } from "./space.js";

/** A thread returns from a call within so many rows. */
const WINDOW = 128;
/** Calls that may be moved before one row. */
const DEPTH = 6;
/** Copies of the space that one row may cost. */
const TRIALS = 5000;

/** Makes a call; its result, or null if the replay does not make such calls. */
export type Perform = (space: ReplaySpace, call: TraceCall) => TraceCall["result"] | null;

/**
 * The calls that may have been in flight at row `index`: the next one of each other thread of
 * the process, unless it is `made` already.
 */
export function callsInFlight(
  rows: readonly TraceRow[],
  index: number,
  thread: { readonly pid: number; readonly tid: number },
  made: ReadonlySet<TraceCall>,
): TraceCall[] {
  const calls: TraceCall[] = [];
  const seen = new Set([thread.tid]);
  for (let at = index + 1; at < rows.length && at <= index + WINDOW; at++) {
    const row = rows[at]!;
    if (row.kind !== "call" || row.pid !== thread.pid || seen.has(row.tid)) continue;
    seen.add(row.tid);
    if (!made.has(row)) calls.push(row);
  }
  return calls;
}

/** Calls of `candidates`, in order, after which `fits` holds; null if there are none such. */
export function orderThatFits(
  space: ReplaySpace,
  candidates: readonly TraceCall[],
  perform: Perform,
  fits: (trial: ReplaySpace) => boolean,
): TraceCall[] | null {
  const search = { perform, fits, trials: TRIALS };
  for (let depth = 1; depth <= Math.min(DEPTH, candidates.length); depth++) {
    const order = orderOfLength(search, space, candidates, depth);
    if (order !== null) return order;
  }
  return null;
}

interface Search {
  readonly perform: Perform;
  readonly fits: (trial: ReplaySpace) => boolean;
  trials: number;
}

/** A call is only moved to where it returns what it returned: most orders end at once. */
function orderOfLength(
  search: Search,
  space: ReplaySpace,
  candidates: readonly TraceCall[],
  depth: number,
): TraceCall[] | null {
  for (const call of candidates) {
    const trial = search.trials-- > 0 ? space.copy() : null;
    if (trial === null) return null;
    let rest: TraceCall[] | null = null;
    if (search.perform(trial, call) === call.result) {
      const others = candidates.filter((other) => other !== call);
      if (depth === 1) rest = search.fits(trial) ? [] : null;
      else rest = orderOfLength(search, trial, others, depth - 1);
    }
    trial.release();
    if (rest !== null) return [call, ...rest];
  }
  return null;
}
