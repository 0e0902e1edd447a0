// Tearing a space down (exit_mmap), leaf by leaf, so that it can be gone on with.
//
// Each step takes the last leaf out of the tree, frees its VMAs and commits: between two
// steps the tree is a smaller one, whoever does the next.
//
// Context: mm.TEARDOWN is this worker's seat; nobody else gets at the space any more.
// Floor: mm. Imports: base, alloc, maple, mm.

import { journal_later } from "../alloc/commit";
import { Tag } from "../alloc/journal";
import { Mm, Node } from "../base/layout";
import { mt_peel, mt_peeled_region } from "../maple/peel";
import { region_of } from "../maple/region";
import { mm_end_change } from "./change";
import { mm_is_dead, mmap_write_trylock, mmap_write_unlock } from "./mmap_lock";
import { pages_destroy } from "./pages";
import { page_shift, vm_start, vma_free } from "./vma";
import { vma_mark_detached, vma_mark_written } from "./vma_mark";

/** Empties the space, then drops the users' mm_count (R-LOCK-10, 11). */
export function mm_teardown(mm: usize): void {
  // Of a dead space nothing can be reached any more (mm/death.ts).
  if (!mm_is_dead(mm)) {
    // No user is left and lock holders are users, so this cannot fail: no waiting here.
    const alone = mmap_write_trylock(mm);
    assert(alone); // R-LOCK-12
    while (free_leaf(mm)) mm_end_change();
    while (mt_peel(mm + Mm.GUARDS) != 0) mm_end_change();
    pages_destroy(mm);
    store<u32>(mm, 0, Mm.MAP_COUNT);
    memory.fill(mm + Mm.TOTAL_VM, 0, Mm.BRK - Mm.TOTAL_VM);
    mmap_write_unlock(mm);
  }
  journal_later(Tag.PUT_COUNT, mm); // ends mm.TEARDOWN too
  mm_end_change();
}

/** Takes the tree's last leaf out with its VMAs; false if the tree is empty. */
function free_leaf(mm: usize): bool {
  const leaf = mt_peel(mm + Mm.TREE);
  if (leaf == 0) return false;
  const r = mt_peeled_region();
  const shift = page_shift(mm);
  for (let i: usize = 0; i < <usize>Node.SLOTS; i++) {
    if (load<i32>(leaf + (i << 2), Node.STARTS) == Node.UNUSED) break;
    const vma = <usize>load<u32>(leaf + (i << 2), Node.ENTRIES);
    // One that crosses a region's border goes with the lowest of its pieces, the last to come.
    if (vma == 0 || region_of(vm_start(vma) >> shift) != r) continue;
    vma_mark_written(vma, mm);
    vma_mark_detached(vma, mm);
    vma_free(vma);
  }
  return true;
}
