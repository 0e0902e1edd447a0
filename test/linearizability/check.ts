// Is a concurrent history what one call after the other could have answered?
//
// Wing and Gong's search with memory (as in Lowe, "Testing for linearizability", 2017). A
// history is one sequence of calls a worker, each with the moments of its invocation and of
// its answer. Searched is an order of all calls in which
//   - a call that was answered before another was invoked comes first, and
//   - the sequential model, run in that order, gives the recorded answers.
// A worker does one call after the other, so what has been placed so far is one number a
// worker; with the model's state that is all that the rest of the search depends on, and
// no such pair is looked at twice.

export interface Timed {
  readonly worker: number;
  /** Moments: numbers of one shared counter, no two alike. */
  readonly invoked: number;
  readonly returned: number;
}

export interface Model<State, Call> {
  readonly initial: State;
  /** The state after `call`; null: it could not have answered what it did in `state`. */
  apply(state: State, call: Call): State | null;
  /** Equal for states that no call can tell apart. */
  key(state: State): string;
}

export type Verdict<Call> =
  | { readonly linearizable: true; readonly order: readonly Call[]; readonly states: number }
  | {
      readonly linearizable: false;
      /** The longest order that the model agrees with. */
      readonly order: readonly Call[];
      /** The calls that could come next in real time, each refused by the model. */
      readonly stuck: readonly Call[];
      readonly states: number;
    };

interface Place<State, Call> {
  readonly state: State;
  readonly positions: readonly number[];
  readonly order: Chain<Call> | null;
}

/** The calls placed so far, the last one first. */
interface Chain<Call> {
  readonly call: Call;
  readonly before: Chain<Call> | null;
  readonly length: number;
}

export function linearize<State, Call extends Timed>(
  history: readonly Call[],
  model: Model<State, Call>,
): Verdict<Call> {
  const lines = sequences(history);
  const seen = new Set<string>();
  const stack: Place<State, Call>[] = [];
  let best: Place<State, Call> = {
    state: model.initial,
    positions: lines.map(() => 0),
    order: null,
  };
  const visit = (place: Place<State, Call>) => {
    const key = `${place.positions.join(",")} ${model.key(place.state)}`;
    if (seen.has(key)) return;
    seen.add(key);
    stack.push(place);
  };
  visit(best);
  while (stack.length !== 0) {
    const place = stack.pop() as Place<State, Call>;
    if ((place.order?.length ?? 0) > (best.order?.length ?? 0)) best = place;
    if (place.order?.length === history.length) {
      return { linearizable: true, order: unchain(place.order), states: seen.size };
    }
    for (const call of eligible(lines, place.positions)) {
      const state = model.apply(place.state, call);
      if (state === null) continue;
      const positions = place.positions.slice();
      const line = lines.findIndex(([first]) => first?.worker === call.worker);
      positions[line] = (positions[line] as number) + 1;
      const length = (place.order?.length ?? 0) + 1;
      visit({ state, positions, order: { call, before: place.order, length } });
    }
  }
  if (history.length === 0) return { linearizable: true, order: [], states: seen.size };
  const stuck = eligible(lines, best.positions);
  return { linearizable: false, order: unchain(best.order), stuck, states: seen.size };
}

/** One sequence a worker, in time. @throws RangeError a worker's calls overlap */
function sequences<Call extends Timed>(history: readonly Call[]): Call[][] {
  const lines = new Map<number, Call[]>();
  for (const call of [...history].sort((a, b) => a.invoked - b.invoked)) {
    const line = lines.get(call.worker) ?? [];
    lines.set(call.worker, line);
    const last = line.at(-1);
    if (call.returned <= call.invoked || (last && last.returned > call.invoked)) {
      throw new RangeError(
        `worker ${call.worker}: a call from ${call.invoked} to ${call.returned}`,
      );
    }
    line.push(call);
  }
  return [...lines.values()];
}

/** The next calls of the workers that no other unplaced call was over before. */
function eligible<Call extends Timed>(lines: Call[][], positions: readonly number[]): Call[] {
  const next = lines.flatMap((line, i) => line[positions[i] as number] ?? []);
  const over = Math.min(...next.map(({ returned }) => returned));
  return next.filter(({ invoked }) => invoked < over);
}

function unchain<Call>(chain: Chain<Call> | null): Call[] {
  const calls: Call[] = [];
  for (let link = chain; link !== null; link = link.before) calls.push(link.call);
  return calls.reverse();
}
