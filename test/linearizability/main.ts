// Records rounds and checks each; the command of scripts/linearize.mjs.

import type { EngineOptions } from "../../src/index.js";
import { linearize } from "./check";
import { type Call, describeCall, isWriter, Kind, pagesModel, withoutDoubts } from "./model";
import { type Plan, Recorder } from "./record";

export interface Result {
  readonly rounds: number;
  readonly calls: number;
  /** Pairs of calls of different workers, one of them a change, that overlapped. */
  readonly overlaps: number;
  /** lockVmaUnderRcu answered null while a change was under way. */
  readonly doubts: number;
  /** States that the checker looked at. */
  readonly states: number;
  /** The first history that no order explains, in lines; null: there is none. */
  readonly violation: readonly string[] | null;
}

export interface Limit {
  readonly rounds: number;
  /** Ends earlier after this long. */
  readonly ms?: number;
}

/** Ends at the first violation. `progress` is told the number of rounds now and then. */
export async function checkRounds(
  plan: Plan,
  options: EngineOptions,
  { rounds, ms = Number.POSITIVE_INFINITY }: Limit,
  progress: (round: number) => void = () => undefined,
): Promise<Result> {
  await using recorder = await Recorder.start(plan, options);
  const model = pagesModel(plan.pages);
  const until = performance.now() + ms;
  const sums = { rounds: 0, calls: 0, overlaps: 0, doubts: 0, states: 0 };
  while (sums.rounds < rounds && performance.now() < until) {
    const all = await recorder.round();
    const history = withoutDoubts(all);
    const verdict = linearize(history, model);
    sums.rounds++;
    sums.calls += all.length;
    sums.overlaps += overlapsIn(all);
    sums.doubts += all.length - history.length;
    sums.states += verdict.states;
    if (!verdict.linearizable) {
      return { ...sums, violation: explain(plan, sums.rounds, verdict.order, verdict.stuck) };
    }
    if (sums.rounds % 100 === 0) progress(sums.rounds);
  }
  return { ...sums, violation: null };
}

/** Calls that ran at the same time: without them a history says little. */
function overlapsIn(history: readonly Call[]): number {
  let n = 0;
  for (const change of history.filter(isWriter)) {
    for (const other of history) {
      if (other.worker === change.worker || other.kind === Kind.UNLOCK) continue;
      if (other.invoked < change.returned && change.invoked < other.returned) n++;
    }
  }
  return n;
}

/** Calls shown before the point at which no order goes on. */
const CONTEXT = 12;

function explain(
  plan: Plan,
  round: number,
  order: readonly Call[],
  stuck: readonly Call[],
): string[] {
  return [
    `not linearizable: seed ${plan.seed}, round ${round}, after ${order.length} calls`,
    "the longest order that agrees with the model ends:",
    ...order.slice(-CONTEXT).map((call) => `  ${describeCall(call)}`),
    "and none of these can be next:",
    ...stuck.map((call) => `  ${describeCall(call)}`),
  ];
}

interface Options {
  readonly seconds: number;
  readonly workers: number;
  readonly calls: number;
  readonly pages: number;
  readonly seed: number;
}

/** The command: 0 if every history is linearizable. */
export async function main(options: Options, print: (line: string) => void): Promise<number> {
  const { seconds, ...plan } = options;
  print(
    `linearize: ${plan.workers} workers, ${plan.calls} calls each a round, ${plan.pages} pages, ` +
      `${seconds} s, seed ${plan.seed}`,
  );
  const limit = { rounds: Number.POSITIVE_INFINITY, ms: seconds * 1000 };
  const started = performance.now();
  let told = started;
  const result = await checkRounds(plan, {}, limit, (round) => {
    if (performance.now() - told < 5000) return;
    told = performance.now();
    print(`  ${Math.round((told - started) / 1000)} s: ${round} rounds`);
  });
  for (const line of result.violation ?? []) print(line);
  const { rounds, calls, overlaps, doubts, states } = result;
  print(
    `${rounds} histories, ${calls} calls, ${overlaps} overlaps with a change, ` +
      `${doubts} locks refused beside a change, ${states} states searched: ` +
      `${result.violation === null ? "all linearizable" : "1 is not"}`,
  );
  return result.violation === null ? 0 : 1;
}
