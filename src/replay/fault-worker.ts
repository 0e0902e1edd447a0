// A thread that takes page faults at random addresses while others map and unmap.
//
// The hot path is this thread's own wasm instance; comlink starts it, stops it and
// fetches the counts. Between slices the thread looks at its messages.

import { setImmediate } from "node:timers/promises";
import { Access, Counter, Fault } from "../../assembly/shared/abi.js";
import type { Core } from "../core.js";
import { Engine, type EngineShare } from "../engine.js";
import { coreOf } from "./engine-core.js";
import { exposeThread } from "./thread.js";

/** Where to fault, and how. */
export interface FaultTargets {
  /** Pairs of bytes: [start, end). */
  readonly ranges: Float64Array;
  /**
   * `fault`: handle_mm_fault. `look`: take and drop the VMA's lock, which changes nothing:
   * not even a stack grows.
   */
  readonly mode: "fault" | "look";
  /** One access of so many is a write; 0: none. */
  readonly writeEvery: number;
}

export interface FaultCounts {
  readonly seconds: number;
  readonly faults: number;
  /** Served under a per-VMA lock. */
  readonly perVmaLock: number;
  /** Fell back to the mmap lock. */
  readonly mmapLock: number;
  readonly retries: number;
  /** Nothing mapped there, or not with that access. */
  readonly refused: number;
}

const SLICE = 20_000;
const PAGE = 4096;

export class FaultWorker {
  #core: Core | null = null;
  #engine: Engine | null = null;
  /** [mm to fault in, 0 none]: stored by the thread that replays. */
  #cell: Int32Array = new Int32Array(1);
  #targets: FaultTargets = { ranges: new Float64Array(0), mode: "look", writeEvery: 0 };
  #random = 1;
  #running: Promise<void> | null = null;
  #stopping = false;
  #startedAt = 0;
  #faults = 0;
  #refused = 0;
  #fallbacks = 0;
  #before: number[] = [];

  async attach(share: EngineShare, cell: Int32Array, seed: number): Promise<number> {
    this.#engine = await Engine.attach(share);
    this.#core = coreOf(this.#engine);
    this.#cell = cell;
    this.#random = seed;
    return this.#core.seat;
  }

  aim(targets: FaultTargets): void {
    this.#targets = targets;
  }

  start(): void {
    this.#stopping = false;
    this.#startedAt = performance.now();
    this.#faults = 0;
    this.#refused = 0;
    this.#fallbacks = 0;
    this.#before = this.#counters();
    this.#running = this.#run();
  }

  async stop(): Promise<FaultCounts> {
    this.#stopping = true;
    await this.#running;
    const after = this.#counters();
    const [vmaLock = 0, faultMmap = 0, retries = 0] = after.map((n, at) => n - this.#before[at]!);
    return {
      seconds: (performance.now() - this.#startedAt) / 1000,
      faults: this.#faults,
      perVmaLock: this.#targets.mode === "fault" ? vmaLock : this.#faults - this.#fallbacks,
      mmapLock: this.#targets.mode === "fault" ? faultMmap : this.#fallbacks,
      retries,
      refused: this.#refused,
    };
  }

  #counters(): number[] {
    const { x, seat } = this.#core!;
    const wanted = [Counter.FAULT_VMA_LOCK, Counter.FAULT_MMAP_LOCK, Counter.VMA_LOCK_RETRY];
    return wanted.map((counter) => x.worker_counter(seat, counter));
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      this.#slice();
      await setImmediate();
    }
  }

  #slice(): void {
    const core = this.#core!;
    const { ranges, mode, writeEvery } = this.#targets;
    const mm = Atomics.load(this.#cell, 0) >>> 0;
    if (mm === 0 || ranges.length === 0 || core.x.mmget_not_zero(mm) === 0) return;
    for (let n = 0; n < SLICE; n++) {
      const pair = 2 * (this.#next() % (ranges.length / 2));
      const start = ranges[pair]!;
      const pages = (ranges[pair + 1]! - start) / PAGE;
      const address = start + (this.#next() % pages) * PAGE;
      const write = writeEvery !== 0 && n % writeEvery === 0;
      if (mode === "look") this.#look(core, mm, address);
      else this.#fault(core, mm, address, write ? Access.WRITE : Access.READ);
    }
    this.#faults += SLICE;
    core.x.mmput(mm);
  }

  #fault(core: Core, mm: number, address: number, access: number): void {
    const outcome = core.calls.handle_mm_fault(mm, address, access) & Fault.OUTCOME_MASK;
    if (outcome !== Fault.OK) this.#refused++;
  }

  #look(core: Core, mm: number, address: number): void {
    const { x } = core;
    const vma = x.lock_vma_under_rcu(mm, address);
    if (vma !== 0) {
      x.vma_end_read(vma);
      return;
    }
    this.#fallbacks++;
    x.mmap_read_lock(mm);
    if (x.vma_lookup(mm, address) === 0) this.#refused++;
    x.mmap_read_unlock(mm);
  }

  /** xorshift, 32 bits. */
  #next(): number {
    let word = this.#random;
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    this.#random = word;
    return word >>> 0;
  }
}

exposeThread(new FaultWorker());
