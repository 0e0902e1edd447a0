// Worker threads that run one loop at the same time while a window is open.
//
//   control words   GO     0 wait, 1 run, 2 stop
//                   READY  workers that are warm
//
// Each worker repeats its loop in chunks and counts operations; the bench's own thread
// opens and closes the window, and may do something of its own meanwhile.

import { Worker } from "node:worker_threads";
import { threadCpuNs } from "./measure.mjs";

const Word = { GO: 0, READY: 1, COUNT: 2 };
const RUN = 1;
const STOP = 2;

/**
 * @typedef {object} WorkerResult
 * @property {number} operations
 * @property {number} ns wall time
 * @property {number} cpu ns of this thread; NaN where the system does not tell
 * @property {number} checksum
 * @property {Record<string, number>} extra
 *
 * @typedef {object} CrewResult
 * @property {number} wall ns an operation of one worker
 * @property {number} cpu ns an operation
 * @property {number} perSecond operations of all workers
 * @property {WorkerResult[]} workers
 */

/**
 * @param {URL} module exports `prepare(task)`, which returns
 *   `{ step, checksum?, extra?, finish? }`; step() runs a chunk and returns its operations
 * @param {object[]} tasks one a worker
 * @param {{ warmUpMs: number, during: () => unknown }} window it is open while `during` runs
 * @returns {Promise<CrewResult>}
 */
export async function runCrew(module, tasks, { warmUpMs, during }) {
  const control = new Int32Array(new SharedArrayBuffer(4 * Word.COUNT));
  const url = new URL("./crew-worker.mjs", import.meta.url);
  const workers = tasks.map((task) => {
    const workerData = { module: module.href, task, control, warmUpMs };
    return new Worker(url, { workerData });
  });
  const finished = workers.map((worker) => outcome(worker));
  const failure = Promise.race(finished.map((result) => result.then(() => new Promise(() => {}))));
  await Promise.race([failure, allReady(control, tasks.length)]);
  set(control, RUN);
  await Promise.race([failure, during()]);
  set(control, STOP);
  return summary(await Promise.all(finished));
}

/** @param {number} ms */
export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** @param {WorkerResult[]} workers @returns {CrewResult} */
function summary(workers) {
  const total = (key) => workers.reduce((sum, worker) => sum + worker[key], 0);
  const perSecond = workers.reduce((sum, { operations, ns }) => sum + (operations / ns) * 1e9, 0);
  const wall = (workers.length / perSecond) * 1e9;
  const cpu = total("cpu") / total("operations");
  return { wall, cpu: Number.isNaN(cpu) ? wall : cpu, perSecond, workers };
}

function set(control, state) {
  Atomics.store(control, Word.GO, state);
  Atomics.notify(control, Word.GO);
}

async function allReady(control, count) {
  while (Atomics.load(control, Word.READY) < count) await sleep(1);
}

function outcome(worker) {
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

/**
 * The worker's side.
 *
 * @param {Int32Array} control
 * @param {() => number} step
 * @param {number} warmUpMs
 */
export function repeat(control, step, warmUpMs) {
  const warmUntil = performance.now() + warmUpMs;
  do step();
  while (performance.now() < warmUntil);
  Atomics.add(control, Word.READY, 1);
  Atomics.wait(control, Word.GO, 0);
  const cpuBefore = threadCpuNs();
  const before = performance.now();
  let operations = 0;
  do operations += step();
  while (Atomics.load(control, Word.GO) === RUN);
  const ns = (performance.now() - before) * 1e6;
  return { operations, ns, cpu: threadCpuNs() - cpuBefore };
}
