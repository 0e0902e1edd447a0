// Huge page mappings (R-HUGE-*, R-REMAP-60): answers of Linux 6.18 with empty pools, found by
// comparing random sequences with it; 2 MiB and 1 GiB pages.

import { describe, expect, test } from "vitest";
import { type FileRef, MapFlags, type MmWithUser, MremapFlags } from "../../../../src/index.js";
import { assertSound } from "../../../../src/testing.js";
import { outcome } from "../../../support/drawing.js";
import { freshEngine, PAGE, PRIVATE_ANON, RW, SHARED_ANON } from "../../../support/engine.js";

const { HUGETLB, NORESERVE, FIXED } = MapFlags;
const HUGE = 2 * 1024 * 1024;
const BASE = 64 * HUGE;
const GIB = 30 << 26;
const at = (huge: number) => BASE + huge * HUGE;

async function space(): Promise<MmWithUser> {
  return (await freshEngine()).createMm({ capIpcLock: true });
}

/** Maps `length` bytes of anonymous huge pages at `address`. */
function map(mm: MmWithUser, address: number, length: number, flags: number, offset = 0): number {
  const all = flags | FIXED | HUGETLB | NORESERVE;
  return mm.mmap({ address, length, prot: RW, flags: all, offset });
}

/** Ranges of the VMAs, in huge pages from BASE. */
function ranges(mm: MmWithUser): string {
  return mm
    .vmas()
    .map(({ start, end }) => `${(start - BASE) / HUGE}-${(end - BASE) / HUGE}`)
    .join(" ");
}

describe("mmap of anonymous huge pages goes the way of files", () => {
  test.each([
    ["no map type", MapFlags.ANONYMOUS, "EINVAL"],
    ["DROPPABLE", MapFlags.ANONYMOUS | 8, "EINVAL"],
    ["SHARED_VALIDATE, which anonymous memory refuses (R-MAP-ERR-6)", MapFlags.ANONYMOUS | 3, "ok"],
    ["GROWSDOWN", PRIVATE_ANON | MapFlags.GROWSDOWN, "EINVAL"],
  ])("%s", async (_, flags, answer) => {
    const mm = await space();
    expect(outcome(() => map(mm, at(0), HUGE, flags))).toBe(answer);
    expect(ranges(mm)).toBe(answer === "ok" ? "0-1" : "");
  });

  test("its offset counts, and between huge pages it is refused with the old mapping gone", async () => {
    const mm = await space();
    map(mm, at(0), HUGE, SHARED_ANON, 2 * HUGE);
    expect(mm.peek(at(0))?.pgoff).toBe((2 * HUGE) / PAGE);
    expect(outcome(() => map(mm, at(0), HUGE, SHARED_ANON, PAGE))).toBe("EINVAL");
    expect(ranges(mm)).toBe("");
    assertSound(mm.validate());
  });

  test("NORESERVE is kept even where overcommit is refused", async () => {
    const mm = (await freshEngine()).createMm({ overcommit: "never" });
    map(mm, at(0), HUGE, PRIVATE_ANON);
    expect(mm.smaps()).toMatch(/VmFlags: .*nr ht/);
  });
});

describe("a hugetlbfs file", () => {
  async function mapped(): Promise<{ mm: MmWithUser; file: FileRef }> {
    const engine = await freshEngine();
    const file = engine.openFile({ name: "/memfd:h", kind: "hugetlbfs", size: 4 * HUGE });
    return { mm: engine.createMm(), file };
  }

  test("is mapped in whole huge pages, with or without MAP_HUGETLB", async () => {
    const { mm, file } = await mapped();
    const args = { length: PAGE, prot: RW, flags: MapFlags.SHARED | FIXED | NORESERVE, file };
    mm.mmap({ ...args, address: at(0) });
    mm.mmap({ ...args, address: at(4), flags: args.flags | HUGETLB });
    expect(ranges(mm)).toBe("0-1 4-5");
    expect(outcome(() => mm.mmap({ ...args, address: at(8) + PAGE }))).toBe("EINVAL");
  });

  test("of 1 GiB pages likewise, and smaps tells the size", async () => {
    const { mm } = await mapped();
    const address = 2 ** 30;
    map(mm, address, PAGE, PRIVATE_ANON | GIB);
    expect(mm.peek(address)?.end).toBe(2 * address);
    expect(mm.smaps()).toMatch(/KernelPageSize: {2}1048576 kB\nMMUPageSize: {5}1048576 kB/);
    expect(outcome(() => mm.munmap(address, HUGE))).toBe("EINVAL");
  });

  test("openFile takes x86-64's page sizes only", async () => {
    const engine = await freshEngine();
    const open = (hugePageBytes: number) => () =>
      engine.openFile({ name: "h", kind: "hugetlbfs", hugePageBytes });
    expect(open(2 ** 30)().info().hugePageBytes).toBe(2 ** 30);
    expect(open(PAGE)).toThrow(RangeError);
    expect(open(Number.NaN)).toThrow(RangeError);
  });
});

test("an access is SIGBUS: there is no page in the pool", async () => {
  const mm = await space();
  map(mm, at(0), HUGE, SHARED_ANON);
  for (const access of ["read", "write"] as const)
    expect(mm.handleMmFault(at(0) + 5, access).outcome).toBe("BUS_ADRERR");
});

test("MADV_DONTNEED begins at a huge page", async () => {
  const mm = await space();
  map(mm, at(0), 2 * HUGE, SHARED_ANON);
  expect(outcome(() => mm.madvise(at(0) + PAGE, HUGE, 4))).toBe("EINVAL");
  expect(outcome(() => mm.madvise(at(1), PAGE, 4))).toBe("ok");
});

describe("mremap (R-REMAP-60)", () => {
  const flags = MremapFlags.MAYMOVE | MremapFlags.FIXED;
  test.each([
    ["a part of a huge page moves all of it", 0, PAGE, 0, "ok", "8-9"],
    ["from between huge pages", PAGE, HUGE, 0, "EINVAL", "0-1 8-9"],
    ["to between huge pages: the target stays", 0, HUGE, PAGE, "EINVAL", "0-1 8-9"],
  ])("%s", async (_, from, length, to, answer, left) => {
    const mm = await space();
    map(mm, at(0), HUGE, SHARED_ANON);
    map(mm, at(8), HUGE, SHARED_ANON);
    const move = () =>
      mm.mremap({
        address: at(0) + from,
        oldLength: length,
        newLength: length,
        flags,
        newAddress: at(8) + to,
      });
    expect(outcome(move)).toBe(answer);
    expect(ranges(mm)).toBe(left);
    assertSound(mm.validate());
  });
});

test("remap_file_pages does not round to huge pages", async () => {
  const mm = await space();
  map(mm, at(0), 2 * HUGE, SHARED_ANON);
  const pages = HUGE / PAGE;
  const remap = (length: number, pgoff: number) => () =>
    mm.remapFilePages({ address: at(0), length, pgoff });
  expect(outcome(remap(10 * PAGE, 0))).toBe("EINVAL");
  expect(ranges(mm)).toBe("0-2");
  expect(outcome(remap(HUGE, pages))).toBe("ENOMEM"); // without NORESERVE: the pool is empty
});
