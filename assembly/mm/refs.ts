// References as workers have them: each is counted in its object and listed in the ledger of
// the worker that has it, so that it is given back when that worker leaves or has died.
//
// What VMAs, entries of page tables and the engine itself refer to is counted only: it is
// found through what refers to it (mm/mm.ts, mm/file.ts, mm/pages.ts).
//
// A get is 0, or -ENOMEM with nothing changed: where the ledger has no room and the arena is
// full. A put needs no memory. Floor: mm. Imports: base, alloc, mm.

import { journal_decide, journal_later } from "../alloc/commit";
import { Tag } from "../alloc/journal";
import { ledger_add, ledger_first, ledger_sub, RefKind } from "../alloc/ledger";
import { Mm } from "../base/layout";
import { seat_scratch } from "../base/worker";
import { Ref } from "../shared/abi";
import { Errno } from "../shared/errno";
import { mm_abandon_change, mm_end_change } from "./change";
import { flight_claim, has_landed, land, launch, recall } from "./flight";
import { mm_queue_teardown_if_last, mm_teardown_if_last } from "./mm";

function get(word: u32, tag: u32): i32 {
  const failed = ledger_add(word);
  if (failed != 0) return failed;
  journal_later(tag, <usize>(word & ~(<u32>RefKind.MASK)));
  mm_end_change();
  return 0;
}

/** One that another worker has got is given back too, but stays listed there. */
function put(word: u32, tag: u32): void {
  ledger_sub(word);
  journal_later(tag, <usize>(word & ~(<u32>RefKind.MASK)));
  mm_end_change();
}

export function mmget(mm: usize): i32 {
  return get(<u32>mm | Ref.USERS, Tag.GET_USERS);
}

/** 1, 0: there is no user left, or -ENOMEM. */
export function mmget_not_zero(mm: usize): i32 {
  if (ledger_add(<u32>mm | Ref.USERS) != 0) return -Errno.ENOMEM;
  if (journal_decide(mm + Mm.USERS)) return 1;
  mm_abandon_change();
  return 0;
}

/** One user less; the last one tears the space down here and now (mm.ts M2). */
export function mmput(mm: usize): void {
  put(<u32>mm | Ref.USERS, Tag.PUT_USERS);
  mm_teardown_if_last(mm);
}

/** One user less; the last one only queues the teardown (R-LOCK-13). */
export function mmput_async(mm: usize): void {
  put(<u32>mm | Ref.USERS, Tag.PUT_USERS);
  mm_queue_teardown_if_last(mm);
}

export function mmgrab(mm: usize): i32 {
  return get(<u32>mm | Ref.COUNT, Tag.GET_COUNT);
}

export function mmdrop(mm: usize): void {
  put(<u32>mm | Ref.COUNT, Tag.PUT_COUNT);
}

export function file_get(file: u32): i32 {
  return get(file | Ref.FILE, Tag.GET_FILE);
}

export function file_put(file: u32): void {
  put(file | Ref.FILE, Tag.PUT_FILE);
}

export function page_get(page: u32): i32 {
  return get(page | Ref.PAGE, Tag.GET_PAGE);
}

export function page_put(page: u32): void {
  put(page | Ref.PAGE, Tag.PUT_PAGE);
}

/**
 * Sends one of this worker's references: the flight, and in scratch its claim (u32), or -ENOMEM.
 * `kind`: a Ref.
 */
export function flight_launch(kind: u32, object: u32): i32 {
  const flight = launch(object | kind);
  if (flight > 0 || flight < -4095) store<u32>(seat_scratch(), flight_claim(<usize>(<u32>flight)));
  return flight;
}

/**
 * Receives it: 1, the reference is this worker's; 0, it was taken back, or has been received;
 * -ENOMEM, it is still under way.
 */
export function flight_land(flight: u32, claim: u32): i32 {
  const word = land(flight, claim);
  return word == 0 || word == -Errno.ENOMEM ? word : 1;
}

/** 1 if it has been received. */
export function flight_landed(flight: u32): i32 {
  return has_landed(flight) ? 1 : 0;
}

/** Ends a flight of this worker's: 1, nobody had received it and the reference is given back. */
export function flight_recall(flight: u32): i32 {
  return give_back(flight | RefKind.FLIGHT) ? 1 : 0;
}

/** Gives back a listed reference, or a flight's; false: that had landed. */
function give_back(word: u32): bool {
  const kind = word & RefKind.MASK;
  const object = <usize>(word & ~(<u32>RefKind.MASK));
  const flies = kind == RefKind.FLIGHT;
  const what = flies ? recall(object) : word;
  if (!flies) ledger_sub(word);
  const mm = <usize>(what & ~(<u32>RefKind.MASK));
  if (what != 0) journal_later(put_tag(what & RefKind.MASK), mm);
  mm_end_change();
  if (what != 0 && (what & RefKind.MASK) == Ref.USERS) mm_teardown_if_last(mm);
  return what != 0;
}

function put_tag(ref: u32): u32 {
  if (ref == Ref.USERS) return Tag.PUT_USERS;
  if (ref == Ref.COUNT) return Tag.PUT_COUNT;
  return ref == Ref.FILE ? Tag.PUT_FILE : Tag.PUT_PAGE;
}

/** Gives back all that this worker has; how many. Context: it holds no lock; it leaves, or has died. */
export function refs_give_back(): u32 {
  let n: u32 = 0;
  for (let word = ledger_first(); word != 0; word = ledger_first()) {
    if (give_back(word)) n++;
  }
  return n;
}
