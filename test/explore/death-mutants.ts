// What the kills of death.ts must notice: one thing left out of the journal, of an
// announcement, or of what a reaper does; and the scenario whose kills notice it.

import type { Mutant } from "./scenario";
import { mutant } from "./scenario";

export interface DeathMutant extends Mutant {
  /** Of scenarios/death.ts or scenarios/index.ts. */
  scenario: string;
}

const STORE = "maple/store.ts";
const JOURNAL = "alloc/journal.ts";
const COMMIT = "alloc/commit.ts";
const SLAB = "alloc/slab.ts";
const DEATH = "mm/death.ts";

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
        from: "  journal_leaf(leaf);\n  const next = p + 1;",
        to: "  const next = p + 1;",
      },
      {
        file: STORE,
        from: "  set_start(leaf, p, from);\n",
        to: "  set_start(leaf, p, from);\n  journal_leaf(leaf);\n",
      },
    ],
  },
  of(
    "death-map-shared",
    JOURNAL,
    "a tag is counted before its image is there",
    "  copy_lines(to, from, bytes);\n  store<u32>(seat, <u32>to, Seat.LOG_IMAGES);\n  add_tag(seat, tag);",
    "  add_tag(seat, tag);\n  copy_lines(to, from, bytes);\n  store<u32>(seat, <u32>to, Seat.LOG_IMAGES);",
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
    "mm/vma_lock.ts",
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
];
