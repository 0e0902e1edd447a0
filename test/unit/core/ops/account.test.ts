// ops/account.ts: counters by kind of mapping, and the limits asked against them (R-LIM-10, R-ACCT-20..23).

import { describe, expect, test } from "vitest";
import { MmStat } from "../../../../assembly/shared/abi.js";
import { MapFlags, Prot } from "../../../../src/index.js";
import { setRlimits } from "../../../../src/process.js";
import { protOf, type Sketch, sketch } from "../../../support/drawing.js";
import { PAGE, PRIVATE_ANON, RW, SHARED_ANON } from "../../../support/engine.js";

const commit = (s: Sketch) => s.engine.raw.exports.mm_stat(s.mm.asRaw(), MmStat.COMMIT);

describe("a page counts in one class at most (R-BASE-6)", () => {
  test.each([
    ["R", "none"],
    ["N", "none"],
    ["W", "data"],
    ["B", "data"],
    ["X", "exec"],
    ["E", "exec"],
    ["A", "data"],
    ["C", "data"],
  ])("private %s: %s", async (letter, kind) => {
    const s = await sketch("");
    s.mmap(0, 2, protOf(letter));
    const { dataVm, execVm, stackVm } = s.mm.stat();
    expect({ dataVm, execVm, stackVm }).toEqual({
      dataVm: kind === "data" ? 2 : 0,
      execVm: kind === "exec" ? 2 : 0,
      stackVm: 0,
    });
  });

  test.each([RW, Prot.READ | Prot.EXEC, Prot.NONE])(
    "growing memory of prot %s is stack",
    async (prot) => {
      const s = await sketch("");
      s.mmap(0, 2, prot, MapFlags.GROWSDOWN);
      expect(s.mm.stat()).toMatchObject({ stackVm: 2, dataVm: 0, execVm: 0 });
    },
  );

  test("shared writable memory is none, shared executable memory exec", async () => {
    const s = await sketch("HH");
    expect(s.mm.stat()).toMatchObject({ totalVm: 2, dataVm: 0 });
    s.mprotect(0, 1, Prot.EXEC);
    expect(s.mm.stat()).toMatchObject({ totalVm: 2, execVm: 1 });
  });
});

describe("commit", () => {
  test("charges private writable memory, and gives it back (R-ACCT-1)", async () => {
    const s = await sketch("");
    s.mmap(0, 4, RW);
    expect(commit(s)).toBe(4);
    s.mmap(1, 1, RW); // replaced: nothing added
    expect(commit(s)).toBe(4);
    s.mmap(1, 1, Prot.READ);
    expect(commit(s)).toBe(3);
    s.mprotect(1, 1, RW);
    expect(commit(s)).toBe(4);
    s.mprotect(0, 4, Prot.READ); // untouched: let off (R-ACCT-3)
    expect(commit(s)).toBe(0);
    s.munmap(0, 4);
    expect(commit(s)).toBe(0);
  });

  test("touched memory stays charged when it becomes read-only (R-ACCT-4)", async () => {
    const s = await sketch("ww");
    s.mprotect(0, 2, Prot.READ);
    expect(commit(s)).toBe(2);
    s.munmap(0, 1);
    expect(commit(s)).toBe(1);
  });

  test("a move charges the difference, DONTUNMAP all of it (R-REMAP-65)", async () => {
    const s = await sketch("WW......");
    s.move(0, 2, 4, 3);
    expect(commit(s)).toBe(3);
    s.move(4, 3, 0, 3, 4);
    expect(commit(s)).toBe(6);
  });

  test.each([
    ["heuristic", 10, "ok"],
    ["heuristic", 11, "ENOMEM"],
    ["never", 5, "ok"],
    ["never", 6, "ENOMEM"],
    ["always", 1000, "ok"],
  ] as const)("%s: %s pages of 10: %s (R-ACCT-21)", async (overcommit, pages, code) => {
    const s = await sketch("", { overcommit, totalRam: 10 * PAGE });
    const map = () => s.mmap(0, pages, RW);
    if (code === "ok") map();
    else s.refuses(code, map);
    expect(commit(s)).toBe(code === "ok" ? pages : 0);
  });

  test("the heuristic looks at one request, not at the sum", async () => {
    const s = await sketch("", { totalRam: 10 * PAGE });
    for (let i = 0; i < 5; i++) s.mmap(i * 20, 10, RW);
    expect(commit(s)).toBe(50);
  });

  test("a refused protection change gives its charge back", async () => {
    const s = await sketch("RRR", { maxMapCount: 1 });
    s.refuses("ENOMEM", () => s.mprotect(1, 1, RW));
    expect(commit(s)).toBe(0);
  });
});

describe("locked_vm (R-ACCT-23)", () => {
  test("follows every locked page: mapped, locked once, moved, replaced, unmapped", async () => {
    const s = await sketch("");
    const locked = () => s.mm.stat().lockedVm;
    s.mmap(0, 4, RW, MapFlags.LOCKED);
    expect(locked()).toBe(4);
    s.mm.mlock(s.at(0), 4 * PAGE);
    expect(locked()).toBe(4);
    s.mm.munlock(s.at(3), PAGE);
    expect(locked()).toBe(3);
    s.move(0, 3, 8);
    expect(locked()).toBe(3);
    s.mmap(9, 1, RW);
    expect(locked()).toBe(2);
    s.munmap(8, 1);
    expect(locked()).toBe(1);
    s.resize(10, 1, 3);
    expect(locked()).toBe(3);
    s.resize(10, 3, 1);
    expect(locked()).toBe(1);
  });
});

describe("limits", () => {
  test("unlimited is no number", async () => {
    const s = await sketch("", { overcommit: "always" });
    const flags = PRIVATE_ANON | MapFlags.FIXED;
    s.mm.mmap({ address: 2 ** 40, length: 2 ** 46, prot: RW, flags });
    expect(s.mm.stat().totalVm).toBe(2 ** 34);
  });

  test("RLIMIT_AS counts every page, in whole pages", async () => {
    const s = await sketch("", { rlimits: { as: 3 * PAGE - 1 } });
    s.mmap(0, 2, 0);
    s.refuses("ENOMEM", () => s.mmap(4, 1, 0));
  });

  test("RLIMIT_DATA 0 lets through what the hard limit allows (R-LIM-10)", async () => {
    const s = await sketch("", { rlimits: { data: 0 } });
    s.mmap(0, 4, RW);
    s.expect("WWWW");
  });

  test("a limit lowered below what is there refuses more, takes nothing away", async () => {
    const s = await sketch("WWWW");
    setRlimits(s.mm, { as: PAGE });
    s.refuses("ENOMEM", () => s.mmap(8, 1, 0));
    s.mprotect(0, 1, Prot.READ);
    s.munmap(3);
    s.expect("RWW");
  });

  test("mmap may reach one more mapping than the limit, splits may not (R-LIM-11)", async () => {
    const s = await sketch("W.R.X", { maxMapCount: 3 });
    s.mmap(6, 2, 0);
    expect(s.mm.stat().mapCount).toBe(4);
    s.refuses("ENOMEM", () => s.mmap(10, 1, RW));
    s.refuses("ENOMEM", () => s.mprotect(6, 1, RW));
    s.munmap(6, 1);
    s.expect("W.R.X..N");
  });

  test("shared anonymous memory is not in the VMA's account (R-ACCT-7)", async () => {
    const s = await sketch("");
    s.mm.mmap({ address: s.at(0), length: PAGE, prot: RW, flags: SHARED_ANON | MapFlags.FIXED });
    expect(commit(s)).toBe(0);
  });
});
