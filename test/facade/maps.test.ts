// /proc/PID/maps text (R-PROC-1..7) and snapshots.

import { expect, test } from "vitest";
import { MapFlags, Prot, VmFlags } from "../../src/index.js";
import { BASE, draw, freshEngine, PAGE, PRIVATE_ANON, RW, SHARED_ANON } from "../support/engine.js";

const FIXED = MapFlags.FIXED;

test("files: offset, device, inode, name from column 73", async () => {
  const engine = await freshEngine();
  using mm = engine.createMm();
  using file = engine.openFile({
    name: "/usr/lib/libc.so.6",
    dev: "fe:1",
    inode: 338944,
    size: 2 ** 30,
  });
  const place = { length: 2 * PAGE, flags: MapFlags.PRIVATE | FIXED, file };
  mm.mmap({ ...place, address: BASE, prot: Prot.READ | Prot.EXEC, offset: 0x28000 });
  expect(mm.maps()).toBe(
    "10000000-10002000 r-xp 00028000 fe:01 338944                             /usr/lib/libc.so.6\n",
  );
  expect(mm.maps().indexOf("/")).toBe(73);
});

test("shared mappings of a file that is not writable show s", async () => {
  const engine = await freshEngine();
  using mm = engine.createMm();
  using file = engine.openFile({ name: "/f", size: PAGE, writable: false });
  mm.mmap({ address: BASE, length: PAGE, prot: Prot.READ, flags: MapFlags.SHARED | FIXED, file });
  expect(mm.maps().slice(0, 22)).toBe("10000000-10001000 r--s");
  expect(mm.vmas()[0]?.flags).toBe(
    VmFlags.READ + VmFlags.MAYREAD + VmFlags.MAYEXEC + VmFlags.MAYSHARE,
  );
});

test("anonymous memory has no offset, shared anonymous memory a name", async () => {
  const engine = await freshEngine();
  using mm = engine.createMm();
  mm.mmap({ address: BASE, length: PAGE, prot: 0, flags: PRIVATE_ANON | FIXED });
  mm.mmap({ address: BASE + PAGE, length: PAGE, prot: RW, flags: SHARED_ANON | FIXED });
  expect(mm.maps()).toBe(
    "10000000-10001000 ---p 00000000 00:00 0 \n" +
      "10001000-10002000 rw-s 00000000 00:01 1                                  /dev/zero (deleted)\n",
  );
});

test("names: newline escaped, deleted files, special mappings", async () => {
  const engine = await freshEngine();
  using mm = engine.createMm();
  const map = (page: number, options: object) => {
    using file = engine.openFile({ name: "", size: 2 ** 30, ...options });
    const flags = MapFlags.PRIVATE | FIXED;
    mm.mmap({ address: BASE + page * PAGE, length: PAGE, prot: 1, flags, file, offset: 8 * PAGE });
  };
  map(0, { name: "/a b\n\\ü", inode: 7, dev: { major: 259, minor: 3 } });
  map(1, { name: "/memfd:x", deleted: true, kind: "shmem", dev: 0x1 });
  map(2, { name: "[vvar]", kind: "special" });
  const lines = mm.maps().split("\n");
  expect(lines.map((line) => line.slice(73))).toEqual([
    "/a b\\012\\ü",
    "/memfd:x (deleted)",
    "[vvar]",
    "",
  ]);
  expect(lines[0]?.slice(23, 73).trimEnd()).toBe("00008000 103:03 7");
  expect(lines[1]?.slice(23, 73).trimEnd()).toBe("00008000 00:01 0");
  expect(lines[2]?.slice(23, 73).trimEnd()).toBe("00000000 00:00 0");
});

test("[heap] on each part, [stack] where it starts", async () => {
  const engine = await freshEngine();
  using mm = engine.createMm({ startStack: BASE + 2 * PAGE + 8 });
  draw(mm, "W.W");
  const heap = mm.brk();
  mm.brk(heap + 3 * PAGE);
  mm.mprotect(heap + PAGE, PAGE, Prot.READ);
  expect(mm.vmas().map((vma) => vma.name)).toEqual([null, "[stack]", "[heap]", "[heap]", "[heap]"]);
});

test("a name of 4096 bytes, in UTF-8", async () => {
  const engine = await freshEngine();
  using mm = engine.createMm();
  const name = `/${"é".repeat(2047)}x`;
  using file = engine.openFile({ name, size: PAGE });
  mm.mmap({ address: BASE, length: PAGE, prot: 1, flags: MapFlags.PRIVATE | FIXED, file });
  file.dispose();
  expect(mm.vmas()[0]?.name).toBe(name);
  mm.munmap(BASE, PAGE);
  expect(engine.stats().memory.kinds).toMatchObject({ file: { live: 0 }, name: { live: 0 } });
});

test("a snapshot keeps its answer; the sequence says that the space changed", async () => {
  const engine = await freshEngine();
  using mm = engine.createMm();
  draw(mm, "WW");
  const before = mm.stat().sequence;
  const copy = mm.peek(BASE);
  const all = mm.vmas();
  mm.munmap(BASE, PAGE);
  expect(copy).toMatchObject({ start: BASE, end: BASE + 2 * PAGE, name: null });
  expect(all).toHaveLength(1);
  expect(mm.peek(BASE)).toBeNull();
  expect(mm.peek(BigInt(BASE + PAGE))?.start).toBe(BASE + PAGE);
  expect(mm.stat().sequence).not.toBe(before);
});

test("files are found through VMAs and keep their numbers", async () => {
  const engine = await freshEngine();
  using mm = engine.createMm();
  using file = engine.openFile({ name: "/f", dev: "8:2", inode: 2 ** 40, size: 12345 });
  expect(file.info()).toMatchObject({
    major: 8,
    minor: 2,
    inode: 2 ** 40,
    size: 12345,
    name: "/f",
  });
  mm.mmap({ address: BASE, length: PAGE, prot: 1, flags: MapFlags.SHARED | FIXED, file });
  using guard = mm.mmapReadLock();
  expect(guard.vmaLookup(BASE)?.file?.asRaw()).toBe(file.asRaw());
  using twin = file.clone();
  expect(twin.asRaw()).toBe(file.asRaw());
  expect(() => engine.openFile({ name: "/f", dev: "x" })).toThrow(TypeError);
});

test("faults", async () => {
  const engine = await freshEngine();
  using mm = engine.createMm();
  draw(mm, "WRNX");
  using file = engine.openFile({ name: "/f", size: PAGE });
  const end = BASE + 4 * PAGE;
  mm.mmap({ address: end, length: 2 * PAGE, prot: RW, flags: MapFlags.SHARED | FIXED, file });
  const outcome = (page: number, access: "read" | "write" | "exec") =>
    mm.handleMmFault(BASE + page * PAGE, access).outcome;
  expect(outcome(0, "write")).toBe("OK");
  expect(outcome(1, "write")).toBe("SEGV_ACCERR");
  expect(outcome(2, "read")).toBe("SEGV_ACCERR");
  expect(outcome(3, "exec")).toBe("OK");
  expect(outcome(0, "exec")).toBe("SEGV_ACCERR");
  expect(outcome(4, "write")).toBe("OK");
  expect(mm.handleMmFault(end + PAGE, "read")).toMatchObject({
    outcome: "BUS_ADRERR",
    signal: "SIGBUS",
  });
  expect(mm.handleMmFault(2n ** 60n, "read")).toMatchObject({ ok: false, signal: "SIGSEGV" });
  expect(mm.handleMmFault(BASE, "read")).toMatchObject({ ok: true, viaMmapLock: false });
});

test("a stack grows", async () => {
  const engine = await freshEngine();
  using mm = engine.createMm();
  const flags = PRIVATE_ANON | FIXED | MapFlags.GROWSDOWN;
  const top = BASE + 2048 * PAGE;
  mm.mmap({ address: top, length: PAGE, prot: RW, flags });
  expect(mm.handleMmFault(top - 5 * PAGE, "write")).toMatchObject({ ok: true, grewStack: true });
  expect(mm.vmas()).toMatchObject([{ start: top - 5 * PAGE, end: top + PAGE }]);
});
