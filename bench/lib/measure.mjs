// Timing: wall and CPU time of a loop, a chunk at a time, until done or out of budget.
//
// CPU time is the process's, all threads and the garbage collector included: on a shared
// machine it is the steadier of the two. Wall time stands beside it.

import { readFileSync } from "node:fs";

/**
 * @typedef {object} Timing
 * @property {number} wall ns an operation
 * @property {number} cpu ns an operation
 * @property {number} done operations
 * @property {boolean} partial cut off by the budget
 */

/**
 * @param {number} total operations
 * @param {(from: number, to: number) => void} step
 * @param {{ budgetMs: number, chunk?: number }} options
 * @returns {Timing}
 */
export function measure(total, step, { budgetMs, chunk = 1024 }) {
  const cpuBefore = cpuNs();
  const before = performance.now();
  const limit = before + budgetMs;
  let now = before;
  let done = 0;
  while (done < total && now < limit) {
    const to = Math.min(total, done + chunk);
    step(done, to);
    done = to;
    now = performance.now();
  }
  const cpu = (cpuNs() - cpuBefore) / done;
  return { wall: ((now - before) * 1e6) / done, cpu, done, partial: done < total };
}

/** CPU time of this process, ns. */
export function cpuNs() {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

/** CPU time of this thread, ns; NaN on a system that does not tell (Linux does). */
export function threadCpuNs() {
  try {
    return Number.parseInt(readFileSync("/proc/thread-self/schedstat", "latin1"), 10);
  } catch {
    return Number.NaN;
  }
}
