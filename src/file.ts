// FileRef: the identity behind a file mapping, one open file description.
//
// Two FileRefs made by two openFile calls never merge, even for one inode, as two
// opens do not in Linux (R-MERGE-12). Floor: S2. Imports: shared, handle, core.

import { FileArg } from "../assembly/shared/abi.js";
import { FileFlag } from "../assembly/shared/flags.js";
import { type Address, asNumber, assertFields, checkedNumber, shown } from "./address.js";
import type { Core } from "./core.js";
import { checked, checkedPointer } from "./errors.js";
import { Handle } from "./handle.js";
import type { FileOps } from "./vma-new.js";

/** Address of a file record in the arena: the raw plane's `file`. */
export type FilePtr = number;

/** A device number: a string as in /proc/PID/maps (`fd:01`, hex), a Linux dev_t, or its two parts. */
export type Device = string | number | { readonly major: number; readonly minor: number };

/** The kinds of files that the engine knows by itself. */
export type FileKind = "regular" | "shmem" | "dev-zero" | "hugetlbfs" | "special";

export interface FileOptions {
  /** Path that /proc/PID/maps shows; at most 4096 bytes of UTF-8. */
  readonly name: string;
  /** Default `00:00`. */
  readonly dev?: Device;
  /** Default 0. */
  readonly inode?: number;
  /** Bytes; accesses beyond the last page are SIGBUS. Default: unknown, no access is beyond the end. */
  readonly size?: Address;
  /** Opened for reading. Default true. */
  readonly readable?: boolean;
  /** Opened for writing. Default true. */
  readonly writable?: boolean;
  /** O_APPEND: no shared writable mapping. */
  readonly append?: boolean;
  /** F_SEAL_WRITE or F_SEAL_FUTURE_WRITE of a memfd. */
  readonly sealed?: boolean;
  /** On a noexec mount. */
  readonly noexec?: boolean;
  /** False for directories, pipes and sockets: mmap gives ENODEV. Default true. */
  readonly mappable?: boolean;
  /** An active swap file: shared writable mappings give ETXTBSY. */
  readonly swapfile?: boolean;
  /** Of a hugetlbfs file: bytes of its pages, 2 MiB (the default) or 1 GiB. */
  readonly hugePageBytes?: number;
  /** Unlinked: maps shows ` (deleted)`. */
  readonly deleted?: boolean;
  /** The file system aligns large mappings for huge pages, as ext4, xfs and btrfs do. */
  readonly hugePageAligned?: boolean;
  /** The file system knows MAP_SYNC but this file cannot do it. */
  readonly syncRefused?: boolean;
  /**
   * `special` names a mapping such as `[vdso]`, not a file. Any other word names operations
   * that {@link Engine.registerFileOps} has registered in this worker. Default `regular`.
   */
  readonly kind?: FileKind | (string & {});
}

/** A file record as plain data. */
export interface FileInfo {
  /** FileFlag bits. */
  readonly flags: number;
  readonly major: number;
  readonly minor: number;
  readonly inode: number;
  /** Bytes; null if unknown. */
  readonly size: number | null;
  /** Path as given, without ` (deleted)`. */
  readonly name: string;
  /** Its kind, as given to openFile. */
  readonly kind: string;
  /** Bytes of a page of a hugetlbfs file; null for other files. */
  readonly hugePageBytes: number | null;
}

/**
 * A counted reference to a file record.
 *
 * Made by {@link Engine.openFile}; mappings hold references of their own, so it may be
 * disposed as soon as the last mmap with it is done. Travels through comlink.
 */
export class FileRef extends Handle {
  protected override get kind(): string {
    return "FileRef";
  }

  protected put(pointer: FilePtr): void {
    this.context.core.x.file_put(pointer);
  }

  /** One more reference to the same open file: mappings through it merge with those through this one. */
  clone(): FileRef {
    const pointer = this.pointer;
    checked(this.context.core.x.file_get(pointer), "clone");
    return new FileRef(this.context, pointer);
  }

  /** The record's address; equal addresses are the same open file. */
  asRaw(): FilePtr {
    return this.pointer;
  }

  /** The record as plain data. */
  info(): FileInfo {
    return readFileInfo(this.context.core, this.pointer);
  }

  /** Path as given to openFile. */
  get name(): string {
    return this.info().name;
  }
}

/** A new file record with one reference, which the caller owns. */
export function createFile(
  core: Core,
  options: FileOptions,
  fileOps: ReadonlyMap<string, FileOps> = new Map(),
): FilePtr {
  assertFields(options, "file");
  const kind = options.kind ?? "regular";
  const known = typeof kind === "string" ? kindFlag(kind) : undefined;
  if (known === undefined && !fileOps.has(kind)) {
    throw new TypeError(`unknown kind of file: ${shown(kind)} (registerFileOps makes new ones)`);
  }
  const kindName = new TextEncoder().encode(known === undefined ? kind : "");
  if (typeof options.name !== "string")
    throw new TypeError(`name must be a string, not ${shown(options.name)}`);
  const name = new TextEncoder().encode(options.name);
  if (name.length > FileArg.NAME_MAX) {
    throw new RangeError(`name must have at most ${FileArg.NAME_MAX} bytes, not ${name.length}`);
  }
  const [major, minor] = parseDevice(options.dev ?? 0);
  const args = core.f64;
  args[FileArg.FLAGS] = flagsOf(options) | (known ?? FileFlag.HOOKED);
  args[FileArg.DEV_MAJOR] = major;
  args[FileArg.DEV_MINOR] = minor;
  args[FileArg.INODE] = checkedNumber(options.inode ?? 0, "inode");
  args[FileArg.SIZE] = asNumber(options.size ?? 0, "size");
  args[FileArg.HUGE_SHIFT] = kind === "hugetlbfs" ? hugeShift(options.hugePageBytes) : 0;
  args[FileArg.NAME_LENGTH] = name.length;
  args[FileArg.KIND_LENGTH] = kindName.length;
  core.u8.set(name, FileArg.NAME_OFFSET);
  core.u8.set(kindName, FileArg.NAME_OFFSET + name.length);
  return checkedPointer(core.x.file_create(), "openFile", () => ({ name: options.name }));
}

/** Context: something holds a reference to `file`. */
export function readFileInfo(core: Core, file: FilePtr): FileInfo {
  core.x.file_info(file);
  const words = core.f64;
  const flags = words[FileArg.FLAGS] as number;
  const length = words[FileArg.NAME_LENGTH] as number;
  // A copy: TextDecoder does not read shared memory.
  const huge = words[FileArg.HUGE_SHIFT] as number;
  const end = FileArg.NAME_OFFSET + length + (words[FileArg.KIND_LENGTH] as number);
  const bytes = core.u8.slice(FileArg.NAME_OFFSET, end);
  const decoder = new TextDecoder();
  return {
    flags,
    major: words[FileArg.DEV_MAJOR] as number,
    minor: words[FileArg.DEV_MINOR] as number,
    inode: words[FileArg.INODE] as number,
    size: (flags & FileFlag.SIZE_UNKNOWN) !== 0 ? null : (words[FileArg.SIZE] as number),
    name: decoder.decode(bytes.subarray(0, length)),
    hugePageBytes: (flags & FileFlag.HUGETLB) !== 0 ? 2 ** huge : null,
    kind: kindOf(flags) ?? decoder.decode(bytes.subarray(length)),
  };
}

/** Options that are false unless given, and their bits. */
const FLAGS = {
  append: FileFlag.APPEND,
  swapfile: FileFlag.SWAPFILE,
  noexec: FileFlag.NOEXEC,
  sealed: FileFlag.SEAL_WRITE,
  hugePageAligned: FileFlag.THP_ALIGNED,
  deleted: FileFlag.DELETED,
  syncRefused: FileFlag.SYNC_LATE,
} as const satisfies Partial<Record<keyof FileOptions, FileFlag>>;

function flagsOf(options: FileOptions): number {
  let flags = 0;
  for (const [name, flag] of Object.entries(FLAGS)) {
    if (options[name as keyof typeof FLAGS]) flags |= flag;
  }
  if (options.readable ?? true) flags |= FileFlag.READABLE;
  if (options.writable ?? true) flags |= FileFlag.WRITABLE;
  if (options.mappable === false) flags |= FileFlag.NO_MMAP;
  if (options.size === undefined) flags |= FileFlag.SIZE_UNKNOWN;
  return flags;
}

/** x86-64's sizes. @throws RangeError another one */
function hugeShift(bytes: number = 2 ** 21): number {
  if (bytes === 2 ** 21 || bytes === 2 ** 30) return Math.log2(bytes);
  throw new RangeError(`hugePageBytes must be 2 MiB or 1 GiB, not ${shown(bytes)}`);
}

const KIND_FLAGS: Readonly<Record<FileKind, number>> = {
  regular: 0,
  shmem: FileFlag.SHMEM,
  "dev-zero": FileFlag.DEV_ZERO,
  hugetlbfs: FileFlag.HUGETLB,
  special: FileFlag.SPECIAL,
};

/** Undefined for a kind with operations. */
function kindFlag(kind: string): number | undefined {
  return Object.hasOwn(KIND_FLAGS, kind) ? KIND_FLAGS[kind as FileKind] : undefined;
}

/** The kind that the flags tell; undefined: one with operations, which has a name. */
function kindOf(flags: number): string | undefined {
  if ((flags & FileFlag.HOOKED) !== 0) return undefined;
  return (
    Object.keys(KIND_FLAGS).findLast((kind) => (flags & (kindFlag(kind) ?? 0)) !== 0) ?? "regular"
  );
}

/**
 * Enters the operations of a kind in this worker, in place of earlier ones.
 *
 * @throws TypeError the kind is empty, too long or one of {@link FileKind}; ops has no mmap function
 */
export function registerFileOps(fileOps: Map<string, FileOps>, kind: string, ops: FileOps): void {
  if (typeof kind !== "string" || kind === "" || kindFlag(kind) !== undefined) {
    throw new TypeError(`kind must be a name of your own, not ${shown(kind)}`);
  }
  if (new TextEncoder().encode(kind).length > FileArg.KIND_MAX) {
    throw new TypeError(`kind must have at most ${FileArg.KIND_MAX} bytes: ${kind}`);
  }
  if (typeof ops !== "object" || ops === null || typeof ops.mmap !== "function") {
    throw new TypeError("ops.mmap must be a function");
  }
  fileOps.set(kind, ops);
}

function parseDevice(dev: Device): readonly [major: number, minor: number] {
  if (typeof dev === "string") {
    const parts = /^([0-9a-f]+):([0-9a-f]+)$/i.exec(dev);
    if (parts === null) throw new TypeError(`dev must look like "fd:01", not "${dev}"`);
    return [Number(`0x${parts[1]}`), Number(`0x${parts[2]}`)];
  }
  if (typeof dev === "object") {
    assertFields(dev, "dev");
    return [checkedNumber(dev.major, "dev.major"), checkedNumber(dev.minor, "dev.minor")];
  }
  const word = checkedNumber(dev, "dev");
  return [(word >>> 8) & 0xfff, (word & 0xff) | ((word >>> 12) & 0xfff00)];
}
