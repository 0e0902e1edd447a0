// The system calls once: argument checks, the number or bigint export, MmError.
//
// MmWithUser makes them with the table that takes the write lock, MmapWriteGuard with
// the one that runs under it. Floor: S2. Imports: shared, address, errors, file, fault.

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
import { type ErrorArgs, errorOf } from "./errors.js";
import { accessCode, type FaultAccess, type FaultResult, faultResult } from "./fault.js";
import { FileRef } from "./file.js";
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
}

/** How one object makes its calls. */
export interface Caller {
  readonly context: Context;
  /** Read at each call: a disposed engine replaces it. */
  readonly calls: CallTable;
  /** The mm. */
  readonly pointer: number;
  /** Runs `body` under the write lock, in which an mmap hook may be called. */
  underWriteLock<Result>(body: () => Result): Result;
}

export function mmap(by: Caller, args: MmapArgs): number {
  assertFields(args, "mmap's argument");
  const { address = 0, length, offset = 0 } = args;
  const prot = checkedWord(args.prot, "prot");
  const flags = checkedWord(args.flags, "flags");
  const file = fileArgument(by, args.file, flags);
  const result =
    typeof address === "number" && typeof length === "number" && typeof offset === "number"
      ? by.calls.mmap(
          by.pointer,
          checkedNumber(address, "address"),
          checkedNumber(length, "length"),
          prot,
          flags,
          file,
          checkedNumber(offset, "offset"),
        )
      : by.calls.wide.mmap(
          by.pointer,
          wide(address, "address"),
          wide(length, "length"),
          prot,
          flags,
          file,
          wide(offset, "offset"),
        );
  const named = () => ({ address, length, prot, flags, ...fileArgs(file), offset });
  if (Number(result) !== -Abi.NEEDS_HOOK) return checked(result, "mmap", named);
  const { context } = by;
  const ops = fileOpsOf(context, file);
  const words = {
    address: wide(address, "address"),
    length: wide(length, "length"),
    prot,
    flags,
    file,
    offset: wide(offset, "offset"),
  };
  return by.underWriteLock(() => mmapWithHook(context, by.pointer, words, ops, named));
}

/** Leaving the file out where one is needed is a bad descriptor, so that EBADF comes from the core, in its order. */
function fileArgument(by: Caller, file: FileRef | undefined, flags: number): number {
  if (file === undefined) return (flags & MapFlag.ANONYMOUS) !== 0 ? Abi.NO_FILE : Abi.BAD_FILE;
  if (!(file instanceof FileRef))
    throw new TypeError("file must be a FileRef made by engine.openFile");
  if (file.context.arena !== by.context.arena)
    throw new TypeError("file belongs to another engine");
  return file.pointer;
}

function fileArgs(file: number): ErrorArgs {
  return file === Abi.BAD_FILE || file === Abi.NO_FILE ? {} : { file };
}

/** The calls of the form (address, length). */
type PlainRangeCall = "munmap" | "munlock";

export function plainRangeCall(
  by: Caller,
  name: PlainRangeCall,
  address: Address,
  length: Address,
): void {
  const result =
    typeof address === "number" && typeof length === "number"
      ? by.calls[name](
          by.pointer,
          checkedNumber(address, "address"),
          checkedNumber(length, "length"),
        )
      : by.calls.wide[name](by.pointer, wide(address, "address"), wide(length, "length"));
  checked(result, name, () => ({ address, length }));
}

/** The calls of the form (address, length, word). */
type RangeCall = "mprotect" | "madvise" | "mlock" | "msync" | "mseal";

export function rangeCall(
  by: Caller,
  name: RangeCall,
  address: Address,
  length: Address,
  word: number,
  wordName: string,
): void {
  const bits = checkedWord(word, wordName);
  const result =
    typeof address === "number" && typeof length === "number"
      ? by.calls[name](
          by.pointer,
          checkedNumber(address, "address"),
          checkedNumber(length, "length"),
          bits,
        )
      : by.calls.wide[name](by.pointer, wide(address, "address"), wide(length, "length"), bits);
  checked(result, name, () => ({ address, length, [wordName]: bits }));
}

export function mremap(by: Caller, args: MremapArgs): number {
  assertFields(args, "mremap's argument");
  const { address, oldLength, newLength, newAddress = 0 } = args;
  const flags = checkedWord(args.flags ?? 0, "flags");
  const narrow =
    typeof address === "number" &&
    typeof oldLength === "number" &&
    typeof newLength === "number" &&
    typeof newAddress === "number";
  const result = narrow
    ? by.calls.mremap(
        by.pointer,
        checkedNumber(address, "address"),
        checkedNumber(oldLength, "oldLength"),
        checkedNumber(newLength, "newLength"),
        flags,
        checkedNumber(newAddress, "newAddress"),
      )
    : by.calls.wide.mremap(
        by.pointer,
        wide(address, "address"),
        wide(oldLength, "oldLength"),
        wide(newLength, "newLength"),
        flags,
        wide(newAddress, "newAddress"),
      );
  return checked(result, "mremap", () => ({ address, oldLength, newLength, flags, newAddress }));
}

export function brk(by: Caller, address: Address): number {
  const result =
    typeof address === "number"
      ? by.calls.brk(by.pointer, checkedNumber(address, "address"))
      : by.calls.wide.brk(by.pointer, wide(address, "address"));
  return checked(result, "brk", () => ({ address }));
}

export function mlockall(by: Caller, flags: number): void {
  const bits = checkedWord(flags, "flags");
  checked(by.calls.mlockall(by.pointer, bits), "mlockall", () => ({ flags: bits }));
}

export function munlockall(by: Caller): void {
  checked(by.calls.munlockall(by.pointer), "munlockall", () => ({}));
}

export function mincore(by: Caller, address: Address, length: Address): Uint8Array {
  const result =
    typeof address === "number" && typeof length === "number"
      ? by.calls.mincore(
          by.pointer,
          checkedNumber(address, "address"),
          checkedNumber(length, "length"),
        )
      : by.calls.wide.mincore(by.pointer, wide(address, "address"), wide(length, "length"));
  checked(result, "mincore", () => ({ address, length }));
  const { core } = by.context;
  const pageSize = 2 ** core.x.mm_stat(by.pointer, MmStat.PAGE_SHIFT);
  const present = new Uint8Array(Math.ceil(Number(length) / pageSize));
  if (core.x.mm_has_pages(by.pointer) === 0) return present;
  // Without the lock: page tables stay as long as the space, and the answer is a snapshot anyway.
  for (let from = 0; from < present.length; from += Abi.SCRATCH_BYTES) {
    const count = Math.min(Abi.SCRATCH_BYTES, present.length - from);
    core.x.mm_pages_present(by.pointer, Number(address) + from * pageSize, count);
    present.set(core.u8.subarray(0, count), from);
  }
  return present;
}

export function setVmaName(
  by: Caller,
  address: Address,
  length: Address,
  name: string | null,
): void {
  if (name !== null && typeof name !== "string")
    throw new TypeError("name must be a string or null");
  const { core } = by.context;
  const bytes = name === null ? null : new TextEncoder().encode(name);
  // A longer name is refused whatever its end is: scratch has room for so much of it.
  const size = bytes === null ? -1 : Math.min(bytes.length, VMA_NAME_REFUSED);
  const narrow = typeof address === "number" && typeof length === "number";
  const at = narrow ? checkedNumber(address, "address") : wide(address, "address");
  const span = narrow ? checkedNumber(length, "length") : wide(length, "length");
  if (bytes !== null) core.u8.set(bytes.subarray(0, size));
  const result =
    typeof at === "number" && typeof span === "number"
      ? by.calls.set_vma_name(by.pointer, at, span, size)
      : by.calls.wide.set_vma_name(by.pointer, BigInt(at), BigInt(span), size);
  checked(result, "setVmaName", () => ({ address, length, name: JSON.stringify(name) }));
}

export function remapFilePages(by: Caller, args: RemapFilePagesArgs): void {
  assertFields(args, "remapFilePages' argument");
  const { address, length, pgoff } = args;
  const prot = checkedWord(args.prot ?? 0, "prot");
  const flags = checkedWord(args.flags ?? 0, "flags");
  const result = by.calls.remap_file_pages(
    by.pointer,
    clamped(address, "address"),
    clamped(length, "length"),
    prot,
    clamped(pgoff, "pgoff"),
    flags,
  );
  if (result === -Abi.NEEDS_HOOK) {
    throw new TypeError("remapFilePages of a file whose kind has operations: map it anew instead");
  }
  checked(result, "remapFilePages", () => ({ address, length, prot, pgoff, flags }));
}

export function handleMmFault(by: Caller, address: Address, access: FaultAccess): FaultResult {
  const code = accessCode(access);
  const word =
    typeof address === "number"
      ? by.calls.handle_mm_fault(by.pointer, checkedNumber(address, "address"), code)
      : by.calls.wide.handle_mm_fault(by.pointer, wide(address, "address"), code);
  return faultResult(Number(word), address);
}

/** The child's address, one mm_users count of which the caller owns. */
export function fork(by: Caller): number {
  const result = by.calls.mm_fork(by.pointer);
  if (result < 0 && result >= -4095) throw errorOf(result, "fork");
  return result >>> 0;
}

/** The result as a number, or the error it stands for. */
function checked(result: number | bigint, call: string, args: () => ErrorArgs): number {
  const value = Number(result);
  if (value < 0) throw errorOf(value, call, args());
  return value;
}
