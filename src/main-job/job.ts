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
import { Counter } from "../../assembly/shared/abi.js";
import { ProgressLine } from "../cli/progress.js";
import { Engine } from "../engine.js";
import { coreOf } from "../replay/engine-core.js";
import { FaultCrew } from "../replay/fault-crew.js";
import type { FaultCounts } from "../replay/fault-worker.js";
import { type ReplayReport, reportText } from "../replay/report.js";
import { startThread, type Thread } from "../replay/thread.js";
import { count, faultTable, resultText } from "./text.js";
import type { Prepared, WriterResult, WriterWorker } from "./writer-worker.js";

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
  const progress = new Int32Array(new SharedArrayBuffer(4));
  const writer = startThread<WriterWorker>(WRITER, "writer");
  const crew = await FaultCrew.start(engine, FAULT_WORKERS);
  try {
    const prepare = writer.api.prepare(engine.share(), path, progress);
    const prepared = await Promise.race([prepare, writer.death]);
    process.stdout.write(`replaying: ${prepared.program}\nrecorded:  ${prepared.kernel}\n`);
    const { result, faults } = await replay(engine, { writer, crew, prepared, seconds, progress });
    process.stdout.write(`\n${resultText(result)}\n${faultTable(faults)}`);
    const broken = coreOf(engine).x.mm_validate(prepared.mm);
    if (broken !== 0)
      process.stdout.write(`\ninvariant ${broken} of the address space is broken\n`);
    if (result.first !== null) process.stdout.write(`\n${reportText(reportOf(path, result))}\n`);
    return result.differences === 0 && broken === 0 ? 0 : 1;
  } finally {
    await Promise.all([writer.end(), crew.end()]);
  }
}

interface Cast {
  readonly writer: Thread<WriterWorker>;
  readonly crew: FaultCrew;
  readonly prepared: Prepared;
  readonly seconds: number;
  readonly progress: Int32Array;
}

async function replay(
  engine: Engine,
  { writer, crew, prepared, seconds, progress }: Cast,
): Promise<{ result: WriterResult; faults: readonly FaultCounts[] }> {
  await crew.run({ mode: "fault", writeEvery: WRITE_EVERY });
  crew.mm = prepared.mm;
  const clock = showProgress(() => {
    const { x } = coreOf(engine);
    const faults = crew.seats.reduce((sum, seat) => sum + x.worker_counter(seat, Counter.FAULT), 0);
    return `${count(Atomics.load(progress, 0))} calls, ${count(faults)} faults`;
  });
  try {
    const result = await Promise.race([writer.api.run(seconds), writer.death]);
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
  const timer = setInterval(show, isTTY ? 100 : 1000);
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
