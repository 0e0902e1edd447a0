// mm/name.ts: names in chains of 124-byte pieces, and counted names of VMAs.

import { describe, expect, test } from "vitest";
import { sketch } from "../../../support/drawing.js";
import { freshEngine, liveObjects, PAGE } from "../../../support/engine.js";

const CAPACITY = 124;

describe("file names", () => {
  test.each([0, 1, CAPACITY - 1, CAPACITY, CAPACITY + 1, 2 * CAPACITY, 4095, 4096])(
    "of %s bytes come back whole, in as few pieces as it takes",
    async (length) => {
      const engine = await freshEngine();
      const name = Array.from({ length }, (_, i) => String.fromCharCode(33 + (i % 90))).join("");
      const file = engine.openFile({ name });
      expect(file.info().name).toBe(name);
      expect(engine.stats().memory.kinds.name.live).toBe(Math.ceil(length / CAPACITY));
      file.dispose();
      expect(liveObjects(engine)).toBe(0);
    },
  );

  test("characters across a border of pieces", async () => {
    const engine = await freshEngine();
    const name = `${"x".repeat(CAPACITY - 1)}é${"y".repeat(CAPACITY - 2)}語`;
    using file = engine.openFile({ name });
    expect(file.info().name).toBe(name);
  });

  test("4097 bytes are refused", async () => {
    const engine = await freshEngine();
    expect(() => engine.openFile({ name: "x".repeat(4097) })).toThrow(RangeError);
    expect(liveObjects(engine)).toBe(0);
  });

  test("pieces are used again, contents of old names never show", async () => {
    const engine = await freshEngine();
    engine.openFile({ name: "A".repeat(1000) }).dispose();
    using file = engine.openFile({ name: "b".repeat(130) });
    expect(file.info().name).toBe("b".repeat(130));
  });
});

describe("VMA names", () => {
  const set = (s: Awaited<ReturnType<typeof sketch>>, page: number, name: string) => {
    const { core } = s.engine.context;
    core.u8.set(new TextEncoder().encode(name));
    return core.x.set_vma_name(s.mm.asRaw(), s.at(page), PAGE, name.length);
  };

  test("one record for all parts of what was named in one call; equal strings of two are equal", async () => {
    const s = await sketch("WWWW");
    const live = () => s.engine.stats().memory.kinds.name.live;
    set(s, 0, "heap");
    expect(live()).toBe(1);
    set(s, 1, "heap"); // merges with the first: the second record goes
    expect(live()).toBe(1);
    s.expect("WW|WW");
    set(s, 3, "heap");
    expect(live()).toBe(2);
    set(s, 2, "heap");
    s.expect("WWWW");
    expect(live()).toBe(1);
  });

  test("differ by length, by one byte, or by being there", async () => {
    const s = await sketch("WWWW");
    ["ab", "a", "aB"].forEach((name, page) => {
      set(s, page, name);
    });
    s.expect("W|W|W|W");
    expect(s.mm.vmas().map((vma) => vma.name)).toEqual([
      "[anon:ab]",
      "[anon:a]",
      "[anon:aB]",
      null,
    ]);
  });

  test("are freed with the space", async () => {
    const s = await sketch("WW");
    set(s, 0, "x");
    s.mm.dispose();
    expect(liveObjects(s.engine)).toBe(0);
  });
});
