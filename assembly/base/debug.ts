// Build switches: VERIFY (checks on), and the host hook of the explore build.
//
// `isDefined` folds at compile time, so the release build pays nothing.
// Floor: base. Imports: nothing.

/** Imported by the explore build only, as debug.host_touch. */
declare function host_touch(addr: usize, how: Touch): void;

/** True in the verify build: costly assertions and failure injection are compiled in. */
export const VERIFY: bool = isDefined(VMA_VERIFY);

/**
 * How often a word is looked at before going to sleep on it: about as long as a sleep and its
 * wake-up take (20 to 50 us), so that waiting costs at most twice the best choice. Sections
 * last less than a microsecond, but whoever sleeps makes the other side, which then waits for
 * its hold, sleep too. `npm run bench -- programs`, ns a call beside one fault worker, two
 * cores: 15800 with 128, 9300 with 4096, 570 with 40000; beside two workers 940, 510, 580.
 * None in the explore build, where they would only multiply the schedules; few in the verify
 * build, whose tests are there for the sleeps.
 */
export const SPINS: i32 = isDefined(VMA_EXPLORE) ? 0 : isDefined(VMA_VERIFY) ? 128 : 40000;

/**
 * Bytes of a seat's journal that are used; Log.SEAT_BYTES is the room. Few in the explore
 * build, so that most calls there need a further segment.
 */
export const LOG_BYTES: usize = isDefined(VMA_EXPLORE) ? 512 : 8192;

/**
 * Buckets of a seat's ledger that are used; Ledger.BUCKETS is the room. One in the explore
 * build, so that a few spaces need a further record there.
 */
export const LEDGER_BUCKETS: u32 = isDefined(VMA_EXPLORE) ? 1 : 16;

/** What the explore build is about to do at an address. Bits. */
export const enum Touch {
  READ = 0,
  WRITE = 1,
  /** Eight bytes instead of four. */
  WIDE = 2,
  /** Not an atomic access: must be ordered by a lock, or be a declared racy one. */
  PLAIN = 4,
  /** A plain load that says so: its caller checks what it found. */
  RACY = 8,
}

/** A point before an access where the explore build may switch to another fiber. */
export function explore(addr: usize, how: Touch): void {
  if (isDefined(VMA_EXPLORE)) host_touch(addr, how);
}
