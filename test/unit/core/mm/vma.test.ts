// mm/vma.ts: the record of one VMA: its fields, its references, its identity.

import { describe, expect, test } from "vitest";
import { VmaOut } from "../../../../assembly/shared/abi.js";
import { Madvise, MapFlags, Prot } from "../../../../src/index.js";
import { sketch } from "../../../support/drawing.js";
import { PAGE } from "../../../support/engine.js";

test("every field is read as it was made", async () => {
  const s = await sketch("..FFF");
  const { raw } = s.engine;
  const vma = raw.vmaLookup(s.mm.asRaw(), s.at(3));
  expect(raw.vmaStart(vma)).toBe(s.at(2));
  expect(raw.vmaEnd(vma)).toBe(s.at(5));
  expect(raw.vmaPgoff(vma)).toBe(2);
  expect(raw.vmaFile(vma)).toBe(s.file.asRaw());
  expect(raw.vmaMm(vma)).toBe(s.mm.asRaw());
  expect(raw.vmaAnonVma(vma)).toBe(0);
  const out = new Float64Array(VmaOut.COUNT);
  raw.vmaRead(vma, out);
  const flags = raw.vmaFlags(vma);
  expect([...out]).toEqual([s.at(2), s.at(5), flags, 2, s.file.asRaw(), 0, 0]);
});

test("flags above 32 bits arrive whole", async () => {
  const s = await sketch("K");
  s.madvise(0, 1, Madvise.MERGEABLE);
  expect(s.vma(0).flags).toBe(2 ** 42 + 2 ** 31 + 2 ** 20 + 0x73);
});

test("addresses near 2^52 and pgoffs of 2^40 pages arrive whole", async () => {
  const s = await sketch("", { taskSize: 2 ** 52 });
  const address = 2 ** 52 - 3 * PAGE;
  const flags = MapFlags.SHARED | MapFlags.FIXED;
  const offset = 2 ** 40 * PAGE;
  s.mm.mmap({ address, length: 2 * PAGE, prot: Prot.READ, flags, file: s.file, offset });
  expect(s.mm.vmas()).toMatchObject([{ start: address, end: 2 ** 52 - PAGE, pgoff: 2 ** 40 }]);
  s.mm.munmap(address, PAGE);
  expect(s.mm.vmas()).toMatchObject([{ start: address + PAGE, pgoff: 2 ** 40 + 1 }]);
});

describe("references", () => {
  test("each VMA of a file holds one, however it was made", async () => {
    const s = await sketch("FFFF......");
    const refs = () => new Uint32Array(s.engine.memory.buffer)[s.file.asRaw() / 4];
    expect(refs()).toBe(2);
    s.munmap(1, 1); // split
    expect(refs()).toBe(3);
    s.move(2, 2, 6, 2, 4); // copy, source kept
    expect(refs()).toBe(4);
    const child = s.mm.fork();
    expect(refs()).toBe(7);
    child.dispose();
    s.map(1, 1, "F"); // merge of three
    expect(refs()).toBe(3);
    s.munmap(0, 10);
    expect(refs()).toBe(1);
  });
});

describe("identities", () => {
  test("differ for VMAs touched apart, and are shared by parts (R-AV-0, 24)", async () => {
    const s = await sketch("www.w");
    s.munmap(1, 1);
    expect(s.vma(0).anonVma).toBe(s.vma(2).anonVma);
    expect(s.vma(0).anonVma).not.toBe(s.vma(4).anonVma);
  });

  test("differ between spaces", async () => {
    const one = await sketch("w");
    const two = await sketch("w", { engine: one.engine });
    expect(one.vma(0).anonVma).not.toBe(two.vma(0).anonVma);
  });

  test("a child's are marked as inherited, and its own new ones are not", async () => {
    const FORKED = 0x40000000;
    const s = await sketch("w.W");
    using child = s.mm.fork();
    child.handleMmFault(s.at(2), "write");
    const [first, second] = child.vmas().map((vma) => vma.anonVma);
    expect([first! & FORKED, second! & FORKED]).toEqual([FORKED, 0]);
    expect(s.vma(0).anonVma & FORKED).toBe(0);
  });
});

test("private /dev/zero is anonymous but keeps its file (R-BASE-8, R-FILE-15)", async () => {
  const s = await sketch("");
  using zero = s.engine.openFile({ name: "/dev/zero", kind: "dev-zero" });
  const map = (page: number, flags: number) =>
    s.mm.mmap({
      address: s.at(page),
      length: PAGE,
      prot: 3,
      flags: flags | MapFlags.FIXED,
      file: zero,
      offset: page * PAGE,
    });
  map(0, MapFlags.PRIVATE);
  map(1, MapFlags.PRIVATE);
  s.expect("FF");
  s.madvise(0, 2, Madvise.FREE); // anonymous memory only
  map(3, MapFlags.SHARED);
  expect(s.vma(3).name).toBe("/dev/zero (deleted)"); // shared anonymous memory (R-FILE-16)
  s.refuses("EINVAL", () => s.madvise(3, 1, Madvise.FREE));
});
