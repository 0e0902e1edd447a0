// Races of upstream Linux that are about whole calls: a refused mmap(MAP_FIXED), a fork
// that is seen half-way, mremap beside a fault. README.md has the table of all of them.

import type { Core } from "../exports";
import { SEAT, VMA } from "../layout";
import {
  ACCESS_WRITE,
  at,
  checkMm,
  checkRefcounts,
  checkTeardown,
  expect,
  live,
  lockVma,
  makeMm,
  map,
  mutant,
  PAGE,
  READ,
  type Scenario,
  type Space,
  seen,
  WRITE,
  warm,
} from "../scenario";
import type { Body, World } from "../world";

const WOULD_BLOCK = -512;
const EAGAIN = -11;
const ENOMEM = -12;
const MREMAP_MAYMOVE_FIXED = 3;
const PRIVATE_ANONYMOUS_FIXED_HUGETLB = 0x40032;
/** 2 MiB: a huge page, and the first address that is a multiple of it. */
const HUGE_PAGE = 0x200000;

/** A fixed mapping of huge pages: there are none, and that is found out when the old one is gone. */
const refused: Scenario<Space> = {
  name: "mmap-fixed-refused",
  title: "peek and lock vs mmap(MAP_FIXED) refused late: a gap stays (upstream race 12)",
  upstream: [12],
  fibers: 2,
  setup(world) {
    warm(world);
    const before = live(world);
    const mm = makeMm(world);
    map(world.control, mm, 255, 3, READ | WRITE);
    return { mm, before };
  },
  run(world, { mm, before }) {
    const [a, b] = world.fibers.map((fiber) => fiber.x) as [Core, Core];
    const page = 257;
    let over = false;
    function* reader(): Body {
      const late = over;
      const found = yield () => a.peek(mm, at(page), a.worker_scratch());
      if (found === 1) {
        expect(!late, "peek finds what the refused call has taken away");
        const { start, end } = seen(world, a);
        const whole = start === at(255) && end === at(258);
        expect(whole || (start === HUGE_PAGE && end === at(258)), `peek: ${start}-${end}`);
      } else expect(found === 0 || found === EAGAIN, `peek: ${found}`);
      yield* lockVma(world, a, mm, page);
    }
    function* mapper(): Body {
      const flags = PRIVATE_ANONYMOUS_FIXED_HUGETLB;
      const result = yield () => b.mmap(mm, HUGE_PAGE, HUGE_PAGE, READ, flags, 0, 0);
      expect(result === ENOMEM, `mmap of huge pages: ${result}`);
      over = true;
    }
    return {
      fibers: [reader(), mapper()],
      check() {
        checkMm(world, mm);
        checkRefcounts(world, mm, [255]);
        expect(world.control.vma_lookup(mm, at(page)) === 0, "the old mapping came back");
        expect(world.control.vma_lookup(mm, at(255)) !== 0, "the page below went too");
        checkTeardown(world, mm, before);
      },
    };
  },
  mutants: [
    mutant(
      "ops/mmap.ts",
      "the VMAs are freed, the tree still shows them",
      "    vms_discard(mm, start, end);\n    tree_store(mm, start, end, 0);\n    return late;",
      "    vms_discard(mm, start, end);\n    return late;",
    ),
    mutant(
      "mm/vma_lock.ts",
      "a writer does not wait for readers",
      "if ((before & VmaLock.HELD) == 0 || drain(vma)) return 0;",
      "if (seq != 0) return 0;",
    ),
  ],
};

/** Whoever goes through all spaces, as Engine.validate does, finds whole ones only. */
function* walker(x: Core): Body {
  let mm = yield () => x.mm_first();
  while (mm !== 0) {
    const one = mm;
    if ((yield () => x.mmget_not_zero(one)) !== 0) {
      const broken = yield () => x.mm_validate(one);
      expect(broken === 0, `mm_validate of space ${one}: ${broken}`);
      yield () => x.mmput(one);
    }
    mm = yield () => x.mm_next(one);
  }
}

const halfForked: Scenario<Space> = {
  name: "fork-walk",
  title: "fork vs a walk over all spaces: no half-made child is shown (upstream race 13)",
  upstream: [13],
  fibers: 2,
  setup(world) {
    warm(world);
    const before = live(world);
    const mm = makeMm(world);
    map(world.control, mm, 0, 1, READ);
    map(world.control, mm, 2, 1, READ | WRITE);
    // A thread that may not wait: what it takes for free had better be free.
    const forker = world.fibers[1]!.x;
    world.u32[(forker.worker_seat() + SEAT.MAY_BLOCK) >> 2] = 0;
    return { mm, before };
  },
  run(world, { mm, before }) {
    const [a, b] = world.fibers.map((fiber) => fiber.x) as [Core, Core];
    let child = 0;
    function* forker(): Body {
      child = yield () => b.mm_fork(mm);
      expect(child > 0 || child === WOULD_BLOCK, `fork: ${child}`);
    }
    return {
      fibers: [walker(a), forker()],
      check() {
        checkMm(world, mm);
        if (child > 0) {
          checkMm(world, child);
          checkRefcounts(world, child, [0, 2]);
          expect(world.control.mm_users(child) === 1, "somebody kept the child");
          world.control.mmput(child);
        }
        checkTeardown(world, mm, before);
      },
    };
  },
  mutants: [
    mutant(
      "ops/fork.ts",
      "the child is shown before it is locked (the core had this bug)",
      "  const held = mmap_write_trylock(child); // not shown yet: it is free\n  if (VERIFY) assert(held);\n  mm_publish(child);\n",
      "  mm_publish(child);\n  mmap_write_lock(child);\n",
    ),
  ],
};

/** The walk takes a user of a space that is going, whose record may come back as another's. */
const lastWalk: Scenario<Space> = {
  name: "mm-put-walk",
  title: "the last mmput and a new mm in its record vs a walk over all spaces",
  fibers: 2,
  setup(world) {
    warm(world);
    const before = live(world);
    const mm = makeMm(world, world.fibers[1]!.x); // which finds its words there again
    map(world.control, mm, 0, 1, READ);
    return { mm, before };
  },
  run(world, { mm, before }) {
    const [a, b] = world.fibers.map((fiber) => fiber.x) as [Core, Core];
    let fresh = 0;
    function* owner(): Body {
      yield () => b.mmput(mm);
      fresh = yield () => b.mm_create();
    }
    return {
      fibers: [walker(a), owner()],
      check() {
        expect(fresh > 0, `mm_create: ${fresh}`);
        checkMm(world, fresh);
        checkTeardown(world, fresh, before);
      },
    };
  },
  mutants: [
    mutant(
      "mm/mm.ts",
      "a record has users before it has a count (the core had this bug)",
      "  refcount_set(mm + Mm.COUNT, 1);\n",
      "  refcount_set(mm + Mm.USERS, 1);\n  refcount_set(mm + Mm.COUNT, 1);\n",
    ),
    mutant(
      "sync/refcount.ts",
      "a get does not look for zero",
      "if (n == 0) return false;\n    if (n >=",
      "if (n >=",
    ),
  ],
};

/** A written page moves next to untouched memory: its identity goes with it. */
const moved: Scenario<Space & { identity: number }> = {
  name: "mremap-fault",
  title: "mremap of a written VMA beside an untouched one vs a fault there (upstream race 14)",
  upstream: [14],
  fibers: 2,
  setup(world) {
    warm(world);
    const before = live(world);
    const mm = makeMm(world);
    const x = world.control;
    // Moved from page 8 to page 2, its pgoff continues that of pages 0 and 1.
    map(x, mm, 2, 1, READ | WRITE);
    x.handle_mm_fault(mm, at(2), ACCESS_WRITE);
    x.mremap(mm, at(2), PAGE, PAGE, MREMAP_MAYMOVE_FIXED, at(8));
    map(x, mm, 0, 2, READ | WRITE);
    return { mm, before, identity: identityAt(world, mm, 8) };
  },
  run(world, { mm, before, identity }) {
    const [a, b] = world.fibers.map((fiber) => fiber.x) as [Core, Core];
    function* faults(): Body {
      const source = yield () => a.handle_mm_fault(mm, at(8), ACCESS_WRITE);
      expect([0, 1].includes(source % 16), `a fault at the source: ${source}`);
      const target = yield () => a.handle_mm_fault(mm, at(1), ACCESS_WRITE);
      expect(target % 16 === 0, `a fault beside the target: ${target}`);
    }
    function* mover(): Body {
      const result = yield () => b.mremap(mm, at(8), PAGE, PAGE, MREMAP_MAYMOVE_FIXED, at(2));
      expect(result === at(2), `mremap: ${result}`);
    }
    return {
      fibers: [faults(), mover()],
      check() {
        checkMm(world, mm);
        expect(identityAt(world, mm, 2) === identity, "the moved page lost its identity");
        expect(identityAt(world, mm, 1) !== 0, "a write fault left no identity");
        expect(world.control.vma_lookup(mm, at(8)) === 0, "the source is still there");
        checkRefcounts(world, mm, [0, 2]);
        checkTeardown(world, mm, before);
      },
    };
  },
  mutants: [
    mutant(
      "ops/merge.ts",
      "the neighbour does not take over the identity",
      "  if (word != AnonVma.NONE) set_vm_anon_vma(vma, word);\n",
      "",
    ),
  ],
};

function identityAt(world: World, mm: number, page: number): number {
  const vma = world.control.vma_lookup(mm, at(page));
  return vma === 0 ? 0 : world.u32[(vma + VMA.ANON_VMA) >> 2]!;
}

export const upstream: Scenario[] = [refused, halfForked, lastWalk, moved];
