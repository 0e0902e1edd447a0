// The thread that issues a program's memory calls: the trace over and over, always in
// the same address space, so that fault workers find it where they left it.

import { setImmediate } from "node:timers/promises";
import { exposeWorker } from "../comlink.js";
import type { Engine } from "../engine.js";
import { readTrace } from "../formats/trace.js";
import { coreOf } from "../replay/engine-core.js";
import { readInput } from "../replay/input.js";
import { type Difference, newReport, type ReplayReport } from "../replay/report.js";
import { TraceReplay } from "../replay/trace.js";

export interface Prepared {
  readonly program: string;
  readonly kernel: string;
  /** The address space, kept until the thread ends. */
  readonly mm: number;
}

export interface WriterResult {
  readonly seconds: number;
  readonly passes: number;
  readonly calls: number;
  readonly mapsCompared: number;
  readonly differences: number;
  readonly first: Difference | null;
  /** The last recorded map against the engine's. */
  readonly finalMap: { readonly lines: number; readonly differences: number };
  readonly borders: number;
}

export class WriterWorker {
  readonly #engine: Engine;
  #report: ReplayReport = newReport("", "trace");
  #replay: TraceReplay | null = null;
  /** [calls made]: read by whoever shows progress. */
  #progress: Int32Array = new Int32Array(1);

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async prepare(path: string, progress: Int32Array): Promise<Prepared> {
    this.#progress = progress;
    const { header, rows } = readTrace(await readInput(path), path);
    this.#report = newReport(path, "trace");
    const core = coreOf(this.#engine);
    this.#replay = new TraceReplay(core, [...rows], this.#report, { reuse: true });
    return {
      program: header.program.join(" "),
      kernel: header.kernel,
      mm: this.#replay.space.mm,
    };
  }

  /** Replays until `seconds` have passed; at least once, and never a part of the trace. */
  async run(seconds: number): Promise<WriterResult> {
    const replay = this.#replay!;
    const report = this.#report;
    const started = performance.now();
    let passes = 0;
    let elapsed = 0;
    do {
      replay.run();
      passes++;
      Atomics.store(this.#progress, 0, report.operations);
      await setImmediate();
      elapsed = (performance.now() - started) / 1000;
    } while (elapsed < seconds);
    const { operations, mapsCompared, differences, first, borders } = report;
    const { lines = 0, differences: apart = 1 } = replay.lastMap ?? {};
    const finalMap = { lines, differences: apart };
    const totals = { mapsCompared, differences, first, borders, finalMap };
    return { seconds: elapsed, passes, calls: operations, ...totals };
  }
}

await exposeWorker((engine) => new WriterWorker(engine));
