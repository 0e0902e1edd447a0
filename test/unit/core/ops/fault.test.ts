// ops/fault.ts: which VMA answers an access, by which lock, and when a stack grows (R-STACK-*, R-AV-20).

import { describe, expect, test } from "vitest";
import { type FaultAccess, MapFlags, Prot } from "../../../../src/index.js";
import { has, sketch } from "../../../support/drawing.js";
import { PAGE, PRIVATE_ANON, RW, SHARED_ANON } from "../../../support/engine.js";

describe("what is allowed", () => {
  const table: readonly (readonly [letter: string, allowed: string])[] = [
    ["R", "r"],
    ["W", "rw"],
    ["N", ""],
    ["X", "rx"],
    ["A", "rwx"],
    ["B", "rw"], // any access bit lets reads pass
    ["E", "rx"],
    ["H", "rw"],
    ["F", "rw"],
    ["K", "rw"],
  ];
  test.each(table)("%s allows %s", async (letter, allowed) => {
    const s = await sketch(letter);
    for (const access of ["read", "write", "exec"] as const) {
      const expected = allowed.includes(access === "exec" ? "x" : (access[0] as string));
      expect(s.touch(0, access)).toBe(expected ? "OK" : "SEGV_ACCERR");
    }
  });

  test("nothing mapped: SEGV_MAPERR, in a hole, at the ends, beyond the space", async () => {
    const s = await sketch(".W.");
    for (const address of [0, s.at(0), s.at(2), 2 ** 47, 2 ** 50]) {
      expect(s.mm.handleMmFault(address, "read").outcome).toBe("SEGV_MAPERR");
    }
    expect(s.mm.handleMmFault(s.at(1) + PAGE - 1, "write").outcome).toBe("OK");
  });

  test("beyond the last page of a file: SIGBUS, and the identity is made all the same (R-FILE-13)", async () => {
    const s = await sketch("");
    using file = s.engine.openFile({ name: "/f", size: PAGE + 1 });
    const flags = MapFlags.PRIVATE | MapFlags.FIXED;
    s.mm.mmap({ address: s.at(0), length: 4 * PAGE, prot: RW, flags, file });
    expect(s.touch(1, "read")).toBe("OK");
    expect(s.touch(2, "read")).toBe("BUS_ADRERR");
    s.expect("FFFF");
    expect(s.touch(3, "write")).toBe("BUS_ADRERR");
    s.expect("ffff");
  });
});

describe("identities (R-AV-20..22)", () => {
  test.each<[string, string, FaultAccess, string]>([
    ["a write makes one", "W", "write", "w"],
    ["a read makes none (R-AV-7)", "W", "read", "W"],
    ["a refused write makes none", "R", "write", "R"],
    ["shared memory never has one (R-AV-18)", "H", "write", "H"],
    ["a private file has one (R-AV-17)", "F", "write", "f"],
    ["the first one stays", "w", "write", "w"],
  ])("%s", async (_name, before, access, after) => {
    const s = await sketch(before);
    const { anonVma } = s.vma(0);
    s.touch(0, access);
    s.expect(after);
    if (anonVma !== 0) expect(s.vma(0).anonVma).toBe(anonVma);
  });

  test.each([
    ["of its neighbour before", "wA", 1, 0, true],
    ["of its neighbour behind", "Wa", 0, 1, true],
    ["not over a hole (R-AV-6)", "w.W", 2, 0, false],
  ])("a first write reuses the identity %s: protection aside (R-AV-5, 22)", async (...row) => {
    const [, drawing, page, other, same] = row;
    const s = await sketch(drawing);
    s.touch(page);
    expect(s.vma(page).anonVma === s.vma(other).anonVma).toBe(same);
  });

  test("a first write does not reuse the identity of a neighbour with other flags", async () => {
    const s = await sketch(".D");
    s.map(0, 1, "w");
    s.touch(1);
    s.expect("wd");
    expect(s.vma(1).anonVma).not.toBe(s.vma(0).anonVma);
  });

  test("the one behind is asked before the one in front (R-AV-22)", async () => {
    const s = await sketch("wA.w");
    s.mmap(2, 1, Prot.WRITE);
    s.mprotect(2, 1, Prot.WRITE); // B between A and w: takes from behind
    s.touch(2);
    expect(s.vma(2).anonVma).toBe(s.vma(3).anonVma);
    s.touch(1);
    expect(s.vma(1).anonVma).toBe(s.vma(2).anonVma);
    expect(s.vma(0).anonVma).not.toBe(s.vma(1).anonVma);
  });

  test("an inherited identity is not reused (R-AV-23)", async () => {
    const s = await sketch("wX");
    using child = s.mm.fork();
    child.mprotect(s.at(1), PAGE, RW | Prot.EXEC);
    child.handleMmFault(s.at(1), "write");
    const [first, second] = child.vmas();
    expect(second?.anonVma).not.toBe(0);
    expect(second?.anonVma).not.toBe(first?.anonVma);
  });
});

describe("which lock serves", () => {
  test("a per-VMA lock, unless an identity must be made", async () => {
    const s = await sketch("W");
    const via = (access: FaultAccess) => s.mm.handleMmFault(s.at(0), access).viaMmapLock;
    expect([via("read"), via("write"), via("write")]).toEqual([false, true, false]);
    const { total } = s.engine.stats();
    expect(total).toMatchObject({ fault: 3, faultVmaLock: 2, faultMmapLock: 1 });
  });

  test("the mmap lock for holes and stacks that grow", async () => {
    const s = await sketch(`${".".repeat(300)}GW`);
    const fault = (page: number) => s.mm.handleMmFault(s.at(page), "read");
    expect(fault(305).viaMmapLock).toBe(true);
    expect(fault(299)).toMatchObject({ ok: true, viaMmapLock: true, grewStack: true });
    expect(fault(299)).toMatchObject({ ok: true, viaMmapLock: false, grewStack: false });
  });

  test("a write guard's own fault, which may grow a stack", async () => {
    const s = await sketch(`${".".repeat(300)}G`);
    using guard = s.mm.mmapWriteLock();
    expect(guard.handleMmFault(s.at(298), "write")).toMatchObject({ ok: true, grewStack: true });
    expect(guard.vmaLookup(s.at(298))?.end).toBe(s.at(301));
  });
});

describe("a stack", () => {
  const gap = ".".repeat(300);

  test("grows to the page accessed; the way there becomes part of it (R-STACK-2, 13)", async () => {
    const s = await sketch(`${gap}GG`);
    expect(s.touch(290)).toBe("OK");
    s.expect(`${".".repeat(290)}${"g".repeat(12)}`);
    expect(s.vma(295).pgoff).toBe(s.at(290) / PAGE);
    expect(s.mm.stat()).toMatchObject({ totalVm: 12, stackVm: 12, mapCount: 1 });
  });

  test("gets an identity by growing, even for a read (R-STACK-10)", async () => {
    const s = await sketch(`${gap}GG`);
    s.touch(299, "read");
    s.expect(`${".".repeat(299)}ggg`);
  });

  test.each([
    ["its gap reaches accessible memory (R-STACK-3)", "W", "SEGV_MAPERR"],
    ["below it lies a mapping without access (R-STACK-4)", "N", "OK"],
    ["below it lies another stack (R-STACK-16)", "G", "OK"],
  ])("next to its predecessor: %s", async (_name, letter, outcome) => {
    const s = await sketch(`${letter}..GG`);
    expect(s.touch(1, "write")).toBe(outcome);
    s.expect(outcome === "OK" ? `${letter}gggg` : `${letter}..GG`);
  });

  test("keeps exactly the guard gap to what is below", async () => {
    const s = await sketch("W.......GG", { stackGuardGapPages: 3 });
    expect(s.touch(3)).toBe("SEGV_MAPERR");
    expect(s.touch(4)).toBe("OK");
    s.expect("W...gggggg");
  });

  test("touching another stack does not merge with it (R-STACK-16)", async () => {
    const s = await sketch("GG..GG");
    s.touch(2);
    s.expect("GGgggg");
    expect(s.mm.stat().mapCount).toBe(2);
  });

  test.each<[string, object]>([
    ["RLIMIT_STACK (R-STACK-9)", { rlimits: { stack: 3 * PAGE } }],
    ["RLIMIT_AS (R-STACK-12)", { rlimits: { as: 3 * PAGE } }],
    ["commit", { totalRam: 2 * PAGE }],
  ])("stops at %s", async (_name, options) => {
    const s = await sketch(`${gap}GG`, options);
    expect(s.touch(296)).toBe("SEGV_MAPERR");
    expect(s.mm.stat().totalVm).toBe(2);
    expect(s.touch(299)).toBe("OK");
    expect(s.mm.stat().totalVm).toBe(3);
  });

  test("stops at the limit of locked memory (R-MLOCK-31)", async () => {
    const s = await sketch("", { capIpcLock: false, rlimits: { memlock: 2 * PAGE } });
    s.mmap(300, 1, RW, MapFlags.GROWSDOWN | MapFlags.LOCKED);
    expect(s.touch(298)).toBe("SEGV_MAPERR");
    expect(s.touch(299)).toBe("OK");
    expect(s.mm.stat().lockedVm).toBe(2);
  });

  test("stops at the minimum address (R-STACK-12)", async () => {
    const s = await sketch("..GG", { mmapMinAddr: 0x10001000 });
    expect(s.touch(0)).toBe("SEGV_MAPERR");
    expect(s.touch(1)).toBe("OK");
    s.expect(".ggg");
  });

  test("out of memory it does not grow, and nothing changes but the identity", async () => {
    const s = await sketch(`${gap}GG`);
    s.engine.raw.exports.fail_after(1);
    expect(s.touch(299)).toBe("SEGV_MAPERR");
    s.expect(`${gap}gg`);
  });

  test("grows before the access is refused for what it may not", async () => {
    const s = await sketch("");
    s.mmap(300, 1, Prot.READ, MapFlags.GROWSDOWN);
    expect(s.touch(298, "write")).toBe("SEGV_ACCERR");
    expect(s.vma(298)).toMatchObject({ start: s.at(298), end: s.at(301) });
  });

  test("only memory that grows down does", async () => {
    const s = await sketch(".W");
    expect(s.touch(0)).toBe("SEGV_MAPERR");
    s.expect(".W");
  });
});

test("a shared mapping that is written stays without identity under populate too", async () => {
  const s = await sketch("");
  const flags = SHARED_ANON | MapFlags.FIXED | MapFlags.POPULATE;
  s.mm.mmap({ address: s.at(0), length: PAGE, prot: RW, flags });
  s.expect("H");
  s.mm.mmap({ address: s.at(2), length: PAGE, prot: RW, flags: PRIVATE_ANON | 0x10 });
  s.touch(2, "read");
  s.expect("H.W");
  expect(has(s.vma(2), "ACCOUNT")).toBe(true);
});
