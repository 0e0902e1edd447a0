// Plain accesses that race: two fibers, one word, one of them writes, nothing orders them.
//
// Happens-before by vector clocks over random schedules: an atomic access takes over what
// earlier atomic accesses of its word have published. Switch points cover these accesses
// too, so what a scenario asserts holds in spite of them; here they are listed by place,
// for each must have a reason (a validated read, see sync/atomics.ts).

import type { Scenario } from "./scenario";
import { attempt, Random } from "./search";
import type { World } from "./world";

const SCHEDULES = 300;
const FIBERS = 3;
/** Touch in assembly/base/debug.ts. */
const WRITE = 1;
const WIDE = 2;
const PLAIN = 4;
const RACY = 8;

interface Access {
  fiber: number;
  /** The fiber's own clock then. */
  time: number;
  how: number;
  place: string;
}

interface Word {
  /** What atomic accesses of this word have published. */
  published: number[];
  write: Access | undefined;
  reads: (Access | undefined)[];
}

export class Races {
  /** Pair of places -> scenarios it was seen in. */
  #found = new Map<string, Set<string>>();
  #words = new Map<number, Word>();
  #clocks: number[][] = [];

  watch(world: World, scenario: Scenario, setup: unknown, seed: number): void {
    Error.stackTraceLimit = 8;
    world.onAccess = (fiber, address, how) => {
      this.#access(fiber, address, how, scenario.name);
      if ((how & WIDE) !== 0) this.#access(fiber, address + 4, how, scenario.name);
    };
    const chooser = new Random(seed);
    for (let i = 0; i < SCHEDULES; i++) {
      this.#words.clear();
      this.#clocks = Array.from({ length: FIBERS }, (_, fiber) =>
        Array.from({ length: FIBERS }, (_, other) => (fiber === other ? 1 : 0)),
      );
      attempt(world, scenario, setup, chooser);
    }
    world.onAccess = undefined;
  }

  #access(fiber: number, address: number, how: number, scenario: string): void {
    const clock = this.#clocks[fiber]!;
    let word = this.#words.get(address);
    if (!word) {
      word = { published: new Array(FIBERS).fill(0), write: undefined, reads: [] };
      this.#words.set(address, word);
    }
    const access = { fiber, time: clock[fiber]!, how, place: place() };
    const write = (how & WRITE) !== 0;
    for (const before of write ? [word.write, ...word.reads] : [word.write]) {
      if (before && isRace(before, access, clock)) this.#note(before, access, scenario);
    }
    if (write) {
      word.write = access;
      word.reads = [];
    } else word.reads[fiber] = access;
    if ((how & PLAIN) !== 0) return;
    for (let i = 0; i < FIBERS; i++) {
      clock[i] = Math.max(clock[i]!, word.published[i]!);
      if (write) word.published[i] = clock[i]!;
    }
    if (write) clock[fiber]!++;
  }

  #note(a: Access, b: Access, scenario: string): void {
    const [first, second] = (a.how & WRITE) !== 0 ? [a, b] : [b, a];
    const line = `${describe(first)}  |  ${describe(second)}`;
    const seen = this.#found.get(line) ?? new Set();
    this.#found.set(line, seen.add(scenario));
  }

  report(): string[] {
    const lines = [...this.#found].map(([line, seen]) => `${line}   [${[...seen].join(" ")}]`);
    return lines.length === 0 ? ["no plain access races"] : lines.sort();
  }
}

/** `clock` is that of the fiber of `now`. */
function isRace(before: Access, now: Access, clock: number[]): boolean {
  if (((before.how | now.how) & PLAIN) === 0) return false;
  return before.fiber !== now.fiber && before.time > clock[before.fiber]!;
}

function describe({ how, place }: Access): string {
  const kind = (how & RACY) !== 0 ? "declared racy" : (how & PLAIN) !== 0 ? "plain" : "atomic";
  return `${kind} ${(how & WRITE) !== 0 ? "write" : "read"} ${place}`;
}

/** The innermost functions of the core on the stack, the hooks left out. */
function place(): string {
  const names = [...(new Error().stack ?? "").matchAll(/at (?:assembly\/)?(\S+) \(wasm:/g)]
    .map((match) => match[1]!)
    .filter((name) => !/explore|touch|^sync\/atomics/.test(name));
  return names.slice(0, 2).join(" < ");
}
