// The mmap lock: exclusion, trylock, downgrade, wake-ups, the queue and leaving it.

import { MmStat } from "../../../assembly/shared/abi";
import type { Core } from "../exports";
import { expect, type Mutant, makeMm, mutant as mutantOf, type Scenario } from "../scenario";
import type { Body, World } from "../world";

/** Who is inside, kept between calls. */
class Inside {
  readers = 0;
  writers = 0;
  /** A writer stands in the queue and knows it. */
  queued = false;

  read(by: 1 | -1): void {
    this.readers += by;
    this.check();
  }

  write(by: 1 | -1): void {
    this.writers += by;
    this.check();
  }

  check(): void {
    expect(this.writers <= 1, "two writers inside");
    expect(this.writers === 0 || this.readers === 0, "a writer and a reader inside");
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
  inside.readers++; // from the downgrade's first moment on this fiber is a reader
  yield () => x.mmap_write_downgrade(mm);
  inside.readers--;
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
    const ticket = world.u32[(x.worker_scratch() >> 2) + 1]!;
    if ((yield () => x.mmap_read_cancel(mm, ticket)) === 0) return;
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
      const inside = new Inside();
      return {
        fibers: world.fibers.map((fiber, i) => bodies[i]!(fiber.x, mm, inside, world)),
        check() {
          const state = world.u32[(mm + 64) >> 2]!; // all but the phase
          expect(state === 0, `lock word ${state} at the end`);
          expect((world.u32[(mm + 128) >> 2]! & 1) === 0, "mm_lock_seq odd at the end");
        },
      };
    },
    mutants,
  };
}

function mutant(name: string, from: string, to: string, file = "sync/rwlock.ts"): Mutant {
  return mutantOf(file, name, from, to);
}

export const mmapLock: Scenario[] = [
  lockScenario(
    "lock-exclusion",
    "mmap lock: a reader and two writers exclude each other",
    [writer, reader, writer],
    [
      mutant(
        "a writer does not look for readers",
        "if ((state & (WRITER | READERS)) != 0) return false;",
        "if ((state & WRITER) != 0) return false;",
      ),
      mutant(
        "a writer tests, then sets",
        "if (cmpxchg64(lock + RwLock.STATE, state, state | WRITER) == state) return true;",
        "store<u64>(lock + RwLock.STATE, state | WRITER); return true;",
      ),
    ],
  ),
  lockScenario(
    "lock-trylock",
    "mmap lock: trylocks never enter where they must not",
    [tryWriter, tryReader, writer],
    [
      mutant(
        "a reader's trylock does not look for a writer",
        "if ((state & (WRITER | QUEUED_WRITERS)) != 0) return false; // W2",
        "if ((state & QUEUED_WRITERS) != 0) return false;",
      ),
    ],
  ),
  lockScenario(
    "lock-queued-writer",
    "mmap lock: no reader passes a queued writer (R-LOCK-26a)",
    [reader, fickleWriter, tryReader],
    [
      mutant(
        "a reader's trylock does not look for queued writers",
        "if ((state & (WRITER | QUEUED_WRITERS)) != 0) return false; // W2",
        "if ((state & WRITER) != 0) return false;",
      ),
    ],
  ),
  lockScenario(
    "lock-downgrade",
    "mmap lock: nobody writes between the write and the read half of a downgrade",
    [downgrader, writer, reader],
    [
      mutant(
        "a downgrade lets go first",
        "const next = with_readers_let_in(state & ~WRITER) + READER;",
        "const next = with_readers_let_in(state & ~WRITER);",
      ),
      mutant(
        "a downgrade wakes no reader",
        "!= state) continue;\n    wake_readers(lock, state);",
        "!= state) continue;",
      ),
    ],
  ),
  lockScenario(
    "lock-wakeups",
    "mmap lock: two writers and a reader wait, none for ever",
    [writer, reader, writer],
    [
      mutant(
        "the last reader wakes no writer",
        "if ((before & READERS) == READER && (before & QUEUED_WRITERS) != 0) wake_writer(lock); // W5",
        "",
      ),
      mutant(
        "a writer wakes no writer",
        "else if ((state & QUEUED_WRITERS) != 0) wake_writer(lock); // W5",
        "",
      ),
      mutant("a wake-up does not change the turn", "fetch_add(lock + RwLock.TURN, 1);", ""),
      mutant(
        "the turn is read after the state",
        `    const turn = load_acquire(lock + RwLock.TURN); // before the state: W5
    const state = load_acquire64(lock + RwLock.STATE);
    if ((state & (WRITER | READERS)) != 0) {
      store<u32>(ticket, turn);`,
        `    const state = load_acquire64(lock + RwLock.STATE);
    if ((state & (WRITER | READERS)) != 0) {
      store<u32>(ticket, load_acquire(lock + RwLock.TURN));`,
      ),
    ],
  ),
  lockScenario(
    "lock-cancel-write",
    "mmap lock: a writer leaves the queue, those behind it are let in",
    [reader, fickleWriter, reader],
    [mutant("leaving lets nobody in", "if (admit) next = with_readers_let_in(next);", "")],
  ),
  lockScenario(
    "lock-cancel-read",
    "mmap lock: a reader leaves the queue or finds that it was let in",
    [writer, fickleReader, writer],
    [
      mutant(
        "a reader leaves though it was let in",
        "if (<u32>(state >> 32) != ticket) return false;",
        "",
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
        "mm/mmap_lock.ts",
      ),
      mutant(
        "a downgrade does not end the sequence first",
        "vma_end_write_all(mm);\n  rwlock_write_downgrade(mm + Mm.LOCK);",
        "rwlock_write_downgrade(mm + Mm.LOCK);\n  vma_end_write_all(mm);",
        "mm/mmap_lock.ts",
      ),
    ],
    [3],
  ),
];
