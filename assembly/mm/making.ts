// VMAs that an mmap hook is making: not in the tree yet, and the hook runs in JavaScript, where
// its worker may die. Kept in its seat, so that whoever reaps it takes them back.
//
//   seat.MAKING ──▶ VMA of the innermost hook ──LINK──▶ of the one around it ──▶ 0
//
// Invariant
//   X1  a VMA is listed from the commit that made it to the one that puts it into the tree or
//       frees it. Hooks nest: one may map another such file in another space.
//
// Context: mmap write lock of the VMA's mm. Floor: mm. Imports: base, alloc, mm.

import { journal_word } from "../alloc/journal";
import { Seat, Vma } from "../base/layout";
import { this_seat } from "../base/worker";
import { mm_end_change } from "./change";
import { pages_zap } from "./pages";
import { page_shift, vm_end, vm_start, vma_free } from "./vma";

/** Lists it, as part of the call under way. */
export function making_begin(vma: usize): void {
  const seat = this_seat();
  journal_word(seat + Seat.MAKING);
  store<u32>(vma, load<u32>(seat, Seat.MAKING), Vma.LINK); // the VMA is new: nothing to log
  store<u32>(seat, <u32>vma, Seat.MAKING);
}

/** Takes it off the list, as part of the call under way. */
export function making_end(vma: usize): void {
  let word = this_seat() + Seat.MAKING;
  while (load<u32>(word) != <u32>vma) {
    if (load<u32>(word) == 0) return;
    word = <usize>load<u32>(word) + Vma.LINK;
  }
  journal_word(word);
  store<u32>(word, load<u32>(vma, Vma.LINK));
}

/** The VMA and the pages that its hook has put into it go: the hook has refused, or died. */
export function making_abort(mm: usize, vma: usize): void {
  const shift = page_shift(mm);
  pages_zap(mm, vm_start(vma) >> shift, vm_end(vma) >> shift);
  making_end(vma);
  vma_free(vma);
  mm_end_change();
}

/**
 * Aborts all of this worker's, which has died. Context: its seat is OWNER of their spaces' locks.
 * `lost`: of a call that could not be undone (mm/death.ts); nothing tells what is whole.
 */
export function making_abort_all(lost: bool): void {
  if (lost) store<u32>(this_seat(), 0, Seat.MAKING);
  while (true) {
    const vma = <usize>load<u32>(this_seat(), Seat.MAKING);
    if (vma == 0) return;
    making_abort(<usize>load<u32>(vma, Vma.MM), vma);
  }
}
