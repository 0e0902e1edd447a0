// Row 4, whole programs: the calls of a recorded program made again and again in one
// space, while 0, 1 and 2 workers take faults all over it.
//
// The recorded results are the checksum: every call must answer what the kernel answered
// (0 differences), whatever the workers do. Value: the writer's wall time a call, median
// of the passes; with as many cores as threads that is its CPU time. Linux's is CPU time.

import { spawnSync } from "node:child_process";
import { createArena, openLoops } from "../lib/arena.mjs";
import { runCrew } from "../lib/crew.mjs";
import { compile, Unavailable } from "../lib/native.mjs";
import { spread } from "../lib/stats.mjs";
import { openProgram, programText, readProgram, runCalls } from "../workload/trace.mjs";

const WASM = "vmaple in wasm";
const RAW = "vmaple raw from JS";
const NO_VMA_LOCKS = "perVmaLock: false";
const LINUX = "Linux, real calls";
const FAULTS = new URL("../subjects/fault-task.mjs", import.meta.url);
const SYSTRACE = { name: "systrace", source: "systrace.c", compiler: "gcc", flags: ["-O2"] };
const FAULT_WORKERS = [0, 1, 2];
const PASSES_LINUX = 200;
const MS = 500;

export const name = "programs";
export const title = "a Python's 1,258 memory calls; ns a call, beside 0, 1, 2 fault workers";
export const workloads = ["python-stdlib"];
export const impls = [WASM, RAW, NO_VMA_LOCKS, LINUX];
export const references = [
  { impl: WASM, short: "wasm" },
  { impl: RAW, short: "raw" },
];

/** @param {import("../lib/options.mjs").Options} options */
export function cases({ workers: most, quick }) {
  const counts = quick ? [1] : FAULT_WORKERS.filter((workers) => workers <= most);
  const ours = counts.flatMap((workers) =>
    [WASM, RAW, NO_VMA_LOCKS].map((impl) => ({ impl, workers })),
  );
  return process.platform === "linux" ? [...ours, { impl: LINUX, workers: 0 }] : ours;
}

export async function run({ impl, workers }, { quick }, emit) {
  const program = readProgram();
  const [workload] = workloads;
  if (impl === LINUX) {
    emit({ workload, workers, ...runLinux(program, quick ? 5 : PASSES_LINUX) });
    return;
  }
  const { engine, share } = await createArena({ workers, perVmaLock: impl !== NO_VMA_LOCKS });
  const opened = openProgram(engine, program);
  const pass = impl === WASM ? wasmPass(engine, share, opened) : rawPass(engine, opened);
  const ms = quick ? 1 : MS;
  repeatFor(quick ? 0 : 200, opened, pass);
  let passes;
  const during = () => {
    passes = repeatFor(ms, opened, pass);
  };
  const tasks = Array.from({ length: workers }, (_, i) => {
    return { share: share.engine, mm: opened.mm.asRaw(), seed: i + 1 };
  });
  const crew = await runCrew(FAULTS, tasks, { warmUpMs: quick ? 0 : 100, during });
  const { median } = spread(passes.map(({ ns }) => ns));
  const checksum = Math.max(...passes.map(({ differences }) => differences));
  const notes = workers === 0 ? {} : faultNotes(crew);
  emit({ workload, workers, wall: median / program.count, checksum, notes });
}

/** Passes until `ms` have gone by, at least one; the space is rebuilt between them, untimed. */
function repeatFor(ms, opened, pass) {
  const until = performance.now() + ms;
  const passes = [];
  do {
    opened.reset();
    const began = performance.now();
    const differences = pass();
    passes.push({ ns: (performance.now() - began) * 1e6, differences });
  } while (performance.now() < until);
  return passes;
}

function wasmPass(engine, share, { mm, calls }) {
  const { loops, stream } = openLoops(engine, share);
  new Float64Array(engine.memory.buffer, stream, calls.length).set(calls);
  const n = calls.length / 8;
  return () => loops.bench_calls(mm.asRaw(), stream, n);
}

function rawPass({ raw }, { mm, calls }) {
  return () => runCalls(raw, mm.asRaw(), calls);
}

/** @param {import("../lib/crew.mjs").CrewResult} crew */
function faultNotes({ perSecond, cpu, workers }) {
  const total = (key) => workers.reduce((sum, { extra }) => sum + extra[key], 0);
  const fallbacks = total("mmapLock") / (total("mmapLock") + total("vmaLock"));
  return { "M faults/s": perSecond / 1e6, "ns a fault": cpu, "% fell back": 100 * fallbacks };
}

/** @throws Unavailable */
function runLinux(program, passes) {
  const path = compile(SYSTRACE);
  const options = { input: programText(program), encoding: "utf8" };
  const { status, stdout, stderr } = spawnSync(path, [String(passes)], options);
  if (status !== 0) throw new Unavailable(`systrace: exit ${status} ${stderr.trim()}`);
  return JSON.parse(stdout);
}
