// Worker threads that run one loop at the same time, until told to stop.
//
//   control words   GO     0 wait, 1 run, 2 stop
//                   READY  workers that are warm
//
// Each worker repeats its loop in chunks and counts operations; the bench's thread only
// opens and closes the window.

import { Worker } from "node:worker_threads";
import { cpuNs } from "./measure.mjs";

const Word = { GO: 0, READY: 1, COUNT: 2 };
const RUN = 1;
const STOP = 2;

/**
 * @typedef {object} CrewResult
 * @property {number} wall ns an operation of one worker
 * @property {number} cpu ns an operation, of the whole process
 * @property {number} perSecond operations of all workers
 * @property {{ operations: number, ns: number, checksum: number, extra: Record<string, number> }[]} workers
 */

/**
 * @param {URL} module exports `prepare(task)`, which returns `{ step, checksum?, extra? }`:
 *   step() runs a chunk and returns its operations
 * @param {object[]} tasks one a worker
 * @param {{ ms: number, warmUpMs: number }} window
 * @returns {Promise<CrewResult>}
 */
export async function runCrew(module, tasks, { ms, warmUpMs }) {
  const control = new Int32Array(new SharedArrayBuffer(4 * Word.COUNT));
  const url = new URL("./crew-worker.mjs", import.meta.url);
  const workers = tasks.map((task) => {
    const workerData = { module: module.href, task, control, warmUpMs };
    return new Worker(url, { workerData });
  });
  const finished = workers.map((worker) => outcome(worker));
  const failure = Promise.race(finished.map((result) => result.then(() => new Promise(() => {}))));
  await Promise.race([failure, allReady(control, tasks.length)]);
  const cpuBefore = cpuNs();
  set(control, RUN);
  await Promise.race([failure, new Promise((resolve) => setTimeout(resolve, ms))]);
  set(control, STOP);
  const results = await Promise.all(finished);
  const cpu = cpuNs() - cpuBefore;
  const total = results.reduce((sum, { operations }) => sum + operations, 0);
  const perSecond = results.reduce((sum, r) => sum + (r.operations / r.ns) * 1e9, 0);
  return { wall: (tasks.length / perSecond) * 1e9, cpu: cpu / total, perSecond, workers: results };
}

function set(control, state) {
  Atomics.store(control, Word.GO, state);
  Atomics.notify(control, Word.GO);
}

async function allReady(control, count) {
  while (Atomics.load(control, Word.READY) < count) await new Promise((r) => setTimeout(r, 1));
}

function outcome(worker) {
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

/** The worker's side. @param {Int32Array} control @param {() => number} step */
export function repeat(control, step, warmUpMs) {
  const warmUntil = performance.now() + warmUpMs;
  do step();
  while (performance.now() < warmUntil);
  Atomics.add(control, Word.READY, 1);
  Atomics.wait(control, Word.GO, 0);
  const started = performance.now();
  let operations = 0;
  while (Atomics.load(control, Word.GO) === RUN) operations += step();
  return { operations, ns: (performance.now() - started) * 1e6 };
}
