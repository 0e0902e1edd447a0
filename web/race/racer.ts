// A racer: one worker's loop over one address space, stopped through the board.
//
// While it runs it hears no message: whatever it must know is in shared memory.

import { Engine, type EngineShare, type MmWithUser, type RawPlane } from "../../src/index.js";
import { type Board, enterTrap, isStopped, LockState, putTally, Recorder } from "./board.js";
import { Dice, TRAP_RANGE } from "./course.js";

/** Operations between two looks at the board. */
const BATCH = 64;
/** In slow motion: how long a lock is held, and how long nothing is held between two. */
const HOLD_MS = 1;
const REST_MS = 0.5;
/** handle_mm_fault: the outcome is in the low four bits; 0 is "served". */
const OUTCOME_MASK = 15;

export interface Assignment {
  /** Which racer this is: 0 to racers - 1. */
  readonly n: number;
  readonly racers: number;
  readonly changesPerMille: number;
  readonly board: Board;
  /** The name of a Web Lock that this worker holds as long as it lives. */
  readonly lifeline: string;
}

export class Racer {
  #engine: Engine | undefined;
  #mm: MmWithUser | undefined;
  #assignment: Assignment | undefined;
  /** Since it was hired: runs go on counting. */
  #done = 0;
  #refused = 0;
  readonly #sleeper = new Int32Array(new SharedArrayBuffer(4));

  /** Joins the page's engine; its seat there. */
  async attach(share: EngineShare): Promise<number> {
    this.#engine = await Engine.attach(share);
    return this.#engine.slot;
  }

  /** Takes its place; the reference of `mm` is its own from now on. */
  async take(mm: MmWithUser, assignment: Assignment): Promise<void> {
    this.#mm = mm;
    this.#assignment = assignment;
    await new Promise<void>((held) => {
      void navigator.locks.request(assignment.lifeline, () => {
        held();
        return new Promise(() => {}); // the browser ends it with the worker
      });
    });
  }

  /** Faults and changes the map at full speed until the board says stop. */
  race(): void {
    const { raw, mm, n, board, dice } = this.#start();
    while (!isStopped(board)) {
      for (let i = 0; i < BATCH; i++) {
        if (dice.wantsChange()) {
          if (dice.change(raw, mm, false) < 0) this.#refused++;
          continue;
        }
        const result = raw.handleMmFault(mm, dice.faultAddress(), dice.faultAccess());
        if (result < 0 || (result & OUTCOME_MASK) !== 0) this.#refused++;
      }
      this.#done += BATCH;
      putTally(board, n, this.#done, this.#refused);
    }
  }

  /**
   * The same with every lock held for about HOLD_MS, asleep, and recorded: so it shows who
   * waits for whom, on any number of cores. Looks a VMA up as a fault handler does: its own
   * lock first, the mmap lock where that is refused.
   */
  slowMotion(): void {
    const { raw, mm, n, board, dice } = this.#start();
    const recorder = new Recorder(board.rings[n]!);
    recorder.put(LockState.FREE);
    while (!isStopped(board)) {
      if (dice.wantsChange()) this.#slowChange(raw, mm, dice, recorder, enterTrap(board, n));
      else this.#slowFault(raw, mm, dice.faultAddress(), recorder);
      recorder.put(LockState.FREE);
      this.#sleep(REST_MS);
    }
  }

  /** Gives the reference of the space, and the seat, back. */
  leave(): void {
    this.#mm?.dispose();
    this.#engine?.dispose();
  }

  #start() {
    if (!this.#engine || !this.#mm || !this.#assignment) throw new TypeError("take comes first");
    const { raw } = this.#engine;
    const { n, racers, changesPerMille, board } = this.#assignment;
    return { raw, mm: this.#mm.asRaw(), n, board, dice: new Dice(n, racers, changesPerMille) };
  }

  #slowFault(raw: RawPlane, mm: number, address: number, recorder: Recorder): void {
    const vma = raw.lockVmaUnderRcu(mm, address);
    if (vma !== 0) {
      recorder.put(LockState.HOLD_VMA);
      this.#sleep(HOLD_MS);
      raw.vmaEndRead(vma);
      return;
    }
    recorder.put(LockState.WAIT_READ);
    if (raw.mmapReadLock(mm) < 0) return;
    recorder.put(LockState.HOLD_READ);
    raw.vmaLookup(mm, address);
    this.#sleep(HOLD_MS);
    raw.mmapReadUnlock(mm);
  }

  #slowChange(raw: RawPlane, mm: number, dice: Dice, recorder: Recorder, inTrap: boolean): void {
    recorder.put(LockState.WAIT_WRITE);
    if (raw.mmapWriteLock(mm) < 0) return;
    recorder.put(LockState.WAIT_VMA); // for as long as the call waits for readers, if any
    if (inTrap) raw.exports.munmap_locked(mm, TRAP_RANGE.start, TRAP_RANGE.length);
    else dice.change(raw, mm, true);
    recorder.put(LockState.HOLD_WRITE);
    this.#sleep(HOLD_MS);
    raw.mmapWriteUnlock(mm);
  }

  /** @param ms may be a fraction */
  #sleep(ms: number): void {
    Atomics.wait(this.#sleeper, 0, 0, ms);
  }
}
