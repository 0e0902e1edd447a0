// A thread that takes page faults at random addresses while others map and unmap.
//
// The hot path is this thread's own wasm instance; comlink starts it, stops it and
// fetches the counts. Between slices the thread looks at its messages.

import { setImmediate } from "node:timers/promises";
import { Access, Counter, Fault, VmaOut } from "../../assembly/shared/abi.js";
import { exposeWorker } from "../comlink.js";
import type { Core } from "../core.js";
import type { Engine } from "../engine.js";
import { hasFlags, VmFlags } from "../flags.js";
import { coreOf } from "./engine-core.js";

/** Where to fault, and how. */
export type FaultTargets =
  | {
      /** handle_mm_fault, in what is mapped when a slice starts. */
      readonly mode: "fault";
      /** One access of so many is a write, where that is allowed; 0: none. */
      readonly writeEvery: number;
    }
  | {
      /** Take and drop the VMA's lock, which changes nothing: not even a stack grows. */
      readonly mode: "look";
      /** Bytes. */
      readonly start: number;
      readonly end: number;
    };

export interface FaultCounts {
  readonly seconds: number;
  readonly faults: number;
  /** Served under a per-VMA lock. */
  readonly perVmaLock: number;
  /** Fell back to the mmap lock. */
  readonly mmapLock: number;
  readonly retries: number;
  /** Unmapped meanwhile, or not to be accessed so. */
  readonly refused: number;
}

const SLICE = 4_000;
const PAGE = 4096;
/** Bytes. */
const STACK_TOP = 128 * 1024;

export class FaultWorker {
  readonly #core: Core;
  /** [mm to fault in, 0 none]: stored by the thread that replays. */
  #cell: Int32Array = new Int32Array(1);
  #targets: FaultTargets = { mode: "look", start: 0, end: 0 };
  #random = 1;
  #running: Promise<void> | null = null;
  #stopping = false;
  #startedAt = 0;
  #faults = 0;
  #refused = 0;
  #fallbacks = 0;
  #before: number[] = [];

  constructor(engine: Engine) {
    this.#core = coreOf(engine);
  }

  prepare(cell: Int32Array, seed: number): void {
    this.#cell = cell;
    this.#random = seed;
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
    const { x, seat } = this.#core;
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
    const core = this.#core;
    const targets = this.#targets;
    const mm = Atomics.load(this.#cell, 0) >>> 0;
    if (mm === 0 || core.x.mmget_not_zero(mm) !== 1) return;
    const live = targets.mode === "fault";
    const ranges = live ? liveRanges(core, mm) : [targets.start, targets.end, 0];
    const writeEvery = live ? targets.writeEvery : 0;
    const faults = ranges.length === 0 ? 0 : SLICE;
    for (let n = 0; n < faults; n++) {
      const at = 3 * (this.#next() % (ranges.length / 3));
      const start = ranges[at]!;
      const pages = (ranges[at + 1]! - start) / PAGE;
      const address = start + (this.#next() % pages) * PAGE;
      const write = writeEvery !== 0 && n % writeEvery === 0 && ranges[at + 2] === 1;
      if (live) this.#fault(core, mm, address, write ? Access.WRITE : Access.READ);
      else this.#look(core, mm, address);
    }
    this.#faults += faults;
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

/**
 * What is mapped now and may be read, three numbers a VMA: start, end, 1 if it may be
 * written. Of a stack only its top, which every program has from the start: a fault below
 * would grow it, and the recorded one did not grow then.
 */
function liveRanges({ x, f64, scratch }: Core, mm: number): number[] {
  const ranges: number[] = [];
  x.mmap_read_lock(mm);
  for (let at = 0; ; ) {
    const vma = x.find_vma(mm, at);
    if (vma === 0) break;
    x.vma_read(vma, scratch);
    at = f64[VmaOut.END]!;
    const flags = f64[VmaOut.FLAGS]!;
    if (!hasFlags(flags, VmFlags.READ)) continue;
    const isStack = hasFlags(flags, VmFlags.GROWSDOWN);
    const start = isStack ? at - STACK_TOP : f64[VmaOut.START]!;
    ranges.push(start, at, hasFlags(flags, VmFlags.WRITE) ? 1 : 0);
  }
  x.mmap_read_unlock(mm);
  return ranges;
}

await exposeWorker((engine) => new FaultWorker(engine));
