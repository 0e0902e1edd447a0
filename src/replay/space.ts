// One address space under replay, driven through the raw plane: results as the core
// gives them (an address, a handle, 0, or -errno), nothing thrown, nothing allocated.
//
// Arguments may be any 64-bit word, as a recorded program's may: what a number cannot
// hold exactly goes through the i64 twins.

import type { Limit } from "../../assembly/shared/abi.js";
import { Abi, MmStat, VmaOut } from "../../assembly/shared/abi.js";
import type { Address } from "../address.js";
import type { Core } from "../core.js";
import { createMm, type MmOptions } from "../mm-options.js";

/** Visits a VMA; false ends the walk. Bytes; pgoff in pages. */
export type VmaVisitor = (
  start: number,
  end: number,
  flags: number,
  pgoff: number,
  file: number,
) => boolean;

/** Above 32 bits there is no protection: such a word becomes the lowest bit without a meaning. */
const UNKNOWN_PROT = 0x10;
const WORD = 0xffff_ffff;

export class ReplaySpace {
  readonly #core: Core;
  #startBrk = 0;

  /** Takes over one reference of `mm`. */
  constructor(
    core: Core,
    readonly mm: number,
  ) {
    this.#core = core;
    this.#startBrk = this.stat(MmStat.START_BRK);
  }

  static create(core: Core, options: MmOptions): ReplaySpace {
    return new ReplaySpace(core, createMm(core, options));
  }

  release(): void {
    this.#core.x.mmput(this.mm);
  }

  mmap(
    address: Address,
    length: Address,
    prot: number,
    flags: number,
    file: number,
    offset: Address,
  ): number {
    const { calls } = this.#core;
    if (isNumber(address) && isNumber(length) && isNumber(offset)) {
      return calls.mmap(this.mm, address, length, prot, flags, file, offset);
    }
    const [a, l, o] = [BigInt(address), BigInt(length), BigInt(offset)];
    return Number(calls.wide.mmap(this.mm, a, l, prot, flags, file, o));
  }

  munmap(address: Address, length: Address): number {
    const { calls } = this.#core;
    if (isNumber(address) && isNumber(length)) return calls.munmap(this.mm, address, length);
    return Number(calls.wide.munmap(this.mm, BigInt(address), BigInt(length)));
  }

  mprotect(address: Address, length: Address, prot: number): number {
    const { calls } = this.#core;
    const word = prot > WORD ? UNKNOWN_PROT : prot;
    if (isNumber(address) && isNumber(length)) {
      return calls.mprotect(this.mm, address, length, word);
    }
    return Number(calls.wide.mprotect(this.mm, BigInt(address), BigInt(length), word));
  }

  mremap(
    address: Address,
    oldLength: Address,
    newLength: Address,
    flags: number,
    newAddress: Address,
  ): number {
    const { calls } = this.#core;
    if (isNumber(address) && isNumber(oldLength) && isNumber(newLength) && isNumber(newAddress)) {
      return calls.mremap(this.mm, address, oldLength, newLength, flags, newAddress);
    }
    const [a, o, n, to] = [address, oldLength, newLength, newAddress].map(BigInt);
    return Number(calls.wide.mremap(this.mm, a!, o!, n!, flags, to!));
  }

  brk(address: Address): number {
    const { calls } = this.#core;
    if (isNumber(address)) return calls.brk(this.mm, address);
    return Number(calls.wide.brk(this.mm, address));
  }

  madvise(address: Address, length: Address, advice: number): number {
    const { calls } = this.#core;
    if (isNumber(address) && isNumber(length)) {
      return calls.madvise(this.mm, address, length, advice);
    }
    return Number(calls.wide.madvise(this.mm, BigInt(address), BigInt(length), advice));
  }

  mlock(address: Address, length: Address, flags: number): number {
    const { calls } = this.#core;
    if (isNumber(address) && isNumber(length)) return calls.mlock(this.mm, address, length, flags);
    return Number(calls.wide.mlock(this.mm, BigInt(address), BigInt(length), flags));
  }

  munlock(address: Address, length: Address): number {
    const { calls } = this.#core;
    if (isNumber(address) && isNumber(length)) return calls.munlock(this.mm, address, length);
    return Number(calls.wide.munlock(this.mm, BigInt(address), BigInt(length)));
  }

  mlockall(flags: number): number {
    return this.#core.calls.mlockall(this.mm, flags);
  }

  munlockall(): number {
    return this.#core.calls.munlockall(this.mm);
  }

  msync(address: Address, length: Address, flags: number): number {
    const { calls } = this.#core;
    if (isNumber(address) && isNumber(length)) return calls.msync(this.mm, address, length, flags);
    return Number(calls.wide.msync(this.mm, BigInt(address), BigInt(length), flags));
  }

  mincore(address: Address, length: Address): number {
    const { calls } = this.#core;
    if (isNumber(address) && isNumber(length)) return calls.mincore(this.mm, address, length);
    return Number(calls.wide.mincore(this.mm, BigInt(address), BigInt(length)));
  }

  mseal(address: Address, length: Address, flags: number): number {
    const { calls } = this.#core;
    if (isNumber(address) && isNumber(length)) return calls.mseal(this.mm, address, length, flags);
    return Number(calls.wide.mseal(this.mm, BigInt(address), BigInt(length), flags));
  }

  /** `Fault` bits. */
  fault(address: number, access: number): number {
    return this.#core.calls.handle_mm_fault(this.mm, address, access);
  }

  /** The child, or -errno. */
  fork(): ReplaySpace | number {
    const child = this.#core.calls.mm_fork(this.mm);
    return isErrno(child) ? child : new ReplaySpace(this.#core, child >>> 0);
  }

  /**
   * Another space with the same VMAs, limits and break aside; null if memory is short.
   * Unlike a fork's child it has every VMA, and all their flags.
   */
  copy(): ReplaySpace | null {
    const options = {
      taskSize: this.stat(MmStat.TASK_SIZE),
      mmapBase: this.stat(MmStat.MMAP_BASE),
    };
    const copy = ReplaySpace.create(this.#core, { ...options, capIpcLock: true });
    const whole = this.everyVma(0, options.taskSize, (start, end, flags, pgoff, file) => {
      return copy.install(start, end, flags, pgoff, file) === 0;
    });
    if (whole) {
      copy.initBrk(this.#startBrk, this.stat(MmStat.BRK), 0, this.stat(MmStat.START_STACK));
      return copy;
    }
    copy.release();
    return null;
  }

  install(start: number, end: number, flags: number, pgoff: number, file: number): number {
    return this.#core.x.vma_install(this.mm, start, end, flags, pgoff, file);
  }

  initBrk(startBrk: number, brk: number, dataSegment: number, startStack: number): void {
    this.#core.x.mm_brk_init(this.mm, startBrk, brk, dataSegment, startStack);
    this.#startBrk = startBrk;
  }

  setLimit(limit: Limit, bytes: number): void {
    this.#core.x.mm_limit_set(this.mm, limit, bytes);
  }

  stat(stat: MmStat): number {
    return this.#core.x.mm_stat(this.mm, stat);
  }

  /** True if maps would name an anonymous VMA here `[heap]` (R-PROC-6). */
  isHeap(start: number, end: number): boolean {
    return start < this.stat(MmStat.BRK) && end > this.#startBrk;
  }

  /** VMAs that reach into [from, to), upwards; false if a visit ended the walk. */
  everyVma(from: number, to: number, visit: VmaVisitor): boolean {
    const { x, f64, scratch } = this.#core;
    x.mmap_read_lock(this.mm);
    let going = true;
    for (let at = from; going && at < to; ) {
      const vma = x.find_vma(this.mm, at);
      if (vma === 0) break;
      x.vma_read(vma, scratch);
      const start = f64[VmaOut.START]!;
      if (start >= to) break;
      at = f64[VmaOut.END]!;
      going = visit(start, at, f64[VmaOut.FLAGS]!, f64[VmaOut.PGOFF]!, f64[VmaOut.FILE]!);
    }
    x.mmap_read_unlock(this.mm);
    return going;
  }
}

function isNumber(value: Address): value is number {
  return typeof value === "number";
}

/** A handle is a u32 that an i32 carries: only the few values of -errno are errors. */
function isErrno(result: number): boolean {
  return result < 0 && result >= -Abi.WOULD_BLOCK;
}
