// What went wrong in other address spaces: public bug reports, each as one small test.
//
// Named after the behaviour; the id is that of the bug log, the report its link. What Linux
// 6.18 answered was run on a real kernel where the log says so.

import { describe, expect, test } from "vitest";
import { MapFlags, MmWithUser, Prot } from "../../src/index.js";
import { assertSound, comparePages, PageModel } from "../../src/testing.js";
import { has, outcome, type Sketch, sketch } from "../support/drawing.js";
import {
  attachSeat,
  BASE,
  freshEngine,
  PAGE,
  PRIVATE_ANON,
  RW,
  unlimited,
} from "../support/engine.js";
import { Thread } from "./core/thread.js";

const R = Prot.READ;
const MIB = 2 ** 20;

/** VMAs as pages of the drawing: `[first, end)`. */
const ranges = (s: Sketch) =>
  s.mm.vmas().map(({ start, end }) => [(start - BASE) / PAGE, (end - BASE) / PAGE]);

describe("unmapping", () => {
  // B001 emscripten-core/emscripten#21816
  test("an aligned chunk is cut out of a larger mapping", async () => {
    const s = await sketch("");
    s.mmap(1, 1024, RW);
    s.munmap(1, 511); // up to 2 MiB
    s.munmap(1024, 1);
    expect(ranges(s)).toEqual([[512, 1024]]);
    expect(s.vma(512)).toMatchObject({ start: BASE + 2 * MIB, end: BASE + 4 * MIB });
  });

  // B003 emscripten-core/emscripten#14504
  test("the middle page goes, its neighbours stay, and nothing leaks", async () => {
    const s = await sketch("WWW");
    s.munmap(1);
    s.expect("W.W");
    expect(s.mm.stat()).toMatchObject({ mapCount: 2, totalVm: 2 });
    using guard = s.mm.mmapReadLock();
    expect(guard.vmaLookup(s.at(1))).toBeNull();
  });

  // B005 emscripten-core/emscripten#20459
  test("a mapping outlives its file's last handle, which goes with it once", async () => {
    const s = await sketch("F");
    const live = () => s.engine.stats().memory.kinds.file.live;
    s.file.dispose();
    expect(live()).toBe(1);
    s.munmap(0);
    expect(live()).toBe(0);
    expect(s.mm.validate()).toEqual([]);
  });

  // B007 emscripten-core/emscripten#16413
  test("after a refused munmap another worker maps at once", async () => {
    const s = await sketch("W");
    s.refuses("EINVAL", () => s.mm.munmap(s.at(0) + 1, PAGE));
    await using thread = await Thread.start(s.engine);
    const begun = performance.now();
    expect(await thread.run(["mmap", s.mm.asRaw(), s.at(2), PAGE, 1, 0x32, 0, 0])).toBe(s.at(2));
    expect(performance.now() - begun).toBeLessThan(1000);
    s.expect("W.R");
  });

  // B011 unicorn-engine/unicorn#350
  test("mapped twice at one place is one mapping, gone with one munmap", async () => {
    const s = await sketch("WW");
    s.mmap(0, 2, RW);
    s.expect("WW");
    s.munmap(0, 2);
    s.expect("");
  });
});

describe("protection", () => {
  // B009 unicorn-engine/unicorn#1549
  test("the middle of a file mapping keeps showing the same pages of the file", async () => {
    const s = await sketch("F".repeat(16));
    s.mprotect(4, 3, R);
    expect(ranges(s)).toEqual([
      [0, 4],
      [4, 7],
      [7, 16],
    ]);
    expect([0, 4, 7].map((page) => s.vma(page).pgoff)).toEqual([0, 4, 7]);
    const { start, pgoff } = s.vma(5);
    expect(pgoff + (s.at(5) - start) / PAGE).toBe(5);
  });

  // B015 unicorn-engine/unicorn#786
  test("a thousand changes there and back leave no memory behind", async () => {
    const s = await sketch("WWW");
    const kinds = () => s.engine.stats().memory.kinds;
    s.mprotect(1, 1, R);
    s.mprotect(1, 1, RW);
    const before = kinds();
    for (let i = 0; i < 1000; i++) {
      s.mprotect(1, 1, R);
      s.mprotect(1, 1, RW);
    }
    expect(kinds()).toEqual(before);
    s.expect("WWW");
  });

  // B027 asterinas/asterinas#2919
  test("a change that makes two VMAs equal merges them", async () => {
    const s = await sketch("WW");
    s.mprotect(0, 1, R);
    s.expect("RW");
    s.mprotect(0, 2, RW);
    s.expect("WW");
    expect(s.mm.stat().mapCount).toBe(1);
  });

  // B051 linux-test-project/ltp#1320
  test("write does not imply read, private and shared", async () => {
    const s = await sketch("");
    s.mmap(0, 1, Prot.WRITE);
    const flags = MapFlags.SHARED | MapFlags.ANONYMOUS | MapFlags.FIXED;
    s.mm.mmap({ address: s.at(2), length: PAGE, prot: Prot.WRITE, flags });
    expect(s.mm.maps().match(/ [-rwxps]{4} /g)).toEqual([" -w-p ", " -w-s "]);
  });

  // B055 AeonLucid/AndroidNativeEmu#65
  test("lengths of one byte are pages", async () => {
    const s = await sketch("WWW");
    s.mm.mprotect(s.at(1), 1, R);
    s.expect("WRW");
    s.mm.munmap(s.at(2), 1);
    s.expect("WR");
  });

  // B059 rcore-os/tgoskits#2261
  test("up to a hole the change is published, as Linux does", async () => {
    const s = await sketch("WW.W");
    expect(outcome(() => s.mprotect(0, 4, R))).toBe("ENOMEM");
    s.expect("RR.W");
  });
});

describe("arguments", () => {
  // B017 qilingframework/qiling#979
  test("a hint is kept, forgotten or rounded down; FIXED replaces", async () => {
    const s = await sketch("WW");
    const map = (address: number, flags = 0) =>
      s.mm.mmap({ address, length: PAGE, prot: R, flags: PRIVATE_ANON | flags });
    expect(map(s.at(8))).toBe(s.at(8));
    expect(map(s.at(0))).not.toBe(s.at(0));
    expect(map(s.at(16) + 5)).toBe(s.at(16));
    expect(map(s.at(0), MapFlags.FIXED)).toBe(s.at(0));
    s.expect("RW......R.......R");
  });

  // B019 asterinas/asterinas#1172
  test("length zero: EINVAL, EINVAL, 0, 0, EINVAL", async () => {
    const s = await sketch("W");
    s.refuses("EINVAL", () => s.mmap(2, 0, R));
    s.refuses("EINVAL", () => s.munmap(0, 0));
    expect(outcome(() => s.mprotect(0, 0, R))).toBe("ok");
    expect(outcome(() => s.madvise(0, 0, 0))).toBe("ok");
    s.refuses("EINVAL", () => s.resize(0, 1, 0));
  });

  // B021 asterinas/asterinas#2868
  test("a new size of 2^64 - 1 is refused", async () => {
    const s = await sketch("WW");
    const call = { address: s.at(0), oldLength: 2 * PAGE, newLength: 2n ** 64n - 1n, flags: 1 };
    s.refuses("EINVAL", () => s.mm.mremap(call));
  });

  // B023 asterinas/asterinas#1604
  test("illegal places: below the minimum EPERM, beyond the end ENOMEM", async () => {
    const s = await sketch("", { mmapMinAddr: PAGE });
    const map = (address: bigint) => () =>
      s.mm.mmap({ address, length: PAGE, prot: R, flags: PRIVATE_ANON | MapFlags.FIXED });
    s.refuses("EPERM", map(0n));
    s.refuses("ENOMEM", map(0xffff800000000000n));
    expect(map(BigInt(PAGE))()).toBe(PAGE);
  });

  // B047 jart/blink#31
  test("pages of 16 KiB: 4 KiB is no alignment, one byte is 16 KiB", async () => {
    const s = await sketch("WW", { pageSize: 16384 });
    const flags = PRIVATE_ANON | MapFlags.FIXED;
    const place = { address: s.at(4) + 4096, length: 1, prot: R, flags };
    s.refuses("EINVAL", () => s.mm.mmap(place));
    s.refuses("EINVAL", () => s.mm.mprotect(s.at(0) + 4096, 1, R));
    s.mm.mmap({ ...place, address: s.at(4) });
    expect(s.vma(4)).toMatchObject({ start: s.at(4), end: s.at(4) + 16384 });
  });
});

describe("moving and resizing", () => {
  // B025 asterinas/asterinas#2236
  test("a file mapping shrunk and grown again is what it was", async () => {
    const s = await sketch("HH");
    s.munmap(1);
    expect(s.resize(0, 1, 2, 1)).toBe(s.at(0));
    s.expect("HH");
    expect(s.vma(0).pgoff).toBe(0);
    expect(s.mm.stat().mapCount).toBe(1);
  });

  // B033 FEX-Emu/FEX#4557
  test("a growth that must move leaves its old place empty and the neighbours whole", async () => {
    const s = await sketch(`R${"W".repeat(132)}X`);
    expect(540672 / PAGE).toBe(132);
    const at = s.resize(1, 132, 1052672 / PAGE, 1);
    expect(at).not.toBe(s.at(1));
    s.expect(`R${".".repeat(132)}X`);
    expect(s.mm.vmas().find((vma) => vma.start === at)?.end).toBe(at + 1052672);
  });

  // B037 sysprog21/elfuse#389
  test("growth does not run into a neighbour that was merged", async () => {
    const s = await sketch("WW");
    s.refuses("ENOMEM", () => s.resize(0, 1, 2));
    const at = s.resize(0, 1, 2, 1);
    expect(at).not.toBe(s.at(0));
    s.expect(".W");
  });

  // B039 rr-debugger/rr#1698
  test("a new size that is no whole page is rounded up", async () => {
    const s = await sketch("W.");
    const call = { address: s.at(0), oldLength: PAGE, newLength: PAGE + 1 };
    expect(s.mm.mremap(call)).toBe(s.at(0));
    s.expect("WW");
  });
});

describe("merging", () => {
  // B031 google/gvisor#11360
  test("kernel-chosen pages lie below each other and stay one VMA", async () => {
    const s = await sketch("");
    const map = () => s.mm.mmap({ length: PAGE, prot: RW, flags: PRIVATE_ANON });
    let last = map();
    for (let i = 1; i < 64; i++) {
      const next = map();
      expect(next).toBe(last - PAGE);
      last = next;
    }
    expect(s.mm.stat().mapCount).toBe(1);
  });

  // B041 rr-debugger/rr#1877
  test("one private difference keeps neighbours apart; soft-dirty does not", async () => {
    const s = await sketch("");
    const { core } = s.engine.context;
    const mm = s.mm.asRaw();
    const plain = 0x100073;
    const install = (page: number, flags: number, pgoff = s.at(page) / PAGE) =>
      core.x.vma_install(mm, s.at(page), s.at(page + 1), flags, pgoff, 0);
    for (const [page, flags, apart] of [
      [0, plain + 2 ** 27, 0], // soft-dirty
      [4, plain + 2 ** 26, 2], // one flag: dontdump
      [8, plain + 2 ** 28, 6], // special (what has hooks of its own)
    ] as const) {
      install(page, flags);
      install(page + 1, plain);
      expect(core.x.vma_explain(mm, s.at(page))).toBe(apart);
    }
    install(12, plain);
    install(13, plain);
    core.u8.set([0x78]);
    core.x.set_vma_name(mm, s.at(12), PAGE, 1);
    expect(core.x.vma_explain(mm, s.at(12))).toBe(64);
    s.mprotect(0, 2, R); // and merging does what explaining says
    expect(ranges(s)[0]).toEqual([0, 2]);
    s.mprotect(12, 2, R);
    expect(ranges(s).slice(-2)).toEqual([
      [12, 13],
      [13, 14],
    ]);
  });

  // B043 mikaku/Fiwix#16
  test("overlapping replacements leave what each call asked for", async () => {
    const s = await sketch("WW");
    s.mmap(1, 4, Prot.NONE);
    s.mmap(2, 1, RW);
    s.expect("WNWNN");
  });

  // B061 asterinas/asterinas#2195
  test("contiguous file pages merge; a gap, another file, another kind do not", async () => {
    const s = await sketch("");
    using other = s.engine.openFile({ name: "/other" });
    const map = (page: number, pgoff: number, flags: number, file = s.file) =>
      s.mm.mmap({
        address: s.at(page),
        length: PAGE,
        prot: R,
        flags: flags | MapFlags.FIXED,
        file,
        offset: pgoff * PAGE,
      });
    map(0, 0, MapFlags.SHARED);
    map(1, 1, MapFlags.SHARED);
    map(2, 5, MapFlags.SHARED);
    map(3, 6, MapFlags.SHARED, other);
    map(4, 7, MapFlags.PRIVATE);
    s.expect("HH|H|HF");
  });
});

describe("placing", () => {
  // B035 FEX-Emu/FEX#2096
  test("room is found among many holes about as fast as among few", async () => {
    const engine = await freshEngine({ memoryBytes: 64 * MIB });
    const time = (n: number) => {
      using mm = engine.createMm({
        maxMapCount: 2 ** 20,
        rlimits: { as: Number.POSITIVE_INFINITY },
      });
      const { exports } = engine.raw;
      const top = mm.stat().mmapBase;
      for (let i = 1; i <= n; i++) {
        exports.mmap(mm.asRaw(), top - 2 * i * PAGE, PAGE, R, PRIVATE_ANON | 0x10, 0, 0);
      }
      const once = () => {
        const begun = performance.now();
        for (let i = 0; i < 50; i++) {
          const at = exports.mmap(mm.asRaw(), 0, 2 * PAGE, R, PRIVATE_ANON, 0, 0);
          if (i === 0) expect(at).toBe(top - 2 * n * PAGE - 2 * PAGE); // below all holes
          exports.munmap(mm.asRaw(), at, 2 * PAGE);
        }
        return performance.now() - begun;
      };
      return Math.min(once(), once(), once(), once());
    };
    const few = time(1000);
    expect(time(50_000)).toBeLessThan(10 * few + 5);
  });

  // B045 nanovms/nanos#830
  test("a hint does not clobber what came into the hole", async () => {
    const s = await sketch("");
    const length = 64 * MIB;
    const start = 0x20000000;
    const map = (address: number, size: number) =>
      s.mm.mmap({ address, length: size, prot: RW, flags: PRIVATE_ANON });
    expect(map(start, length)).toBe(start);
    s.mm.munmap(start, length);
    const stack = map(start + 8 * MIB, MIB);
    expect(stack).toBe(start + 8 * MIB);
    const again = map(start, length);
    expect(again + length <= stack || again >= stack + MIB).toBe(true);
    expect(s.mm.peek(stack)).toMatchObject({ start: stack, end: stack + MIB });
  });

  // B049 jart/blink#213
  test("an occupied hint at the top of the space is no error", async () => {
    const s = await sketch("");
    const length = 64 * MIB;
    const address = 2 ** 47 - PAGE - length;
    const map = () => s.mm.mmap({ address, length, prot: RW, flags: PRIVATE_ANON });
    expect(map()).toBe(address);
    expect(map()).toBeLessThan(address);
  });

  // B053 jeffparsons/rangemap#43
  test("there is no empty gap between touching VMAs", async () => {
    const s = await sketch("RW......");
    using guard = s.mm.mmapReadLock();
    expect([...guard.gaps(s.at(0), s.at(8))]).toEqual([{ start: s.at(2), end: s.at(8) }]);
  });

  // B057 kontainapp/km#457
  test("the right end of the gap: highest top-down, lowest bottom-up", async () => {
    for (const direction of ["top-down", "bottom-up"] as const) {
      const mmapBase = direction === "top-down" ? BASE + 100 * PAGE : BASE;
      const options = { taskSize: BASE + 100 * PAGE, mmapBase, mmapMinAddr: BASE, direction };
      const s = await sketch("", options);
      const at = s.mm.mmap({ length: 10 * PAGE, prot: R, flags: PRIVATE_ANON });
      expect(at).toBe(direction === "top-down" ? s.at(90) : s.at(0));
    }
  });
});

// B013 unicorn-engine/unicorn#420
test("a long random run agrees with an array of pages", async () => {
  const engine = await freshEngine();
  const pages = 64;
  using mm = engine.createMm(unlimited(pages));
  const model = new PageModel({ pages });
  let state = 420;
  const below = (n: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  for (let step = 0; step < 30_000; step++) {
    const [address, length, prot] = [below(pages) * PAGE, (1 + below(8)) * PAGE, below(8)];
    const kind = below(4);
    const flags = PRIVATE_ANON | (kind === 0 ? MapFlags.FIXED : 0);
    const call = (space: MmWithUser | PageModel) =>
      outcome(() => {
        if (kind < 2) space.mmap({ address, length, prot, flags });
        else if (kind === 2) space.munmap(address, length);
        else space.mprotect(address, length, prot);
      });
    const expected = call(model);
    if (call(mm) !== expected) throw new Error(`step ${step}: expected ${expected}`);
    if (step % 500 !== 0) continue;
    expect(comparePages(model, mm.vmas())).toBeNull();
    assertSound(mm.validate());
  }
  expect(comparePages(model, mm.vmas())).toBeNull();
});

// B029 asterinas/asterinas#1316
test("the first page of a file mapping at a low address has a file page, not a negative one", async () => {
  const s = await sketch("", { mmapMinAddr: PAGE });
  const flags = MapFlags.PRIVATE | MapFlags.FIXED;
  const place = { address: PAGE, length: 4 * PAGE, prot: R, flags, file: s.file };
  s.mm.mmap({ ...place, offset: 4 * PAGE });
  expect(s.mm.handleMmFault(PAGE, "read").outcome).toBe("OK");
  const vma = s.mm.peek(PAGE);
  expect(vma).toMatchObject({ start: PAGE, pgoff: 4 });
  expect(vma!.pgoff + (PAGE - vma!.start) / PAGE).toBe(4);
});

// B083 rr-debugger/rr#1172
test("a mapping that joined the heap is [heap] until the break comes back", async () => {
  const s = await sketch("", { startBrk: BASE });
  s.mm.brk(s.at(2));
  s.mmap(2, 2, RW);
  s.expect("WWWW");
  expect(s.mm.vmas().map((vma) => vma.name)).toEqual(["[heap]"]);
  expect(s.mm.brk(s.at(3))).toBe(s.at(2)); // something is there
  s.munmap(3);
  s.mm.brk(s.at(1));
  s.expect("W.W");
  expect(s.mm.vmas().map((vma) => vma.name)).toEqual(["[heap]", null]);
});

describe("workers and counts", () => {
  // B063 asterinas/asterinas#1395
  test("faults of several workers never take the mmap lock on the fast path", async () => {
    const s = await sketch("");
    s.mmap(0, 65536, RW); // 256 MiB
    s.touch(0);
    const seats = await Promise.all([attachSeat(s.engine), attachSeat(s.engine)]);
    const before = s.engine.stats().total;
    for (let page = 0; page < 2000; page++) {
      const { raw } = seats[page % 2]!;
      expect(raw.handleMmFault(s.mm.asRaw(), s.at(page * 32), 1)).toBe(0);
    }
    const { total } = s.engine.stats();
    expect(total.faultVmaLock - before.faultVmaLock).toBe(2000);
    expect(total.mmapLockRead).toBe(before.mmapLockRead);
    expect(total.mmapLockWrite).toBe(before.mmapLockWrite);
  });

  // B077 iovisor/bcc#594
  test("the end of one VMA is the start of the next, by every way of looking", async () => {
    const s = await sketch("WR");
    for (const [address, page] of [
      [s.at(1), 1],
      [s.at(1) - 1, 0],
    ] as const) {
      expect(s.mm.peek(address)?.start).toBe(s.at(page));
      using guard = s.mm.mmapReadLock();
      expect(guard.vmaLookup(address)?.start).toBe(s.at(page));
      expect(guard.findVma(address)?.start).toBe(s.at(page));
    }
    using vma = s.mm.lockVmaUnderRcu(s.at(1));
    expect(vma?.start).toBe(s.at(1));
  });

  // B098 emscripten-core/emscripten#8287
  test("what one worker maps another reads whole: memory never moves", async () => {
    const s = await sketch("");
    const other = MmWithUser.fromRaw(await attachSeat(s.engine), s.mm.asRaw());
    for (let i = 0; i < 1000; i++) s.mmap(2 * i, 1, R);
    const { start, end } = other.peek(s.at(1998)) ?? {};
    expect([start, end]).toEqual([s.at(1998), s.at(1999)]);
    expect(other.vmas()).toHaveLength(1000);
    expect(has(other.vmas()[999]!, "READ")).toBe(true);
  });

  // B104 AssemblyScript/assemblyscript#921
  test("the core has no allocator but its own: one global a worker, no data segment", async () => {
    const { module } = (await freshEngine()).share();
    const exports = WebAssembly.Module.exports(module);
    expect(exports.filter(({ kind }) => kind === "global" || kind === "memory")).toEqual([]);
    expect(
      exports.map(({ name }) => name).filter((name) => /^__(new|pin|collect)/.test(name)),
    ).toEqual([]);
    const imports = WebAssembly.Module.imports(module);
    expect(imports).toEqual([{ module: "env", name: "memory", kind: "memory" }]);
  });
});
