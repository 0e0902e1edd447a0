// What a recording of locks says: spans to draw, and how a racer's time was spent.

import { type Change, LockState } from "./board.js";

/** One racer in one state; milliseconds, `[from, to)`. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly state: LockState;
}

/**
 * The spans of one racer between two moments. Before its first change a racer is free; what
 * is shorter than the clock can tell is left out.
 *
 * @param deadAt when its worker was terminated
 */
export function spansOf(
  changes: readonly Change[],
  from: number,
  to: number,
  deadAt = Number.POSITIVE_INFINITY,
): Span[] {
  const spans: Span[] = [];
  const put = (start: number, end: number, state: LockState) => {
    const span = { from: Math.max(from, start), to: Math.min(to, end), state };
    if (span.to > span.from) spans.push(span);
  };
  put(from, changes[0]?.at ?? deadAt, LockState.FREE);
  changes.forEach(({ at, state }, i) => {
    put(at, Math.min(deadAt, changes[i + 1]?.at ?? to), state);
  });
  put(deadAt, to, LockState.DEAD);
  return spans;
}

export interface Shares {
  /** 0 to 1, of the whole time. */
  readonly waiting: number;
  readonly holding: number;
}

export function sharesOf(spans: readonly Span[]): Shares {
  let waiting = 0;
  let holding = 0;
  let whole = 0;
  for (const { from, to, state } of spans) {
    const length = to - from;
    whole += length;
    if (isWait(state)) waiting += length;
    else if (state !== LockState.FREE && state !== LockState.DEAD) holding += length;
  }
  return whole === 0
    ? { waiting, holding }
    : { waiting: waiting / whole, holding: holding / whole };
}

function isWait(state: LockState): boolean {
  return (
    state === LockState.WAIT_READ || state === LockState.WAIT_WRITE || state === LockState.WAIT_VMA
  );
}
