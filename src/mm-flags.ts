// Settings of prctl(2) and personality(2) that mmap and mprotect obey: MmFlag bits.
//
// Floor: S2. Imports: shared, core, errors.

import { MmFlag, MmStat } from "../assembly/shared/abi.js";
import { Errno } from "../assembly/shared/errno.js";
import { assertFields, shown } from "./address.js";
import type { Core } from "./core.js";
import { checked, MmError } from "./errors.js";
import type { MmWithUser } from "./mm.js";

const MDWE = MmFlag.MDWE | MmFlag.MDWE_NO_INHERIT;

/** MmFlag bits of a mode of PR_SET_MDWE. @throws TypeError an unknown mode */
export function mdweBits(mode: boolean | "no-inherit"): number {
  if (mode === "no-inherit") return MDWE;
  if (typeof mode === "boolean") return mode ? MmFlag.MDWE : 0;
  throw new TypeError(`mdwe must be a boolean or "no-inherit", not ${shown(mode)}`);
}

/** What personality(2) can set here. */
export interface Persona {
  readonly readImpliesExec: boolean;
}

/** PR_SET_MDWE: once set it neither goes nor changes. */
export function setMdwe(mm: MmWithUser, mode: true | "no-inherit"): void {
  const wanted = mdweBits(mode);
  if (wanted === 0) throw new TypeError("mdwe cannot be taken back");
  changeFlags(mm, "setMdwe", (flags) => {
    const now = flags & MDWE;
    if (now !== 0 && now !== wanted) throw new MmError(Errno.EPERM, "setMdwe", { mode: `${mode}` });
    return flags | wanted;
  });
}

export function getMdwe(core: Core, mm: number): boolean | "no-inherit" {
  const flags = flagsOf(core, mm);
  if ((flags & MmFlag.MDWE_NO_INHERIT) !== 0) return "no-inherit";
  return (flags & MmFlag.MDWE) !== 0;
}

export function personality(mm: MmWithUser, persona: Persona): void {
  assertFields(persona, "persona");
  const { readImpliesExec } = persona;
  changeFlags(mm, "personality", (flags) =>
    readImpliesExec ? flags | MmFlag.READ_IMPLIES_EXEC : flags & ~MmFlag.READ_IMPLIES_EXEC,
  );
}

/** What exec keeps: MDWE unless it is not inherited, and what the kernel was built with. */
export function flagsAfterExec(flags: number): number {
  const kept = flags & (MmFlag.MDWE | MmFlag.NO_VMA_NAMES);
  return (flags & MmFlag.MDWE_NO_INHERIT) !== 0 ? kept & ~MmFlag.MDWE : kept;
}

/** MmFlag bits. */
export function flagsOf(core: Core, mm: number): number {
  return core.x.mm_stat(mm, MmStat.FLAGS);
}

/** Under the write lock: a call under way sees the old flags or the new ones throughout. */
function changeFlags(mm: MmWithUser, call: string, change: (flags: number) => number): void {
  mm.enter(call);
  const { core } = mm.context;
  const { pointer } = mm;
  checked(core.x.mmap_write_lock(pointer), call);
  try {
    core.x.mm_flags_set(pointer, change(flagsOf(core, pointer)));
  } finally {
    core.x.mmap_write_unlock(pointer);
  }
}
