// ledger: what a worker has references to, kept in its seat, so that they can be given back
// after its death. A record is a bucket of the seat, or one from the slab behind it:
//
//   0      4                            32     36                           64
//   ┌──────┬──────┬──────┬── 7 words ───┬──────┬──────┬──────┬─ 7 numbers ──┐
//   │ next │ word │ word │ ...          │      │      │      │ ...          │  word 0: free
//   └──────┴──────┴──────┴──────────────┴──────┴──────┴──────┴──────────────┘
//   word      31                       6 5     0
//             ┌─────────────────────────┬───────┐   what is referred to (64-byte units),
//             │         object          │  Ref  │   which of its counts; or a flight
//             └─────────────────────────┴───────┘
//
// Invariants
//   L1  a word stands once in its bucket's chain, with how many references of that kind the
//       worker has; not at all if it has none. The number at a free place means nothing.
//   L2  a change of it is part of the call that changes the count (alloc/journal.ts): undone
//       or committed with it. So ledger and count agree between calls, and after a reaping.
//   L3  a record from the slab has at least one word.
//
// A reference that another worker took may be given back too: it is listed nowhere then, or
// still there (docs/abi.md says whose business that is).
// Context: the seat's worker, or whoever reaps it. Floor: alloc. Imports: base, journal, commit.

import { LEDGER_BUCKETS } from "../base/debug";
import { Ledger, Seat } from "../base/layout";
import { this_seat } from "../base/worker";
import { SlabKind } from "../shared/abi";
import { Errno } from "../shared/errno";
import { journal_free } from "./commit";
import { journal_alloc, journal_word } from "./journal";

/** What a word's low bits say, beside Ref: the word names a flight (mm/flight.ts). */
export const enum RefKind {
  FLIGHT = 4,
  MASK = 63,
}

function bucket_of(seat: usize, word: u32): usize {
  const hash = ((word * 0x9e3779b1) >> <u32>Ledger.HASH_SHIFT) & (LEDGER_BUCKETS - 1); // Fibonacci
  return seat + Seat.LEDGER + <usize>hash * <usize>Ledger.SIZE;
}

/** The place of `word` in a record, of a free one for 0; 0: there is none. */
function place_in(record: usize, word: u32): usize {
  const mask = equal_in(record, word);
  return mask == 0 ? 0 : record + ((<usize>ctz<i32>(mask)) << 2);
}

/** A bit a word that is `word`; the lowest bit stands for `next` and is never set. */
function equal_in(record: usize, word: u32): i32 {
  const wanted = i32x4.splat(<i32>word);
  const low = i32x4.bitmask(i32x4.eq(v128.load(record), wanted));
  const high = i32x4.bitmask(i32x4.eq(v128.load(record + 16), wanted));
  return (low | (high << 4)) & ALL;
}

/** What equal_in answers if all words are. */
const ALL: i32 = 0xfe;

/** One reference more, as part of the call under way: 0, or -ENOMEM with nothing changed. */
export function ledger_add(word: u32): i32 {
  let record = bucket_of(this_seat(), word);
  let free: usize = 0;
  while (true) {
    const place = place_in(record, word);
    if (place != 0) {
      set_number(place, load<u32>(place, Ledger.NUMBER) + 1);
      return 0;
    }
    if (free == 0) free = place_in(record, 0);
    const next = <usize>load<u32>(record, Ledger.NEXT);
    if (next == 0) break;
    record = next;
  }
  if (free == 0) free = append(record);
  if (free == 0) return -Errno.ENOMEM;
  store<u32>(free, 1, Ledger.NUMBER);
  set_word(free, word);
  return 0;
}

function set_word(place: usize, word: u32): void {
  journal_word(place);
  store<u32>(place, word);
}

function set_number(place: usize, n: u32): void {
  journal_word(place + Ledger.NUMBER);
  store<u32>(place, n, Ledger.NUMBER);
}

function set_next(record: usize, next: u32): void {
  journal_word(record + Ledger.NEXT);
  store<u32>(record, next, Ledger.NEXT);
}

/** A further record behind the chain's last: a free place in it, 0 if the arena is full. */
function append(last: usize): usize {
  const record = journal_alloc(SlabKind.LEDGER);
  if (record == 0) return 0;
  memory.fill(record, 0, Ledger.SIZE);
  set_next(last, <u32>record);
  return place_in(record, 0);
}

/** One reference less, as part of the call under way; false: it is not listed. */
export function ledger_sub(word: u32): bool {
  let before: usize = 0;
  let record = bucket_of(this_seat(), word);
  let place = place_in(record, word);
  while (place == 0) {
    before = record;
    record = <usize>load<u32>(record, Ledger.NEXT);
    if (record == 0) return false;
    place = place_in(record, word);
  }
  const n = load<u32>(place, Ledger.NUMBER);
  if (n > 1) {
    set_number(place, n - 1);
    return true;
  }
  set_word(place, 0);
  if (before != 0 && equal_in(record, 0) == ALL) {
    set_next(before, load<u32>(record, Ledger.NEXT));
    journal_free(SlabKind.LEDGER, record); // L3
  }
  return true;
}

/** A word that is listed; 0: this worker has no reference. */
export function ledger_first(): u32 {
  const buckets = this_seat() + Seat.LEDGER;
  const end = buckets + <usize>Ledger.BUCKETS * <usize>Ledger.SIZE;
  for (let bucket = buckets; bucket < end; bucket += Ledger.SIZE) {
    for (let record = bucket; record != 0; record = <usize>load<u32>(record, Ledger.NEXT)) {
      const used = ~equal_in(record, 0) & ALL;
      if (used != 0) return load<u32>(record + ((<usize>ctz<i32>(used)) << 2));
    }
  }
  return 0;
}
