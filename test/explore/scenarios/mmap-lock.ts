// The mmap lock: exclusion, trylock, downgrade, wake-ups, the queue and leaving it.

import { MmStat } from "../../../assembly/shared/abi";
import type { Core } from "../exports";
import { MM, RW_LOCK } from "../layout";
import {
  checkHolds,
  checkWaited,
  expect,
  type Mutant,
  makeMm,
  mutant as mutantOf,
  type Scenario,
} from "../scenario";
import type { Body, World } from "../world";

/** Who is inside, by fiber, kept between calls. The dead are not. */
class Inside {
  readonly #readers = [0, 0, 0];
  readonly #writers = [0, 0, 0];
  /** The fiber whose writer stands in the queue and knows it; -1: none. */
  #queued = -1;

  constructor(readonly world: World) {}

  read(by: 1 | -1): void {
    this.#readers[this.world.running]! += by;
    this.check();
  }

  write(by: 1 | -1): void {
    this.#writers[this.world.running]! += by;
    this.check();
  }

  get queued(): boolean {
    return this.#queued >= 0 && !this.world.dead.has(this.#queued);
  }

  set queued(value: boolean) {
    this.#queued = value ? this.world.running : -1;
  }

  #living(counts: number[]): number {
    return counts.reduce((sum, n, fiber) => sum + (this.world.dead.has(fiber) ? 0 : n), 0);
  }

  check(): void {
    const writers = this.#living(this.#writers);
    expect(writers <= 1, "two writers inside");
    const readers = this.#living(this.#readers);
    expect(writers === 0 || readers === 0, "a writer and a reader inside");
  }
}

type LockBody = (x: Core, mm: number, inside: Inside, world: World) => Body;

/** The section of a reader; reads a word that writers write, so that others may come. */
function* readSection(x: Core, mm: number, inside: Inside): Body {
  inside.read(1);
  const sequence = yield () => x.mm_stat(mm, MmStat.SEQUENCE);
  expect(sequence % 2 === 0, "mm_lock_seq is odd under the read lock"); // R-LOCK-23
  inside.read(-1);
  yield () => x.mmap_read_unlock(mm);
}

function* writeSection(x: Core, mm: number, inside: Inside): Body {
  inside.write(1);
  const sequence = yield () => x.mm_stat(mm, MmStat.SEQUENCE);
  expect(sequence % 2 === 1, "mm_lock_seq is even under the write lock"); // R-LOCK-22
  inside.write(-1);
  yield () => x.mmap_write_unlock(mm);
}

const writer: LockBody = function* (x, mm, inside) {
  yield () => x.mmap_write_lock(mm);
  yield* writeSection(x, mm, inside);
};

const reader: LockBody = function* (x, mm, inside) {
  yield () => x.mmap_read_lock(mm);
  yield* readSection(x, mm, inside);
};

const tryWriter: LockBody = function* (x, mm, inside) {
  if ((yield () => x.mmap_write_trylock(mm)) === 1) yield* writeSection(x, mm, inside);
};

const tryReader: LockBody = function* (x, mm, inside) {
  const before = inside.queued;
  const held = yield () => x.mmap_read_trylock(mm);
  expect(!(before && inside.queued && held), "a reader passed a queued writer"); // W2
  if (held) yield* readSection(x, mm, inside);
};

/** Write, then downgrade: whoever writes next must not come in between (R-LOCK-24). */
const downgrader: LockBody = function* (x, mm, inside) {
  yield () => x.mmap_write_lock(mm);
  inside.write(1);
  inside.write(-1);
  inside.read(1); // from the downgrade's first moment on this fiber is a reader
  yield () => x.mmap_write_downgrade(mm);
  inside.read(-1);
  yield* readSection(x, mm, inside);
};

/** Joins the writers' queue and leaves it again if it has not been let in. */
const fickleWriter: LockBody = function* (x, mm, inside) {
  if ((yield () => x.mmap_write_queue(mm)) === 0) {
    inside.queued = true;
    const held = yield () => x.mmap_write_queued(mm);
    inside.queued = false;
    if (!held) {
      yield () => x.mmap_write_cancel(mm);
      return;
    }
  }
  yield* writeSection(x, mm, inside);
};

const fickleReader: LockBody = function* (x, mm, inside, world) {
  if ((yield () => x.mmap_read_queue(mm)) === 0) {
    const request = world.u32[(x.worker_scratch() >> 2) + 2]!;
    if ((yield () => x.mmap_read_cancel(mm, request)) === 0) return;
  }
  yield* readSection(x, mm, inside);
};

function lockScenario(
  name: string,
  title: string,
  bodies: LockBody[],
  mutants: Mutant[],
  upstream: number[] = [],
): Scenario<number> {
  return {
    name,
    title,
    upstream,
    fibers: bodies.length,
    setup: (world) => makeMm(world),
    run(world, mm) {
      const inside = new Inside(world);
      return {
        fibers: world.fibers.map((fiber, i) => bodies[i]!(fiber.x, mm, inside, world)),
        check() {
          const word = (offset: number) => world.u32[(mm + MM.LOCK + offset) >> 2];
          expect(word(RW_LOCK.OWNER) === 0, `owner ${word(RW_LOCK.OWNER)} at the end`);
          checkHolds(world);
          checkWaited(world, mm);
          expect((world.u32[(mm + MM.LOCK_SEQ) >> 2]! & 1) === 0, "mm_lock_seq odd at the end");
        },
      };
    },
    mutants,
  };
}

const RWLOCK = "sync/rwlock.ts";

function mutant(name: string, from: string, to: string, file = RWLOCK): Mutant {
  return mutantOf(file, name, from, to);
}

const HOLDS = "sync/holds.ts";
const MMAP_LOCK = "mm/mmap_lock.ts";

const READER_IGNORES_OWNER = mutant(
  "a reader does not look for a writer",
  "if (load_acquire(lock + RwLock.OWNER) == 0) return true;\n  hold_clear",
  "if (load_acquire(lock + RwLock.OWNER) != 1) return true;\n  hold_clear",
);

export const mmapLock: Scenario[] = [
  lockScenario(
    "lock-exclusion",
    "mmap lock: a reader and two writers exclude each other",
    [writer, reader, writer],
    [
      mutant(
        "a writer does not look for readers",
        "if (find_lock_hold(lock, load_acquire(lock + RwLock.PHASE)) == 0) return true; // W1",
        "if (lock != 0) return true;",
      ),
      mutant(
        "a writer tests, then sets",
        "return cmpxchg(lock + RwLock.OWNER, 0, <u32>this_seat()) == 0;",
        "if (load_acquire(lock + RwLock.OWNER) != 0) return false;\n  store_release(lock + RwLock.OWNER, <u32>this_seat());\n  return true;",
      ),
      {
        name: "a reader looks for a writer, then publishes its hold",
        edits: [
          {
            file: RWLOCK,
            from: "  hold_publish(slot, <u32>lock);\n  // Acquire",
            to: "  // Acquire",
          },
          {
            file: RWLOCK,
            from: "if (load_acquire(lock + RwLock.OWNER) == 0) return true;\n  hold_clear",
            to: "if (load_acquire(lock + RwLock.OWNER) == 0) {\n    hold_publish(slot, <u32>lock);\n    return true;\n  }\n  hold_clear",
          },
        ],
      },
    ],
  ),
  {
    ...lockScenario(
      "lock-ticket",
      "mmap lock: a reader is let in by the writer it queued behind, not by an earlier one",
      [writer, reader, writer],
      [
        mutant(
          "a ticket is published that is the phase no more",
          "if (<u32>(now >> 32) == phase && <u32>now != 0) break; // W3",
          "if (<u32>now != 0) break;",
        ),
      ],
    ),
    bound: 3,
    cap: 300_000,
  },
  lockScenario(
    "lock-trylock",
    "mmap lock: trylocks never enter where they must not",
    [tryWriter, tryReader, writer],
    [READER_IGNORES_OWNER],
  ),
  lockScenario(
    "lock-queued-writer",
    "mmap lock: no reader passes a queued writer (R-LOCK-26a)",
    [reader, fickleWriter, tryReader],
    [READER_IGNORES_OWNER],
  ),
  lockScenario(
    "lock-downgrade",
    "mmap lock: nobody writes between the write and the read half of a downgrade",
    [downgrader, writer, reader],
    [
      mutant(
        "a downgrade lets go first",
        "  hold_publish(slot, <u32>lock); // while still OWNER: the next one finds it\n  let_go(lock);",
        "  let_go(lock);\n  hold_publish(slot, <u32>lock);",
      ),
    ],
  ),
  lockScenario(
    "lock-wakeups",
    "mmap lock: two writers and a reader wait, none for ever",
    [writer, reader, writer],
    [
      mutant("a reader's release wakes nobody", "futex_wake_all(seat + Seat.RELEASES);", "", HOLDS),
      mutant(
        "who lets go wakes nobody",
        "if (waited || load_acquire(lock + RwLock.WAITED) != 0) futex_wake_all(lock + RwLock.PHASE); // W5",
        "",
      ),
      mutant(
        "who lets go does not look again for who waits",
        "if (waited || load_acquire(lock + RwLock.WAITED) != 0) futex",
        "if (waited) futex",
      ),
      mutant(
        "who waits for a phase does not say so",
        "  store_release(lock + RwLock.WAITED, 1);\n",
        "",
      ),
      {
        name: "who lets go takes the mark down when the phase has ended",
        edits: [
          {
            file: RWLOCK,
            from: "  if (waited) store_release(lock + RwLock.WAITED, 0); // before the phase ends (W5)\n",
            to: "",
          },
          {
            file: RWLOCK,
            from: "  if (waited || load_acquire(lock + RwLock.WAITED) != 0) futex",
            to: "  store_release(lock + RwLock.WAITED, 0);\n  if (waited) futex",
          },
        ],
      },
      mutant(
        "who lets go leaves the mark up",
        "  if (waited) store_release(lock + RwLock.WAITED, 0); // before the phase ends (W5)\n",
        "",
      ),
      mutant(
        "a writer reads the phase to sleep on after the owner",
        "return await_phase(lock, <u32>(state >> 32), wait);",
        "return await_phase(lock, load_acquire(lock + RwLock.PHASE), wait);",
      ),
      mutant(
        "letting go takes two stores (the core had this bug)",
        "  store_release64(lock + RwLock.OWNER, phase << 32);\n",
        "  store_release(lock + RwLock.PHASE, <u32>phase);\n  store_release(lock + RwLock.OWNER, 0);\n",
      ),
      {
        name: "a writer waits for a word, not for a hold that counts (the core had this bug)",
        edits: [
          {
            file: HOLDS,
            from: "  await_release(slot, wait);\n  return lock",
            to: "  const word = load_acquire(slot);\n  await_release(slot, wait);\n  return lock",
          },
          {
            file: HOLDS,
            from: "return lock_hold_counts(slot, lock, phase);\n}",
            to: "return load_acquire(slot) == word;\n}",
          },
        ],
      },
      mutant(
        "who waits for a release does not say so",
        "store_release(seat + Seat.WAITED, 1);",
        "",
        HOLDS,
      ),
    ],
  ),
  lockScenario(
    "lock-cancel-write",
    "mmap lock: a writer leaves the queue, those behind it are let in",
    [reader, fickleWriter, reader],
    [
      mutant(
        "leaving lets nobody in",
        "if (load_acquire(lock + RwLock.OWNER) == <u32>this_seat()) let_go(lock);",
        "",
      ),
    ],
  ),
  lockScenario(
    "lock-cancel-read",
    "mmap lock: a reader leaves the queue or finds that it was let in",
    [writer, fickleReader, writer],
    [
      mutant(
        "a queued reader takes itself for let in",
        "if (let_in) hold_publish(slot, <u32>lock);\n  else hold_clear(this_seat(), slot); // let in this moment, it leaves again\n  return !let_in;",
        "hold_publish(slot, <u32>lock);\n  return false;",
      ),
      mutant(
        "a reader leaves its hold behind",
        "else hold_clear(this_seat(), slot); // let in this moment",
        "// let in this moment",
      ),
    ],
  ),
  lockScenario(
    "lock-sequence",
    "mm_lock_seq is odd exactly under the write lock (upstream race 3: its release and acquire)",
    [writer, downgrader, reader],
    [
      mutant(
        "the lock is released before the sequence ends",
        "vma_end_write_all(mm);\n  rwlock_write_unlock(mm + Mm.LOCK);",
        "rwlock_write_unlock(mm + Mm.LOCK);\n  vma_end_write_all(mm);",
        MMAP_LOCK,
      ),
      mutant(
        "a downgrade does not end the sequence first",
        "vma_end_write_all(mm);\n  rwlock_write_downgrade(mm + Mm.LOCK);",
        "rwlock_write_downgrade(mm + Mm.LOCK);\n  vma_end_write_all(mm);",
        MMAP_LOCK,
      ),
    ],
    [3],
  ),
];
