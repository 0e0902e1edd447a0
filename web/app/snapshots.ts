// States of the machine along a log, kept so that many fit: each is what differs from the one
// before, and every sixteenth is whole besides.
//
//   index    0 ──── i ──── 2i ──── … ──── 16i ──── 17i      i: the interval
//   whole    ■                            ■
//   changes         ▪      ▪       ▪      ▪        ▪        blocks of 128 bytes
//
// When they outgrow their budget the interval doubles: a state that goes leaves its changes to
// the next one.

import type { Checkpoint } from "./machine.js";

const BUDGET_BYTES = 192 * 2 ** 20;
const WHOLE_EVERY = 16;
const BLOCK_WORDS = 32;

/** Blocks that differ from the state before: their numbers, and what is in them now. */
interface Delta {
  readonly blocks: Uint32Array;
  readonly words: Uint32Array;
}

interface Snapshot extends Omit<Checkpoint, "bytes"> {
  /** Bytes in use. */
  readonly length: number;
  delta: Delta;
  whole: Uint32Array | null;
}

/** One state in full, and the index that it is the state of; -1: none. */
interface State {
  index: number;
  words: Uint32Array<ArrayBuffer>;
}

export class Snapshots {
  #interval: number;
  #budget: number;
  #kept = new Map<number, Snapshot>();
  #bytes = 0;
  /** The state added last. */
  readonly #latest: State = { index: -1, words: new Uint32Array(0) };
  /** The changes of the state added last, where that one has gone: the next one's come on top. */
  #pending: Delta | null = null;
  /** The state asked for last: the next one is mostly the same, or soon after it. */
  readonly #read: State = { index: -1, words: new Uint32Array(0) };

  /** @param interval entries between two states at first */
  constructor(interval: number, budgetBytes = BUDGET_BYTES) {
    this.#interval = interval;
    this.#budget = budgetBytes;
  }

  /** Entries between two states. It may double with {@link add}. */
  get interval(): number {
    return this.#interval;
  }

  /** The last state at or before `index`. */
  before(index: number): number {
    let at = index - (index % this.#interval);
    while (!this.#kept.has(at)) at -= this.#interval;
    return at;
  }

  /** Keeps the state at `index`, a multiple of the interval, behind all that are kept. */
  add(index: number, { bytes, mm, files }: Checkpoint): void {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
    const latest = this.#latest;
    if (latest.words.length < words.length) latest.words = grown(latest.words, words.length);
    const changes = takeChanges(latest.words, words);
    const delta = this.#pending === null ? changes : joined(this.#pending, changes);
    this.#pending = null;
    latest.index = index;
    const whole = this.#isWhole(index) ? words.slice() : null;
    this.#kept.set(index, { length: bytes.length, mm, files, delta, whole });
    this.#bytes += sizeOf(delta) + (whole?.byteLength ?? 0);
    while (this.#bytes > this.#budget && this.#kept.size > 2) this.#thin();
  }

  /** The state at `index`, one of those kept. Its bytes are good until the next call. */
  at(index: number): Checkpoint {
    const { length, mm, files } = this.#kept.get(index)!;
    this.#bring(this.#read, index);
    const { buffer } = this.#read.words;
    return { bytes: new Uint8Array(buffer, 0, length), mm, files };
  }

  /** Forgets the states behind `index`. */
  cut(index: number): void {
    for (const at of this.#kept.keys()) {
      if (at <= index) continue;
      this.#forget(at);
      if (this.#read.index === at) this.#read.index = -1;
    }
    const last = this.before(index);
    if (this.#latest.index <= last) return;
    this.#bring(this.#latest, last);
    this.#pending = null;
  }

  #isWhole(index: number): boolean {
    return index % (this.#interval * WHOLE_EVERY) === 0;
  }

  /** Makes `state` that of `index`: from the last whole one, or from where it is if that is nearer. */
  #bring(state: State, index: number): void {
    if (state.index === index) return;
    let from = index;
    while (this.#kept.get(from)!.whole === null && from !== state.index)
      from = this.before(from - 1);
    const { whole } = this.#kept.get(from)!;
    if (from !== state.index && whole !== null) {
      if (state.words.length < whole.length) state.words = new Uint32Array(whole.length);
      state.words.set(whole);
      state.words.fill(0, whole.length);
    }
    for (let at = from; at < index; ) {
      at += this.#interval;
      const next = this.#kept.get(at);
      if (next === undefined) continue;
      const words = next.length >>> 2;
      if (state.words.length < words) state.words = grown(state.words, words);
      putChanges(state.words, next.delta);
    }
    state.index = index;
  }

  /** Twice the interval; every second state goes. */
  #thin(): void {
    this.#interval *= 2;
    let going: Delta | null = null;
    for (const [at, snapshot] of this.#kept) {
      const { delta } = snapshot;
      this.#bytes -= sizeOf(delta);
      if (going !== null) snapshot.delta = joined(going, delta);
      going = at % this.#interval === 0 ? null : snapshot.delta;
      this.#bytes += sizeOf(snapshot.delta);
      if (going !== null) this.#forget(at);
      else if (!this.#isWhole(at) && snapshot.whole !== null) {
        this.#bytes -= snapshot.whole.byteLength;
        snapshot.whole = null;
      }
    }
    this.#pending = going;
    this.#read.index = -1;
  }

  #forget(at: number): void {
    const { delta, whole } = this.#kept.get(at)!;
    this.#kept.delete(at);
    this.#bytes -= sizeOf(delta) + (whole?.byteLength ?? 0);
  }
}

function sizeOf({ blocks, words }: Delta): number {
  return blocks.byteLength + words.byteLength;
}

function grown(words: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> {
  const longer = new Uint32Array(Math.ceil(length / BLOCK_WORDS) * BLOCK_WORDS);
  longer.set(words);
  return longer;
}

/** Where `words` differ from `state`; makes `state` equal to them. */
function takeChanges(state: Uint32Array, words: Uint32Array): Delta {
  const blocks: number[] = [];
  for (let at = 0; at < words.length; at += BLOCK_WORDS) {
    const end = Math.min(at + BLOCK_WORDS, words.length);
    let i = at;
    while (i < end && state[i] === words[i]) i++;
    if (i === end) continue;
    blocks.push(at / BLOCK_WORDS);
    for (; i < end; i++) state[i] = words[i]!;
  }
  const delta = newDelta(blocks.length);
  delta.blocks.set(blocks);
  for (const [n, block] of blocks.entries()) copyBlock(state, block, delta.words, n);
  return delta;
}

function putChanges(state: Uint32Array, { blocks, words }: Delta): void {
  for (let n = 0; n < blocks.length; n++) copyBlock(words, n, state, blocks[n]!);
}

/** First `a`, then `b`. */
function joined(a: Delta, b: Delta): Delta {
  const own = new Set(b.blocks);
  const left = [...a.blocks.keys()].filter((n) => !own.has(a.blocks[n]!));
  const delta = newDelta(left.length + b.blocks.length);
  left.forEach((n, to) => {
    delta.blocks[to] = a.blocks[n]!;
    copyBlock(a.words, n, delta.words, to);
  });
  delta.blocks.set(b.blocks, left.length);
  delta.words.set(b.words, left.length * BLOCK_WORDS);
  return delta;
}

function newDelta(blocks: number): Delta {
  return { blocks: new Uint32Array(blocks), words: new Uint32Array(blocks * BLOCK_WORDS) };
}

function copyBlock(from: Uint32Array, block: number, to: Uint32Array, toBlock: number): void {
  const source = block * BLOCK_WORDS;
  const target = toBlock * BLOCK_WORDS;
  for (let i = 0; i < BLOCK_WORDS; i++) to[target + i] = from[source + i]!;
}
