// The raw plane: the wasm exports under their facade names, for hot loops.
//
// Nothing allocates and nothing is checked: addresses are numbers (bytes), handles are
// integers, errors are `-errno` and `-512` (the call would have had to wait). Locks taken
// here are not known to the facade: whoever mixes both keeps the order himself.
// docs/abi.md says what each does. Floor: S2. Imports: shared, core, errors.

import { Abi, VmaOut } from "../assembly/shared/abi.js";
import type { Core, CoreExports } from "./core.js";
import { isErrno } from "./errors.js";

/** Integer form of the API; see docs/abi.md. Handles: `mm`, `vma`, `file` are addresses in the arena. */
export class RawPlane {
  readonly #core: Core;
  /** This worker's scratch area: where a call without `out` leaves its words. */
  readonly scratch: Float64Array<ArrayBufferLike>;

  /** @internal */
  constructor(core: Core) {
    this.#core = core;
    this.scratch = core.f64;
  }

  /** The module's exports themselves, to hand to other wasm modules; docs/abi.md is their table. */
  get exports(): CoreExports {
    return this.#core.x;
  }

  // Locks

  lockVmaUnderRcu(mm: number, address: number): number {
    return this.#core.x.lock_vma_under_rcu(mm, address) >>> 0;
  }
  vmaEndRead(vma: number): void {
    this.#core.x.vma_end_read(vma);
  }
  mmapReadLock(mm: number): number {
    return this.#core.x.mmap_read_lock(mm);
  }
  mmapReadTrylock(mm: number): number {
    return this.#core.x.mmap_read_trylock(mm);
  }
  mmapReadUnlock(mm: number): void {
    this.#core.x.mmap_read_unlock(mm);
  }
  mmapWriteLock(mm: number): number {
    return this.#core.x.mmap_write_lock(mm);
  }
  mmapWriteTrylock(mm: number): number {
    return this.#core.x.mmap_write_trylock(mm);
  }
  mmapWriteUnlock(mm: number): void {
    this.#core.x.mmap_write_unlock(mm);
  }
  mmapWriteDowngrade(mm: number): void {
    this.#core.x.mmap_write_downgrade(mm);
  }

  // Look-ups: under a lock that covers the VMA

  vmaLookup(mm: number, address: number): number {
    return this.#core.x.vma_lookup(mm, address) >>> 0;
  }
  findVma(mm: number, address: number): number {
    return this.#core.x.find_vma(mm, address) >>> 0;
  }
  findVmaPrev(mm: number, address: number): number {
    return this.#core.x.find_vma_prev(mm, address) >>> 0;
  }
  vmaStart(vma: number): number {
    return this.#core.x.vma_start(vma);
  }
  vmaEnd(vma: number): number {
    return this.#core.x.vma_end(vma);
  }
  vmaFlags(vma: number): number {
    return this.#core.x.vma_flags(vma);
  }
  vmaPgoff(vma: number): number {
    return this.#core.x.vma_pgoff(vma);
  }
  vmaFile(vma: number): number {
    return this.#core.x.vma_file(vma) >>> 0;
  }
  vmaMm(vma: number): number {
    return this.#core.x.vma_mm(vma) >>> 0;
  }
  vmaAnonVma(vma: number): number {
    return this.#core.x.vma_anon_vma(vma) >>> 0;
  }

  /** All fields of a VMA as VmaOut words, into `out` (or scratch). */
  vmaRead(vma: number, out: Float64Array = this.scratch): void {
    const core = this.#core;
    core.x.vma_read(vma, core.scratch);
    if (out !== this.scratch) copyVma(this.scratch, out);
  }

  /** Seqcount read of the VMA at `address` as VmaOut words: 1 found, 0 hole, -EAGAIN under constant writing. */
  peek(mm: number, address: number, out: Float64Array = this.scratch): number {
    const core = this.#core;
    const found = core.x.peek(mm, address, core.scratch);
    if (found === 1 && out !== this.scratch) copyVma(this.scratch, out);
    return found;
  }

  /**
   * Many look-ups in one call: `out[i]` becomes the VMA at `addresses[i]`, or 0. Returns how
   * many were found. Under the mmap lock; without it the answers are hints.
   */
  lookupMany(mm: number, addresses: Float64Array, out: Uint32Array): number {
    const core = this.#core;
    const { x } = core;
    const outAt = core.scratch + Abi.BATCH * 8;
    const outWord = Abi.BATCH * 2;
    let found = 0;
    for (let from = 0; from < addresses.length; from += Abi.BATCH) {
      const n = Math.min(Abi.BATCH, addresses.length - from);
      for (let i = 0; i < n; i++) core.f64[i] = addresses[from + i] as number;
      found += x.lookup_many(mm, core.scratch, outAt, n);
      for (let i = 0; i < n; i++) out[from + i] = core.u32[outWord + i] as number;
    }
    return found;
  }

  // System calls: each takes the write lock itself

  mmap(
    mm: number,
    address: number,
    length: number,
    prot: number,
    flags: number,
    file: number,
    offset: number,
  ): number {
    return this.#core.x.mmap(mm, address, length, prot, flags, file, offset);
  }
  munmap(mm: number, address: number, length: number): number {
    return this.#core.x.munmap(mm, address, length);
  }
  mprotect(mm: number, address: number, length: number, prot: number): number {
    return this.#core.x.mprotect(mm, address, length, prot);
  }
  mremap(
    mm: number,
    address: number,
    oldLength: number,
    newLength: number,
    flags: number,
    newAddress: number,
  ): number {
    return this.#core.x.mremap(mm, address, oldLength, newLength, flags, newAddress);
  }
  brk(mm: number, address: number): number {
    return this.#core.x.brk(mm, address);
  }
  madvise(mm: number, address: number, length: number, advice: number): number {
    return this.#core.x.madvise(mm, address, length, advice);
  }
  mlock(mm: number, address: number, length: number, flags: number): number {
    return this.#core.x.mlock(mm, address, length, flags);
  }
  munlock(mm: number, address: number, length: number): number {
    return this.#core.x.munlock(mm, address, length);
  }
  mlockall(mm: number, flags: number): number {
    return this.#core.x.mlockall(mm, flags);
  }
  munlockall(mm: number): number {
    return this.#core.x.munlockall(mm);
  }
  msync(mm: number, address: number, length: number, flags: number): number {
    return this.#core.x.msync(mm, address, length, flags);
  }
  mincore(mm: number, address: number, length: number): number {
    return this.#core.x.mincore(mm, address, length);
  }
  mseal(mm: number, address: number, length: number, flags: number): number {
    return this.#core.x.mseal(mm, address, length, flags);
  }
  /** remap_file_pages(2); `pgoff` in pages. */
  /** The name's bytes are at the start of scratch; a negative length takes the name away. */
  setVmaName(mm: number, address: number, length: number, nameLength: number): number {
    return this.#core.x.set_vma_name(mm, address, length, nameLength);
  }
  remapFilePages(
    mm: number,
    address: number,
    length: number,
    prot: number,
    pgoff: number,
    flags: number,
  ): number {
    return this.#core.x.remap_file_pages(mm, address, length, prot, pgoff, flags);
  }
  /** The child mm, or -ENOMEM: a result in [-4095, -1] is an error, any other is an address. */
  fork(mm: number): number {
    return pointerOrErrno(this.#core.x.mm_fork(mm));
  }
  /** A Fault word: outcome in the low four bits; or -errno. `access`: 0 read, 1 write, 2 exec. */
  handleMmFault(mm: number, address: number, access: number): number {
    return this.#core.x.handle_mm_fault(mm, address, access);
  }

  // Address spaces

  /** 0 or -ENOMEM; so is mmget. */
  mmgrab(mm: number): number {
    return this.#core.x.mmgrab(mm);
  }
  mmdrop(mm: number): void {
    this.#core.x.mmdrop(mm);
  }
  mmget(mm: number): number {
    return this.#core.x.mmget(mm);
  }
  mmgetNotZero(mm: number): number {
    return this.#core.x.mmget_not_zero(mm);
  }
  mmput(mm: number): void {
    this.#core.x.mmput(mm);
  }
  mmputAsync(mm: number): void {
    this.#core.x.mmput_async(mm);
  }
  mmUsers(mm: number): number {
    return this.#core.x.mm_users(mm);
  }
  mmCount(mm: number): number {
    return this.#core.x.mm_count(mm);
  }
  /** A number of the mm, by MmStat. */
  mmStat(mm: number, stat: number): number {
    return this.#core.x.mm_stat(mm, stat);
  }
  mmLimitSet(mm: number, limit: number, bytes: number): void {
    this.#core.x.mm_limit_set(mm, limit, bytes);
  }
  mmCapsSet(mm: number, caps: number): void {
    this.#core.x.mm_caps_set(mm, caps);
  }
  /** MmFlag bits, all at once. */
  mmFlagsSet(mm: number, flags: number): void {
    this.#core.x.mm_flags_set(mm, flags);
  }
  mmBrkInit(
    mm: number,
    startBrk: number,
    brk: number,
    dataSegment: number,
    startStack: number,
  ): void {
    this.#core.x.mm_brk_init(mm, startBrk, brk, dataSegment, startStack);
  }
  mmValidate(mm: number): number {
    return this.#core.x.mm_validate(mm);
  }
  mmFirst(): number {
    return this.#core.x.mm_first() >>> 0;
  }
  mmNext(mm: number): number {
    return this.#core.x.mm_next(mm) >>> 0;
  }

  /** Puts a VMA as given into a free range, without merging: for restoring a snapshot. */
  vmaInstall(
    mm: number,
    start: number,
    end: number,
    flags: number,
    pgoff: number,
    file: number,
  ): number {
    return this.#core.x.vma_install(mm, start, end, flags, pgoff, file);
  }
  /** Bits that say what keeps the VMA at `address` from merging with its successor. */
  vmaExplain(mm: number, address: number): number {
    return this.#core.x.vma_explain(mm, address);
  }
}

function copyVma(from: Float64Array, out: Float64Array): void {
  for (let i = 0; i < VmaOut.COUNT; i++) out[i] = from[i] as number;
}

function pointerOrErrno(result: number): number {
  return isErrno(result) ? result : result >>> 0;
}
