// flight: a reference on its way from one worker to another, in a record of its own.
//
//   sender    ledger: the reference ──launch──▶ ledger: the flight ──recall──▶ given back
//   receiver                            └──────land─────▶ ledger: the reference
//
//   claim     63    32 31         2 1   0
//             ┌───────┬────────────┬─────┐   number: which journey of this record's
//             │ mark  │   number   │state│   FLYING, LANDED or RECALLED
//             └───────┴────────────┴─────┘
//
// Invariants
//   G1  while it is FLYING the reference is the record's. One exchange ends that: the
//       receiver's (LANDED: its own from there on) or the sender's (RECALLED).
//   G2  the record is the sender's, by its ledger, from launch to recall: if the sender dies,
//       whoever reaps it recalls. So a message that nobody receives keeps nothing for good.
//   G3  the receiver's exchange commits the call that lists the reference (Op.DECIDE).
//
// Floor: mm. Imports: base, alloc, sync, mm/change.

import { journal_exchange, journal_free } from "../alloc/commit";
import { journal_alloc } from "../alloc/journal";
import { ledger_add, ledger_sub, RefKind } from "../alloc/ledger";
import { slab_owns } from "../alloc/slab";
import { Flight } from "../base/layout";
import { SlabKind } from "../shared/abi";
import { Errno } from "../shared/errno";
import { announce, announced_cmpxchg, Op } from "../sync/announce";
import { load_acquire, load_acquire64, store_release } from "../sync/atomics";
import { mm_abandon_change, mm_end_change } from "./change";

const enum Claim {
  FLYING = 0,
  LANDED = 1,
  RECALLED = 2,
  STATE = 3,
  NUMBER = 4,
}

/**
 * Takes the reference `word` out of this worker's ledger: the flight that has it, whose claim
 * the receiver must know, or -ENOMEM.
 */
export function launch(word: u32): i32 {
  const flight = journal_alloc(SlabKind.FLIGHT);
  if (flight == 0) return -Errno.ENOMEM;
  ledger_sub(word);
  if (ledger_add(<u32>flight | RefKind.FLIGHT) != 0) {
    mm_abandon_change();
    return -Errno.ENOMEM;
  }
  store_release(flight + Flight.WHAT, word); // partner: land, which looks at it before its exchange
  const number = (load_acquire(flight + Flight.CLAIM) & ~(<u32>Claim.STATE)) + Claim.NUMBER;
  change_claim(flight, number | Claim.FLYING);
  mm_end_change();
  return <i32>flight;
}

export function flight_claim(flight: usize): u32 {
  return load_acquire(flight + Flight.CLAIM);
}

/** Whatever the claim is: who has changed it last is told (announce O2). Context: nobody else does. */
function change_claim(flight: usize, claim: u32): void {
  const word = flight + Flight.CLAIM;
  announce(Op.NOTHING, word); // nothing is to be recovered: the state itself says how far we came
  const changed = announced_cmpxchg(word, load_acquire64(word), claim);
  assert(changed);
}

/**
 * The reference becomes this worker's: its ledger word; 0: it is not under way (any more);
 * -ENOMEM: it still is.
 */
export function land(flight: usize, claim: u32): i32 {
  if (!slab_owns(SlabKind.FLIGHT, flight)) return 0;
  const was = load_acquire64(flight + Flight.CLAIM);
  if (<u32>was != claim || (claim & Claim.STATE) != Claim.FLYING) return 0;
  const word = load_acquire(flight + Flight.WHAT);
  if (ledger_add(word) != 0) return -Errno.ENOMEM;
  // G1. Its mark is still there, so `word` belonged to this journey. Partner: recall.
  if (journal_exchange(flight + Flight.CLAIM, was, claim | Claim.LANDED)) return <i32>word;
  mm_abandon_change();
  return 0;
}

/** True if somebody has received it. */
export function has_landed(flight: usize): bool {
  return (flight_claim(flight) & Claim.STATE) == Claim.LANDED;
}

/**
 * The flight's end, as part of the call under way: the word of the reference that is to be
 * given back; 0: it has landed, or is no flight of this worker's.
 */
export function recall(flight: usize): u32 {
  if (!ledger_sub(<u32>flight | RefKind.FLIGHT)) return 0;
  const word = flight + Flight.CLAIM;
  while (true) {
    const was = load_acquire64(word);
    if ((<u32>was & Claim.STATE) != Claim.FLYING) break;
    announce(Op.NOTHING, word);
    // G1. Stays RECALLED if this worker dies now: whoever reaps it finds it so.
    if (announced_cmpxchg(word, was, <u32>was | Claim.RECALLED)) break;
  }
  const state = load_acquire(word) & Claim.STATE;
  journal_free(SlabKind.FLIGHT, flight);
  return state == Claim.RECALLED ? load_acquire(flight + Flight.WHAT) : 0;
}
