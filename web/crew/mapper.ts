// The mapper: maps, unmaps and re-protects random pages of one window.
//
// On the raw plane: refusals are numbers, nothing allocates. It needs the mmap lock for
// writing at every step.

import { MapFlags, type MmWithUser, Prot, type RawPlane } from "../../src/index.js";
import type { Job, Tally } from "./member.js";
import { Random } from "./random.js";
import type { PageRange } from "./space/layout.js";

const FLAGS = MapFlags.PRIVATE | MapFlags.ANONYMOUS | MapFlags.FIXED;
const RW = Prot.READ | Prot.WRITE;
const PROTS = [RW, RW, Prot.READ, Prot.READ | Prot.EXEC, Prot.NONE] as const;
/** Longest range of one call, in pages. */
const MAX_PAGES = 12;

export class Mapper implements Job {
  readonly #raw: RawPlane;
  readonly #mm: number;
  readonly #window: PageRange;
  readonly #random = new Random(0x5eed);
  #refused = 0;
  #mmaps = 0;
  #munmaps = 0;
  #mprotects = 0;

  constructor(raw: RawPlane, mm: MmWithUser, window: PageRange) {
    this.#raw = raw;
    this.#mm = mm.asRaw();
    this.#window = window;
  }

  step(): void {
    const { start, pages, pageSize } = this.#window;
    const length = 1 + this.#random.below(MAX_PAGES);
    const address = start + this.#random.below(pages - length + 1) * pageSize;
    if (this.#call(address, length * pageSize) < 0) this.#refused++;
  }

  tally(): Tally {
    const calls = { mmap: this.#mmaps, munmap: this.#munmaps, mprotect: this.#mprotects };
    const done = calls.mmap + calls.munmap + calls.mprotect;
    return { done, refused: this.#refused, calls };
  }

  #call(address: number, length: number): number {
    const dice = this.#random.below(100);
    if (dice < 15) {
      this.#munmaps++;
      return this.#raw.munmap(this.#mm, address, length);
    }
    if (dice < 60) {
      this.#mprotects++;
      const prot = PROTS[this.#random.below(PROTS.length)] ?? RW;
      return this.#raw.mprotect(this.#mm, address, length, prot);
    }
    this.#mmaps++;
    return this.#raw.mmap(this.#mm, address, length, RW, FLAGS, 0, 0);
  }
}
