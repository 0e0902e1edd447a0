// `vmaple/process`: what a process's own calls make of its space: execve(2), prctl(2),
// personality(2), setrlimit(2). A subpath of its own: a program that only maps needs none of them.
//
// Floor: S4. Imports: shared, errors, exec, mm-flags, mm-options, read-space.

import { Limit, MmFlag } from "../assembly/shared/abi.js";
import { Errno } from "../assembly/shared/errno.js";
import { assertFields } from "./address.js";
import { checked, MmError } from "./errors.js";
import { type ExecOptions, execSpace } from "./exec.js";
import type { MmWithUser } from "./mm.js";
import { flagsOf, MDWE, mdweBits } from "./mm-flags.js";
import { limitWord, type Rlimits } from "./mm-options.js";
import { assertSpace } from "./read-space.js";

export type { ExecOptions } from "./exec.js";

const LIMITS = [
  ["as", Limit.AS],
  ["data", Limit.DATA],
  ["memlock", Limit.MEMLOCK],
  ["stack", Limit.STACK],
] as const;

/** What personality(2) can set here. */
export interface Persona {
  readonly readImpliesExec: boolean;
}

/**
 * The address space that execve(2) would give the process of `mm`: empty but for the stack, with
 * the settings and limits of `mm`, which stays as it is. The caller owns its first user.
 *
 * @throws MmError ENOMEM the arena is full, or the stack finds no room below the end of the task
 * or exceeds RLIMIT_AS (where Linux kills the process)
 */
export function exec(mm: MmWithUser, options: ExecOptions = {}): MmWithUser {
  assertSpace(mm);
  const { context, pointer } = mm;
  return context.makers.user(context, execSpace(context.core, pointer, options));
}

/**
 * prctl(PR_SET_MDWE): from now on no mapping may be writable and executable at once, or become
 * executable (EACCES). `no-inherit`: not for children of fork and exec. It is for ever.
 *
 * @throws MmError EPERM it is set already, in the other way
 */
export function setMdwe(mm: MmWithUser, mode: true | "no-inherit" = true): void {
  assertSpace(mm);
  const wanted = mdweBits(mode);
  if (wanted === 0) throw new TypeError("mdwe cannot be taken back");
  changeFlags(mm, "setMdwe", (flags) => {
    const now = flags & MDWE;
    if (now !== 0 && now !== wanted) throw new MmError(Errno.EPERM, "setMdwe", { mode: `${mode}` });
    return flags | wanted;
  });
}

/** prctl(PR_GET_MDWE). */
export function getMdwe(mm: MmWithUser): boolean | "no-inherit" {
  assertSpace(mm);
  const flags = flagsOf(mm.context.core, mm.pointer);
  if ((flags & MmFlag.MDWE_NO_INHERIT) !== 0) return "no-inherit";
  return (flags & MmFlag.MDWE) !== 0;
}

/** personality(2): with READ_IMPLIES_EXEC, mappings that ask for READ get EXEC too. */
export function personality(mm: MmWithUser, persona: Persona): void {
  assertSpace(mm);
  assertFields(persona, "persona");
  const { readImpliesExec } = persona;
  changeFlags(mm, "personality", (flags) =>
    readImpliesExec ? flags | MmFlag.READ_IMPLIES_EXEC : flags & ~MmFlag.READ_IMPLIES_EXEC,
  );
}

/** setrlimit(2) for this space; what is left out stays. Bytes; Infinity is unlimited. */
export function setRlimits(mm: MmWithUser, limits: Rlimits): void {
  assertSpace(mm);
  assertFields(limits, "limits");
  const { context, pointer } = mm;
  const words = LIMITS.map(([name, limit]) => [limit, limitWord(limits, name, null)] as const);
  for (const [limit, bytes] of words) {
    if (bytes !== null) context.core.x.mm_limit_set(pointer, limit, bytes);
  }
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
