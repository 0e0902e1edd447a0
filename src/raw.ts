// The raw plane: the wasm exports under their facade names, for hot loops.
//
// Nothing allocates and nothing is checked: addresses are numbers (bytes), handles are
// integers, errors are `-errno` and `-512` (the call would have had to wait). Locks taken
// here are not known to the facade: whoever mixes both keeps the order himself.
// docs/abi.md says what each does.
//
//   plane ──▶ { munmap, vmaStart, mmapReadLock, ... }  the exports themselves, RawCalls
//         ──▶ RawPlane.prototype                       what has to do something with the answer
//
// The table in between is another one after lockdep has come in between, and a thrower after
// dispose: who keeps the plane learns it. Floor: S1. Imports: shared, errors.

import { Abi, VmaOut } from "../assembly/shared/abi.js";
import type { Core, CoreExports } from "./core.js";
import { isErrno } from "./errors.js";

/** What the plane has of each export: its name in camelCase, its arguments and its answer. */
interface RawCalls {
  // Locks

  vmaEndRead(vma: number): void;
  mmapReadLock(mm: number): number;
  mmapReadTrylock(mm: number): number;
  mmapReadUnlock(mm: number): void;
  mmapWriteLock(mm: number): number;
  mmapWriteTrylock(mm: number): number;
  mmapWriteUnlock(mm: number): void;
  mmapWriteDowngrade(mm: number): void;

  // Fields: under a lock that covers the VMA

  vmaStart(vma: number): number;
  vmaEnd(vma: number): number;
  vmaFlags(vma: number): number;
  vmaPgoff(vma: number): number;

  // System calls: each takes the write lock itself

  mmap(
    mm: number,
    address: number,
    length: number,
    prot: number,
    flags: number,
    file: number,
    offset: number,
  ): number;
  munmap(mm: number, address: number, length: number): number;
  mprotect(mm: number, address: number, length: number, prot: number): number;
  mremap(
    mm: number,
    address: number,
    oldLength: number,
    newLength: number,
    flags: number,
    newAddress: number,
  ): number;
  brk(mm: number, address: number): number;
  madvise(mm: number, address: number, length: number, advice: number): number;
  mlock(mm: number, address: number, length: number, flags: number): number;
  munlock(mm: number, address: number, length: number): number;
  mlockall(mm: number, flags: number): number;
  munlockall(mm: number): number;
  msync(mm: number, address: number, length: number, flags: number): number;
  mincore(mm: number, address: number, length: number): number;
  mseal(mm: number, address: number, length: number, flags: number): number;
  /** The name's bytes are at the start of scratch; a negative length takes the name away. */
  setVmaName(mm: number, address: number, length: number, nameLength: number): number;
  /** remap_file_pages(2); `pgoff` in pages. */
  remapFilePages(
    mm: number,
    address: number,
    length: number,
    prot: number,
    pgoff: number,
    flags: number,
  ): number;
  /** A Fault word: outcome in the low four bits; or -errno. `access`: 0 read, 1 write, 2 exec. */
  handleMmFault(mm: number, address: number, access: number): number;

  // Address spaces

  /** 0 or -ENOMEM; so is mmget. */
  mmgrab(mm: number): number;
  mmdrop(mm: number): void;
  mmget(mm: number): number;
  mmgetNotZero(mm: number): number;
  mmput(mm: number): void;
  mmputAsync(mm: number): void;
  mmUsers(mm: number): number;
  mmCount(mm: number): number;
  /** A number of the mm, by MmStat. */
  mmStat(mm: number, stat: number): number;
  mmLimitSet(mm: number, limit: number, bytes: number): void;
  mmCapsSet(mm: number, caps: number): void;
  /** MmFlag bits, all at once. */
  mmFlagsSet(mm: number, flags: number): void;
  mmBrkInit(
    mm: number,
    startBrk: number,
    brk: number,
    dataSegment: number,
    startStack: number,
  ): void;
  mmValidate(mm: number): number;

  /** Puts a VMA as given into a free range, without merging: for restoring a snapshot. */
  vmaInstall(
    mm: number,
    start: number,
    end: number,
    flags: number,
    pgoff: number,
    file: number,
  ): number;
  /** Bits that say what keeps the VMA at `address` from merging with its successor. */
  vmaExplain(mm: number, address: number): number;
}

export interface RawPlane extends RawCalls {}

/** Integer form of the API; see docs/abi.md. Handles: `mm`, `vma`, `file` are addresses in the arena. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: fill() puts them there; a test asks for each
export class RawPlane {
  readonly #core: Core;
  /** This worker's scratch area: where a call without `out` leaves its words. */
  readonly scratch: Float64Array<ArrayBufferLike>;

  /** @internal */
  constructor(core: Core) {
    this.#core = core;
    this.scratch = core.f64;
    core.plane = this;
    this.fill();
  }

  /** The module's exports themselves, to hand to other wasm modules; docs/abi.md is their table. */
  get exports(): CoreExports {
    return this.#core.x;
  }

  /** The VMA at `address`, its lock held for reading; 0: none, or on any doubt. */
  lockVmaUnderRcu(mm: number, address: number): number {
    return this.#core.x.lock_vma_under_rcu(mm, address) >>> 0;
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

  /** The child mm, or -ENOMEM: a result in [-4095, -1] is an error, any other is an address. */
  fork(mm: number): number {
    const child = this.#core.x.mm_fork(mm);
    return isErrno(child) ? child : child >>> 0;
  }
  mmFirst(): number {
    return this.#core.x.mm_first() >>> 0;
  }
  mmNext(mm: number): number {
    return this.#core.x.mm_next(mm) >>> 0;
  }

  /** @internal The core's exports are others now. */
  fill(): void {
    const calls: Record<string, unknown> = {};
    const exports = this.#core.x as unknown as Record<string, unknown>;
    for (const name in exports) {
      const camelCase = name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
      if (!(camelCase in RawPlane.prototype)) calls[camelCase] = exports[name];
    }
    Object.setPrototypeOf(calls, RawPlane.prototype);
    Object.setPrototypeOf(this, calls);
  }
}

function copyVma(from: Float64Array, out: Float64Array): void {
  for (let i = 0; i < VmaOut.COUNT; i++) out[i] = from[i] as number;
}
