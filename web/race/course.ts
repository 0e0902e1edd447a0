// The course: the address space that all racers share, and what each does in it.
//
//   0x10_0000_0000  quiet    64 VMAs that nobody changes: faults only
//   0x20_0000_0000  windows  one a racer: it alone maps, unmaps and re-protects there;
//                            everybody faults there
//   0x30_0000_0000  trap     three VMAs of two pages, for the racer that will be killed

import { type Engine, MapFlags, type MmWithUser, Prot, type RawPlane } from "../../src/index.js";
import { Random } from "./random.js";

const PAGE = 4096;
const QUIET = 0x10_0000_0000;
const QUIET_VMAS = 64;
const QUIET_VMA_PAGES = 16;
const WINDOWS = 0x20_0000_0000;
const WINDOW_PAGES = 256;
/** Apart, so that the windows of two racers never merge. */
const WINDOW_STRIDE_PAGES = 512;
const TRAP = 0x30_0000_0000;

const R = Prot.READ;
const RW = Prot.READ | Prot.WRITE;
const PROTS = [RW, RW, R, R | Prot.EXEC, Prot.NONE] as const;
const FIXED = MapFlags.PRIVATE | MapFlags.ANONYMOUS | MapFlags.FIXED;
/** Longest range of one call, in pages. */
const MAX_CALL_PAGES = 12;

/**
 * The trap: a reader sits in the middle VMA. Whoever unmaps the range splits the first and the
 * last VMA, and then waits for that reader: in the middle of a call, with the mmap lock.
 */
export const TRAP_RANGE = { start: TRAP + PAGE, length: 4 * PAGE, reader: TRAP + 2 * PAGE };

export function createCourse(engine: Engine, racers: number): MmWithUser {
  const mm = engine.createMm();
  const map = (address: number, pages: number, prot: number) =>
    mm.mmap({ address, length: pages * PAGE, prot, flags: FIXED });
  for (let i = 0; i < QUIET_VMAS; i++) {
    map(QUIET + i * QUIET_VMA_PAGES * PAGE, QUIET_VMA_PAGES, i % 2 === 0 ? RW : R);
  }
  for (let n = 0; n < racers; n++) map(windowOf(n), WINDOW_PAGES, RW);
  for (let i = 0; i < 3; i++) map(TRAP + i * 2 * PAGE, 2, i === 1 ? R : RW);
  return mm;
}

function windowOf(n: number): number {
  return WINDOWS + n * WINDOW_STRIDE_PAGES * PAGE;
}

/** One racer's dice: where it faults, and how it changes its window. */
export class Dice {
  readonly #random: Random;
  readonly #window: number;
  readonly #racers: number;
  /** Calls that change the map, of 1000 operations. */
  readonly #changes: number;

  constructor(n: number, racers: number, changesPerMille: number) {
    this.#random = new Random(0x5eed + 7919 * n);
    this.#window = windowOf(n);
    this.#racers = racers;
    this.#changes = changesPerMille;
  }

  wantsChange(): boolean {
    return this.#random.below(1000) < this.#changes;
  }

  /** Half of the faults hit the quiet part, half some racer's window. */
  faultAddress(): number {
    const random = this.#random;
    if (random.below(2) === 0) return QUIET + random.below(QUIET_VMAS * QUIET_VMA_PAGES) * PAGE;
    return windowOf(random.below(this.#racers)) + random.below(WINDOW_PAGES) * PAGE;
  }

  /** One fault in four writes. */
  faultAccess(): number {
    return this.#random.below(4) === 0 ? 1 : 0;
  }

  /** One call on the own window; `locked`: the caller has the mmap lock for writing. */
  change(raw: RawPlane, mm: number, locked: boolean): number {
    const random = this.#random;
    const pages = 1 + random.below(MAX_CALL_PAGES);
    const address = this.#window + random.below(WINDOW_PAGES - pages + 1) * PAGE;
    const length = pages * PAGE;
    const dice = random.below(100);
    const x = raw.exports;
    if (dice < 10) {
      return locked ? x.munmap_locked(mm, address, length) : x.munmap(mm, address, length);
    }
    if (dice < 60) {
      const prot = PROTS[random.below(PROTS.length)] ?? RW;
      return locked
        ? x.mprotect_locked(mm, address, length, prot)
        : x.mprotect(mm, address, length, prot);
    }
    return locked
      ? x.mmap_locked(mm, address, length, RW, FIXED, 0, 0)
      : x.mmap(mm, address, length, RW, FIXED, 0, 0);
  }
}
