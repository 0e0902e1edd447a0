// VmaRef: read access to one VMA, for as long as a lock keeps it in place.
//
// Invariants
//   R1  a VmaRef is usable only while its guard is held, and, under a write guard, only
//       until the next call that may change the address space: a VMA it named may be
//       gone after that. Both move the guard's generation on; a stale one throws.
//
// Floor: S2. Imports: context, file, handle, maps-text.

import { type Address, clamped } from "./address.js";
import type { Context, Scope } from "./context.js";
import type { CoreExports } from "./core.js";
import { checked } from "./errors.js";
import { FileRef } from "./file.js";
import { hasFlags, VmFlags } from "./flags.js";
import { assertOurs, notThreadSafe } from "./handle.js";
import { MapsReader, type VmaSnapshot } from "./maps-text.js";
import type { MmWithUser } from "./mm.js";
import { Page } from "./page.js";

/** Address of a vm_area_struct in the arena; equal addresses are the same VMA. */
export type VmaPtr = number;

/** What a VmaRef lives by: a guard. @internal */
export interface VmaScope {
  /** Moves on at release, and at each change under a write guard (R1). */
  readonly generation: number;
  /** Why a VmaRef of an older generation is dead. */
  staleReason(): string;
}

/**
 * One VMA, read through a lock that keeps it in place.
 *
 * Obtained from a guard's look-ups; dies with the guard (use afterwards throws TypeError)
 * and, under a write guard, at the next call that changes the address space. Fields are
 * read from the arena at each access, never from a copy: {@link VmaRef.snapshot} copies.
 *
 * Source: `VmaRef`, rust/kernel/mm/virt.rs.
 */
export class VmaRef {
  /** Makes `postMessage` and `structuredClone` fail. */
  readonly notThreadSafe: () => never = notThreadSafe;
  readonly #context: Context;
  readonly #vma: VmaPtr;
  readonly #scope: VmaScope | null;
  readonly #generation: number;

  /** @internal `scope` null: a subclass that is its own guard overrides assertLive. */
  constructor(context: Context, vma: VmaPtr, scope: VmaScope | null) {
    this.#context = context;
    this.#vma = vma;
    this.#scope = scope;
    this.#generation = scope === null ? 0 : scope.generation;
  }

  /** @internal @throws TypeError the lock that kept the VMA in place is gone */
  assertLive(): void {
    const scope = this.#scope;
    if (scope === null || scope.generation !== this.#generation) {
      throw new TypeError(`VmaRef used after ${scope?.staleReason() ?? "release"}`);
    }
  }

  /** First byte. */
  get start(): number {
    return this.#exports().vma_start(this.#vma);
  }

  /** One past the last byte. */
  get end(): number {
    return this.#exports().vma_end(this.#vma);
  }

  /** vm_flags; see {@link VmFlags} and {@link hasFlags}. */
  get flags(): number {
    return this.#exports().vma_flags(this.#vma);
  }

  /** Offset into the backing object, in pages. Private anonymous VMAs have one too. */
  get pgoff(): number {
    return this.#exports().vma_pgoff(this.#vma);
  }

  /** The mapped file, borrowed for as long as this VmaRef lives (`clone` it to keep it); null without one. */
  get file(): FileRef | null {
    const file = this.#exports().vma_file(this.#vma) >>> 0;
    return file === 0 ? null : new FileRef(this.#context, file, this);
  }

  /** The last column of /proc/PID/maps: a path, `[heap]`, `[stack]`, ...; null if it is empty. */
  get name(): string | null {
    return this.snapshot().name;
  }

  /** The address space of this VMA, borrowed: a lock on a VMA implies that mm_users is not 0. */
  mm(): MmWithUser {
    const mm = this.#exports().vma_mm(this.#vma) >>> 0;
    return this.#context.makers.user(this.#context, mm, this as Scope);
  }

  /** Identity of the VMA. */
  asPtr(): VmaPtr {
    this.assertLive();
    return this.#vma;
  }

  /** A copy that stays readable after the lock is gone. */
  snapshot(): VmaSnapshot {
    const mm = this.#exports().vma_mm(this.#vma) >>> 0;
    return new MapsReader(this.#context.core, mm).snapshot(this.#vma);
  }

  /**
   * Drops the pages that `[address, address + size)` touches: those that vmInsertPage has put
   * in, others are not modelled. As in Linux a range that is not inside the VMA is ignored
   * (R-RUST-45).
   *
   * @throws RangeError address or size is malformed
   */
  zapPageRangeSingle(address: Address, size: Address): void {
    const x = this.#exports();
    x.vma_zap_page_range(this.#vma, clamped(address, "address"), clamped(size, "size"));
  }

  /** The same VMA with what only VM_MIXEDMAP allows; null without that flag. Lives as long as this. */
  asMixedmapVma(): VmaMixedMap | null {
    if (!hasFlags(this.flags, VmFlags.MIXEDMAP)) return null;
    return new VmaMixedMap(this);
  }

  /** @internal */
  get context(): Context {
    return this.#context;
  }

  #exports(): CoreExports {
    this.assertLive();
    return this.#context.core.x;
  }
}

/**
 * A VMA with VM_MIXEDMAP: pages may be put into it.
 *
 * Obtained from {@link VmaRef.asMixedmapVma}, or in an mmap hook from
 * {@link VmaNew.setMixedmap}; dies with what it was obtained from.
 *
 * Source: `VmaMixedMap`, rust/kernel/mm/virt.rs.
 *
 * @invariant flags has VM_MIXEDMAP
 */
export class VmaMixedMap extends VmaRef {
  readonly #of: VmaRef;

  /** @internal */
  constructor(of: VmaRef) {
    super(of.context, of.asPtr(), null);
    this.#of = of;
  }

  /** @internal */
  override assertLive(): void {
    this.#of.assertLive();
  }

  /**
   * Puts a page at the page of `address`; the mapping takes a reference of its own. It stays
   * until it is zapped, or unmapped there; mremap takes it along, and fork gives it to the child.
   *
   * @throws MmError EFAULT address outside the VMA; EBUSY a page is there; ENOMEM the arena is full
   * @throws TypeError page is none, was disposed, or belongs to another engine
   */
  vmInsertPage(address: Address, page: Page): void {
    this.assertLive();
    assertOurs(this.context, page, Page, "page", "allocPage");
    const at = clamped(address, "address");
    const { pointer } = page;
    const result = this.context.core.x.vma_insert_page(this.asPtr(), at, pointer);
    checked(result, "vmInsertPage", () => ({ address, page: pointer }));
  }
}
