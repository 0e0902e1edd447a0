// Large logs: as many VMAs as Linux allows a process, and a hundred thousand calls.

import type { TraceVma } from "../../src/formats/trace.js";
import type { Start } from "../app/machine.js";
import type { Planned } from "../app/timeline.js";
import { readPlanned } from "../log/planned.js";

const PAGE = 4096;
const BASE = 0x1000_0000;
/** vm.max_map_count. */
export const MOST_VMAS = 65530;
const CALLS = 100_000;

/** Every second page mapped: nothing can merge. One VMA less than the limit. */
export function crowdedStart(): Start {
  const vmas: TraceVma[] = [];
  for (let n = 0; n < MOST_VMAS - 1; n++) {
    const start = BASE + 2 * n * PAGE;
    const perms = n % 3 === 0 ? "r--p" : n % 3 === 1 ? "rw-p" : "r-xp";
    vmas.push({ start, end: start + PAGE, perms, offset: 0, inode: 0, name: "" });
  }
  return { options: { maxMapCount: MOST_VMAS }, vmas };
}

/** The last one that fits, and what the limit does to the next. */
export const CROWDED: readonly Planned[] = [
  "mmap 4K rw fixed at 0x30000000 => 0x30000000",
  "mmap 4K rw fixed at 0x30002000 => 0x30002000",
  "mmap 4K rw fixed at 0x30004000 => ENOMEM",
  "munmap 0x10000000 4K => 0",
  "munmap 0x30000000 4K => 0",
  "mmap 4K rw fixed at 0x30004000 => 0x30004000",
].map(readPlanned);

/** Maps, cuts, protects and unmaps in a window, always the same. */
export function manyCalls(count = CALLS): Planned[] {
  let word = 1;
  const below = (n: number) => {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
    return Math.floor((word / 2 ** 32) * n);
  };
  const window = 0x7000_0000_0000;
  return Array.from({ length: count }, (): Planned => {
    const address = window + below(4096) * PAGE;
    const length = (1 + below(16)) * PAGE;
    const kind = below(4);
    if (kind === 0) return { call: { op: "munmap", args: [address, length], text: "" } };
    if (kind === 1) {
      return { call: { op: "mprotect", args: [address, length, below(4)], text: "" } };
    }
    const prot = kind === 2 ? 3 : 1;
    return { call: { op: "mmap", args: [address, length, prot, 0x32, -1, 0], text: "" } };
  });
}
