// Which schedules are run: all up to a bound on pre-emptions, random ones, or one again.
//
// A schedule is a list of choices. Choices where the running fiber blocked or ended are
// free; a switch while it could have gone on costs one of `bound`. Depth first: the last
// choice with an option left is changed, what stands before it is run again, at full speed.
//
// Replay string: tokens separated by commas. `f`: fiber f begins, after nobody could go on.
// `n:f`: before the n-th access of the schedule, switch to fiber f.

import type { Scenario } from "./scenario";
import { type Chooser, Violation, type World } from "./world";

const NEVER = 0xffffffff;

/** The lowest set bit's number. */
function lowest(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

interface Decision {
  /** Step of a switch point; -1: a free choice. */
  step: number;
  pick: number;
  /** Bits: fibers still to be tried here. */
  rest: number;
}

class DepthFirst implements Chooser {
  #stack: Decision[] = [];
  #position = 0;
  #left = 0;

  constructor(readonly bound: number) {}

  begin(): void {
    this.#position = 0;
    this.#left = this.bound;
  }

  /** Turns to the next schedule; false if all have been. */
  next(): boolean {
    while (this.#stack.length !== 0) {
      const last = this.#stack[this.#stack.length - 1]!;
      if (last.rest !== 0) {
        last.pick = lowest(last.rest);
        last.rest &= last.rest - 1;
        return true;
      }
      this.#stack.pop();
    }
    return false;
  }

  arm(others: boolean): { live: boolean; stop: number } {
    const stack = this.#stack;
    while (this.#position < stack.length) {
      const { step, pick } = stack[this.#position]!;
      if (step < 0) return { live: false, stop: NEVER };
      if (pick >= 0) return { live: false, stop: step };
      this.#position++;
    }
    return { live: others && this.#left > 0, stop: NEVER };
  }

  preempt(step: number, current: number, others: number): number {
    const known = this.#stack[this.#position];
    if (!known) {
      this.#stack.push({ step, pick: -1, rest: others });
      this.#position++;
      return current;
    }
    if (known.step !== step) throw new Error(`not deterministic: step ${step}, not ${known.step}`);
    this.#position++;
    this.#left--;
    return known.pick;
  }

  forced(ready: number): number {
    const pick = lowest(ready);
    const rest = ready & (ready - 1);
    if (rest === 0) return pick;
    const known = this.#stack[this.#position++];
    if (known) {
      if (known.step >= 0) throw new Error("not deterministic: a free choice");
      return known.pick;
    }
    this.#stack.push({ step: -1, pick, rest });
    return pick;
  }
}

/** mulberry32. */
function prng(seed: number): () => number {
  let a = seed | 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
}

export class Random implements Chooser {
  #random: () => number;
  /** One in this many conflicts switches; drawn anew for each schedule. */
  #odds = 8;

  constructor(seed: number) {
    this.#random = prng(seed);
  }

  begin(): void {
    this.#odds = 2 << (this.#random() % 6);
  }

  arm(others: boolean): { live: boolean; stop: number } {
    return { live: others, stop: NEVER };
  }

  preempt(_step: number, current: number, others: number): number {
    return this.#random() % this.#odds === 0 ? this.forced(others) : current;
  }

  forced(ready: number): number {
    const all = [0, 1, 2].filter((fiber) => (ready & (1 << fiber)) !== 0);
    return all[this.#random() % all.length]!;
  }
}

class Replay implements Chooser {
  #tokens: { step: number; fiber: number }[];
  #position = 0;

  constructor(text: string) {
    this.#tokens = text.split(",").map((token) => {
      const parts = token.split(":").map(Number);
      return parts.length === 2
        ? { step: parts[0]!, fiber: parts[1]! }
        : { step: -1, fiber: parts[0]! };
    });
  }

  begin(): void {
    this.#position = 0;
  }

  arm(): { live: boolean; stop: number } {
    const next = this.#tokens[this.#position];
    return { live: false, stop: next && next.step >= 0 ? next.step : NEVER };
  }

  preempt(): number {
    return this.#tokens[this.#position++]!.fiber;
  }

  forced(ready: number): number {
    const next = this.#tokens[this.#position++];
    return next && (ready & (1 << next.fiber)) !== 0 ? next.fiber : lowest(ready);
  }
}

export interface Outcome {
  schedules: number;
  /** All schedules with up to this many pre-emptions were run; -1: not even those with none. */
  exhausted: number;
  violation: { message: string; schedule: string; preemptions: number } | null;
  milliseconds: number;
}

export interface Limits {
  /** Pre-emptions. */
  bound: number;
  /** Schedules, random ones not counted. */
  cap: number;
  /** Random schedules, run if the cap was reached. */
  random: number;
  seed: number;
}

/** Runs one schedule and the scenario's assertions; what went wrong, or null. */
export function attempt(world: World, scenario: Scenario, setup: unknown, chooser: Chooser) {
  const { fibers, check } = scenario.run(world, setup);
  try {
    world.run(fibers, chooser);
    check();
    return null;
  } catch (error) {
    if (error instanceof Violation) return error.message;
    // An assertion of the core (verify build) is `unreachable`.
    if (error instanceof WebAssembly.RuntimeError) return `the core trapped: ${where(error)}`;
    throw error;
  }
}

/** The innermost functions of the core in a trap's stack. */
export function where(error: Error): string {
  const names = [...(error.stack ?? "").matchAll(/at (?:assembly\/)?(\S+) \(wasm:/g)];
  return `${error.message} in ${names
    .slice(0, 5)
    .map((match) => match[1])
    .join(" < ")}`;
}

/** Iterates over the bound; starts a bound again when accesses turned out to conflict after all. */
export function search(world: World, scenario: Scenario, setup: unknown, limits: Limits): Outcome {
  const began = performance.now();
  const outcome: Outcome = { schedules: 0, exhausted: -1, violation: null, milliseconds: 0 };
  const found = (message: string): Outcome => {
    const schedule = world.trace.join(",");
    const preemptions = world.trace.filter((token) => token.includes(":")).length;
    outcome.violation = { message, schedule, preemptions };
    outcome.milliseconds = performance.now() - began;
    return outcome;
  };
  let bound = 0;
  while (bound <= limits.bound && outcome.schedules < limits.cap) {
    const chooser = new DepthFirst(bound);
    world.takeGrown();
    let more = true;
    while (more && outcome.schedules < limits.cap) {
      outcome.schedules++;
      const message = attempt(world, scenario, setup, chooser);
      if (message !== null) return found(message);
      more = chooser.next();
    }
    if (more || world.takeGrown()) continue;
    outcome.exhausted = bound++;
  }
  if (outcome.exhausted < limits.bound) {
    const chooser = new Random(limits.seed);
    for (let i = 0; i < limits.random; i++) {
      outcome.schedules++;
      const message = attempt(world, scenario, setup, chooser);
      if (message !== null) return found(message);
    }
  }
  outcome.milliseconds = performance.now() - began;
  return outcome;
}

/** Runs the one schedule of a replay string; what went wrong, or null. */
export function replay(world: World, scenario: Scenario, setup: unknown, text: string) {
  return attempt(world, scenario, setup, new Replay(text));
}
