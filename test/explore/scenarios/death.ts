// Calls to die in: each kind of thing that a call changes, with magazines that are empty, so
// that depots and chunks are changed too. A second worker goes on in the same space.
//
// For test/explore/death.ts only, which kills either of them at each of its steps.

import { Advice, MapFlag } from "../../../assembly/shared/flags";
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
  WRITE,
} from "../scenario";
import type { Call, World } from "../world";

/** What the control made: it holds a reference of each. */
export interface Grave {
  mm: number;
  /** 0: none. */
  file: number;
  /** A space with a user of its own; 0: none. */
  other: number;
}

const PRIVATE_FIXED = MapFlag.PRIVATE | MapFlag.FIXED;
const ANONYMOUS_FIXED = PRIVATE_FIXED | MapFlag.ANONYMOUS;
const SHARED_FIXED = MapFlag.SHARED | MapFlag.ANONYMOUS | MapFlag.FIXED;
const FAULT_WRITE = 1;
const MREMAP_MAYMOVE_FIXED = 3;
const MCL_CURRENT_FUTURE = 3;
/** Long enough for two pieces. */
const FILE_NAME_LENGTH = 130;
const VMA_NAME = "heap";

function makeFile(world: World): number {
  const x = world.control;
  const words = x.worker_scratch() >> 3;
  [3, 8, 1, 77, 2 ** 20, FILE_NAME_LENGTH, 0, 0].forEach((value, i) => {
    world.f64[words + i] = value;
  });
  return x.file_create();
}

/** Anonymous memory on pages 0 to 17 with holes, a file on 30 to 33, nothing on 20 to 29. */
function space(world: World, owner = world.control): Grave {
  const mm = makeMm(world, owner);
  const file = makeFile(world);
  const x = world.control;
  for (let i = 0; i < 5; i++) map(x, mm, 4 * i, 2, i % 2 === 0 ? READ : READ | WRITE);
  x.mmap(mm, at(30), 4 * PAGE, READ, PRIVATE_FIXED, file, 0);
  x.handle_mm_fault(mm, at(4), FAULT_WRITE);
  return { mm, file, other: 0 };
}

/** A tree of two levels: 24 VMAs with holes between them. There is something in the depots. */
function wideSpace(world: World, owner = world.control): Grave {
  const grave = space(world, owner);
  for (let i = 0; i < 24; i++) map(world.control, grave.mm, 60 + 2 * i, 1, READ);
  world.control.slab_drain();
  return grave;
}

function scenario(
  name: string,
  title: string,
  first: (x: Core, grave: Grave, world: World) => Call,
  setup: (world: World) => Grave = space,
): Scenario<Grave> {
  return {
    name: `death-${name}`,
    title,
    fibers: 2,
    setup,
    run(world, grave) {
      const [a, b] = world.fibers.map((fiber) => fiber.x) as [Core, Core];
      const { mm } = grave;
      const second = () => b.mmap(mm, at(200), PAGE, READ, ANONYMOUS_FIXED, 0, 0);
      return {
        fibers: [call(first(a, grave, world)), call(second)],
        check() {
          expect(world.control.vma_lookup(mm, at(200)) !== 0, "the second worker was refused");
          checkMm(world, mm);
        },
      };
    },
    mutants: [],
  };
}

export const deaths: Scenario[] = [
  scenario(
    "map-file",
    "a file mapping over cut and whole VMAs",
    (x, { mm, file }) =>
      () =>
        x.mmap(mm, at(1), 8 * PAGE, READ, PRIVATE_FIXED, file, PAGE),
  ),
  scenario(
    "map-shared",
    "shared anonymous memory, whose file is new",
    (x, { mm }) =>
      () =>
        x.mmap(mm, at(22), 2 * PAGE, READ, SHARED_FIXED, 0, 0),
  ),
  scenario(
    "last-file",
    "munmap of a file's last reference: its name and record go",
    (x, { mm }) =>
      () =>
        x.munmap(mm, at(31), 4 * PAGE),
    (world) => {
      const grave = space(world);
      world.control.munmap(grave.mm, at(30), PAGE);
      world.control.file_put(grave.file);
      return { ...grave, file: 0 };
    },
  ),
  scenario(
    "move",
    "mremap moves a file mapping over another",
    (x, { mm }) =>
      () =>
        x.mremap(mm, at(30), 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE_FIXED, at(3)),
  ),
  scenario(
    "fill-gap",
    "a mapping joins both neighbours",
    (x, { mm }) =>
      () =>
        x.mmap(mm, at(2), 6 * PAGE, READ, ANONYMOUS_FIXED, 0, 0),
  ),
  scenario(
    "wide-munmap",
    "munmap over many leaves",
    (x, { mm }) =>
      () =>
        x.munmap(mm, at(60), 45 * PAGE),
    wideSpace,
  ),
  scenario(
    "guards",
    "guard pages, for the first time",
    (x, { mm }) =>
      () =>
        x.madvise(mm, at(4), PAGE, Advice.GUARD_INSTALL),
  ),
  scenario(
    "lock-all",
    "mlockall: every VMA and the default flags",
    (x, { mm }) =>
      () =>
        x.mlockall(mm, MCL_CURRENT_FUTURE),
  ),
  scenario(
    "break",
    "brk: a heap where there was none",
    (x, { mm }) =>
      () =>
        x.brk(mm, 2 ** 30 + 3 * PAGE),
  ),
  scenario("name", "a name for part of a VMA", (x, { mm }, world) => () => {
    world.u32[x.worker_scratch() >> 2] = [...VMA_NAME].reduceRight(
      (word, letter) => word * 256 + letter.charCodeAt(0),
      0,
    );
    return x.set_vma_name(mm, at(5), PAGE, VMA_NAME.length);
  }),
  scenario(
    "fork",
    "fork: the child is whole, or gone",
    (x, { mm }) =>
      () =>
        x.mm_fork(mm),
    wideSpace,
  ),
  scenario(
    "teardown",
    "the last mmput of another space",
    (x, { other }) =>
      () =>
        x.mmput(other),
    (world) => {
      const torn = wideSpace(world, world.fibers[0]!.x);
      world.control.file_put(torn.file);
      return { ...space(world), other: torn.mm };
    },
  ),
];
