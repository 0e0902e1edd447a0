// Every name that is promised to users is there, of its kind and with its arguments.
//
// test/support/contract.json is the list. A name is renamed or taken away only there, and in
// the open; what comes in addition need not be in it. What the names do, other tests say.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, expectTypeOf, test } from "vitest";
import type {
  Address,
  EngineOptions,
  EngineShare,
  FileOps,
  FileRef,
  Gap,
  MmapArgs,
  MmapReadGuard,
  MmapWriteGuard,
  MmOptions,
  MmWithUser,
  MmWithUserAsync,
  MremapArgs,
  Page,
  ReapReport,
  ValidationReport,
  VmaMixedMap,
  VmaNew,
  VmaReadGuard,
  VmaRef,
  VmaSnapshot,
} from "../../src/index.js";
import { Engine, MmError, type WasmSource } from "../../src/index.js";
import { BASE, draw, freshEngine } from "../support/engine.js";

const ROOT = new URL("../../", import.meta.url);
const read = (path: string) => JSON.parse(readFileSync(new URL(path, ROOT), "utf8"));

interface Contract {
  readonly exports: Readonly<Record<string, readonly string[]>>;
  readonly statics: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly methods: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly properties: Readonly<Record<string, readonly string[]>>;
  readonly disposable: readonly string[];
  readonly commands: Readonly<Record<string, readonly string[]>>;
}

const contract: Contract = read("test/support/contract.json");
const manifest: { exports: Record<string, { default: string } | string> } = read("package.json");

/** What a subpath of the package exports, as built. */
async function subpath(name: string): Promise<Record<string, unknown>> {
  const target = manifest.exports[name];
  if (typeof target !== "object") throw new Error(`package.json exports no ${name}`);
  return import(/* @vite-ignore */ new URL(target.default, ROOT).href);
}

type Class = { readonly prototype: Record<string, unknown> } & Record<string, unknown>;

const main = await subpath(".");
const engine = await Engine.create();
/** Of the raw plane an instance: its calls are the exports of the engine's own module. */
const classOf = (name: string): Class =>
  (name === "raw" ? { prototype: engine.raw } : main[name]) as unknown as Class;

describe.each(Object.entries(contract.exports))("vmaple%s", (path, names) => {
  test.each(names)("exports %s", async (name) => {
    expect(await subpath(path)).toHaveProperty(name);
  });
});

test("vmaple/engine.wasm is the module that the package inlines", async () => {
  const file = manifest.exports["./engine.wasm"] as string;
  const module = new WebAssembly.Module(readFileSync(new URL(file, ROOT)));
  using engine = await Engine.create({ wasm: module });
  expect(engine.slot).toBe(0);
});

const members = (list: Contract["methods"]) =>
  Object.entries(list).flatMap(([name, all]) =>
    Object.entries(all).map(([member, needed]) => [name, member, needed] as const),
  );

test.each(members(contract.statics))("%s.%s takes %i arguments", (name, member, needed) => {
  expect(classOf(name)[member]).toHaveLength(needed);
});

test.each(members(contract.methods))("%s#%s takes %i arguments", (name, member, needed) => {
  const method = classOf(name).prototype[member];
  expect(method).toBeTypeOf("function");
  expect(method).toHaveLength(needed);
});

test("properties are readable", async () => {
  const engine = await freshEngine();
  using mm = engine.createMm();
  draw(mm, "W");
  using guard = mm.mmapReadLock();
  const error = new MmError(22, "mmap");
  const objects: Record<string, object | null> = {
    Engine: engine,
    Mm: mm,
    VmaRef: guard.vmaLookup(BASE),
    MmError: error,
  };
  guard.dispose();
  using vma = mm.lockVmaUnderRcu(BASE);
  objects.VmaReadGuard = vma;
  using other = mm.mmapReadTrylock();
  objects.VmaRef = other?.vmaLookup(BASE) ?? null;
  expect(Object.keys(objects).sort()).toEqual(Object.keys(contract.properties).sort());
  for (const [name, properties] of Object.entries(contract.properties)) {
    for (const property of properties) {
      expect(objects[name]?.[property as never], `${name}.${property}`).not.toBeUndefined();
    }
  }
});

test.each(contract.disposable)("%s is Disposable", (name) => {
  expect(classOf(name).prototype[Symbol.dispose as never]).toBeTypeOf("function");
});

describe.each(Object.entries(contract.commands))("vmaple %s", (command, options) => {
  test("--help names its options", () => {
    const cli = new URL("dist/src/cli.js", ROOT).pathname;
    const run = spawnSync(process.execPath, [cli, command, "--help"], { encoding: "utf8" });
    expect(run.status).toBe(0);
    for (const option of options) expect(run.stdout).toMatch(new RegExp(`^ {2}${option}\\b`, "m"));
  });
});

test("arguments and results have the promised types", () => {
  expectTypeOf<number | bigint>().toEqualTypeOf<Address>();
  expectTypeOf(Engine.create).toExtend<(options?: EngineOptions) => Promise<Engine>>();
  expectTypeOf(Engine.attach).toExtend<
    (share: EngineShare, options?: { wasm?: WasmSource }) => Promise<Engine>
  >();
  expectTypeOf<Engine>().toExtend<{
    share(): EngineShare;
    createMm(options?: MmOptions): MmWithUser;
    registerFileOps(kind: string, ops: FileOps): void;
    readonly slot: number;
    reap(slot: number): ReapReport;
    validate(): ValidationReport;
  }>();
  expectTypeOf<MmWithUser>().toExtend<{
    clone(): MmWithUser;
    lockVmaUnderRcu(address: Address): VmaReadGuard | null;
    mmapReadLock(): MmapReadGuard;
    mmapReadTrylock(): MmapReadGuard | null;
    mmapReadLockAsync(): Promise<MmapReadGuard>;
    mmapWriteLock(): MmapWriteGuard;
    mmapWriteTrylock(): MmapWriteGuard | null;
    mmapWriteLockAsync(): Promise<MmapWriteGuard>;
    intoMmputAsync(): MmWithUserAsync;
    peek(address: Address): VmaSnapshot | null;
    mmap(args: MmapArgs): number;
    mremap(args: MremapArgs): number;
    brk(address?: Address): number;
    mincore(address: Address, length: Address): Uint8Array;
    setVmaName(address: Address, length: Address, name: string | null): void;
    fork(): MmWithUser;
    maps(): string;
    smaps(): string;
    vmas(): VmaSnapshot[];
  }>();
  expectTypeOf<MmapReadGuard>().toExtend<{
    vmaLookup(address: Address): VmaRef | null;
    findVma(address: Address): VmaRef | null;
    vmas(from?: Address): Iterable<VmaRef>;
    gaps(): Iterable<Gap>;
  }>();
  expectTypeOf<MmapWriteGuard>().toExtend<{ downgrade(): MmapReadGuard }>();
  expectTypeOf<VmaRef>().toExtend<{
    readonly start: number;
    readonly flags: number;
    readonly file: FileRef | null;
    readonly name: string | null;
    mm(): MmWithUser;
    zapPageRangeSingle(address: Address, size: Address): void;
    asMixedmapVma(): VmaMixedMap | null;
  }>();
  expectTypeOf<VmaMixedMap>().toExtend<
    VmaRef & { vmInsertPage(address: Address, page: Page): void }
  >();
  expectTypeOf<VmaNew>().toExtend<
    VmaRef & { setMixedmap(): VmaMixedMap; readable(): boolean; tryClearMayread(): void }
  >();
  expectTypeOf<MmError>().toExtend<
    Error & { readonly code: string; readonly errno: number; readonly syscall: string }
  >();
});
