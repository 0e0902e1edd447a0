// The system calls once: argument checks, the number or bigint export, MmError.
//
// MmWithUser makes them with the table that takes the write lock, MmapWriteGuard with the one that
// runs under it: both are withSystemCalls(...). Floor: S2. Imports: shared, address, errors, file, fault.

import { Abi, MmStat } from "../assembly/shared/abi.js";
import { MapFlag } from "../assembly/shared/flags.js";
import {
  type Address,
  assertFields,
  checkedNumber,
  checkedWord,
  clamped,
  wide,
} from "./address.js";
import type { Context } from "./context.js";
import type { CallTable } from "./core.js";
import { checked, checkedPointer, type ErrorArgs } from "./errors.js";
import { accessCode, type FaultAccess, type FaultResult, faultResult } from "./fault.js";
import { FileRef } from "./file.js";
import { assertOurs } from "./handle.js";
import type { MmWithUser } from "./mm.js";
import { fileOpsOf, mmapWithHook } from "./mmap-hook.js";

/** Bytes of a VMA name that are too many by one. */
const VMA_NAME_REFUSED = 80;

/** Arguments of mmap(2). */
export interface MmapArgs {
  /** Bytes; a hint, or with FIXED the place. Default 0: choose. */
  readonly address?: Address;
  /** Bytes; rounded up to pages. */
  readonly length: Address;
  /** {@link Prot} bits. */
  readonly prot: number;
  /** {@link MapFlags} bits. */
  readonly flags: number;
  /** The file of a mapping without ANONYMOUS; leaving it out there is EBADF. */
  readonly file?: FileRef;
  /** Bytes into the file, a multiple of the page size. Default 0. */
  readonly offset?: Address;
}

/** Arguments of mremap(2). */
export interface MremapArgs {
  /** Bytes, page-aligned. */
  readonly address: Address;
  /** Bytes; rounded up to pages. 0 duplicates a shared mapping. */
  readonly oldLength: Address;
  /** Bytes; rounded up to pages. */
  readonly newLength: Address;
  /** {@link MremapFlags} bits. Default 0. */
  readonly flags?: number;
  /** Bytes; with FIXED the target, with DONTUNMAP a hint. */
  readonly newAddress?: Address;
}

/** Arguments of remap_file_pages(2). */
export interface RemapFilePagesArgs {
  /** Bytes; rounded down to pages. */
  readonly address: Address;
  /** Bytes; rounded down to pages. */
  readonly length: Address;
  /** Must be 0: the protection stays. Default 0. */
  readonly prot?: number;
  /** First page of the file, in pages. */
  readonly pgoff: Address;
  /** {@link MapFlags}.NONBLOCK or 0; others are ignored. Default 0. */
  readonly flags?: number;
}

/**
 * The memory calls of Linux 6.18, with its order of checks and its errnos.
 *
 * On {@link MmWithUser} each takes the mmap lock itself: it may wait, so it throws
 * {@link WouldBlockError} on a thread that must not, and TypeError while this worker holds
 * a lock of the same space. On {@link MmapWriteGuard} each runs under the guard's lock.
 * Every call throws RangeError for an address that is not a non-negative safe integer or
 * a bigint below 2^64, and for a flag word above 32 bits.
 */
export interface SystemCalls {
  /**
   * Maps `length` bytes and returns their address.
   *
   * @throws MmError EINVAL length 0; FIXED and not page-aligned; no map type in flags; offset misaligned
   * @throws MmError ENOMEM no room; limit on mappings, address space or commit; arena full
   * @throws MmError EEXIST FIXED_NOREPLACE and something is there
   * @throws MmError EPERM below the minimum address; sealed mapping in the way; locked without leave
   * @throws MmError EACCES file not readable, or shared and writable where the file is not
   * @throws MmError EBADF neither ANONYMOUS nor a file; ENODEV the file has no mappings
   * @throws MmError EAGAIN MAP_LOCKED over the limit; EOVERFLOW offset + length wraps
   * @throws MmError EOPNOTSUPP SHARED_VALIDATE with a flag it does not know
   */
  mmap(args: MmapArgs): number;

  /**
   * Unmaps `[address, address + length)`; a range without mappings is fine.
   *
   * @throws MmError EINVAL address misaligned; length 0; range leaves the address space
   * @throws MmError ENOMEM a cut would exceed the limit on mappings; EPERM sealed
   */
  munmap(address: Address, length: Address): void;

  /**
   * Changes the protection of whole pages. What comes before the first problem is changed.
   *
   * @throws MmError EINVAL address misaligned; unknown prot bit; GROWSDOWN where no stack is
   * @throws MmError ENOMEM a page is not mapped; limits
   * @throws MmError EACCES the mapping may not have this access; EPERM sealed
   */
  mprotect(address: Address, length: Address, prot: number): void;

  /**
   * Grows, shrinks or moves a mapping and returns its address.
   *
   * @throws MmError EINVAL bad flags, alignment, overlap, or newLength 0
   * @throws MmError EFAULT address not mapped, or the range leaves its mapping
   * @throws MmError ENOMEM cannot grow in place without MAYMOVE; limits
   * @throws MmError EAGAIN locked memory over the limit; EPERM sealed
   */
  mremap(args: MremapArgs): number;

  /** Moves the break and returns it; on any refusal the old one, never an error. Without argument: asks. */
  brk(address?: Address): number;

  /**
   * Gives advice on a range; see {@link Madvise}.
   *
   * @throws MmError EINVAL unknown advice, misaligned, or not for this kind of mapping
   * @throws MmError ENOMEM part of the range is not mapped (the rest is done)
   * @throws MmError EAGAIN a split failed; EPERM sealed; EACCES, EBADF, EFAULT by advice
   */
  madvise(address: Address, length: Address, advice: number): void;

  /**
   * Locks pages, mlock2(2).
   *
   * @param flags 0, or {@link MlockFlags}.ONFAULT
   * @throws MmError EPERM no leave to lock; ENOMEM over the limit, or a page is not mapped; EINVAL bad flags
   */
  mlock(address: Address, length: Address, flags?: number): void;

  /** Unlocks pages. @throws MmError ENOMEM a page is not mapped; EINVAL the range wraps */
  munlock(address: Address, length: Address): void;

  /** Locks all there is, will be, or both. @throws MmError EINVAL bad flags; EPERM; ENOMEM over the limit */
  mlockall(flags: number): void;

  /** Unlocks everything and forgets mlockall(FUTURE). */
  munlockall(): void;

  /**
   * Checks as msync(2); there are no pages to write.
   *
   * @throws MmError EINVAL bad flags or misaligned; ENOMEM a page is not mapped; EBUSY INVALIDATE on locked
   */
  msync(address: Address, length: Address, flags: number): void;

  /**
   * Checks as mincore(2). Resident are the pages that vmInsertPage has put in; others are not
   * modelled.
   *
   * @returns one byte a page
   * @throws MmError EINVAL misaligned; ENOMEM a page is not mapped
   */
  mincore(address: Address, length: Address): Uint8Array;

  /**
   * Seals mappings against unmapping, moving and protection changes, for ever.
   *
   * @throws MmError EINVAL misaligned or the range wraps; ENOMEM a page is not mapped (nothing is sealed)
   */
  mseal(address: Address, length: Address): void;

  /**
   * Names private or shared anonymous memory, prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME): maps
   * shows `[anon:NAME]`. Null takes the name away. Neighbours merge only if their names are equal.
   *
   * @param name up to 79 bytes of printable ASCII without backslash, backtick, `$`, `[` and `]`
   * @throws MmError EINVAL bad name, misaligned, the range wraps, or `vmaNames: false`
   * @throws MmError ENOMEM a page is not mapped (the rest is named); EBADF a mapping of a file
   */
  setVmaName(address: Address, length: Address, name: string | null): void;

  /**
   * Maps other pages of the same file over a part of a shared mapping, remap_file_pages(2).
   *
   * @throws MmError EINVAL prot is not 0, or the range is not one shared mapping
   */
  remapFilePages(args: RemapFilePagesArgs): void;

  /**
   * What an access at `address` would do: marks the anon_vma of a private write, grows
   * a stack. On MmWithUser it tries the VMA's own lock first.
   *
   * @throws MmError ENOMEM the arena is full
   */
  handleMmFault(address: Address, access: FaultAccess): FaultResult;

  /** Copies the address space as fork(2) does: the child's first user. @throws MmError ENOMEM */
  fork(): MmWithUser;
}

/** What makes system calls: {@link withSystemCalls} needs it of a class. @internal */
interface Space {
  readonly context: Context;
  /** The mm. */
  readonly pointer: number;
}

/** What a class with system calls says of how they are made. @internal */
export interface Caller extends Space {
  /** Read at each call: a disposed engine replaces it. */
  readonly calls: CallTable;
  /** Before a call: refuses what would wait for itself. */
  enter(call: keyof SystemCalls): void;
  /** Runs `body` under the write lock, in which an mmap hook may be called. */
  underWriteLock<Result>(body: () => Result): Result;
}

// biome-ignore lint/suspicious/noExplicitAny: what TypeScript asks of a mixin's constructor
type Class<Instance> = abstract new (...args: any[]) => Instance;

/** Whatever `this` is: never made itself. */
abstract class Calls implements SystemCalls, Caller {
  abstract readonly context: Context;
  abstract readonly pointer: number;
  abstract readonly calls: CallTable;
  abstract enter(call: keyof SystemCalls): void;
  abstract underWriteLock<Result>(body: () => Result): Result;

  mmap(args: MmapArgs): number {
    this.enter("mmap");
    return mmap(this, args);
  }

  munmap(address: Address, length: Address): void {
    rangeCall(this, "munmap", address, length);
  }

  mprotect(address: Address, length: Address, prot: number): void {
    rangeCall(this, "mprotect", address, length, prot, "prot");
  }

  mremap(args: MremapArgs): number {
    this.enter("mremap");
    assertFields(args, "mremap's argument");
    const { address, oldLength, newLength, flags = 0, newAddress = 0 } = args;
    // No hot path: bigints serve numbers too.
    const result = this.calls.wide.mremap(
      this.pointer,
      wide(address, "address"),
      wide(oldLength, "oldLength"),
      wide(newLength, "newLength"),
      checkedWord(flags, "flags"),
      wide(newAddress, "newAddress"),
    );
    return checked(result, "mremap", () => {
      return { address, oldLength, newLength, flags, newAddress };
    });
  }

  brk(address: Address = 0): number {
    this.enter("brk");
    const { calls, pointer } = this;
    const result = isNumber(address)
      ? calls.brk(pointer, checkedNumber(address, "address"))
      : calls.wide.brk(pointer, wide(address, "address"));
    return checked(result, "brk", () => ({ address }));
  }

  madvise(address: Address, length: Address, advice: number): void {
    rangeCall(this, "madvise", address, length, advice, "advice");
  }

  mlock(address: Address, length: Address, flags = 0): void {
    rangeCall(this, "mlock", address, length, flags, "flags");
  }

  munlock(address: Address, length: Address): void {
    rangeCall(this, "munlock", address, length);
  }

  mlockall(flags: number): void {
    this.enter("mlockall");
    const result = this.calls.mlockall(this.pointer, checkedWord(flags, "flags"));
    checked(result, "mlockall", () => ({ flags }));
  }

  munlockall(): void {
    this.enter("munlockall");
    checked(this.calls.munlockall(this.pointer), "munlockall");
  }

  msync(address: Address, length: Address, flags: number): void {
    rangeCall(this, "msync", address, length, flags, "flags");
  }

  mincore(address: Address, length: Address): Uint8Array {
    rangeCall(this, "mincore", address, length);
    return pagesPresent(this, Number(address), Number(length));
  }

  mseal(address: Address, length: Address): void {
    rangeCall(this, "mseal", address, length, 0, "flags");
  }

  setVmaName(address: Address, length: Address, name: string | null): void {
    this.enter("setVmaName");
    const { calls, context, pointer } = this;
    let size = -1;
    if (name !== null) {
      if (typeof name !== "string") throw new TypeError("name must be a string or null");
      // A longer name is refused whatever its end is: scratch has room for so much of it.
      const text = new TextEncoder().encode(name).subarray(0, VMA_NAME_REFUSED);
      context.core.u8.set(text);
      size = text.length;
    }
    // No hot path: bigints serve numbers too.
    const [start, bytes] = [wide(address, "address"), wide(length, "length")];
    const result = calls.wide.set_vma_name(pointer, start, bytes, size);
    checked(result, "setVmaName", () => ({ address, length, name: JSON.stringify(name) }));
  }

  remapFilePages(args: RemapFilePagesArgs): void {
    this.enter("remapFilePages");
    assertFields(args, "remapFilePages' argument");
    const { address, length, prot = 0, pgoff, flags = 0 } = args;
    const result = this.calls.remap_file_pages(
      this.pointer,
      clamped(address, "address"),
      clamped(length, "length"),
      checkedWord(prot, "prot"),
      clamped(pgoff, "pgoff"),
      checkedWord(flags, "flags"),
    );
    if (result === -Abi.NEEDS_HOOK)
      throw new TypeError("remapFilePages of a file with operations: map it anew");
    checked(result, "remapFilePages", () => ({ address, length, prot, pgoff, flags }));
  }

  handleMmFault(address: Address, access: FaultAccess): FaultResult {
    this.enter("handleMmFault");
    const code = accessCode(access);
    // No address above 2^53 is inside a task: rounding it changes no answer.
    const at = clamped(address, "address");
    return faultResult(this.calls.handle_mm_fault(this.pointer, at, code), address);
  }

  fork(): MmWithUser {
    this.enter("fork");
    const child = checkedPointer(this.calls.mm_fork(this.pointer), "fork");
    return this.context.makers.user(this.context, child);
  }
}

/** `base` and the system calls, made as the subclass says: the same functions in all of them. @internal */
export function withSystemCalls<Base extends Class<Space>>(
  base: Base,
): Base & Class<SystemCalls & Caller> {
  abstract class WithCalls extends base {}
  const { constructor: _, ...methods } = Object.getOwnPropertyDescriptors(Calls.prototype);
  Object.defineProperties(WithCalls.prototype, methods);
  return WithCalls as unknown as Base & Class<SystemCalls & Caller>;
}

const isNumber = (address: Address): address is number => typeof address === "number";

function mmap(by: Caller, args: MmapArgs): number {
  assertFields(args, "mmap's argument");
  const { address = 0, length, offset = 0 } = args;
  const prot = checkedWord(args.prot, "prot");
  const flags = checkedWord(args.flags, "flags");
  const file = fileArgument(by, args.file, flags);
  const { calls, context, pointer } = by;
  const result =
    isNumber(address) && isNumber(length) && isNumber(offset)
      ? calls.mmap(
          pointer,
          checkedNumber(address, "address"),
          checkedNumber(length, "length"),
          prot,
          flags,
          file,
          checkedNumber(offset, "offset"),
        )
      : calls.wide.mmap(
          pointer,
          wide(address, "address"),
          wide(length, "length"),
          prot,
          flags,
          file,
          wide(offset, "offset"),
        );
  const named = () => ({ address, length, prot, flags, ...fileArgs(file), offset });
  if (Number(result) !== -Abi.NEEDS_HOOK) return checked(result, "mmap", named);
  const ops = fileOpsOf(context, file);
  const words = {
    address: wide(address, "address"),
    length: wide(length, "length"),
    prot,
    flags,
    file,
    offset: wide(offset, "offset"),
  };
  return by.underWriteLock(() => mmapWithHook(context, pointer, words, ops, named));
}

/** Leaving the file out where one is needed is a bad descriptor, so that EBADF comes from the core, in its order. */
function fileArgument(by: Caller, file: FileRef | undefined, flags: number): number {
  if (file === undefined) return (flags & MapFlag.ANONYMOUS) !== 0 ? Abi.NO_FILE : Abi.BAD_FILE;
  assertOurs(by.context, file, FileRef, "file", "openFile");
  return file.pointer;
}

function fileArgs(file: number): ErrorArgs {
  return file === Abi.BAD_FILE || file === Abi.NO_FILE ? {} : { file };
}

/** The calls of the form (address, length) or (address, length, word). */
type RangeCall =
  | "munmap"
  | "munlock"
  | "mincore"
  | "mprotect"
  | "madvise"
  | "mlock"
  | "msync"
  | "mseal";

/** `wordName` is empty where the call has no word; wasm ignores the argument then. */
function rangeCall(
  by: Caller,
  name: RangeCall,
  address: Address,
  length: Address,
  word = 0,
  wordName = "",
): void {
  by.enter(name);
  const bits = checkedWord(word, wordName);
  const { calls, pointer } = by;
  // Two ways down, without a variable that is a number or a bigint: that would put the number on the heap.
  const result =
    isNumber(address) && isNumber(length)
      ? calls[name](
          pointer,
          checkedNumber(address, "address"),
          checkedNumber(length, "length"),
          bits,
        )
      : calls.wide[name](pointer, wide(address, "address"), wide(length, "length"), bits);
  checked(result, name, () => {
    return wordName === "" ? { address, length } : { address, length, [wordName]: bits };
  });
}

/** One byte a page. Without the lock: page tables stay as long as the space, and it is a snapshot anyway. */
function pagesPresent(by: Space, address: number, length: number): Uint8Array {
  const { core } = by.context;
  const { pointer } = by;
  const pageSize = 2 ** core.x.mm_stat(pointer, MmStat.PAGE_SHIFT);
  const present = new Uint8Array(Math.ceil(length / pageSize));
  if (core.x.mm_has_pages(pointer) === 0) return present;
  for (let from = 0; from < present.length; from += Abi.SCRATCH_BYTES) {
    const count = Math.min(Abi.SCRATCH_BYTES, present.length - from);
    core.x.mm_pages_present(pointer, address + from * pageSize, count);
    present.set(core.u8.subarray(0, count), from);
  }
  return present;
}
