// Model test: the engine against the slowest correct address space.
//
// Goal     any sequence of mmap, munmap and mprotect leaves engine and model with the
//          same pages, and each call with the same address or errno.
// Method   the model has one record a page (src/testing.ts), so it cannot have a tree
//          bug. 64 pages, so that calls collide. After each step: equal results, equal
//          pages, and the engine's own validate(). fast-check shrinks; VMAPLE_SEED=<n>
//          repeats a run.

import fc from "fast-check";
import { expect, test } from "vitest";
import { type FileRef, MapFlags, MmError, type MmWithUser, Prot } from "../../src/index.js";
import { assertSound, comparePages, type ModelFile, PageModel } from "../../src/testing.js";
import { freshEngine, PAGE, unlimited } from "../support/engine.js";

const PAGES = 64;
const SEED = Number(process.env.VMAPLE_SEED ?? Date.now() % 2 ** 31);
const RUNS = Number(process.env.VMAPLE_RUNS ?? 300);

/** A file twice: as the engine knows it and as the model does. */
interface File {
  readonly ref: FileRef;
  readonly model: ModelFile;
}

interface World {
  readonly mm: MmWithUser;
  readonly model: PageModel;
  readonly files: readonly File[];
}

/** `wide`: addresses and lengths are passed as bigints. */
type Step = { wide: boolean } & Call;

type Call =
  | {
      op: "mmap";
      page: number;
      bytes: number;
      prot: number;
      flags: number;
      file: number;
      offset: number;
    }
  | { op: "munmap"; page: number; bytes: number; skew: number }
  | { op: "mprotect"; page: number; bytes: number; prot: number; skew: number };

const page = fc.integer({ min: 0, max: PAGES + 2 });
/** Mostly a few pages, sometimes a fraction, nothing, or more than there is. */
const bytes = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 12 }).map((n) => n * PAGE) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 3 * PAGE }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: PAGES + 2 }).map((n) => n * PAGE) },
);
const skew = fc.oneof({ weight: 15, arbitrary: fc.constant(0) }, fc.constantFrom(1, 2048));
const prot = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 0, max: 7 }) },
  fc.constantFrom(Prot.SEM | Prot.READ, 0x10, 0x80),
);
const type = fc.oneof(
  { weight: 8, arbitrary: fc.constant(MapFlags.PRIVATE as number) },
  { weight: 3, arbitrary: fc.constant(MapFlags.SHARED as number) },
  fc.constantFrom<number>(0, MapFlags.SHARED_VALIDATE, 5),
);
const place = fc.constantFrom<number>(
  0,
  0,
  MapFlags.FIXED,
  MapFlags.FIXED,
  MapFlags.FIXED_NOREPLACE,
);
const backing = fc.constantFrom<number>(
  MapFlags.ANONYMOUS,
  MapFlags.ANONYMOUS,
  MapFlags.ANONYMOUS,
  0,
);

const call: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(page, bytes, prot, type, place, backing, fc.integer({ min: -1, max: 2 }), page, skew)
      .map(([at, length, access, kind, where, anonymous, file, offset, odd]) => ({
        op: "mmap" as const,
        page: at,
        bytes: length,
        prot: access,
        flags: kind | where | anonymous,
        file,
        offset: offset * PAGE + odd,
      })),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("munmap" as const), page, bytes, skew }) },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constant("mprotect" as const), page, bytes, prot, skew }),
  },
);

const step: fc.Arbitrary<Step> = fc
  .tuple(fc.boolean(), call)
  .map(([wide, made]) => ({ ...made, wide }));

/** What a call answered, comparable. */
function outcome(call: () => number | undefined): string {
  try {
    return `${call() ?? "done"}`;
  } catch (error) {
    if (error instanceof MmError) return error.code;
    throw error;
  }
}

function apply({ mm, model, files }: World, s: Step): [engine: string, model: string] {
  const as = (n: number) => (s.wide ? BigInt(n) : n);
  const address = as(s.page * PAGE + ("skew" in s ? s.skew : 0));
  if (s.op === "munmap") {
    return [
      outcome(() => void mm.munmap(address, as(s.bytes))),
      outcome(() => void model.munmap(address, s.bytes)),
    ];
  }
  if (s.op === "mprotect") {
    return [
      outcome(() => void mm.mprotect(address, as(s.bytes), s.prot)),
      outcome(() => void model.mprotect(address, s.bytes, s.prot)),
    ];
  }
  const args = { address, length: s.bytes, prot: s.prot, flags: s.flags, offset: as(s.offset) };
  const file = files[s.file];
  return [
    outcome(() => mm.mmap(file === undefined ? args : { ...args, file: file.ref })),
    outcome(() => model.mmap(file === undefined ? args : { ...args, file: file.model })),
  ];
}

test(`mm agrees with the page model (VMAPLE_SEED=${SEED})`, async () => {
  const engine = await freshEngine();
  const files = [{ writable: true }, { writable: false }, { readable: false }].map((mode, i) => {
    const ref = engine.openFile({ name: `/file${i}`, size: 2 ** 40, ...mode });
    return { ref, model: { id: ref.asRaw(), ...mode } };
  });
  const property = fc.property(
    fc.array(step, { minLength: 1, maxLength: 60, size: "max" }),
    (steps) => {
      using mm = engine.createMm(unlimited(PAGES));
      const world = { mm, model: new PageModel({ pages: PAGES }), files };
      for (const s of steps) {
        const [actual, expected] = apply(world, s);
        expect(actual, JSON.stringify(s)).toBe(expected);
        assertSound(mm.validate());
        expect(comparePages(world.model, mm.vmas()), JSON.stringify(s)).toBeNull();
      }
    },
  );
  fc.assert(property, { numRuns: RUNS, seed: SEED });
  expect(engine.stats().memory.kinds).toMatchObject({ vma: { live: 0 }, mm: { live: 0 } });
});
