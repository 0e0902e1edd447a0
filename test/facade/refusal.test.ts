// whyRefused against recordings of the real kernel: for every refused call the check that
// has its errno, and for every call that was answered no check at all.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { ErrorArgs } from "../../src/errors.js";
import type { RecordedStep } from "../../src/formats/recording.js";
import { Engine, Madvise, MapFlags, MmError, type MmWithUser, Prot } from "../../src/index.js";
import { refusals } from "../../src/refusal.js";
import { coreOf } from "../../src/replay/engine-core.js";
import { replayRecording } from "../../src/replay/recording.js";
import { whyRefused } from "../../src/why.js";

const COMMITTED = new URL("../../fixtures/recordings/", import.meta.url);
/** All 82, where they lie beside the checkout. */
const SHARED = new URL("../../../shared/oracle/recordings/", import.meta.url);

const ANON = MapFlags.PRIVATE | MapFlags.ANONYMOUS;
const FIXED = ANON | MapFlags.FIXED;
const AT = 0x10000000;
const PAGE = 4096;

/** What a call's refusal is put down to. */
function why(mm: MmWithUser, call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (!(error instanceof MmError)) throw error;
    const refusal = whyRefused(mm, error);
    return refusal === null ? "nothing" : `${refusal.code}: ${refusal.text} (${refusal.manual})`;
  }
  return "answered";
}

describe("one sentence with the values, and the manual page", () => {
  const cases: readonly (readonly [(mm: MmWithUser) => unknown, RegExp])[] = [
    [
      (mm) => mm.mmap({ length: 0, prot: 3, flags: ANON }),
      /^EINVAL: the length is 0 \(mmap\(2\)\)$/,
    ],
    [
      (mm) => mm.mmap({ address: AT + 1, length: PAGE, prot: 3, flags: FIXED }),
      /EINVAL: with MAP_FIXED 0x10000001 must be a multiple of the page size/,
    ],
    [
      (mm) => mm.mmap({ length: PAGE, prot: 3, flags: MapFlags.ANONYMOUS }),
      /EINVAL: .* no map type/,
    ],
    [
      (mm) => mm.mmap({ length: PAGE, prot: 3, flags: MapFlags.PRIVATE }),
      /EBADF: .* neither MAP_ANONYMOUS/,
    ],
    [
      (mm) => mm.mmap({ address: PAGE, length: PAGE, prot: 3, flags: FIXED }),
      /EPERM: 0x1000 is below vm.mmap_min_addr \(0x10000\)/,
    ],
    [
      (mm) =>
        mm.mmap({ address: AT, length: PAGE, prot: 3, flags: ANON | MapFlags.FIXED_NOREPLACE }),
      /EEXIST: .*\[0x10000000, 0x10004000\) is mapped already/,
    ],
    [
      (mm) => mm.mmap({ length: 2 ** 47 - 2 ** 28, prot: 3, flags: ANON }),
      /ENOMEM: no free range has/,
    ],
    [(mm) => mm.munmap(AT + 5, PAGE), /EINVAL: 0x10000005 is no multiple .*\(munmap\(2\)\)/],
    [
      (mm) => mm.mprotect(AT, 8 * PAGE, Prot.READ),
      /ENOMEM: nothing is mapped at \[0x10004000, 0x10008000\) \(mprotect\(2\)\)/,
    ],
    [(mm) => mm.mprotect(AT, PAGE, 0x40), /EINVAL: unknown protection bits in 0x40/],
    [
      (mm) => mm.mremap({ address: AT, oldLength: PAGE, newLength: 2 * PAGE }),
      /ENOMEM: it cannot grow in place: the old range does not end where its VMA ends/,
    ],
    [
      (mm) => mm.mremap({ address: AT, oldLength: PAGE, newLength: PAGE, flags: 2, newAddress: 0 }),
      /EINVAL: MREMAP_FIXED needs MREMAP_MAYMOVE/,
    ],
    [
      (mm) => mm.mremap({ address: 0, oldLength: PAGE, newLength: PAGE }),
      /EFAULT: nothing is mapped at 0x0/,
    ],
    [(mm) => mm.madvise(AT, PAGE, 77), /EINVAL: there is no advice 77/],
    [
      (mm) => mm.madvise(AT, 2 ** 20, Madvise.NORMAL),
      /ENOMEM: .*; the rest of the range was advised/,
    ],
    [(mm) => mm.mlock(AT, 2 ** 14), /ENOMEM: 4 pages more would be locked beside 0, .* allows 2/],
    [(mm) => mm.setVmaName(AT, PAGE, "a[b"), /EINVAL: a name may not have "\[" in it/],
  ];
  test.each(cases)("%#", async (call, text) => {
    using engine = await Engine.create();
    using mm = engine.createMm({ rlimits: { memlock: 2 * PAGE } });
    mm.mmap({ address: AT, length: 4 * PAGE, prot: 3, flags: FIXED });
    expect(why(mm, () => call(mm))).toMatch(text);
  });

  test("a sealed mapping, and a table that is full", async () => {
    using engine = await Engine.create();
    using mm = engine.createMm({ maxMapCount: 1 });
    mm.mmap({ address: AT, length: 3 * PAGE, prot: 3, flags: FIXED });
    expect(why(mm, () => mm.munmap(AT + PAGE, PAGE))).toMatch(
      /ENOMEM: a split would make VMA number 2, and vm.max_map_count is 1/,
    );
    mm.mseal(AT, 3 * PAGE);
    expect(why(mm, () => mm.munmap(AT, 3 * PAGE))).toMatch(/EPERM: .* is sealed by mseal/);
  });

  test("a file that may not be written", async () => {
    using engine = await Engine.create();
    using mm = engine.createMm();
    using file = engine.openFile({ name: "/ro", writable: false });
    const place = { length: PAGE, prot: 3, flags: MapFlags.SHARED, file };
    expect(why(mm, () => mm.mmap(place))).toMatch(/EACCES: .* not open for writing/);
    const at = mm.mmap({ ...place, prot: 1 });
    expect(why(mm, () => mm.mprotect(at, PAGE, 3))).toMatch(/EACCES: .* may not become -w-/);
  });

  test("no sentence for an errno that no check has", async () => {
    using engine = await Engine.create();
    using mm = engine.createMm();
    const call = { code: "EBUSY", syscall: "munmap", args: { address: AT, length: PAGE } };
    expect(whyRefused(mm, call)).toBeNull();
    expect(whyRefused(mm, { ...call, syscall: "nosuch" })).toBeNull();
  });
});

/** The call as an MmError names it; null for what is no system call. */
function argsOf({ call }: RecordedStep, file: number): { syscall: string; args: ErrorArgs } | null {
  switch (call.op) {
    case "mmap": {
      const { address, length, prot, flags, offset } = call;
      const isFile = file !== 0 && file !== 0xffffffff;
      return {
        syscall: "mmap",
        args: { address, length, prot, flags, offset, ...(isFile ? { file } : {}) },
      };
    }
    case "mremap": {
      const { address, length, newLength, flags, newAddress } = call;
      return {
        syscall: "mremap",
        args: { address, oldLength: length, newLength, flags, newAddress },
      };
    }
    case "mlock2":
      return {
        syscall: "mlock",
        args: { address: call.address, length: call.length, flags: call.flags },
      };
    case "mprotect": {
      const { address, length, prot } = call;
      // A word above 32 bits, which the facade refuses, becomes the lowest bit without a meaning.
      return { syscall: "mprotect", args: { address, length, prot: prot > 2 ** 32 ? 0x10 : prot } };
    }
    case "munmap":
    case "madvise":
    case "mlock":
    case "munlock":
    case "msync":
    case "mincore":
    case "mseal":
    case "mlockall": {
      const { op, ...args } = call;
      return { syscall: op, args };
    }
    default:
      return null;
  }
}

interface Tally {
  refused: number;
  answered: number;
  readonly wrong: string[];
}

/** Every call of a recording, asked before it is made. */
function ask(engine: Engine, bytes: Uint8Array, file: string): Tally {
  const tally: Tally = { refused: 0, answered: 0, wrong: [] };
  const core = coreOf(engine);
  const report = replayRecording(core, bytes, file, {
    beforeCall(mm, step, mapped) {
      const call = argsOf(step, mapped);
      if (call === null || step.result === "out") return;
      const found = refusals(core, mm, call);
      const { result } = step;
      const isRight =
        typeof result === "string" ? found.some(({ code }) => code === result) : found.length === 0;
      if (typeof result === "string") tally.refused++;
      else tally.answered++;
      if (!isRight) {
        const said = found.map(({ code, text }) => `${code} (${text})`).join(", ") || "no check";
        tally.wrong.push(`${file}:${step.line}: ${step.text()} = ${result}: ${said}`);
      }
    },
  });
  expect(report.differences).toBe(0);
  return tally;
}

const recordings = (folder: URL) =>
  existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".ndjson.gz")) : [];

describe("every refused call of a recording has its check, every other none", () => {
  test.each(recordings(COMMITTED))("%s", async (name) => {
    using engine = await Engine.create();
    const tally = ask(engine, gunzipSync(readFileSync(new URL(name, COMMITTED))), name);
    expect(tally.wrong).toEqual([]);
    expect(tally.answered).toBeGreaterThan(200);
    expect(tally.refused).toBeGreaterThan(10);
  });

  // Not in a clone alone: the recordings lie outside the project.
  test.skipIf(!existsSync(SHARED))(
    "recordings of errors, limits, places, stacks and moves",
    async () => {
      using engine = await Engine.create({ memoryBytes: 2 ** 28 });
      const wrong: string[] = [];
      let refused = 0;
      const names = ["errors-1001", "limits-1003", "choose-1003", "stack-1000", "remap-1001"];
      for (const name of names.map((stem) => `${stem}.ndjson.gz`)) {
        const tally = ask(engine, gunzipSync(readFileSync(new URL(name, SHARED))), name);
        wrong.push(...tally.wrong);
        refused += tally.refused;
      }
      expect(refused).toBeGreaterThan(1_500);
      expect(wrong.slice(0, 60)).toEqual([]);
      expect(wrong).toHaveLength(0);
    },
  );
});
