// The faulter: random accesses all over the space, half of them in the mapper's window.
//
// Each is a page fault: the VMA's own lock first, the mmap lock where that fails.

import type { MmWithUser, RawPlane } from "../../src/index.js";
import type { Job, Tally } from "./member.js";
import { Random } from "./random.js";
import type { PageRange } from "./space/layout.js";

const READ = 0;
const WRITE = 1;
/** The outcome is in the low four bits; 0 is "served". */
const OUTCOME_MASK = 15;

export class Faulter implements Job {
  readonly #raw: RawPlane;
  readonly #mm: number;
  readonly #window: PageRange;
  readonly #quiet: readonly PageRange[];
  readonly #random = new Random(0xfa017);
  #done = 0;
  #refused = 0;

  /** @param quiet ranges that nobody changes */
  constructor(raw: RawPlane, mm: MmWithUser, window: PageRange, quiet: readonly PageRange[]) {
    this.#raw = raw;
    this.#mm = mm.asRaw();
    this.#window = window;
    this.#quiet = quiet;
  }

  step(): void {
    const random = this.#random;
    const inWindow = random.below(2) === 0;
    const range = inWindow
      ? this.#window
      : (this.#quiet[random.below(this.#quiet.length)] as PageRange);
    const address = range.start + random.below(range.pages) * range.pageSize;
    const access = random.below(4) === 0 ? WRITE : READ;
    const result = this.#raw.handleMmFault(this.#mm, address, access);
    this.#done++;
    if (result < 0 || (result & OUTCOME_MASK) !== 0) this.#refused++;
  }

  tally(): Tally {
    return { done: this.#done, refused: this.#refused, calls: { fault: this.#done } };
  }
}
