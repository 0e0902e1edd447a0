// The checks of mmap(2) that a call did not pass, in Linux's order (R-MAP section 1.1).
//
// Context: the mmap lock. Floor: S2. Imports: shared, flags, facts.

import { MmFlag, MmStat } from "../../assembly/shared/abi.js";
import { FileFlag, MapFlag, ProtBit } from "../../assembly/shared/flags.js";
import { hasFlags, VmFlags } from "../flags.js";
import { type Facts, type Finding, finding, hexOf, rangeText } from "./facts.js";
import { unmapFindings } from "./munmap.js";

export interface MmapWords {
  readonly address: bigint;
  readonly length: bigint;
  readonly prot: number;
  readonly flags: number;
  /** 0 without a file. */
  readonly file: number;
  readonly offset: bigint;
}

const FILE_SIZE_MAX = 2n ** 63n - 1n;
const HUGE_LOG2_USUAL = 21;
const HUGE_LOG2_LARGE = 30;
export function* mmapFindings(facts: Facts, words: MmapWords): Generator<Finding> {
  const { flags, file, offset } = words;
  const has = (flag: number) => (flags & flag) !== 0;
  const anonymous = has(MapFlag.ANONYMOUS);
  if (!facts.isAligned(offset)) {
    yield finding("EINVAL", `the offset ${hexOf(offset)} is no multiple of the page size`);
  }
  if (!anonymous && file === 0) {
    yield finding("EBADF", "there is neither MAP_ANONYMOUS nor an open file");
    return;
  }
  const huge = has(MapFlag.HUGETLB) ? hugeBytes(flags) : 0n;
  if (has(MapFlag.HUGETLB)) {
    if (!anonymous && (facts.fileFlags(file) & FileFlag.HUGETLB) === 0) {
      yield finding("EINVAL", "MAP_HUGETLB with a file that is not on hugetlbfs");
      return;
    }
    if (anonymous && huge === 0n) {
      yield finding("EINVAL", "x86-64 has no huge pages of the size that the flags ask for");
      return;
    }
  }

  if (words.length === 0n) yield finding("EINVAL", "the length is 0");
  const asked = anonymous && huge !== 0n ? roundUp(words.length, huge) : words.length;
  const length = facts.align(asked);
  if (length === 0n) {
    if (words.length !== 0n) {
      yield finding("ENOMEM", `the length ${hexOf(words.length)} rounded up to pages passes 2^64`);
    }
    return;
  }
  yield* placeFindings(facts, words, length, huge);
  yield* kindFindings(facts, words, length);
  yield* regionFindings(facts, words, length);
}

function roundUp(value: bigint, size: bigint): bigint {
  return BigInt.asUintN(64, (value + size - 1n) & ~(size - 1n));
}

/** Size of the huge pages that the flags ask for; 0: x86-64 has none such. */
function hugeBytes(flags: number): bigint {
  const log2 = (flags >>> MapFlag.HUGE_SHIFT) & MapFlag.HUGE_MASK;
  if (log2 === 0) return 1n << BigInt(HUGE_LOG2_USUAL);
  return log2 === HUGE_LOG2_USUAL || log2 === HUGE_LOG2_LARGE ? 1n << BigInt(log2) : 0n;
}

/** round_hint_to_min: whole pages, not below mmap_min_addr. */
function hintOf(facts: Facts, address: bigint): bigint {
  const hint = address - (address % facts.page);
  if (hint >= facts.taskSize) return facts.taskSize; // as good as any hint that is too high
  return hint !== 0n && hint < facts.minAddr ? facts.align(facts.minAddr) : hint;
}

function isFixed(flags: number): boolean {
  return (flags & (MapFlag.FIXED | MapFlag.FIXED_NOREPLACE)) !== 0;
}

/** Checks 11 to 15: the place. */
function* placeFindings(
  facts: Facts,
  { address, flags, file, offset }: MmapWords,
  length: bigint,
  huge: bigint,
): Generator<Finding> {
  if (facts.mapCount > facts.maxMapCount) {
    yield finding(
      "ENOMEM",
      `there are ${facts.mapCount} VMAs, and vm.max_map_count is ${facts.maxMapCount}`,
    );
  }
  if (length > facts.taskSize) {
    yield finding("ENOMEM", `${length} bytes are more than the whole address space`);
    return;
  }
  if (!isFixed(flags)) {
    const hint = hintOf(facts, address);
    const backing = (flags & MapFlag.ANONYMOUS) !== 0 ? 0 : file;
    yield* facts.room(hint, length, offset / facts.page, flags, backing);
    return;
  }
  if (address > facts.taskSize - length) {
    const end = address + length;
    yield finding(
      "ENOMEM",
      `the range would end at ${hexOf(end)}, beyond the end of the address space at ${hexOf(facts.taskSize)}`,
    );
    return;
  }
  if (huge !== 0n && address % huge !== 0n) {
    yield finding("EINVAL", `${hexOf(address)} is no multiple of the huge page size`);
  }
  if (!facts.isAligned(address)) {
    yield finding("EINVAL", `with MAP_FIXED ${hexOf(address)} must be a multiple of the page size`);
  }
  if (address < facts.minAddr && !facts.mayMapLow) {
    yield finding(
      "EPERM",
      `${hexOf(address)} is below vm.mmap_min_addr (${hexOf(facts.minAddr)}) and CAP_SYS_RAWIO is missing`,
    );
  }
  if ((flags & MapFlag.FIXED_NOREPLACE) !== 0) {
    for (const { vma } of facts.parts(address, address + length)) {
      if (vma === null) continue;
      yield finding("EEXIST", `MAP_FIXED_NOREPLACE, and ${rangeText(vma)} is mapped already`);
      break;
    }
  }
}

/** Checks 14 to 26: what kind of mapping. */
function* kindFindings(facts: Facts, words: MmapWords, length: bigint): Generator<Finding> {
  const { flags, file, prot, offset } = words;
  const locks = (flags & MapFlag.LOCKED) !== 0;
  if (locks) yield* facts.mayLockAtAll();
  const isLocked = locks || hasFlags(facts.stat(MmStat.DEF_FLAGS), VmFlags.LOCKED);
  const pages = length / facts.page;
  if (isLocked && facts.isOverMemlock(pages)) yield finding("EAGAIN", facts.memlockText(pages));
  const type = flags & MapFlag.TYPE_MASK;
  if ((flags & MapFlag.ANONYMOUS) !== 0) yield* anonymousFindings(flags, type);
  else yield* fileFindings(facts.fileFlags(file), { type, flags, prot, length, offset });
  const isWriteExec = (prot & ProtBit.WRITE) !== 0;
  const gainsExec = (prot & ProtBit.EXEC) !== 0 && facts.hasMode(MmFlag.MDWE) && isWriteExec;
  if (gainsExec) {
    yield finding("EACCES", "PR_SET_MDWE forbids memory that is writable and executable");
  }
}

function* anonymousFindings(flags: number, type: number): Generator<Finding> {
  const grows = (flags & MapFlag.GROWSDOWN) !== 0;
  if (type === MapFlag.PRIVATE) return;
  if (type === MapFlag.SHARED) {
    if (grows) yield finding("EINVAL", "MAP_GROWSDOWN is for private memory, not MAP_SHARED");
  } else if (type === MapFlag.DROPPABLE) {
    if (grows || (flags & (MapFlag.LOCKED | MapFlag.HUGETLB)) !== 0) {
      yield finding("EINVAL", "MAP_DROPPABLE excludes MAP_LOCKED, MAP_HUGETLB and MAP_GROWSDOWN");
    }
  } else {
    yield finding(
      "EINVAL",
      "the flags have no map type that anonymous memory knows: MAP_SHARED or MAP_PRIVATE",
    );
  }
}

interface FileWords {
  readonly type: number;
  readonly flags: number;
  readonly prot: number;
  readonly length: bigint;
  readonly offset: bigint;
}

function* fileFindings(can: number, words: FileWords): Generator<Finding> {
  const { type, flags, prot, length, offset } = words;
  const is = (flag: number) => (can & flag) !== 0;
  const isMappable = !is(FileFlag.NO_MMAP);
  const writes = (prot & ProtBit.WRITE) !== 0;
  const isShared = type === MapFlag.SHARED || type === MapFlag.SHARED_VALIDATE;
  const reach = isMappable ? FILE_SIZE_MAX : 2n ** 64n - 1n;
  if (length > reach || offset > reach - length) {
    yield finding("EOVERFLOW", "the offset and the length together pass the largest file");
  }
  const known = MapFlag.LEGACY_MASK | (is(FileFlag.SYNC_LATE) ? MapFlag.SYNC : 0);
  if (type === MapFlag.SHARED_VALIDATE && (flags & ~known) !== 0) {
    const unknown = hexOf((flags & ~known) >>> 0);
    yield finding("EOPNOTSUPP", `MAP_SHARED_VALIDATE, and the file knows no flag ${unknown}`);
  }
  if (isShared && writes && !is(FileFlag.WRITABLE)) {
    yield finding("EACCES", "a shared writable mapping of a file that is not open for writing");
  }
  if (isShared && writes && is(FileFlag.SWAPFILE)) {
    yield finding("ETXTBSY", "the file is an active swap file");
  }
  if (isShared && is(FileFlag.APPEND) && is(FileFlag.WRITABLE)) {
    yield finding("EACCES", "a shared mapping of a file that is open for appending");
  }
  if (!isShared && type !== MapFlag.PRIVATE) {
    yield finding("EINVAL", "the flags have no map type: MAP_SHARED or MAP_PRIVATE");
  }
  if (!is(FileFlag.READABLE)) yield finding("EACCES", "the file is not open for reading");
  if (is(FileFlag.NOEXEC) && (prot & ProtBit.EXEC) !== 0) {
    yield finding("EPERM", "PROT_EXEC of a file on a noexec mount");
  }
  if (!isMappable)
    yield finding("ENODEV", "the file cannot be mapped: a directory, pipe or socket");
  if ((flags & MapFlag.GROWSDOWN) !== 0) {
    yield finding("EINVAL", "MAP_GROWSDOWN is for anonymous memory, not for a file");
  }
  if (is(FileFlag.SEAL_WRITE) && isShared && writes && is(FileFlag.WRITABLE)) {
    yield finding("EPERM", "the memfd is sealed against writing");
  }
  if ((flags & MapFlag.SYNC) !== 0 && is(FileFlag.SYNC_LATE)) {
    yield finding("EOPNOTSUPP", "MAP_SYNC needs a file system with DAX (persistent memory)");
  }
}

/** Checks 27 to 31: what is replaced, limits, accounting. */
function* regionFindings(facts: Facts, words: MmapWords, length: bigint): Generator<Finding> {
  const { flags, prot, address } = words;
  const fixed = (flags & MapFlag.FIXED) !== 0 && address <= facts.taskSize - length;
  const range = { start: address, end: address + length };
  if (fixed) yield* unmapFindings(facts, range.start, range.end);
  const isShared = [MapFlag.SHARED, MapFlag.SHARED_VALIDATE].includes(flags & MapFlag.TYPE_MASK);
  const isHuge = (flags & MapFlag.HUGETLB) !== 0;
  const isDroppable = (flags & MapFlag.TYPE_MASK) === MapFlag.DROPPABLE;
  let vmFlags = prot & (ProtBit.READ | ProtBit.WRITE | ProtBit.EXEC);
  if (isShared && sharesWrites(facts, words)) vmFlags += VmFlags.SHARED;
  if ((flags & MapFlag.GROWSDOWN) !== 0) vmFlags += VmFlags.GROWSDOWN;
  const pages = length / facts.page;
  const replaced = fixed ? facts.pagesIn(range.start, range.end, () => true) : 0n;
  yield* facts.growth(vmFlags, pages - replaced);
  const noReserve = isDroppable || ((flags & MapFlag.NORESERVE) !== 0 && facts.overcommit !== 2);
  const writes = (prot & ProtBit.WRITE) !== 0;
  if (writes && !noReserve && !isHuge && !hasFlags(vmFlags, VmFlags.SHARED)) {
    const accounted = (vma: { flags: number }) => hasFlags(vma.flags, VmFlags.ACCOUNT);
    const released = fixed ? facts.pagesIn(range.start, range.end, accounted) : 0n;
    yield* facts.commit(pages - released);
  }
  if (isHuge && !noReserve) {
    yield finding("ENOMEM", "the pool has no huge page that could be reserved (nr_hugepages)");
  }
}

/** Anonymous shared memory, or a shared mapping of a file open for writing. */
function sharesWrites(facts: Facts, { flags, file }: MmapWords): boolean {
  if ((flags & MapFlag.ANONYMOUS) !== 0) return true;
  return (facts.fileFlags(file) & FileFlag.WRITABLE) !== 0;
}
