// Mm and MmWithUser: the two kinds of reference to an address space.
//
//   Mm          mm_count: the record exists
//   MmWithUser  mm_users: the space itself exists, so it can be locked and changed
//
// In one file because, as in mm.rs, each names the other.
// Floor: S3. Imports: handle, guards, system-calls, async-lock, read-space.

import { type Address, clamped, shown } from "./address.js";
import { type LockOptions, lockAsync } from "./async-lock.js";
import { Context, type LockState, type Scope } from "./context.js";
import type { CallTable } from "./core.js";
import type { Engine } from "./engine.js";
import { checked } from "./errors.js";
import { MmapReadGuard, MmapWriteGuard, VmaReadGuard } from "./guards.js";
import { Handle } from "./handle.js";
import { MapsReader, snapshotFrom, type VmaSnapshot } from "./maps-text.js";
import { type MmStatus, mmStatus } from "./mm-status.js";
import type { MmWithUserAsync } from "./mm-with-user-async.js";
import { mapsText, readSpace, snapshots } from "./read-space.js";
import { smapsText } from "./smaps-text.js";
import { withSystemCalls } from "./system-calls.js";
import { type ValidationReport, validateMm } from "./validation.js";

/** Address of an mm_struct in the arena: the raw plane's `mm`. Equal addresses are the same space. */
export type MmPtr = number;

/** peek gives up after this many looks and takes the mmap read lock. */
const PEEK_TRIES = 64;

/**
 * A reference that keeps an address space's record: one count of mm_count.
 *
 * Made by {@link Mm.mmgrab} or {@link Mm.clone}; given back by `using` or `dispose` (mmdrop).
 * The space itself may be torn down already; {@link Mm.mmgetNotZero} is the only way to it.
 * Travels through comlink: the receiver holds a count of its own.
 *
 * Source: `Mm`, rust/kernel/mm.rs.
 */
export class Mm extends Handle {
  /**
   * A borrowed view of a raw pointer: takes no count, and its dispose does nothing. The
   * caller promises that the record outlives it; `clone` makes a handle that owns a count.
   *
   * @throws TypeError there is no live record at `raw`
   */
  static fromRaw(engine: Engine, raw: MmPtr): Mm {
    const context = contextOf(engine, raw);
    return new Mm(context, raw, "raw");
  }

  protected override get kind(): string {
    return "Mm";
  }

  protected put(pointer: MmPtr): void {
    this.context.core.x.mmdrop(pointer);
  }

  /** One more reference of the same kind; the caller disposes it. */
  clone(): Mm {
    return this.mmgrab();
  }

  /** A reference to the record alone: it does not keep the space from being torn down. */
  mmgrab(): Mm {
    const pointer = this.pointer;
    checked(this.context.core.x.mmgrab(pointer), "mmgrab");
    return new Mm(this.context, pointer);
  }

  /** A reference to the space, or null once mm_users has reached zero: that is final. */
  mmgetNotZero(): MmWithUser | null {
    const pointer = this.pointer;
    const taken = checked(this.context.core.x.mmget_not_zero(pointer), "mmgetNotZero");
    return taken === 0 ? null : new MmWithUser(this.context, pointer);
  }

  /** Identity of the address space. */
  asRaw(): MmPtr {
    return this.pointer;
  }

  /** mm_users, for diagnosis: it may have changed when you read it. */
  get mmUsers(): number {
    return this.context.core.x.mm_users(this.pointer);
  }

  /** mm_count, for diagnosis. All users together hold one. */
  get mmCount(): number {
    return this.context.core.x.mm_count(this.pointer);
  }
}

const WithSystemCalls = /* @__PURE__ */ withSystemCalls(Mm);

/**
 * A reference that keeps the address space itself: one count of mm_users.
 *
 * Made by {@link Engine.createMm}, {@link MmWithUser.clone} (mmget), {@link Mm.mmgetNotZero} or
 * {@link MmWithUser.fork}; given back by `using` or `dispose` (mmput). The last one tears
 * the space down, there and then. It cannot be disposed while guards made from it live.
 *
 * Source: `MmWithUser`, rust/kernel/mm.rs.
 *
 * @invariant while not disposed, mm_users > 0
 */
export class MmWithUser extends WithSystemCalls {
  readonly #locks: LockState;
  #guards = 0;

  /** @internal */
  constructor(context: Context, pointer: MmPtr, scope: Scope | "raw" | null = null) {
    super(context, pointer, scope);
    this.#locks = context.locksOf(pointer);
  }

  /** As {@link Mm.fromRaw}. @throws TypeError there is no space with users at `raw` */
  static override fromRaw(engine: Engine, raw: MmPtr): MmWithUser {
    const context = contextOf(engine, raw);
    if (context.core.x.mm_users(raw) === 0)
      throw new TypeError("the address space has no users left");
    return new MmWithUser(context, raw, "raw");
  }

  protected override get kind(): string {
    return "MmWithUser";
  }

  protected override put(pointer: MmPtr): void {
    this.assertNoGuards();
    this.giveBack(pointer);
  }

  /** @internal */
  protected giveBack(pointer: MmPtr): void {
    this.context.core.x.mmput(pointer);
  }

  /** @internal What this worker holds of this mm's locks. */
  get locks(): LockState {
    return this.#locks;
  }

  /** @internal Guards and pending locks made from this handle. */
  addGuard(n: 1 | -1): void {
    this.#guards += n;
  }

  /** @internal */
  override get calls(): CallTable {
    return this.context.core.calls;
  }

  /** @internal */
  override assertTakeable(): number {
    this.assertNoGuards();
    return super.assertTakeable();
  }

  override clone(): MmWithUser {
    return new MmWithUser(this.context, this.mmget());
  }

  /** @internal One more mm_users count, for the caller to own. */
  mmget(): MmPtr {
    const pointer = this.pointer;
    checked(this.context.core.x.mmget(pointer), "mmget");
    return pointer;
  }

  /** Turns this handle into one whose dispose never tears the space down in the caller. Consumes it. */
  intoMmputAsync(): MmWithUserAsync {
    return this.context.makers.async(this.context, this.take());
  }

  /**
   * The VMA that contains `address`, locked against change, without the mmap lock. Null on any
   * doubt: nothing mapped, a writer at work, or `perVmaLock: false`. Null proves nothing:
   * fall back to {@link MmWithUser.mmapReadLock}. Never waits.
   */
  lockVmaUnderRcu(address: Address): VmaReadGuard | null {
    const { context, pointer } = this;
    const vma = context.core.x.lock_vma_under_rcu(pointer, clamped(address, "address"));
    return vma === 0 ? null : new VmaReadGuard(this, vma >>> 0);
  }

  /**
   * Takes the mmap lock for reading; waits for writers, and for those queued before.
   *
   * @throws TypeError this worker holds a lock of this space already (it would wait for itself)
   * @throws WouldBlockError the lock is taken and this thread must not block
   * @throws MmError EAGAIN this worker reads as many spaces as its seat has room for (8)
   */
  mmapReadLock(): MmapReadGuard {
    this.enter("mmapReadLock");
    checked(this.context.core.x.mmap_read_lock(this.pointer), "mmapReadLock");
    return new MmapReadGuard(this);
  }

  /** The read lock if it is free and nobody is queued, else null. Never waits: may be tried while holding it. */
  mmapReadTrylock(): MmapReadGuard | null {
    const pointer = this.pointer;
    return this.context.core.x.mmap_read_trylock(pointer) === 0 ? null : new MmapReadGuard(this);
  }

  /**
   * As {@link MmWithUser.mmapReadLock}, waiting without blocking the thread. May be asked for
   * while another task of this worker holds the lock.
   */
  mmapReadLockAsync(options: LockOptions = {}): Promise<MmapReadGuard> {
    return this.#lockAsync("read", options, () => new MmapReadGuard(this));
  }

  /** Takes the mmap lock for writing. Throws as {@link MmWithUser.mmapReadLock}. */
  mmapWriteLock(): MmapWriteGuard {
    this.enter("mmapWriteLock");
    checked(this.context.core.x.mmap_write_lock(this.pointer), "mmapWriteLock");
    return new MmapWriteGuard(this);
  }

  /** The write lock if nobody holds the lock, else null. Never waits. */
  mmapWriteTrylock(): MmapWriteGuard | null {
    const pointer = this.pointer;
    return this.context.core.x.mmap_write_trylock(pointer) === 0 ? null : new MmapWriteGuard(this);
  }

  /** As {@link MmWithUser.mmapWriteLock}, waiting without blocking the thread. */
  mmapWriteLockAsync(options: LockOptions = {}): Promise<MmapWriteGuard> {
    return this.#lockAsync("write", options, () => new MmapWriteGuard(this));
  }

  /**
   * A consistent copy of the VMA that contains `address`, or null if nothing is mapped there.
   * Takes no lock: it reads until two looks agree. Under constant writing it takes the mmap
   * read lock after all.
   *
   * @throws WouldBlockError writers never paused and this thread must not block
   * @throws TypeError writers never paused and this worker holds a VMA read guard of this space,
   *   which one of them may be waiting for
   */
  peek(address: Address): VmaSnapshot | null {
    const pointer = this.pointer;
    const { core } = this.context;
    const at = clamped(address, "address");
    for (let tries = 0; tries < PEEK_TRIES; tries++) {
      const found = core.x.peek(pointer, at, core.scratch);
      if (found === 0) return null;
      if (found > 0) return snapshotFrom(core.f64, null);
    }
    return readSpace(this, "peek", () => {
      const vma = core.x.vma_lookup(pointer, at) >>> 0;
      if (vma === 0) return null;
      core.x.vma_read(vma, core.scratch);
      return snapshotFrom(core.f64, null);
    });
  }

  /** The text of /proc/PID/maps, byte for byte (there is no `[vsyscall]` line). */
  maps(): string {
    return readSpace(this, "maps", mapsText);
  }

  /**
   * The text of /proc/PID/smaps for what the engine knows: the maps line, sizes, THPeligible
   * and VmFlags. Pages are not modelled: every number from Rss to Locked is 0.
   */
  smaps(): string {
    return readSpace(this, "smaps", smapsText);
  }

  /** Copies of all VMAs, in order of address. */
  vmas(): VmaSnapshot[] {
    return readSpace(this, "vmas", (core, mm) => [
      ...snapshots(core, mm, new MapsReader(core, mm)),
    ]);
  }

  /** Checks every invariant of this space; empty when sound. */
  validate(): ValidationReport {
    const { held } = this.locks;
    if (!held) this.enter("validate");
    return validateMm(this.context.core, this.pointer, held);
  }

  /** Numbers of the space, as /proc/PID/status has them. */
  stat(): MmStatus {
    return mmStatus(this.context.core, this.pointer);
  }

  /** @internal Before a call that may wait for the mmap lock. */
  override enter(call: string): void {
    this.pointer;
    this.locks.assertMayWait(call);
  }

  /** @internal */
  override underWriteLock<Result>(body: () => Result): Result {
    const guard = this.mmapWriteLock();
    try {
      return guard.underWriteLock(body);
    } finally {
      guard.dispose();
    }
  }

  /** @internal */
  protected assertNoGuards(): void {
    if (this.#guards === 0) return;
    throw new TypeError(
      `${this.kind} disposed while ${this.#guards} of its guards are held: release them first`,
    );
  }

  /** `grant` runs in the moment the lock is held: no other task of this worker comes between. */
  async #lockAsync<Guard>(
    kind: "read" | "write",
    options: LockOptions,
    grant: () => Guard,
  ): Promise<Guard> {
    const pointer = this.pointer;
    this.addGuard(1); // a pending request keeps the handle as a guard does
    try {
      return await lockAsync(this.context, pointer, kind, this.locks, options, grant);
    } finally {
      this.addGuard(-1);
    }
  }
}

/** @throws TypeError no engine, or no live record at `raw` in it */
function contextOf(engine: Engine, raw: MmPtr): Context {
  const context = (engine as Engine | null | undefined)?.context;
  if (!(context instanceof Context)) throw new TypeError(`no engine: ${shown(engine)}`);
  const inArena = Number.isInteger(raw) && raw > 0 && raw < context.core.memory.buffer.byteLength;
  if (inArena && context.core.x.mm_is_valid(raw) !== 0) return context;
  throw new TypeError(`no address space at ${shown(raw)} in this engine's memory`);
}
