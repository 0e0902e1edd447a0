// The explorer's inner loop: every access of every fiber passes here (base/debug.ts).
//
//   arena        what the core sees: [0, ARENA)
//   SHADOW       a byte a word of the arena: who has read it (low bits), who has written it
//   SNAPSHOT     the arena as it was after setup
//   DIRTY        a byte a block of 64 bytes: changed since; LIST names those blocks
//
// Two accesses of different fibers to one word conflict if one of them writes. Only before
// an access that conflicts with something another fiber has ever done in this scenario can
// a switch make a difference: everything between two such points commutes with the other
// fibers. The shadow only grows; when it has grown, the explorer starts its search again.
//
// Lives in the memory it watches, above the arena; compiled without asyncify: it returns
// at once while the core unwinds. Imports: the JavaScript scheduler.

import { Touch } from "./base/debug";

declare function host_point(): void;
declare function host_resumed(): void;

/** Bytes. The explorer's TypeScript repeats these (test/explore/world.ts). */
const ARENA: usize = 0x100000;
const SHADOW: usize = 0x100000;
const SNAPSHOT: usize = 0x200000;
const DIRTY: usize = 0x300000;
const LIST: usize = 0x310000;
const BLOCK_SHIFT: usize = 6;

/** One bit: the running fiber; 0 outside of fibers (setup and checks). */
let me: u32 = 0;
let steps: u32 = 0;
/** Ask the scheduler at this step, whatever it is. */
let stop_at: u32 = 0xffffffff;
/** Ask the scheduler at every conflict. */
let live: bool = false;
let rewinding: bool = false;
let grown: bool = false;
let dirty_blocks: u32 = 0;
/** The access that the scheduler is being asked about. */
let asked_address: usize = 0;
let asked_how: Touch = Touch.READ;

/** Before an access. Returning means: do it now, or unwind (asyncify has been told). */
export function touch(address: usize, how: Touch): void {
  if (rewinding) {
    rewinding = false;
    host_resumed();
    return;
  }
  if ((how & Touch.WRITE) != 0) {
    mark_dirty(address);
    if ((how & Touch.WIDE) != 0) mark_dirty(address + 4);
  }
  if (me == 0) return;
  steps++;
  let conflict = mark(address, how);
  if ((how & Touch.WIDE) != 0) conflict = mark(address + 4, how) || conflict;
  if (steps == stop_at || (live && conflict)) {
    asked_address = address;
    asked_how = how;
    host_point();
  }
}

/** Remembers the access; true if another fiber's conflicts with it. */
function mark(address: usize, how: Touch): bool {
  const at = SHADOW + (address >> 2);
  const before = <u32>load<u8>(at);
  const write = (how & Touch.WRITE) != 0;
  const after = before | (write ? me << 4 : me);
  const others = write ? ((after >> 4) | after) & ~me & 15 : (after >> 4) & ~me;
  if (after != before) {
    store<u8>(at, <u8>after);
    if (others != 0) grown = true;
  }
  return others != 0;
}

function mark_dirty(address: usize): void {
  const block = address >> BLOCK_SHIFT;
  if (load<u8>(DIRTY + block) != 0) return;
  store<u8>(DIRTY + block, 1);
  store<u32>(LIST + ((<usize>dirty_blocks) << 2), <u32>block);
  dirty_blocks++;
}

/** Takes the arena as it is for the state that every schedule begins with. */
export function snapshot(): void {
  memory.copy(SNAPSHOT, 0, ARENA);
  memory.fill(SHADOW, 0, ARENA >> 2);
  memory.fill(DIRTY, 0, ARENA >> BLOCK_SHIFT);
  dirty_blocks = 0;
}

/** Back to the snapshot: only the blocks that were written. */
export function restore(): void {
  for (let i: u32 = 0; i < dirty_blocks; i++) {
    const block = <usize>load<u32>(LIST + ((<usize>i) << 2));
    store<u8>(DIRTY + block, 0);
    const at = block << BLOCK_SHIFT;
    memory.copy(at, SNAPSHOT + at, 1 << BLOCK_SHIFT);
  }
  dirty_blocks = 0;
  steps = 0;
  me = 0;
}

export function set_fiber(bit: u32, rewind: bool): void {
  me = bit;
  rewinding = rewind;
}

export function set_mode(is_live: bool, stop: u32): void {
  live = is_live;
  stop_at = stop;
}

export function step(): u32 {
  return steps;
}

/** True once after new conflicts were seen. */
export function take_grown(): bool {
  const was = grown;
  grown = false;
  return was;
}

export function point_address(): usize {
  return asked_address;
}

export function point_how(): u32 {
  return asked_how;
}
