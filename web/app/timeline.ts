// The log of operations and the machine at one place of it: the only truth of the page.
//
//   start ── entry 0 ── entry 1 ── … ── entry n-1
//                  ▲ cursor 1: entry 0 is made, the others are not (undone, or not yet stepped)
//
// Moving back restores the nearest state before (snapshots.ts) and makes the calls from there
// again.

import type { Call, Entry } from "./call.js";
import type { Machine, Start } from "./machine.js";
import { Snapshots } from "./snapshots.js";
import { type Touched, touchedBy } from "./touched.js";

/** Entries between two states at first, for each of these bytes that a state has. */
const FIRST_INTERVAL = 64;
const INTERVAL_BYTES = 2 ** 20;
/** A slice of a long load: shorter than a frame at 60 Hz. */
const SLICE_MS = 8;
const BATCH = 32;
/** Entries between two places of which it is worth asking what each changed. */
const TOUCHED_MAX = 2048;

/** A call to be made, with what a file says about it. */
export interface Planned {
  readonly call: Call;
  readonly recorded?: Entry["recorded"];
}

export interface LoadOptions {
  /** Ends the load early: what was made so far stays. */
  readonly signal?: AbortSignal;
  /** Told now and then; 0 to 1. */
  readonly onProgress?: (share: number) => void;
}

export class Timeline {
  readonly machine: Machine;
  #start: Start;
  #entries: Entry[] = [];
  #cursor = 0;
  #snapshots = new Snapshots(FIRST_INTERVAL);

  constructor(machine: Machine, start: Start) {
    this.machine = machine;
    this.#start = start;
    this.begin(start);
  }

  get start(): Start {
    return this.#start;
  }

  /** Do not keep it: it changes. */
  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** How many entries are made. */
  get cursor(): number {
    return this.#cursor;
  }

  /** A new log. @throws MmError as Machine.begin; then the old log is still there */
  begin(start: Start): void {
    const before = this.machine.save();
    try {
      this.machine.begin(start);
    } catch (error) {
      this.machine.restore(before);
      throw error;
    }
    this.#start = start;
    this.#entries = [];
    this.#cursor = 0;
    const now = this.machine.look();
    const interval = FIRST_INTERVAL * Math.ceil(now.bytes.length / INTERVAL_BYTES);
    this.#snapshots = new Snapshots(interval);
    this.#snapshots.add(0, now);
  }

  /**
   * Makes a call at the cursor and appends it; entries that were undone go.
   *
   * @throws TypeError the engine has no such call; nothing has changed
   */
  run({ call, recorded }: Planned): Entry {
    const outcome = this.machine.make(call, recorded);
    if (outcome === null) throw new TypeError(`the engine has no ${call.op}`);
    const entry = recorded === undefined ? { call, outcome } : { call, outcome, recorded };
    this.#truncate();
    this.#entries.push(entry);
    this.#cursor++;
    if (this.#cursor % this.#snapshots.interval === 0) {
      this.#snapshots.add(this.#cursor, this.machine.look());
    }
    return entry;
  }

  /** Runs many, in slices between which the page lives. True: all of them. */
  async load(
    calls: readonly Planned[],
    { signal, onProgress }: LoadOptions = {},
  ): Promise<boolean> {
    let deadline = performance.now() + SLICE_MS;
    for (let i = 0; i < calls.length; i++) {
      this.run(calls[i]!);
      if (i % BATCH !== 0 || performance.now() < deadline) continue;
      onProgress?.((i + 1) / calls.length);
      await nextTask();
      if (signal?.aborted) return false;
      deadline = performance.now() + SLICE_MS;
    }
    return true;
  }

  /** Where the maps at two places may differ; null: anywhere. */
  touched(from: number, to: number): readonly Touched[] | null {
    if (Math.abs(to - from) > TOUCHED_MAX) return null;
    const all: Touched[] = [];
    for (let i = Math.min(from, to); i < Math.max(from, to); i++) {
      const spans = touchedBy(this.#entries[i]!);
      if (spans === null) return null;
      all.push(...spans);
    }
    return all;
  }

  /** Moves the cursor to `to`, clamped. */
  seek(to: number): void {
    const target = Math.max(0, Math.min(this.#entries.length, Math.round(to)));
    const { interval } = this.#snapshots;
    if (target < this.#cursor || target - this.#cursor > interval) this.#jump(target);
    while (this.#cursor < target) {
      const { call, recorded } = this.#entries[this.#cursor]!;
      this.machine.make(call, recorded);
      this.#cursor++;
    }
  }

  #jump(target: number): void {
    const at = this.#snapshots.before(target);
    if (at <= this.#cursor && this.#cursor <= target) return; // nearer from here
    this.machine.restore(this.#snapshots.at(at));
    this.#cursor = at;
  }

  #truncate(): void {
    if (this.#entries.length === this.#cursor) return;
    this.#entries.length = this.#cursor;
    this.#snapshots.cut(this.#cursor);
  }
}

/** Lets the page draw and listen, without the 4 ms that a timer costs. */
function nextTask(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
