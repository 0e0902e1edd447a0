// ops/munmap.ts: cutting and taking out (R-UNMAP-*).

import { describe, expect, test } from "vitest";
import { MapFlags } from "../../../../src/index.js";
import { outcome, type Sketch, sketch } from "../../../support/drawing.js";
import { PAGE, RW } from "../../../support/engine.js";

describe("what is taken out", () => {
  test.each([
    ["the middle of a VMA leaves two (R-UNMAP-1)", "WWWW", 1, 2, "W..W"],
    ["the head moves the start (R-UNMAP-2)", "WWWW", 0, 1, ".WWW"],
    ["the tail moves the end (R-UNMAP-3)", "WWWW", 3, 1, "WWW"],
    ["a whole VMA", "RWWR", 1, 2, "R..R"],
    ["a hole is fine (R-UNMAP-4)", "W...W", 1, 3, "W...W"],
    ["several VMAs and holes, both ends cut (R-UNMAP-5)", "WW.RR.X.AAA", 1, 8, "W........AA"],
    ["everything", "W.RX.A", 0, 6, ""],
    ["memory that is locked", "WLLW", 1, 2, "W..W"],
    ["the middle of touched memory keeps the identity on both sides", "wwww", 1, 2, "w..w"],
    ["the middle of a file", "FFFF", 1, 2, "F..F"],
  ])("%s", async (_name, before, page, pages, after) => {
    const s = await sketch(before);
    s.munmap(page, pages);
    s.expect(after);
  });

  test("a length of one byte is a page (R-UNMAP-8)", async () => {
    const s = await sketch("WWW");
    s.mm.munmap(s.at(1), 1);
    s.mm.munmap(s.at(2), PAGE - 1);
    s.expect("W");
  });

  test("the head of a file mapping advances its pgoff (R-FILE-7), the tail keeps it", async () => {
    const s = await sketch("FFFF");
    s.munmap(1, 1);
    expect(s.vma(0)).toMatchObject({ pgoff: 0 });
    expect(s.vma(2)).toMatchObject({ pgoff: 2, end: s.at(4) });
  });

  test("counters follow: pages, locked pages, VMAs", async () => {
    const s = await sketch("WWWWXXLL");
    s.munmap(1, 6);
    s.expect("W......l");
    expect(s.mm.stat()).toMatchObject({
      mapCount: 2,
      totalVm: 2,
      dataVm: 2,
      execVm: 0,
      lockedVm: 1,
    });
  });

  test("the file is let go with its last page", async () => {
    const s = await sketch("FF");
    const files = () => s.engine.stats().memory.kinds.file.live;
    s.file.dispose();
    s.munmap(0, 1);
    expect(files()).toBe(1);
    s.munmap(1, 1);
    expect(files()).toBe(0);
  });

  test("a stack that lost its head can grow again (R-STACK-11)", async () => {
    const s = await sketch(`${".".repeat(300)}GGG`);
    s.munmap(300, 1);
    expect(s.touch(300)).toBe("OK");
    s.expect(`${".".repeat(300)}ggg`);
  });
});

describe("what is refused", () => {
  const munmap = (s: Sketch, address: number | bigint, length: number | bigint) => () =>
    s.mm.munmap(address, length);

  test.each<[string, (s: Sketch) => () => void]>([
    ["length 0 (R-UNMAP-6)", (s) => munmap(s, s.at(0), 0)],
    ["a misaligned address (R-UNMAP-7)", (s) => munmap(s, s.at(0) + 1, PAGE)],
    ["an address beyond the space (R-UNMAP-9)", (s) => munmap(s, 2 ** 47, PAGE)],
    ["a range that leaves the space (R-UNMAP-9)", (s) => munmap(s, s.at(0), 2 ** 47)],
    ["a length that wraps", (s) => munmap(s, s.at(0), 2n ** 64n - 1n)],
  ])("%s: EINVAL", async (_name, call) => {
    const s = await sketch("WW");
    s.refuses("EINVAL", call(s));
  });

  test("a cut in the middle at map_count 65530: ENOMEM, other shapes pass (R-UNMAP-10)", async () => {
    const s = await sketch("WWWW", { maxMapCount: 1 });
    s.refuses("ENOMEM", () => s.munmap(1, 2));
    s.munmap(0, 1);
    s.munmap(3, 1);
    s.expect(".WW");
  });

  test("a range over two VMAs may be cut at both ends even at the limit", async () => {
    const s = await sketch("WWRR", { maxMapCount: 2 });
    s.munmap(1, 2);
    s.expect("W..R");
  });

  test.each([
    ["first", "KKWW", 1, 2, "KKWW"],
    ["later: the cut at the start stays (R-SEAL-21)", "WWKK", 1, 2, "W|WKK"],
    ["between: no cut at the end is made", "WWKKWW", 1, 4, "W|WKKWW"],
  ])("a sealed VMA %s: EPERM and nothing is unmapped (R-UNMAP-11)", async (_name, ...row) => {
    const [before, page, pages, after] = row;
    const s = await sketch(before);
    const { totalVm } = s.mm.stat();
    expect(outcome(() => s.munmap(page, pages))).toBe("EPERM");
    s.expect(after);
    expect(s.mm.stat().totalVm).toBe(totalVm);
  });

  test("a huge page mapping is cut between huge pages only (R-UNMAP-12)", async () => {
    const s = await sketch("");
    const huge = 512;
    s.mmap(0, 2 * huge, RW, MapFlags.HUGETLB | MapFlags.NORESERVE);
    s.refuses("EINVAL", () => s.munmap(1, 1));
    s.refuses("EINVAL", () => s.munmap(0, huge + 1));
    s.munmap(huge, huge);
    expect(s.mm.stat()).toMatchObject({ totalVm: huge, mapCount: 1 });
  });
});
