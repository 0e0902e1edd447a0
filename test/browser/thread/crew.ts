// Engines, workers and spaces of the main-thread tests.

import { type PoolWorker, wrapWorker } from "../../../src/comlink.js";
import { Engine, type MmWithUser } from "../../../src/index.js";
import { BASE, FIXED_ANON, PAGE, PAGES, RW } from "./space.js";

export interface WorkerApi {
  work(mm: MmWithUser, what: "change" | "look" | "both", seed: number, ms: number): number;
  holdWriteLock(mm: MmWithUser): void;
  holdVma(mm: MmWithUser, address: number): void;
  release(): void;
  close(): void;
}

/** Every assertion of the core is on. */
const VERIFY = new URL("../../../build/engine.verify.wasm", import.meta.url);
export const newEngine = () => Engine.create({ memoryBytes: 2 ** 24, maxWorkers: 8, wasm: VERIFY });

export function startWorker(engine: Engine): {
  worker: Worker;
  ready: Promise<PoolWorker<WorkerApi>>;
} {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  return { worker, ready: wrapWorker<WorkerApi>(worker, engine) };
}

/** A space with its first pages mapped as one VMA. */
export function mapped(engine: Engine): MmWithUser {
  const mm = engine.createMm();
  mm.mmap({ address: BASE, length: PAGES * PAGE, prot: RW, flags: FIXED_ANON });
  return mm;
}
