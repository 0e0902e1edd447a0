// What the kills of death.ts must notice: one thing left out of the journal, of an
// announcement, or of what a reaper does; and the scenario whose kills notice it.

import type { Burial } from "./death";
import type { Mutant } from "./scenario";
import { mutant } from "./scenario";

export interface DeathMutant extends Mutant {
  /** Of scenarios/death.ts or scenarios/index.ts. */
  scenario: string;
  /** "reap" if not given. */
  burial?: Burial;
}

const STORE = "maple/store.ts";
const JOURNAL = "alloc/journal.ts";
const COMMIT = "alloc/commit.ts";
const SLAB = "alloc/slab.ts";
const DEATH = "mm/death.ts";
const LEDGER = "alloc/ledger.ts";
const REFS = "mm/refs.ts";
const FLIGHT = "mm/flight.ts";
const MMAP = "ops/mmap.ts";
const MAKING = "mm/making.ts";
const PAGES = "mm/pages.ts";

function of(scenario: string, file: string, name: string, from: string, to: string): DeathMutant {
  return { scenario, ...mutant(file, name, from, to) };
}

export const deathMutants: DeathMutant[] = [
  {
    scenario: "death-fill-gap",
    name: "a leaf is logged after its first change",
    edits: [
      {
        file: STORE,
        from: "    Journal.leaf(leaf);\n    const next = p + 1;",
        to: "  const next = p + 1;",
      },
      {
        file: STORE,
        from: "    set_start(leaf, p, from);\n",
        to: "    set_start(leaf, p, from);\n    Journal.leaf(leaf);\n",
      },
    ],
  },
  of(
    "death-map-shared",
    JOURNAL,
    "a tag is counted before its image is there",
    "    copy_lines(to, from, bytes);\n    store<u32>(seat, <u32>to, Seat.LOG_IMAGES);\n    add_tag(seat, tag);",
    "    add_tag(seat, tag);\n    copy_lines(to, from, bytes);\n    store<u32>(seat, <u32>to, Seat.LOG_IMAGES);",
  ),
  of(
    "death-map-shared",
    JOURNAL,
    "an object is listed after it was taken",
    `  if (make_room(seat, 0) != 0) add_tag(seat, <u32>slab_next(kind) | (Tag.TAKEN + kind));
  return slab_alloc(kind);`,
    `  const object = slab_alloc(kind);
  if (make_room(seat, 0) != 0) add_tag(seat, <u32>object | (Tag.TAKEN + kind));
  return object;`,
  ),
  of(
    "death-map-file",
    COMMIT,
    "what a call takes out is freed at once",
    "  journal_later(Tag.FREE + kind, object);",
    "  slab_free(kind, object);",
  ),
  of(
    "death-map-file",
    "mm/vma.ts",
    "a VMA's new end is not logged",
    "export function set_vm_end(vma: usize, end: u64): void {\n  journal_vma(vma);",
    "export function set_vm_end(vma: usize, end: u64): void {",
  ),
  of(
    "death-map-shared",
    "mm/change.ts",
    "an mm's counters are not logged",
    "  journal_mm(mm);\n",
    "",
  ),
  of(
    "death-wide-munmap",
    DEATH,
    "gaps are not measured anew",
    "    mt_measure(mm + Mm.TREE);\n",
    "",
  ),
  of(
    "tree-leaf-split",
    "maple/rebuild.ts",
    "the slot that an append takes from a leaf is not logged",
    "  journal_word(start_at(left, m));\n",
    "",
  ),
  of(
    "death-fill-gap",
    "mm/vma_mark.ts",
    "a detached VMA is not attached again",
    "  journal_detach(vma);\n",
    "",
  ),
  of(
    "death-map-file",
    COMMIT,
    "a count is changed again, though the dead worker has changed it",
    "if (under_way && announced_happened()) {",
    "if (false) {",
  ),
  of(
    "death-map-file",
    COMMIT,
    "an object is freed again, though it is in the magazine",
    "== LogState.COMMITTED) recover_free(seat);",
    "== LogState.COMMITTED) return;",
  ),
  of(
    "death-last-file",
    COMMIT,
    "the last reference's item is forgotten",
    "!is_get(kind) && announced_last()",
    "false",
  ),
  of(
    "death-last-file",
    COMMIT,
    "a piece of a name on its way is forgotten",
    "    if (left) slab_free_once(SlabKind.NAME, piece);\n",
    "",
  ),
  of(
    "death-map-shared",
    SLAB,
    "a fresh chunk is forgotten",
    "      if (head != chunk_at(<u32>a)) carve(magazine, kind, <u32>a);\n",
    "",
  ),
  of(
    "death-wide-munmap",
    SLAB,
    "an object from the depot is forgotten",
    "      if (head != a) magazine_push(magazine, kind, a);\n",
    "",
  ),
  of(
    "slab-depot",
    SLAB,
    "a chain on its way to the depot is forgotten",
    "      if (!announced_happened()) depot_push(kind, a, load<u32>(seat, Seat.OP_B));\n",
    "",
  ),
  of(
    "slab-depot",
    "sync/announce.ts",
    "nobody acknowledges",
    "  cmpxchg(seat + Seat.ACKED, before, number);\n",
    "",
  ),
  of(
    "death-wide-munmap",
    JOURNAL,
    "a further segment is forgotten",
    "if (<usize>load<u32>(seat, Seat.LOG_SEGMENT) != segment) slab_free_once(SlabKind.LOG, segment);",
    "",
  ),
  of(
    "death-fork",
    "ops/fork.ts",
    "nobody is named as the child's maker",
    "  store<u32>(child, <u32>this_seat(), Mm.TEARDOWN);\n",
    "",
  ),
  of(
    "death-teardown",
    DEATH,
    "a teardown is not gone on with",
    "== <u32>seat) mm_give_up(mm);",
    "== <u32>seat) return;",
  ),
  of(
    "lock-wakeups",
    DEATH,
    "a lock's sleepers are not woken",
    "futex_wake_all(mm + ",
    "load_acquire(mm + ",
  ),
  of("vma-wakeup", DEATH, "who waits for a hold is not woken", "  wake_waiter(seat);", " "),
  of(
    "death-refs-kept",
    LEDGER,
    "a number in the ledger is not logged",
    "  journal_word(place + Ledger.NUMBER);\n",
    "",
  ),
  of(
    "death-refs-kept",
    LEDGER,
    "a word in the ledger is not logged",
    "  journal_word(place);\n",
    "",
  ),
  of(
    "death-refs-many",
    LEDGER,
    "a further record's link is not logged",
    "  journal_word(record + Ledger.NEXT);\n",
    "",
  ),
  of(
    "death-refs-kept",
    REFS,
    "a put is listed once it is over",
    `  ledger_sub(word);
  journal_later(tag, <usize>(word & ~(<u32>RefKind.MASK)));
  mm_end_change();
}`,
    `  journal_later(tag, <usize>(word & ~(<u32>RefKind.MASK)));
  mm_end_change();
  ledger_sub(word);
  mm_end_change();
}`,
  ),
  of(
    "death-refs-kept",
    REFS,
    "mmget_not_zero is listed once it is over",
    "  if (ledger_add(<u32>mm | Ref.USERS) != 0) return -Errno.ENOMEM;\n  if (journal_decide(mm + Mm.USERS)) return 1;",
    "  if (journal_decide(mm + Mm.USERS)) {\n    ledger_add(<u32>mm | Ref.USERS);\n    mm_end_change();\n    return 1;\n  }",
  ),
  of(
    "death-refs-last",
    REFS,
    "mmget_not_zero that found no user stays listed",
    "if (journal_decide(mm + Mm.USERS)) return 1;\n  mm_abandon_change();",
    "if (journal_decide(mm + Mm.USERS)) return 1;\n  mm_end_change();",
  ),
  of(
    "death-refs-kept",
    DEATH,
    "what the dead had is not given back",
    "store<u32>(report, refs_give_back(), Reap",
    "store<u32>(report, 0, Reap",
  ),
  {
    scenario: "death-refs-sent",
    name: "a flight is listed once it is under way",
    edits: [
      {
        file: FLIGHT,
        from: "  if (ledger_add(<u32>flight | RefKind.FLIGHT) != 0) {",
        to: "  if (false) {",
      },
      {
        file: FLIGHT,
        from: "  change_claim(flight, number | Claim.FLYING);\n  mm_end_change();\n",
        to: "  change_claim(flight, number | Claim.FLYING);\n  mm_end_change();\n  ledger_add(<u32>flight | RefKind.FLIGHT);\n  mm_end_change();\n",
      },
    ],
  },
  of(
    "death-refs-sent",
    FLIGHT,
    "one that was recalled just before the death is forgotten",
    "!= Claim.FLYING) break;",
    "!= Claim.FLYING) {\n      journal_free(SlabKind.FLIGHT, flight);\n      return 0;\n    }",
  ),
  of(
    "death-refs-sent",
    COMMIT,
    "the exchange that receives a reference does not commit",
    "  if (changed) journal_empty(this_seat());",
    "  settle();\n  if (changed) journal_empty(this_seat());",
  ),
  of(
    "death-refs-sent",
    FLIGHT,
    "a record's next journey overwrites the receiver's mark without telling it",
    "  const changed = announced_cmpxchg(word, load_acquire64(word), claim);\n  assert(changed);",
    "  store<u64>(word, <u64>claim);",
  ),
  of(
    "mm-put-async",
    COMMIT,
    "a teardown is queued before its put is over",
    "store_release(object + Mm.TEARDOWN, <u32>seat);",
    "store_release(object + Mm.TEARDOWN, Teardown.QUEUED);",
  ),
  of("death-hook", MMAP, "what a hook makes is not listed", "    making_begin(vma);\n", ""),
  of(
    "death-hook",
    MMAP,
    "the counters are not logged again when the hook has run (the core had this bug)",
    "  mm_begin_change(mm); // the first half's change is over\n",
    "",
  ),
  of(
    "death-hook",
    MAKING,
    "that a VMA is no longer being made is not logged",
    "  journal_word(word);\n",
    "",
  ),
  of(
    "death-hook",
    PAGES,
    "an entry is not logged",
    "  journal_word(entry);\n  journal_later",
    "  journal_later",
  ),
  of("death-tables", DEATH, "a table of pages on its way is forgotten", "  pages_recover();\n", ""),
  of("death-hook", DEATH, "a hook's VMA stays", "  making_abort_all(lost);\n", ""),
  of(
    "fork-walk",
    "mm/mm.ts",
    "a space is found before it is committed",
    "  refcount_set(mm + Mm.COUNT, 1);\n  mm_end_change();\n",
    "  refcount_set(mm + Mm.COUNT, 1);\n",
  ),
  of(
    "lock-wakeups",
    "sync/rwlock.ts",
    "a dead waiter's mark stays",
    "  if (waited) store_release(lock + RwLock.WAITED, 0); // before the phase ends (W5)\n",
    "",
  ),
  {
    ...of(
      "lock-wakeups",
      "mm/liveness.ts",
      "a waiter does not look who is dead",
      "load<u32>(wait, 4))) look();",
      "load<u32>(wait, 4))) return;",
    ),
    burial: "mark",
  },
  of(
    "dead-writer",
    "mm/liveness.ts",
    "what a dead reaper was at stays claimed",
    "  seat_bury(seat, seat + Seat.REPORT);\n  take_over(seat);\n",
    "  seat_bury(seat, seat + Seat.REPORT);\n",
  ),
  of(
    "dead-readers",
    "mm/liveness.ts",
    "a claim does not name the reaper",
    "  return <u32>reaper | SeatState.REAPED;\n",
    "  return SeatState.REAPED;\n",
  ),
];
