// peek: what a reader without a lock sees while VMAs and nodes change under it.
//
// The writer's calls are run once beforehand on a twin; what peek answers between them is
// all that it may ever answer.

import type { Core } from "../exports";
import {
  ACCESS_WRITE,
  at,
  checkMm,
  checkRefcounts,
  checkTeardown,
  expect,
  GROWSDOWN,
  live,
  lockOnce,
  lockVma,
  type Mutant,
  makeMm,
  map,
  mapFixed,
  mutant,
  PAGE,
  READ,
  type Scenario,
  seen,
  WRITE,
  warm,
} from "../scenario";
import type { Body, World } from "../world";

const EAGAIN = -11;
const MREMAP_MAYMOVE = 1;
const MREMAP_FIXED = 2;
const LOCK = "mm/vma_lock.ts";

/** Where the spaces of these scenarios have VMAs. */
const PAGES = Array.from({ length: 40 }, (_, page) => page);

/** One call of the writer. */
type Step = (x: Core, mm: number) => number;

interface Known {
  mm: number;
  before: number[];
  /** By page: every answer that peek may give. */
  legal: Map<number, Set<string>>;
}

function answer(world: World, x: Core, result: number): string {
  if (result === 0) return "hole";
  const { start, end, flags, pgoff } = seen(world, x);
  return `${start}-${end} ${flags} ${pgoff}`;
}

/** Runs the writer's calls on a twin, then builds the space itself. */
function know(world: World, { build, steps, pages, shape }: PeekSpec): Known {
  warm(world);
  const x = world.control;
  const before = live(world);
  const twin = makeMm(world);
  build(x, twin);
  const legal = new Map(pages.map((page) => [page, new Set<string>()]));
  const shapes = [shapeOf(x, twin)];
  for (let i = 0; i <= steps.length; i++) {
    for (const page of pages) {
      legal.get(page)!.add(answer(world, x, x.peek(twin, at(page), x.worker_scratch())));
    }
    steps[i]?.(x, twin);
  }
  shapes.push(shapeOf(x, twin));
  if (shape && String(shape) !== String(shapes)) throw new Error(`tree shapes ${shapes}`);
  x.mmput(twin);
  const mm = makeMm(world);
  build(x, mm);
  lockOnce(world, mm, PAGES); // what a wrong turn leads to as well
  return { mm, before, legal };
}

function shapeOf(x: Core, mm: number): string {
  return `${x.mm_tree_height(mm, 0)},${x.mm_tree_nodes(mm, 1)}`;
}

function* peekAt(world: World, x: Core, { mm, legal }: Known, page: number): Body {
  const result = yield () => x.peek(mm, at(page), x.worker_scratch());
  if (result === EAGAIN) return;
  const got = answer(world, x, result);
  expect(legal.get(page)!.has(got), `peek at page ${page} answered ${got}`);
}

/** Peeks, then locks: a tree walk of each kind. */
function* look(world: World, x: Core, known: Known, page: number): Body {
  yield* peekAt(world, x, known, page);
  yield* lockVma(world, x, known.mm, page);
}

function* write(x: Core, mm: number, steps: Step[]): Body {
  for (const step of steps) {
    const result = yield () => step(x, mm);
    expect(result >= 0, `the writer's call failed: ${result}`);
  }
}

interface PeekSpec {
  name: string;
  title: string;
  upstream?: number[];
  build(x: Core, mm: number): void;
  steps: Step[];
  /** One fiber each looks at one. */
  pages: number[];
  mutants: Mutant[];
  bound?: number;
  /** The tree's height and number of leaves before and after: it is what it claims to be. */
  shape?: [string, string];
}

function peekScenario(spec: PeekSpec): Scenario<Known> {
  const { name, title, upstream = [], steps, pages, mutants } = spec;
  return {
    name,
    title,
    upstream,
    ...(spec.bound === undefined ? {} : { bound: spec.bound }),
    fibers: pages.length + 1,
    setup: (world) => know(world, spec),
    run(world, known) {
      const writer = world.fibers[pages.length]!.x;
      return {
        fibers: [
          ...pages.map((page, i) => look(world, world.fibers[i]!.x, known, page)),
          write(writer, known.mm, steps),
        ],
        check() {
          checkMm(world, known.mm);
          checkRefcounts(world, known.mm, pages);
          checkTeardown(world, known.mm, known.before);
        },
      };
    },
    mutants,
  };
}

const unmap =
  (first: number, n: number): Step =>
  (x, mm) =>
    x.munmap(mm, at(first), n * PAGE);
const protect =
  (first: number, n: number, prot: number): Step =>
  (x, mm) =>
    x.mprotect(mm, at(first), n * PAGE, prot);
const fixed =
  (first: number, n: number, prot: number): Step =>
  (x, mm) =>
    mapFixed(x, mm, first, n, prot);

/** `n` VMAs of a page that do not merge, with a hole after each third. */
const row =
  (n: number): PeekSpec["build"] =>
  (x, mm) => {
    for (let i = 0; i < n; i++) {
      map(x, mm, i + Math.floor(i / 3), 1, i % 2 === 0 ? READ : WRITE);
    }
  };

const pageOf = (i: number) => i + Math.floor(i / 3);

/** The same with some left out, of which one comes back. */
const rowButFor =
  (n: number, left: number[], back: number[] = []): PeekSpec["build"] =>
  (x, mm) => {
    for (let i = 0; i < n; i++) if (!left.includes(i)) mapOne(i)(x, mm);
    for (const i of back) mapOne(i)(x, mm);
  };

/** The same without the first `gone` of them. */
const rowWithout =
  (n: number, gone: number): PeekSpec["build"] =>
  (x, mm) => {
    row(n)(x, mm);
    for (let i = 0; i < gone; i++) x.munmap(mm, at(pageOf(i)), PAGE);
  };

const mapOne = (i: number) => fixed(pageOf(i), 1, i % 2 === 0 ? READ : WRITE);
const unmapOne = (i: number) => unmap(pageOf(i), 1);

const NO_FIRST_LOOK = mutant(
  LOCK,
  "a VMA that is write-locked is copied",
  "  if (<u32>life != (<u32>mm | VmaLock.HELD)) return peek_slow(mm, address, copy, 1);\n",
  "  if ((<u32>life | VmaLock.HELD) != (<u32>mm | VmaLock.HELD)) return peek_slow(mm, address, copy, 1);\n",
);
const NO_SECOND_LOOK = mutant(
  LOCK,
  "LIFE is not compared after the copy",
  "  if (Copy.take(vma, copy, address) == life) return 1;\n  return",
  "  if (Copy.take(vma, copy, address) != 0) return 1;\n  return",
);
const EARLY_LOOK: Mutant = {
  name: "LIFE is loaded before the copy only",
  edits: [
    {
      file: LOCK,
      from: "    const bounds = racy_v128(vma + Vma.START);\n",
      to: "    const life = load_acquire64(vma + Vma.LIFE);\n    const bounds = racy_v128(vma + Vma.START);\n",
    },
    {
      file: LOCK,
      from: "return load_acquire64(vma + Vma.LIFE + <usize>none);",
      to: "return life;",
    },
  ],
};
const HOLE_BELIEVED: Mutant = {
  name: "nothing found is believed while a writer is at work",
  edits: [
    {
      file: LOCK,
      from: "  if (vma == 0) return peek_slow(mm, address, copy, 0);\n",
      to: "  if (vma == 0) return 0;\n",
    },
    {
      file: LOCK,
      from: "else if ((seq & 1) == 0 && load_acquire(mm + Mm.LOCK_SEQ) == seq) return 0;",
      to: "else return 0;",
    },
  ],
};
const NO_RANGE: Mutant = {
  name: "the range of what the tree led to is not compared",
  edits: [
    {
      file: LOCK,
      from: "  if (!vma_contains(vma, address)) return lock_vma_slow(mm, address, slot, vma);\n",
      to: "",
    },
    { file: LOCK, from: "return held && vma_contains(vma, address);", to: "return held;" },
  ],
};

const NO_PEEK_RANGE: Mutant = {
  name: "peek does not compare the range of what the tree led to",
  edits: [
    {
      file: LOCK,
      from: "    if (i64x2.bitmask(i64x2.gt_s(bounds, i64x2.splat(<i64>address))) != 2) return 0;\n",
      to: "",
    },
  ],
};

export const peeks: Scenario[] = [
  peekScenario({
    name: "peek-stores",
    title: "peek vs every store of mprotect, munmap and mmap",
    build(x, mm) {
      map(x, mm, 0, 2, READ);
      map(x, mm, 2, 4, READ | WRITE);
    },
    steps: [protect(3, 1, READ), unmap(2, 2), fixed(3, 2, WRITE)],
    pages: [3],
    mutants: [NO_FIRST_LOOK, NO_SECOND_LOOK, EARLY_LOOK],
  }),
  peekScenario({
    name: "peek-merge",
    title: "peek vs the stores of a merge: start and pgoff belong together",
    build(x, mm) {
      map(x, mm, 2, 2, READ);
      map(x, mm, 4, 2, READ | WRITE);
    },
    steps: [protect(2, 2, READ | WRITE)],
    pages: [5],
    mutants: [NO_SECOND_LOOK],
  }),
  peekScenario({
    name: "peek-stack-growth",
    title: "peek and lock vs a fault that grows the stack: start and pgoff belong together",
    build(x, mm) {
      map(x, mm, 0, 1, READ);
      map(x, mm, 30, 2, READ | WRITE, GROWSDOWN);
    },
    steps: [(x, mm) => x.handle_mm_fault(mm, at(26), ACCESS_WRITE)],
    pages: [31, 27],
    mutants: [
      NO_SECOND_LOOK,
      mutant(
        "ops/fault.ts",
        "the stack grows without being write-locked",
        "  vma_start_write(vma, mm);\n  set_vm_pgoff(",
        "  set_vm_pgoff(",
      ),
    ],
  }),
  peekScenario({
    name: "peek-mremap",
    title: "peek and lock vs mremap that moves the VMA: old place, new place, nowhere else",
    build(x, mm) {
      map(x, mm, 0, 4, READ | WRITE);
      map(x, mm, 9, 1, READ);
    },
    steps: [
      (x, mm) => x.mremap(mm, at(1), 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at(12)),
    ],
    pages: [2, 13],
    mutants: [NO_RANGE, NO_PEEK_RANGE],
  }),
  peekScenario({
    name: "peek-map-fixed",
    title: "peek and lock vs mmap(MAP_FIXED) over a mapping: never a hole (upstream race 9)",
    upstream: [9],
    build(x, mm) {
      map(x, mm, 0, 1, READ);
      map(x, mm, 2, 4, READ | WRITE);
      map(x, mm, 7, 1, READ);
    },
    steps: [fixed(2, 4, READ)],
    pages: [3],
    mutants: [
      {
        name: "the range is emptied first, and nothing found is believed",
        edits: [
          ...HOLE_BELIEVED.edits,
          {
            file: "ops/mmap.ts",
            from: "  if (occupied) vms_discard(mm, start, end);\n",
            to: "  if (occupied) vms_discard(mm, start, end);\n  tree_store(mm, start, end, 0);\n",
          },
        ],
      },
    ],
  }),
  peekScenario({
    name: "tree-root-growth",
    title: "peek and lock vs a leaf that becomes two under a new root",
    build: rowButFor(12, [3]),
    steps: [mapOne(3)],
    pages: [pageOf(2), pageOf(9)],
    mutants: [HOLE_BELIEVED, NO_RANGE, NO_PEEK_RANGE],
    shape: ["1,1", "2,2"],
  }),
  peekScenario({
    name: "tree-leaf-split",
    title: "peek and lock vs the split of a leaf below a root (upstream race 11), then an append",
    upstream: [11],
    build: rowButFor(24, [3, 6, 9], [3]),
    steps: [mapOne(6), mapOne(24)],
    pages: [pageOf(8), pageOf(19)],
    mutants: [HOLE_BELIEVED, NO_RANGE, NO_PEEK_RANGE],
    shape: ["2,2", "2,4"],
  }),
  peekScenario({
    name: "tree-rebalance",
    title: "peek and lock vs a deficient leaf that is joined to its neighbour",
    build(x, mm) {
      row(26)(x, mm);
      x.munmap(mm, at(pageOf(13)), (pageOf(21) - pageOf(13)) * PAGE);
    },
    steps: [unmapOne(12)],
    pages: [pageOf(21), pageOf(23)],
    mutants: [HOLE_BELIEVED, NO_RANGE, NO_PEEK_RANGE],
    shape: ["2,3", "2,2"],
  }),
  peekScenario({
    name: "tree-spanning-store",
    title: "peek and lock vs one store over three leaves (upstream race 11)",
    upstream: [11],
    build: row(26),
    steps: [(x, mm) => x.munmap(mm, at(pageOf(5)), (pageOf(22) - pageOf(5)) * PAGE)],
    pages: [pageOf(2), pageOf(23)],
    mutants: [HOLE_BELIEVED, NO_RANGE, NO_PEEK_RANGE],
    shape: ["2,3", "2,2"],
  }),
  peekScenario({
    name: "tree-root-shrink",
    title: "peek and lock vs the loss of a level",
    build: rowWithout(14, 8),
    steps: [unmapOne(8)],
    pages: [pageOf(9), pageOf(12)],
    mutants: [HOLE_BELIEVED, NO_RANGE, NO_PEEK_RANGE],
    shape: ["2,2", "1,1"],
  }),
];
