// The engine: options, sharing, attaching, disposal.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { Abi } from "../../assembly/shared/abi.js";
import { Engine, type EngineShare, MmError } from "../../src/index.js";
import { setRlimits } from "../../src/process.js";
import {
  attachSeat,
  draw,
  freshEngine,
  liveObjects,
  PAGE,
  PRIVATE_ANON,
  RW,
} from "../support/engine.js";

const WASM = new URL("../../build/engine.wasm", import.meta.url);

function hashOf(memory: WebAssembly.Memory): string {
  return createHash("sha256").update(new Uint8Array(memory.buffer)).digest("hex");
}

describe("create", () => {
  test("has one mm after createMm and none after its dispose", async () => {
    const engine = await freshEngine();
    const before = liveObjects(engine);
    {
      using mm = engine.createMm();
      expect(mm.mmUsers).toBe(1);
      expect(mm.mmCount).toBe(1);
      expect(mm.maps()).toBe("");
      expect(engine.stats().memory.kinds.mm.live).toBe(1);
    }
    expect(liveObjects(engine)).toBe(before);
  });

  test.each([0, -65536, 65537, 1.5, Number.NaN, 2 ** 32, 2 ** 32 - 65535])(
    "refuses memoryBytes %s",
    async (memoryBytes) => {
      await expect(Engine.create({ memoryBytes })).rejects.toThrow(RangeError);
    },
  );

  test.each([0, 501, 1.5])("refuses maxWorkers %s", async (maxWorkers) => {
    await expect(Engine.create({ maxWorkers })).rejects.toThrow(RangeError);
  });

  test("refuses a memory too small for its seats", async () => {
    await expect(Engine.create({ memoryBytes: 65536, maxWorkers: 100 })).rejects.toThrow(/too few/);
  });

  test("takes memoryBytes as a bigint", async () => {
    using engine = await Engine.create({ memoryBytes: 8n * 1024n * 1024n });
    expect(engine.stats().memory.arenaBytes).toBe(8 * 1024 * 1024);
  });

  test("the largest arena works", async () => {
    using engine = await Engine.create({ memoryBytes: 2 ** 32 - 65536 });
    using mm = engine.createMm();
    mm.mmap({ length: PAGE, prot: RW, flags: PRIVATE_ANON });
    expect(mm.vmas()).toHaveLength(1);
  });

  test.each([
    ["bytes", () => readFileSync(WASM)],
    ["an ArrayBuffer", () => new Uint8Array(readFileSync(WASM)).buffer],
    ["a file URL", () => pathToFileURL(WASM.pathname)],
    ["a Response", () => new Response(readFileSync(WASM))],
    ["a module", () => new WebAssembly.Module(readFileSync(WASM))],
  ])("takes wasm as %s", async (_name, wasm) => {
    using engine = await Engine.create({ memoryBytes: 8 * 1024 * 1024, wasm: wasm() });
    using mm = engine.createMm();
    expect(mm.validate()).toEqual([]);
  });

  test("refuses a module that is not the engine", async () => {
    const empty = new WebAssembly.Module(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
    await expect(Engine.create({ wasm: empty })).rejects.toThrow(/not a vmaple engine/);
  });
});

describe("shared: false", () => {
  test("has the whole API in one thread", async () => {
    const engine = await freshEngine({ shared: false });
    expect(engine.memory.buffer).toBeInstanceOf(ArrayBuffer);
    using mm = engine.createMm();
    const at = mm.mmap({ length: PAGE, prot: RW, flags: PRIVATE_ANON });
    {
      using vma = mm.lockVmaUnderRcu(at);
      expect(vma?.start).toBe(at);
    }
    expect(() => engine.share()).toThrow(TypeError);
    mm.munmap(at, PAGE);
    expect(mm.validate()).toEqual([]);
  });

  test("needs the wasm's bytes", async () => {
    const wasm = new WebAssembly.Module(readFileSync(WASM));
    await expect(Engine.create({ shared: false, wasm })).rejects.toThrow(TypeError);
  });
});

describe("attach", () => {
  test("sees what the first worker mapped", async () => {
    const engine = await freshEngine();
    const second = await attachSeat(engine);
    expect(second.slot).not.toBe(engine.slot);
    using mm = engine.createMm();
    const at = mm.mmap({ length: PAGE, prot: RW, flags: PRIVATE_ANON });
    expect(second.raw.vmaStart(second.raw.vmaLookup(mm.asRaw(), at))).toBe(at);
  });

  test("instantiating one more worker changes no shared byte", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    mm.mmap({ length: PAGE, prot: RW, flags: PRIVATE_ANON });
    const { module, memory } = engine.share();
    const before = hashOf(memory);
    new WebAssembly.Instance(module, { env: { memory } });
    expect(hashOf(memory)).toBe(before);
  });

  test("refuses another layout version and names both", async () => {
    const engine = await freshEngine();
    const share = engine.share();
    const other = { ...share, layoutVersion: 99 };
    await expect(Engine.attach(other)).rejects.toThrow(/version 99, this vmaple has 6/);
    new Uint32Array(share.memory.buffer)[Abi.HEADER_VERSION / 4] = 7;
    await expect(Engine.attach(share)).rejects.toThrow(/version 7, this vmaple has 6/);
    new Uint32Array(share.memory.buffer)[Abi.HEADER_VERSION / 4] = Abi.LAYOUT_VERSION;
  });

  test("refuses a memory without an arena", async () => {
    const engine = await freshEngine();
    const memory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true });
    const share = { ...engine.share(), memory };
    await expect(Engine.attach(share)).rejects.toThrow(/no vmaple arena/);
  });

  test.each([null, undefined, 1, {}, { kind: "vmaple.engine" }])("refuses %o", async (share) => {
    await expect(Engine.attach(share as unknown as EngineShare)).rejects.toThrow(TypeError);
  });

  test("one worker too many is EAGAIN", async () => {
    const engine = await freshEngine({ maxWorkers: 2 });
    const second = await attachSeat(engine);
    await expect(Engine.attach(engine.share())).rejects.toMatchObject({
      code: "EAGAIN",
      errno: 11,
    });
    second.dispose();
    using again = await Engine.attach(engine.share());
    expect(again.slot).toBe(1);
  });

  test("a share survives structured clone", async () => {
    const engine = await freshEngine();
    const { port1, port2 } = new MessageChannel();
    const arrived = new Promise<EngineShare>((resolve) => {
      port2.onmessage = (event) => resolve(event.data);
    });
    port1.postMessage(engine.share());
    using second = await Engine.attach(await arrived);
    port1.close();
    using mm = engine.createMm();
    expect(second.raw.mmUsers(mm.asRaw())).toBe(1);
  });
});

describe("dispose", () => {
  test("is idempotent, and everything afterwards throws TypeError", async () => {
    const engine = await Engine.create({ memoryBytes: 8 * 1024 * 1024 });
    const { raw } = engine;
    const mm = engine.createMm();
    engine.dispose();
    engine.dispose();
    for (const use of [
      () => engine.createMm(),
      () => engine.openFile({ name: "/x" }),
      () => engine.share(),
      () => engine.slot,
      () => engine.raw,
      () => engine.stats(),
      () => engine.validate(),
      () => engine.runDeferred(),
      () => raw.mmUsers(1),
      () => raw.lookupMany(1, new Float64Array(1), new Uint32Array(1)),
      () => mm.maps(),
      () => mm.mmap({ length: PAGE, prot: RW, flags: PRIVATE_ANON }),
      () => mm.clone(),
      () => mm.peek(0),
      () => mm.dispose(),
    ]) {
      expect(use).toThrow(TypeError);
    }
  });

  test("refuses while a lock is held", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    const guard = mm.mmapReadLock();
    expect(() => engine.dispose()).toThrow(/1 locks are held/);
    guard.dispose();
  });

  test("gives the seat back", async () => {
    const engine = await freshEngine({ maxWorkers: 2 });
    for (let i = 0; i < 5; i++) {
      using second = await Engine.attach(engine.share());
      expect(second.slot).toBe(1);
    }
  });
});

describe("stats", () => {
  test("count per seat and in total", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    const at = mm.mmap({ length: PAGE, prot: RW, flags: PRIVATE_ANON });
    mm.lockVmaUnderRcu(at)?.dispose();
    mm.lockVmaUnderRcu(0);
    mm.handleMmFault(at, "read");
    const { workers, total, memory } = engine.stats();
    expect(workers.map((worker) => worker.slot)).toEqual([0]);
    expect(total.vmaLockSuccess).toBeGreaterThanOrEqual(1);
    expect(total.vmaLockMiss).toBe(1);
    expect(total.mmapLockWrite).toBeGreaterThanOrEqual(1);
    expect(total.fault).toBe(1);
    expect(memory.kinds.vma.live).toBe(1);
    expect(memory.kinds.vma.peakBytes).toBeGreaterThan(0);
  });
});

describe("mm options", () => {
  test.each([
    [{ pageSize: 8192 as 4096 }, RangeError],
    [{ taskSize: 4097 }, RangeError],
    [{ taskSize: 2 ** 53 - 1 }, RangeError],
    [{ taskSize: 0 }, RangeError],
    [{ mmapBase: 2 ** 48 }, RangeError],
    [{ rlimits: { as: -1 } }, RangeError],
    [{ overcommit: "sometimes" as "always" }, TypeError],
    [{ direction: "sideways" as "top-down" }, TypeError],
  ])("refuses %o", async (options, error) => {
    const engine = await freshEngine();
    expect(() => engine.createMm(options)).toThrow(error);
    expect(engine.stats().memory.kinds.mm.live).toBe(0);
  });

  test("default to Linux's places", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    expect(mm.stat()).toMatchObject({
      pageSize: 4096,
      taskSize: 0x7ffffffff000,
      mmapBase: 0x7ffff7fff000,
      startBrk: 0x555555554000,
    });
  });

  test.each([4096, 16384, 65536] as const)("pages of %s bytes", async (pageSize) => {
    const engine = await freshEngine();
    using mm = engine.createMm({ pageSize });
    const at = mm.mmap({ length: 1, prot: RW, flags: PRIVATE_ANON });
    expect(mm.vmas()).toMatchObject([{ start: at, end: at + pageSize }]);
    expect(mm.mincore(at, 1)).toHaveLength(1);
    expect(mm.validate()).toEqual([]);
  });

  test("a space of 2^52 bytes", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm({ taskSize: 2 ** 52 });
    const top = 2 ** 52 - PAGE;
    const flags = PRIVATE_ANON | 0x10;
    expect(mm.mmap({ address: top, length: PAGE, prot: RW, flags })).toBe(top);
    expect(mm.maps()).toBe("ffffffffff000-10000000000000 rw-p 00000000 00:00 0 \n");
  });

  test("rlimits can be changed", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm({ rlimits: { as: PAGE } });
    mm.mmap({ length: PAGE, prot: RW, flags: PRIVATE_ANON });
    const more = () => mm.mmap({ length: PAGE, prot: RW, flags: PRIVATE_ANON });
    expect(more).toThrow(MmError);
    setRlimits(mm, { as: Number.POSITIVE_INFINITY });
    more();
  });
});

test("live bytes are objects times their size, and within what the kind claimed", async () => {
  const engine = await freshEngine();
  using mm = engine.createMm();
  const { kinds } = engine.stats().memory;
  expect(kinds.mm).toMatchObject({ live: 1, liveBytes: 1024 });
  draw(mm, "WRWRWRWRWRWRWRWRWRWRW");
  const after = engine.stats().memory.kinds;
  expect(after.vma).toMatchObject({ live: 21, liveBytes: 21 * 64 });
  for (const { live, liveBytes, peakBytes } of Object.values(after)) {
    expect(liveBytes === 0).toBe(live === 0);
    expect(liveBytes).toBeLessThanOrEqual(peakBytes);
  }
});

test.each(["brk", "dataSegment", "startStack", "startBrk", "maxMapCount"] as const)(
  "createMm with a bad %s makes nothing",
  async (name) => {
    const engine = await freshEngine();
    const before = engine.stats().memory.kinds.mm.live;
    expect(() => engine.createMm({ [name]: -1 })).toThrow(RangeError);
    expect(engine.stats().memory.kinds.mm.live).toBe(before);
  },
);
