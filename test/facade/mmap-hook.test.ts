// A file's mmap hook, and the pages it puts in: kernel::mm::virt's VmaNew and VmaMixedMap.
//
// The answers marked "ring" are Linux 6.18's for an AF_PACKET ring, whose driver puts pages
// into a VM_MIXEDMAP mapping from its mmap hook and has no fault operation, as ours.

import { describe, expect, test } from "vitest";
import { Errno } from "../../assembly/shared/errno.js";
import {
  type FileOps,
  hasFlags,
  MapFlags,
  MmError,
  MmWithUserAsync,
  Prot,
  VmaNew,
  VmaRef,
  VmFlags,
} from "../../src/index.js";
import { setRlimits } from "../../src/process.js";
import { assertSound } from "../../src/testing.js";
import { at, codeOf, device, flagsAt, resident, ring } from "../support/device.js";
import {
  attachSeat,
  draw,
  drawingOf,
  freshEngine,
  liveObjects,
  PAGE,
  RW,
} from "../support/engine.js";

describe("the mmap hook", () => {
  test("gets the VMA before anybody can find it, and that VMA is mapped", async () => {
    let seen: unknown;
    let pointer = 0;
    const dev = await device((vma) => {
      seen = {
        vma: vma instanceof VmaNew && vma instanceof VmaRef,
        range: [vma.start, vma.end],
        pgoff: vma.pgoff,
        name: vma.name,
        file: vma.file?.asRaw() === dev.file.asRaw(),
        mm: vma.mm().asRaw() === dev.mm.asRaw(),
        may: [vma.readable(), vma.writable(), vma.executable()],
        found: dev.mm.peek(at(0)) ?? dev.mm.lockVmaUnderRcu(at(0)),
        inMaps: dev.mm.mmapReadTrylock(),
      };
      pointer = vma.asPtr();
    });
    const offset = 3 * PAGE;
    const { mm, file } = dev;
    const flags = MapFlags.SHARED | MapFlags.FIXED;
    mm.mmap({ address: at(0), length: 2 * PAGE, prot: Prot.READ, flags, file, offset });
    expect(seen).toEqual({
      vma: true,
      range: [at(0), at(2)],
      pgoff: 3,
      name: "/dev/device",
      file: true,
      mm: true,
      may: [true, false, false],
      found: null,
      inMaps: null,
    });
    using guard = mm.mmapReadLock();
    expect(guard.vmaLookup(at(1))?.asPtr()).toBe(pointer);
  });

  test("sets the flags it asks for", async () => {
    const dev = await device((vma) => {
      vma.setIo();
      vma.setDontexpand();
      vma.setDontcopy();
      vma.setDontdump();
    });
    dev.map(0, 1);
    const set = VmFlags.IO + VmFlags.DONTEXPAND + VmFlags.DONTCOPY + VmFlags.DONTDUMP;
    expect(hasFlags(flagsAt(dev.mm, at(0)), set)).toBe(true);
    expect(dev.mm.smaps()).toContain("VmFlags: rd wr sh mr mw me ms io dc de dd \n");
    // What the flags then do: kernel::mm::virt promises no more than Linux does.
    expect(codeOf(() => dev.mm.madvise(at(0), PAGE, 11))).toBe("EINVAL"); // DOFORK on IO
    expect(codeOf(() => dev.mm.mremap({ address: at(0), oldLength: PAGE, newLength: 8192 }))).toBe(
      "EFAULT",
    );
    using child = dev.mm.fork();
    expect(child.vmas()).toEqual([]);
  });

  test.each([
    ["tryClearMayread", "readable", Prot.WRITE, Prot.READ, VmFlags.MAYREAD],
    ["tryClearMaywrite", "writable", Prot.READ, Prot.WRITE, VmFlags.MAYWRITE],
    ["tryClearMayexec", "executable", Prot.READ, Prot.EXEC, VmFlags.MAYEXEC],
  ] as const)("%s: EINVAL while it is %s, else for ever", async (clear, is, without, bit, may) => {
    const answers: string[] = [];
    const dev = await device((vma) => {
      answers.push(`${vma[is]()} ${codeOf(() => vma[clear]())}`);
    });
    dev.map(0, 1, { prot: bit });
    dev.map(1, 1, { prot: without });
    expect(answers).toEqual(["true EINVAL", "false ok"]);
    expect(hasFlags(flagsAt(dev.mm, at(0)), may)).toBe(true);
    expect(hasFlags(flagsAt(dev.mm, at(1)), may)).toBe(false);
    expect(codeOf(() => dev.mm.mprotect(at(0), PAGE, bit))).toBe("ok");
    expect(codeOf(() => dev.mm.mprotect(at(1), PAGE, bit))).toBe("EACCES");
  });

  test("is called by a merging mmap no more than Linux calls it: not at all", async () => {
    const plain = await device(() => {});
    plain.map(0, 1);
    const { mm, file } = plain;
    const flags = MapFlags.SHARED | MapFlags.FIXED;
    mm.mmap({ address: at(1), length: PAGE, prot: RW, flags, file, offset: PAGE });
    expect([plain.calls, mm.vmas().length]).toEqual([1, 1]);
    const io = await device((vma) => vma.setIo());
    io.map(0, 1);
    io.mm.mmap({
      address: at(1),
      length: PAGE,
      prot: RW,
      flags,
      file: io.file,
      offset: PAGE,
    });
    expect([io.calls, io.mm.vmas().length]).toEqual([2, 2]);
  });

  test("VM_LOCKED goes from what it makes special, and is counted on the rest (ring)", async () => {
    const special = await device((vma) => vma.setDontexpand());
    special.map(0, 2, { flags: MapFlags.SHARED | MapFlags.FIXED | MapFlags.LOCKED });
    expect(special.mm.stat().lockedVm).toBe(0);
    const plain = await device((vma) => vma.setDontdump());
    plain.map(0, 2, { flags: MapFlags.SHARED | MapFlags.FIXED | MapFlags.LOCKED });
    expect(plain.mm.stat().lockedVm).toBe(2);
    assertSound(special.mm.validate());
    assertSound(plain.mm.validate());
  });

  test("a private writable mapping is charged once", async () => {
    const dev = await device((vma) => vma.setDontdump());
    dev.map(0, 3, { flags: MapFlags.PRIVATE | MapFlags.FIXED });
    expect(hasFlags(flagsAt(dev.mm, at(0)), VmFlags.ACCOUNT)).toBe(true);
    assertSound(dev.mm.validate());
    dev.mm.munmap(at(0), 3 * PAGE);
    assertSound(dev.mm.validate());
  });
});

describe("a hook that refuses", () => {
  const refuse = () => {
    throw new MmError(Errno.EBUSY, "device", { why: "taken" });
  };

  test("its errno is mmap's, nothing is mapped and nothing left behind", async () => {
    const dev = await device(refuse);
    draw(dev.mm, "W.W");
    const before = [dev.mm.maps(), liveObjects(dev.engine)];
    const call = () => dev.map(1, 1);
    expect(call).toThrow(
      expect.objectContaining({ code: "EBUSY", errno: 16, syscall: "mmap" }) as Error,
    );
    expect(call).toThrow(
      expect.objectContaining({ cause: expect.objectContaining({ syscall: "device" }) }) as Error,
    );
    expect([dev.mm.maps(), liveObjects(dev.engine)]).toEqual(before);
    assertSound(dev.mm.validate());
  });

  test("an errno that the engine has no name for keeps the code it came with", async () => {
    const dev = await device(() => {
      throw new MmError(5, "device", {}, "EIO");
    });
    expect(codeOf(() => dev.map(0, 1))).toBe("EIO");
  });

  test("under FIXED the old mapping is gone all the same (ring; R-MAP-FIXED-8)", async () => {
    const dev = await device(refuse);
    draw(dev.mm, "WWWWWW");
    expect(codeOf(() => dev.map(1, 3))).toBe("EBUSY");
    expect(drawingOf(dev.mm)).toBe("W...WW");
    assertSound(dev.mm.validate());
  });

  test("pages it has put in go", async () => {
    const dev = await device((vma) => {
      using page = dev.engine.allocPage();
      vma.setMixedmap().vmInsertPage(vma.start, page);
      throw new RangeError("of its own");
    });
    expect(() => dev.map(0, 1)).toThrow(RangeError);
    expect(dev.engine.stats().memory.kinds.page.live).toBe(0);
    assertSound(dev.mm.validate());
  });

  test("is not asked where a limit refuses first (R-LIM-1)", async () => {
    const dev = await device(() => {});
    setRlimits(dev.mm, { as: PAGE });
    expect(codeOf(() => dev.map(0, 2))).toBe("ENOMEM");
    expect(dev.calls).toBe(0);
  });

  test("an asynchronous hook is refused", async () => {
    const dev = await device((async () => {}) as unknown as FileOps["mmap"]);
    expect(() => dev.map(0, 1)).toThrow(TypeError);
    expect(dev.mm.vmas()).toEqual([]);
  });
});

test("memory that runs out at any point leaves nothing mapped and nothing behind", async () => {
  const dev = await ring();
  const { engine } = dev;
  const { x } = engine.context.core;
  const before = liveObjects(engine);
  let failures = 0;
  for (let n = 1; ; n++) {
    using mm = engine.createMm();
    draw(mm, "W.....W");
    const maps = mm.maps();
    x.fail_after(n);
    const args = { address: at(1), length: 3 * PAGE, prot: RW, flags: MapFlags.SHARED };
    const code = codeOf(() => mm.mmap({ ...args, file: dev.file }));
    const struck = x.fail_pending() === 0;
    x.fail_after(0);
    assertSound(mm.validate());
    if (!struck) {
      expect([code, resident(mm, 1, 3)]).toEqual(["ok", "111"]);
      break;
    }
    failures++;
    expect([code, mm.maps()]).toEqual(["ENOMEM", maps]);
    mm.dispose();
    expect(liveObjects(engine), `n = ${n}`).toBe(before);
  }
  expect(failures).toBeGreaterThan(8); // page, tables, entries, VMA, nodes, commit
});

describe("what a hook must not do", () => {
  test("keep its VmaNew, or anything got from it", async () => {
    const kept: (() => unknown)[] = [];
    const dev = await device((vma) => {
      const mixed = vma.setMixedmap();
      const again = vma.asMixedmapVma();
      const file = vma.file;
      const mm = vma.mm();
      using page = dev.engine.allocPage();
      kept.push(
        () => vma.start,
        () => vma.flags,
        () => vma.asPtr(),
        () => vma.setIo(),
        () => vma.readable(),
        () => vma.tryClearMayexec(),
        () => vma.asMixedmapVma(),
        () => vma.zapPageRangeSingle(at(0), PAGE),
        () => mixed.end,
        () => mixed.vmInsertPage(at(0), page),
        () => again?.start,
        () => file?.name,
        () => mm.maps(),
      );
    });
    dev.map(0, 1);
    const maps = dev.mm.maps();
    for (const use of kept) expect(use).toThrow(TypeError);
    expect(dev.mm.maps()).toBe(maps);
  });

  test("change the space, wait for it, unlock it or send the VMA away", async () => {
    const errors: unknown[] = [];
    const dev = await device((vma) => {
      using other = dev.engine.createMm();
      draw(other, "WW"); // another space is its own business
      const tries = [
        () => dev.mm.munmap(at(0), PAGE),
        () => dev.mm.mmapReadLock(),
        () => guard.munmap(at(0), PAGE),
        () => guard.mlockall(1),
        () => guard.fork(),
        () => guard.dispose(),
        () => guard.downgrade(),
        () => dev.mm.dispose(),
        () => structuredClone(vma),
      ];
      for (const run of tries) {
        try {
          run();
          errors.push("nothing was thrown");
        } catch (error) {
          errors.push(error instanceof TypeError || String(error));
        }
      }
    });
    const guard = dev.mm.mmapWriteLock();
    const looked = guard.findVma(0);
    guard.mmap({
      address: at(0),
      length: PAGE,
      prot: RW,
      flags: MapFlags.SHARED | MapFlags.FIXED,
      file: dev.file,
    });
    expect(looked).toBeNull();
    expect(errors).toEqual([true, true, true, true, true, true, true, true, expect.anything()]);
    expect(guard.vmaLookup(at(0))?.end).toBe(at(1));
    guard.munmap(at(0), PAGE);
    guard.dispose();
    assertSound(dev.mm.validate());
  });
});

describe("registration", () => {
  test("is each worker's own: another one's mmap says what is missing", async () => {
    const dev = await ring();
    const seat = await attachSeat(dev.engine);
    using there = seat.createMm();
    const flags = MapFlags.SHARED;
    const call = () => there.mmap({ length: PAGE, prot: RW, flags, file: dev.file });
    expect(call).toThrow(TypeError);
    expect(call).toThrow(/its kind is "device", call registerFileOps in this worker too/);
    seat.registerFileOps("device", { mmap: (vma) => vma.setDontdump() });
    expect(hasFlags(flagsAt(there, call()), VmFlags.DONTDUMP)).toBe(true);
  });

  test("a kind that nobody registered is refused when a file is opened", async () => {
    const engine = await freshEngine();
    expect(() => engine.openFile({ name: "x", kind: "device" })).toThrow(TypeError);
    engine.registerFileOps("device", { mmap() {} });
    using file = engine.openFile({ name: "x", kind: "device" });
    expect(file.info()).toMatchObject({ name: "x", kind: "device" });
  });

  test.each(["regular", "shmem", "", 7, "x".repeat(65)])("kind %j is refused", async (kind) => {
    const engine = await freshEngine();
    expect(() => engine.registerFileOps(kind as string, { mmap() {} })).toThrow(TypeError);
  });

  test.each([null, undefined, {}, { mmap: 1 }, () => {}])("ops %j are refused", async (ops) => {
    const engine = await freshEngine();
    expect(() => engine.registerFileOps("device", ops as unknown as FileOps)).toThrow(TypeError);
  });

  test("the raw plane cannot run a hook and says so", async () => {
    const dev = await ring();
    const { raw } = dev.engine;
    const file = dev.file.asRaw();
    expect(raw.mmap(dev.mm.asRaw(), at(0), PAGE, RW, MapFlags.SHARED, file, 0)).toBe(-513);
    expect(dev.mm.vmas()).toEqual([]);
  });

  test("remap_file_pages of such a file is refused", async () => {
    const dev = await device(() => {});
    dev.map(0, 2);
    expect(() => dev.mm.remapFilePages({ address: at(0), length: PAGE, pgoff: 1 })).toThrow(
      TypeError,
    );
    expect(dev.mm.vmas()).toHaveLength(1);
  });
});

test("the hook runs for MmWithUserAsync and under a write guard as well", async () => {
  const dev = await ring();
  const flags = MapFlags.SHARED | MapFlags.FIXED;
  const args = { length: PAGE, prot: RW, flags, file: dev.file };
  using user = dev.mm.clone().intoMmputAsync();
  expect(user).toBeInstanceOf(MmWithUserAsync);
  user.mmap({ ...args, address: at(0) });
  using guard = dev.mm.mmapWriteLock();
  guard.mmap({ ...args, address: BigInt(at(1)) });
  expect(guard.mincore(at(0), 2 * PAGE)).toEqual(new Uint8Array([1, 1]));
  expect(dev.calls).toBe(2);
});
