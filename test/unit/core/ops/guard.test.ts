// ops/guard.ts: guard pages answer every access with SIGSEGV and belong to their pages (R-MADV-15..19).

import { describe, expect, test } from "vitest";
import { Madvise } from "../../../../src/index.js";
import { has, outcome, type Sketch, sketch } from "../../../support/drawing.js";
import { PAGE } from "../../../support/engine.js";

const { GUARD_INSTALL, GUARD_REMOVE } = Madvise;

/** Which of the first `pages` pages are guards: `g`, `.` not mapped, `-` neither. */
function guards(s: Sketch, pages: number, mm = s.mm): string {
  const letters = { SEGV_MAPERR: "g", OK: "-", SEGV_ACCERR: "n", BUS_ADRERR: "b" };
  return Array.from({ length: pages }, (_, page) => {
    const address = s.at(page);
    const mapped = mm.vmas().some((vma) => vma.start <= address && address < vma.end);
    return mapped ? letters[mm.handleMmFault(address, "read").outcome] : ".";
  }).join("");
}

test("install marks the whole VMA without a split and gives it an identity (R-MADV-15)", async () => {
  const s = await sketch("WWWW");
  s.madvise(1, 1, GUARD_INSTALL);
  s.expect("wwww");
  expect(has(s.vma(3), "MAYBE_GUARD")).toBe(true);
  expect(guards(s, 5)).toBe("-g--.");
  expect(s.touch(1, "write")).toBe("SEGV_MAPERR");
  expect(s.touch(2, "write")).toBe("OK");
});

test("remove takes guards away; the mark stays", async () => {
  const s = await sketch("WWWW");
  s.madvise(0, 4, GUARD_INSTALL);
  s.madvise(1, 2, GUARD_REMOVE);
  expect(guards(s, 4)).toBe("g--g");
  s.madvise(0, 4, GUARD_REMOVE);
  expect(guards(s, 4)).toBe("----");
  expect(has(s.vma(0), "MAYBE_GUARD")).toBe(true);
});

test("a marked VMA merges with one that is not, and both are marked (R-MADV-16)", async () => {
  const s = await sketch("WW.");
  s.madvise(0, 1, GUARD_INSTALL);
  s.mmap(2, 1, 3);
  s.expect("www");
  expect(guards(s, 3)).toBe("g--");
  expect(has(s.vma(2), "MAYBE_GUARD")).toBe(true);
});

test.each([
  ["locked memory", "L", "EINVAL"],
  ["memory that is sealed and writable", "K", "ok"],
  ["a file", "F", "ok"],
  ["shared memory", "H", "ok"],
])("install on %s", async (_name, drawing, code) => {
  const s = await sketch(drawing);
  expect(outcome(() => s.madvise(0, 1, GUARD_INSTALL))).toBe(code);
  expect(guards(s, 1)).toBe(code === "ok" ? "g" : "-");
});

test("install and remove on special memory are refused", async () => {
  const s = await sketch("");
  s.engine.raw.exports.vma_install(s.mm.asRaw(), s.at(0), s.at(1), 0x73 + 2 ** 10, 0, 0);
  s.refuses("EINVAL", () => s.madvise(0, 1, GUARD_INSTALL));
  s.refuses("EINVAL", () => s.madvise(0, 1, GUARD_REMOVE));
});

describe("guards belong to their pages", () => {
  const guarded = async () => {
    const s = await sketch("WWWWWW....");
    s.madvise(1, 1, GUARD_INSTALL);
    s.madvise(3, 2, GUARD_INSTALL);
    expect(guards(s, 6)).toBe("-g-gg-");
    return s;
  };

  test("go with munmap, and do not come back with a new mapping", async () => {
    const s = await guarded();
    s.munmap(2, 2);
    expect(guards(s, 6)).toBe("-g..g-");
    s.mmap(2, 2, 3);
    expect(guards(s, 6)).toBe("-g--g-");
  });

  test("go when FIXED replaces them", async () => {
    const s = await guarded();
    s.mmap(0, 4, 3);
    expect(guards(s, 6)).toBe("----g-");
  });

  test("stay through mprotect, DONTNEED and splits", async () => {
    const s = await guarded();
    s.mprotect(0, 2, 1);
    s.madvise(0, 6, Madvise.DONTNEED);
    expect(guards(s, 6)).toBe("-g-gg-");
  });

  test("follow mremap", async () => {
    const s = await guarded();
    s.move(2, 3, 8);
    expect(guards(s, 11)).toBe("-g...-..-gg");
    expect(s.mm.validate()).toEqual([]);
  });

  test("follow mremap that keeps the source, which has none then", async () => {
    const s = await guarded();
    s.move(0, 6, 10, 6, 4);
    expect(guards(s, 16)).toBe("------....-g-gg-");
  });

  test("stay below in a shrink, go with the tail", async () => {
    const s = await guarded();
    s.resize(0, 6, 4);
    s.resize(0, 4, 6);
    expect(guards(s, 6)).toBe("-g-g--");
  });

  test("are copied by fork; the child's are its own", async () => {
    const s = await guarded();
    using child = s.mm.fork();
    child.madvise(s.at(1), PAGE, GUARD_REMOVE);
    expect(guards(s, 6, child)).toBe("---gg-");
    expect(guards(s, 6)).toBe("-g-gg-");
    expect(child.validate()).toEqual([]);
  });

  test("are not copied where fork wipes", async () => {
    const s = await guarded();
    s.madvise(0, 2, Madvise.WIPEONFORK);
    using child = s.mm.fork();
    expect(guards(s, 6, child)).toBe("---gg-");
  });

  test("make populate fail, and mlock of them too", async () => {
    const s = await guarded();
    expect(outcome(() => s.madvise(0, 2, Madvise.POPULATE_READ))).toBe("EFAULT");
    expect(outcome(() => s.mm.mlock(s.at(0), 2 * PAGE))).toBe("ENOMEM");
    expect(outcome(() => s.mm.mlock(s.at(2), PAGE))).toBe("ok");
  });

  test("a hundred of them come and go and leave no node behind", async () => {
    const s = await sketch("W".repeat(300));
    const nodes = () => s.engine.stats().memory.kinds.leaf.live;
    const before = nodes();
    for (let page = 1; page < 300; page += 3) s.madvise(page, 1, GUARD_INSTALL);
    expect(guards(s, 9)).toBe("-g--g--g-");
    expect(nodes()).toBeGreaterThan(before);
    s.madvise(0, 300, GUARD_REMOVE);
    expect(guards(s, 9)).toBe("---------");
    expect(nodes()).toBeLessThanOrEqual(before + 1);
  });
});
