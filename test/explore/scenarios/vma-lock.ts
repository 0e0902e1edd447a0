// Per-VMA locks: lock_vma_under_rcu beside everything a writer can do to the VMA.

import type { Core } from "../exports";
import { MM } from "../layout";
import {
  at,
  call,
  checkMm,
  checkRefcounts,
  checkTeardown,
  expect,
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
  type Space,
  WRITE,
  warm,
} from "../scenario";
import type { Body, World } from "../world";

const LOCK = "mm/vma_lock.ts";
const VMA_MARK = "mm/vma_mark.ts";
const MERGE = "ops/merge.ts";

/** Pages 0-1 r, 2-5 rw, 6-7 r: three VMAs side by side, never read-locked. */
function newVmas(world: World): Space {
  warm(world);
  const before = live(world);
  const mm = makeMm(world);
  map(world.control, mm, 0, 2, READ);
  map(world.control, mm, 2, 4, READ | WRITE);
  map(world.control, mm, 6, 2, READ);
  return { mm, before };
}

/** The same, read-locked before. */
function threeVmas(world: World): Space {
  const space = newVmas(world);
  lockOnce(world, space.mm, [0, 3, 6]);
  return space;
}

type SpaceBody = (world: World, x: Core, mm: number) => Body;

const locker =
  (page: number): SpaceBody =>
  (world, x, mm) =>
    lockVma(world, x, mm, page);

const unmap =
  (first: number, n: number): SpaceBody =>
  (_world, x, mm) =>
    call(() => x.munmap(mm, at(first), n * PAGE));

const protect =
  (first: number, n: number, prot: number): SpaceBody =>
  (_world, x, mm) =>
    call(() => x.mprotect(mm, at(first), n * PAGE, prot));

function vmaScenario(
  name: string,
  title: string,
  upstream: number[],
  bodies: SpaceBody[],
  mutants: Mutant[],
): Scenario<Space> {
  return {
    name,
    title,
    upstream,
    fibers: bodies.length,
    setup: threeVmas,
    run(world, { mm, before }) {
      return {
        fibers: world.fibers.map((fiber, i) => bodies[i]!(world, fiber.x, mm)),
        check() {
          checkMm(world, mm);
          checkRefcounts(world, mm, [0, 2, 3, 4, 5, 6]);
          checkTeardown(world, mm, before);
        },
      };
    },
    mutants,
  };
}

const HOLDS = "sync/holds.ts";

const NOT_MINE =
  "  if (<u32>life != (<u32>mm | VmaLock.HELD)) return lock_vma_slow(mm, address, slot, vma);\n";
const GOT_IN =
  "  count(Counter.VMA_LOCK_SUCCESS);\n  if (LOCKDEP) lockdep_vma(slot);\n  return vma;\n}\n";

const NO_RECHECK = mutant(
  LOCK,
  "HELD is not asked for once the hold is published",
  NOT_MINE,
  NOT_MINE.replace("<u32>life !=", "(<u32>life | VmaLock.HELD) !="),
);
const NO_DRAIN = mutant(
  LOCK,
  "a writer does not wait for readers",
  "if ((before & VmaLock.HELD) == 0 || drain(vma)) return 0;",
  "if (seq != 0) return 0;",
);
const DETACHED_TAKEN = mutant(
  LOCK,
  "the detached mark refuses nobody",
  NOT_MINE,
  NOT_MINE.replace("if (", "if (<u32>life != 0 && "),
);
const LATE_HOLD: Mutant = {
  name: "a reader looks for a writer, then publishes its hold",
  edits: [
    { file: LOCK, from: "  hold_publish(slot, <u32>vma);\n  // V5", to: "  // V5" },
    { file: LOCK, from: GOT_IN, to: `  hold_publish(slot, <u32>vma);\n${GOT_IN}` },
    {
      file: LOCK,
      from: "      if (is_held(vma, mm, address)) {\n",
      to: "      if (is_held(vma, mm, address)) {\n        hold_publish(slot, <u32>vma);\n",
    },
  ],
};
const UNSETTLED = mutant(
  LOCK,
  "any VMA of the mm may get HELD",
  "  if (!is_settled(life, seq, mm)) return false;\n",
  "  if (<u32>(life & OWNER_MASK) != <u32>mm || seq == 1) return false;\n",
);
const LOST_HELD = mutant(
  LOCK,
  "a reader that could not say so goes in (V6)",
  "return (before | VmaLock.HELD) == (life | VmaLock.HELD);",
  "return before != 0;",
);
const FUTURE_NUMBER = mutant(
  LOCK,
  "a number above mm_lock_seq is taken for an old one at once",
  " || load_acquire(mm + Mm.LOCK_SEQ) == seq;",
  " || seq != 0;",
);
const LATE_MARK = mutant(
  LOCK,
  "a writer searches the seats, then marks",
  "  const before = exchange64(vma + Vma.LIFE, mark_by(seq, life));\n  if ((before & VmaLock.HELD) == 0 || drain(vma)) return 0;\n",
  "  if ((life & VmaLock.HELD) != 0) drain(vma);\n  const before = exchange64(vma + Vma.LIFE, mark_by(seq, life));\n  if (seq != 0) return 0;\n",
);

/** Two mms; the second has room where the first has its VMA. */
const reuse: Scenario<Space & { other: number }> = {
  name: "vma-reuse",
  title:
    "lock_vma_under_rcu vs free and reuse of the record by another mm (upstream races 6 and 7)",
  upstream: [6, 7],
  bound: 3,
  fibers: 2,
  setup(world) {
    const space = threeVmas(world);
    return { ...space, other: makeMm(world) };
  },
  run(world, { mm, other, before }) {
    const [a, b] = world.fibers.map((fiber) => fiber.x) as [Core, Core];
    function* writer(): Body {
      yield () => b.munmap(mm, at(2), 4 * PAGE);
      yield () => mapFixed(b, other, 2, 4, READ);
    }
    return {
      fibers: [lockVma(world, a, mm, 3), writer()],
      check() {
        for (const each of [mm, other]) {
          checkMm(world, each);
          checkRefcounts(world, each, [0, 2, 3, 6]);
        }
        world.control.mmput(other);
        checkTeardown(world, mm, before);
      },
    };
  },
  mutants: [
    mutant(
      LOCK,
      "whose VMA it is is not asked",
      "if (<u32>(life & OWNER_MASK) != <u32>mm || ",
      "if (<u32>(life & OWNER_MASK) == 0 || ",
    ),
  ],
};

/** The counter passes zero while VMAs carry numbers from before. */
const wrap: Scenario<Space> = {
  name: "vma-sequence-wrap",
  title: "lock_vma_under_rcu vs the wrap-around of mm_lock_seq (R-LOCK-37)",
  fibers: 2,
  setup(world) {
    const space = newVmas(world); // who has HELD needs no number
    world.u32[(space.mm + MM.LOCK_SEQ) >> 2] = 2 ** 32 - 4;
    return space;
  },
  run(world, { mm, before }) {
    const [a, b] = world.fibers.map((fiber) => fiber.x) as [Core, Core];
    function* readers(): Body {
      yield* lockVma(world, a, mm, 3);
      yield* lockVma(world, a, mm, 3);
    }
    function* writer(): Body {
      yield () => b.mprotect(mm, at(2), 4 * PAGE, WRITE);
      yield () => b.mprotect(mm, at(2), 4 * PAGE, WRITE | READ);
      yield () => b.munmap(mm, at(0), PAGE);
    }
    return {
      fibers: [readers(), writer()],
      check() {
        const sequence = world.u32[(mm + MM.LOCK_SEQ) >> 2]!;
        expect(sequence === 2, `mm_lock_seq ${sequence}`);
        for (const page of [3, 6]) {
          const vma = world.control.lock_vma_under_rcu(mm, at(page));
          expect(vma !== 0, `the VMA at page ${page} looks write-locked for ever`);
          world.control.vma_end_read(vma);
          const found = world.control.peek(mm, at(page), world.control.worker_scratch());
          expect(found === 1, `peek at page ${page} answers ${found}`);
        }
        checkMm(world, mm);
        checkRefcounts(world, mm, [1, 2, 6]);
        checkTeardown(world, mm, before);
      },
    };
  },
  mutants: [
    mutant(
      LOCK,
      "a number above mm_lock_seq is never taken for an old one",
      " || load_acquire(mm + Mm.LOCK_SEQ) == seq;",
      ";",
    ),
  ],
};

/** A write guard's munmap, then a downgrade: from then on nobody gets the VMA. */
const downgrade: Scenario<Space> = {
  name: "vma-munmap-downgrade",
  title: "munmap under a lock that is then downgraded vs a fault (upstream race 10)",
  upstream: [10],
  fibers: 2,
  setup: threeVmas,
  run(world, { mm, before }) {
    const [a, b] = world.fibers.map((fiber) => fiber.x) as [Core, Core];
    let gone = false;
    function* fault(): Body {
      const late = gone;
      const vma = yield () => a.lock_vma_under_rcu(mm, at(3));
      if (vma === 0) return;
      expect(!late, "locked a VMA that had been unmapped before the call");
      world.hold(vma, mm, at(3));
      world.release(vma);
      yield () => a.vma_end_read(vma);
    }
    function* faults(): Body {
      yield* fault();
      yield* fault();
    }
    function* unmapper(): Body {
      yield () => b.mmap_write_lock(mm);
      yield () => b.munmap_locked(mm, at(2), 4 * PAGE);
      gone = true;
      yield () => b.mmap_write_downgrade(mm);
      const found = yield () => b.vma_lookup(mm, at(3));
      expect(found === 0, "found under the read lock what was unmapped");
      yield () => b.mmap_read_unlock(mm);
    }
    return {
      fibers: [faults(), unmapper()],
      check() {
        checkMm(world, mm);
        checkTeardown(world, mm, before);
      },
    };
  },
  mutants: [
    mutant(VMA_MARK, "a VMA is not marked when it is taken out", "  set_owner(vma, 0);\n", ""),
  ],
};

export const vmaLock: Scenario[] = [
  {
    ...vmaScenario(
      "vma-munmap",
      "lock_vma_under_rcu vs munmap of its VMA (upstream race 2: the detach test is inside)",
      [2],
      [locker(3), unmap(2, 4)],
      [NO_RECHECK, NO_DRAIN, LATE_HOLD, LATE_MARK, DETACHED_TAKEN],
    ),
    bound: 3,
  },
  {
    ...vmaScenario(
      "vma-munmap-first",
      "the first lock_vma_under_rcu of a VMA, which sets HELD, vs its munmap",
      [],
      [locker(3), unmap(2, 4)],
      [NO_DRAIN, LOST_HELD, FUTURE_NUMBER, UNSETTLED],
    ),
    setup: newVmas,
    bound: 3,
  },
  vmaScenario(
    "vma-split",
    "lock_vma_under_rcu vs mprotect that splits its VMA (upstream race 4: every edit write-locks)",
    [4],
    [locker(4), protect(3, 1, READ)],
    [
      NO_DRAIN,
      mutant(
        MERGE,
        "a split does not write-lock the VMA",
        "  vma_start_write(vma, mm);\n  const c = set_candidate_part(",
        "  const c = set_candidate_part(",
      ),
    ],
  ),
  vmaScenario(
    "vma-merge",
    "lock_vma_under_rcu vs a merge that takes the VMA away and grows its neighbours",
    [],
    [locker(3), protect(2, 4, READ), locker(1)],
    [
      mutant(
        MERGE,
        "the VMA that grows is not write-locked",
        "  vma_start_write(prev, mm);\n  let flags",
        "  let flags",
      ),
    ],
  ),
  vmaScenario(
    "vma-merge-shrink",
    "lock_vma_under_rcu vs a merge that moves the border (upstream race 15: the shrinking side)",
    [15],
    [locker(3), protect(2, 2, READ), locker(5)],
    [
      mutant(
        MERGE,
        "the VMA that shrinks is not write-locked",
        "  vma_start_write(vma, mm);\n  if (left) {",
        "  if (left) {",
      ),
    ],
  ),
  vmaScenario(
    "vma-wakeup",
    "the release of a read lock wakes the writer that waits for it",
    [],
    [locker(3), unmap(2, 4), locker(4)],
    [mutant(HOLDS, "a release wakes nobody", "futex_wake_all(seat + Seat.RELEASES);", "")],
  ),
  {
    ...vmaScenario(
      "vma-wakeup-refused",
      "a reader that was refused wakes the writer that has seen its count (R-LOCK-44)",
      [],
      [locker(3), unmap(2, 4)],
      [
        {
          name: "a refused reader leaves quietly",
          edits: [
            {
              file: LOCK,
              from: "      hold_clear(this_seat(), slot); // V3",
              to: "      store<u32>(slot, 0);",
            },
          ],
        },
      ],
    ),
    bound: 3,
  },
  reuse,
  wrap,
  downgrade,
];
