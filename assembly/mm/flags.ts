// vm_flags as u64 masks, from the bit numbers both sides share.
//
// Floor: mm. Imports: shared/flags.

import { VmBit } from "../shared/flags";

const ONE: u64 = 1;
export const VM_READ: u64 = ONE << VmBit.READ;
export const VM_WRITE: u64 = ONE << VmBit.WRITE;
export const VM_EXEC: u64 = ONE << VmBit.EXEC;
export const VM_SHARED: u64 = ONE << VmBit.SHARED;
export const VM_MAYREAD: u64 = ONE << VmBit.MAYREAD;
export const VM_MAYWRITE: u64 = ONE << VmBit.MAYWRITE;
export const VM_MAYEXEC: u64 = ONE << VmBit.MAYEXEC;
export const VM_MAYSHARE: u64 = ONE << VmBit.MAYSHARE;
export const VM_GROWSDOWN: u64 = ONE << VmBit.GROWSDOWN;
export const VM_PFNMAP: u64 = ONE << VmBit.PFNMAP;
export const VM_MAYBE_GUARD: u64 = ONE << VmBit.MAYBE_GUARD;
export const VM_LOCKED: u64 = ONE << VmBit.LOCKED;
export const VM_IO: u64 = ONE << VmBit.IO;
export const VM_SEQ_READ: u64 = ONE << VmBit.SEQ_READ;
export const VM_RAND_READ: u64 = ONE << VmBit.RAND_READ;
export const VM_DONTCOPY: u64 = ONE << VmBit.DONTCOPY;
export const VM_DONTEXPAND: u64 = ONE << VmBit.DONTEXPAND;
export const VM_LOCKONFAULT: u64 = ONE << VmBit.LOCKONFAULT;
export const VM_ACCOUNT: u64 = ONE << VmBit.ACCOUNT;
export const VM_NORESERVE: u64 = ONE << VmBit.NORESERVE;
export const VM_HUGETLB: u64 = ONE << VmBit.HUGETLB;
export const VM_SYNC: u64 = ONE << VmBit.SYNC;
export const VM_WIPEONFORK: u64 = ONE << VmBit.WIPEONFORK;
export const VM_DONTDUMP: u64 = ONE << VmBit.DONTDUMP;
export const VM_SOFTDIRTY: u64 = ONE << VmBit.SOFTDIRTY;
export const VM_MIXEDMAP: u64 = ONE << VmBit.MIXEDMAP;
export const VM_HUGEPAGE: u64 = ONE << VmBit.HUGEPAGE;
export const VM_NOHUGEPAGE: u64 = ONE << VmBit.NOHUGEPAGE;
export const VM_MERGEABLE: u64 = ONE << VmBit.MERGEABLE;
export const VM_SHADOW_STACK: u64 = ONE << VmBit.SHADOW_STACK;
export const VM_DROPPABLE: u64 = ONE << VmBit.DROPPABLE;
export const VM_SEALED: u64 = ONE << VmBit.SEALED;

/** R-BASE-7. */
export const VM_ACCESS: u64 = VM_READ | VM_WRITE | VM_EXEC;
export const VM_LOCKED_MASK: u64 = VM_LOCKED | VM_LOCKONFAULT;
/** R-BASE-5: such VMAs never merge. */
export const VM_SPECIAL: u64 = VM_IO | VM_DONTEXPAND | VM_PFNMAP | VM_MIXEDMAP;
/** R-MERGE-11: may differ between VMAs that merge; the result has them. */
export const VM_STICKY: u64 = VM_SOFTDIRTY | VM_MAYBE_GUARD;
export const VM_MAY: u64 = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;

/** R-BASE-6, tested in this order: a VMA counts in at most one. */
export function is_exec_mapping(flags: u64): bool {
  return (flags & (VM_EXEC | VM_WRITE | VM_GROWSDOWN)) == VM_EXEC;
}

export function is_stack_mapping(flags: u64): bool {
  return (flags & (VM_GROWSDOWN | VM_SHADOW_STACK)) != 0;
}

export function is_data_mapping(flags: u64): bool {
  return (flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE;
}

/** vm_flags of a prot argument's READ, WRITE, EXEC: the bit numbers agree. */
export function prot_to_vm(prot: u32): u64 {
  return <u64>prot & VM_ACCESS;
}
