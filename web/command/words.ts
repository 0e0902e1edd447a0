// The words for flags in commands, one table a call: `noreserve` is MAP_NORESERVE.

import { Madvise, MapFlags, MlockFlags, MremapFlags, MsyncFlags } from "../../src/index.js";

/** Word and bits. */
export type FlagWord = readonly [word: string, bits: number, meaning: string];

export const MAP_TYPE_MASK = 0x0f;

export const MAP_TYPES: readonly FlagWord[] = [
  ["private", MapFlags.PRIVATE, "MAP_PRIVATE: writes stay with this process"],
  ["shared", MapFlags.SHARED, "MAP_SHARED: writes are seen by all who map it"],
  ["validate", MapFlags.SHARED_VALIDATE, "MAP_SHARED_VALIDATE: shared, unknown flags refused"],
  ["droppable", MapFlags.DROPPABLE, "MAP_DROPPABLE: may be dropped under pressure"],
];

export const MAP_WORDS: readonly FlagWord[] = [
  ["anon", MapFlags.ANONYMOUS, "MAP_ANONYMOUS: no file behind it"],
  ["fixed", MapFlags.FIXED, "MAP_FIXED: exactly there, whatever is mapped"],
  ["noreplace", MapFlags.FIXED_NOREPLACE, "MAP_FIXED_NOREPLACE: exactly there, or EEXIST"],
  ["growsdown", MapFlags.GROWSDOWN, "MAP_GROWSDOWN: a stack"],
  ["stack", MapFlags.STACK, "MAP_STACK: for a thread's stack; no huge pages"],
  ["locked", MapFlags.LOCKED, "MAP_LOCKED: as mlock"],
  ["populate", MapFlags.POPULATE, "MAP_POPULATE: touch its pages at once"],
  ["nonblock", MapFlags.NONBLOCK, "MAP_NONBLOCK: populate nothing"],
  ["noreserve", MapFlags.NORESERVE, "MAP_NORESERVE: not accounted"],
  ["hugetlb", MapFlags.HUGETLB, "MAP_HUGETLB: huge pages"],
  ["32bit", MapFlags.MAP_32BIT, "MAP_32BIT: below 2 GiB"],
  ["above4g", MapFlags.ABOVE4G, "MAP_ABOVE4G: above 4 GiB"],
  ["sync", MapFlags.SYNC, "MAP_SYNC: for persistent memory"],
  ["denywrite", MapFlags.DENYWRITE, "MAP_DENYWRITE: ignored"],
  ["executable", MapFlags.EXECUTABLE, "MAP_EXECUTABLE: ignored"],
];

export const MREMAP_WORDS: readonly FlagWord[] = [
  ["maymove", MremapFlags.MAYMOVE, "MREMAP_MAYMOVE: elsewhere if it cannot grow here"],
  ["fixed", MremapFlags.FIXED, "MREMAP_FIXED: to the address given with to"],
  ["dontunmap", MremapFlags.DONTUNMAP, "MREMAP_DONTUNMAP: the old range stays, empty"],
];

export const MLOCK_WORDS: readonly FlagWord[] = [
  ["onfault", MlockFlags.ONFAULT, "MLOCK_ONFAULT: lock pages when they are touched"],
];

export const MLOCKALL_WORDS: readonly FlagWord[] = [
  ["current", MlockFlags.CURRENT, "MCL_CURRENT: all there is"],
  ["future", MlockFlags.FUTURE, "MCL_FUTURE: all there will be"],
  ["onfault", MlockFlags.ALL_ONFAULT, "MCL_ONFAULT: when touched"],
];

export const MSYNC_WORDS: readonly FlagWord[] = [
  ["async", MsyncFlags.ASYNC, "MS_ASYNC"],
  ["sync", MsyncFlags.SYNC, "MS_SYNC"],
  ["invalidate", MsyncFlags.INVALIDATE, "MS_INVALIDATE"],
];

/** `dontneed`, `guard_install`: madvise's words. */
export const ADVICE: ReadonlyMap<string, number> = new Map(
  Object.entries(Madvise).map(([name, value]) => [name.toLowerCase(), value]),
);

export const ACCESS = ["read", "write", "exec"] as const;

/** The words for `flags`; what no word names comes out as `flags=0x...`, which is the whole. */
export function flagWords(flags: number, words: readonly FlagWord[]): string[] {
  let rest = flags;
  const found: string[] = [];
  for (const [word, bits] of words) {
    if ((rest & bits) !== bits) continue;
    found.push(word);
    rest &= ~bits;
  }
  return rest === 0 ? found : [`flags=0x${(flags >>> 0).toString(16)}`];
}
