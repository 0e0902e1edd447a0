// N fault workers beside whoever replays: started once, aimed anew for each replay.

import type { Engine } from "../engine.js";
import type { FaultCounts, FaultTargets, FaultWorker } from "./fault-worker.js";
import { startThread, type Thread } from "./thread.js";

const WORKER = new URL("./fault-worker.js", import.meta.url);

export class FaultCrew {
  /** [mm]: read by the workers before every slice. */
  readonly #cell: Int32Array;

  private constructor(
    readonly threads: readonly Thread<FaultWorker>[],
    /** Their seats in the engine. */
    readonly seats: readonly number[],
    cell: Int32Array,
  ) {
    this.#cell = cell;
  }

  static async start(engine: Engine, count: number): Promise<FaultCrew> {
    const cell = new Int32Array(new SharedArrayBuffer(4));
    const threads = Array.from({ length: count }, (_, n) =>
      startThread<FaultWorker>(WORKER, `fault worker ${n + 1}`),
    );
    const attach = (thread: Thread<FaultWorker>, n: number) =>
      Promise.race([thread.api.attach(engine.share(), cell, 7919 * (n + 1)), thread.death]);
    const seats = await Promise.all(threads.map(attach));
    return new FaultCrew(threads, seats, cell);
  }

  /** The address space to fault in from now on; 0: none. */
  set mm(mm: number) {
    Atomics.store(this.#cell, 0, mm);
  }

  async run(targets: FaultTargets): Promise<void> {
    await this.#each(async ({ api }) => {
      await api.aim(targets);
      await api.start();
    });
  }

  async stop(): Promise<readonly FaultCounts[]> {
    return this.#each(({ api }) => api.stop());
  }

  async end(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.end()));
  }

  #each<T>(call: (thread: Thread<FaultWorker>) => Promise<T>): Promise<T[]> {
    return Promise.all(this.threads.map((thread) => Promise.race([call(thread), thread.death])));
  }
}
