// Table of contents of the package `vmaple`. Importing it has no side effects.

export type { Address } from "./address.js";
export type { LockOptions } from "./async-lock.js";
export type { LeakReport } from "./context.js";
export type { CoreExports } from "./core.js";
export {
  type AttachOptions,
  Engine,
  type EngineOptions,
  type EngineShare,
  type EngineStats,
  type MemoryStats,
  type SlabName,
  type WorkerCounters,
  type WorkerStats,
} from "./engine.js";
export { type ErrorArgs, MmError, NotThreadSafeError, WouldBlockError } from "./errors.js";
export {
  Access,
  Fault,
  type FaultAccess,
  type FaultOutcome,
  type FaultResult,
} from "./fault.js";
export {
  type Device,
  type FileInfo,
  type FileKind,
  type FileOptions,
  type FilePtr,
  FileRef,
} from "./file.js";
export {
  hasFlags,
  Madvise,
  MapFlags,
  MlockFlags,
  MremapFlags,
  MsyncFlags,
  Prot,
  permsOf,
  VmFlags,
} from "./flags.js";
export { type Gap, MmapReadGuard, MmapWriteGuard, VmaReadGuard } from "./guards.js";
export type { VmaSnapshot } from "./maps-text.js";
export { Mm, type MmPtr, MmWithUser } from "./mm.js";
export type { MmOptions, Rlimits } from "./mm-options.js";
export type { MmStatus } from "./mm-status.js";
export { MmWithUserAsync } from "./mm-with-user-async.js";
export { Page, type PagePtr } from "./page.js";
export { RawPlane } from "./raw.js";
export type { ReapReport, ReservedSeat } from "./reap.js";
export type { MmapArgs, MremapArgs, RemapFilePagesArgs, SystemCalls } from "./system-calls.js";
export type { ValidationReport, Violation } from "./validation.js";
export { VmaMixedMap, type VmaPtr, VmaRef } from "./vma.js";
export { type FileOps, VmaNew } from "./vma-new.js";
export type { WasmSource } from "./wasm.js";
