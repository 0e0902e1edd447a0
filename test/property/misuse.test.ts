// Every call with every argument replaced by what it is not: a typed error in our words, or an
// answer; never a slip of the engine below, and a refused call changes nothing.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MmArg } from "../../assembly/shared/abi.js";
import {
  Engine,
  type FileRef,
  MapFlags,
  MmError,
  type MmWithUser,
  MmWithUser as MmWithUserClass,
  type Page,
  Prot,
} from "../../src/index.js";
import { exec, getMdwe, personality, setMdwe, setRlimits } from "../../src/process.js";
import { whyApart, whyRefused } from "../../src/why.js";
import { BASE, draw, freshEngine, PAGE, RW } from "../support/engine.js";

/** What V8 says when it stumbles: not a message for users. */
const STUMBLES =
  /Cannot (read|set|mix|convert|destructure|use)|is not (a function|iterable|defined|a constructor|an object)|undefined \(reading|unreachable|memory access|must be an instance of|private (member|field)|Receiver|out of bounds|Invalid array length/;

/** Values of every type, most of them wrong wherever they stand. */
const junk = fc.oneof(
  fc.constantFrom<unknown>(
    undefined,
    null,
    true,
    "",
    "0x1000",
    "read",
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    -1,
    -0,
    0.5,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    2 ** 53 - 1,
    -1n,
    0n,
    2n ** 63n,
    2n ** 64n - 1n,
    2n ** 64n,
    Symbol("s"),
  ),
  fc
    .constantFrom<() => unknown>(
      () => ({}),
      () => [],
      () => () => 1,
      () => new Date(0),
      () => new Uint8Array(1),
      () => Object.create(null),
    )
    .map((make) => make()),
  fc.integer(),
  fc.bigInt(),
);

interface World {
  readonly engine: Engine;
  readonly mm: MmWithUser;
  readonly file: FileRef;
  readonly page: Page;
}

type Arguments = readonly unknown[];
type Call = (world: World, args: Arguments) => unknown;

/** A call by name, with arguments that would do. */
interface Row {
  readonly name: string;
  readonly good: (world: World) => Arguments;
  readonly call: Call;
}

const method = (name: string, ...good: Arguments): Row => ({
  name: `mm.${name}`,
  good: () => good,
  call: ({ mm }, args) =>
    (mm as unknown as Record<string, (...a: Arguments) => unknown>)[name]!(...args),
});

/** A function of a space, which is an argument too. */
const call = (name: string, asked: (...args: never[]) => unknown, ...good: Arguments): Row => ({
  name,
  good: ({ mm }) => [mm, ...good],
  call: (_, args) => (asked as (...a: Arguments) => unknown)(...args),
});

/** Of a call with one object: each of its fields is an argument. */
const record = (
  name: string,
  good: (world: World) => Record<string, unknown>,
  call: (world: World, object: never) => unknown,
): Row => ({
  name,
  good: (world) => Object.values(good(world)),
  call: (world, args) => {
    const keys = Object.keys(good(world));
    return call(world, Object.fromEntries(keys.map((key, i) => [key, args[i]])) as never);
  },
});

const ROWS: readonly Row[] = [
  method("munmap", BASE, PAGE),
  method("mprotect", BASE, PAGE, Prot.READ),
  method("madvise", BASE, PAGE, 4),
  method("mlock", BASE, PAGE, 0),
  method("munlock", BASE, PAGE),
  method("mlockall", 1),
  method("msync", BASE, PAGE, 4),
  method("mincore", BASE, PAGE),
  method("mseal", BASE, PAGE),
  method("setVmaName", BASE, PAGE, "name"),
  method("brk", BASE),
  method("handleMmFault", BASE, "read"),
  method("peek", BASE),
  call("whyApart", whyApart, BASE),
  method("lockVmaUnderRcu", BASE),
  call("setMdwe", setMdwe, true),
  call("getMdwe", getMdwe),
  method("mmap", {}),
  method("mremap", {}),
  method("remapFilePages", {}),
  call("exec", exec, {}),
  call("personality", personality, {}),
  call("whyRefused", whyRefused, { code: "EINVAL", syscall: "munmap", args: {} }),
  call("setRlimits", setRlimits, {}),
  record(
    "mm.mmap",
    ({ file }) => ({
      address: BASE,
      length: PAGE,
      prot: RW,
      flags: MapFlags.PRIVATE,
      file,
      offset: 0,
    }),
    ({ mm }, args) => mm.mmap(args),
  ),
  record(
    "mm.mremap",
    () => ({ address: BASE, oldLength: PAGE, newLength: PAGE, flags: 1, newAddress: 0 }),
    ({ mm }, args) => mm.mremap(args),
  ),
  record(
    "mm.remapFilePages",
    () => ({ address: BASE, length: PAGE, prot: 0, pgoff: 0, flags: 0 }),
    ({ mm }, args) => mm.remapFilePages(args),
  ),
  record(
    "exec",
    () => ({ startBrk: BASE, dataSegment: 0, readImpliesExec: true }),
    ({ mm }, o) => exec(mm, o).dispose(),
  ),
  record(
    "setRlimits",
    () => ({ as: 2 ** 30, data: 2 ** 30, memlock: 0, stack: PAGE }),
    ({ mm }, o) => setRlimits(mm, o),
  ),
  record(
    "personality",
    () => ({ readImpliesExec: false }),
    ({ mm }, o) => personality(mm, o),
  ),
  record(
    "engine.openFile",
    () => ({
      name: "/f",
      dev: "fd:01",
      inode: 1,
      size: PAGE,
      kind: "hugetlbfs",
      hugePageBytes: 2 ** 21,
    }),
    ({ engine }, o) => engine.openFile(o).dispose(),
  ),
  record(
    "engine.createMm",
    () => ({
      pageSize: 4096,
      taskSize: 2 ** 40,
      mmapBase: 2 ** 39,
      mmapMinAddr: 65536,
      direction: "top-down",
      stackGuardGapPages: 256,
      maxMapCount: 65530,
      startBrk: 2 ** 30,
      overcommit: "always",
      thp: "never",
      rlimits: { as: 2 ** 30 },
    }),
    ({ engine }, o) => engine.createMm(o).dispose(),
  ),
  {
    name: "engine.registerFileOps",
    good: () => ["device", { mmap() {} }],
    call: ({ engine }, [kind, ops]) => engine.registerFileOps(kind as never, ops as never),
  },
  {
    name: "engine.reap",
    good: () => [0],
    call: ({ engine }, [slot]) => engine.reap(slot as never),
  },
  {
    name: "engine.openFile(object)",
    good: () => [{}],
    call: ({ engine }, [file]) => engine.openFile(file as never).dispose(),
  },
  {
    name: "engine.createMm(object)",
    good: () => [{}],
    call: ({ engine }, [options]) => engine.createMm(options as never).dispose(),
  },
  {
    name: "MmWithUser.fromRaw",
    good: ({ engine, mm }) => [engine, mm.asRaw()],
    call: (_, [engine, raw]) => MmWithUserClass.fromRaw(engine as never, raw as never).dispose(),
  },
  {
    name: "guard.vmaLookup",
    good: () => [BASE],
    call: ({ mm }, [address]) => {
      using guard = mm.mmapReadLock();
      return guard.vmaLookup(address as never);
    },
  },
  {
    name: "guard.findVma",
    good: () => [BASE],
    call: ({ mm }, [address]) => {
      using guard = mm.mmapReadLock();
      return guard.findVma(address as never);
    },
  },
  {
    name: "guard.vmas and gaps",
    good: () => [BASE, BASE + PAGE],
    call: ({ mm }, [from, to]) => {
      using guard = mm.mmapReadLock();
      return [...guard.vmas(from as never), ...guard.gaps(from as never, to as never)];
    },
  },
  {
    name: "vma.zapPageRangeSingle",
    good: () => [BASE, PAGE],
    call: ({ mm }, [address, size]) => {
      using guard = mm.mmapReadLock();
      guard.vmaLookup(BASE)?.zapPageRangeSingle(address as never, size as never);
    },
  },
  {
    name: "vma.vmInsertPage",
    good: ({ page }) => [BASE + 8 * PAGE, page],
    call: ({ mm }, [address, page]) => {
      using guard = mm.mmapReadLock();
      const vma = guard.vmaLookup(BASE + 8 * PAGE)?.asMixedmapVma();
      vma?.vmInsertPage(address as never, page as never);
    },
  },
];

async function world(): Promise<World> {
  const engine = await freshEngine({ memoryBytes: 4 * 1024 * 1024 });
  engine.registerFileOps("device", { mmap: (vma) => void vma.setMixedmap() });
  const mm = engine.createMm();
  const file = engine.openFile({ name: "/file" });
  draw(mm, "WWR.WX");
  const device = engine.openFile({ name: "/dev/device", kind: "device" });
  const flags = MapFlags.SHARED | MapFlags.FIXED;
  mm.mmap({ address: BASE + 8 * PAGE, length: PAGE, prot: RW, flags, file: device });
  return { engine, mm, file, page: engine.allocPage() };
}

/** All that a call may change. */
const state = ({ engine, mm }: World) => [
  mm.smaps(),
  { ...mm.stat(), sequence: 0 },
  engine.stats().memory.kinds,
  settings(engine, mm),
];

/** Limits and the rest of what createMm was told. */
function settings(engine: Engine, mm: MmWithUser): number[] {
  const { exports, scratch } = engine.raw;
  exports.mm_settings(mm.asRaw(), scratch.byteOffset);
  return [...scratch.subarray(0, MmArg.COUNT)];
}

describe("one argument that is none", () => {
  test.each(ROWS.map((row) => [row.name, row] as const))("%s", async (_, row) => {
    const here = await world();
    const good = row.good(here);
    fc.assert(
      fc.property(fc.nat(good.length - 1), junk, (at, value) => {
        const before = state(here);
        const args = good.map((argument, i) => (i === at ? value : argument));
        let error: unknown;
        try {
          const answer = row.call(here, args);
          if (answer !== null && typeof answer === "object" && Symbol.dispose in answer)
            (answer as Disposable)[Symbol.dispose]();
        } catch (caught) {
          error = caught;
        }
        expect(here.engine.validate()).toEqual([]);
        if (error === undefined) return;
        expect(error).toSatisfy(isTyped, String(error));
        if (!(error instanceof MmError)) expect(state(here)).toEqual(before);
      }),
      { numRuns: 150 },
    );
  });
});

describe("asynchronous calls reject alike", () => {
  test("Engine.create, attach and the asynchronous locks", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    const share = engine.share();
    const calls: readonly ((value: never) => Promise<Disposable>)[] = [
      (options) => Engine.create(options),
      (memoryBytes) => Engine.create({ memoryBytes }),
      (maxWorkers) => Engine.create({ maxWorkers, memoryBytes: 1 << 20 }),
      (wasm) => Engine.create({ wasm, memoryBytes: 1 << 20 }),
      (other) => Engine.attach(other),
      (options) => Engine.attach(share, options),
      (options) => mm.mmapReadLockAsync(options),
      (timeoutMs) => mm.mmapWriteLockAsync({ timeoutMs }),
    ];
    await fc.assert(
      fc.asyncProperty(fc.nat(calls.length - 1), junk, async (at, value) => {
        const answer = await calls[at]?.(value as never).catch((error: unknown) => error);
        if (answer instanceof Error) expect(answer).toSatisfy(isTyped, String(answer));
        else (answer as Disposable)[Symbol.dispose]();
      }),
      { numRuns: 200 },
    );
    expect(engine.validate()).toEqual([]);
  });
});

function isTyped(error: unknown): boolean {
  if (error instanceof MmError)
    return error.errno > 0 && /^E[A-Z]+$/.test(error.code) && error.syscall !== "";
  if (!(error instanceof TypeError) && !(error instanceof RangeError)) return false;
  return !STUMBLES.test(error.message);
}
