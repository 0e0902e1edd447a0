// `vmaple/testing`: the slowest correct address space, and what compares it with the engine.
//
// The model has one record a page, so it cannot have a tree bug. It knows the rules of
// mmap, munmap and mprotect for a space without limits: placement, errnos and their order,
// what stays changed when a call fails half-way. Needs no wasm.
//
// The reader of recordings of a real kernel is here as well, and lockdep.
//
// Floor: S5. Imports: shared, address, errors, flags, maps-text (types), formats, lockdep.

import { Errno } from "../assembly/shared/errno.js";
import { type Address, asNumber } from "./address.js";
import { type ErrorArgs, MmError } from "./errors.js";
import { MapFlags, Prot, permsOf, VmFlags } from "./flags.js";
import type { VmaSnapshot } from "./maps-text.js";
import type { ValidationReport } from "./validation.js";

export {
  type RecordedCall,
  type RecordedFile,
  type RecordedSnap,
  type RecordedStep,
  type RecordingHeader,
  readRecording,
  type VmaRow,
} from "./formats/recording.js";
export { LockdepError, type LockWatch, watchLocks } from "./lockdep.js";

/** A file as the model needs it. */
export interface ModelFile {
  /** What tells this open file from others; the engine's FilePtr if both are compared. */
  readonly id: number;
  readonly readable?: boolean;
  readonly writable?: boolean;
}

/** One mapped page. */
export interface PageRecord {
  /** {@link Prot} bits: READ, WRITE, EXEC. */
  readonly prot: number;
  readonly shared: boolean;
  /** May become writable; false for a shared mapping of a file that is not. */
  readonly mayWrite: boolean;
  /** Id of the file; 0 without one, -1 for shared anonymous memory. */
  readonly file: number;
  /** Page offset into the file; 0 without one. */
  readonly pgoff: number;
}

export interface PageModelOptions {
  /** Size of the whole space, in pages. */
  readonly pages: number;
  /** Bytes of a page. Default 4096. */
  readonly pageSize?: number;
  /** First page that may be mapped. Default 0. */
  readonly minPage?: number;
}

export interface ModelMmapArgs {
  readonly address?: Address;
  readonly length: Address;
  readonly prot: number;
  readonly flags: number;
  readonly file?: ModelFile;
  readonly offset?: Address;
}

const ACCESS = Prot.READ | Prot.WRITE | Prot.EXEC;
const TYPE_MASK = 0x0f;
const KNOWN_PROT = ACCESS | Prot.SEM;
const SHARED_ANON = -1;

/**
 * An address space with one record a page.
 *
 * Agrees with `engine.createMm({ taskSize: pages * pageSize, mmapMinAddr: minPage * pageSize,
 * overcommit: "always", rlimits: all unlimited })` call by call: the same address, or
 * the same errno, and the same pages afterwards.
 */
export class PageModel {
  readonly pageSize: number;
  readonly #pages: (PageRecord | null)[];
  readonly #minPage: number;

  constructor(options: PageModelOptions) {
    this.pageSize = options.pageSize ?? 4096;
    this.#minPage = options.minPage ?? 0;
    this.#pages = new Array<PageRecord | null>(options.pages).fill(null);
  }

  /** Size of the space, in pages. */
  get size(): number {
    return this.#pages.length;
  }

  /** The record of page number `page`, or null if nothing is mapped there. */
  page(page: number): PageRecord | null {
    return this.#pages[page] ?? null;
  }

  /** As mmap(2). @throws MmError with the errno of Linux's first failing check (address-space 1.1) */
  mmap(args: ModelMmapArgs): number {
    const address = asNumber(args.address ?? 0, "address");
    const length = asNumber(args.length, "length");
    const offset = asNumber(args.offset ?? 0, "offset");
    const { prot, flags, file } = args;
    const fail = (errno: number): never => refuse(errno, "mmap", { address, length, prot, flags });
    const anonymous = (flags & MapFlags.ANONYMOUS) !== 0;
    if (offset % this.pageSize !== 0) return fail(Errno.EINVAL);
    if (!anonymous && file === undefined) return fail(Errno.EBADF);
    if (length === 0) return fail(Errno.EINVAL);
    const pages = Math.ceil(length / this.pageSize);
    const place = this.#place(address, pages, flags);
    if (place < 0) return fail(-place);
    if ((flags & MapFlags.FIXED_NOREPLACE) !== 0 && !this.#isFree(place, pages)) {
      return fail(Errno.EEXIST);
    }
    const type = flags & TYPE_MASK;
    const errno = anonymous
      ? anonymousErrno(type)
      : fileErrno(type, prot, file as ModelFile, flags);
    if (errno !== 0) return fail(errno);
    this.#fill(place, pages, recordOf(args, anonymous), offset / this.pageSize, anonymous);
    return place * this.pageSize;
  }

  /** As munmap(2). @throws MmError EINVAL */
  munmap(address: Address, length: Address): void {
    const [start, bytes] = [asNumber(address, "address"), asNumber(length, "length")];
    const limit = this.size * this.pageSize;
    if (start % this.pageSize !== 0 || start > limit || bytes > limit - start || bytes === 0) {
      refuse(Errno.EINVAL, "munmap", { address: start, length: bytes });
    }
    const first = start / this.pageSize;
    this.#pages.fill(null, first, first + Math.ceil(bytes / this.pageSize));
  }

  /** As mprotect(2): pages before the first problem keep the change. @throws MmError EINVAL, ENOMEM, EACCES */
  mprotect(address: Address, length: Address, prot: number): void {
    const [start, bytes] = [asNumber(address, "address"), asNumber(length, "length")];
    const fail = (errno: number) =>
      refuse(errno, "mprotect", { address: start, length: bytes, prot });
    if (start % this.pageSize !== 0) fail(Errno.EINVAL);
    if (bytes === 0) return;
    if ((prot & ~KNOWN_PROT) !== 0) fail(Errno.EINVAL);
    const first = start / this.pageSize;
    const end = first + Math.ceil(bytes / this.pageSize);
    for (let page = first; page < end; page++) {
      const record = this.page(page);
      if (record === null) {
        fail(Errno.ENOMEM);
        return;
      }
      if ((prot & Prot.WRITE) !== 0 && !record.mayWrite) fail(Errno.EACCES);
      this.#pages[page] = { ...record, prot: prot & ACCESS };
    }
  }

  /** Page number, or -errno. */
  #place(address: number, pages: number, flags: number): number {
    if (pages > this.size) return -Errno.ENOMEM;
    const page = Math.floor(address / this.pageSize);
    if ((flags & (MapFlags.FIXED | MapFlags.FIXED_NOREPLACE)) !== 0) {
      if (page + pages > this.size || address > (this.size - pages) * this.pageSize) {
        return -Errno.ENOMEM;
      }
      if (address % this.pageSize !== 0) return -Errno.EINVAL;
      return page < this.#minPage ? -Errno.EPERM : page;
    }
    const hint = page !== 0 && page < this.#minPage ? this.#minPage : page;
    if (hint !== 0 && hint + pages <= this.size && this.#isFree(hint, pages)) return hint;
    const lowest = Math.max(this.#minPage, 1);
    for (let at = this.size - pages; at >= lowest; at--) if (this.#isFree(at, pages)) return at;
    return -Errno.ENOMEM;
  }

  #isFree(first: number, pages: number): boolean {
    for (let page = first; page < first + pages; page++) if (this.page(page) !== null) return false;
    return true;
  }

  #fill(first: number, pages: number, record: PageRecord, pgoff: number, anonymous: boolean): void {
    for (let i = 0; i < pages; i++) {
      // A shared anonymous mapping is an object of its own that starts at page 0.
      const offset = record.file === 0 ? 0 : (anonymous ? 0 : pgoff) + i;
      this.#pages[first + i] = { ...record, pgoff: offset };
    }
  }
}

/**
 * The first page at which a model and the engine's VMAs differ, in words; null if they agree.
 *
 * @param vmas what `mm.vmas()` returned
 */
export function comparePages(model: PageModel, vmas: readonly VmaSnapshot[]): string | null {
  const actual = new Array<string>(model.size).fill("unmapped");
  for (const vma of vmas) {
    const first = vma.start / model.pageSize;
    const end = vma.end / model.pageSize;
    if (end > model.size) return `a VMA ends at page ${end}, beyond the model's ${model.size}`;
    for (let page = first; page < end; page++) {
      if (actual[page] !== "unmapped") return `page ${page} is in two VMAs`;
      const sharedAnon = vma.name === "/dev/zero (deleted)";
      const file = sharedAnon ? SHARED_ANON : vma.file;
      actual[page] = pageText(permsOf(vma.flags), file, file === 0 ? 0 : vma.pgoff + page - first);
    }
  }
  for (let page = 0; page < model.size; page++) {
    const record = model.page(page);
    const expected =
      record === null ? "unmapped" : pageText(permsOf(flagsOf(record)), record.file, record.pgoff);
    if (actual[page] !== expected) return `page ${page}: expected ${expected}, got ${actual[page]}`;
  }
  return null;
}

/** Throws an Error that lists the violations, if there are any. */
export function assertSound(report: ValidationReport): void {
  if (report.length === 0) return;
  const lines = report.map((v) => `mm 0x${v.mm.toString(16)}: ${v.invariant} at ${v.where}`);
  throw new Error(`the address space is not sound:\n${lines.join("\n")}`);
}

function recordOf(args: ModelMmapArgs, anonymous: boolean): PageRecord {
  const shared = (args.flags & TYPE_MASK) !== MapFlags.PRIVATE;
  const writable = anonymous || !shared || (args.file?.writable ?? true);
  const file = anonymous ? (shared ? SHARED_ANON : 0) : (args.file?.id ?? 0);
  return { prot: args.prot & ACCESS, shared, mayWrite: writable, file, pgoff: 0 };
}

function anonymousErrno(type: number): number {
  return type === MapFlags.SHARED || type === MapFlags.PRIVATE ? 0 : Errno.EINVAL;
}

function fileErrno(type: number, prot: number, file: ModelFile, flags: number): number {
  const shared = type === MapFlags.SHARED || type === MapFlags.SHARED_VALIDATE;
  if (!shared && type !== MapFlags.PRIVATE) return Errno.EINVAL;
  const noReplace = (flags & MapFlags.FIXED_NOREPLACE) !== 0;
  if (type === MapFlags.SHARED_VALIDATE && noReplace) return Errno.EOPNOTSUPP;
  if (shared && (prot & Prot.WRITE) !== 0 && !(file.writable ?? true)) return Errno.EACCES;
  return (file.readable ?? true) ? 0 : Errno.EACCES;
}

function flagsOf(record: PageRecord): number {
  let flags = 0;
  if ((record.prot & Prot.READ) !== 0) flags |= VmFlags.READ;
  if ((record.prot & Prot.WRITE) !== 0) flags |= VmFlags.WRITE;
  if ((record.prot & Prot.EXEC) !== 0) flags |= VmFlags.EXEC;
  return record.shared ? flags | VmFlags.MAYSHARE : flags;
}

function pageText(perms: string, file: number, pgoff: number): string {
  return `${perms} file ${file} pgoff ${pgoff}`;
}

function refuse(errno: number, call: string, args: ErrorArgs): never {
  throw new MmError(errno, call, args);
}
