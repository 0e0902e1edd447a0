// An mmap hook to die in: between its two halves, with pages put into what it makes, and with
// another hook inside, in another space. Tables of pages, to die in while they come and go.
//
// For test/explore/death.ts only. The hook itself is the body between two calls of the core.

import { FileFlag, MapFlag } from "../../../assembly/shared/flags";
import type { Core } from "../exports";
import {
  at,
  call,
  checkMm,
  expect,
  makeMm,
  map,
  PAGE,
  READ,
  type Scenario,
  warm,
} from "../scenario";
import type { Body, World } from "../world";

/** vm_flags (assembly/mm/flags.ts). */
const VM_MIXEDMAP = 0x10000000;
const FIXED = MapFlag.PRIVATE | MapFlag.FIXED;
const ANONYMOUS = FIXED | MapFlag.ANONYMOUS;
const FILE_FLAGS = FileFlag.READABLE | FileFlag.WRITABLE | FileFlag.HOOKED;

interface Hooked {
  outer: number;
  inner: number;
  file: number;
  /** The first fiber's. */
  page: number;
}

/** The control's. */
export function makeFile(world: World): number {
  const x = world.control;
  const words = x.worker_scratch() >> 3;
  [FILE_FLAGS, 8, 1, 77, 2 ** 20, 0, 0, 0].forEach((value, i) => {
    world.f64[words + i] = value;
  });
  return x.file_create();
}

/** Two spaces with tables of pages. */
function setup(world: World): Hooked {
  warm(world);
  const x = world.control;
  const file = makeFile(world);
  const [outer, inner] = [makeMm(world), makeMm(world)];
  const page = x.page_create();
  for (const mm of [outer, inner]) {
    map(x, mm, 39, 4, READ);
    for (const step of mixed(world, x, mm, 50, file, page)) step();
  }
  return { outer, inner, file, page: world.fibers[0]!.x.page_create() };
}

/** The first half of an mmap of two pages, over what is there; answers the VMA to be. */
function* begin(
  world: World,
  x: Core,
  mm: number,
  first: number,
  file: number,
): Generator<() => unknown, number> {
  yield () => x.mmap_write_lock(mm);
  yield () => x.mmap_begin(mm, BigInt(at(first)), BigInt(2 * PAGE), READ, FIXED, file, 0n);
  const vma = world.u32[x.worker_scratch() >> 2]!;
  expect(vma !== 0, "no hook to call");
  yield () => x.vma_update_flags(vma, VM_MIXEDMAP, 0);
  return vma;
}

/** All of an mmap whose hook puts `page` into the first of two pages. */
export function* mixed(
  world: World,
  x: Core,
  mm: number,
  first: number,
  file: number,
  page: number,
) {
  const vma = yield* begin(world, x, mm, first, file);
  yield () => x.vma_insert_page(vma, at(first), page);
  yield () => x.mmap_commit(mm, vma, FIXED);
  yield () => x.mmap_write_unlock(mm);
}

function* hooks(world: World, x: Core, { outer, inner, file, page }: Hooked): Body {
  const vma = yield* begin(world, x, outer, 40, file);
  expect((yield () => x.vma_insert_page(vma, at(40), page)) === 0, "the first page is refused");
  const other = yield* begin(world, x, inner, 40, file);
  expect((yield () => x.vma_insert_page(other, at(41), page)) === 0, "inner page refused");
  yield () => x.mmap_commit(inner, other, FIXED);
  yield () => x.mmap_write_unlock(inner);
  expect((yield () => x.vma_insert_page(vma, at(41), page)) === 0, "the second page is refused");
  yield () => x.mmap_commit(outer, vma, FIXED);
  yield () => x.mmap_write_unlock(outer);
  const refused = yield* begin(world, x, outer, 40, file);
  yield () => x.vma_insert_page(refused, at(40), page);
  yield () => x.mmap_abort(outer, refused);
  yield () => x.mmap_write_unlock(outer);
}

export const deadHooks: Scenario<Hooked>[] = [
  {
    name: "death-hook",
    title: "a hook inside a hook, pages put in, one refused",
    fibers: 2,
    setup,
    run(world, hooked) {
      const [a, b] = world.fibers.map((fiber) => fiber.x) as [Core, Core];
      return {
        fibers: [
          hooks(world, a, hooked),
          call(() => b.mmap(hooked.outer, at(60), PAGE, READ, ANONYMOUS, 0, 0)),
        ],
        check() {
          const x = world.control;
          expect(x.vma_lookup(hooked.outer, at(60)) !== 0, "the second worker was refused");
          expect(x.vma_lookup(hooked.inner, at(41)) !== 0, "the inner hook's VMA is missing");
          expect(x.vma_lookup(hooked.outer, at(40)) === 0, "the hook that refused left its VMA");
          for (const mm of [hooked.outer, hooked.inner]) checkMm(world, mm);
        },
      };
    },
    mutants: [],
  },
  {
    name: "death-tables",
    title: "tables of pages come with a space's first page and go with its last user",
    fibers: 2,
    setup(world) {
      const [a] = world.fibers.map((fiber) => fiber.x) as [Core];
      return {
        outer: makeMm(world),
        inner: makeMm(world, a),
        file: makeFile(world),
        page: a.page_create(),
      };
    },
    run(world, { outer, inner, file, page }) {
      const [a, b] = world.fibers.map((fiber) => fiber.x) as [Core, Core];
      function* body(): Body {
        yield* mixed(world, a, inner, 40, file, page);
        yield () => a.mmput(inner);
      }
      return {
        fibers: [body(), call(() => b.mmap(outer, at(60), PAGE, READ, ANONYMOUS, 0, 0))],
        check: () => checkMm(world, outer),
      };
    },
    mutants: [],
  },
];
