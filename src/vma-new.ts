// VmaNew: a VMA that a file's mmap hook is making, not yet in the tree.
//
// Nobody else can find it, so its flags may be changed without a lock; when the hook returns
// it is what every VMA is, and this view of it is dead. Floor: S2. Imports: shared, errors, vma.

import { Errno } from "../assembly/shared/errno.js";
import { VmBit } from "../assembly/shared/flags.js";
import { MmError } from "./errors.js";
import { hasFlags, VmFlags } from "./flags.js";
import { VmaMixedMap, VmaRef } from "./vma.js";

/** The operations of a kind of file (f_ops): {@link Engine.registerFileOps}. */
export interface FileOps {
  /**
   * Called by mmap of such a file, in the worker that maps, under the mmap write lock, with the
   * new VMA before anybody can find it. A mapping that merges with a neighbour calls no hook.
   * Must not wait, change the same space, or keep `vma`. What it throws ends the mmap: an
   * MmError with its errno, anything else as it is.
   */
  mmap(vma: VmaNew): void;
}

/**
 * A VMA under construction, for the time of one call of {@link FileOps.mmap}; use afterwards
 * throws TypeError. It has every member of {@link VmaRef}.
 *
 * Source: `VmaNew`, rust/kernel/mm/virt.rs.
 */
export class VmaNew extends VmaRef {
  #over = false;

  /** @internal The hook has returned. */
  retire(): void {
    this.#over = true;
  }

  /** @internal */
  override assertLive(): void {
    if (this.#over) throw new TypeError("VmaNew used after its mmap hook returned");
  }

  /** Sets VM_MIXEDMAP: pages may be put in, and the mapping never merges. */
  setMixedmap(): VmaMixedMap {
    this.#set(VmBit.MIXEDMAP);
    return new VmaMixedMap(this);
  }

  /** Sets VM_IO: never merges, never locked, and madvise(DOFORK) is refused. */
  setIo(): void {
    this.#set(VmBit.IO);
  }

  /** Sets VM_DONTEXPAND: never merges, and mremap cannot grow it. */
  setDontexpand(): void {
    this.#set(VmBit.DONTEXPAND);
  }

  /** Sets VM_DONTCOPY: not in a fork's child. For ever only with {@link setIo}: else DOFORK clears it. */
  setDontcopy(): void {
    this.#set(VmBit.DONTCOPY);
  }

  /** Sets VM_DONTDUMP. For ever only with a bit that forbids merging: else DODUMP clears it. */
  setDontdump(): void {
    this.#set(VmBit.DONTDUMP);
  }

  /** Mapped with PROT_READ. */
  readable(): boolean {
    return hasFlags(this.flags, VmFlags.READ);
  }

  /** Takes away that it may ever become readable. @throws MmError EINVAL it is readable */
  tryClearMayread(): void {
    this.#clearMay("tryClearMayread", this.readable(), VmBit.MAYREAD);
  }

  /** Mapped with PROT_WRITE. */
  writable(): boolean {
    return hasFlags(this.flags, VmFlags.WRITE);
  }

  /** Takes away that it may ever become writable. @throws MmError EINVAL it is writable */
  tryClearMaywrite(): void {
    this.#clearMay("tryClearMaywrite", this.writable(), VmBit.MAYWRITE);
  }

  /** Mapped with PROT_EXEC. */
  executable(): boolean {
    return hasFlags(this.flags, VmFlags.EXEC);
  }

  /** Takes away that it may ever become executable. @throws MmError EINVAL it is executable */
  tryClearMayexec(): void {
    this.#clearMay("tryClearMayexec", this.executable(), VmBit.MAYEXEC);
  }

  #set(bit: VmBit): void {
    this.context.core.x.vma_update_flags(this.asPtr(), 1 << bit, 0);
  }

  #clearMay(call: string, inUse: boolean, bit: VmBit): void {
    if (inUse) throw new MmError(Errno.EINVAL, call, { start: this.start, end: this.end });
    this.context.core.x.vma_update_flags(this.asPtr(), 0, 1 << bit);
  }
}
