// mm/file.ts: file records: identity, references, what the core makes itself (R-BASE-9, R-MERGE-12).

import { describe, expect, test } from "vitest";
import { FileFlag } from "../../../../assembly/shared/flags.js";
import { type FileOptions, MapFlags, Prot } from "../../../../src/index.js";
import { sketch } from "../../../support/drawing.js";
import { freshEngine, liveObjects, PAGE, RW, SHARED_ANON } from "../../../support/engine.js";

describe("options arrive as flags", () => {
  const R = FileFlag.READABLE;
  const W = FileFlag.WRITABLE;
  const U = FileFlag.SIZE_UNKNOWN;
  test.each<[Partial<FileOptions>, number]>([
    [{}, R | W | U],
    [{ size: 5 }, R | W],
    [{ readable: false }, W | U],
    [{ writable: false }, R | U],
    [{ append: true }, R | W | U | FileFlag.APPEND],
    [{ sealed: true }, R | W | U | FileFlag.SEAL_WRITE],
    [{ noexec: true }, R | W | U | FileFlag.NOEXEC],
    [{ mappable: false }, R | W | U | FileFlag.NO_MMAP],
    [{ swapfile: true }, R | W | U | FileFlag.SWAPFILE],
    [{ deleted: true }, R | W | U | FileFlag.DELETED],
    [{ hugePageAligned: true }, R | W | U | FileFlag.THP_ALIGNED],
    [{ kind: "shmem" }, R | W | U | FileFlag.SHMEM],
    [{ kind: "dev-zero" }, R | W | U | FileFlag.DEV_ZERO],
    [{ kind: "hugetlbfs" }, R | W | U | FileFlag.HUGETLB],
    [{ kind: "special" }, R | W | U | FileFlag.SPECIAL],
  ])("%o", async (options, flags) => {
    const engine = await freshEngine();
    using file = engine.openFile({ name: "/f", ...options });
    expect(file.info().flags).toBe(flags);
  });
});

test("numbers and names arrive whole", async () => {
  const engine = await freshEngine();
  const name = `/${"長い名前".repeat(40)}`;
  const dev = { major: 4095, minor: 2 ** 20 - 1 };
  using file = engine.openFile({ name, dev, inode: 2 ** 53 - 1, size: 2 ** 52 });
  expect(file.info()).toMatchObject({ ...dev, inode: 2 ** 53 - 1, size: 2 ** 52, name });
});

describe("memory that the core makes a file for", () => {
  test("shared anonymous memory: a new inode each, size of the mapping (R-BASE-9)", async () => {
    const s = await sketch("");
    const map = (page: number) =>
      s.mm.mmap({
        address: s.at(page),
        length: 2 * PAGE,
        prot: RW,
        flags: SHARED_ANON | MapFlags.FIXED,
      });
    map(0);
    map(4);
    const inodes = s.mm
      .maps()
      .split("\n")
      .slice(0, 2)
      .map((line) => line.split(/ +/)[4]);
    expect(new Set(inodes).size).toBe(2);
    expect(s.engine.stats().memory.kinds.file.live).toBe(2);
    expect(s.touch(1)).toBe("OK");
    // Grown beyond its object: mapped, but SIGBUS.
    s.resize(4, 2, 4);
    expect(s.touch(5)).toBe("OK");
    expect(s.touch(7)).toBe("BUS_ADRERR");
    s.munmap(0, 8);
    expect(liveObjects(s.engine)).toBe(1); // the space
  });

  test("parts of one such mapping are one object: halves re-merge (R-FILE-11)", async () => {
    const s = await sketch("");
    s.mm.mmap({
      address: s.at(0),
      length: 4 * PAGE,
      prot: RW,
      flags: SHARED_ANON | MapFlags.FIXED,
    });
    s.mprotect(1, 2, Prot.READ);
    expect(s.mm.stat().mapCount).toBe(3);
    s.mprotect(1, 2, RW);
    s.expect("HHHH");
  });

  test("a refused mapping leaves no file", async () => {
    const s = await sketch("", { rlimits: { as: PAGE } });
    s.refuses("ENOMEM", () => s.mm.mmap({ length: 2 * PAGE, prot: RW, flags: SHARED_ANON }));
    expect(s.engine.stats().memory.kinds.file.live).toBe(0);
  });
});

test("the record lives as long as a handle or a VMA of any space (B005)", async () => {
  const s = await sketch("");
  const file = s.engine.openFile({ name: "/f", size: PAGE });
  const live = () => s.engine.stats().memory.kinds.file.live;
  const flags = MapFlags.PRIVATE | MapFlags.FIXED;
  s.mm.mmap({ address: s.at(0), length: PAGE, prot: 1, flags, file });
  const child = s.mm.fork();
  file.dispose();
  s.munmap(0);
  expect(live()).toBe(1);
  expect(child.vmas()[0]?.name).toBe("/f");
  child.dispose();
  expect(live()).toBe(0);
});

test("out of memory: no record, no piece of the name", async () => {
  const engine = await freshEngine();
  for (let n = 1; n <= 2; n++) {
    engine.raw.exports.fail_after(n);
    expect(() => engine.openFile({ name: "x".repeat(1000) })).toThrow(/ENOMEM/);
    expect(liveObjects(engine)).toBe(0);
  }
});
