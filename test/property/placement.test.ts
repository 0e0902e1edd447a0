// Property: where the kernel puts a mapping is what a naive search finds (R-PLACE-*, R-THP-*).
//
// The naive search looks at every page of a small space, keeps guard gaps below stacks free,
// and pads for huge pages as the rules say.

import fc from "fast-check";
import { expect, test } from "vitest";
import { hasFlags, MapFlags, MmError, type MmWithUser, Prot, VmFlags } from "../../src/index.js";
import { BASE, freshEngine, PAGE, PRIVATE_ANON } from "../support/engine.js";
import { runs, SEED } from "./calls.js";

const HUGE = 512;
const MIB = 2 ** 20;

interface Layout {
  /** Pages of the space, and where the search begins. */
  readonly size: number;
  readonly origin: number;
  readonly down: boolean;
  readonly gap: number;
  readonly maps: readonly { page: number; pages: number; stack: boolean }[];
}

interface Request {
  readonly pages: number;
  /** 0: none. */
  readonly hint: number;
}

/** The space, page by page. `BASE_PAGE` is its lowest. */
class Naive {
  readonly #layout: Layout;
  readonly #vmas: { start: number; end: number; stack: boolean }[];

  constructor(layout: Layout, mm: MmWithUser) {
    this.#layout = layout;
    this.#vmas = mm.vmas().map(({ start, end, flags }) => ({
      start: (start - BASE) / PAGE,
      end: (end - BASE) / PAGE,
      stack: hasFlags(flags, VmFlags.GROWSDOWN),
    }));
  }

  /** A page number, or null: no room. */
  choose({ pages, hint }: Request): number | null {
    if (pages > this.#layout.size + BASE / PAGE) return null;
    if (hint === 0 && pages % HUGE === 0) {
      const padded = this.#search(pages + HUGE, 0);
      if (padded !== null) return this.#align(padded);
    }
    return this.#search(pages, hint);
  }

  /** R-THP-7. Pages of the space begin at a multiple of a huge page. */
  #align(padded: number): number {
    const rest = padded % HUGE;
    if (rest !== 0) return padded + HUGE - rest;
    return this.#layout.down ? padded + HUGE : padded;
  }

  #search(pages: number, hint: number): number | null {
    const { size, origin, down } = this.#layout;
    if (hint !== 0 && hint + pages <= size) {
      const next = this.#next(hint);
      if (this.#isFree(hint, pages) && hint + pages <= this.#gapStart(next)) return hint;
    }
    if (down) return this.#highest(pages, origin) ?? this.#lowest(pages, this.#legacyBase());
    return this.#lowest(pages, origin);
  }

  #legacyBase(): number {
    const bytes = BASE + this.#layout.size * PAGE;
    return Math.ceil(bytes / 3 / PAGE) - BASE / PAGE;
  }

  #highest(pages: number, from: number): number | null {
    let limit = from;
    for (let at = limit - pages; at >= 0; at--) {
      if (at + pages > limit || !this.#isFree(at, pages)) continue;
      const gap = this.#gapStart(this.#next(at));
      if (gap >= at + pages) return at;
      limit = Math.min(limit, gap); // R-PLACE-4: for the whole rest of the search
    }
    return null;
  }

  #lowest(pages: number, from: number): number | null {
    for (let at = Math.max(0, from); at + pages <= this.#layout.size; at++) {
      if (!this.#isFree(at, pages)) continue;
      const next = this.#next(at);
      if (this.#gapStart(next) >= at + pages) return at;
      at = (next as { end: number }).end - 1;
    }
    return null;
  }

  #isFree(first: number, pages: number): boolean {
    return this.#vmas.every(({ start, end }) => end <= first || start >= first + pages);
  }

  #next(page: number) {
    return this.#vmas.find(({ end }) => end > page);
  }

  /** R-PLACE-2. */
  #gapStart(vma: { start: number; stack: boolean } | undefined): number {
    if (vma === undefined) return Number.POSITIVE_INFINITY;
    return vma.stack ? vma.start - this.#layout.gap : vma.start;
  }
}

const layout = (size: number, unit: number): fc.Arbitrary<Layout> =>
  fc
    .record({
      down: fc.boolean(),
      gap: fc.constantFrom(0, 1, 3, 8),
      start: fc.integer({ min: 0, max: size }),
      whole: fc.boolean(),
      maps: fc.array(
        fc.record({
          page: fc.integer({ min: 0, max: size - 1 }),
          pages: fc.integer({ min: 1, max: unit }),
          stack: fc.boolean(),
        }),
        { maxLength: 14, size: "max" },
      ),
    })
    .map(({ down, gap, start, whole, maps }) => {
      const origin = whole ? (down ? size : 0) : start;
      return { size, origin, down, gap, maps };
    });

const request = (size: number, lengths: fc.Arbitrary<number>): fc.Arbitrary<Request> =>
  fc.record({
    pages: lengths,
    hint: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: size + 2 })),
  });

function check(mm: MmWithUser, made: Layout, requests: readonly Request[]): void {
  const at = (page: number) => BASE + page * PAGE;
  for (const { page, pages, stack } of made.maps) {
    const flags = PRIVATE_ANON | MapFlags.FIXED | (stack ? MapFlags.GROWSDOWN : 0);
    const length = Math.min(pages, made.size - page) * PAGE;
    mm.mmap({ address: at(page), length, prot: Prot.READ, flags });
  }
  for (const wanted of requests) {
    const expected = new Naive(made, mm).choose(wanted);
    let found: number | null = null;
    try {
      const hint = wanted.hint === 0 ? {} : { address: at(wanted.hint) };
      const args = { ...hint, length: wanted.pages * PAGE, prot: Prot.NONE, flags: PRIVATE_ANON };
      found = (mm.mmap(args) - BASE) / PAGE;
    } catch (error) {
      if (!(error instanceof MmError) || error.code !== "ENOMEM") throw error;
    }
    expect(found, JSON.stringify(wanted)).toBe(expected);
  }
}

const options = ({ size, origin, down, gap }: Layout) => ({
  taskSize: BASE + size * PAGE,
  mmapBase: BASE + origin * PAGE,
  mmapMinAddr: BASE,
  direction: down ? ("top-down" as const) : ("bottom-up" as const),
  stackGuardGapPages: gap,
});

test(`pages (VMAPLE_SEED=${SEED})`, async () => {
  const engine = await freshEngine();
  const requests = fc.array(request(40, fc.integer({ min: 1, max: 12 })), {
    minLength: 1,
    maxLength: 8,
  });
  const property = fc.property(layout(40, 6), requests, (made, wanted) => {
    using mm = engine.createMm(options(made));
    check(mm, made, wanted);
    expect(mm.validate()).toEqual([]);
  });
  fc.assert(property, { numRuns: runs(400), seed: SEED });
});

test(`huge pages (VMAPLE_SEED=${SEED})`, async () => {
  expect(BASE % (2 * MIB)).toBe(0); // so that pages of the space count huge pages too
  const engine = await freshEngine();
  const lengths = fc.constantFrom(HUGE, HUGE, 2 * HUGE, HUGE + 1, HUGE - 1, 3 * HUGE);
  const requests = fc.array(request(4000, lengths), { minLength: 1, maxLength: 5 });
  const property = fc.property(layout(4000, 500), requests, (made, wanted) => {
    using mm = engine.createMm(options(made));
    check(mm, made, wanted);
    expect(mm.validate()).toEqual([]);
  });
  fc.assert(property, { numRuns: runs(120), seed: SEED });
});
