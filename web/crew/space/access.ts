// The page's own thread at the engine: it must never block, so locks are awaited.

import { type MmapWriteGuard, type MmWithUser, WouldBlockError } from "../../../src/index.js";
import { type Mapping, parseMaps } from "./maps.js";

/** The space at one moment. */
export interface SpaceView {
  readonly text: string;
  readonly mappings: readonly Mapping[];
  /** Changes whenever the space may have changed. */
  readonly sequence: number;
}

const CHANGE_TRIES = 50;

/** Reads the whole map under one read lock. */
export async function readSpace(mm: MmWithUser): Promise<SpaceView> {
  using _guard = await mm.mmapReadLockAsync();
  const text = mm.maps();
  return { text, mappings: parseMaps(text), sequence: mm.stat().sequence };
}

/**
 * Makes one change under the mmap write lock. A fault in another worker may hold a VMA for
 * a moment: then nothing was changed, and it is tried again.
 *
 * @throws MmError the call was refused
 */
export async function change<Result>(
  mm: MmWithUser,
  call: (guard: MmapWriteGuard) => Result,
): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      using guard = await mm.mmapWriteLockAsync();
      return call(guard);
    } catch (error) {
      if (!(error instanceof WouldBlockError) || tries === CHANGE_TRIES) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
