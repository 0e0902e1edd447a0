// The raw plane answers what the facade answers, in integers.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { VmaOut } from "../../assembly/shared/abi.js";
import { Errno } from "../../assembly/shared/errno.js";
import { Access, Engine, Fault, RawPlane } from "../../src/index.js";
import { watchLocks } from "../../src/testing.js";
import { BASE, draw, freshEngine, PAGE, PRIVATE_ANON, RW } from "../support/engine.js";

test("look-ups, locks and fields", async () => {
  const engine = await freshEngine();
  using space = engine.createMm();
  draw(space, "WW.R");
  const { raw } = engine;
  const mm = space.asRaw();
  const vma = raw.lockVmaUnderRcu(mm, BASE);
  expect(raw.vmaStart(vma)).toBe(BASE);
  expect(raw.vmaEnd(vma)).toBe(BASE + 2 * PAGE);
  expect(raw.vmaMm(vma)).toBe(mm);
  expect(raw.vmaFlags(vma) & 3).toBe(3);
  raw.vmaEndRead(vma);
  expect(raw.lockVmaUnderRcu(mm, 0)).toBe(0);
  expect(raw.mmapReadLock(mm)).toBe(0);
  expect(raw.mmapReadTrylock(mm)).toBe(1);
  expect(raw.mmapWriteTrylock(mm)).toBe(0);
  expect(raw.vmaLookup(mm, BASE + 2 * PAGE)).toBe(0);
  expect(raw.vmaStart(raw.findVma(mm, BASE + 2 * PAGE))).toBe(BASE + 3 * PAGE);
  expect(raw.findVmaPrev(mm, BASE + 2 * PAGE)).toBe(vma);
  raw.mmapReadUnlock(mm);
  raw.mmapReadUnlock(mm);
  expect(raw.mmapWriteLock(mm)).toBe(0);
  raw.mmapWriteDowngrade(mm);
  raw.mmapReadUnlock(mm);
});

test("peek and vmaRead, into scratch or an array of the caller", async () => {
  const engine = await freshEngine();
  using space = engine.createMm();
  draw(space, "WW");
  const { raw } = engine;
  const out = new Float64Array(VmaOut.COUNT);
  expect(raw.peek(space.asRaw(), BASE + 1, out)).toBe(1);
  expect([...out.slice(0, 2)]).toEqual([BASE, BASE + 2 * PAGE]);
  expect(raw.peek(space.asRaw(), BASE)).toBe(1);
  expect(raw.scratch[VmaOut.END]).toBe(BASE + 2 * PAGE);
  expect(raw.peek(space.asRaw(), 0, out)).toBe(0);
  out.fill(0);
  raw.vmaRead(raw.vmaLookup(space.asRaw(), BASE), out);
  expect(out[VmaOut.START]).toBe(BASE);
});

test("system calls return -errno", async () => {
  const engine = await freshEngine();
  using space = engine.createMm();
  const { raw } = engine;
  const mm = space.asRaw();
  expect(raw.mmap(mm, BASE, PAGE, RW, PRIVATE_ANON, 0, 0)).toBe(BASE);
  expect(raw.mmap(mm, 0, 0, RW, PRIVATE_ANON, 0, 0)).toBe(-Errno.EINVAL);
  expect(raw.munmap(mm, 1, PAGE)).toBe(-Errno.EINVAL);
  expect(raw.mprotect(mm, BASE, PAGE, 1)).toBe(0);
  expect(raw.handleMmFault(mm, BASE, Access.WRITE) & Fault.OUTCOME_MASK).toBe(Fault.SEGV_ACCERR);
  const child = raw.fork(mm);
  expect(raw.mmUsers(child)).toBe(1);
  expect([raw.mmFirst(), raw.mmNext(raw.mmFirst())].sort()).toEqual([mm, child].sort());
  raw.mmput(child);
  expect(raw.mmNext(mm)).toBe(0);
  expect(raw.mmValidate(mm)).toBe(0);
});

test.each([0, 1, 1023, 1024, 1025, 3000])("lookupMany of %s addresses", async (n) => {
  const engine = await freshEngine();
  using space = engine.createMm();
  draw(space, "W.R.X.".repeat(20));
  const addresses = Float64Array.from({ length: n }, (_, i) => BASE + ((i * 37) % 130) * PAGE);
  const out = new Uint32Array(n).fill(7);
  const expected = Array.from(addresses, (address) => engine.raw.vmaLookup(space.asRaw(), address));
  const found = engine.raw.lookupMany(space.asRaw(), addresses, out);
  expect([...out]).toEqual(expected);
  expect(found).toBe(expected.filter((vma) => vma !== 0).length);
});

test("the exports are there for other modules", async () => {
  const engine = await freshEngine();
  expect(engine.raw.exports.vma_lookup_i64).toBeTypeOf("function");
});

test("setVmaName takes its bytes from scratch, and -1 takes the name away", async () => {
  const engine = await freshEngine();
  using space = engine.createMm();
  draw(space, "W");
  const { raw } = engine;
  const name = new TextEncoder().encode("heap of ours");
  engine.context.core.u8.set(name);
  expect(raw.setVmaName(space.asRaw(), BASE, PAGE, name.length)).toBe(0);
  expect(space.maps()).toContain("[anon:heap of ours]");
  expect(raw.setVmaName(space.asRaw(), BASE, PAGE, -1)).toBe(0);
  expect(space.maps()).not.toContain("[anon:");
});

test("Access and Fault are the words of handleMmFault", async () => {
  const engine = await freshEngine();
  using space = engine.createMm();
  draw(space, "WR.X");
  const mm = space.asRaw();
  const fault = (page: number, access: number) =>
    engine.raw.handleMmFault(mm, BASE + page * PAGE, access);
  expect(fault(0, Access.READ)).toBe(Fault.OK);
  expect(fault(0, Access.WRITE)).toBe(Fault.OK | Fault.VIA_MMAP_LOCK);
  expect(fault(1, Access.WRITE) & Fault.OUTCOME_MASK).toBe(Fault.SEGV_ACCERR);
  expect(fault(3, Access.EXEC) & Fault.OUTCOME_MASK).toBe(Fault.OK);
  expect(fault(1, Access.EXEC) & Fault.OUTCOME_MASK).toBe(Fault.SEGV_ACCERR);
  expect(fault(2, Access.READ)).toBe(Fault.SEGV_MAPERR | Fault.VIA_MMAP_LOCK);
});

/** `NAME(a, b): type;` of the interface that the table of exports must fill. */
const DECLARED = [
  ...(readFileSync(new URL("../../src/raw.ts", import.meta.url), "utf8")
    .match(/interface RawCalls \{(.*?)\n\}/s)?.[1]
    ?.matchAll(/^ {2}(\w+)\(([^)]*)\):/gm) ?? []),
].map(([, name, list]) => [name as string, (list as string).match(/\w+: /g)?.length ?? 0] as const);

test.each(DECLARED)("%s is an export of %s arguments", async (name, count) => {
  const { raw } = await freshEngine();
  expect(Reflect.get(raw, name)).toHaveLength(count);
});

test("the plane follows lockdep, and throws once the engine is disposed", async () => {
  expect(DECLARED.length).toBeGreaterThan(40);
  const engine = await Engine.create({ wasm: readFileSync("dist/engine.verify.wasm") });
  const { raw } = engine;
  const mm = engine.createMm();
  const before = raw.mmapReadLock;
  watchLocks(engine);
  expect(raw.mmapReadLock).not.toBe(before);
  raw.mmapReadLock(mm.asRaw());
  raw.mmapReadUnlock(mm.asRaw());
  expect(raw).toBeInstanceOf(RawPlane);
  mm.dispose();
  engine.dispose();
  expect(() => raw.munmap(0, 0, 0)).toThrow(/engine used after dispose/);
  expect(() => raw.vmaLookup(0, 0)).toThrow(/engine used after dispose/);
});
