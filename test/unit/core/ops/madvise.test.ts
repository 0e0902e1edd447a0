// ops/madvise.ts: advice that changes flags, advice on pages, holes (R-MADV-*).

import { describe, expect, test } from "vitest";
import { Madvise, MapFlags, Prot } from "../../../../src/index.js";
import { has, outcome, type Sketch, sketch } from "../../../support/drawing.js";
import { PAGE, RW } from "../../../support/engine.js";

const HUGE = 2 * 1024 * 1024;
const HUGE_PAGES = HUGE / PAGE;
const A = Madvise;
type Flag = Parameters<typeof has>[1];

describe("advice that changes flags", () => {
  test.each<[string, number, number, Flag]>([
    ["DONTFORK and DOFORK", A.DONTFORK, A.DOFORK, "DONTCOPY"],
    ["DONTDUMP and DODUMP", A.DONTDUMP, A.DODUMP, "DONTDUMP"],
    ["WIPEONFORK and KEEPONFORK", A.WIPEONFORK, A.KEEPONFORK, "WIPEONFORK"],
    ["MERGEABLE and UNMERGEABLE", A.MERGEABLE, A.UNMERGEABLE, "MERGEABLE"],
    ["SEQUENTIAL and NORMAL", A.SEQUENTIAL, A.NORMAL, "SEQ_READ"],
    ["RANDOM and NORMAL", A.RANDOM, A.NORMAL, "RAND_READ"],
  ])("%s split and merge again", async (_name, set, clear, flag) => {
    const s = await sketch("WWWW");
    s.madvise(1, 2, set);
    expect(s.mm.stat().mapCount).toBe(3);
    expect([0, 1, 3].map((page) => has(s.vma(page), flag))).toEqual([false, true, false]);
    s.madvise(0, 4, clear);
    s.expect("WWWW");
    expect(has(s.vma(0), flag)).toBe(false);
  });

  test.each<[string, number, number, Flag, Flag]>([
    ["SEQUENTIAL and RANDOM", A.SEQUENTIAL, A.RANDOM, "SEQ_READ", "RAND_READ"],
    ["HUGEPAGE and NOHUGEPAGE (R-MADV-3)", A.HUGEPAGE, A.NOHUGEPAGE, "HUGEPAGE", "NOHUGEPAGE"],
  ])("%s exclude each other", async (_name, first, second, one, other) => {
    const s = await sketch("W");
    s.madvise(0, 1, first);
    expect([has(s.vma(0), one), has(s.vma(0), other)]).toEqual([true, false]);
    s.madvise(0, 1, second);
    expect([has(s.vma(0), one), has(s.vma(0), other)]).toEqual([false, true]);
    s.madvise(0, 1, first);
    expect([has(s.vma(0), one), has(s.vma(0), other)]).toEqual([true, false]);
  });

  test("MERGEABLE is silently nothing on shared memory", async () => {
    const s = await sketch("H");
    s.madvise(0, 1, A.MERGEABLE);
    expect(has(s.vma(0), "MERGEABLE")).toBe(false);
  });

  test.each<[string, string, string, number]>([
    ["WIPEONFORK of a file (R-MADV-10)", "EINVAL", "F", A.WIPEONFORK],
    ["WIPEONFORK of shared memory", "EINVAL", "H", A.WIPEONFORK],
    ["unknown advice (R-MADV-6)", "EINVAL", "W", 999],
    ["HWPOISON", "EPERM", "W", A.HWPOISON],
    ["SOFT_OFFLINE", "EPERM", "W", A.SOFT_OFFLINE],
  ])("%s is refused", async (_name, code, drawing, advice) => {
    const s = await sketch(drawing);
    s.refuses(code, () => s.madvise(0, 1, advice));
  });

  test("special and droppable memory refuse some", async () => {
    const s = await sketch("");
    const { exports } = s.engine.raw;
    exports.vma_install(s.mm.asRaw(), s.at(0), s.at(1), 0x73 + 2 ** 14, 0, 0); // IO
    s.refuses("EINVAL", () => s.madvise(0, 1, A.DOFORK));
    s.refuses("EINVAL", () => s.madvise(0, 1, A.DODUMP));
    const flags = MapFlags.ANONYMOUS | MapFlags.FIXED | MapFlags.DROPPABLE;
    s.mm.mmap({ address: s.at(2), length: PAGE, prot: RW, flags });
    s.refuses("EINVAL", () => s.madvise(2, 1, A.KEEPONFORK));
    s.refuses("EINVAL", () => s.madvise(2, 1, A.DODUMP));
  });
});

describe("ranges", () => {
  test("unknown advice is refused before all, even for length 0", async () => {
    const s = await sketch("W");
    s.refuses("EINVAL", () => s.mm.madvise(s.at(0), 0, 5));
    s.mm.madvise(s.at(0), 0, A.NORMAL); // R-MADV-7
    s.mm.madvise(s.at(9), 0, A.DONTFORK);
  });

  test.each<[string, (s: Sketch) => void]>([
    ["misaligned (R-MADV-8)", (s) => s.mm.madvise(s.at(0) + 1, PAGE, A.NORMAL)],
    ["a length that rounds to nothing", (s) => s.mm.madvise(s.at(0), 2n ** 64n - 1n, A.NORMAL)],
    ["a range that wraps (R-MADV-14)", (s) => s.mm.madvise(s.at(0), 2n ** 64n - 4096n, A.NORMAL)],
  ])("%s: EINVAL", async (_name, call) => {
    const s = await sketch("W");
    s.refuses("EINVAL", () => call(s));
  });

  test.each([
    ["a hole inside does not stop it", "W.W", "D.D"],
    ["a leading hole does not stop it", ".WW", ".DD"],
    ["a trailing hole", "WW.", "DD"],
  ])("%s, and the answer is ENOMEM (R-MADV-5)", async (_name, before, after) => {
    const s = await sketch(before);
    expect(outcome(() => s.madvise(0, 3, A.DONTFORK))).toBe("ENOMEM");
    s.expect(after);
  });

  test("nothing mapped: ENOMEM", async () => {
    const s = await sketch("W..");
    s.refuses("ENOMEM", () => s.madvise(1, 1, A.DONTFORK));
  });

  test("the first refusing VMA stops it; what came before stays", async () => {
    const s = await sketch("WWFFWW");
    expect(outcome(() => s.madvise(0, 6, A.WIPEONFORK))).toBe("EINVAL");
    s.expect("ZZFFWW");
  });
});

describe("advice on pages changes no VMA", () => {
  test.each<[string, string, number, string]>([
    ["DONTNEED", "w", A.DONTNEED, "ok"],
    ["DONTNEED of locked memory (R-MADV-11)", "L", A.DONTNEED, "EINVAL"],
    ["DONTNEED_LOCKED of locked memory", "L", A.DONTNEED_LOCKED, "ok"],
    ["FREE of anonymous memory", "w", A.FREE, "ok"],
    ["FREE of a file (R-MADV-12)", "F", A.FREE, "EINVAL"],
    ["FREE of locked memory", "L", A.FREE, "EINVAL"],
    ["COLD", "w", A.COLD, "ok"],
    ["COLD of locked memory", "L", A.COLD, "EINVAL"],
    ["PAGEOUT of locked memory", "L", A.PAGEOUT, "EINVAL"],
    ["WILLNEED", "w", A.WILLNEED, "ok"],
    ["COLLAPSE without room for a huge page", "w", A.COLLAPSE, "EINVAL"],
    ["REMOVE of anonymous memory (R-MADV-13)", "w", A.REMOVE, "EINVAL"],
    ["REMOVE of a private file", "F", A.REMOVE, "EACCES"],
    ["REMOVE of a shared file", "H", A.REMOVE, "ok"],
    ["POPULATE_READ", "R", A.POPULATE_READ, "ok"],
    ["POPULATE_READ without leave", "N", A.POPULATE_READ, "EINVAL"],
    ["POPULATE_WRITE without leave", "R", A.POPULATE_WRITE, "EINVAL"],
  ])("%s: %3$s", async (_name, drawing, advice, code) => {
    const s = await sketch(drawing);
    const before = s.mm.maps();
    expect(outcome(() => s.madvise(0, 1, advice))).toBe(code);
    s.expect(drawing === "L" ? "l" : drawing);
    expect(s.mm.maps()).toBe(before);
  });

  test.each<[string, number, number, "touched" | "untouched", string]>([
    ["touched anonymous memory", 0, 1, "touched", "ok"],
    ["a page of it", 0, 1 / HUGE_PAGES, "touched", "ok"],
    ["nothing of it", 0, 0, "touched", "ok"],
    ["untouched anonymous memory", 0, 1, "untouched", "EINVAL"],
    ["nothing of untouched memory", 0, 0, "untouched", "ok"],
    ["memory with no aligned huge page inside", 1 / HUGE_PAGES, 1, "touched", "EINVAL"],
    ["touched memory and a hole", 0, 2, "touched", "ENOMEM"],
    ["untouched memory and a hole", 0, 2, "untouched", "EINVAL"],
  ])("COLLAPSE of %s (asked Linux)", async (_name, from, length, touched, code) => {
    const s = await sketch("");
    const start = 2 ** 45 + from * HUGE;
    const flags = MapFlags.PRIVATE | MapFlags.ANONYMOUS | MapFlags.FIXED;
    s.mm.mmap({ address: start, length: HUGE, prot: RW, flags });
    if (touched === "touched") s.mm.madvise(start, PAGE, A.POPULATE_WRITE);
    expect(outcome(() => s.mm.madvise(start, length * HUGE, A.COLLAPSE))).toBe(code);
  });

  test("COLLAPSE: not with NOHUGEPAGE, not of ordinary files, but of shared memory", async () => {
    const s = await sketch("");
    const start = 2 ** 45;
    const place = { address: start, length: HUGE, prot: RW };
    const collapse = () => outcome(() => s.mm.madvise(start, HUGE, A.COLLAPSE));
    using file = s.engine.openFile({ name: "/file", size: HUGE });
    s.mm.mmap({ ...place, flags: MapFlags.PRIVATE | MapFlags.FIXED, file });
    expect(collapse()).toBe("EINVAL");
    s.mm.mmap({ ...place, flags: MapFlags.SHARED | MapFlags.FIXED, file });
    expect(collapse()).toBe("EINVAL");
    s.mm.mmap({ ...place, flags: MapFlags.SHARED | MapFlags.ANONYMOUS | MapFlags.FIXED });
    expect(collapse()).toBe("ok");
    s.mm.madvise(start, HUGE, A.NOHUGEPAGE);
    expect(collapse()).toBe("EINVAL");
  });

  test("DONTNEED keeps the identity (R-AV-16), POPULATE_WRITE makes one (R-AV-15)", async () => {
    const s = await sketch("w.W.W");
    s.madvise(0, 1, A.DONTNEED);
    s.madvise(2, 1, A.POPULATE_WRITE);
    s.madvise(4, 1, A.POPULATE_READ);
    s.expect("w.w.W");
  });

  test("POPULATE stops at a hole: ENOMEM, what came before is populated", async () => {
    const s = await sketch("W.W");
    expect(outcome(() => s.madvise(0, 3, A.POPULATE_WRITE))).toBe("ENOMEM");
    s.expect("w.W");
  });

  test("POPULATE beyond the end of a file: EFAULT", async () => {
    const s = await sketch("");
    using file = s.engine.openFile({ name: "/short", size: PAGE });
    const flags = MapFlags.PRIVATE | MapFlags.FIXED;
    s.mm.mmap({ address: s.at(0), length: 2 * PAGE, prot: RW, flags, file });
    expect(outcome(() => s.madvise(0, 1, A.POPULATE_READ))).toBe("ok");
    expect(outcome(() => s.madvise(0, 2, A.POPULATE_READ))).toBe("EFAULT");
    s.expect("FF");
  });
});

describe("sealed memory that cannot be written is not discarded (R-SEAL-11..13)", () => {
  const sealed = async (prot: number, drawing = "") => {
    const s = await sketch(drawing);
    if (drawing === "") s.mmap(0, 1, prot);
    s.mm.mseal(s.at(0), PAGE);
    return s;
  };

  test.each([
    A.DONTNEED,
    A.FREE,
    A.REMOVE,
    A.DONTNEED_LOCKED,
    A.GUARD_INSTALL,
    A.DONTFORK,
    A.WIPEONFORK,
  ])("advice %s: EPERM", async (advice) => {
    const s = await sealed(Prot.READ);
    s.refuses("EPERM", () => s.madvise(0, 1, advice));
  });

  test.each([A.DONTDUMP, A.RANDOM, A.WILLNEED, A.COLD])("advice %s is allowed", async (advice) => {
    const s = await sealed(Prot.READ);
    s.madvise(0, 1, advice);
    s.expect("K");
  });

  test("writable memory, and files, are discarded all the same", async () => {
    const writable = await sealed(RW);
    writable.madvise(0, 1, A.DONTNEED);
    writable.expect("K");
    const file = await sealed(0, "F");
    file.mm.mseal(file.at(0), PAGE);
    file.madvise(0, 1, A.DONTNEED);
    file.expect("K");
  });
});
