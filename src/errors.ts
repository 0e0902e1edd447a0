// What the facade throws, and how a core result becomes one of these.
//
//   MmError          a system call's errno
//   WouldBlockError  a blocking call on a thread that must not block
//   NotThreadSafeError, TypeError, RangeError   misuse
//
// Floor: S0. Imports: shared.

import { Abi } from "../assembly/shared/abi.js";
import { Errno } from "../assembly/shared/errno.js";

/** Only async locks time out, and only the facade waits for them: the core knows no ETIMEDOUT. */
const ETIMEDOUT = 110;
/** Errnos are at most this. */
const ERRNO_MAX = 4095;

/** Name and meaning, by errno. */
const TEXTS: Readonly<Record<number, string>> = {
  [Errno.EPERM]: "EPERM: operation not permitted",
  [Errno.EBADF]: "EBADF: bad file descriptor",
  [Errno.EAGAIN]: "EAGAIN: resource temporarily unavailable",
  [Errno.ENOMEM]: "ENOMEM: cannot allocate memory",
  [Errno.EACCES]: "EACCES: permission denied",
  [Errno.EFAULT]: "EFAULT: bad address",
  [Errno.EBUSY]: "EBUSY: device or resource busy",
  [Errno.EEXIST]: "EEXIST: file exists",
  [Errno.ENODEV]: "ENODEV: no such device",
  [Errno.EINVAL]: "EINVAL: invalid argument",
  [Errno.ETXTBSY]: "ETXTBSY: text file busy",
  [Errno.EOVERFLOW]: "EOVERFLOW: value too large for defined data type",
  [Errno.EOPNOTSUPP]: "EOPNOTSUPP: operation not supported",
  [ETIMEDOUT]: "ETIMEDOUT: connection timed out",
  [Errno.EOWNERDEAD]: "EOWNERDEAD: owner died",
};

/** What an errno means, as `cannot allocate memory`; null for one that no call here gives. */
export function errnoText(code: string): string | null {
  const entry = Object.values(TEXTS).find((text) => text.startsWith(`${code}: `));
  return entry?.slice(code.length + 2) ?? null;
}

/** The arguments of a failed call, by name. */
export type ErrorArgs = Readonly<Record<string, number | bigint | string>>;

/**
 * A memory call failed with the errno that Linux gives.
 *
 * Travels through comlink with its class and fields (see `vmaple/comlink`).
 */
export class MmError extends Error {
  override readonly name: string = "MmError";
  /** The errno's name, as in `ENOMEM`. */
  readonly code: string;
  /** The errno's Linux number, positive. */
  readonly errno: number;
  /** The call that failed, as in `mmap`. */
  readonly syscall: string;
  /** The arguments of the call. */
  readonly args: ErrorArgs;

  constructor(
    errno: number,
    syscall: string,
    args: ErrorArgs = {},
    code?: string,
    options?: ErrorOptions,
  ) {
    const [name, text] = (TEXTS[errno] ?? `E${errno}: error ${errno}`).split(": ") as [
      string,
      string,
    ];
    super(`${code ?? name}: ${syscall}(${formatArgs(args)}): ${text}`, options);
    this.code = code ?? name;
    this.errno = errno;
    this.syscall = syscall;
    this.args = args;
  }
}

/**
 * A lock is taken and this call may not wait for it: the thread must not block (a
 * browser's main thread, an engine with `shared: false`), or an earlier async request
 * of this worker is still queued, so that waiting would never end. Nothing was changed.
 * Use the `...Async` lock methods or a `...Trylock`.
 */
export class WouldBlockError extends MmError {
  override readonly name: string = "WouldBlockError";

  constructor(syscall: string, args: ErrorArgs = {}) {
    super(Errno.EAGAIN, syscall, args, "EWOULDBLOCK");
  }
}

/** A guard, or something that lives by one, was about to leave the worker that holds the lock. */
export class NotThreadSafeError extends TypeError {
  override readonly name: string = "NotThreadSafeError";
}

/** The error for a negative core result. */
export function errorOf(result: number, syscall: string, args: ErrorArgs = {}): MmError {
  if (result === -Abi.WOULD_BLOCK) return new WouldBlockError(syscall, args);
  return new MmError(-result, syscall, args);
}

/** A core result as a number. @throws MmError it stands for one; `args` are made only then */
export function checked(result: number | bigint, syscall: string, args?: () => ErrorArgs): number {
  const value = Number(result);
  if (value < 0) throw errorOf(value, syscall, args?.());
  return value;
}

/** Of results that are addresses: as an i32 those above 2 GiB are negative, only the last 4095 are errors. */
export function isErrno(result: number): boolean {
  return result < 0 && result >= -ERRNO_MAX;
}

/** A core result that is an address in the arena. @throws MmError it stands for one */
export function checkedPointer(result: number, syscall: string, args?: () => ErrorArgs): number {
  return checked(isErrno(result) ? result : result >>> 0, syscall, args);
}

/** The error of an async lock whose time is up. */
export function timeoutError(syscall: string, timeoutMs: number): MmError {
  return new MmError(ETIMEDOUT, syscall, { timeoutMs: `${timeoutMs} ms` });
}

/** The class back from its fields: what a transfer handler received. */
export function reviveMmError(fields: MmErrorFields): MmError {
  const error =
    fields.name === "WouldBlockError"
      ? new WouldBlockError(fields.syscall, fields.args)
      : new MmError(fields.errno, fields.syscall, fields.args, fields.code);
  if (fields.stack !== undefined) error.stack = fields.stack;
  return error;
}

/** An MmError as plain data. */
export interface MmErrorFields {
  readonly name: string;
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;
  readonly args: ErrorArgs;
  readonly stack: string | undefined;
}

export function mmErrorFields(error: MmError): MmErrorFields {
  const { name, code, errno, syscall, args, stack } = error;
  return { name, code, errno, syscall, args, stack };
}

function formatArgs(args: ErrorArgs): string {
  return Object.entries(args)
    .map(([name, value]) => `${name}=${formatArg(value)}`)
    .join(", ");
}

function formatArg(value: number | bigint | string): string {
  if (typeof value === "string") return value;
  return value < 0 ? `${value}` : `0x${value.toString(16)}`;
}
