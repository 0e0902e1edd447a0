// ops/populate.ts: what prefaulting leaves behind in VMAs (R-AV-20..22, R-MLOCK-20).

import { describe, expect, test } from "vitest";
import { Madvise, MapFlags, Prot } from "../../../../src/index.js";
import { outcome, sketch } from "../../../support/drawing.js";
import { PAGE, PRIVATE_ANON, RW, SHARED_ANON } from "../../../support/engine.js";

const { FIXED, POPULATE, LOCKED } = MapFlags;

describe("MAP_POPULATE and MAP_LOCKED", () => {
  test.each([
    ["private writable memory", RW, POPULATE, "w"],
    ["private read-only memory", Prot.READ, POPULATE, "R"],
    ["memory without access: the failure is not reported", Prot.NONE, POPULATE, "N"],
    ["locked memory", RW, LOCKED, "l"],
    ["locked memory without access", Prot.NONE, LOCKED, "L"],
  ])("%s", async (_name, prot, flags, after) => {
    const s = await sketch("");
    s.mmap(0, 1, prot, flags);
    s.expect(after);
  });

  test("shared memory never gets an identity", async () => {
    const s = await sketch("");
    s.mm.mmap({ address: s.at(0), length: PAGE, prot: RW, flags: SHARED_ANON | FIXED | POPULATE });
    s.expect("H");
  });

  test("reach all of a VMA that the new range merged into", async () => {
    const s = await sketch("W.");
    s.mmap(1, 1, RW, POPULATE);
    s.expect("ww");
  });
});

describe("identities of neighbours", () => {
  test("populating one VMA after the other in one call gives one identity (R-AV-22)", async () => {
    const s = await sketch("WAW");
    s.madvise(0, 3, Madvise.POPULATE_WRITE);
    s.expect("waw");
    expect(new Set(s.mm.vmas().map((v) => v.anonVma)).size).toBe(1);
    s.mprotect(1, 1, RW);
    s.expect("www");
  });

  test("a hole between them gives two", async () => {
    const s = await sketch("W.W");
    s.mm.mlockall(1);
    s.mm.munlockall();
    s.mmap(1, 1, RW);
    s.expect("ww|w");
  });

  test("pgoff must go on: a moved neighbour is no source (R-AV-22)", async () => {
    const s = await sketch("w...W");
    s.move(0, 1, 3);
    s.touch(4);
    s.expect("...w|w");
    expect(s.vma(3).anonVma).not.toBe(s.vma(4).anonVma);
  });

  test("another file is no source", async () => {
    const s = await sketch("fW");
    s.touch(1);
    expect(s.vma(0).anonVma).not.toBe(s.vma(1).anonVma);
  });
});

describe("the end of a file", () => {
  test("mlock beyond it: ENOMEM, but locked; identity made before the page is looked for", async () => {
    const s = await sketch("");
    using file = s.engine.openFile({ name: "/f", size: PAGE });
    const place = { address: s.at(0), length: 3 * PAGE, prot: RW, file };
    s.mm.mmap({ ...place, flags: MapFlags.PRIVATE | FIXED });
    expect(outcome(() => s.mm.mlock(s.at(0), 3 * PAGE))).toBe("ENOMEM");
    s.expect("lll");
    expect(s.mm.stat().lockedVm).toBe(3);
  });

  test("mlock up to it succeeds, an offset counted", async () => {
    const s = await sketch("");
    using file = s.engine.openFile({ name: "/f", size: 3 * PAGE });
    const flags = MapFlags.SHARED | FIXED;
    const place = { address: s.at(0), prot: Prot.READ, flags, file };
    s.mm.mmap({ ...place, length: 4 * PAGE, offset: PAGE });
    expect(outcome(() => s.mm.mlock(s.at(0), 2 * PAGE))).toBe("ok");
    expect(outcome(() => s.mm.mlock(s.at(1), 2 * PAGE))).toBe("ENOMEM");
  });

  test("a file of unknown size has no end", async () => {
    const s = await sketch("");
    using file = s.engine.openFile({ name: "/f" });
    const flags = MapFlags.SHARED | FIXED;
    s.mm.mmap({ address: s.at(0), length: PAGE, prot: RW, flags, file, offset: 2 ** 50 });
    expect(s.touch(0)).toBe("OK");
  });

  test("private /dev/zero has none either: it is anonymous (R-FILE-12)", async () => {
    const s = await sketch("");
    using zero = s.engine.openFile({ name: "/dev/zero", kind: "dev-zero", size: 0 });
    const flags = MapFlags.PRIVATE | FIXED;
    s.mm.mmap({ address: s.at(0), length: 2 * PAGE, prot: RW, flags, file: zero });
    expect(s.touch(1)).toBe("OK");
    s.expect("ff");
  });
});

test("special memory is left alone, huge pages cannot be had (R-HUGE-1)", async () => {
  const s = await sketch("");
  const install = (page: number, extra: number) =>
    s.engine.raw.exports.vma_install(s.mm.asRaw(), s.at(page), s.at(page + 1), 0x73 + extra, 0, 0);
  install(0, 2 ** 10); // PFNMAP
  expect(outcome(() => s.mm.mlock(s.at(0), PAGE))).toBe("ok");
  const flags = PRIVATE_ANON | MapFlags.HUGETLB | MapFlags.NORESERVE;
  const huge = s.mm.mmap({ length: 2 ** 21, prot: RW, flags });
  expect(outcome(() => s.mm.mlock(huge, 2 ** 21))).toBe("ENOMEM");
  expect(s.mm.stat().lockedVm).toBe(0);
});
