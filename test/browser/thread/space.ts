// What page and workers agree on.

export const PAGE = 4096;
export const PAGES = 64;
export const BASE = 2 ** 40;
export const RW = 3;
/** MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED. */
export const FIXED_ANON = 0x32;

/** xorshift32: the same numbers for the same seed. */
export function random(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
