// ops/reserve.ts: memory before change. An operation that passed its reservation cannot fail.
//
// test/inject fails each reservation in turn; here the arena itself is full.

import { describe, expect, test } from "vitest";
import { MapFlags, type MmWithUser } from "../../../../src/index.js";
import { outcome, stateOf } from "../../../support/drawing.js";
import { BASE, freshEngine, liveObjects, PAGE, PRIVATE_ANON } from "../../../support/engine.js";

const KIB = 1024;

function map(mm: MmWithUser, page: number, prot = 1): string {
  const address = BASE + page * PAGE;
  const flags = PRIVATE_ANON | MapFlags.FIXED;
  return outcome(() => mm.mmap({ address, length: PAGE, prot, flags }));
}

/** A space whose arena has nothing left: VMAs on every other page. */
async function full() {
  const engine = await freshEngine({ memoryBytes: 512 * KIB, maxWorkers: 2 });
  const mm = engine.createMm();
  let n = 0;
  while (map(mm, 2 * n) === "ok") n++;
  return { engine, mm, n };
}

describe("in a full arena", () => {
  test("every call that needs memory is refused with nothing changed", async () => {
    const { mm, n } = await full();
    const at = (page: number) => BASE + page * PAGE;
    const calls: readonly (readonly [string, () => unknown])[] = [
      ["mmap", () => mm.mmap({ length: PAGE, prot: 3, flags: PRIVATE_ANON })],
      ["fork", () => mm.fork()],
      [
        "mremap",
        () => mm.mremap({ address: at(0), oldLength: PAGE, newLength: 3 * PAGE, flags: 1 }),
      ],
      ["mmap over all", () => mm.mmap({ address: at(1), length: PAGE, prot: 7, flags: 0x32 })],
    ];
    for (const [name, call] of calls) {
      const before = stateOf(mm);
      expect(outcome(call), name).toBe("ENOMEM");
      expect(stateOf(mm), name).toEqual(before);
      expect(mm.validate()).toEqual([]);
    }
    expect(mm.stat().mapCount).toBe(n);
  });

  test("reading goes on, and the whole space can be let go", async () => {
    const { engine, mm, n } = await full();
    expect(mm.vmas()).toHaveLength(n);
    expect(mm.handleMmFault(BASE, "read").outcome).toBe("OK");
    mm.dispose();
    expect(liveObjects(engine)).toBe(0);
    const next = engine.createMm();
    for (let page = 0; page < n; page++) expect(map(next, 2 * page)).toBe("ok");
  });
});

test("what was reserved and not used is not lost", async () => {
  const engine = await freshEngine();
  using mm = engine.createMm();
  map(mm, 0);
  const live = liveObjects(engine);
  const { chunks } = engine.stats().memory;
  // Each call reserves for the worst case and needs none of it.
  for (let i = 0; i < 2000; i++) mm.mprotect(BASE, PAGE, i % 2 ? 1 : 3);
  expect(liveObjects(engine)).toBe(live);
  expect(engine.stats().memory.chunks).toBe(chunks);
});
