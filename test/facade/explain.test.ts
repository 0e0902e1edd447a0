// whyApart: what keeps two neighbours apart, in words (R-MERGE-10..15, R-AV-21).

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Madvise, MapFlags, type MmWithUser, Prot } from "../../src/index.js";
import { whyApart } from "../../src/why.js";
import { BASE, draw, freshEngine, PAGE, PRIVATE_ANON, RW } from "../support/engine.js";

const FIXED = MapFlags.FIXED;
const at = (page: number) => BASE + page * PAGE;
const fields = (mm: MmWithUser, page = 0) =>
  whyApart(mm, at(page))?.reasons.map(({ field }) => field);
const texts = (mm: MmWithUser, page = 0) => whyApart(mm, at(page))?.reasons.map(({ text }) => text);

describe("each field", () => {
  test("flags, by their codes", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    draw(mm, "RW");
    expect(whyApart(mm, at(0))).toMatchObject({
      left: { start: at(0), end: at(1) },
      right: { start: at(1), end: at(2) },
      mergeable: false,
      reasons: [{ field: "flags", text: "flags differ: right has wr ac" }],
    });
    mm.mmap({ address: at(0), length: PAGE, prot: RW, flags: PRIVATE_ANON | FIXED | 0x4000 });
    expect(texts(mm)).toEqual(["flags differ: left has nr, right has ac"]);
  });

  test("gap", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    draw(mm, "W..W");
    expect(fields(mm)).toEqual(["gap", "pgoff"]);
    expect(texts(mm)?.[0]).toBe("not adjacent: 8192 bytes lie between them");
  });

  test("special", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    const flags = 1 + 2 ** 10 + 2 ** 18; // rd pf de
    for (const page of [0, 1]) {
      engine.raw.vmaInstall(mm.asRaw(), at(page), at(page + 1), flags, at(page) / PAGE, 0);
    }
    expect(whyApart(mm, at(0))?.reasons).toEqual([
      { field: "special", text: "special mappings never merge: left has pf de, right has pf de" },
    ]);
  });

  test("file and pgoff", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    using a = engine.openFile({ name: "/a", dev: "8:1", inode: 5 });
    using again = engine.openFile({ name: "/a", dev: "8:1", inode: 5 });
    const map = (page: number, file: typeof a, offset: number) => {
      const place = { address: at(page), length: PAGE, prot: Prot.READ, file };
      mm.mmap({ ...place, flags: MapFlags.SHARED | FIXED, offset: offset * PAGE });
    };
    map(0, a, 0);
    map(1, a, 7);
    expect(texts(mm)).toEqual([
      "offsets do not continue: left ends before page 0x1, right begins at page 0x7",
    ]);
    map(1, again, 1);
    expect(texts(mm)).toEqual([
      "files differ: /a (08:01 5) was opened twice, each open file is its own",
    ]);
    draw(mm, ".R");
    expect(texts(mm)?.[1]).toBe("files differ: left maps /a (08:01 5), right maps no file");
  });

  test("anon_vma: written apart, and inherited by fork", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    draw(mm, "W.W");
    mm.handleMmFault(at(0), "write");
    mm.handleMmFault(at(2), "write");
    mm.mmap({ address: at(1), length: PAGE, prot: RW, flags: PRIVATE_ANON | FIXED });
    expect(whyApart(mm, at(1))).toMatchObject({
      left: { start: at(0), end: at(2) },
      reasons: [
        {
          field: "anon_vma",
          text: "anon_vmas differ: both sides were written to while they could not share one",
        },
      ],
    });
    using child = mm.fork();
    draw(child, "...W");
    expect(texts(child, 2)).toEqual([
      "anon_vmas differ: left has one that came with fork, the other side was not written to",
    ]);
  });

  test("anon_name", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    draw(mm, "WW");
    mm.setVmaName(at(1), PAGE, "pool");
    expect(whyApart(mm, at(0))?.reasons).toEqual([
      { field: "anon_name", text: "names differ: left is without a name, right is [anon:pool]" },
    ]);
  });
});

test("null without a pair", async () => {
  const engine = await freshEngine();
  using mm = engine.createMm();
  expect(whyApart(mm, 0)).toBeNull();
  draw(mm, "W.R");
  expect(whyApart(mm, at(1))).toBeNull();
  expect(whyApart(mm, at(2))).toBeNull();
  expect(whyApart(mm, 2n ** 64n - 1n)).toBeNull();
  expect(whyApart(mm, BigInt(BASE))?.right.start).toBe(at(2));
  expect(() => whyApart(mm, -1)).toThrow(RangeError);
});

test("works under the lock that this worker holds", async () => {
  const engine = await freshEngine();
  using mm = engine.createMm();
  draw(mm, "WR");
  using _guard = mm.mmapReadLock();
  expect(fields(mm)).toEqual(["flags"]);
});

test("what explain calls mergeable, the next change of that range merges", async () => {
  const engine = await freshEngine();
  const step = fc.record({
    page: fc.nat(7),
    pages: fc.integer({ min: 1, max: 3 }),
    what: fc.constantFrom("R", "W", "N", "random", "normal", "touch", "unmap", "name"),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      using mm = engine.createMm();
      draw(mm, "WWWWWWWW");
      for (const { page, pages, what } of steps) {
        const length = Math.min(pages, 8 - page) * PAGE;
        if (what === "unmap") mm.munmap(at(page), length);
        else if (what === "touch") mm.handleMmFault(at(page), "write");
        else {
          const flags = PRIVATE_ANON | MapFlags.FIXED_NOREPLACE;
          try {
            if (what === "random") mm.madvise(at(page), length, Madvise.RANDOM);
            else if (what === "normal") mm.madvise(at(page), length, Madvise.NORMAL);
            else if (what === "name") mm.setVmaName(at(page), length, "n");
            else mm.mprotect(at(page), length, { R: 1, W: 3, N: 0 }[what] as number);
          } catch {
            try {
              mm.mmap({ address: at(page), length: PAGE, prot: RW, flags });
            } catch {
              // Taken: the step changed what it could.
            }
          }
        }
      }
      for (const { start } of mm.vmas()) {
        const found = whyApart(mm, start);
        if (found === null) continue;
        expect(found.mergeable).toBe(found.reasons.length === 0);
        if (!found.mergeable) continue;
        // A change and its reverse on the right one: the merge is tried now.
        const { left, right } = found;
        const size = right.end - right.start;
        const count = mm.vmas().length;
        const advice = right.flags & (2 ** 16) ? Madvise.NORMAL : Madvise.RANDOM;
        mm.madvise(right.start, size, advice);
        mm.madvise(right.start, size, advice === Madvise.NORMAL ? Madvise.RANDOM : Madvise.NORMAL);
        expect(mm.vmas().length).toBeLessThan(count);
        expect(mm.peek(left.start)?.end).toBeGreaterThanOrEqual(right.end);
        break;
      }
    }),
    { numRuns: 150 },
  );
});
