// A crew: N racers in workers of their own, on one engine that is made for them.
//
// Not a WorkerPool: that would reap a dead worker by itself, and here the reader shall see
// what is before, and what the reaping reports.

import type { Remote } from "comlink";
import { wrap } from "../../src/comlink.js";
import { Engine, type MmWithUser, type ReapReport } from "../../src/index.js";
import { type Board, createBoard, setStopped } from "./board.js";
import { createCourse } from "./course.js";
import type { Racer } from "./racer.js";

export interface Plan {
  readonly racers: number;
  /** Calls that change the map, of 1000 operations. */
  readonly changesPerMille: number;
}

interface Member {
  readonly worker: Worker;
  readonly api: Remote<Racer>;
  readonly slot: number;
  readonly lifeline: string;
  dead: boolean;
}

export type Work = "race" | "slowMotion";

export class Crew implements AsyncDisposable {
  readonly engine: Engine;
  readonly mm: MmWithUser;
  readonly board: Board;
  readonly #members: readonly Member[];
  #working: Promise<unknown> = Promise.resolve();

  private constructor(engine: Engine, mm: MmWithUser, board: Board, members: readonly Member[]) {
    this.engine = engine;
    this.mm = mm;
    this.board = board;
    this.#members = members;
  }

  /** @throws Error a worker could not be loaded; those that could are stopped again */
  static async hire({ racers, changesPerMille }: Plan, perVmaLock: boolean): Promise<Crew> {
    const engine = await Engine.create({ perVmaLock, maxWorkers: racers + 1 });
    const mm = createCourse(engine, racers);
    const board = createBoard(racers);
    const started = await Promise.allSettled(
      Array.from({ length: racers }, async (_, n): Promise<Member> => {
        // In one expression: that is how the build finds the worker.
        const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
        const api = wrap<Racer>(worker);
        const slot = await api.attach(engine.share());
        const lifeline = `vmaple racer ${crypto.randomUUID()}`;
        await api.take(mm, { n, racers, changesPerMille, board, lifeline });
        return { worker, api, slot, lifeline, dead: false };
      }),
    );
    const members = started.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    const crew = new Crew(engine, mm, board, members);
    const failed = started.find((one) => one.status === "rejected");
    if (failed === undefined) return crew;
    await crew[Symbol.asyncDispose]();
    throw failed.reason;
  }

  /** Racer `n`'s seat in the engine. */
  slotOf(n: number): number {
    return this.#member(n).slot;
  }

  start(work: Work): void {
    setStopped(this.board, false);
    const living = this.#members.filter(({ dead }) => !dead);
    this.#working = Promise.all(
      living.map((member) => Promise.race([member.api[work](), died(member)])),
    );
    this.#working.catch(() => {}); // stop() hands it out
  }

  /** Resolves when all are quiet. Rejects with what a racer threw. */
  async stop(): Promise<void> {
    setStopped(this.board, true);
    await this.#working;
  }

  /** Terminates racer `n`, wherever it is; resolves when the browser says that it is gone. */
  async kill(n: number): Promise<void> {
    const member = this.#member(n);
    member.dead = true;
    member.worker.terminate();
    await navigator.locks.request(member.lifeline, () => {});
  }

  /** Gives up what a killed racer held. */
  reap(n: number): ReapReport {
    return this.engine.reap(this.slotOf(n));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop().catch(() => {}); // an error has been told by stop() already
    const living = this.#members.filter(({ dead }) => !dead);
    await Promise.allSettled(living.map(({ api }) => api.leave()));
    for (const { worker } of living) worker.terminate();
    this.mm.dispose();
    this.engine.dispose();
  }

  #member(n: number): Member {
    const member = this.#members[n];
    if (member === undefined) throw new RangeError(`there is no racer ${n}`);
    return member;
  }
}

/** Resolves when the member's worker is gone. */
async function died({ lifeline }: Member): Promise<void> {
  await navigator.locks.request(lifeline, () => {});
}
