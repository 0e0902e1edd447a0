// Waiters and a worker that has died: they find it marked, and reap it themselves.
//
// The first fiber is the dead one: its last act is to be marked, in the middle of holding locks.
// The time of a wait passes when nobody can go on (World.ticks). Kills at every step, with the
// dead marked: test/explore/death.ts.

import type { Core } from "../exports";
import { SEAT } from "../layout";
import {
  at,
  call,
  checkMm,
  checkRefcounts,
  checkTeardown,
  expect,
  live,
  makeMm,
  map,
  mutant,
  PAGE,
  READ,
  type Scenario,
  type Space,
  WRITE,
  warm,
} from "../scenario";
import type { Body, World } from "../world";

const LIVENESS = "mm/liveness.ts";

/** The fiber's seat, as the control counts: it has the first. */
const DEAD_SEAT = 1;

function space(world: World): Space {
  warm(world);
  const before = live(world);
  const mm = makeMm(world);
  map(world.control, mm, 0, 2, READ);
  map(world.control, mm, 4, 2, READ | WRITE);
  return { mm, before };
}

/** Marks the first fiber's worker; outside of the schedule, as an exit event is. */
function mark(world: World): void {
  const { worker_mark_dead, worker_generation } = world.control;
  const result = world.quietly(() => worker_mark_dead(DEAD_SEAT, worker_generation(DEAD_SEAT)));
  expect(result === 0, `worker_mark_dead: ${result}`);
  world.dead.add(0);
}

/** Dies holding what `takes` has taken. */
function* dying(world: World, takes: (() => unknown)[]): Body {
  for (const take of takes) yield take;
  mark(world);
}

function checkReaped(world: World): void {
  const x = world.control;
  x.worker_look(); // the others may have been through before it died
  const generation = world.u32[(x.worker_seat() + SEAT.SIZE + SEAT.GENERATION) >> 2];
  expect(generation === 1, `the dead worker's seat was left ${generation} times`);
}

function scenario(
  name: string,
  title: string,
  takes: (x: Core, mm: number) => (() => unknown)[],
  mutants: Scenario["mutants"],
): Scenario<Space> {
  return {
    name,
    title,
    fibers: 3,
    ticks: 2,
    setup: space,
    run(world, { mm, before }) {
      const [a, b, c] = world.fibers.map((fiber) => fiber.x) as [Core, Core, Core];
      return {
        fibers: [
          dying(world, takes(a, mm)),
          call(() => b.munmap(mm, at(0), PAGE)),
          call(() => c.mprotect(mm, at(0), 2 * PAGE, READ | WRITE)),
        ],
        check() {
          checkReaped(world);
          checkMm(world, mm);
          checkRefcounts(world, mm, [1, 4]);
          expect(world.control.vma_lookup(mm, at(1)) !== 0, "page 1 is gone");
          checkTeardown(world, mm, before);
        },
      };
    },
    mutants,
  };
}

export const liveness: Scenario[] = [
  scenario(
    "dead-writer",
    "two waiters find the lock's owner dead: one reaps it, both go on",
    (x, mm) => [() => x.mmap_write_lock(mm), () => x.munmap_locked(mm, at(4), 0)],
    [
      mutant(
        LIVENESS,
        "a waiter does not look who is dead",
        "load<u32>(wait, 4))) look();",
        "load<u32>(wait, 4))) return;",
      ),
      mutant(
        LIVENESS,
        "two waiters claim the seat by a load and a store",
        "return cmpxchg(seat + Seat.STATE, SeatState.TAKEN, mine) == SeatState.TAKEN;",
        "if (!is_taken(seat)) return false;\n  store_release(seat + Seat.STATE, mine);\n  return true;",
      ),
    ],
  ),
  scenario(
    "dead-readers",
    "writers wait for holds of a dead worker: the mmap lock's, and a VMA's",
    (x, mm) => [() => x.mmap_read_lock(mm), () => x.lock_vma_under_rcu(mm, at(1))],
    [
      mutant(
        LIVENESS,
        "a waiter does not look who is dead",
        "load<u32>(wait, 4))) look();",
        "load<u32>(wait, 4))) return;",
      ),
      mutant(
        "mm/death.ts",
        "a dead worker's holds of VMAs stay",
        "    give_up(seat, seat + Seat.VMA_HOLDS + i * 4, report + Reap.VMA_LOCKS * 4);\n",
        "",
      ),
    ],
  ),
];
