// mmap of a file whose kind has operations: begin, the hook, commit or abort.
//
// Linux runs f_ops->mmap under the write lock, after the limits are checked and what FIXED
// replaces is gone, before the VMA is in the tree (R-MAP-60, 31). Its refusal leaves a hole
// where FIXED had something to replace, and else nothing (R-MAP-FIXED-8).
// Floor: S2. Imports: errors, file, vma-new.

import type { Context } from "./context.js";
import { checked, type ErrorArgs, MmError } from "./errors.js";
import { readFileInfo } from "./file.js";
import { type FileOps, VmaNew } from "./vma-new.js";

/** mmap's arguments as the core takes them. */
export interface MmapWords {
  readonly address: bigint;
  readonly length: bigint;
  readonly prot: number;
  readonly flags: number;
  readonly file: number;
  readonly offset: bigint;
}

/**
 * The operations of a file's kind in this worker.
 *
 * @throws TypeError this worker has none: registerFileOps is each worker's own business
 */
export function fileOpsOf(context: Context, file: number): FileOps {
  const { kind, name } = readFileInfo(context.core, file);
  const ops = context.fileOps.get(kind);
  if (ops !== undefined) return ops;
  throw new TypeError(
    `mmap of ${name}: its kind is "${kind}", call registerFileOps in this worker too`,
  );
}

/**
 * The address of the mapping. Context: `mm` is write-locked by this worker.
 *
 * @throws MmError the core's refusal, or the hook's; whatever else the hook throws
 */
export function mmapWithHook(
  context: Context,
  mm: number,
  words: MmapWords,
  ops: FileOps,
  args: () => ErrorArgs,
): number {
  const { core } = context;
  const { address, length, prot, flags, file, offset } = words;
  const begun = core.x.mmap_begin(mm, address, length, prot, flags, file, offset);
  const at = checked(begun, "mmap", args);
  const vma = core.u32[0] as number;
  if (vma === 0) return at; // joined a neighbour
  try {
    runHook(new VmaNew(context, vma, null), ops);
  } catch (error) {
    core.x.mmap_abort(mm, vma);
    if (!(error instanceof MmError)) throw error;
    throw new MmError(error.errno, "mmap", args(), error.code, { cause: error });
  }
  checked(core.x.mmap_commit(mm, vma, flags), "mmap", args);
  return at;
}

function runHook(vma: VmaNew, ops: FileOps): void {
  try {
    const answer: unknown = ops.mmap(vma);
    if (typeof (answer as PromiseLike<unknown> | null)?.then === "function") {
      throw new TypeError("an mmap hook must not be asynchronous: it runs under a lock");
    }
  } finally {
    vma.retire();
  }
}
