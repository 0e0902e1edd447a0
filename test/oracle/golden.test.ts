// The golden cases: small sequences whose answers and maps Linux 6.18 gave.
//
// One test a case, named after the behaviour and its rule. Each starts in a fresh space
// whose addresses are page offsets from BASE, as the schema in the file says.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MmFlag } from "../../assembly/shared/abi.js";
import { vmFlagsText } from "../../src/formats/vmflags.js";
import {
  Engine,
  type FileRef,
  Madvise,
  MapFlags,
  MmError,
  type MmWithUser,
  permsOf,
} from "../../src/index.js";
import { assertSound } from "../../src/testing.js";

const PAGE = 4096;
const BASE = 0x200000000000;
const BASE_PAGES = 2 ** 20;
const FILE = new URL("../../fixtures/golden-cases.json.gz", import.meta.url);

type Place = number | null | [number, number] | ["raw", number | string];
interface Step {
  op: string;
  args: Record<string, unknown>;
  result?: number | string;
  errno?: string;
}
interface GoldenVma {
  start: number;
  end: number;
  perms: string;
  pgoff: number | null;
  kind: string;
  vmflags: string[];
}
interface Case {
  name: string;
  rule: string;
  steps: Step[];
  maps: GoldenVma[];
  space?: string;
}

// Raw 64-bit numbers stay text: JSON.parse would round them.
const text = gunzipSync(readFileSync(FILE))
  .toString()
  .replace(/("raw",\s*)(-?\d+)/g, '$1"$2"');
const golden = JSON.parse(text) as { cases: Case[] };
let engine: Engine;
beforeAll(async () => {
  engine = await Engine.create();
});
afterAll(() => engine.dispose());

describe("golden cases", () => {
  for (const golden_case of golden.cases) {
    test(`${golden_case.name} (${golden_case.rule})`, () => {
      const run = new Run(golden_case);
      try {
        for (const step of golden_case.steps) run.step(step);
        // The case that fills the space to its limit lists no maps: it has 65,531.
        if (run.filled) expect(run.mm.stat().mapCount).toBe(MAP_COUNT_MOST);
        else expect(run.maps()).toEqual(golden_case.maps.map(comparable));
        assertSound(run.mm.validate());
      } finally {
        run.dispose();
      }
    });
  }
});

/** What of a VMA the cases and the engine both know. */
function comparable(vma: GoldenVma) {
  const { start, end, perms, pgoff, kind } = vma;
  return { start, end, perms, pgoff, kind, vmflags: [...vma.vmflags].sort() };
}

const MAP_NAMES: Record<string, number> = {
  ...MapFlags,
  ANON: MapFlags.ANONYMOUS,
  MAP32BIT: 0x40,
};
const MREMAP_NAMES: Record<string, number> = { MAYMOVE: 1, FIXED: 2, DONTUNMAP: 4 };
const PR_SET_MDWE = 65;
const ADVICE_UNKNOWN = 999;
/** R-MAP 11: mmap fails once map_count is above the limit of 65530. */
const MAP_COUNT_MOST = 65531;
const FIXED_ANON = MapFlags.PRIVATE | MapFlags.ANONYMOUS | MapFlags.FIXED_NOREPLACE;

/** One case on one fresh space. */
class Run {
  mm: MmWithUser;
  readonly #case: Case;
  readonly #files = new Map<string, { ref: FileRef; kind: string }>();
  readonly #held: MmWithUser[] = [];
  #brkOrigin = 0;
  /** The space was filled up to max_map_count. */
  filled = false;

  constructor(golden_case: Case) {
    this.#case = golden_case;
    // The recording process: root, RLIMIT_MEMLOCK 8 MiB, mmap_min_addr in force 64 KiB.
    this.mm = engine.createMm({
      capIpcLock: true,
      totalRam: 24 * 2 ** 30,
      stackGuardGapPages: 256,
    });
    engine.raw.exports.mm_flags_set(this.mm.asRaw(), MmFlag.NO_VMA_NAMES);
  }

  dispose(): void {
    this.mm.dispose();
    for (const mm of this.#held) mm.dispose();
    for (const { ref } of this.#files.values()) ref.dispose();
  }

  step(step: Step): void {
    const label = `${step.op} ${JSON.stringify(step.args)}`;
    let got: unknown;
    try {
      got = this.#run(step);
    } catch (error) {
      if (!(error instanceof MmError)) throw error;
      got = error.code;
    }
    expect(`${label} = ${String(got)}`).toBe(
      `${label} = ${String(step.errno ?? step.result ?? 0)}`,
    );
  }

  #run({ op, args, result, errno }: Step): unknown {
    const mm = this.mm;
    const a = this.#address(args["addr"] as Place);
    const l = length(args["len"] as Place);
    switch (op) {
      case "mmap":
        return this.#mmap(args, result);
      case "munmap":
        return done(mm.munmap(a, l));
      case "mprotect":
        return done(mm.mprotect(a, l, prot(args["prot"])));
      case "mremap": {
        const newAddress = this.#address((args["newAddr"] ?? null) as Place);
        const flags = bits(args["flags"], MREMAP_NAMES);
        const newLength = length(args["newLen"] as Place);
        const oldLength = length(args["oldLen"] as Place);
        return this.#place(
          mm.mremap({ address: a, oldLength, newLength, flags, newAddress }),
          result,
        );
      }
      case "madvise":
        return done(mm.madvise(a, l, advice(args["advice"])));
      case "mlock":
        return done(mm.mlock(a, l));
      case "mlock2":
        return done(mm.mlock(a, l, args["flags"] as number));
      case "munlock":
        return done(mm.munlock(a, l));
      case "mlockall":
        return done(mm.mlockall(args["flags"] as number));
      case "munlockall":
        return done(mm.munlockall());
      case "msync":
        return done(mm.msync(a, l, args["flags"] as number));
      case "mincore":
        // A bad vector is the caller's memory, which does not exist here.
        return args["badVec"] ? errno : done(mm.mincore(a, l));
      case "mseal":
        return args["flags"]
          ? fromErrno(engine.raw.mseal(mm.asRaw(), Number(a), Number(l), 1))
          : done(mm.mseal(a, l));
      case "touch":
        return this.#touch(a, l, "write");
      case "read":
        return this.#touch(a, l, "read");
      case "remap_file_pages":
        return fromErrno(
          engine.raw.exports.remap_file_pages(
            mm.asRaw(),
            Number(a),
            Number(l),
            0,
            args["pgoff"] as number,
            0,
          ),
        );
      default:
        return this.#process(op, args, errno);
    }
  }

  /** Steps that change the process around the space. */
  #process(op: string, args: Record<string, unknown>, errno: string | undefined): unknown {
    const mm = this.mm;
    const raw = mm.asRaw();
    const pages = args["pages"] as number;
    switch (op) {
      case "fork":
        this.#held.push(mm);
        this.mm = mm.fork();
        return 0;
      case "forkexit":
        return done(mm.fork().dispose());
      case "forkhold":
        this.#held.push(mm.fork());
        return 0;
      case "memfd":
        return this.#open(args, { kind: "shmem", name: "/memfd", deleted: true }, "memfd");
      case "file":
        return this.#open(args, { hugePageAligned: true, syncRefused: true }, "file");
      case "open":
        return this.#special(args["path"] as string);
      case "pipe":
        return this.#open({ id: "Z" }, { mappable: false }, "pipe");
      case "seal":
        return this.#seal(args["fd"] as string);
      case "rlimit": {
        const limit = { AS: 0, DATA: 1, MEMLOCK: 2, STACK: 3 }[args["which"] as string] as number;
        engine.raw.mmLimitSet(raw, limit, pages * PAGE);
        return 0;
      }
      case "rlimitAsHeadroom":
        engine.raw.mmLimitSet(raw, 0, (mm.stat().totalVm + pages) * PAGE);
        return 0;
      case "rlimitDataHeadroom":
        engine.raw.mmLimitSet(raw, 1, (mm.stat().dataVm + pages) * PAGE);
        return 0;
      case "dropcap":
        engine.raw.mmCapsSet(raw, 0);
        return 0;
      case "prctl":
        expect((args["args"] as number[])[0]).toBe(PR_SET_MDWE);
        engine.raw.exports.mm_flags_set(raw, MmFlag.MDWE | MmFlag.NO_VMA_NAMES);
        return 0;
      case "personality":
        engine.raw.exports.mm_flags_set(raw, MmFlag.READ_IMPLIES_EXEC | MmFlag.NO_VMA_NAMES);
        return "previous-persona";
      case "status": {
        const { totalVm, lockedVm, dataVm, stackVm } = mm.stat();
        return (
          { VmSize: totalVm, VmLck: lockedVm, VmData: dataVm, VmStk: stackVm }[
            args["field"] as string
          ]! * PAGE
        );
      }
      case "setVmaName":
        return fromErrno(engine.raw.exports.set_vma_name(raw, BASE, PAGE, 3));
      case "fillToLimit":
        return this.#fill(errno);
      default:
        return this.#brk(op, args);
    }
  }

  #brk(op: string, args: Record<string, unknown>): unknown {
    const at = this.#brkOrigin + ((args["delta"] as number) ?? 0) * PAGE;
    const pages = ((args["pages"] as number) ?? 0) * PAGE;
    switch (op) {
      case "brk0":
        this.#brkOrigin = this.mm.brk(0);
        return 0;
      case "brk": {
        const before = this.mm.brk(0);
        const delta = this.#delta(args["delta"] as Place);
        const after = this.mm.brk(this.#brkOrigin + delta);
        if (after === this.#brkOrigin + delta) return after - this.#brkOrigin;
        return after === before ? "UNCHANGED" : after;
      }
      case "brkmap":
        return done(
          this.mm.mmap({ address: at, length: pages, prot: prot(args["prot"]), flags: FIXED_ANON }),
        );
      case "brkunmap":
        return done(this.mm.munmap(at, pages));
      case "brkprot":
        return done(this.mm.mprotect(at, pages, prot(args["prot"])));
      default:
        throw new Error(`unknown step ${op}`);
    }
  }

  #delta(delta: Place): number {
    return Array.isArray(delta) && delta[0] !== "raw"
      ? delta[0] * PAGE + (delta[1] as number)
      : (delta as number) * PAGE;
  }

  #mmap(args: Record<string, unknown>, result: unknown): unknown {
    const flags = bits(args["flags"], MAP_NAMES);
    const fd = args["fd"] as string | number | undefined;
    const file = fd === undefined ? undefined : this.#files.get(String(fd))?.ref;
    const call = {
      address: this.#address(args["addr"] as Place),
      length: length(args["len"] as Place),
      prot: prot(args["prot"]),
      flags,
      offset: offset(args["pgoff"] as Place | undefined),
      ...(file === undefined ? {} : { file }),
    };
    return this.#place(this.mm.mmap(call), result);
  }

  /** An address as the cases give it. */
  #place(address: number, expected: unknown): unknown {
    if (expected === "below-2GiB") return address < 2 ** 31 ? expected : address;
    const page = (address - BASE) / PAGE;
    const outside = page < 0 || page >= BASE_PAGES;
    return outside && expected === "outside-region" ? expected : page;
  }

  #address(place: Place): number | bigint {
    if (place === null || place === undefined) return 0;
    if (!Array.isArray(place)) return BASE + place * PAGE;
    if (place[0] === "raw") return BigInt.asUintN(64, BigInt(place[1]));
    return BASE + place[0] * PAGE + (place[1] as number);
  }

  #touch(address: number | bigint, bytes: number | bigint, access: "read" | "write"): unknown {
    for (let at = Number(address); at < Number(address) + Number(bytes); at += PAGE) {
      const { outcome } = this.mm.handleMmFault(at, access);
      if (outcome !== "OK") return outcome.startsWith("SEGV") ? "SIGSEGV" : "SIGBUS";
    }
    return 0;
  }

  #open(args: Record<string, unknown>, options: object, kind: string): number {
    const id = String(args["id"]);
    const mode = (args["mode"] as string) ?? "rw";
    const ref = engine.openFile({
      name: `/${kind}/${id}`,
      size: ((args["pages"] as number) ?? 0) * PAGE,
      readable: mode !== "wo",
      writable: mode !== "ro",
      ...options,
    });
    this.#files.set(id, {
      ref,
      kind: kind === "memfd" || kind === "file" ? `${kind}:${id}` : kind,
    });
    return 0;
  }

  #special(path: string): number {
    const zero = path === "/dev/zero";
    return this.#open(
      { id: "Z", pages: 2 ** 30 },
      zero ? { kind: "dev-zero" } : { mappable: false },
      "devzero",
    );
  }

  /** A seal belongs to the file: the record is opened anew with it. */
  #seal(id: string): number {
    const { kind } = this.#files.get(id)!;
    const ref = engine.openFile({ name: kind, size: 4 * PAGE, kind: "shmem", sealed: true });
    this.#files.get(id)!.ref.dispose();
    this.#files.set(id, { ref, kind });
    return 0;
  }

  /** Alternating one-page maps until mmap fails. */
  #fill(expected: string | undefined): unknown {
    this.filled = true;
    for (let i = 0; ; i++) {
      try {
        const flags = MapFlags.PRIVATE | MapFlags.ANONYMOUS | MapFlags.FIXED;
        this.mm.mmap({ address: BASE + i * PAGE, length: PAGE, prot: i % 2 ? 3 : 1, flags });
      } catch (error) {
        if (!(error instanceof MmError)) throw error;
        return expected === undefined && error.code === "ENOMEM" ? 0 : error.code;
      }
    }
  }

  maps() {
    const heap = this.#case.space === "heap";
    const origin = heap ? this.#brkOrigin : BASE;
    const limit = origin + BASE_PAGES * PAGE;
    return this.mm
      .vmas()
      .filter((vma) => vma.end > origin && vma.start < limit)
      .map((vma) => ({
        start: Math.max(0, (vma.start - origin) / PAGE),
        end: (vma.end - origin) / PAGE,
        perms: permsOf(vma.flags),
        pgoff: vma.file === 0 ? null : vma.pgoff,
        kind: this.#kindOf(vma.file, vma.name),
        vmflags: vmFlagsText(vma.flags).split(" ").sort(),
      }));
  }

  #kindOf(file: number, name: string | null): string {
    if (file === 0) return "anon";
    const known = [...this.#files.values()].find(({ ref }) => Number(ref.asRaw()) === file);
    if (known)
      return known.kind === "devzero" && name === "/dev/zero (deleted)" ? "shmem" : known.kind;
    return name === "/anon_hugepage (deleted)" ? "hugetlb" : "shmem";
  }
}

function done(_result: unknown): number {
  return 0;
}

function fromErrno(result: number): unknown {
  const names = new Map([
    [22, "EINVAL"],
    [12, "ENOMEM"],
    [1, "EPERM"],
    [9, "EBADF"],
  ]);
  return result < 0 ? (names.get(-result) ?? result) : result;
}

function length(place: Place | undefined): number | bigint {
  if (place === undefined || place === null) return 0;
  if (!Array.isArray(place)) return place * PAGE;
  return place[0] === "raw"
    ? BigInt.asUintN(64, BigInt(place[1]))
    : place[0] * PAGE + (place[1] as number);
}

function offset(place: Place | undefined): number | bigint {
  if (typeof place === "number" && place * PAGE > Number.MAX_SAFE_INTEGER)
    return BigInt.asUintN(64, BigInt(place) * BigInt(PAGE));
  return length(place);
}

function prot(value: unknown): number {
  if (typeof value === "number") return value;
  return [..."rwx"].reduce(
    (sum, letter, i) => sum + (String(value).includes(letter) ? 2 ** i : 0),
    0,
  );
}

function bits(value: unknown, names: Record<string, number>): number {
  if (typeof value === "number") return value;
  return String(value)
    .split("|")
    .filter((word) => word !== "")
    .reduce((sum, word) => {
      const bit = word.startsWith("0x") ? Number(word) : names[word];
      if (bit === undefined) throw new Error(`unknown flag ${word}`);
      return sum | bit;
    }, 0);
}

function advice(value: unknown): number {
  if (typeof value === "number") return value;
  if (value === "BAD") return ADVICE_UNKNOWN;
  const known = (Madvise as Record<string, number>)[String(value)];
  if (known === undefined) throw new Error(`unknown advice ${String(value)}`);
  return known;
}
