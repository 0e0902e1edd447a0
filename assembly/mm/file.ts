// File records: the identity behind a file mapping, shared by all workers.
//
// One record is one open file description: two opens of one file are two records and
// do not merge (R-MERGE-12). A record lives while a FileRef or a VMA refers to it.
// References are taken and given when the call is committed (alloc/commit.ts).
//
// Floor: mm. Imports: base, alloc, sync/refcount, change, name.

import { journal_later } from "../alloc/commit";
import { journal_alloc, Tag } from "../alloc/journal";
import { ledger_add } from "../alloc/ledger";
import { File, Header } from "../base/layout";
import { FileArg, Ref, SlabKind } from "../shared/abi";
import { Errno } from "../shared/errno";
import { FileFlag } from "../shared/flags";
import { fetch_add } from "../sync/atomics";
import { refcount_set } from "../sync/refcount";
import { mm_abandon_change } from "./change";
import { name_copy, name_make } from "./name";

/** A file from FileArg words at `args`; one reference, this worker's. 0 is never returned: -ENOMEM. */
export function file_create(args: usize): i32 {
  const length = <u32>load<f64>(args, FileArg.NAME_LENGTH * 8);
  const kind_length = <u32>load<f64>(args, FileArg.KIND_LENGTH * 8);
  if (length > <u32>FileArg.NAME_MAX || kind_length > <u32>FileArg.KIND_MAX) return -Errno.EINVAL;
  const file = journal_alloc(SlabKind.FILE);
  if (file == 0) return -Errno.ENOMEM;
  const name = name_make(args + FileArg.NAME_OFFSET, length + kind_length);
  const unnamed = name == 0 && length + kind_length != 0;
  if (unnamed || ledger_add(<u32>file | Ref.FILE) != 0) {
    mm_abandon_change();
    return -Errno.ENOMEM;
  }
  store<u32>(file, <u32>load<f64>(args, FileArg.FLAGS * 8), File.FLAGS);
  store<u32>(file, <u32>load<f64>(args, FileArg.DEV_MAJOR * 8), File.DEV_MAJOR);
  store<u32>(file, <u32>load<f64>(args, FileArg.DEV_MINOR * 8), File.DEV_MINOR);
  store<u64>(file, <u64>load<f64>(args, FileArg.INODE * 8), File.INODE);
  store<u64>(file, <u64>load<f64>(args, FileArg.SIZE * 8), File.SIZE_BYTES);
  store<u32>(file, name, File.NAME);
  store<u32>(file, length, File.NAME_LENGTH);
  store<u32>(file, <u32>load<f64>(args, FileArg.HUGE_SHIFT * 8), File.HUGE_SHIFT);
  store<u32>(file, kind_length, File.KIND_LENGTH);
  refcount_set(file + File.REFS, 1);
  return <i32>file;
}

/**
 * The object behind one MAP_SHARED|MAP_ANONYMOUS mapping (R-BASE-9), or behind anonymous
 * huge pages of 2^huge_shift bytes (0: not huge). Context: a file was reserved.
 */
export function file_create_internal(bytes: u64, huge_shift: u32): u32 {
  const huge = huge_shift != 0;
  const file = journal_alloc(SlabKind.FILE);
  const kind = huge ? FileFlag.HUGETLB : FileFlag.SHMEM;
  store<u32>(file, FileFlag.READABLE | FileFlag.WRITABLE | FileFlag.SHARED_ANON | kind, File.FLAGS);
  store<u32>(file, 0, File.DEV_MAJOR);
  store<u32>(file, huge ? HUGETLB_DEV_MINOR : SHMEM_DEV_MINOR, File.DEV_MINOR);
  store<u64>(file, <u64>fetch_add(Header.INODE_NEXT, 1), File.INODE);
  store<u64>(file, bytes, File.SIZE_BYTES);
  store<u32>(file, 0, File.NAME);
  store<u32>(file, 0, File.NAME_LENGTH);
  store<u32>(file, huge_shift, File.HUGE_SHIFT);
  store<u32>(file, 0, File.KIND_LENGTH);
  refcount_set(file + File.REFS, 1);
  return <u32>file;
}

/** When the call is committed: the caller, or a VMA that this call may take out, has one until then. */
export function file_get(file: u32): void {
  journal_later(Tag.GET_FILE, file);
}

/** When the call is committed. */
export function file_put(file: u32): void {
  journal_later(Tag.PUT_FILE, file);
}

/** Writes the FileArg words and the bytes of both names at `out`. Context: the caller holds a reference. */
export function file_info(file: u32, out: usize): void {
  const length = load<u32>(file, File.NAME_LENGTH);
  store<f64>(out, <f64>load<u32>(file, File.FLAGS), FileArg.FLAGS * 8);
  store<f64>(out, <f64>load<u32>(file, File.DEV_MAJOR), FileArg.DEV_MAJOR * 8);
  store<f64>(out, <f64>load<u32>(file, File.DEV_MINOR), FileArg.DEV_MINOR * 8);
  store<f64>(out, <f64>load<u64>(file, File.INODE), FileArg.INODE * 8);
  store<f64>(out, <f64>load<u64>(file, File.SIZE_BYTES), FileArg.SIZE * 8);
  store<f64>(out, <f64>length, FileArg.NAME_LENGTH * 8);
  store<f64>(out, <f64>load<u32>(file, File.HUGE_SHIFT), FileArg.HUGE_SHIFT * 8);
  const kind_length = load<u32>(file, File.KIND_LENGTH);
  store<f64>(out, <f64>kind_length, FileArg.KIND_LENGTH * 8);
  name_copy(load<u32>(file, File.NAME), length + kind_length, out + FileArg.NAME_OFFSET);
}

export function file_flags(file: u32): u32 {
  return load<u32>(file, File.FLAGS);
}

/** Bytes of a page of a hugetlbfs file. */
export function file_huge_size(file: u32): u64 {
  return (<u64>1) << load<u32>(file, File.HUGE_SHIFT);
}

/** Pages of `file`, rounded up; u64.MAX_VALUE if its size is unknown. */
export function file_pages(file: u32, shift: u32): u64 {
  if ((file_flags(file) & FileFlag.SIZE_UNKNOWN) != 0) return u64.MAX_VALUE;
  return (load<u64>(file, File.SIZE_BYTES) + (((<u64>1) << shift) - 1)) >> shift;
}

/** Minor number of the kernel's internal tmpfs, as maps shows it (00:01). */
const SHMEM_DEV_MINOR: u32 = 1;
/** Minor number of the kernel's internal hugetlbfs. */
const HUGETLB_DEV_MINOR: u32 = 15;
