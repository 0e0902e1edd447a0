// The crew: a mapper and a faulter on one engine, each in its own worker.
//
// Without cross-origin isolation there is no shared memory: then both take turns on the
// page's own thread.

import { wrapWorker } from "../../src/comlink.js";
import type { Engine, MmWithUser } from "../../src/index.js";
import { CrewMember, type Places, type Tally } from "./member.js";
import { type JobName, PACES, type Pace } from "./pace.js";

const JOBS: readonly JobName[] = ["mapper", "faulter"];

/** A member as the page sees it: its calls return promises wherever it sits. */
interface Colleague {
  readonly job: JobName;
  readonly slot: number;
  run(stepsPerSecond: number): Promise<void>;
  stop(): Promise<void>;
  tally(): Promise<Tally>;
}

export class Crew {
  readonly #members: readonly Colleague[];
  readonly parallel: boolean;
  #running = false;

  private constructor(members: readonly Colleague[], parallel: boolean) {
    this.#members = members;
    this.parallel = parallel;
  }

  /** @param parallel false: no workers, everything in this thread */
  static async hire(
    engine: Engine,
    mm: MmWithUser,
    places: Places,
    parallel: boolean,
  ): Promise<Crew> {
    const hire = parallel ? hireWorker : hireHere;
    const members = JOBS.map((job) => hire(job, engine, mm, places));
    return new Crew(await Promise.all(members), parallel);
  }

  get running(): boolean {
    return this.#running;
  }

  /** Its seat in the engine. */
  slotOf(job: JobName): number {
    return this.#member(job).slot;
  }

  tallyOf(job: JobName): Promise<Tally> {
    return this.#member(job).tally();
  }

  /** Starts, or changes the pace of a crew at work. */
  async run(pace: Pace): Promise<void> {
    this.#running = true;
    await Promise.all(this.#members.map((member) => member.run(PACES[pace][member.job])));
  }

  /** Resolves when both are quiet. */
  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#members.map((member) => member.stop()));
  }

  #member(job: JobName): Colleague {
    const member = this.#members.find((candidate) => candidate.job === job);
    if (member === undefined) throw new TypeError(`nobody here is a ${job}`);
    return member;
  }
}

async function hireWorker(
  job: JobName,
  engine: Engine,
  mm: MmWithUser,
  places: Places,
): Promise<Colleague> {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), {
    type: "module",
    name: job,
  });
  const { api, slot } = await wrapWorker<CrewMember>(worker, engine);
  await api.take(job, mm, places); // the worker gets a reference of its own
  return {
    job,
    slot,
    run: (stepsPerSecond) => api.run(stepsPerSecond),
    stop: () => api.stop(),
    tally: () => api.tally(),
  };
}

async function hireHere(
  job: JobName,
  engine: Engine,
  mm: MmWithUser,
  places: Places,
): Promise<Colleague> {
  const member = new CrewMember(engine, "timer");
  member.take(job, mm.clone(), places);
  return {
    job,
    slot: engine.slot,
    run: async (stepsPerSecond) => member.run(stepsPerSecond),
    stop: () => member.stop(),
    tally: async () => member.tally(),
  };
}
