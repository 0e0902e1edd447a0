// The text of /proc/PID/maps, from the VMAs of one mm (R-PROC-1..7).
//
// Context of everything here: the mmap lock, or the lock of the VMA at hand.
// Floor: S2. Imports: shared, address, flags, file.

import { MmStat, VmaOut } from "../assembly/shared/abi.js";
import { FileFlag } from "../assembly/shared/flags.js";
import { hex } from "./address.js";
import type { Core } from "./core.js";
import { type FileInfo, readFileInfo } from "./file.js";
import { permsOf } from "./flags.js";

/** 25 + 6 * sizeof(void *) - 1: names begin one column later. */
const NAME_COLUMN = 72;

/** One VMA as plain data: a copy that keeps its answer whatever happens afterwards. */
export interface VmaSnapshot {
  /** Bytes; `[start, end)`. */
  readonly start: number;
  readonly end: number;
  /** vm_flags, see VmFlags. */
  readonly flags: number;
  /** Pages; private anonymous VMAs have one too. */
  readonly pgoff: number;
  /** Identity of the open file, 0 without one. */
  readonly file: number;
  /** Identity of the anon_vma, 0 without one. */
  readonly anonVma: number;
  /** The last column of maps; null if it is empty, and from `peek`, which reads no names. */
  readonly name: string | null;
}

/** The snapshot from VmaOut words. */
export function snapshotFrom(words: Float64Array, name: string | null): VmaSnapshot {
  return {
    start: words[VmaOut.START] as number,
    end: words[VmaOut.END] as number,
    flags: words[VmaOut.FLAGS] as number,
    pgoff: words[VmaOut.PGOFF] as number,
    file: words[VmaOut.FILE] as number,
    anonVma: words[VmaOut.ANON_VMA] as number,
    name,
  };
}

/** What names and offsets of one mm need besides the VMA; file records are read once. */
export class MapsReader {
  readonly #core: Core;
  readonly #brk: number;
  readonly #startBrk: number;
  readonly #startStack: number;
  readonly pageSize: number;
  readonly #files = new Map<number, FileInfo>();

  constructor(core: Core, mm: number) {
    this.#core = core;
    this.#brk = core.x.mm_stat(mm, MmStat.BRK);
    this.#startBrk = core.x.mm_stat(mm, MmStat.START_BRK);
    this.#startStack = core.x.mm_stat(mm, MmStat.START_STACK);
    this.pageSize = 2 ** core.x.mm_stat(mm, MmStat.PAGE_SHIFT);
  }

  /** A copy of one VMA with its name. */
  snapshot(vma: number): VmaSnapshot {
    const core = this.#core;
    core.x.vma_read(vma, core.scratch);
    const bare = snapshotFrom(core.f64, null);
    const given = core.f64[VmaOut.ANON_NAME] as number; // reading names overwrites scratch
    return { ...bare, name: this.name(bare, given === 0 ? null : this.#vmaName(given)) };
  }

  /** The last column (R-PROC-6, 7); null if it is empty. `given`: by PR_SET_VMA_ANON_NAME. */
  name(
    vma: Pick<VmaSnapshot, "start" | "end" | "file">,
    given: string | null = null,
  ): string | null {
    if (vma.file !== 0) {
      return given === null ? nameOfFile(this.#file(vma.file)) : `[anon_shmem:${given}]`;
    }
    if (vma.start < this.#brk && vma.end > this.#startBrk) return "[heap]";
    const stack = this.#startStack;
    if (stack !== 0 && vma.start <= stack && vma.end >= stack) return "[stack]";
    return given === null ? null : `[anon:${given}]`;
  }

  /** One line, with its newline. */
  line(vma: VmaSnapshot): string {
    const file = vma.file === 0 ? null : this.#file(vma.file);
    const isFile = file !== null && (file.flags & FileFlag.SPECIAL) === 0;
    const offset = isFile ? BigInt(vma.pgoff) * BigInt(this.pageSize) : 0n;
    const device = isFile ? `${hex(file.major, 2)}:${hex(file.minor, 2)}` : "00:00";
    const fixed =
      `${hex(vma.start, 8)}-${hex(vma.end, 8)} ${permsOf(vma.flags)} ` +
      `${offset.toString(16).padStart(8, "0")} ${device} ${isFile ? file.inode : 0} `;
    return vma.name === null ? `${fixed}\n` : `${fixed.padEnd(NAME_COLUMN)} ${vma.name}\n`;
  }

  /** FileFlag bits of a VMA's file. */
  fileFlags(file: number): number {
    return this.#file(file).flags;
  }

  /** Bytes of a page of a hugetlbfs file; null for another. */
  hugePageBytes(file: number): number | null {
    return this.#file(file).hugePageBytes;
  }

  #vmaName(pointer: number): string {
    const length = this.#core.x.vma_name(pointer);
    return new TextDecoder().decode(this.#core.u8.slice(0, length));
  }

  #file(pointer: number): FileInfo {
    let info = this.#files.get(pointer);
    if (info === undefined) {
      info = readFileInfo(this.#core, pointer);
      this.#files.set(pointer, info);
    }
    return info;
  }
}

function nameOfFile(file: FileInfo): string | null {
  if ((file.flags & FileFlag.SHARED_ANON) !== 0) {
    return (file.flags & FileFlag.HUGETLB) !== 0
      ? "/anon_hugepage (deleted)"
      : "/dev/zero (deleted)";
  }
  const name = file.name.replaceAll("\n", "\\012");
  if (name === "") return null;
  return (file.flags & FileFlag.DELETED) !== 0 ? `${name} (deleted)` : name;
}
