// The main job: a real program's memory calls, replayed by one thread, while others take
// page faults all over the same address space through per-VMA locks.
//
//   this thread     makes the engine, starts, stops, shows what shared counters say
//   writer          replays the trace again and again, compares every map with Linux's
//   fault workers   handle_mm_fault at random pages of that program
//
// comlink carries start, stop and results; the work goes through each thread's own wasm
// instance on the shared memory.

import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { ProgressLine } from "../cli/progress.js";
import { type PoolWorker, WorkerPool } from "../comlink.js";
import { Engine } from "../engine.js";
import { FaultCrew } from "../replay/fault-crew.js";
import type { FaultCounts } from "../replay/fault-worker.js";
import { type ReplayReport, reportText } from "../replay/report.js";
import { count, faultTable, resultText } from "./text.js";
import type { WriterResult, WriterWorker } from "./writer-worker.js";

/** From this file's place in the package: dist/src/main-job/job.js. */
const TRACE = new URL("../../../fixtures/traces/python-stdlib.ndjson.gz", import.meta.url);
const WRITER = new URL("./writer-worker.js", import.meta.url);

/** One fault of so many is a write. */
const WRITE_EVERY = 8;
/** "Others" is more than one, also on a small machine. */
const FAULT_WORKERS = Math.min(Math.max(availableParallelism() - 1, 2), 8);

export interface MainJobOptions {
  readonly seconds: number;
  /** Path of another trace, of one process. */
  readonly trace: string | undefined;
}

/** The process's exit status: 0, or 1 if anything differed from Linux. */
export async function runMainJob({ seconds, trace }: MainJobOptions): Promise<number> {
  const path = trace ?? fileURLToPath(TRACE);
  using engine = await Engine.create({ maxWorkers: FAULT_WORKERS + 2 });
  const writer = await WorkerPool.create<WriterWorker>({ engine, size: 1, url: WRITER });
  const crew = await FaultCrew.start(engine, FAULT_WORKERS);
  try {
    const { result, faults } = await replay(engine, writer, crew, path, seconds);
    process.stdout.write(`\n${resultText(result)}\n${faultTable(faults)}`);
    if (result.first !== null) process.stdout.write(`\n${reportText(reportOf(path, result))}\n`);
    const broken = engine.validate();
    for (const violation of broken) process.stdout.write(`broken: ${JSON.stringify(violation)}\n`);
    return result.differences === 0 && broken.length === 0 ? 0 : 1;
  } finally {
    await Promise.all([writer.stop(), crew.end()]);
  }
}

async function replay(
  engine: Engine,
  writer: WorkerPool<WriterWorker>,
  crew: FaultCrew,
  path: string,
  seconds: number,
): Promise<{ result: WriterResult; faults: readonly FaultCounts[] }> {
  const [{ api }] = writer.workers as [PoolWorker<WriterWorker>];
  const calls = new Int32Array(new SharedArrayBuffer(4));
  const { program, kernel, mm } = await api.prepare(path, calls);
  process.stdout.write(`replaying: ${program}\nrecorded:  ${kernel}\n`);
  await crew.run({ mode: "fault", writeEvery: WRITE_EVERY });
  crew.mm = mm;
  const clock = showProgress(() => {
    const { fault } = engine.stats().total;
    return `${count(Atomics.load(calls, 0))} calls, ${count(fault)} faults`;
  });
  try {
    const result = await api.run(seconds);
    return { result, faults: await crew.stop() };
  } finally {
    crew.mm = 0;
    clock.stop();
  }
}

/** On a terminal one line that changes; elsewhere a line a second. */
function showProgress(text: () => string): { stop(): void } {
  const line = new ProgressLine("running", process.stdout);
  const { isTTY } = process.stdout;
  const show = () => {
    if (isTTY) line.show(text());
    else process.stdout.write(`running: ${text()}\n`);
  };
  const timer = setInterval(show, isTTY ? 150 : 1000);
  return {
    stop() {
      clearInterval(timer);
      line.clear();
    },
  };
}

function reportOf(file: string, result: WriterResult): ReplayReport {
  const { calls, mapsCompared, differences, first, borders } = result;
  const totals = { mapsCompared, differences, first, borders, reordered: 0, notReplayed: {} };
  return { file, kind: "trace", operations: calls, ...totals };
}
