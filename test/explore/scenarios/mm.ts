// Lifetimes: mm_users, mm_count, the deferred teardown; and the slabs under all of it.

import type { Core } from "../exports";
import {
  call,
  checkMm,
  checkTeardown,
  expect,
  live,
  makeMm,
  map,
  mapFixed,
  mutant,
  READ,
  type Scenario,
  type Space,
  WRITE,
  warm,
} from "../scenario";
import { type Body, Violation, type World } from "../world";

const REFCOUNT = "sync/refcount.ts";
const MM = "mm/mm.ts";
const TEARDOWN = "mm/teardown.ts";
const SLAB = "alloc/slab.ts";

/** Its user is the first fiber. */
function space(world: World): Space {
  warm(world);
  const before = live(world);
  const mm = makeMm(world, world.fibers[0]!.x);
  map(world.control, mm, 0, 2, READ);
  map(world.control, mm, 4, 2, READ | WRITE);
  return { mm, before };
}

function checkNothingLeft(world: World, before: number[]): void {
  const now = live(world);
  expect(String(now) === String(before), `live ${now}, before ${before}`);
}

const LOAD_STORE = mutant(
  REFCOUNT,
  "a put is a load and a store",
  "if (announced_cmpxchg(word, was, n - 1)) return n == 1;",
  "store_release64(word, n - 1);\n    return n == 1;",
);

/** The second fiber has a struct reference and tries to become a user. */
const users: Scenario<Space> = {
  name: "mm-get-not-zero",
  title: "mmget_not_zero vs the last mmput: a user or nothing, one teardown",
  fibers: 2,
  setup(world) {
    const made = space(world);
    world.control.mmgrab(made.mm);
    return made;
  },
  run(world, { mm, before }) {
    const [a, b] = world.fibers.map((fiber) => fiber.x) as [Core, Core];
    function* visitor(): Body {
      if ((yield () => b.mmget_not_zero(mm)) === 0) return;
      yield () => b.mmap_read_lock(mm);
      const found = yield () => b.vma_lookup(mm, 0x100000);
      expect(found !== 0, "a user finds a space that is torn down");
      yield () => b.mmap_read_unlock(mm);
      yield () => b.mmput(mm);
    }
    return {
      fibers: [call(() => a.mmput(mm)), visitor()],
      check() {
        const x = world.control;
        expect(x.mm_users(mm) === 0, `mm_users ${x.mm_users(mm)}`);
        expect(x.mm_count(mm) === 1, `mm_count ${x.mm_count(mm)}`);
        x.mmdrop(mm);
        checkNothingLeft(world, before);
      },
    };
  },
  mutants: [
    LOAD_STORE,
    mutant(
      REFCOUNT,
      "a get does not look for zero",
      "if (n == 0) return false;\n    if (n >=",
      "if (n >=",
    ),
  ],
};

/** The dropper takes the record for a new mm if it was the one to free it. */
const count: Scenario<Space> = {
  name: "mm-put-drop",
  title: "the last mmput vs the last mmdrop: the record is freed once, after the teardown",
  fibers: 2,
  setup(world) {
    const made = space(world);
    world.fibers[1]!.x.mmgrab(made.mm);
    return made;
  },
  run(world, { mm, before }) {
    const [a, b] = world.fibers.map((fiber) => fiber.x) as [Core, Core];
    let fresh = 0;
    function* dropper(): Body {
      yield () => b.mmdrop(mm);
      fresh = world.quietly(() => makeMm(world, b)); // nobody else knows it
      yield () => mapFixed(b, fresh, 8, 1, READ);
    }
    return {
      fibers: [call(() => a.mmput(mm)), dropper()],
      check() {
        checkMm(world, fresh);
        expect(world.control.vma_lookup(fresh, 0x108000) !== 0, "the new mm lost its mapping");
        checkTeardown(world, fresh, before);
      },
    };
  },
  mutants: [
    LOAD_STORE,
    {
      name: "the count is dropped before the teardown",
      edits: [
        {
          file: TEARDOWN,
          from: "    const alone = mmap_write_trylock(mm);",
          to: `    journal_later(Tag.PUT_COUNT, mm);
    mm_end_change();
    const alone = mmap_write_trylock(mm);`,
        },
        {
          file: TEARDOWN,
          from: "  journal_later(Tag.PUT_COUNT, mm); // ends mm.TEARDOWN too\n  mm_end_change();\n",
          to: "",
        },
      ],
    },
  ],
};

const deferred: Scenario<Space & { other: number }> = {
  name: "mm-put-async",
  title: "two mmput_async and two run_deferred: each space is torn down once",
  fibers: 2,
  setup(world) {
    const made = space(world);
    const other = makeMm(world, world.fibers[1]!.x);
    map(world.control, other, 0, 1, READ);
    return { ...made, other };
  },
  run(world, { mm, other, before }) {
    let done = 0;
    function* body(x: Core, one: number): Body {
      yield () => x.mmput_async(one);
      const torn = yield () => x.mm_run_deferred();
      done += torn;
    }
    const [a, b] = world.fibers.map((fiber) => fiber.x) as [Core, Core];
    return {
      fibers: [body(a, mm), body(b, other)],
      check() {
        expect(done === 2, `${done} teardowns of 2`);
        checkNothingLeft(world, before);
      },
    };
  },
  mutants: [
    mutant(
      MM,
      "a queued teardown is claimed by a load and a store",
      "const was = cmpxchg(mm + Mm.TEARDOWN, Teardown.QUEUED, <u32>this_seat());",
      "const was: u32 = Teardown.QUEUED;\n      store<u32>(mm, <u32>this_seat(), Mm.TEARDOWN);",
    ),
    mutant(
      MM,
      "the last user of two forgets to queue the teardown",
      "store_release(mm + Mm.TEARDOWN, Teardown.QUEUED);",
      "store_release(mm + Mm.TEARDOWN, Teardown.NONE);",
    ),
  ],
};

/** SlabKind.TABLE: four objects a chunk, so a schedule stays short. */
const KIND = 6;
const OBJECT_BYTES = 4096;

/** Objects that are out: none may come twice. */
class Out {
  objects = new Set<number>();

  take(object: number): number {
    if (object === 0) throw new Violation("no object, though there is room");
    if (this.objects.has(object)) throw new Violation(`object ${object} was given out twice`);
    this.objects.add(object);
    return object;
  }
}

function slabScenario(
  name: string,
  title: string,
  prepare: (x: Core) => void,
  bodies: ((x: Core, out: Out) => Body)[],
  mutants: Scenario["mutants"],
): Scenario<null> {
  return {
    name,
    title,
    fibers: bodies.length,
    setup(world) {
      prepare(world.control);
      return null;
    },
    run(world) {
      const out = new Out();
      return {
        fibers: world.fibers.map((fiber, i) => bodies[i]!(fiber.x, out)),
        check() {
          // What is left comes out too, once.
          const x = world.control;
          for (const fiber of world.fibers) fiber.x.slab_drain();
          const all = x.slab_bytes(KIND) / OBJECT_BYTES;
          while (out.objects.size < all) out.take(x.slab_alloc(KIND));
          expect(x.slab_bytes(KIND) === all * OBJECT_BYTES, "an object was lost");
          out.take(x.slab_alloc(KIND)); // of a fresh chunk: no free list names one that is out
        },
      };
    },
    mutants,
  };
}

/** Takes three and gives the depot what else it got: the depot's first object is first again. */
function* hoarder(x: Core, out: Out): Body {
  for (let i = 0; i < 3; i++) out.take(yield () => x.slab_alloc(KIND));
  yield () => x.slab_drain();
}

/** Takes one and gives it back. */
function* recycler(x: Core, out: Out): Body {
  const object = out.take(yield () => x.slab_alloc(KIND));
  out.objects.delete(object);
  yield () => x.slab_free(KIND, object);
  yield () => x.slab_drain();
}

function* taker(x: Core, out: Out): Body {
  out.take(yield () => x.slab_alloc(KIND));
}

const slabs: Scenario[] = [
  slabScenario(
    "slab-depot",
    "two workers take from and give to one depot: no object twice, none lost (ABA)",
    (x) => {
      x.slab_reserve(KIND, 1);
      x.slab_drain();
    },
    [taker, hoarder],
    [
      mutant(
        "sync/announce.ts",
        "no exchange changes the mark",
        "((<u64>(mark | load<u32>(seat, Seat.OP_NUMBER))) << 32) | <u64>value;",
        "(expected & 0xffffffff00000000) | <u64>value;",
      ),
      mutant(
        SLAB,
        "a pop does not compare",
        "if (announced_cmpxchg(depot, head, next)) {",
        "announced_cmpxchg(depot, load_acquire64(depot), next);\n    if (true) {",
      ),
    ],
  ),
  slabScenario(
    "slab-carve",
    "two workers find the depot empty and carve chunks",
    () => undefined,
    [taker, recycler],
    [
      mutant(
        SLAB,
        "a chunk is claimed by a load and a store",
        "const claimed = announced_cmpxchg(Header.CHUNK_NEXT, was, index + 1);",
        "store<u32>(Header.CHUNK_NEXT, index + 1);\n    const claimed = true;",
      ),
    ],
  ),
];

export const lifetimes: Scenario[] = [users, count, deferred, ...slabs];
