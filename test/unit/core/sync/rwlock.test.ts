// sync/rwlock.ts: the sleeping read-write lock behind the mmap lock (R-LOCK-20..26).
//
// Seats in one thread try; real threads block.

import { describe, expect, test } from "vitest";
import { type Engine, MmWithUser } from "../../../../src/index.js";
import { attachSeat, freshEngine } from "../../../support/engine.js";
import { settled, Thread } from "../thread.js";

interface Seats {
  readonly engine: Engine;
  readonly mm: number;
  /** One letter a seat: `r` reads, `w` writes, `-` was refused. */
  tries(what: string): string;
  unlock(seat: number): void;
}

async function seats(n: number): Promise<Seats> {
  const engine = await freshEngine();
  const all = [
    engine,
    ...(await Promise.all(Array.from({ length: n - 1 }, () => attachSeat(engine)))),
  ];
  const mm = engine.createMm().asRaw();
  const held = new Map<number, string>();
  const attempt = (seat: number, letter: string) => {
    const { raw } = all[seat] as Engine;
    const got = letter === "r" ? raw.mmapReadTrylock(mm) : raw.mmapWriteTrylock(mm);
    if (got === 1) held.set(seat, letter);
    return got === 1 ? letter : "-";
  };
  return {
    engine,
    mm,
    tries: (what) =>
      [...what].map((letter, seat) => (letter === "." ? "." : attempt(seat, letter))).join(""),
    unlock: (seat) => {
      const { raw } = all[seat] as Engine;
      if (held.get(seat) === "r") raw.mmapReadUnlock(mm);
      else raw.mmapWriteUnlock(mm);
      held.delete(seat);
    },
  };
}

describe("trying", () => {
  test.each([
    ["readers share", "rrrr", "rrrr"],
    ["a writer is alone", "wrrw", "w---"],
    ["readers keep a writer out", "rwrw", "r-r-"],
    ["two writers exclude each other", "ww", "w-"],
  ])("%s", async (_name, wanted, got) => {
    const s = await seats(wanted.length);
    expect(s.tries(wanted)).toBe(got);
  });

  test("what is let go can be taken", async () => {
    const s = await seats(3);
    s.tries("w");
    s.unlock(0);
    expect(s.tries(".rr")).toBe(".rr");
    s.unlock(1);
    expect(s.tries("w")).toBe("-");
    s.unlock(2);
    expect(s.tries("w")).toBe("w");
  });

  test("a refused try leaves no trace", async () => {
    const s = await seats(2);
    s.tries("w");
    for (let i = 0; i < 50; i++) expect(s.tries(".w")).toBe(".-");
    for (let i = 0; i < 50; i++) expect(s.tries(".r")).toBe(".-");
    s.unlock(0);
    expect(s.engine.raw.exports.mmap_lock_is_contended(s.mm)).toBe(0);
    expect(s.tries(".w")).toBe(".w");
  });

  test("one worker may read twice, by trying", async () => {
    const s = await seats(2);
    expect(s.tries("r")).toBe("r");
    expect(s.engine.raw.mmapReadTrylock(s.mm)).toBe(1);
    s.unlock(0);
    expect(s.tries(".w")).toBe(".-");
    s.engine.raw.mmapReadUnlock(s.mm);
    expect(s.tries(".w")).toBe(".w");
  });
});

describe("downgrading (R-LOCK-24)", () => {
  test("keeps writers out and lets readers in", async () => {
    const s = await seats(3);
    s.tries("w");
    s.engine.raw.mmapWriteDowngrade(s.mm);
    expect(s.tries(".rw")).toBe(".r-");
    s.engine.raw.mmapReadUnlock(s.mm);
    s.unlock(1);
    expect(s.tries("..w")).toBe("..w");
  });

  test("readers that waited come in with it", async () => {
    const engine = await freshEngine();
    const seat = await attachSeat(engine);
    using mm = engine.createMm();
    const other = MmWithUser.fromRaw(seat, mm.asRaw());
    const write = mm.mmapWriteLock();
    const waiting = other.mmapReadLockAsync();
    using read = write.downgrade();
    (await waiting).dispose();
    expect(read.released).toBe(false);
  });
});

describe("blocking", () => {
  test("a reader sleeps until the writer lets go", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    await using thread = await Thread.start(engine);
    const guard = mm.mmapWriteLock();
    const blocked = thread.run(["mmap_read_lock", mm.asRaw()]);
    expect(await settled(blocked)).toBe(false);
    guard.dispose();
    expect(await blocked).toBe(0);
    expect(mm.mmapWriteTrylock()).toBeNull();
    await thread.run(["mmap_read_unlock", mm.asRaw()]);
    mm.mmapWriteLock().dispose();
  });

  test("a writer sleeps until the last reader lets go; new readers wait behind it", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    await using thread = await Thread.start(engine);
    const [first, second] = [mm.mmapReadTrylock(), mm.mmapReadTrylock()];
    const blocked = thread.run(["mmap_write_lock", mm.asRaw()]);
    expect(await settled(blocked)).toBe(false);
    expect(mm.mmapReadTrylock()).toBeNull(); // readers do not starve a writer
    first?.dispose();
    expect(await settled(blocked)).toBe(false);
    second?.dispose();
    expect(await blocked).toBe(0);
    await thread.run(["mmap_write_unlock", mm.asRaw()]);
    mm.mmapReadLock().dispose();
  });

  test("two threads that only write both get on", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    await using one = await Thread.start(engine);
    await using two = await Thread.start(engine);
    const pair = [
      ["mmap_write_lock", mm.asRaw()],
      ["mmap_write_unlock", mm.asRaw()],
    ] as const;
    const calls = Array.from({ length: 400 }, () => pair).flat();
    await Promise.all([one.run(...calls), two.run(...calls)]);
    expect(mm.stat().sequence).toBe(2 * 400 * 2);
    expect(mm.mmapWriteTrylock()?.dispose()).toBeUndefined();
    expect(engine.raw.exports.mmap_lock_is_contended(mm.asRaw())).toBe(0);
  });

  test("a writer between readers that never pause gets on", async () => {
    const engine = await freshEngine();
    using mm = engine.createMm();
    await using reader = await Thread.start(engine);
    await using writer = await Thread.start(engine);
    const read = [
      ["mmap_read_lock", mm.asRaw()],
      ["mmap_read_unlock", mm.asRaw()],
    ] as const;
    const write = [
      ["mmap_write_lock", mm.asRaw()],
      ["mmap_write_unlock", mm.asRaw()],
    ] as const;
    const results = await Promise.all([
      reader.run(...Array.from({ length: 1000 }, () => read).flat()),
      writer.run(...Array.from({ length: 200 }, () => write).flat()),
    ]);
    expect(results).toHaveLength(2);
    expect(mm.stat().sequence).toBe(2 * 200);
  });
});
