// Runs a job step by step at a pace, in slices, so that its thread stays answerable.

/** No slice is longer: a page keeps its frame rate, a worker hears "stop". */
const SLICE_MS = 4;
/** Steps between two looks at the clock. */
const BATCH = 32;
/** Shortest sleep between slices of a limited pace. */
const NAP_MS = 10;

/**
 * How the thread gets a breath between two slices at full speed. `message`: at once, for
 * workers. `timer`: a few milliseconds, for a thread that has a page to draw.
 */
export type Breath = "message" | "timer";

export class Loop {
  readonly #step: () => void;
  readonly #breath: Breath;
  #stepsPerSecond = 0;
  #running = false;
  #ended: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(step: () => void, breath: Breath) {
    this.#step = step;
    this.#breath = breath;
  }

  start(stepsPerSecond: number): void {
    this.#stepsPerSecond = stepsPerSecond;
    if (this.#running) return;
    this.#running = true;
    // A loop that was told to stop and is not over yet simply goes on; this one then finds
    // nothing to do.
    this.#ended = this.#ended.then(() => this.#run());
    this.#ended.catch((error: unknown) => {
      this.#failure = error;
    });
  }

  /** What a step threw: the loop is over then. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Resolves when no step runs any more. Rejects if one threw. */
  stop(): Promise<void> {
    this.#running = false;
    return this.#ended;
  }

  async #run(): Promise<void> {
    let last = performance.now();
    let owed = 1; // the first step is due at once
    while (this.#running) {
      const rate = this.#stepsPerSecond;
      const now = performance.now();
      // What a sleeping tab has missed is not made up for.
      owed = Math.min(owed + ((now - last) / 1000) * rate, Math.max(1, rate / 10));
      last = now;
      owed -= this.#slice(owed, now + SLICE_MS);
      if (rate === Number.POSITIVE_INFINITY) await breathe(this.#breath);
      else await nap(Math.max(NAP_MS, ((1 - owed) / rate) * 1000));
    }
  }

  /** Up to `due` steps until `deadline`; how many it took. */
  #slice(due: number, deadline: number): number {
    let done = 0;
    while (done + 1 <= due) {
      const batch = Math.min(BATCH, due - done);
      for (let i = 1; i <= batch; i++) {
        this.#step();
        done++;
      }
      if (performance.now() >= deadline) break;
    }
    return due === Number.POSITIVE_INFINITY ? 0 : done;
  }
}

function nap(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const channel = new MessageChannel();

function breathe(breath: Breath): Promise<void> {
  if (breath === "timer") return nap(SLICE_MS);
  return new Promise((resolve) => {
    channel.port1.onmessage = () => resolve();
    channel.port2.postMessage(null);
  });
}
