// The pages that a file's mmap hook puts in: kernel::mm::virt's VmaMixedMap. "ring": see mmap-hook.test.ts.

import { describe, expect, test } from "vitest";
import { MapFlags, MremapFlags, Page, VmaMixedMap } from "../../src/index.js";
import { assertSound } from "../../src/testing.js";
import { land, launch } from "../../src/transfer.js";
import { at, codeOf, type Device, device, resident, ring } from "../support/device.js";
import { draw, freshEngine, liveObjects, PAGE, RW } from "../support/engine.js";

describe("pages", () => {
  test("inserted ones are resident and served; others are SIGBUS (ring)", async () => {
    const { mm, map, engine } = await ring();
    map(0, 4);
    expect(resident(mm, 0, 4)).toBe("1111");
    expect(engine.stats().memory.kinds.page.live).toBe(4);
    mm.madvise(at(1), PAGE, 4); // DONTNEED
    expect(resident(mm, 0, 4)).toBe("1011");
    expect(mm.handleMmFault(at(0), "write").outcome).toBe("OK");
    expect(mm.handleMmFault(at(1), "read").outcome).toBe("BUS_ADRERR");
    expect(codeOf(() => mm.madvise(at(0), 4 * PAGE, 22))).toBe("EFAULT"); // POPULATE_READ
    expect(codeOf(() => mm.mlock(at(0), 4 * PAGE))).toBe("ENOMEM");
    expect(codeOf(() => mm.mlock(at(2), 2 * PAGE))).toBe("ok");
    expect(mm.stat().lockedVm).toBe(0);
    expect(engine.stats().memory.kinds.page.live).toBe(3);
  });

  test("advice on a mapping of pages, as asked of a ring", async () => {
    const { mm, map } = await ring();
    map(0, 4);
    const advice = { DODUMP: 17, GUARD_INSTALL: 102, FREE: 8, REMOVE: 9, COLD: 20, WIPEONFORK: 18 };
    const answers = Object.entries(advice).map(([name, n]) => [
      name,
      codeOf(() => mm.madvise(at(0), PAGE, n)),
    ]);
    expect(Object.fromEntries(answers)).toEqual({
      DODUMP: "EINVAL",
      GUARD_INSTALL: "EINVAL",
      FREE: "EINVAL",
      REMOVE: "ENODEV",
      COLD: "ok",
      WIPEONFORK: "EINVAL",
    });
    const grow = (flags: number) => () =>
      mm.mremap({ address: at(3), oldLength: PAGE, newLength: 2 * PAGE, flags });
    expect([codeOf(grow(0)), codeOf(grow(MremapFlags.MAYMOVE))]).toEqual(["ENOMEM", "ENOMEM"]);
  });

  test("move with mremap, stay with DONTUNMAP's copy only, and are copied by fork (ring)", async () => {
    const { mm, map, engine } = await ring();
    map(0, 4);
    const to = (page: number, newPage: number, more = 0) =>
      mm.mremap({
        address: at(page),
        oldLength: PAGE,
        newLength: PAGE,
        flags: MremapFlags.MAYMOVE | MremapFlags.FIXED | more,
        newAddress: at(newPage),
      });
    to(2, 20);
    expect(resident(mm, 20, 1)).toBe("1");
    to(20, 30, MremapFlags.DONTUNMAP);
    expect([resident(mm, 20, 1), resident(mm, 30, 1)]).toEqual(["0", "1"]);
    const copy = mm.mremap({ address: at(0), oldLength: 0, newLength: PAGE, flags: 1 });
    expect(mm.mincore(copy, PAGE)).toEqual(new Uint8Array([0]));
    using child = mm.fork();
    expect([resident(child, 0, 2), resident(child, 30, 1)]).toEqual(["11", "1"]);
    mm.munmap(at(0), 2 * PAGE);
    expect([resident(child, 0, 2), resident(child, 3, 1)]).toEqual(["11", "1"]);
    assertSound(mm.validate());
    assertSound(child.validate());
    expect(engine.stats().memory.kinds.page.live).toBe(4);
  });

  test("all go with the space", async () => {
    const dev = await ring();
    const before = liveObjects(dev.engine);
    using other = dev.engine.createMm({ taskSize: 2 ** 52 });
    const flags = MapFlags.SHARED | MapFlags.FIXED;
    for (const address of [0x10000, 2 ** 40, 2 ** 51, 2 ** 52 - PAGE]) {
      other.mmap({ address, length: PAGE, prot: RW, flags, file: dev.file });
      expect(other.mincore(address, PAGE)).toEqual(new Uint8Array([1]));
    }
    assertSound(other.validate());
    other.fork().dispose();
    other.dispose();
    expect(liveObjects(dev.engine)).toBe(before);
  });

  test("MAP_FIXED over them takes them away, before the new hook runs", async () => {
    let first = true;
    const dev = await device((vma) => {
      const mixed = vma.setMixedmap();
      using page = dev.engine.allocPage();
      mixed.vmInsertPage(vma.start, page);
      if (first) mixed.vmInsertPage(vma.start + PAGE, page);
      first = false;
    });
    dev.map(0, 2);
    expect(resident(dev.mm, 0, 2)).toBe("11");
    dev.map(0, 2);
    expect(resident(dev.mm, 0, 2)).toBe("10");
    draw(dev.mm, "W");
    expect(resident(dev.mm, 0, 1)).toBe("0");
    assertSound(dev.mm.validate());
  });

  describe("vmInsertPage", () => {
    async function mixed(): Promise<Device & { page: Page }> {
      const dev = await device((vma) => {
        expect(vma.asMixedmapVma()).toBeNull();
        expect(vma.setMixedmap()).toBeInstanceOf(VmaMixedMap);
      });
      dev.map(0, 2);
      return Object.assign(dev, { page: dev.engine.allocPage() });
    }

    test("under the mmap read lock, a per-VMA lock and the write lock", async () => {
      const { mm, page, engine } = await mixed();
      {
        using guard = mm.mmapReadLock();
        guard.vmaLookup(at(0))?.asMixedmapVma()?.vmInsertPage(at(0), page);
      }
      {
        using vma = mm.lockVmaUnderRcu(at(1));
        vma?.asMixedmapVma()?.vmInsertPage(BigInt(at(1)) + 5n, page); // any byte names the page
      }
      expect(resident(mm, 0, 2)).toBe("11");
      expect(page.refs).toBe(3);
      {
        using guard = mm.mmapWriteLock();
        const vma = guard.vmaLookup(at(0));
        vma?.zapPageRangeSingle(at(1) - 1, 1);
        expect(codeOf(() => vma?.asMixedmapVma()?.vmInsertPage(at(1), page))).toBe("EBUSY");
        expect(codeOf(() => vma?.asMixedmapVma()?.vmInsertPage(at(0), page))).toBe("ok");
      }
      expect(page.refs).toBe(3);
      page.dispose();
      mm.munmap(at(0), PAGE);
      using guard = mm.mmapReadLock();
      guard.vmaLookup(at(1))?.zapPageRangeSingle(at(1), PAGE);
      expect(engine.stats().memory.kinds.page.live).toBe(0);
    });

    test("EFAULT outside the VMA, TypeError for what is no page", async () => {
      const { mm, page, engine } = await mixed();
      const stranger = (await freshEngine()).allocPage();
      const gone = engine.allocPage();
      gone.dispose();
      using guard = mm.mmapReadLock();
      const vma = guard.vmaLookup(at(0))?.asMixedmapVma() as VmaMixedMap;
      expect(codeOf(() => vma.vmInsertPage(at(0) - 1, page))).toBe("EFAULT");
      expect(codeOf(() => vma.vmInsertPage(at(2), page))).toBe("EFAULT");
      expect(codeOf(() => vma.vmInsertPage(2n ** 64n - 1n, page))).toBe("EFAULT");
      for (const bad of [null, 7, {}, mm, stranger, gone]) {
        expect(() => vma.vmInsertPage(at(0), bad as Page)).toThrow(TypeError);
      }
      expect(() => vma.vmInsertPage(-1, page)).toThrow(RangeError);
      expect(page.refs).toBe(1);
    });

    test("dies with its guard", async () => {
      const { mm, page } = await mixed();
      const guard = mm.mmapReadLock();
      const vma = guard.vmaLookup(at(0))?.asMixedmapVma() as VmaMixedMap;
      guard.dispose();
      expect(() => vma.vmInsertPage(at(0), page)).toThrow(TypeError);
      expect(() => vma.start).toThrow(TypeError);
    });

    test("is not to be had without VM_MIXEDMAP", async () => {
      const dev = await device((vma) => vma.setIo());
      dev.map(0, 1);
      using guard = dev.mm.mmapReadLock();
      expect(guard.vmaLookup(at(0))?.asMixedmapVma()).toBeNull();
    });
  });

  test.each([
    ["all", 0, 4, "0000"],
    ["the middle", 1, 2, "1001"],
    ["nothing, size 0", 1, 0, "1111"],
    ["nothing, from below", -1, 2, "1111"],
    ["nothing, beyond the end", 3, 2, "1111"],
  ])("zapPageRangeSingle: %s (R-RUST-45)", async (_, page, pages, left) => {
    const { mm, map } = await ring();
    map(0, 4);
    const maps = mm.smaps();
    {
      using guard = mm.mmapReadLock();
      guard.vmaLookup(at(0))?.zapPageRangeSingle(at(page), pages * PAGE);
      guard.vmaLookup(at(0))?.zapPageRangeSingle(2n ** 64n - 1n, 2n ** 64n - 1n);
    }
    expect(resident(mm, 0, 4)).toBe(left);
    expect(mm.smaps()).toBe(maps);
  });

  test("handles are counted references", async () => {
    const engine = await freshEngine();
    const page = engine.allocPage();
    const other = page.clone();
    expect([page.refs, other.asRaw() === page.asRaw()]).toEqual([2, true]);
    page.dispose();
    page.dispose();
    expect(other.refs).toBe(1);
    expect(() => page.refs).toThrow(TypeError);
    expect(() => page.clone()).toThrow(TypeError);
    expect(() => structuredClone(other)).toThrow(/could not be cloned/);
    const received = land(launch(other)); // as a comlink message carries it
    expect(received).toBeInstanceOf(Page);
    expect([other.refs, received.pointer === other.asRaw()]).toEqual([2, true]);
    received.dispose();
    other.dispose();
    expect(engine.stats().memory.kinds.page).toMatchObject({ live: 0, liveBytes: 0 });
  });
});
