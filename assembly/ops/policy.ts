// Settings that refuse or change what a call asks for: MDWE, READ_IMPLIES_EXEC.
// Source: include/linux/mman.h (map_deny_write_exec), personality(2), PR_SET_MDWE(2const).
//
// Context: mmap write lock. Floor: ops. Imports: base, mm/flags.

import { Mm } from "../base/layout";
import { VM_EXEC, VM_WRITE } from "../mm/flags";
import { MmFlag } from "../shared/abi";

export function mm_has_flag(mm: usize, flag: MmFlag): bool {
  return (load<u32>(mm, Mm.FLAGS) & flag) != 0;
}

/** R-MDWE-1..3: write and exec together, or exec that was not there. */
export function denies_write_exec(mm: usize, old: u64, flags: u64): bool {
  if (!mm_has_flag(mm, MmFlag.MDWE) || (flags & VM_EXEC) == 0) return false;
  return (flags & VM_WRITE) != 0 || (old & VM_EXEC) == 0;
}

/** What a fork's child keeps (R-FORK-12). */
export function inherited_flags(mm: usize): u32 {
  const flags = load<u32>(mm, Mm.FLAGS);
  const dropped = MmFlag.MDWE | MmFlag.MDWE_NO_INHERIT;
  return (flags & MmFlag.MDWE_NO_INHERIT) != 0 ? flags & ~dropped : flags;
}
