// Workers that are terminated while they hold something.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Engine, MmWithUser } from "../../src/index.js";

/** Where the space of these tests has its VMAs. */
export const BASE = 2 ** 44;

/** Runs `body` (of x, mm, address) in a worker that then sleeps, and is terminated there; its seat. */
export async function diesAfter(engine: Engine, mm: MmWithUser, body: string): Promise<number> {
  const { memory, module } = engine.share();
  const code = `
    const { parentPort, workerData } = require("node:worker_threads");
    const { module, memory, mm, address } = workerData;
    const x = new WebAssembly.Instance(module, { env: { memory } }).exports;
    const seat = x.worker_attach(1);
    ${body}
    parentPort.postMessage(seat);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`;
  const workerData = { memory, module, mm: mm.asRaw(), address: BASE };
  const worker = new Worker(code, { eval: true, workerData });
  const [seat] = await once(worker, "message");
  await worker.terminate();
  return seat;
}
