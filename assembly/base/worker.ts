// This worker's seat: the only module-level variable of the core.
//
// A wasm global is one copy a worker; it holds the seat's address, nothing else.
// Everything a worker keeps lives in its seat, in shared memory, so that another
// worker can find it if this one dies.
//
// Floor: base. Imports: layout.

import { Counter } from "../shared/abi";
import { Seat } from "./layout";

let seat: usize = 0;

/** Address of this worker's seat, 0 before worker_attach. */
export function this_seat(): usize {
  return seat;
}

export function set_this_seat(address: usize): void {
  seat = address;
}

export function seat_scratch(): usize {
  return seat + Seat.SCRATCH;
}

/** Counts an event in this worker's seat. Plain: only this worker writes it. */
export function count(counter: Counter): void {
  const at = seat + ((<usize>counter) << 2);
  store<u32>(at, load<u32>(at, Seat.COUNTERS) + 1, Seat.COUNTERS);
}

export function may_block(): bool {
  return load<u32>(seat, Seat.MAY_BLOCK) != 0;
}
