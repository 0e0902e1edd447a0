// Plays a sequence of scripts/ask-linux.mjs on the engine, in the words of its file.

import { vmFlagsText } from "../../src/formats/vmflags.js";
import {
  type Engine,
  type FileOptions,
  type FileRef,
  MmError,
  type MmWithUser,
  permsOf,
  type VmaSnapshot,
} from "../../src/index.js";
import { personality, setMdwe, setRlimits } from "../../src/process.js";
import { PAGE } from "./engine.js";

/** A call, Linux's answer, and what became of the window's VMAs: index, how many go, who comes. */
export type Step = readonly [call: string, answer: string, splice?: Splice];
type Splice = readonly [index: number, go: number, come: readonly string[]];

export interface Sequence {
  readonly seed: number;
  readonly kernel: string;
  readonly steps: readonly Step[];
}

const BASE = 0x200000000000;
const WINDOW = 2048 * PAGE;
const RLIMIT_NAMES = new Map([
  [2, "data"],
  [3, "stack"],
  [8, "memlock"],
  [9, "as"],
]);

/** The process that the sequences were recorded in: root, 24 GiB, no names for VMAs. */
const SPACE = { capIpcLock: true, totalRam: 24 * 2 ** 30, vmaNames: false };

/** One process of a sequence: its space and its files. */
export class Player implements Disposable {
  readonly #engine: Engine;
  readonly #files = new Map<string, FileRef>();
  readonly #parents: MmWithUser[] = [];
  #mm: MmWithUser;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#mm = engine.createMm(SPACE);
  }

  get mm(): MmWithUser {
    return this.#mm;
  }

  /** What the engine answers to a call: a hexadecimal number, an errno or a signal. */
  answer(call: string): string {
    const [name = "", ...words] = call.split(" ");
    const file = words.find((word) => word.startsWith("@"))?.slice(1);
    const args = words.filter((word) => !word.startsWith("@")).map(numberOf);
    try {
      const result = this.#memory(name, args, file) ?? this.#process(name, args, file);
      return typeof result === "string" ? result : result.toString(16);
    } catch (error) {
      if (error instanceof MmError) return error.code;
      throw error;
    }
  }

  /** The VMAs of the window, as lines of the file. */
  window(): string[] {
    return this.#mm
      .vmas()
      .filter(({ start, end }) => start < BASE + WINDOW && end > BASE)
      .map(lineOf);
  }

  [Symbol.dispose](): void {
    for (const handle of [this.#mm, ...this.#parents, ...this.#files.values()]) handle.dispose();
  }

  /** Undefined: no call on memory. */
  #memory(
    name: string,
    args: readonly Value[],
    file: string | undefined,
  ): number | string | undefined {
    const mm = this.#mm;
    const [a, b, c, d, e] = args as [Value, Value, number, number, Value];
    switch (name) {
      case "mmap": {
        const ref = file === undefined ? undefined : this.#files.get(file);
        const given = { address: a, length: b, prot: c, flags: d, offset: e };
        return mm.mmap(ref === undefined ? given : { ...given, file: ref });
      }
      case "mremap":
        return mm.mremap({ address: a, oldLength: b, newLength: c, flags: d, newAddress: e });
      case "munmap":
        return done(mm.munmap(a, b));
      case "mprotect":
        return done(mm.mprotect(a, b, c));
      case "madvise":
        return done(mm.madvise(a, b, c));
      case "mlock2":
        return done(mm.mlock(a, b, c));
      case "munlock":
        return done(mm.munlock(a, b));
      case "mlockall":
        return done(mm.mlockall(Number(a)));
      case "munlockall":
        return done(mm.munlockall());
      case "msync":
        return done(mm.msync(a, b, c));
      case "mincore":
        return done(mm.mincore(a, b));
      case "mseal":
        return this.#mseal(Number(a), Number(b), c);
      case "remap_file_pages":
        return done(
          mm.remapFilePages({ address: a, length: b, prot: c, pgoff: d, flags: Number(e) }),
        );
      case "touch":
        return this.#touch(Number(a), Number(b), "write");
      case "read":
        return this.#touch(Number(a), Number(b), "read");
      default:
        return undefined;
    }
  }

  /** With its flags, which the facade does not have. */
  #mseal(address: number, length: number, flags: number): number {
    const failed = this.#engine.raw.mseal(this.#mm.asRaw(), address, length, flags);
    if (failed < 0) throw new MmError(-failed, "mseal");
    return 0;
  }

  #touch(address: number, length: number, access: "read" | "write"): number | string {
    for (let at = address; at < address + length; at += PAGE) {
      const { signal } = this.#mm.handleMmFault(at, access);
      if (signal !== null) return signal;
    }
    return 0;
  }

  #process(name: string, args: readonly Value[], file = ""): number {
    const mm = this.#mm;
    const [first = 0, second = 0] = args.map(Number);
    const status = mm.stat();
    switch (name) {
      case "memfd":
        return this.#open(file, {
          ...MEMFD,
          kind: second === MFD_HUGETLB ? "hugetlbfs" : "shmem",
          size: first,
        });
      case "seal":
        return this.#open(file, { ...MEMFD, size: 16 * PAGE, sealed: true });
      case "file":
        return this.#open(file, {
          ...EXT4,
          size: first,
          readable: second !== 1,
          writable: second !== 0,
        });
      case "zero":
        return this.#open(file, { kind: "dev-zero" });
      case "mdwe":
        return done(setMdwe(mm));
      case "personality":
        return done(personality(mm, { readImpliesExec: true }));
      case "rlimit":
        return done(setRlimits(mm, { [RLIMIT_NAMES.get(first) ?? ""]: second }));
      case "headroom": {
        const used = RLIMIT_NAMES.get(first) === "as" ? status.totalVm : status.dataVm;
        return done(setRlimits(mm, { [RLIMIT_NAMES.get(first) ?? ""]: used * PAGE + second }));
      }
      case "dropcap":
        return done(this.#engine.raw.mmCapsSet(mm.asRaw(), 0));
      case "fork":
        this.#parents.push(mm);
        this.#mm = mm.fork();
        return 0;
      case "VmLck":
        return status.lockedVm;
      case "VmSize":
        return status.totalVm;
      case "VmData":
        return status.dataVm;
      case "VmStk":
        return status.stackVm;
      default:
        throw new Error(`unknown call ${name}`);
    }
  }

  #open(id: string, options: Omit<FileOptions, "name">): number {
    this.#files.get(id)?.dispose();
    const name =
      options.kind === "dev-zero" ? "/dev/zero" : `${options.deleted ? "/memfd:" : "/"}seq${id}`;
    this.#files.set(id, this.#engine.openFile({ name, ...options }));
    return 0;
  }
}

type Value = number | bigint;

const MFD_HUGETLB = 4;
const MEMFD = { kind: "shmem", deleted: true } as const;
/** What lay in the directory: ext4 without DAX. */
const EXT4 = { hugePageAligned: true, syncRefused: true } as const;

function done(_: unknown): 0 {
  return 0;
}

function numberOf(word: string): Value {
  const value = BigInt(`0x${word}`);
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

function lineOf(vma: VmaSnapshot): string {
  const offset = vma.file === 0 ? 0 : vma.pgoff * PAGE;
  const range = `${vma.start.toString(16)}-${vma.end.toString(16)}`;
  const head = `${range} ${permsOf(vma.flags)} ${offset.toString(16)} ${vma.name ?? ""}`;
  return `${head} | ${vmFlagsText(vma.flags).trim()}`;
}
