// alloc/slab.ts: fixed-size objects from chunks that never change their kind (A1..A4).

import { describe, expect, test } from "vitest";
import { SlabKind } from "../../../../assembly/shared/abi.js";
import { type Engine, MapFlags, type MmWithUser } from "../../../../src/index.js";
import {
  attachSeat,
  BASE,
  freshEngine,
  liveObjects,
  PAGE,
  PRIVATE_ANON,
} from "../../../support/engine.js";
import { Thread } from "../thread.js";

const KIB = 1024;
const CHUNK = 16 * KIB;

/** `n` VMAs with a hole between each two. */
function scatter(mm: MmWithUser, n: number, from = 0): void {
  for (let i = from; i < from + n; i++) {
    const address = BASE + 2 * i * PAGE;
    mm.mmap({ address, length: PAGE, prot: 1, flags: PRIVATE_ANON | MapFlags.FIXED });
  }
}

const vmas = (engine: Engine) => engine.stats().memory.kinds.vma;

describe("counting", () => {
  test("live objects follow VMAs, and come back to the start", async () => {
    const engine = await freshEngine();
    const before = liveObjects(engine);
    {
      using mm = engine.createMm();
      scatter(mm, 300);
      expect(vmas(engine).live).toBe(300);
      mm.munmap(BASE, 300 * PAGE);
      expect(vmas(engine).live).toBe(150);
    }
    expect(liveObjects(engine)).toBe(before);
  });

  test("bytes are whole chunks, kept for ever by their kind (A1, A4)", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    scatter(mm, 600);
    const { peakBytes } = vmas(engine);
    expect(peakBytes).toBe(3 * CHUNK); // 64-byte records, 256 a chunk
    const chunks = engine.stats().memory.chunks;
    mm.munmap(BASE, 2 ** 30);
    expect(vmas(engine)).toEqual({ live: 0, liveBytes: 0, peakBytes });
    scatter(mm, 600);
    expect(vmas(engine)).toEqual({ live: 600, liveBytes: 600 * 64, peakBytes });
    expect(engine.stats().memory.chunks).toBe(chunks);
  });

  test("a thousand splits and merges take no new bytes (B015)", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    mm.mmap({ address: BASE, length: 3 * PAGE, prot: 3, flags: PRIVATE_ANON | MapFlags.FIXED });
    mm.mprotect(BASE + PAGE, PAGE, 1);
    const before = engine.stats().memory.kinds;
    for (let i = 0; i < 1000; i++) {
      mm.mprotect(BASE + PAGE, PAGE, 3);
      mm.mprotect(BASE + PAGE, PAGE, 1);
    }
    expect(engine.stats().memory.kinds).toEqual(before);
  });
});

describe("type stability (A1)", () => {
  test("a freed record is a record of its kind when it comes back", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    scatter(mm, 100);
    const records = () =>
      Array.from({ length: 100 }, (_, i) => engine.raw.vmaLookup(mm.asRaw(), BASE + 2 * i * PAGE));
    const before = new Set(records());
    expect(before.size).toBe(100); // no record twice
    mm.munmap(BASE, 2 ** 30);
    scatter(mm, 100);
    const again = new Set(records());
    expect(again.size).toBe(100);
    const chunkOf = (record: number) => Math.floor(record / CHUNK);
    expect(new Set([...again].map(chunkOf))).toEqual(new Set([...before].map(chunkOf)));
  });

  test("kinds never share a chunk", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    scatter(mm, 500);
    const files = Array.from({ length: 300 }, (_, i) => engine.openFile({ name: `/${i}` }));
    const { exports } = engine.raw;
    const kinds = Array.from({ length: SlabKind.COUNT }, (_, kind) => exports.slab_bytes(kind));
    expect(kinds.reduce((sum, bytes) => sum + bytes, 0)).toBe(exports.slab_chunks() * CHUNK);
    const vma = engine.raw.vmaLookup(mm.asRaw(), BASE);
    const file = files[0]!.asRaw();
    expect(Math.floor(vma / CHUNK)).not.toBe(Math.floor(file / CHUNK));
    for (const one of files) one.dispose();
  });
});

describe("exhaustion is ENOMEM, with nothing changed", () => {
  test("VMAs until the arena is full; what another space frees can be used again", async () => {
    const engine = await freshEngine({ memoryBytes: 512 * KIB, maxWorkers: 2 });
    using mm = engine.createMm();
    const other = engine.createMm();
    scatter(other, 300);
    let n = 0;
    const fill = () => {
      for (; n < 100_000; n++) scatter(mm, 1, n);
    };
    expect(fill).toThrow(/ENOMEM/);
    expect(n).toBeGreaterThan(1000);
    expect(mm.validate()).toEqual([]);
    expect(mm.stat().mapCount).toBe(n);
    expect(() => mm.fork()).toThrow(/ENOMEM/);
    expect(mm.stat().mapCount).toBe(n);
    other.dispose();
    scatter(mm, 100, n);
    expect(mm.validate()).toEqual([]);
  });
});

describe("workers", () => {
  test("a seat that leaves gives its magazine back: others can use it", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    const seat = await attachSeat(engine);
    const { raw } = seat;
    for (let i = 0; i < 200; i++) {
      raw.mmap(mm.asRaw(), BASE + 2 * i * PAGE, PAGE, 1, PRIVATE_ANON | MapFlags.FIXED, 0, 0);
    }
    raw.munmap(mm.asRaw(), BASE, 400 * PAGE);
    const { peakBytes } = vmas(engine);
    seat.dispose();
    scatter(mm, 256 * (peakBytes / CHUNK) - 8); // a reservation may ask for a few more
    expect(vmas(engine).peakBytes).toBe(peakBytes);
  });

  test("what one seat allocates another may free: the sum counts", async () => {
    const engine = await freshEngine();
    const seat = await attachSeat(engine);
    using mm = engine.createMm();
    scatter(mm, 150);
    seat.raw.munmap(mm.asRaw(), BASE, 300 * PAGE);
    expect(vmas(engine).live).toBe(0);
    expect(seat.raw.exports.slab_live(SlabKind.VMA)).toBe(0);
  });

  test("two threads allocate and free at once: no record is handed out twice (B104)", async () => {
    const engine = await freshEngine();
    const spaces = [engine.createMm(), engine.createMm()];
    const threads = await Promise.all(spaces.map(() => Thread.start(engine)));
    const round = (mm: number) => {
      const calls = Array.from(
        { length: 120 },
        (_, i) => ["mmap", mm, BASE + 2 * i * PAGE, PAGE, 1, PRIVATE_ANON | 0x10, 0, 0] as const,
      );
      return [...calls, ["munmap", mm, BASE, 200 * PAGE] as const];
    };
    try {
      await Promise.all(
        threads.map((thread, i) => {
          const calls = Array.from({ length: 20 }, () => round(spaces[i]!.asRaw())).flat();
          return thread.run(...calls);
        }),
      );
      expect(spaces.map((mm) => mm.stat().mapCount)).toEqual([20, 20]);
      expect(engine.validate()).toEqual([]); // each VMA is of its own mm
      const records = spaces.flatMap((mm) =>
        mm.vmas().map((vma) => engine.raw.vmaLookup(mm.asRaw(), vma.start)),
      );
      expect(new Set(records).size).toBe(40);
      expect(vmas(engine).live).toBe(40);
    } finally {
      await Promise.all(threads.map((thread) => thread[Symbol.asyncDispose]()));
    }
    for (const mm of spaces) mm.dispose();
    expect(vmas(engine).live).toBe(0);
  });
});

describe("failure injection (verify build)", () => {
  test("the n-th reservation fails, once, and tells that it has", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    const { exports } = engine.raw;
    exports.fail_after(2);
    expect(exports.fail_pending()).toBe(2);
    expect(() => scatter(mm, 1)).toThrow(/ENOMEM/);
    expect(exports.fail_pending()).toBe(0);
    scatter(mm, 1);
    exports.fail_after(5);
    exports.fail_after(0);
    scatter(mm, 10);
    expect(mm.stat().mapCount).toBe(10);
  });
});
