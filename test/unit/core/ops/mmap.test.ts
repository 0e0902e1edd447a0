// ops/mmap.ts: Linux's order of checks, the flags of the new VMA, replacing with FIXED (R-MAP-*).

import { describe, expect, test } from "vitest";
import { MmFlag } from "../../../../assembly/shared/abi.js";
import { type FileOptions, MapFlags, Prot } from "../../../../src/index.js";
import { setRlimits } from "../../../../src/process.js";
import { has, outcome, type Sketch, sketch } from "../../../support/drawing.js";
import { PAGE, PRIVATE_ANON, RW, SHARED_ANON } from "../../../support/engine.js";

const { FIXED, FIXED_NOREPLACE, PRIVATE, SHARED, SHARED_VALIDATE, DROPPABLE, ANONYMOUS } = MapFlags;
const { GROWSDOWN, LOCKED, HUGETLB, NORESERVE } = MapFlags;
const R = Prot.READ;
const X = Prot.READ | Prot.EXEC;

interface Call {
  readonly address?: number;
  readonly length?: number | bigint;
  readonly prot?: number;
  readonly flags: number;
  readonly offset?: number | bigint;
}

const call = (s: Sketch, args: Call, options?: Partial<FileOptions>) => {
  const base = { address: s.at(8), length: PAGE, prot: R, ...args };
  if (options === undefined) return s.mm.mmap(base);
  using file = s.engine.openFile({ name: "/f", ...options });
  return s.mm.mmap({ ...base, file });
};

describe("refused with nothing changed", () => {
  test.each<[string, string, Call]>([
    [
      "a misaligned offset, anonymous too (R-MAP-ERR-8)",
      "EINVAL",
      { flags: PRIVATE_ANON, offset: 1 },
    ],
    ["no file (R-MAP-ERR-7)", "EBADF", { flags: PRIVATE }],
    ["a misaligned offset before no file (R-MAP-ORDER-2)", "EINVAL", { flags: PRIVATE, offset: 1 }],
    ["no file before length 0 (R-MAP-ORDER-1)", "EBADF", { flags: PRIVATE, length: 0 }],
    ["length 0 (R-MAP-ERR-1)", "EINVAL", { flags: PRIVATE_ANON, length: 0 }],
    [
      "a length that rounds up past 2^64 (R-MAP-ERR-2)",
      "ENOMEM",
      { flags: PRIVATE_ANON, length: 2n ** 64n - 1n },
    ],
    [
      "a length larger than the space (R-MAP-ERR-3)",
      "ENOMEM",
      { flags: PRIVATE_ANON, length: 2 ** 47 },
    ],
    [
      "FIXED, misaligned (R-MAP-ERR-4)",
      "EINVAL",
      { flags: PRIVATE_ANON | FIXED, address: 0x10000001 },
    ],
    [
      "FIXED beyond the end (R-MAP-ERR-10)",
      "ENOMEM",
      { flags: PRIVATE_ANON | FIXED, address: 2 ** 47 },
    ],
    [
      "FIXED beyond the end before misaligned",
      "ENOMEM",
      { flags: PRIVATE_ANON | FIXED, address: 2 ** 47 + 1 },
    ],
    [
      "FIXED below the minimum (R-MAP-ERR-11)",
      "EPERM",
      { flags: PRIVATE_ANON | FIXED, address: 0 },
    ],
    ["no map type (R-MAP-ERR-5)", "EINVAL", { flags: ANONYMOUS }],
    ["an unknown map type", "EINVAL", { flags: ANONYMOUS | 7 }],
    [
      "SHARED_VALIDATE of anonymous memory (R-MAP-ERR-6)",
      "EINVAL",
      { flags: ANONYMOUS | SHARED_VALIDATE },
    ],
    ["shared memory that grows down (R-MAP-ERR-16)", "EINVAL", { flags: SHARED_ANON | GROWSDOWN }],
    ["droppable and locked (R-MAP-DROP-2)", "EINVAL", { flags: ANONYMOUS | DROPPABLE | LOCKED }],
    ["droppable and growing", "EINVAL", { flags: ANONYMOUS | DROPPABLE | GROWSDOWN }],
    [
      "NOREPLACE over something (R-MAP-NOREPL-1)",
      "EEXIST",
      { flags: PRIVATE_ANON | FIXED_NOREPLACE, address: 0x10000000, length: 9 * PAGE },
    ],
    ["a huge page size that x86 has not", "EINVAL", { flags: PRIVATE_ANON | HUGETLB | (22 << 26) }],
    ["huge pages with an empty pool (R-HUGE-2)", "ENOMEM", { flags: PRIVATE_ANON | HUGETLB }],
  ])("%s", async (_name, code, args) => {
    const s = await sketch("WW");
    s.refuses(code, () => call(s, args));
  });

  test.each<[string, string, Call, Partial<FileOptions>]>([
    [
      "shared and writable, file not (R-MAP-ERR-12)",
      "EACCES",
      { flags: SHARED, prot: RW },
      { writable: false },
    ],
    [
      "not readable, private too (R-MAP-ERR-13)",
      "EACCES",
      { flags: PRIVATE, prot: 0 },
      { readable: false },
    ],
    ["append-only, opened for writing", "EACCES", { flags: SHARED }, { append: true }],
    ["an active swap file", "ETXTBSY", { flags: SHARED, prot: RW }, { swapfile: true }],
    ["not mappable (R-MAP-ERR-14)", "ENODEV", { flags: PRIVATE }, { mappable: false }],
    [
      "not readable before not mappable",
      "EACCES",
      { flags: PRIVATE },
      { readable: false, mappable: false },
    ],
    ["exec from a noexec mount", "EPERM", { flags: PRIVATE, prot: X }, { noexec: true }],
    [
      "noexec before not mappable",
      "EPERM",
      { flags: PRIVATE, prot: X },
      { noexec: true, mappable: false },
    ],
    ["grows down (R-MAP-ERR-15)", "EINVAL", { flags: PRIVATE | GROWSDOWN }, {}],
    ["no map type", "EINVAL", { flags: 0 }, {}],
    [
      "an unknown flag with SHARED_VALIDATE (R-MAP-ERR-17)",
      "EOPNOTSUPP",
      { flags: SHARED_VALIDATE | 0x200000 },
      {},
    ],
    [
      "NOREPLACE with SHARED_VALIDATE (R-MAP-ERR-20)",
      "EOPNOTSUPP",
      { flags: SHARED_VALIDATE | FIXED_NOREPLACE },
      {},
    ],
    [
      "SYNC of a file system that does not know it (R-MAP-ERR-18)",
      "EOPNOTSUPP",
      { flags: SHARED_VALIDATE | MapFlags.SYNC },
      {},
    ],
    [
      "write-sealed, shared, writable (R-MAP-SEAL-1)",
      "EPERM",
      { flags: SHARED, prot: RW },
      { sealed: true },
    ],
    ["HUGETLB of an ordinary file (R-MAP-ERR-19)", "EINVAL", { flags: PRIVATE | HUGETLB }, {}],
    [
      "an offset beyond any file (R-MAP-ERR-9)",
      "EOVERFLOW",
      { flags: PRIVATE, offset: 2n ** 64n - 4096n },
      {},
    ],
  ])("of a file: %s", async (_name, code, args, options) => {
    const s = await sketch("WW");
    s.refuses(code, () => call(s, args, options));
    expect(s.engine.stats().memory.kinds.file.live).toBe(0);
  });

  test("EEXIST comes before the lock limit (R-MAP-ORDER-3)", async () => {
    const s = await sketch("WW", { capIpcLock: false, rlimits: { memlock: 0 } });
    const flags = PRIVATE_ANON | FIXED_NOREPLACE | LOCKED;
    s.refuses("EEXIST", () => call(s, { flags, address: s.at(1) }));
    s.refuses("EPERM", () => call(s, { flags }));
  });

  test("locked over the limit: EAGAIN (R-MLOCK-3)", async () => {
    const s = await sketch("", { capIpcLock: false, rlimits: { memlock: 2 * PAGE } });
    s.refuses("EAGAIN", () => s.mmap(0, 3, RW, LOCKED));
    s.mmap(0, 2, RW, LOCKED);
    s.refuses("EAGAIN", () => s.mmap(4, 1, RW, LOCKED));
  });

  test("above map_count 65530: ENOMEM, even where it would merge (R-MAP 11)", async () => {
    const s = await sketch("WR", { maxMapCount: 1 });
    expect(s.mm.stat().mapCount).toBe(2); // one more than the limit can exist
    s.refuses("ENOMEM", () => s.mmap(2, 1, R));
  });

  test("RLIMIT_AS counts what is added minus what is replaced (R-LIM-1, 2)", async () => {
    const s = await sketch("WWW", { rlimits: { as: 4 * PAGE } });
    s.refuses("ENOMEM", () => s.mmap(8, 2, R));
    s.mmap(0, 4, R);
    s.expect("RRRR");
  });

  test("RLIMIT_DATA counts private writable memory only (R-LIM-3)", async () => {
    const s = await sketch("WW", { rlimits: { data: 2 * PAGE } });
    s.refuses("ENOMEM", () => s.mmap(4, 1, RW));
    s.mmap(4, 1, R);
    call(s, { address: s.at(6), flags: SHARED_ANON | FIXED, prot: RW });
    s.expect("WW..R.H");
  });

  test("commit: more than all memory is refused by the heuristic, not with NORESERVE (R-ACCT-21)", async () => {
    const s = await sketch("", { totalRam: 8 * PAGE });
    s.refuses("ENOMEM", () => s.mmap(0, 9, RW));
    s.mmap(0, 9, RW, NORESERVE);
    s.mmap(20, 9, R);
  });

  test("overcommit never: the sum counts, and NORESERVE does not help", async () => {
    const s = await sketch("", { overcommit: "never", totalRam: 16 * PAGE });
    s.mmap(0, 8, RW);
    s.refuses("ENOMEM", () => s.mmap(10, 1, RW, NORESERVE));
    s.munmap(0, 1);
    s.mmap(10, 1, RW, NORESERVE);
    expect(has(s.vma(10), "ACCOUNT")).toBe(true);
  });
});

describe("flags of the new VMA", () => {
  const PLAIN = ["READ", "MAYREAD", "MAYWRITE", "MAYEXEC"] as const;

  test.each<[string, number, number, readonly Parameters<typeof has>[1][]]>([
    ["private read-only", R, PRIVATE_ANON, PLAIN],
    ["private writable is accounted (R-ACCT-1)", RW, PRIVATE_ANON, [...PLAIN, "WRITE", "ACCOUNT"]],
    ["NORESERVE is not", RW, PRIVATE_ANON | NORESERVE, [...PLAIN, "WRITE", "NORESERVE"]],
    [
      "MAP_STACK means no huge pages (R-MAP-FLAG-STACK)",
      R,
      PRIVATE_ANON | MapFlags.STACK,
      [...PLAIN, "NOHUGEPAGE"],
    ],
    ["shared", R, SHARED_ANON, [...PLAIN, "SHARED", "MAYSHARE"]],
    [
      "droppable (R-MAP-DROP-1)",
      R,
      ANONYMOUS | DROPPABLE,
      [...PLAIN, "DROPPABLE", "NORESERVE", "WIPEONFORK", "DONTDUMP"],
    ],
    ["unknown flags are ignored", R, PRIVATE_ANON | 0x200000 | MapFlags.DENYWRITE, PLAIN],
    [
      "write does not imply read (R-PROT-22)",
      Prot.WRITE,
      PRIVATE_ANON | NORESERVE,
      ["WRITE", "MAYREAD", "MAYWRITE", "MAYEXEC", "NORESERVE"],
    ],
  ])("%s", async (_name, prot, flags, names) => {
    const s = await sketch("");
    call(s, { prot, flags: flags | FIXED });
    const { VmFlags } = await import("../../../../src/index.js");
    expect(s.vma(8).flags).toBe(names.reduce((sum, name) => sum + VmFlags[name], 0));
  });

  test("shared of a file that is not writable: shown s, cannot become writable (R-MAP-RO-SHARED)", async () => {
    const s = await sketch("");
    call(s, { flags: SHARED | FIXED }, { writable: false });
    expect(has(s.vma(8), "MAYSHARE")).toBe(true);
    expect(has(s.vma(8), "SHARED")).toBe(false);
    expect(has(s.vma(8), "MAYWRITE")).toBe(false);
  });

  test("a write-sealed file read-only: cannot become writable (R-MAP-SEAL-2)", async () => {
    const s = await sketch("");
    call(s, { flags: SHARED | FIXED }, { sealed: true });
    expect(has(s.vma(8), "MAYWRITE")).toBe(false);
    s.refuses("EACCES", () => s.mprotect(8, 1, RW));
  });

  test("from a noexec mount: cannot become executable", async () => {
    const s = await sketch("");
    call(s, { flags: PRIVATE | FIXED }, { noexec: true });
    s.refuses("EACCES", () => s.mprotect(8, 1, X));
  });

  test("pgoff: a file's as given, anonymous memory's from its address, shared memory's 0", async () => {
    const s = await sketch("");
    call(s, { flags: PRIVATE | FIXED, offset: 5 * PAGE }, {});
    call(s, { flags: PRIVATE_ANON | FIXED, address: s.at(10), offset: 5 * PAGE });
    call(s, { flags: SHARED_ANON | FIXED, address: s.at(12), offset: 5 * PAGE });
    expect([8, 10, 12].map((page) => s.vma(page).pgoff)).toEqual([5, s.at(10) / PAGE, 0]);
  });

  test("mlockall(FUTURE) locks what is mapped from then on", async () => {
    const s = await sketch("W");
    s.mm.mlockall(2);
    s.mmap(1, 1, RW);
    s.expect("Wl");
    expect(s.mm.stat().lockedVm).toBe(1);
  });

  test("droppable and huge memory is never locked (R-MLOCK-30)", async () => {
    const s = await sketch("");
    s.mm.mlockall(2);
    call(s, { flags: ANONYMOUS | DROPPABLE | FIXED });
    expect(has(s.vma(8), "LOCKED")).toBe(false);
    expect(s.mm.stat().lockedVm).toBe(0);
  });
});

describe("FIXED replaces", () => {
  test.each([
    ["the middle of a VMA (R-MAP-FIXED-1)", "WWWW", 1, 2, R, "WRRW"],
    ["its own range with the same: one VMA again (R-MAP-FIXED-2)", "WWWW", 1, 2, RW, "WWWW"],
    ["touched memory with the same (R-MAP-FIXED-3)", "wwww", 1, 2, RW, "wwww"],
    ["several VMAs and holes (R-MAP-FIXED-4)", "WW.RR.XX", 1, 6, 0, "WNNNNNNX"],
    ["a whole VMA, joining both neighbours", "RRWRR", 2, 1, R, "RRRRR"],
    ["committed with reserved (R-PROT-25)", "WWW", 1, 1, 0, "WNW"],
  ])("%s", async (_name, before, page, pages, prot, after) => {
    const s = await sketch(before);
    s.mmap(page, pages, prot);
    s.expect(after);
  });

  test("NOREPLACE of a free range maps and merges (R-MAP-NOREPL-2)", async () => {
    const s = await sketch("W.W");
    call(s, { address: s.at(1), prot: RW, flags: PRIVATE_ANON | FIXED_NOREPLACE });
    s.expect("WWW");
  });

  test("NOREPLACE without FIXED is a place, not a hint (R-MAP 8)", async () => {
    const s = await sketch("W");
    s.refuses("EINVAL", () =>
      call(s, { address: s.at(1) + 1, flags: PRIVATE_ANON | FIXED_NOREPLACE }),
    );
  });

  test("refused early leaves the shape (R-MAP-FIXED-5)", async () => {
    const s = await sketch("WWWW");
    s.refuses("ENODEV", () =>
      call(s, { address: s.at(1), flags: PRIVATE | FIXED }, { mappable: false }),
    );
  });

  test.each<[string, string, string, (s: Sketch) => void]>([
    ["a sealed VMA later (R-SEAL-4)", "EPERM", "WWK", () => {}],
    ["RLIMIT_AS (R-LIM-8)", "ENOMEM", "WWWX", (s) => setRlimits(s.mm, { as: PAGE })],
  ])("refused by %s keeps the old mapping, cut", async (_name, code, drawing, prepare) => {
    const s = await sketch(drawing);
    prepare(s);
    expect(outcome(() => s.mmap(1, 2, R))).toBe(code);
    s.expect(drawing === "WWK" ? "W|WK" : "W|WWX");
    expect(s.mm.stat().totalVm).toBe(drawing.length);
  });

  test("refused by commit keeps the old mapping, cut (R-LIM-9)", async () => {
    const s = await sketch("RRRRR", { totalRam: 2 * PAGE });
    expect(outcome(() => s.mmap(1, 3, RW))).toBe("ENOMEM");
    s.expect("R|RRR|R");
  });

  test("punching the middle at map_count 65530: ENOMEM (R-MAP 28)", async () => {
    const s = await sketch("WWW", { maxMapCount: 1 });
    s.refuses("ENOMEM", () => s.mmap(1, 1, R));
  });

  test.each([
    ["private", PRIVATE],
    ["shared", MapFlags.SHARED],
  ])("MAP_SYNC of a %s mapping is refused by a file system without DAX", async (_, type) => {
    const s = await sketch("");
    const flags = type | FIXED | MapFlags.SYNC;
    s.refuses("EOPNOTSUPP", () => call(s, { address: s.at(1), flags }, { syncRefused: true }));
    call(s, { address: s.at(1), flags }, { syncRefused: false });
    expect(s.mm.stat().mapCount).toBe(1);
  });

  test("refused by the file's own hook, the old mapping is lost (R-MAP-FIXED-8)", async () => {
    const s = await sketch("WWWW");
    const flags = SHARED_VALIDATE | FIXED | MapFlags.SYNC;
    const late = () => call(s, { address: s.at(1), flags }, { syncRefused: true });
    expect(outcome(late)).toBe("EOPNOTSUPP");
    s.expect("W.WW");
    expect(s.mm.stat()).toMatchObject({ totalVm: 3, mapCount: 2 });
  });
});

describe("settings of the process", () => {
  test("MDWE refuses write and exec together (R-MDWE-1)", async () => {
    const s = await sketch("");
    s.engine.raw.exports.mm_flags_set(s.mm.asRaw(), MmFlag.MDWE);
    s.refuses("EACCES", () => s.mmap(0, 1, RW | Prot.EXEC));
    s.mmap(0, 1, X);
    s.expect("X");
  });

  test("READ_IMPLIES_EXEC adds exec, not from a noexec mount (R-PERS-1)", async () => {
    const s = await sketch("");
    s.engine.raw.exports.mm_flags_set(s.mm.asRaw(), MmFlag.READ_IMPLIES_EXEC);
    s.mmap(0, 1, R);
    s.mmap(1, 1, RW);
    s.mmap(2, 1, Prot.WRITE);
    call(s, { address: s.at(3), flags: PRIVATE | FIXED }, { noexec: true });
    s.expect("XABF");
    expect(has(s.vma(3), "EXEC")).toBe(false);
  });

  test("below the minimum address with CAP_SYS_RAWIO", async () => {
    const s = await sketch("", { capSysRawio: true });
    expect(call(s, { address: 0, flags: PRIVATE_ANON | FIXED })).toBe(0);
    expect(s.mm.vmas()).toMatchObject([{ start: 0, end: PAGE }]);
  });
});

test("MAP_POPULATE writes to private writable memory, NONBLOCK does not (R-AV-15)", async () => {
  const s = await sketch("");
  s.mmap(0, 1, RW, MapFlags.POPULATE);
  s.mmap(2, 1, RW, MapFlags.POPULATE | MapFlags.NONBLOCK);
  s.mmap(4, 1, R, MapFlags.POPULATE);
  s.expect("w.W.R");
});
