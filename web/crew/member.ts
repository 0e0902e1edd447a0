// One member of the crew: a job, run in this thread on this thread's engine.
//
// The page talks to it through comlink when it sits in a worker, and directly when there
// are no workers.

import type { Engine, MmWithUser } from "../../src/index.js";
import { Faulter } from "./faulter.js";
import { type Breath, Loop } from "./loop.js";
import { Mapper } from "./mapper.js";
import type { JobName } from "./pace.js";
import type { PageRange } from "./space/layout.js";

/** What a job has done since it was made. */
export interface Tally {
  readonly done: number;
  /** Calls that got an errno, accesses that got a signal: all of it expected. */
  readonly refused: number;
  /** Calls by name. */
  readonly calls: Readonly<Record<string, number>>;
}

export interface Job {
  step(): void;
  tally(): Tally;
}

/** Where the jobs work. */
export interface Places {
  readonly window: PageRange;
  readonly quiet: readonly PageRange[];
}

export class CrewMember {
  readonly #engine: Engine;
  readonly #breath: Breath;
  #mm: MmWithUser | undefined;
  #job: Job | undefined;
  #loop: Loop | undefined;

  constructor(engine: Engine, breath: Breath) {
    this.#engine = engine;
    this.#breath = breath;
  }

  /** Takes a job on `mm`; the reference is this member's from now on. */
  take(name: JobName, mm: MmWithUser, places: Places): void {
    this.#mm?.dispose();
    this.#mm = mm;
    const { raw } = this.#engine;
    const job =
      name === "mapper"
        ? new Mapper(raw, mm, places.window)
        : new Faulter(raw, mm, places.window, places.quiet);
    this.#job = job;
    this.#loop = new Loop(() => job.step(), this.#breath);
  }

  run(stepsPerSecond: number): void {
    this.#loop?.start(stepsPerSecond);
  }

  async stop(): Promise<void> {
    await this.#loop?.stop();
  }

  /** @throws what the job threw, if it did */
  tally(): Tally {
    const failure = this.#loop?.failure;
    if (failure !== undefined) throw failure;
    return this.#job?.tally() ?? { done: 0, refused: 0, calls: {} };
  }
}
