// N fault workers beside whoever replays: started once, aimed anew for each replay.

import { WorkerPool } from "../comlink.js";
import type { Engine } from "../engine.js";
import type { FaultCounts, FaultTargets, FaultWorker } from "./fault-worker.js";

const WORKER = new URL("./fault-worker.js", import.meta.url);
/** Any odd number: the workers draw different pages, the same ones in every run. */
const SEED = 7919;

export class FaultCrew {
  readonly #pool: WorkerPool<FaultWorker>;
  /** [mm]: read by the workers before every slice. */
  readonly #cell = new Int32Array(new SharedArrayBuffer(4));

  private constructor(pool: WorkerPool<FaultWorker>) {
    this.#pool = pool;
  }

  static async start(engine: Engine, size: number): Promise<FaultCrew> {
    const crew = new FaultCrew(await WorkerPool.create<FaultWorker>({ engine, size, url: WORKER }));
    await crew.#pool.run((api, index) => api.prepare(crew.#cell, SEED * (index + 1)));
    return crew;
  }

  /** The address space to fault in from now on; 0: none. */
  set mm(mm: number) {
    Atomics.store(this.#cell, 0, mm);
  }

  async run(targets: FaultTargets): Promise<void> {
    await this.#pool.run(async (api) => {
      await api.aim(targets);
      await api.start();
    });
  }

  stop(): Promise<readonly FaultCounts[]> {
    return this.#pool.run((api) => api.stop());
  }

  end(): Promise<void> {
    return this.#pool.stop();
  }
}
