// Guards: proof that this worker holds a lock of an address space.
//
//   MmapReadGuard    the mmap lock for reading: look-ups
//   MmapWriteGuard   for writing: look-ups and every system call, without taking the lock
//   VmaReadGuard     one VMA's lock: that VMA
//
// Invariants
//   G1  while a guard is not released, the lock's word counts it, and the MmWithUser it
//       was made from cannot be disposed (R-RUST-74).
//   G2  release happens once, by the worker that acquired (a guard cannot travel).
//   G3  a generation moves on at release and at each change under a write guard; it is
//       what kills VmaRefs (vma.ts R1).
//
// Floor: S2. Imports: address, handle, vma, system-calls.

import { MmStat } from "../assembly/shared/abi.js";
import { type Address, asNumber, clamped } from "./address.js";
import type { Context } from "./context.js";
import type { CallTable, CoreExports } from "./core.js";
import { checked } from "./errors.js";
import { notThreadSafe } from "./handle.js";
import type { MmWithUser } from "./mm.js";
import { withSystemCalls } from "./system-calls.js";
import { VmaRef, type VmaScope } from "./vma.js";

/** A range without mappings, `[start, end)` in bytes. */
export interface Gap {
  readonly start: number;
  readonly end: number;
}

/**
 * Proof that this worker holds an address space's mmap lock for reading.
 *
 * Obtained from {@link MmWithUser.mmapReadLock} and its try and async forms; released by
 * `using` or `dispose`. Belongs to the worker that took it: it cannot be sent, and every
 * VmaRef looked up through it dies with it. It cannot be upgraded to a write lock.
 *
 * Source: `MmapReadGuard`, rust/kernel/mm.rs.
 *
 * @invariant while `!released`, the reader count of the mmap lock includes this guard
 */
export class MmapReadGuard implements Disposable, VmaScope {
  /** Makes `postMessage` and `structuredClone` fail. */
  readonly notThreadSafe: () => never = notThreadSafe;
  readonly #owner: MmWithUser;
  readonly #mm: number;
  #generation = 1;
  #released = false;

  /** @internal Context: the lock is held, for this guard. */
  constructor(owner: MmWithUser) {
    this.#owner = owner;
    this.#mm = owner.pointer;
    owner.addGuard(1);
    this.count(1);
    owner.context.leaks.addGuard(this, this.kind, this.#mm);
  }

  /** @internal */
  get kind(): string {
    return "MmapReadGuard";
  }

  /** True after dispose (or downgrade). */
  get released(): boolean {
    return this.#released;
  }

  /** @internal */
  get generation(): number {
    return this.#generation;
  }

  /** @internal */
  get context(): Context {
    return this.#owner.context;
  }

  /** @internal The mm. @throws TypeError after release */
  get pointer(): number {
    if (this.#released) throw new TypeError(`${this.kind} used after release`);
    return this.#mm;
  }

  /** @internal */
  staleReason(): string {
    return this.#released ? "its guard's release" : "a change through its write guard";
  }

  /** The space this guard locks: the handle it was made from. */
  mm(): MmWithUser {
    this.pointer;
    return this.#owner;
  }

  /** The VMA that contains `address`, or null if nothing is mapped there. */
  vmaLookup(address: Address): VmaRef | null {
    return this.#ref(this.exports().vma_lookup(this.#mm, clamped(address, "address")));
  }

  /** The first VMA that ends above `address`: it contains it, or is the next one; null at the end. */
  findVma(address: Address): VmaRef | null {
    return this.#ref(this.exports().find_vma(this.#mm, clamped(address, "address")));
  }

  /**
   * The VMAs that end above `from`, in order of address. Under a write guard the space may
   * be changed between steps: each step looks on from the end of the last VMA.
   */
  *vmas(from: Address = 0): Generator<VmaRef, void, undefined> {
    let at = asNumber(from, "from");
    while (true) {
      const ref = this.findVma(at);
      if (ref === null) return;
      at = ref.end;
      yield ref;
    }
  }

  /** The ranges in `[from, to)` where nothing is mapped, in order, none empty. Default: the whole space. */
  *gaps(from: Address = 0, to?: Address): Generator<Gap, void, undefined> {
    const size = this.exports().mm_stat(this.#mm, MmStat.TASK_SIZE);
    const limit = Math.min(size, to === undefined ? size : asNumber(to, "to"));
    let at = asNumber(from, "from");
    while (at < limit) {
      const next = this.findVma(at);
      const end = next === null ? limit : Math.min(next.start, limit);
      const after = next === null ? limit : next.end;
      if (end > at) yield { start: at, end };
      at = after;
    }
  }

  /** Releases the lock. Does nothing the second time. @throws TypeError inside an mmap hook */
  dispose(): void {
    if (this.#released) return;
    this.#owner.locks.assertNoHook();
    this.unlock(this.context.core.x, this.#mm);
    this.end();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** @internal */
  protected get owner(): MmWithUser {
    return this.#owner;
  }

  /** @internal Enters the guard in, or takes it out of, what this worker holds. */
  protected count(n: 1 | -1): void {
    this.#owner.locks.addRead(n);
  }

  /** @internal */
  protected unlock(x: CoreExports, mm: number): void {
    x.mmap_read_unlock(mm);
  }

  /** @internal The guard is over; the lock itself is already somebody else's business. */
  protected end(): void {
    this.#released = true;
    this.#generation++;
    this.count(-1);
    this.#owner.addGuard(-1);
    this.context.leaks.removeGuard(this);
  }

  /** @internal Every VmaRef of this guard is stale from here on. */
  protected change(): void {
    this.pointer;
    this.#generation++;
  }

  /** @internal */
  protected exports(): CoreExports {
    this.pointer;
    return this.context.core.x;
  }

  #ref(vma: number): VmaRef | null {
    return vma === 0 ? null : new VmaRef(this.context, vma >>> 0, this);
  }
}

const WithSystemCalls = /* @__PURE__ */ withSystemCalls(MmapReadGuard);

/**
 * Proof that this worker holds the mmap lock for writing: nobody else reads or writes.
 *
 * Besides the look-ups it has every system call of {@link MmWithUser}, without taking the
 * lock, so that several become one step for all others. Each call that may change the
 * space kills the VmaRefs looked up before it. VMAs written under it stay write-locked,
 * and per-VMA look-ups of others fail on them, until it is released or downgraded.
 *
 * A change waits for other workers' VMA read guards in its range. A thread that must not block
 * (a browser's main thread) gets WouldBlockError instead, with nothing changed and this guard
 * still held: release it and make the call again in a later turn of the event loop.
 *
 * @invariant while `!released`, mm_lock_seq is odd
 */
export class MmapWriteGuard extends WithSystemCalls {
  override get kind(): string {
    return "MmapWriteGuard";
  }

  /** @internal */
  override get calls(): CallTable {
    return this.context.core.lockedCalls;
  }

  /**
   * @internal What changes the space makes every VmaRef of this guard stale.
   * @throws TypeError the change would wait for a VMA read guard that this worker holds itself
   */
  override enter(call: string): void {
    if (call === "msync" || call === "mincore") return;
    this.owner.locks.assertNoHook();
    this.change();
    if (this.owner.locks.vmaReads === 0) return;
    throw new TypeError(
      `${call}: this worker holds a VMA read guard, for which it would wait: release it first`,
    );
  }

  /** @internal */
  override underWriteLock<Result>(body: () => Result): Result {
    const { locks } = this.owner;
    locks.inHook = true;
    try {
      return body();
    } finally {
      locks.inHook = false;
      this.change(); // what the hook looked up through this guard is stale
    }
  }

  /**
   * Turns this guard into a read guard without letting another writer in between. Consumes it.
   *
   * @throws MmError EAGAIN this worker reads as many spaces as its seat has room for (8); the guard stays
   */
  downgrade(): MmapReadGuard {
    const owner = this.mm();
    owner.locks.assertNoHook();
    checked(this.context.core.x.mmap_write_downgrade(this.pointer), "mmapWriteDowngrade");
    this.end();
    return new MmapReadGuard(owner);
  }

  protected override count(n: 1 | -1): void {
    this.owner.locks.addWrite(n);
  }

  protected override unlock(x: CoreExports, mm: number): void {
    x.mmap_write_unlock(mm);
  }
}

/**
 * Proof that this worker holds one VMA's lock for reading: the VMA stays as it is, and has
 * every member of {@link VmaRef}.
 *
 * Obtained from {@link MmWithUser.lockVmaUnderRcu}; released by `using` or `dispose`. While
 * it is held this worker must not take the mmap lock of the same space: a writer may hold
 * that lock and wait for this guard (such a call throws TypeError).
 *
 * Source: `VmaReadGuard`, rust/kernel/mm/virt.rs.
 *
 * @invariant while `!released`, vm_refcnt of the VMA includes this guard
 */
export class VmaReadGuard extends VmaRef implements Disposable {
  readonly #owner: MmWithUser;
  #released = false;

  /** @internal Context: the VMA is read-locked, for this guard. */
  constructor(owner: MmWithUser, vma: number) {
    super(owner.context, vma, null);
    this.#owner = owner;
    owner.addGuard(1);
    owner.locks.addVmaRead(1);
    owner.context.leaks.addGuard(this, "VmaReadGuard", vma);
  }

  /** True after dispose. */
  get released(): boolean {
    return this.#released;
  }

  /** @internal */
  override assertLive(): void {
    if (this.#released) throw new TypeError("VmaReadGuard used after release");
  }

  /** Releases the lock. Does nothing the second time. */
  dispose(): void {
    if (this.#released) return;
    const owner = this.#owner;
    owner.context.core.x.vma_end_read(this.asPtr());
    this.#released = true;
    owner.locks.addVmaRead(-1);
    owner.addGuard(-1);
    owner.context.leaks.removeGuard(this);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
