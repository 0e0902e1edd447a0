// What must, and what must not, type-check. tsc reads this file in `npm run types`.

import { expect, expectTypeOf, test } from "vitest";
import {
  type Address,
  Engine,
  type EngineShare,
  FileRef,
  type Gap,
  hasFlags,
  Madvise,
  MapFlags,
  type MemoryStats,
  MlockFlags,
  Mm,
  type MmapArgs,
  MmapReadGuard,
  MmapWriteGuard,
  MmError,
  type MmOptions,
  MmWithUser,
  MmWithUserAsync,
  MremapFlags,
  MsyncFlags,
  Prot,
  permsOf,
  type RemapFilePagesArgs,
  type SystemCalls,
  type ValidationReport,
  VmaReadGuard,
  VmaRef,
  type VmaSnapshot,
  VmFlags,
} from "../../src/index.js";
import type { ExecOptions, exec, getMdwe } from "../../src/process.js";
import type { ApartField, ApartReason, Explanation, whyApart } from "../../src/why.js";

test("state is a type", () => {
  expectTypeOf<MmWithUser>().toExtend<Mm>();
  expectTypeOf<MmWithUserAsync>().toExtend<MmWithUser>();
  expectTypeOf<MmapWriteGuard>().toExtend<MmapReadGuard>();
  expectTypeOf<VmaReadGuard>().toExtend<VmaRef>();
  expectTypeOf<MmWithUser>().toExtend<SystemCalls>();
  expectTypeOf<MmapWriteGuard>().toExtend<SystemCalls>();
  // A space without a user reference has neither locks nor calls; a read guard changes nothing.
  expectTypeOf<Mm>().not.toHaveProperty("mmapReadLock");
  expectTypeOf<Mm>().not.toHaveProperty("munmap");
  expectTypeOf<MmapReadGuard>().not.toHaveProperty("munmap");
  expectTypeOf<MmapReadGuard>().not.toHaveProperty("upgrade");
  expectTypeOf<VmaRef>().not.toHaveProperty("dispose");
});

test("what is owned is disposable", () => {
  expectTypeOf<Engine>().toExtend<Disposable>();
  expectTypeOf<Mm>().toExtend<Disposable>();
  expectTypeOf<FileRef>().toExtend<Disposable>();
  expectTypeOf<MmapReadGuard>().toExtend<Disposable>();
  expectTypeOf<VmaReadGuard>().toExtend<Disposable>();
});

test("signatures", () => {
  expectTypeOf<Address>().toEqualTypeOf<number | bigint>();
  expectTypeOf(Engine.create).returns.resolves.toEqualTypeOf<Engine>();
  expectTypeOf(Engine.attach).parameter(0).toEqualTypeOf<EngineShare>();
  expectTypeOf<Mm["mmgetNotZero"]>().returns.toEqualTypeOf<MmWithUser | null>();
  expectTypeOf<Mm["clone"]>().returns.toEqualTypeOf<Mm>();
  expectTypeOf<MmWithUser["clone"]>().returns.toEqualTypeOf<MmWithUser>();
  expectTypeOf<MmWithUserAsync["clone"]>().returns.toEqualTypeOf<MmWithUserAsync>();
  expectTypeOf<MmWithUser["intoMmputAsync"]>().returns.toEqualTypeOf<MmWithUserAsync>();
  expectTypeOf<MmWithUser["lockVmaUnderRcu"]>().returns.toEqualTypeOf<VmaReadGuard | null>();
  expectTypeOf<MmWithUser["mmapReadTrylock"]>().returns.toEqualTypeOf<MmapReadGuard | null>();
  expectTypeOf<MmWithUser["mmapWriteLockAsync"]>().returns.resolves.toEqualTypeOf<MmapWriteGuard>();
  expectTypeOf<MmWithUser["peek"]>().returns.toEqualTypeOf<VmaSnapshot | null>();
  expectTypeOf<MmWithUser["mmap"]>().parameter(0).toEqualTypeOf<MmapArgs>();
  expectTypeOf<MmWithUser["mmap"]>().returns.toEqualTypeOf<number>();
  expectTypeOf<MmWithUser["mincore"]>().returns.toEqualTypeOf<Uint8Array>();
  expectTypeOf<MmWithUser["setVmaName"]>().parameters.toEqualTypeOf<
    [Address, Address, string | null]
  >();
  expectTypeOf<MmWithUser["smaps"]>().returns.toEqualTypeOf<string>();
  expectTypeOf<typeof whyApart>().returns.toEqualTypeOf<Explanation | null>();
  expectTypeOf<typeof exec>().parameter(1).toEqualTypeOf<ExecOptions | undefined>();
  expectTypeOf<typeof exec>().returns.toEqualTypeOf<MmWithUser>();
  expectTypeOf<MmWithUser["remapFilePages"]>().parameter(0).toEqualTypeOf<RemapFilePagesArgs>();
  expectTypeOf<typeof getMdwe>().returns.toEqualTypeOf<boolean | "no-inherit">();
  expectTypeOf<MmOptions["mdwe"]>().toEqualTypeOf<boolean | "no-inherit" | undefined>();
  expectTypeOf<MmapWriteGuard["setVmaName"]>().returns.toEqualTypeOf<void>();
  expectTypeOf<ApartReason["field"]>().toEqualTypeOf<ApartField>();
  expectTypeOf<MemoryStats["liveBytes"]>().toEqualTypeOf<number>();
  expectTypeOf<MmWithUser["validate"]>().returns.toEqualTypeOf<ValidationReport>();
  expectTypeOf<MmapWriteGuard["downgrade"]>().returns.toEqualTypeOf<MmapReadGuard>();
  expectTypeOf<MmapReadGuard["gaps"]>().returns.toExtend<Iterable<Gap>>();
  expectTypeOf<VmaRef["file"]>().toEqualTypeOf<FileRef | null>();
  expectTypeOf<VmaRef["name"]>().toEqualTypeOf<string | null>();
  expectTypeOf<MmError["errno"]>().toEqualTypeOf<number>();
});

test("flags are Linux's", () => {
  expect(Prot.READ | Prot.WRITE | Prot.EXEC).toBe(7);
  expect(MapFlags).toMatchObject({ SHARED: 1, PRIVATE: 2, FIXED: 0x10, ANONYMOUS: 0x20 });
  expect(MapFlags.FIXED_NOREPLACE).toBe(0x100000);
  expect(MremapFlags).toEqual({ MAYMOVE: 1, FIXED: 2, DONTUNMAP: 4 });
  expect(MlockFlags).toEqual({ ONFAULT: 1, CURRENT: 1, FUTURE: 2, ALL_ONFAULT: 4 });
  expect(MsyncFlags).toEqual({ ASYNC: 1, INVALIDATE: 2, SYNC: 4 });
  expect(Madvise).toMatchObject({ DONTNEED: 4, DONTFORK: 10, GUARD_INSTALL: 102 });
  expect(VmFlags).toMatchObject({ MIXEDMAP: 0x10000000, MERGEABLE: 0x80000000, SEALED: 2 ** 42 });
  expectTypeOf(Prot.READ).toExtend<number>();
});

test("hasFlags sees the bits above 31", () => {
  const flags = VmFlags.SEALED + VmFlags.MERGEABLE + VmFlags.READ;
  expect(hasFlags(flags, VmFlags.SEALED)).toBe(true);
  expect(hasFlags(flags, VmFlags.SEALED + VmFlags.READ)).toBe(true);
  expect(hasFlags(flags, VmFlags.MERGEABLE)).toBe(true);
  expect(hasFlags(flags, VmFlags.DROPPABLE)).toBe(false);
  expect(hasFlags(flags, VmFlags.WRITE + VmFlags.SEALED)).toBe(false);
  expect(permsOf(VmFlags.READ + VmFlags.EXEC + VmFlags.SEALED)).toBe("r-xp");
});

test("wrong use does not type-check", async () => {
  const wrong = (mm: MmWithUser, guard: MmapReadGuard, engine: Engine) => {
    // @ts-expect-error two lengths are not told apart by position
    mm.mmap(4096, 3, 0x22);
    // @ts-expect-error prot is required
    mm.mmap({ length: 4096, flags: 0x22 });
    // @ts-expect-error a path is no FileRef
    mm.mmap({ length: 4096, prot: 1, flags: 2, file: "/etc/passwd" });
    // @ts-expect-error a read guard changes nothing
    guard.munmap(0, 4096);
    // @ts-expect-error a guard is made by a lock
    new MmapReadGuard();
    // @ts-expect-error 8 KiB pages do not exist
    engine.createMm({ pageSize: 8192 });
    // @ts-expect-error not an access
    mm.handleMmFault(0, "jump");
  };
  expect(wrong).toBeTypeOf("function");
});

test("the package's classes are there at run time", () => {
  for (const made of [Engine, Mm, MmWithUser, MmWithUserAsync, FileRef, VmaRef, MmError]) {
    expect(made).toBeTypeOf("function");
  }
  for (const guard of [MmapReadGuard, MmapWriteGuard, VmaReadGuard])
    expect(guard).toBeTypeOf("function");
});
