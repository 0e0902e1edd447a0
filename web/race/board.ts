// The board: words that the page and its racers share beside the engine's own memory.
//
//   word 0     STOP       1: every racer leaves its loop
//   word 1     TRAP       1: the next racer that changes the map walks into the trap
//                         n + 2: racer n is in it
//   line 1 + n            DONE, REFUSED: what racer n has done so far (only it writes them)
//
// and one ring a racer: (time, state) pairs of its locks, in the order in which they happened.
// A ring that is full records no more.

const LINE_WORDS = 16;

export const enum Word {
  STOP = 0,
  TRAP = 1,
}

const enum Own {
  DONE = 0,
  REFUSED = 1,
}

/** What a racer has to do with locks. */
export const enum LockState {
  /** Neither holds nor wants one. */
  FREE = 0,
  WAIT_READ = 1,
  HOLD_READ = 2,
  WAIT_WRITE = 3,
  HOLD_WRITE = 4,
  /** Holds the mmap lock for writing and waits for a reader of a VMA to leave. */
  WAIT_VMA = 5,
  HOLD_VMA = 6,
  /** Terminated. Never recorded by a racer itself. */
  DEAD = 7,
}

export interface Change {
  /** Milliseconds of the page's clock (`performance.timeOrigin` + `performance.now()`). */
  readonly at: number;
  readonly state: LockState;
}

/** Pairs a racer's ring has room for. */
const RING_PAIRS = 8192;

/** Survives structured clone. */
export interface Board {
  readonly words: Int32Array<SharedArrayBuffer>;
  /** A ring a racer: [count, at, state, at, state, ...]. */
  readonly rings: readonly Float64Array<SharedArrayBuffer>[];
}

export function createBoard(racers: number): Board {
  const words = new SharedArrayBuffer((1 + racers) * LINE_WORDS * Int32Array.BYTES_PER_ELEMENT);
  const ring = () => new SharedArrayBuffer((1 + 2 * RING_PAIRS) * Float64Array.BYTES_PER_ELEMENT);
  return {
    words: new Int32Array(words),
    rings: Array.from({ length: racers }, () => new Float64Array(ring())),
  };
}

export function isStopped({ words }: Board): boolean {
  return Atomics.load(words, Word.STOP) !== 0;
}

export function setStopped({ words }: Board, stopped: boolean): void {
  Atomics.store(words, Word.STOP, stopped ? 1 : 0);
}

/** Racer `n`'s totals, by itself. */
export function putTally({ words }: Board, n: number, done: number, refused: number): void {
  const line = (1 + n) * LINE_WORDS;
  Atomics.store(words, line + Own.DONE, done);
  Atomics.store(words, line + Own.REFUSED, refused);
}

export interface Tally {
  readonly done: number;
  /** Calls that got an errno, accesses that got a signal: all of it expected. */
  readonly refused: number;
}

/** All racers' totals. */
export function tallyOf({ words, rings }: Board): Tally {
  let done = 0;
  let refused = 0;
  for (let n = 0; n < rings.length; n++) {
    const line = (1 + n) * LINE_WORDS;
    done += Atomics.load(words, line + Own.DONE);
    refused += Atomics.load(words, line + Own.REFUSED);
  }
  return { done, refused };
}

export function setTrap({ words }: Board): void {
  Atomics.store(words, Word.TRAP, 1);
}

/** True for one racer, once the trap is set: it is the one. */
export function enterTrap({ words }: Board, n: number): boolean {
  return Atomics.compareExchange(words, Word.TRAP, 1, n + 2) === 1;
}

/** Which racer is in the trap; null: none yet. */
export function trapped({ words }: Board): number | null {
  const word = Atomics.load(words, Word.TRAP);
  return word < 2 ? null : word - 2;
}

/** The clock of all racers and of the page. */
export function clock(): number {
  return performance.timeOrigin + performance.now();
}

/** Writes one racer's ring. */
export class Recorder {
  readonly #ring: Float64Array<SharedArrayBuffer>;
  #count = 0;

  constructor(ring: Float64Array<SharedArrayBuffer>) {
    this.#ring = ring;
  }

  put(state: LockState): void {
    if (this.#count >= RING_PAIRS) return;
    const at = 1 + 2 * this.#count++;
    this.#ring[at] = clock();
    this.#ring[at + 1] = state;
    // The page reads the count after the racer has stopped, or died: a pair is whole or not there.
    this.#ring[0] = this.#count;
  }
}

/** What a racer has recorded so far. */
export function changesOf(ring: Float64Array<SharedArrayBuffer>): Change[] {
  return Array.from({ length: ring[0] ?? 0 }, (_, i) => ({
    at: ring[1 + 2 * i] as number,
    state: ring[2 + 2 * i] as LockState,
  }));
}
