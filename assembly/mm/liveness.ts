// Who is known to be dead, and what waiters do about it.
//
// Shared memory does not tell that a worker has died. Whoever hears of it from outside (an exit
// event, a Web Lock that is free, the worker itself on its way out) and cannot or will not reap
// the seat marks it; every wait ends after Abi.LOOK_MS, and the waiter reaps the seats that are
// marked. Nobody is declared dead for being slow: a waiter that finds no mark goes on waiting.
//
//   seat   STATE       FREE -> TAKEN -> FREE, or TAKEN -> reaper's seat | REAPED -> FREE
//          GENERATION  +1 before STATE becomes FREE: one worker has one
//          DEAD        generation + 1 of the worker that is known to be dead, 0 nobody
//
// Invariants
//   N1  a worker is marked with its generation: a mark that comes late, when the seat has another
//       worker, says nothing about that one.
//   N2  a seat is claimed by one exchange of STATE; who finds that it was left and taken anew
//       meanwhile gives it back. Its new worker does not notice: it never looks at STATE.
//   N3  the claim names the reaper. Who reaps that one, because it has died in the middle, goes on
//       in its place before the seat that claims name can have another worker: every step of
//       reaping can be done again (mm/death.ts).
//
// Context: any thread with a seat; a waiter may be in the middle of a call of its own, of which
// nothing is touched: reaping goes on in the dead worker's seat. Floor: mm. Imports: base,
// shared, sync, mm/death.

import { Header, Seat, SeatState } from "../base/layout";
import { set_this_seat, this_seat } from "../base/worker";
import { Reap } from "../shared/abi";
import { cmpxchg, fetch_add, load_acquire, store_release } from "../sync/atomics";
import { futex_wait } from "../sync/futex";
import { seat_bury } from "./death";

/** The worker of `generation` in `seat` is certainly gone. False: so is its mark, it left or was reaped. */
export function mark_dead(seat: usize, generation: u32): bool {
  if (!is_taken(seat) || load_acquire(seat + Seat.GENERATION) != generation) return false;
  store_release(seat + Seat.DEAD, generation + 1); // N1; partner: look
  return true;
}

/** Sleeps until the word at `wait` is not the value behind it, or for Abi.LOOK_MS; then looks for the dead. */
export function await_change(wait: usize): void {
  // Waker: who changes the word, as sync/rwlock.ts and sync/holds.ts say.
  if (!futex_wait(load<u32>(wait), load<u32>(wait, 4))) look();
}

/** Reaps whoever is marked; how many seats this call has reaped. */
export function look(): u32 {
  const seats = <usize>load<u32>(Header.SEATS);
  const end = seats + <usize>load_acquire(Header.SEAT_HIGH) * <usize>Seat.SIZE;
  let reaped: u32 = 0;
  for (let seat = seats; seat < end; seat += Seat.SIZE) {
    const dead = load_acquire(seat + Seat.DEAD);
    if (dead == 0 || load_acquire(seat + Seat.GENERATION) + 1 != dead) continue;
    if (!claim(seat)) continue;
    if (load_acquire(seat + Seat.GENERATION) + 1 != dead) unclaim(seat);
    else {
      finish(seat);
      reaped++;
    }
  }
  return reaped;
}

/** Reaps the seat of a worker that is gone, marked or not; false: it is not taken, or somebody is at it. */
export function reap(seat: usize): bool {
  if (!claim(seat)) return false;
  finish(seat);
  return true;
}

function is_taken(seat: usize): bool {
  return load_acquire(seat + Seat.STATE) == SeatState.TAKEN;
}

/** STATE of a seat that the worker in `reaper` reaps (N3). */
function claim_of(reaper: usize): u32 {
  return <u32>reaper | SeatState.REAPED;
}

/** Claims the seat against other reapers. */
function claim(seat: usize): bool {
  const mine = claim_of(this_seat());
  return cmpxchg(seat + Seat.STATE, SeatState.TAKEN, mine) == SeatState.TAKEN;
}

/** N2. It may have been left in this moment: then it stays free. */
function unclaim(seat: usize): void {
  cmpxchg(seat + Seat.STATE, claim_of(this_seat()), SeatState.TAKEN);
}

/** Goes on with what the worker of `dead` was reaping (N3). Context: `dead` is claimed by this worker. */
function take_over(dead: usize): void {
  const theirs = claim_of(dead);
  const seats = <usize>load<u32>(Header.SEATS);
  const end = seats + <usize>load_acquire(Header.SEAT_HIGH) * <usize>Seat.SIZE;
  for (let seat = seats; seat < end; seat += Seat.SIZE) {
    if (load_acquire(seat + Seat.STATE) != theirs) continue;
    // Nobody else does: who made the claim is gone, and its own seat is ours.
    store_release(seat + Seat.STATE, claim_of(this_seat()));
    finish(seat);
  }
}

function finish(seat: usize): void {
  seat_bury(seat, seat + Seat.REPORT);
  take_over(seat);
  // For whoever asks later: the reaper may have been a waiter.
  store_release(seat + Seat.REPORT_OF, load_acquire(seat + Seat.GENERATION) + 1);
  vacate(seat);
}

/** The seat is free for the next worker. */
function vacate(seat: usize): void {
  fetch_add(seat + Seat.GENERATION, 1); // N1: before anybody can sit down
  store_release(seat + Seat.STATE, SeatState.FREE); // last: the next owner may come at once
}

/** This worker leaves its seat. */
export function leave(): void {
  const seat = this_seat();
  set_this_seat(0);
  vacate(seat);
}

/** Copies what reaping the worker of `generation` in `seat` gave up to `out`; false: it was not reaped. */
export function copy_report(seat: usize, generation: u32, out: usize): bool {
  if (load_acquire(seat + Seat.REPORT_OF) != generation + 1) return false;
  memory.copy(out, seat + Seat.REPORT, Reap.COUNT * 4);
  return true;
}
