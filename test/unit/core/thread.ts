// A real thread with an instance of the core of its own: what blocks, blocks there.

import { Worker } from "node:worker_threads";
import type { Engine } from "../../../src/index.js";

const SCRIPT = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { module, memory } = workerData;
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const seat = exports.worker_attach(1);
  parentPort.on("message", (calls) => {
    try {
      let result = seat;
      for (const [name, ...args] of calls) result = exports[name](...args);
      parentPort.postMessage({ result });
    } catch (error) {
      parentPort.postMessage({ error: String(error) });
    }
  });
  parentPort.postMessage({ result: seat });
`;

/** A call of an export: its name and its arguments. */
export type RawCall = readonly [name: string, ...args: number[]];

export class Thread implements AsyncDisposable {
  readonly #worker: Worker;
  /** The seat that the thread took. */
  readonly seat: number;

  private constructor(worker: Worker, seat: number) {
    this.#worker = worker;
    this.seat = seat;
  }

  static async start(engine: Engine): Promise<Thread> {
    const { module, memory } = engine.share();
    const worker = new Worker(SCRIPT, { eval: true, workerData: { module, memory } });
    return new Thread(worker, await answer(worker));
  }

  /** Makes calls one after the other; the result of the last, once all are done. */
  run(...calls: RawCall[]): Promise<number> {
    const result = answer(this.#worker);
    this.#worker.postMessage(calls);
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}

function answer(worker: Worker): Promise<number> {
  return new Promise((resolve, reject) => {
    worker.once("message", ({ result, error }: { result: number; error?: string }) => {
      if (error === undefined) resolve(result);
      else reject(new Error(error));
    });
  });
}

/** Whether a promise is settled after a while in which it could have been. */
export async function settled(promise: Promise<unknown>, ms = 30): Promise<boolean> {
  const late = new Promise((resolve) => setTimeout(() => resolve("late"), ms));
  return (await Promise.race([promise.then(() => "settled"), late])) === "settled";
}
