// prctl(PR_SET_VMA_ANON_NAME) through the facade (R-NAME), remap_file_pages (R-RFP),
// MDWE and READ_IMPLIES_EXEC.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MapFlags, MmError, type MmWithUser, Prot } from "../../src/index.js";
import { exec, getMdwe, personality, setMdwe } from "../../src/process.js";
import {
  BASE,
  draw,
  drawingOf,
  expectMap,
  freshEngine,
  liveObjects,
  PAGE,
  PRIVATE_ANON,
  RW,
  SHARED_ANON,
} from "../support/engine.js";

const FIXED = MapFlags.FIXED;

function code(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof MmError) return error.code;
    throw error;
  }
  return "OK";
}

const names = (mm: MmWithUser) => mm.vmas().map(({ name }) => name);

describe("setVmaName", () => {
  test("splits at its range, shows in maps, and taking it away merges again", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    draw(mm, "WWWW");
    mm.setVmaName(BASE + PAGE, 2 * PAGE, "hot pool");
    expect(names(mm)).toEqual([null, "[anon:hot pool]", null]);
    expect(mm.maps()).toContain(
      "10001000-10003000 rw-p 00000000 00:00 0                                  [anon:hot pool]\n",
    );
    expectMap(mm, "W|WW|W");
    mm.setVmaName(BASE + PAGE, PAGE, null);
    expect(names(mm)).toEqual([null, "[anon:hot pool]", null]);
    mm.setVmaName(BigInt(BASE), BigInt(4 * PAGE), null);
    expectMap(mm, "WWWW");
    expect(engine.stats().memory.kinds.name.live).toBe(0);
  });

  test("an empty name is a name; shared anonymous memory has one of its own kind", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    draw(mm, "W");
    mm.mmap({ address: BASE + PAGE, length: PAGE, prot: RW, flags: SHARED_ANON | FIXED });
    mm.setVmaName(BASE, 2 * PAGE, "");
    expect(names(mm)).toEqual(["[anon:]", "[anon_shmem:]"]);
  });

  test("errors", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    draw(mm, "WW..W");
    using file = engine.openFile({ name: "/f", size: PAGE });
    const flags = MapFlags.PRIVATE | FIXED;
    mm.mmap({ address: BASE + 5 * PAGE, length: PAGE, prot: RW, flags, file });
    const name = (page: number, pages: number, text: string | null = "n") =>
      code(() => mm.setVmaName(BASE + page * PAGE, pages * PAGE, text));
    expect(name(0, 1, "x".repeat(79))).toBe("OK");
    expect(name(0, 1, "x".repeat(80))).toBe("EINVAL");
    expect(name(0, 1, "x".repeat(5000))).toBe("EINVAL");
    for (const bad of ["\\", "`", "$", "[", "]", "\n", "\0", "\x7f", "é", "\ud800"]) {
      expect(name(0, 1, `a${bad}b`)).toBe("EINVAL");
    }
    expect(name(0.5, 1)).toBe("EINVAL");
    expect(name(0, 0)).toBe("OK");
    expect(name(1, 4)).toBe("ENOMEM"); // the hole; both sides are named all the same
    expect(names(mm)).toEqual([`[anon:${"x".repeat(79)}]`, "[anon:n]", "[anon:n]", "/f"]);
    expect(name(5, 1)).toBe("EBADF");
    expect(name(5, 1, null)).toBe("EBADF");
    expect(code(() => mm.setVmaName(BASE, 2n ** 64n - 1n, "n"))).toBe("EINVAL");
    expect(() => mm.setVmaName(-1, PAGE, "n")).toThrow(RangeError);
    expect(() => mm.setVmaName(BASE, PAGE, 5 as unknown as string)).toThrow(TypeError);
    expect(() => mm.setVmaName(BASE, PAGE, "a$")).toThrow(
      'EINVAL: setVmaName(address=0x10000000, length=0x1000, name="a$"): invalid argument',
    );
  });

  test("a kernel without CONFIG_ANON_VMA_NAME refuses, also fork's child and after exec", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm({ vmaNames: false });
    draw(mm, "W");
    using child = mm.fork();
    using next = exec(child);
    for (const space of [mm, child, next]) {
      expect(code(() => space.setVmaName(BASE, PAGE, "n"))).toBe("EINVAL");
    }
  });

  test("under a write guard it is one step with others", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    draw(mm, "WW");
    using guard = mm.mmapWriteLock();
    const before = guard.vmaLookup(BASE);
    guard.setVmaName(BASE, PAGE, "a");
    expect(guard.vmaLookup(BASE)?.name).toBe("[anon:a]");
    expect(() => before?.start).toThrow(TypeError);
    expect(() => mm.setVmaName(BASE, PAGE, "b")).toThrow(/this worker holds the mmap lock/);
  });

  test("any sequence of namings is an array of names, one a page", async () => {
    const engine = await freshEngine();
    const PAGES = 12;
    const naming = fc.record({
      first: fc.nat(PAGES - 1),
      pages: fc.integer({ min: 1, max: PAGES }),
      name: fc.constantFrom(null, "", "a", "b", "x".repeat(79)),
    });
    fc.assert(
      fc.property(fc.array(naming, { maxLength: 20 }), (namings) => {
        using mm = engine.createMm();
        draw(mm, "W".repeat(PAGES));
        const model: (string | null)[] = Array(PAGES).fill(null);
        for (const { first, pages, name } of namings) {
          const count = Math.min(pages, PAGES - first);
          mm.setVmaName(BASE + first * PAGE, count * PAGE, name);
          model.fill(name === null ? null : `[anon:${name}]`, first, first + count);
        }
        const seen = mm
          .vmas()
          .flatMap(({ start, end, name }) => Array((end - start) / PAGE).fill(name));
        expect(seen).toEqual(model);
        const runs = model.filter((name, page) => page === 0 || name !== model[page - 1]);
        expect(mm.vmas()).toHaveLength(runs.length); // like neighbours merged
        expect(mm.validate()).toEqual([]);
      }),
      { numRuns: 100 },
    );
    expect(liveObjects(engine)).toBe(0);
  });
});

describe("remapFilePages", () => {
  test("puts other pages of the file into the mapping", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    using file = engine.openFile({ name: "/f", size: 16 * PAGE });
    mm.mmap({ address: BASE, length: 4 * PAGE, prot: RW, flags: MapFlags.SHARED | FIXED, file });
    mm.remapFilePages({ address: BASE + PAGE, length: PAGE, pgoff: 9 });
    expect(mm.vmas().map(({ pgoff }) => pgoff)).toEqual([0, 9, 2]);
    mm.remapFilePages({ address: BigInt(BASE + PAGE), length: BigInt(PAGE), pgoff: 1n });
    expect(mm.vmas()).toHaveLength(1);
    using guard = mm.mmapWriteLock();
    guard.remapFilePages({ address: BASE, length: PAGE, pgoff: 3 });
    expect(guard.vmaLookup(BASE)?.pgoff).toBe(3);
  });

  test("EINVAL: prot, private, a hole, nothing, beyond the space", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    draw(mm, "W");
    mm.mmap({ address: BASE + PAGE, length: PAGE, prot: RW, flags: SHARED_ANON | FIXED });
    const remap = (args: object) =>
      code(() => mm.remapFilePages({ address: BASE + PAGE, length: PAGE, pgoff: 0, ...args }));
    expect(remap({ prot: Prot.READ })).toBe("EINVAL");
    expect(remap({ address: BASE })).toBe("EINVAL");
    expect(remap({ length: 2 * PAGE })).toBe("EINVAL");
    expect(remap({ length: 0 })).toBe("EINVAL");
    expect(remap({ address: 2n ** 63n })).toBe("EINVAL");
    expect(remap({ length: 2n ** 64n - 1n })).toBe("EINVAL");
    expect(remap({})).toBe("OK");
  });
});

describe("MDWE", () => {
  test("refuses writable code and code that was none", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm({ mdwe: true });
    draw(mm, "WX");
    const rwx = { length: PAGE, prot: RW | Prot.EXEC, flags: PRIVATE_ANON };
    expect(code(() => mm.mmap(rwx))).toBe("EACCES");
    expect(code(() => mm.mprotect(BASE, PAGE, Prot.READ | Prot.EXEC))).toBe("EACCES");
    expect(code(() => mm.mprotect(BASE + PAGE, PAGE, RW | Prot.EXEC))).toBe("EACCES");
    expect(drawingOf(mm)).toBe("W|X");
  });

  test("as prctl(2) on Linux 6.18: for ever, inherited by fork and exec unless no-inherit", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    expect(getMdwe(mm)).toBe(false);
    setMdwe(mm);
    setMdwe(mm, true);
    expect(code(() => setMdwe(mm, "no-inherit"))).toBe("EPERM");
    using child = mm.fork();
    using next = exec(mm);
    expect([mm, child, next].map((space) => getMdwe(space))).toEqual([true, true, true]);
    using other = engine.createMm({ mdwe: "no-inherit" });
    expect(code(() => setMdwe(other, true))).toBe("EPERM");
    using otherChild = other.fork();
    using otherNext = exec(other);
    const modes = [other, otherChild, otherNext].map((space) => getMdwe(space));
    expect(modes).toEqual(["no-inherit", false, false]);
    expect(() => engine.createMm({ mdwe: "yes" as "no-inherit" })).toThrow(TypeError);
    expect(() => setMdwe(mm, false as true)).toThrow(TypeError);
  });
});

test("READ_IMPLIES_EXEC: a mapping that asks for READ gets EXEC", async () => {
  const engine = await freshEngine();
  using mm = engine.createMm({ readImpliesExec: true });
  draw(mm, "RNW");
  expect(mm.vmas().map(({ flags }) => flags % 8)).toEqual([5, 0, 7]);
  personality(mm, { readImpliesExec: false });
  draw(mm, "RNW");
  expect(mm.vmas().map(({ flags }) => flags % 8)).toEqual([1, 0, 3]);
  using child = mm.fork();
  personality(child, { readImpliesExec: true });
  draw(child, "R");
  expect(child.vmas()[0]?.flags).toBe(mm.vmas()[0]!.flags + 4);
});
