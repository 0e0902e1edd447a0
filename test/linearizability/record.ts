// Rounds of concurrent calls by real workers, and their histories.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { Engine, type EngineOptions } from "../../src/index.js";
import { type Call, Kind } from "./model";

/** Words that the workers share; worker.mjs gets them with its first message. */
const Word = {
  // Of the control words.
  ROUND: 0,
  CLOCK: 1,
  READY: 2,
  DONE: 3,
  // Of a record.
  KIND: 0,
  PAGE: 1,
  N: 2,
  PROT: 3,
  TO: 4,
  RESULT: 5,
  START: 6,
  END: 7,
  FOUND: 8,
  INVOKED: 9,
  RETURNED: 10,
  SIZE: 11,
};
const CONTROL_WORDS = 4;
const STOP = -1;

const PAGE_BYTES = 4096;
const BASE = 2 ** 32;
/** A round takes milliseconds; a hang is found out after this. */
const PATIENCE_MS = 20_000;

export interface Plan {
  readonly workers: number;
  /** Pages of the space; the fewer, the more calls meet. */
  readonly pages: number;
  /** A worker and round. */
  readonly calls: number;
  readonly seed: number;
}

/** Workers at one space of one engine, started once for many rounds. */
export class Recorder implements AsyncDisposable {
  readonly #control = new Int32Array(new SharedArrayBuffer(CONTROL_WORDS * 4));
  readonly #records: Int32Array;
  readonly #threads: Worker[] = [];
  #failed: Error | null = null;
  #round = 0;

  private constructor(
    readonly plan: Plan,
    readonly engine: Engine,
    readonly mm: ReturnType<Engine["createMm"]>,
  ) {
    this.#records = new Int32Array(
      new SharedArrayBuffer(plan.workers * plan.calls * Word.SIZE * 4),
    );
  }

  static async start(plan: Plan, options: EngineOptions): Promise<Recorder> {
    const engine = await Engine.create({ memoryBytes: 2 ** 23, maxWorkers: 16, ...options });
    const recorder = new Recorder(plan, engine, engine.createMm());
    for (let index = 0; index < plan.workers; index++) await recorder.#spawn(index);
    return recorder;
  }

  async #spawn(index: number): Promise<void> {
    const kinds = {
      MAP: Kind.MAP,
      MAP_NOREPLACE: Kind.MAP_NOREPLACE,
      UNMAP: Kind.UNMAP,
      PROTECT: Kind.PROTECT,
      MOVE: Kind.MOVE,
      LOOKUP: Kind.LOOKUP,
      PEEK: Kind.PEEK,
      LOCK: Kind.LOCK,
      UNLOCK: Kind.UNLOCK,
    };
    const layout = { ...this.plan, words: Word, kinds, pageBytes: PAGE_BYTES, base: BASE };
    const worker = new Worker(new URL("./worker.mjs", import.meta.url), {
      workerData: {
        share: this.engine.share(),
        mm: this.mm.asRaw(),
        control: this.#control,
        records: this.#records,
        index,
        layout,
      },
    });
    worker.on("error", (error) => {
      this.#failed = error;
      Atomics.notify(this.#control, Word.DONE);
    });
    this.#threads.push(worker);
    await Promise.race([once(worker, "message"), once(worker, "error")]);
    if (this.#failed) throw this.#failed;
  }

  /** One round: all calls of all workers, beginning with nothing mapped. */
  async round(): Promise<Call[]> {
    this.mm.munmap(BASE, this.plan.pages * PAGE_BYTES);
    this.#records.fill(0);
    const control = this.#control;
    control[Word.CLOCK] = 0;
    Atomics.store(control, Word.DONE, 0);
    Atomics.store(control, Word.ROUND, ++this.#round);
    Atomics.notify(control, Word.ROUND);
    const until = performance.now() + PATIENCE_MS;
    while (Atomics.load(control, Word.DONE) < this.plan.workers) {
      await this.#progress();
      if (this.#failed) throw this.#failed;
      if (performance.now() > until) throw new Error(`round ${this.#round}: workers hang`);
    }
    return this.#history();
  }

  /** Until another worker is done, or a while. */
  async #progress(): Promise<void> {
    const control = this.#control;
    const done = Atomics.load(control, Word.DONE);
    if (done >= this.plan.workers) return;
    const waiting = (Atomics as never as { waitAsync: WaitAsync }).waitAsync;
    await waiting(control, Word.DONE, done, 100).value;
  }

  #history(): Call[] {
    const history: Call[] = [];
    const { workers, calls } = this.plan;
    for (let i = 0; i < workers * calls; i++) {
      const word = (w: number) => this.#records[i * Word.SIZE + w] as number;
      if (word(Word.KIND) === 0) continue;
      history.push({
        worker: Math.floor(i / calls),
        kind: word(Word.KIND),
        page: word(Word.PAGE),
        n: word(Word.N),
        prot: word(Word.PROT),
        to: word(Word.TO),
        result: word(Word.RESULT),
        start: word(Word.START),
        end: word(Word.END),
        found: word(Word.FOUND),
        invoked: word(Word.INVOKED),
        returned: word(Word.RETURNED),
      });
    }
    return [...history, ...this.#lastLooks()];
  }

  /** What is mapped when all is over, as look-ups of one more worker. */
  #lastLooks(): Call[] {
    const vmas = this.mm.vmas();
    let clock = this.#control[Word.CLOCK] as number;
    return Array.from({ length: this.plan.pages }, (_, page) => {
      const vma = vmas.find(({ start, end }) => start <= at(page) && at(page) < end);
      return {
        worker: this.plan.workers,
        kind: Kind.LOOKUP,
        page,
        n: 0,
        prot: 0,
        to: 0,
        result: vma === undefined ? 0 : 1,
        start: vma === undefined ? 0 : (vma.start - BASE) / PAGE_BYTES,
        end: vma === undefined ? 0 : (vma.end - BASE) / PAGE_BYTES,
        found: vma === undefined ? 0 : vma.flags % 8,
        invoked: clock++,
        returned: clock++,
      };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    Atomics.store(this.#control, Word.ROUND, STOP);
    Atomics.notify(this.#control, Word.ROUND);
    // A worker of a broken core may hang for ever.
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }
}

function at(page: number): number {
  return BASE + page * PAGE_BYTES;
}

type WaitAsync = (
  array: Int32Array,
  index: number,
  value: number,
  timeout: number,
) => { value: unknown };
