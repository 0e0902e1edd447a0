// Concurrent histories of real workers have a sequential explanation; the checker itself is
// shown histories that have none, made by hand and by cores in which the order is broken.

import { describe, expect, test } from "vitest";
import { compileEngine, type Edit } from "../explore/compile";
import { linearize } from "./check";
import { checkRounds } from "./main";
import { type Call, Kind, pagesModel, withoutDoubts } from "./model";

const SEED = Number(process.env["VMAPLE_SEED"] ?? Date.now() % 2 ** 31);
const PLAN = { workers: 3, pages: 8, calls: 60, seed: SEED };
const MS = Number(process.env["VMAPLE_STRESS_MS"] ?? 4000);
/** A broken core is found out within a fraction of this. */
const MUTANT_MS = 60_000;

test(`the calls of three workers happen one after the other (VMAPLE_SEED=${SEED})`, async () => {
  const result = await checkRounds(PLAN, {}, { rounds: 100_000, ms: MS });
  expect(result.violation).toBeNull();
  // Otherwise it was no test of anything.
  expect(result.rounds).toBeGreaterThan(0);
  expect(result.overlaps).toBeGreaterThan(0);
}, 60_000);

/** Time for others to look, where there is hardly any. */
const LONG = "for (let i = 0; i < 30000; i++) atomic.load<u32>(mm + Mm.LOCK_SEQ);";

const LONG_SECTION: Edit = {
  file: "mm/mmap_lock.ts",
  from: "  const seq = load<u32>(mm, Mm.LOCK_SEQ);\n  mm_end_change();\n",
  to: `  ${LONG}\n  const seq = load<u32>(mm, Mm.LOCK_SEQ);\n  mm_end_change();\n`,
};

const BROKEN: [string, Edit[]][] = [
  [
    "peek believes what a writer is changing",
    [
      {
        file: "mm/vma_lock.ts",
        from: "  if (<u32>life != (<u32>mm | VmaLock.HELD)) return peek_slow(mm, address, copy, 1);\n",
        to: "  if ((life & VmaLock.HELD) == 2) return peek_slow(mm, address, copy, 1);\n",
      },
      LONG_SECTION,
    ],
  ],
  [
    "a reader does not look for a writer",
    [
      {
        file: "sync/rwlock.ts",
        from: "  if (load_acquire(lock + RwLock.OWNER) != 0) return false;\n  const slot = lock_hold_free();",
        to: "  const slot = lock_hold_free();",
      },
      {
        file: "sync/rwlock.ts",
        from: "  if (load_acquire(lock + RwLock.OWNER) == 0) return true;\n  hold_clear",
        to: "  if (load_acquire(lock + RwLock.OWNER) != 1) return true;\n  hold_clear",
      },
      LONG_SECTION,
    ],
  ],
  [
    "a write guard's first change is seen without its second",
    [
      {
        file: "mm/vma_lock.ts",
        from: "else if ((seq & 1) == 0 && load_acquire(mm + Mm.LOCK_SEQ) == seq) return 0;",
        to: "else return 0;",
      },
      LONG_SECTION,
    ],
  ],
];

describe.each(BROKEN)("a core in which %s", (_name, edits) => {
  test("is found out", async () => {
    const wasm = await compileEngine(edits);
    const result = await checkRounds(PLAN, { wasm }, { rounds: 100_000, ms: MUTANT_MS });
    expect(result.violation?.[0]).toMatch(/^not linearizable: seed \d+, round \d+/);
  }, 120_000);
});

/** A call from `invoked` to `returned`; what is not said is 0. */
function made(
  worker: number,
  invoked: number,
  returned: number,
  kind: Kind,
  rest: Partial<Call>,
): Call {
  const nothing = { page: 0, n: 0, prot: 0, to: 0, result: 0, start: 0, end: 0, found: 0 };
  return { worker, invoked, returned, kind, ...nothing, ...rest };
}

const model = pagesModel(4);
const explained = (history: Call[]) => linearize(withoutDoubts(history), model).linearizable;
const MAP_ALL = made(0, 0, 1, Kind.MAP, { n: 4, prot: 3 });
const whole = { result: 1, start: 0, end: 4, found: 3 };

describe("the checker accepts", () => {
  test.each<[string, Call[]]>([
    ["an empty history", []],
    ["calls one after the other", [MAP_ALL, made(1, 2, 3, Kind.PEEK, { page: 2, ...whole })]],
    [
      "a look that overlaps a change, before it",
      [MAP_ALL, made(0, 2, 5, Kind.UNMAP, { n: 4 }), made(1, 3, 4, Kind.PEEK, whole)],
    ],
    ["and after it", [MAP_ALL, made(0, 2, 5, Kind.UNMAP, { n: 4 }), made(1, 3, 4, Kind.PEEK, {})]],
    [
      "an answer in the past of another worker's call that has not returned",
      [
        MAP_ALL,
        made(0, 2, 9, Kind.UNMAP, { n: 4 }),
        made(1, 3, 4, Kind.PEEK, {}),
        made(2, 5, 6, Kind.PEEK, {}),
      ],
    ],
    [
      "a refused lock beside a change",
      [MAP_ALL, made(0, 2, 5, Kind.PROTECT, { n: 1, prot: 3 }), made(1, 3, 4, Kind.LOCK, {})],
    ],
    [
      "a change that ends when the lock does",
      [
        MAP_ALL,
        made(1, 2, 3, Kind.LOCK, { page: 1, ...whole }),
        made(0, 4, 7, Kind.UNMAP, { n: 4 }),
        made(1, 5, 6, Kind.UNLOCK, {}),
      ],
    ],
    [
      "mprotect that stops at a hole",
      [
        made(0, 0, 1, Kind.MAP, { n: 2, prot: 3 }),
        made(0, 2, 3, Kind.PROTECT, { page: 1, n: 3, prot: 1, result: -12 }),
        made(0, 4, 5, Kind.LOOKUP, { page: 1, result: 1, start: 1, end: 2, found: 1 }),
      ],
    ],
  ])("%s", (_name, history) => expect(explained(history)).toBe(true));
});

describe("the checker refuses", () => {
  test.each<[string, Call[]]>([
    ["a look that misses an earlier change", [MAP_ALL, made(1, 2, 3, Kind.PEEK, { page: 2 })]],
    ["a wrong range", [MAP_ALL, made(1, 2, 3, Kind.PEEK, { ...whole, end: 3 })]],
    ["a wrong protection", [MAP_ALL, made(1, 2, 3, Kind.LOOKUP, { ...whole, found: 1 })]],
    ["a refused lock without a reason", [MAP_ALL, made(1, 2, 3, Kind.LOCK, { page: 2 })]],
    [
      "new, then old, by one worker",
      [
        MAP_ALL,
        made(0, 2, 9, Kind.UNMAP, { n: 4 }),
        made(1, 3, 4, Kind.PEEK, {}),
        made(1, 5, 6, Kind.PEEK, whole),
      ],
    ],
    [
      "new, then old, by two workers one after the other",
      [
        MAP_ALL,
        made(0, 2, 9, Kind.UNMAP, { n: 4 }),
        made(1, 3, 4, Kind.PEEK, {}),
        made(2, 5, 6, Kind.PEEK, whole),
      ],
    ],
    [
      "a change that ends while the VMA is locked",
      [
        MAP_ALL,
        made(1, 2, 3, Kind.LOCK, { page: 1, ...whole }),
        made(0, 4, 5, Kind.UNMAP, { n: 4 }),
        made(1, 6, 7, Kind.UNLOCK, {}),
      ],
    ],
    [
      "half of a move",
      [
        made(0, 0, 1, Kind.MAP, { n: 1, prot: 3 }),
        made(0, 2, 9, Kind.MOVE, { n: 1, to: 2, prot: 3 }),
        made(1, 3, 4, Kind.LOOKUP, {}),
        made(1, 5, 6, Kind.LOOKUP, { page: 2 }),
      ],
    ],
    [
      "two that both were first",
      [
        made(0, 0, 3, Kind.MAP_NOREPLACE, { n: 1, prot: 3 }),
        made(1, 1, 2, Kind.MAP_NOREPLACE, { n: 1, prot: 3 }),
      ],
    ],
    [
      "a change left half-done that says it is done",
      [
        made(0, 0, 1, Kind.MAP, { n: 2, prot: 3 }),
        made(0, 2, 3, Kind.PROTECT, { page: 1, n: 3, prot: 1 }),
      ],
    ],
  ])("%s", (_name, history) => expect(explained(history)).toBe(false));

  test("and names the calls that fit nowhere", () => {
    const wrong = made(1, 2, 3, Kind.PEEK, { page: 2 });
    const verdict = linearize([MAP_ALL, wrong], model);
    expect(verdict).toMatchObject({ linearizable: false, order: [MAP_ALL], stuck: [wrong] });
  });

  test("and a worker in two calls at once is no history", () => {
    expect(() => linearize([MAP_ALL, { ...MAP_ALL, invoked: 0.5 }], model)).toThrow(RangeError);
  });
});
