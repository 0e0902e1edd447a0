// Pages put into one mapping by two workers at once (mm/pages.ts): tables made by both, one entry
// wanted by both. Each holds the VMA by its own read lock, as in a fault handler.

import type { Core } from "../exports";
import {
  at,
  checkMm,
  checkTeardown,
  expect,
  live,
  makeMm,
  mutant,
  type Scenario,
  warm,
} from "../scenario";
import type { Body, World } from "../world";
import { makeFile, mixed } from "./death-hook";

const PAGES = "mm/pages.ts";
const EBUSY = -16;
/** The first page of a table of the last level: at() begins at page 256. */
const TABLE = 1024 - 256;

interface Mixed {
  mm: number;
  before: number[];
}

/** A mapping of two pages, with a page in the first of them. */
function space(world: World, first: number): Mixed {
  warm(world);
  const x = world.control;
  const file = makeFile(world);
  const before = live(world);
  const mm = makeMm(world);
  const page = x.page_create();
  for (const step of mixed(world, x, mm, first, file, page)) step();
  x.page_put(page);
  return { mm, before };
}

function* insert(x: Core, mm: number, n: number, results: number[]): Body {
  const page = yield () => x.page_create();
  const vma = yield () => x.lock_vma_under_rcu(mm, at(n));
  expect(vma !== 0, "nobody writes, and the VMA cannot be locked");
  results.push(yield () => x.vma_insert_page(vma, at(n), page));
  yield () => x.vma_end_read(vma);
}

function scenario(
  name: string,
  title: string,
  first: number,
  mutants: Scenario["mutants"],
): Scenario<Mixed> {
  return {
    name,
    title,
    fibers: 2,
    setup: (world) => space(world, first),
    run(world, { mm, before }) {
      const [a, b] = world.fibers.map((fiber) => fiber.x) as [Core, Core];
      const results: number[] = [];
      return {
        fibers: [insert(a, mm, first + 1, results), insert(b, mm, first + 1, results)],
        check() {
          const x = world.control;
          const sorted = results.toSorted((one, other) => one - other);
          expect(String(sorted) === String([EBUSY, 0]), `the inserts answered ${results}`);
          const vma = x.vma_lookup(mm, at(first));
          const page = x.page_create();
          const again = x.vma_insert_page(vma, at(first + 1), page);
          expect(again === EBUSY, `the page is not there: ${again}`);
          checkMm(world, mm);
          for (const fiber of world.fibers) fiber.x.refs_give_back();
          x.page_put(page);
          checkTeardown(world, mm, before);
        },
      };
    },
    mutants,
  };
}

export const pages: Scenario<Mixed>[] = [
  scenario(
    "page-tables",
    "two pages for one entry, of a table that is missing: both find the table of one of them",
    TABLE - 1,
    [
      mutant(
        PAGES,
        "a table is published by a load and a store",
        "  const other = cmpxchg(word, 0, <u32>table);\n",
        "  const other = load_acquire(word);\n  if (other == 0) store_release(word, <u32>table);\n",
      ),
      mutant(
        PAGES,
        "the table of who came second leaks",
        "  if (other != 0) slab_free(SlabKind.TABLE, table);\n",
        "",
      ),
    ],
  ),
  scenario(
    "page-entry",
    "two pages for one entry: one is put in, the other is told EBUSY and loses no reference",
    TABLE + 1,
    [
      mutant(
        PAGES,
        "an entry is claimed by a load and a store",
        "  if (cmpxchg(entry, 0, page) == 0) return 0;\n",
        "  if (load_acquire(entry) == 0) {\n    store_release(entry, page);\n    return 0;\n  }\n",
      ),
      mutant(
        PAGES,
        "who came second keeps its reference",
        "  journal_later(Tag.PUT_PAGE, page);\n  mm_end_change();\n  return -Errno.EBUSY;\n",
        "  return -Errno.EBUSY;\n",
      ),
    ],
  ),
];
