// Reading a whole address space: under the lock this worker holds, or the read lock.
//
// Floor: S2. Imports: address, core, errors, maps-text.

import { shown } from "./address.js";
import type { Core } from "./core.js";
import { checked } from "./errors.js";
import { MapsReader, type VmaSnapshot } from "./maps-text.js";
import type { MmWithUser } from "./mm.js";

/** For functions that take a space as their argument. @throws TypeError it is none */
export function assertSpace(mm: MmWithUser): void {
  if ((mm as MmWithUser | null | undefined)?.locks === undefined)
    throw new TypeError(`mm must be a MmWithUser, not ${shown(mm)}`);
}

/**
 * What `read` makes of the space.
 *
 * @throws TypeError the call would wait for what this worker holds itself
 * @throws WouldBlockError the lock is taken and this thread must not block
 */
export function readSpace<Result>(
  mm: MmWithUser,
  call: string,
  read: (core: Core, mm: number) => Result,
): Result {
  const { pointer } = mm;
  const { core } = mm.context;
  if (mm.locks.held) return read(core, pointer);
  mm.enter(call);
  checked(core.x.mmap_read_lock(pointer), call);
  try {
    return read(core, pointer);
  } finally {
    core.x.mmap_read_unlock(pointer);
  }
}

/** Copies of all VMAs, in order of address. Context: the mmap lock. */
export function* snapshots(
  core: Core,
  mm: number,
  reader: MapsReader,
): Generator<VmaSnapshot, void, undefined> {
  let at = 0;
  while (true) {
    const vma = core.x.find_vma(mm, at) >>> 0;
    if (vma === 0) return;
    const copy = reader.snapshot(vma);
    at = copy.end;
    yield copy;
  }
}

/** The text of maps. Context: the mmap lock. */
export function mapsText(core: Core, mm: number): string {
  const reader = new MapsReader(core, mm);
  let text = "";
  for (const vma of snapshots(core, mm, reader)) text += reader.line(vma);
  return text;
}
