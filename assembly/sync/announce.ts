// announce: a compare-and-swap of which it can be told afterwards whether it happened, even
// if the worker that did it has died.
//
//   word   63      55 54        32 31            0
//          ┌─────────┬────────────┬───────────────┐   mark: who changed the word last (seat
//          │ seat + 1│   number   │     value     │   number + 1, 0 nobody) in which of its
//          └─────────┴────────────┴───────────────┘   announced changes
//   seat   WHAT (0 nothing), WORD, NUMBER, A, B, C     what its worker is about to do
//          ACKED                                       written by others
//
// Invariants
//   O1  a worker announces before it exchanges, and settles when all that belongs to the
//       change is done; one announcement a worker at a time.
//   O2  who is about to overwrite a mark of a change that is still announced writes its
//       number to that worker's ACKED first. So the exchange of a dead worker happened iff
//       its mark is still in the word, or its number is in ACKED (looked at in this order).
//   O3  a number comes back after 2^23 changes of one worker; a fresh one is neither in the
//       word nor in ACKED.
//
// The announcement itself is stored plainly: it is read after its worker's death, which the
// reader has learnt of from outside, and the exchange orders it before the mark.
// Floor: sync. Imports: base, atomics.

import { Header, Seat } from "../base/layout";
import { this_seat } from "../base/worker";
import { cmpxchg, cmpxchg64, load_acquire, load_acquire64 } from "./atomics";

/** What is announced. The low byte of Seat.OP_WHAT; above it a slab kind or nothing. */
export const enum Op {
  NOTHING = 0,
  /** A reference counted by a journal's item: WORD the count, A the tag's address. */
  REFERENCE = 1,
  /** An exchange that commits the journal (mmget_not_zero; a reference that arrives). */
  DECIDE = 2,
  /** An object from a depot to the magazine: A the object, C the magazine's TAKEN after it. */
  POP = 3,
  /** A chain from the magazine to a depot: A first, B last, C the magazine's TAKEN after it. */
  PUSH = 4,
  /** A fresh chunk: A its index, C the magazine's TAKEN after it. */
  CARVE = 5,
  /** A piece of a file's name, going to the magazine: A the piece, B the file. No exchange. */
  PIECE = 6,
  /** A segment of the journal, coming or going: A the segment. No exchange. */
  GROW = 7,
  SHRINK = 8,
  /** A table of pages, coming or going: A the table, B the word that names it. No exchange. */
  TABLE = 9,
  MASK = 255,
  KIND_SHIFT = 8,
}

export const enum Mark {
  SEAT_SHIFT = 23,
  NUMBER_MASK = 0x7fffff,
}

/** A seat's part of its marks. */
export function mark_of_index(index: u32): u32 {
  return (index + 1) << Mark.SEAT_SHIFT;
}

/** Says what is about to happen to `word` (O1); what belongs to it is in OP_A to OP_C before. */
export function announce(what: u32, word: usize): void {
  const seat = this_seat();
  const mark = load<u32>(seat, Seat.MARK);
  const shown = <u32>(load_acquire64(word) >> 32);
  const acked = load_acquire(seat + Seat.ACKED);
  let number = (load<u32>(seat, Seat.OP_NUMBER) + 1) & Mark.NUMBER_MASK;
  while ((mark | number) == shown || number == acked) number = (number + 1) & Mark.NUMBER_MASK;
  store<u32>(seat, number, Seat.OP_NUMBER);
  store<u32>(seat, <u32>word, Seat.OP_WORD);
  store<u32>(seat, what, Seat.OP_WHAT); // last: from here on the rest is believed
}

/** Says what is about to happen by plain stores, to this worker's own things. */
export function announce_plain(what: u32): void {
  store<u32>(this_seat(), what, Seat.OP_WHAT);
}

/** The announced change is over, or was given up. */
export function settle(): void {
  store<u32>(this_seat(), Op.NOTHING, Seat.OP_WHAT);
}

/** Puts `value` and this change's mark into the word if it is `expected`. */
export function announced_cmpxchg(word: usize, expected: u64, value: u32): bool {
  const seat = this_seat();
  const mark = load<u32>(seat, Seat.MARK);
  acknowledge(<u32>(expected >> 32), mark);
  const desired = ((<u64>(mark | load<u32>(seat, Seat.OP_NUMBER))) << 32) | <u64>value;
  return cmpxchg64(word, expected, desired) == expected;
}

/** O2, for the change whose mark is about to be overwritten. */
function acknowledge(mark: u32, own: u32): void {
  const index = mark >> Mark.SEAT_SHIFT;
  if (index == 0 || index == own >> Mark.SEAT_SHIFT) return;
  const seat = <usize>load<u32>(Header.SEATS) + <usize>(index - 1) * <usize>Seat.SIZE;
  const number = mark & Mark.NUMBER_MASK;
  const before = load_acquire(seat + Seat.ACKED);
  // Another number: that change is over, and nobody will ask. The number is read after
  // ACKED, so that a later change's acknowledgement makes the exchange fail.
  if (before == number || load_acquire(seat + Seat.OP_NUMBER) != number) return;
  cmpxchg(seat + Seat.ACKED, before, number);
}

/** True if the announced exchange of this seat has happened (O2). Context: its worker is dead. */
export function announced_happened(): bool {
  const seat = this_seat();
  const number = load<u32>(seat, Seat.OP_NUMBER);
  const mark = load<u32>(seat, Seat.MARK) | number;
  if (<u32>(load_acquire64(load<u32>(seat, Seat.OP_WORD)) >> 32) == mark) return true;
  return load_acquire(seat + Seat.ACKED) == number;
}

/** True if it happened, took the word to 0, and was the last to change it. Context: as above. */
export function announced_last(): bool {
  const seat = this_seat();
  const mark = load<u32>(seat, Seat.MARK) | load<u32>(seat, Seat.OP_NUMBER);
  return load_acquire64(load<u32>(seat, Seat.OP_WORD)) == (<u64>mark) << 32;
}
