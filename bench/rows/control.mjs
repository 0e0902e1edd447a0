// Row 6, the control plane: what happens once a worker or a task, not once a VMA.
//
//   start      a worker thread from nothing to ready; ours attached to an engine
//   task       a call to a worker and its answer
//   attach     a second engine on the same memory in this thread, and its end
//   create     an engine with default options
//   idle       bytes of the arena that an engine without address spaces has touched
//   resident   memory of this process that goes to a second engine

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { WorkerPool } from "../../dist/src/comlink.js";
import { Engine } from "../../dist/src/index.js";
import { cpuNs } from "../lib/measure.mjs";

const OURS = "vmaple";
const PLAIN = "worker_threads alone";
const WORKER = new URL("../subjects/control-worker.mjs", import.meta.url);
const ECHO = new URL("../subjects/echo-worker.mjs", import.meta.url);
const PARTS = {
  [OURS]: ["start", "task", "attach", "create", "idle", "resident"],
  [PLAIN]: ["start", "task"],
};
const KIB = 1024;

export const name = "control";
export const title = "starting things, and memory of an idle engine; wall time";
export const workloads = PARTS[OURS];
export const impls = [OURS, PLAIN];
export const references = [{ impl: OURS, short: "vmaple" }];

export function cases() {
  return impls.flatMap((impl) => PARTS[impl].map((workload) => ({ impl, workload })));
}

export async function run({ impl, workload }, { quick }, emit) {
  const times = quick ? 2 : 20;
  if (workload === "idle") {
    emit({ workload, value: idleBytes(await Engine.create()), unit: "bytes" });
  } else if (workload === "resident") {
    emit({ workload, value: await residentBytes(), unit: "bytes" });
  } else {
    const result = await { start, task, attach, create }[workload](impl, times);
    emit({ workload, ...result });
  }
}

/** Mean of `times` runs after one that does not count. */
async function mean(times, step) {
  await step();
  const cpu = cpuNs();
  const began = performance.now();
  for (let i = 0; i < times; i++) await step();
  const wall = ((performance.now() - began) * 1e6) / times;
  return { value: wall, wall, notes: { "CPU ns": (cpuNs() - cpu) / times } };
}

async function start(impl, times) {
  const engine = await Engine.create();
  return mean(times, async () => {
    if (impl === OURS) {
      const pool = await WorkerPool.create({ engine, size: 1, url: WORKER });
      await pool.stop();
      return;
    }
    const worker = new Worker(ECHO);
    worker.postMessage(0);
    await once(worker, "message");
    await worker.terminate();
  });
}

async function task(impl, times) {
  if (impl === PLAIN) {
    const worker = new Worker(ECHO);
    const result = await mean(times * 100, async () => {
      worker.postMessage(1);
      await once(worker, "message");
    });
    await worker.terminate();
    return result;
  }
  const engine = await Engine.create();
  const pool = await WorkerPool.create({ engine, size: 1, url: WORKER });
  const [worker] = pool.workers;
  const result = await mean(times * 100, () => worker.api.echo(1));
  await pool.stop();
  return result;
}

async function attach(_impl, times) {
  const engine = await Engine.create();
  const share = engine.share();
  return mean(times * 10, async () => {
    const second = await Engine.attach(share);
    second.dispose();
  });
}

async function create(_impl, times) {
  return mean(times, async () => (await Engine.create()).dispose());
}

/** Pages of the arena that are not all zero. */
function idleBytes(engine) {
  const words = new Uint32Array(engine.memory.buffer);
  const page = 4 * KIB;
  let touched = 0;
  for (let at = 0; at < words.length; at += page / 4) {
    if (words.subarray(at, at + page / 4).some((word) => word !== 0)) touched += page;
  }
  return touched;
}

async function residentBytes() {
  const engines = [await Engine.create()];
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  const more = 8;
  for (let i = 0; i < more; i++) engines.push(await Engine.create());
  globalThis.gc?.();
  const bytes = (process.memoryUsage.rss() - before) / more;
  for (const engine of engines) engine.dispose();
  return Math.max(bytes, 0);
}
