// sync/refcount.ts: counts of references that saturate instead of wrapping.

import { describe, expect, test } from "vitest";
import { draw, freshEngine } from "../../../support/engine.js";

/** Offsets of an mm's counts (assembly/base/layout.ts), and what sync/refcount.ts calls SATURATED. */
const USERS = 0;
const COUNT = 8;
const SATURATED = 0x40000000;

async function space() {
  const engine = await freshEngine();
  const mm = engine.createMm();
  draw(mm, "W");
  const words = new Uint32Array(engine.memory.buffer);
  const raw = engine.raw.exports;
  const at = mm.asRaw();
  return { engine, mm, at, raw, users: (at + USERS) / 4, count: (at + COUNT) / 4, words };
}

describe("counting", () => {
  test("up and down, users and structs apart", async () => {
    const { raw, at } = await space();
    raw.mmget(at);
    raw.mmgrab(at);
    raw.mmgrab(at);
    expect([raw.mm_users(at), raw.mm_count(at)]).toEqual([2, 3]);
    raw.mmput(at);
    raw.mmdrop(at);
    raw.mmdrop(at);
    expect([raw.mm_users(at), raw.mm_count(at)]).toEqual([1, 1]);
  });

  test("zero is final: get_not_zero fails and changes nothing (C1)", async () => {
    const { engine, raw, at } = await space();
    raw.mmgrab(at);
    expect(raw.mmget_not_zero(at)).toBe(1);
    raw.mmput(at);
    raw.mmput(at); // the last: teardown
    expect(engine.stats().memory.kinds.vma.live).toBe(0);
    for (let i = 0; i < 3; i++) expect(raw.mmget_not_zero(at)).toBe(0);
    expect([raw.mm_users(at), raw.mm_count(at)]).toEqual([0, 1]);
  });

  test("a get of nothing, and a put too many, trap in the verify build (C1)", async () => {
    const { raw, at } = await space();
    raw.mmgrab(at);
    raw.mmput(at);
    expect(() => raw.mmget(at)).toThrow(WebAssembly.RuntimeError);
    expect(() => raw.mmput(at)).toThrow(WebAssembly.RuntimeError);
    expect(raw.mm_users(at)).toBe(0);
  });
});

describe("saturation (C2)", () => {
  test("a saturated count never changes again: the space leaks, it is not freed", async () => {
    const { engine, raw, at, words, users } = await space();
    words[users] = SATURATED;
    raw.mmget(at);
    expect(raw.mm_users(at)).toBe(SATURATED);
    expect(raw.mmget_not_zero(at)).toBe(1);
    for (let i = 0; i < 5; i++) raw.mmput(at);
    expect(raw.mm_users(at)).toBe(SATURATED);
    expect(engine.stats().memory.kinds.vma.live).toBe(1);
    words[users] = 1;
  });

  test("the last count below it saturates with one get", async () => {
    const { raw, at, words, count } = await space();
    words[count] = SATURATED - 1;
    raw.mmgrab(at);
    expect(raw.mm_count(at)).toBe(SATURATED);
    raw.mmdrop(at);
    expect(raw.mm_count(at)).toBe(SATURATED);
    words[count] = 1;
  });

  test("mm_count saturated: the users' last put tears down, the record stays", async () => {
    const { engine, raw, at, words, count } = await space();
    words[count] = SATURATED;
    raw.mmput(at);
    expect(engine.stats().memory.kinds).toMatchObject({ vma: { live: 0 }, mm: { live: 1 } });
    expect(raw.mm_users(at)).toBe(0);
  });
});

test("files count like spaces: handle, VMAs, and the last one frees", async () => {
  const { engine, mm } = await space();
  const file = engine.openFile({ name: "/f" });
  const refs = () => new Uint32Array(engine.memory.buffer)[file.asRaw() / 4];
  expect(refs()).toBe(1);
  const map = () => mm.mmap({ length: 4096, prot: 1, flags: 1, file, offset: 0 });
  const first = map();
  map();
  expect(refs()).toBe(3);
  mm.munmap(first, 4096);
  expect(refs()).toBe(2);
  const clone = file.clone();
  expect(refs()).toBe(3);
  clone.dispose();
  file.dispose();
  expect(engine.stats().memory.kinds.file.live).toBe(1);
  mm.munmap(0x10000, 2 ** 47 - 0x20000);
  expect(engine.stats().memory.kinds.file.live).toBe(0);
});
