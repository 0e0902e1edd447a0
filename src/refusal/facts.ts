// What the checks of a refused call look at: settings, limits, counters and VMAs of a space.
//
// All bytes and pages are bigints here: arguments may be any 64-bit word, and nothing is hot.
// Context: the mmap lock. Floor: S2. Imports: shared, core, file, flags, maps-text.

import { MmArg, MmStat } from "../../assembly/shared/abi.js";
import type { Core } from "../core.js";
import { readFileInfo } from "../file.js";
import { hasFlags, VmFlags } from "../flags.js";
import { snapshotFrom, type VmaSnapshot } from "../maps-text.js";

/** A check that a call did not pass. */
export interface Finding {
  /** The errno's name. */
  readonly code: string;
  /** One sentence with the values. */
  readonly text: string;
}

export const SPECIAL = VmFlags.IO + VmFlags.DONTEXPAND + VmFlags.PFNMAP + VmFlags.MIXEDMAP;

export function finding(code: string, text: string): Finding {
  return { code, text };
}

export function hexOf(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}

/** `[0x1000, 0x3000)` */
export function rangeText({
  start,
  end,
}: {
  start: number | bigint;
  end: number | bigint;
}): string {
  return `[${hexOf(start)}, ${hexOf(end)})`;
}

export class Facts {
  readonly page: bigint;
  readonly taskSize: bigint;
  readonly minAddr: bigint;
  readonly maxMapCount: number;
  readonly overcommit: number;
  readonly totalRam: bigint;
  readonly mayLock: boolean;
  readonly mayMapLow: boolean;
  /** Bytes, -1n unlimited. */
  readonly limits: {
    readonly as: bigint;
    readonly data: bigint;
    readonly memlock: bigint;
  };
  readonly #core: Core;
  readonly #mm: number;

  constructor(core: Core, mm: number) {
    this.#core = core;
    this.#mm = mm;
    core.x.mm_settings(mm, core.scratch);
    const word = (n: MmArg) => core.f64[n] as number;
    this.page = 1n << BigInt(word(MmArg.PAGE_SHIFT));
    this.taskSize = BigInt(word(MmArg.TASK_SIZE));
    this.minAddr = BigInt(word(MmArg.MMAP_MIN_ADDR));
    this.maxMapCount = word(MmArg.MAX_MAP_COUNT);
    this.overcommit = word(MmArg.OVERCOMMIT);
    this.totalRam = BigInt(word(MmArg.TOTALRAM_PAGES));
    this.mayLock = word(MmArg.CAP_IPC_LOCK) !== 0;
    this.mayMapLow = word(MmArg.CAP_SYS_RAWIO) !== 0;
    this.limits = {
      as: BigInt(word(MmArg.RLIMIT_AS)),
      data: BigInt(word(MmArg.RLIMIT_DATA)),
      memlock: BigInt(word(MmArg.RLIMIT_MEMLOCK)),
    };
  }

  stat(which: MmStat): number {
    return this.#core.x.mm_stat(this.#mm, which);
  }

  get mapCount(): number {
    return this.stat(MmStat.MAP_COUNT);
  }

  hasMode(flag: number): boolean {
    return (this.stat(MmStat.FLAGS) & flag) !== 0;
  }

  /** FileFlag bits; 0 without a file. */
  fileFlags(file: number): number {
    return file === 0 ? 0 : readFileInfo(this.#core, file).flags;
  }

  fileName(file: number): string {
    return file === 0 ? "" : readFileInfo(this.#core, file).name;
  }

  /** Pages of a file; null: as many as you like. */
  filePages(file: number): bigint | null {
    const size = file === 0 ? null : readFileInfo(this.#core, file).size;
    return size === null ? null : this.align(BigInt(size)) / this.page;
  }

  isAligned(value: bigint): boolean {
    return value % this.page === 0n;
  }

  /** Rounded up to pages; 0 if that passes 2^64. */
  align(length: bigint): bigint {
    return BigInt.asUintN(64, (length + this.page - 1n) & ~(this.page - 1n));
  }

  /** The first VMA that ends above `address`. */
  findVma(address: bigint): VmaSnapshot | null {
    if (address >= this.taskSize) return null;
    const vma = this.#core.x.find_vma(this.#mm, Number(address)) >>> 0;
    if (vma === 0) return null;
    this.#core.x.vma_read(vma, this.#core.scratch);
    return snapshotFrom(this.#core.f64, null);
  }

  /** The VMA that contains `address`. */
  vmaAt(address: bigint): VmaSnapshot | null {
    const vma = this.findVma(address);
    return vma !== null && BigInt(vma.start) <= address ? vma : null;
  }

  /** The VMAs that reach into [start, end), and the holes between them, in order. */
  *parts(
    start: bigint,
    end: bigint,
  ): Generator<{ vma: VmaSnapshot | null; from: bigint; to: bigint }> {
    let at = start;
    while (at < end) {
      const vma = this.findVma(at);
      if (vma === null || BigInt(vma.start) >= end) {
        yield { vma: null, from: at, to: end };
        return;
      }
      if (BigInt(vma.start) > at) {
        yield { vma: null, from: at, to: BigInt(vma.start) };
        at = BigInt(vma.start);
      }
      const to = BigInt(vma.end) < end ? BigInt(vma.end) : end;
      yield { vma, from: at, to };
      at = to;
    }
  }

  /** The longest free range. Bytes. */
  longestGap(): bigint {
    let longest = 0n;
    for (const { vma, from, to } of this.parts(this.minAddr, this.taskSize)) {
      if (vma === null && to - from > longest) longest = to - from;
    }
    return longest;
  }

  /** No place is found for `length` bytes; `pgoff` pages into `file`, `flags` as in mmap. */
  *room(
    hint: bigint,
    length: bigint,
    pgoff: bigint,
    flags: number,
    file: number,
  ): Generator<Finding> {
    const { x } = this.#core;
    const at = x.unmapped_area(this.#mm, Number(hint), Number(length), Number(pgoff), flags, file);
    if (at >= 0) return;
    const longest = this.longestGap();
    const why =
      longest < length
        ? `the longest has ${longest}`
        : "those that are long enough lie in the guard gap of a stack, or where mmap does not search";
    yield finding("ENOMEM", `no free range has ${length} bytes: ${why}`);
  }

  /** A page of [start, end) is a guard page. */
  hasGuard(start: bigint, end: bigint): boolean {
    return this.#core.x.guard_in(this.#mm, Number(start), Number(end)) !== 0;
  }

  /** Pages of [start, end) for which `counts` holds. */
  pagesIn(start: bigint, end: bigint, counts: (vma: VmaSnapshot) => boolean): bigint {
    let bytes = 0n;
    for (const { vma, from, to } of this.parts(start, end)) {
      if (vma !== null && counts(vma)) bytes += to - from;
    }
    return bytes / this.page;
  }

  /** RLIMIT_AS, and RLIMIT_DATA for private writable memory (R-LIM-10). */
  *growth(flags: number, pages: bigint): Generator<Finding> {
    const { as, data } = this.limits;
    const total = BigInt(this.stat(MmStat.TOTAL_VM)) + pages;
    if (as >= 0n && total > as / this.page) {
      yield finding(
        "ENOMEM",
        `the address space would have ${total} pages, and RLIMIT_AS allows ${as / this.page}`,
      );
    }
    const isData =
      hasFlags(flags, VmFlags.WRITE) &&
      !hasFlags(flags, VmFlags.SHARED) &&
      !hasFlags(flags, VmFlags.GROWSDOWN);
    const dataPages = BigInt(this.stat(MmStat.DATA_VM)) + pages;
    if (isData && data > 0n && dataPages > data / this.page) {
      yield finding(
        "ENOMEM",
        `private writable memory would have ${dataPages} pages, and RLIMIT_DATA allows ${data / this.page}`,
      );
    }
  }

  /** Overcommit (R-ACCT-21). */
  *commit(pages: bigint): Generator<Finding> {
    if (pages <= 0n) return;
    const committed = BigInt(this.stat(MmStat.COMMIT)) + pages;
    if (this.overcommit === 0 && pages > this.totalRam) {
      yield finding(
        "ENOMEM",
        `${pages} pages are more than RAM and swap together (${this.totalRam}): overcommit_memory is 0`,
      );
    }
    if (this.overcommit === 2 && committed > this.totalRam / 2n) {
      yield finding(
        "ENOMEM",
        `${committed} committed pages pass the limit of ${this.totalRam / 2n}: overcommit_memory is 2`,
      );
    }
  }

  /** RLIMIT_MEMLOCK leaves no room for `pages` more. */
  isOverMemlock(pages: bigint): boolean {
    const { memlock } = this.limits;
    if (this.mayLock || memlock < 0n) return false;
    return BigInt(this.stat(MmStat.LOCKED_VM)) + pages > memlock / this.page;
  }

  memlockText(pages: bigint): string {
    const locked = this.stat(MmStat.LOCKED_VM);
    return (
      `${pages} pages more would be locked beside ${locked}, and RLIMIT_MEMLOCK allows ` +
      `${this.limits.memlock / this.page} without CAP_IPC_LOCK`
    );
  }

  *mayLockAtAll(): Generator<Finding> {
    if (this.limits.memlock === 0n && !this.mayLock) {
      yield finding(
        "EPERM",
        "RLIMIT_MEMLOCK is 0 and CAP_IPC_LOCK is missing: nothing may be locked",
      );
    }
  }

  /** Cutting `vma` makes one more: vm.max_map_count. */
  *cut(code: string): Generator<Finding> {
    if (this.mapCount < this.maxMapCount) return;
    yield finding(
      code,
      `a split would make VMA number ${this.mapCount + 1}, and vm.max_map_count is ${this.maxMapCount}`,
    );
  }
}
