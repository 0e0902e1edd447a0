// arena.ts: laying the arena out, seats, numbers about it (E1, E2).

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Abi, Counter } from "../../../assembly/shared/abi.js";
import { Engine } from "../../../src/index.js";
import { attachSeat, draw, freshEngine, PAGE } from "../../support/engine.js";

const KIB = 1024;
const WASM = new URL("../../../build/engine.verify.wasm", import.meta.url);

/** An instance on a memory that nobody has laid out. */
function bare(kib: number) {
  const pages = kib / 64;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const module = new WebAssembly.Module(readFileSync(WASM));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return { memory, x: exports as unknown as Engine["raw"]["exports"] };
}

describe("arena_init", () => {
  test("writes the header, the magic last of it; seats and chunks follow", () => {
    const { memory, x } = bare(1024);
    expect(x.worker_attach(1)).toBe(-22); // no arena yet
    expect(x.arena_init(1024 * KIB, 4, 3)).toBe(0);
    const words = new Uint32Array(memory.buffer);
    expect(words[Abi.HEADER_MAGIC / 4]).toBe(Abi.MAGIC);
    expect(words[Abi.HEADER_VERSION / 4]).toBe(Abi.LAYOUT_VERSION);
    expect(words[Abi.HEADER_BYTES / 4]).toBe(1024); // KiB
    expect(x.slab_chunks()).toBe(0);
    expect(words.subarray(0, Abi.HEADER / 4).every((word) => word === 0)).toBe(true);
  });

  test.each([
    [1024, 0],
    [1024, 501],
    [128, 4],
    [1024, 60],
  ])("%s KiB for %s workers: EINVAL, and no arena", (kib, workers) => {
    const { memory, x } = bare(kib);
    expect(x.arena_init(kib * KIB, workers, 3)).toBe(-22);
    expect(x.worker_attach(1)).toBe(-22);
    expect(new Uint32Array(memory.buffer)[Abi.HEADER_MAGIC / 4]).toBe(0);
  });

  // Less than what is kept free behind the last chunk: a difference that wraps would be plenty.
  test.each([0, 32, 64])("%s bytes: EINVAL", (bytes) => {
    expect(bare(1024).x.arena_init(bytes, 1, 3)).toBe(-22);
  });

  test("an arena of another layout is not entered", () => {
    const { memory, x } = bare(1024);
    x.arena_init(1024 * KIB, 4, 3);
    new Uint32Array(memory.buffer)[Abi.HEADER_VERSION / 4] = Abi.LAYOUT_VERSION + 1;
    expect(x.worker_attach(1)).toBe(-22);
  });

  test("all of it can be used: no chunk reaches beyond the end", async () => {
    const engine = await freshEngine({ memoryBytes: 512 * KIB, maxWorkers: 3 });
    using mm = engine.createMm();
    const fill = () => draw(mm, "W.".repeat(20_000));
    expect(fill).toThrow(/ENOMEM/);
    const { chunks } = engine.stats().memory;
    const left = 512 * KIB - chunks * 16 * KIB; // header, three seats, a byte a chunk
    expect(left).toBeGreaterThanOrEqual(3 * 28 * KIB);
    expect(left).toBeLessThan(3 * 28 * KIB + 2 * 16 * KIB);
    expect(mm.validate()).toEqual([]);
  });
});

describe("seats", () => {
  test("are taken lowest first and given back", async () => {
    const engine = await freshEngine({ maxWorkers: 3 });
    const [one, two] = [await attachSeat(engine), await attachSeat(engine)];
    expect([engine.slot, one.slot, two.slot]).toEqual([0, 1, 2]);
    one.dispose();
    const again = await attachSeat(engine);
    expect(again.slot).toBe(1);
    const x = engine.raw.exports;
    expect([0, 1, 2].map((seat) => x.worker_seat_taken(seat))).toEqual([1, 1, 1]);
    two.dispose();
    expect(x.worker_seat_taken(2)).toBe(0);
  });

  test("have a scratch area each, 8-byte aligned, that do not meet", async () => {
    const engine = await freshEngine({ maxWorkers: 3 });
    const all = [engine, await attachSeat(engine), await attachSeat(engine)];
    const areas = all.map((seat) => seat.raw.exports.worker_scratch());
    for (const area of areas) expect(area % 8).toBe(0);
    expect((areas[1] as number) - (areas[0] as number)).toBeGreaterThanOrEqual(Abi.SCRATCH_BYTES);
    expect((areas[2] as number) - (areas[1] as number)).toBeGreaterThanOrEqual(Abi.SCRATCH_BYTES);
  });

  test("count from zero each time they are taken", async () => {
    const engine = await freshEngine();
    const seat = await attachSeat(engine);
    using mm = engine.createMm();
    draw(mm, "W");
    const faults = () => engine.raw.exports.worker_counter(1, Counter.FAULT);
    seat.raw.handleMmFault(mm.asRaw(), 0x10000000, 0);
    seat.raw.handleMmFault(mm.asRaw(), 0x10000000, 0);
    expect(faults()).toBe(2);
    expect(engine.raw.exports.worker_counter(0, Counter.FAULT)).toBe(0);
    seat.dispose();
    expect(faults()).toBe(2); // kept until the seat is taken again
    await attachSeat(engine);
    expect(faults()).toBe(0);
  });

  test("forget an injected failure when they are left", async () => {
    const engine = await freshEngine({ maxWorkers: 2 });
    const seat = await attachSeat(engine);
    seat.raw.exports.fail_after(1);
    seat.dispose();
    const next = await attachSeat(engine);
    using mm = engine.createMm();
    expect(next.raw.exports.fail_pending()).toBe(0);
    expect(next.raw.mmap(mm.asRaw(), 0, PAGE, 1, 0x22, 0, 0)).toBeGreaterThan(0);
  });

  test("sixty-four on one arena share one memory (B106)", async () => {
    const engine = await Engine.create({ memoryBytes: 8 * 1024 * KIB, maxWorkers: 64 });
    const seats = await Promise.all(
      Array.from({ length: 63 }, () => Engine.attach(engine.share())),
    );
    expect(new Set(seats.map((seat) => seat.slot)).size).toBe(63);
    expect(seats.every((seat) => seat.memory === engine.memory)).toBe(true);
    await expect(Engine.attach(engine.share())).rejects.toMatchObject({ code: "EAGAIN" });
    for (const seat of seats) seat.dispose();
    engine.dispose();
  });
});
