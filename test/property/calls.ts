// Random memory calls for the property tests: what they are, how they are made, what a map is.
//
// Calls are written in pages, so that one sequence runs in spaces of any page size and at
// any place. The window is small: calls collide. VMAPLE_SEED=<n> repeats a run, and
// fast-check prints the seed and the shrunk sequence of a failure.

import fc from "fast-check";
import { MmStat } from "../../assembly/shared/abi.js";
import {
  type Engine,
  type FileRef,
  hasFlags,
  Madvise,
  MapFlags,
  MmError,
  type MmOptions,
  type MmWithUser,
  Prot,
  type VmaSnapshot,
  VmFlags,
} from "../../src/index.js";

export const SEED = Number(process.env.VMAPLE_SEED ?? Date.now() % 2 ** 31);

/** How often a property runs: VMAPLE_RUNS=<n> for a soak. */
export const runs = (usual: number) => Number(process.env.VMAPLE_RUNS ?? usual);

/** Pages of the window; calls reach a little beyond it. */
export const WINDOW = 24;
/** Pages of a whole space: the window, room to choose from, and the heap. */
export const SPACE = 96;
const HEAP = 80;

/** A space whose first page is at `base`: everything from there to its end, and nothing else. */
export function spaceOptions(base: number, pageSize: 4096 | 16384 | 65536 = 4096): MmOptions {
  const free = Number.POSITIVE_INFINITY;
  return {
    pageSize,
    taskSize: base + SPACE * pageSize,
    mmapBase: base + HEAP * pageSize,
    mmapMinAddr: base,
    startBrk: base + HEAP * pageSize,
    stackGuardGapPages: 3,
    overcommit: "always",
    rlimits: { as: free, data: free, memlock: free, stack: free },
  };
}

/** Two files, as every sequence has them. */
export interface Place {
  readonly mm: MmWithUser;
  readonly base: number;
  readonly page: number;
  readonly files: readonly FileRef[];
}

export interface MapCall {
  readonly op: "mmap";
  readonly page: number;
  readonly pages: number;
  readonly prot: number;
  readonly flags: number;
  /** Index of a file, -1 anonymous. */
  readonly file: number;
  readonly pgoff: number;
}

export type Call =
  | MapCall
  | {
      readonly op: "munmap" | "munlock" | "mseal";
      readonly page: number;
      readonly pages: number;
    }
  | {
      readonly op: "mprotect" | "madvise" | "mlock";
      readonly page: number;
      readonly pages: number;
      /** prot, advice or flags. */
      readonly value: number;
    }
  | {
      readonly op: "mremap";
      readonly page: number;
      readonly pages: number;
      readonly newPages: number;
      readonly flags: number;
      readonly to: number;
    }
  | { readonly op: "touch"; readonly page: number; readonly access: "read" | "write" }
  | { readonly op: "brk"; readonly pages: number };

const { FIXED, PRIVATE, SHARED, ANONYMOUS, GROWSDOWN, NORESERVE, LOCKED, FIXED_NOREPLACE } =
  MapFlags;
const page = fc.integer({ min: 0, max: WINDOW - 1 });
const pages = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 1, max: 7 }) },
  fc.integer({ min: 0, max: WINDOW + 2 }),
);
const prot = fc.constantFrom(
  Prot.READ | Prot.WRITE,
  Prot.READ | Prot.WRITE,
  Prot.READ,
  Prot.NONE,
  Prot.READ | Prot.EXEC,
);

/** FIXED in the window; now and then growing, locked or without reserve. */
export const fixedMap: fc.Arbitrary<MapCall> = fc.record({
  op: fc.constant("mmap" as const),
  page,
  pages,
  prot,
  flags: fc.constantFrom<number>(
    FIXED | PRIVATE | ANONYMOUS,
    FIXED | PRIVATE | ANONYMOUS,
    FIXED | PRIVATE | ANONYMOUS,
    FIXED | PRIVATE | ANONYMOUS | NORESERVE,
    FIXED | PRIVATE | ANONYMOUS | GROWSDOWN,
    FIXED | PRIVATE | ANONYMOUS | LOCKED,
    FIXED | SHARED | ANONYMOUS,
    FIXED | PRIVATE,
    FIXED | SHARED,
  ),
  file: fc.constantFrom(0, 0, 1),
  pgoff: fc.integer({ min: 0, max: 3 }),
});

const placedMap = fc
  .tuple(fixedMap, fc.boolean())
  .map(([call, hint]) => ({ ...call, page: hint ? call.page : -1, flags: call.flags & ~FIXED }));
const carefulMap = fixedMap.map((call) => ({
  ...call,
  flags: (call.flags & ~FIXED) | FIXED_NOREPLACE,
}));

const ADVICE = [
  Madvise.DONTFORK,
  Madvise.DOFORK,
  Madvise.WIPEONFORK,
  Madvise.KEEPONFORK,
  Madvise.SEQUENTIAL,
  Madvise.NORMAL,
  Madvise.DONTNEED,
  Madvise.GUARD_INSTALL,
  Madvise.GUARD_REMOVE,
  Madvise.POPULATE_WRITE,
];

const ranged = <Op extends string>(op: Op) => fc.record({ op: fc.constant(op), page, pages });
const valued = <Op extends string>(op: Op, value: fc.Arbitrary<number>) =>
  fc.record({ op: fc.constant(op), page, pages, value });

const move = fc.record({
  op: fc.constant("mremap" as const),
  page,
  pages,
  newPages: fc.integer({ min: 1, max: 6 }),
  flags: fc.constantFrom(0, 1, 1, 3, 3, 3, 7, 5),
  to: page,
});
/** Of one size, so that several VMAs move at once. */
const moveAll = move.map((call) => ({ ...call, newPages: call.pages }));

export const anyCall: fc.Arbitrary<Call> = fc.oneof(
  { weight: 8, arbitrary: fixedMap },
  { weight: 2, arbitrary: placedMap },
  { weight: 1, arbitrary: carefulMap },
  { weight: 3, arbitrary: ranged("munmap") },
  { weight: 5, arbitrary: valued("mprotect", prot) },
  { weight: 3, arbitrary: valued("madvise", fc.constantFrom(...ADVICE)) },
  { weight: 2, arbitrary: valued("mlock", fc.constantFrom(0, 0, 1)) },
  { weight: 1, arbitrary: ranged("munlock") },
  { weight: 3, arbitrary: move },
  { weight: 2, arbitrary: moveAll },
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant("touch" as const),
      page,
      access: fc.constantFrom("read" as const, "write" as const, "write" as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant("brk" as const),
      pages: fc.integer({ min: 0, max: 9 }),
    }),
  },
);

/** The same with seals, which end most sequences early: for what refuses. */
export const anyCallOrSeal: fc.Arbitrary<Call> = fc.oneof(
  { weight: 20, arbitrary: anyCall },
  { weight: 1, arbitrary: ranged("mseal") },
);

export const sequence = (call: fc.Arbitrary<Call> = anyCall, maxLength = 40) =>
  fc.array(call, { minLength: 1, maxLength, size: "max" });

/** A space for sequences; the caller disposes mm and files. */
export function openPlace(
  engine: Engine,
  base: number,
  options: MmOptions = spaceOptions(base),
): Place & Disposable {
  const mm = engine.createMm(options);
  const files = ["/one", "/two"].map((name) => engine.openFile({ name }));
  return {
    mm,
    base,
    page: options.pageSize ?? 4096,
    files,
    [Symbol.dispose]() {
      mm.dispose();
      for (const file of files) file.dispose();
    },
  };
}

/** Makes one call: `ok`, the page of an address, or the errno's code. */
export function perform(place: Place, call: Call): string {
  try {
    return answer(place, call);
  } catch (error) {
    if (error instanceof MmError) return error.code;
    throw error;
  }
}

function answer({ mm, base, page: size, files }: Place, call: Call): string {
  const at = (n: number) => base + n * size;
  const pageOf = (address: number) => `page ${(address - base) / size}`;
  switch (call.op) {
    case "mmap": {
      const file = (call.flags & ANONYMOUS) === 0 ? files[call.file] : undefined;
      const args = {
        ...(call.page < 0 ? {} : { address: at(call.page) }),
        length: call.pages * size,
        prot: call.prot,
        flags: call.flags,
        // Offsets that go on with the address, or are shifted against it.
        offset: (Math.max(call.page, 0) + call.pgoff) * size,
      };
      return pageOf(mm.mmap(file === undefined ? args : { ...args, file }));
    }
    case "munmap":
      mm.munmap(at(call.page), call.pages * size);
      return "ok";
    case "munlock":
      mm.munlock(at(call.page), call.pages * size);
      return "ok";
    case "mseal":
      mm.mseal(at(call.page), call.pages * size);
      return "ok";
    case "mprotect":
      mm.mprotect(at(call.page), call.pages * size, call.value);
      return "ok";
    case "madvise":
      mm.madvise(at(call.page), call.pages * size, call.value);
      return "ok";
    case "mlock":
      mm.mlock(at(call.page), call.pages * size, call.value);
      return "ok";
    case "mremap":
      return pageOf(
        mm.mremap({
          address: at(call.page),
          oldLength: call.pages * size,
          newLength: call.newPages * size,
          flags: call.flags,
          newAddress: at(call.to),
        }),
      );
    case "touch":
      return mm.handleMmFault(at(call.page), call.access).outcome;
    case "brk":
      return pageOf(mm.brk(at(HEAP + call.pages)));
  }
}

/** One VMA without what differs from space to space: places in pages, identities by order. */
export interface Drawn {
  readonly start: number;
  readonly end: number;
  readonly flags: number;
  /** Of anonymous memory: relative to the space's first page. */
  readonly pgoff: number;
  readonly file: number;
  readonly anonVma: number;
  readonly name: string | null;
}

/** The whole map, comparable between spaces. */
export function drawn({ mm, base, page: size }: Omit<Place, "files">): Drawn[] {
  const order = () => {
    const seen = new Map([[0, 0]]);
    return (id: number) => {
      if (!seen.has(id)) seen.set(id, seen.size);
      return seen.get(id) as number;
    };
  };
  const [fileOf, identityOf] = [order(), order()];
  return mm.vmas().map((vma) => ({
    start: (vma.start - base) / size,
    end: (vma.end - base) / size,
    flags: vma.flags,
    pgoff: vma.file === 0 ? vma.pgoff - base / size : vma.pgoff,
    file: fileOf(vma.file),
    anonVma: identityOf(vma.anonVma),
    name: vma.name,
  }));
}

/** What each page of a space is, borders, identities and the `ignored` flags aside. */
export function pagesOf({ mm, base, page: size }: Omit<Place, "files">, ignored = 0) {
  const table = new Map<number, string>();
  for (const vma of mm.vmas()) {
    const flags = BigInt(vma.flags) & ~BigInt(ignored);
    const first = (vma.start - base) / size;
    for (let i = 0; i < (vma.end - vma.start) / size; i++) {
      table.set(first + i, `${flags} file ${vma.file} pgoff ${vma.pgoff + i} ${vma.name ?? ""}`);
    }
  }
  return table;
}

/** Counters as the VMAs have them (R-BASE-6, R-ACCT-20). */
export function sums(vmas: readonly VmaSnapshot[], size: number) {
  const { READ: _, ...flags } = VmFlags;
  const total = { mapCount: 0, totalVm: 0, dataVm: 0, execVm: 0, stackVm: 0, lockedVm: 0 };
  let commit = 0;
  for (const vma of vmas) {
    const n = (vma.end - vma.start) / size;
    const is = (flag: number) => hasFlags(vma.flags, flag);
    total.mapCount++;
    total.totalVm += n;
    if (is(flags.EXEC) && !is(flags.WRITE) && !is(flags.GROWSDOWN)) total.execVm += n;
    else if (is(flags.GROWSDOWN)) total.stackVm += n;
    else if (is(flags.WRITE) && !is(flags.SHARED)) total.dataVm += n;
    if (is(flags.LOCKED)) total.lockedVm += n;
    if (is(flags.ACCOUNT)) commit += n;
  }
  return { ...total, commit };
}

/** The same from the engine. */
export function counters(engine: Engine, mm: MmWithUser) {
  const { mapCount, totalVm, dataVm, execVm, stackVm, lockedVm } = mm.stat();
  const commit = engine.raw.exports.mm_stat(mm.asRaw(), MmStat.COMMIT);
  return { mapCount, totalVm, dataVm, execVm, stackVm, lockedVm, commit };
}
