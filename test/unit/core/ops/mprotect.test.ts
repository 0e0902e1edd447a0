// ops/mprotect.ts: VMA by VMA, up to the first problem (R-PROT-*, R-ACCT-*).

import { describe, expect, test } from "vitest";
import { MmFlag } from "../../../../assembly/shared/abi.js";
import { MapFlags, Prot } from "../../../../src/index.js";
import { setRlimits } from "../../../../src/process.js";
import { has, outcome, type Sketch, sketch } from "../../../support/drawing.js";
import { PAGE, RW, SHARED_ANON } from "../../../support/engine.js";

const R = Prot.READ;
const X = Prot.READ | Prot.EXEC;

describe("what changes", () => {
  test.each([
    ["several VMAs become one as they become equal (R-PROT-10)", "WWXXNN", 0, 6, R, "RRRRRR"],
    ["from the middle of one to the middle of another", "WWXX", 1, 2, R, "WRRX"],
    ["write without read is its own protection (R-PROT-22)", "WW", 0, 2, Prot.WRITE, "BB"],
    ["exec only (R-PROT-28)", "WW", 0, 1, Prot.EXEC, "EW"],
    ["PROT_SEM is ignored (R-PROT-23)", "WW", 0, 1, R | Prot.SEM, "RW"],
    ["committing a reserve joins what is committed (R-PROT-24)", "WWNN", 2, 1, RW, "WWWN"],
    ["the same protection is no change (R-PROT-9)", "WWRR", 1, 1, RW, "WWRR"],
    ["nothing at all: no access", "WRX", 0, 3, Prot.NONE, "NNN"],
  ])("%s", async (_name, before, page, pages, prot, after) => {
    const s = await sketch(before);
    s.mprotect(page, pages, prot);
    s.expect(after);
  });

  test("length 0 succeeds, unmapped and with bad prot bits too (R-PROT-14)", async () => {
    const s = await sketch("W");
    s.mm.mprotect(s.at(0), 0, R);
    s.mm.mprotect(s.at(9), 0, 0x80);
    s.expect("W");
  });

  test("a length is rounded up to pages", async () => {
    const s = await sketch("WWW");
    s.mm.mprotect(s.at(1), 1, R);
    s.expect("WRW");
  });

  test("GROWSDOWN reaches down to the start of the stack (R-PROT-19)", async () => {
    const s = await sketch("WGGGG");
    s.mprotect(3, 1, R | Prot.GROWSDOWN);
    expect(s.mm.vmas().map((v) => [v.flags % 8, (v.end - v.start) / PAGE])).toEqual([
      [3, 1],
      [1, 3],
      [3, 1],
    ]);
  });

  test("GROWSDOWN with a start in the hole below moves up to the stack (R-PROT-27)", async () => {
    const s = await sketch("...GG");
    s.mprotect(1, 3, R | Prot.GROWSDOWN);
    expect(s.vma(3)).toMatchObject({ start: s.at(3), end: s.at(4) });
    expect(s.vma(3).flags % 8).toBe(R);
  });
});

describe("what is refused with nothing changed", () => {
  test.each<[string, string, string, (s: Sketch) => void]>([
    ["both growth flags (R-PROT-17)", "GG", "EINVAL", (s) => s.mprotect(0, 1, 0x03000000 | R)],
    [
      "both growth flags beat a misaligned address",
      "GG",
      "EINVAL",
      (s) => s.mm.mprotect(1, 1, 0x03000000),
    ],
    [
      "a misaligned address (R-PROT-15)",
      "WW",
      "EINVAL",
      (s) => s.mm.mprotect(s.at(0) + 1, PAGE, R),
    ],
    [
      "a range that wraps (R-PROT-20)",
      "WW",
      "ENOMEM",
      (s) => s.mm.mprotect(s.at(0), 2n ** 64n - 1n, R),
    ],
    ["unknown prot bits (R-PROT-16)", "WW", "EINVAL", (s) => s.mprotect(0, 1, 0x10)],
    ["a start that is not mapped (R-PROT-12)", ".WW", "ENOMEM", (s) => s.mprotect(0, 2, R)],
    [
      "GROWSDOWN on no stack (R-PROT-18)",
      "WW",
      "EINVAL",
      (s) => s.mprotect(0, 1, R | Prot.GROWSDOWN),
    ],
    ["GROWSDOWN on nothing", "W..", "ENOMEM", (s) => s.mprotect(1, 1, R | Prot.GROWSDOWN)],
    ["GROWSUP: nothing grows up on x86", "GG", "EINVAL", (s) => s.mprotect(0, 1, R | Prot.GROWSUP)],
    [
      "a sealed VMA, even for the same protection (R-SEAL-3)",
      "KK",
      "EPERM",
      (s) => s.mprotect(0, 2, RW),
    ],
  ])("%s", async (_name, drawing, code, call) => {
    const s = await sketch(drawing);
    s.refuses(code, () => call(s));
  });

  test("more than the file allows: EACCES", async () => {
    const s = await sketch("");
    using file = s.engine.openFile({ name: "/ro", writable: false });
    const place = { address: s.at(0), length: PAGE, prot: R, file };
    s.mm.mmap({ ...place, flags: MapFlags.SHARED | MapFlags.FIXED });
    s.refuses("EACCES", () => s.mprotect(0, 1, RW));
    s.mm.mmap({ ...place, flags: MapFlags.PRIVATE | MapFlags.FIXED });
    s.mprotect(0, 1, RW);
    s.expect("F");
  });
});

describe("what stays when a later VMA refuses", () => {
  test("up to a hole (R-PROT-11)", async () => {
    const s = await sketch("WW.WW");
    expect(outcome(() => s.mprotect(0, 5, R))).toBe("ENOMEM");
    s.expect("RR.WW");
  });

  test("up to a tail that is not mapped (R-PROT-13)", async () => {
    const s = await sketch("XWW");
    expect(outcome(() => s.mprotect(1, 4, X))).toBe("ENOMEM");
    s.expect("XXX");
  });

  test("up to a sealed VMA (R-SEAL-10)", async () => {
    const s = await sketch("WWKK");
    expect(outcome(() => s.mprotect(1, 3, R))).toBe("EPERM");
    s.expect("WRKK");
  });

  test("up to a file that may not be written (R-PROT-21)", async () => {
    const s = await sketch("RR");
    using file = s.engine.openFile({ name: "/ro", writable: false });
    const flags = MapFlags.SHARED | MapFlags.FIXED;
    s.mm.mmap({ address: s.at(2), length: PAGE, prot: R, flags, file });
    expect(outcome(() => s.mprotect(0, 3, RW))).toBe("EACCES");
    s.expect("WWH");
  });
});

describe("accounting", () => {
  test("read-only memory made writable is accounted and joins such (R-ACCT-5)", async () => {
    const s = await sketch("RW");
    expect(has(s.vma(0), "ACCOUNT")).toBe(false);
    s.mprotect(0, 1, RW);
    s.expect("WW");
    expect(has(s.vma(0), "ACCOUNT")).toBe(true);
  });

  test("untouched writable memory made read-only is let off (R-ACCT-3)", async () => {
    const s = await sketch("RW");
    s.mprotect(1, 1, R);
    s.expect("RR");
  });

  test("touched memory stays accounted, and apart from plain read-only memory (R-ACCT-4)", async () => {
    const s = await sketch("Rw");
    s.mprotect(1, 1, R);
    s.expect("Rr");
    expect(has(s.vma(1), "ACCOUNT")).toBe(true);
    s.mmap(2, 1, R);
    s.expect("RrR");
  });

  test("NORESERVE and shared memory are never accounted (R-ACCT-6, 7)", async () => {
    const s = await sketch("");
    s.mmap(0, 1, R, MapFlags.NORESERVE);
    s.mm.mmap({ address: s.at(2), length: PAGE, prot: R, flags: SHARED_ANON | 0x10 });
    s.mprotect(0, 1, RW);
    s.mprotect(2, 1, RW);
    expect(has(s.vma(0), "ACCOUNT")).toBe(false);
    expect(has(s.vma(2), "ACCOUNT")).toBe(false);
    s.expect("W.H");
  });

  test("pages move from the old class to the new one (R-PROT-30)", async () => {
    const s = await sketch("WWWW");
    s.mprotect(0, 1, X);
    s.mprotect(1, 2, R);
    expect(s.mm.stat()).toMatchObject({ totalVm: 4, dataVm: 1, execVm: 1, stackVm: 0 });
    s.expect("XRRW");
  });

  test("RLIMIT_DATA refuses pages that become data, not those that were (R-LIM-4)", async () => {
    const s = await sketch("WRR");
    setRlimits(s.mm, { data: 2 * PAGE });
    s.refuses("ENOMEM", () => s.mprotect(1, 2, RW));
    s.mprotect(1, 1, RW);
    setRlimits(s.mm, { data: PAGE });
    s.mprotect(0, 2, RW | Prot.EXEC); // data already: no new page of it
    s.expect("AAR");
  });

  test("commit refuses what is more than all memory (R-ACCT-21)", async () => {
    const s = await sketch("RRRR", { totalRam: 2 * PAGE });
    s.refuses("ENOMEM", () => s.mprotect(0, 3, RW));
    s.mprotect(0, 2, RW);
    s.expect("WWRR");
  });
});

test("MDWE: write and exec together, and exec gained, are refused (R-MDWE-2, 3)", async () => {
  const s = await sketch("XXWW");
  s.engine.raw.exports.mm_flags_set(s.mm.asRaw(), MmFlag.MDWE);
  s.refuses("EACCES", () => s.mprotect(0, 1, RW | Prot.EXEC));
  s.refuses("EACCES", () => s.mprotect(2, 1, X));
  s.mprotect(0, 1, Prot.EXEC); // keeping exec is allowed
  s.expect("EXWW");
});

test("a locked page made writable is as good as written to", async () => {
  const s = await sketch("RR");
  s.mm.mlock(s.at(0), 2 * PAGE);
  s.expect("LL");
  s.mprotect(0, 2, RW);
  s.expect("ll");
});
