// Address spaces to measure in: n VMAs side by side that cannot merge.
//
//   BASE  │ r-- 4 pages │ rw- 4 pages │ r-- 4 pages │ rw- ...
//
// native/sysvma.c builds the same in its own process.

import { MapFlags, Prot } from "../../dist/src/index.js";
import { PAGE, Random } from "./layout.mjs";

export const SPACE_BASE = 0x2000_0000_0000;
export const PIECE_PAGES = 4;
export const PIECE = PIECE_PAGES * PAGE;
const SEED_ADDRESSES = 11;
const SEED_MIDDLES = 12;

/** @param {import("../../dist/src/index.js").RawPlane} raw @param {number} mm @param {number} n */
export function fillSpace(raw, mm, n) {
  const flags = MapFlags.PRIVATE | MapFlags.ANONYMOUS | MapFlags.FIXED_NOREPLACE;
  for (let i = 0; i < n; i++) {
    const prot = i % 2 === 0 ? Prot.READ : Prot.READ | Prot.WRITE;
    const at = raw.mmap(mm, SPACE_BASE + i * PIECE, PIECE, prot, flags, 0, 0);
    if (at < 0) throw new Error(`mmap of piece ${i}: ${at}`);
  }
}

/**
 * Random bytes in the pieces [from, to).
 *
 * @param {number} from
 * @param {number} to
 * @param {number} m
 */
export function addressesIn(from, to, m) {
  const random = new Random(SEED_ADDRESSES + from);
  return Float64Array.from({ length: m }, () => {
    const piece = from + random.below(to - from);
    return SPACE_BASE + piece * PIECE + random.below(PIECE);
  });
}

/** The second page of random writable pieces. @param {number} n @param {number} m */
export function writableMiddles(n, m) {
  const random = new Random(SEED_MIDDLES);
  return Float64Array.from({ length: m }, () => {
    const piece = random.below(n >> 1) * 2 + 1;
    return SPACE_BASE + piece * PIECE + PAGE;
  });
}
