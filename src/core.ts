// Core: the exports of the wasm module, typed; one instance a worker.
//
// Types only state what docs/abi.md says. Handles come back as i32 and are unsigned:
// callers write `>>> 0`. Floor: S1. Imports: shared, memory, wasm.

import { Abi, type Ref } from "../assembly/shared/abi.js";
import { checkVersion } from "./memory.js";

type Mm = number;
type Vma = number;
type File = number;
type Flight = number;

/** What takes bytes as f64. */
interface AddressExports {
  lock_vma_under_rcu(mm: Mm, address: number): Vma;
  vma_lookup(mm: Mm, address: number): Vma;
  find_vma(mm: Mm, address: number): Vma;
  find_vma_prev(mm: Mm, address: number): Vma;
  peek(mm: Mm, address: number, out: number): number;
  mmap(
    mm: Mm,
    address: number,
    length: number,
    prot: number,
    flags: number,
    file: File,
    offset: number,
  ): number;
  munmap(mm: Mm, address: number, length: number): number;
  mprotect(mm: Mm, address: number, length: number, prot: number): number;
  mremap(
    mm: Mm,
    address: number,
    oldLength: number,
    newLength: number,
    flags: number,
    newAddress: number,
  ): number;
  brk(mm: Mm, address: number): number;
  madvise(mm: Mm, address: number, length: number, advice: number): number;
  mlock(mm: Mm, address: number, length: number, flags: number): number;
  munlock(mm: Mm, address: number, length: number): number;
  msync(mm: Mm, address: number, length: number, flags: number): number;
  mincore(mm: Mm, address: number, length: number): number;
  mseal(mm: Mm, address: number, length: number, flags: number): number;
  /** The name's bytes are at the start of scratch; a negative length takes the name away. */
  set_vma_name(mm: Mm, address: number, length: number, nameLength: number): number;
  handle_mm_fault(mm: Mm, address: number, access: number): number;
}

/** What has no `_i64` twin. */
interface WholeExports {
  mlockall(mm: Mm, flags: number): number;
  munlockall(mm: Mm): number;
  mm_fork(mm: Mm): number;
  remap_file_pages(
    mm: Mm,
    address: number,
    length: number,
    prot: number,
    pgoff: number,
    flags: number,
  ): number;
}

/** System calls: those that exist a second time for callers that hold the write lock. */
type SystemCallName =
  | "mmap"
  | "munmap"
  | "mprotect"
  | "mremap"
  | "brk"
  | "madvise"
  | "mlock"
  | "munlock"
  | "msync"
  | "mincore"
  | "mseal"
  | "set_vma_name"
  | "handle_mm_fault";

/** The twin of a function: every `number` that is a byte address or length is a bigint. */
interface WideExports {
  lock_vma_under_rcu_i64(mm: Mm, address: bigint): Vma;
  vma_lookup_i64(mm: Mm, address: bigint): Vma;
  find_vma_i64(mm: Mm, address: bigint): Vma;
  peek_i64(mm: Mm, address: bigint, out: number): number;
}

export interface WideCalls {
  mmap(
    mm: Mm,
    address: bigint,
    length: bigint,
    prot: number,
    flags: number,
    file: File,
    offset: bigint,
  ): Result;
  munmap(mm: Mm, address: bigint, length: bigint): Result;
  mprotect(mm: Mm, address: bigint, length: bigint, prot: number): Result;
  mremap(
    mm: Mm,
    address: bigint,
    oldLength: bigint,
    newLength: bigint,
    flags: number,
    newAddress: bigint,
  ): Result;
  brk(mm: Mm, address: bigint): Result;
  madvise(mm: Mm, address: bigint, length: bigint, advice: number): Result;
  mlock(mm: Mm, address: bigint, length: bigint, flags: number): Result;
  munlock(mm: Mm, address: bigint, length: bigint): Result;
  msync(mm: Mm, address: bigint, length: bigint, flags: number): Result;
  mincore(mm: Mm, address: bigint, length: bigint): Result;
  mseal(mm: Mm, address: bigint, length: bigint, flags: number): Result;
  set_vma_name(mm: Mm, address: bigint, length: bigint, nameLength: number): Result;
}

type Result = number | bigint;

/** One way of making system calls: taking the write lock, or under a held one. */
export interface CallTable extends Pick<AddressExports, SystemCallName>, WholeExports {
  readonly wide: WideCalls;
}

type Locked = {
  [Name in SystemCallName as `${Name}_locked`]: AddressExports[Name];
};

/** Every export: docs/abi.md is the reference. */
export interface CoreExports extends AddressExports, WholeExports, WideExports, Locked {
  layout_version(): number;
  arena_init(bytes: number, maxWorkers: number, flags: number): number;
  worker_attach(mayBlock: number): number;
  worker_detach(): void;
  worker_scratch(): number;
  worker_counter(seat: number, counter: number): number;
  worker_seat_taken(seat: number): number;
  worker_generation(seat: number): number;
  worker_reap(seat: number): number;
  max_workers(): number;
  worker_reserve(): number;
  worker_sit(seat: number, generation: number, mayBlock: number): number;
  worker_mark_dead(seat: number, generation: number): number;
  worker_look(): number;
  worker_report(seat: number, generation: number): number;
  slab_live(kind: number): number;
  slab_bytes(kind: number): number;
  slab_chunks(): number;
  slab_object_size(kind: number): number;
  fail_after(n: number): void;
  fail_pending(): number;

  mm_create(): number;
  mm_settings(mm: Mm, out: number): void;
  mmgrab(mm: Mm): number;
  mmdrop(mm: Mm): void;
  mmget(mm: Mm): number;
  mmget_not_zero(mm: Mm): number;
  mmput(mm: Mm): void;
  mmput_async(mm: Mm): void;
  flight_launch(kind: Ref, object: number): number;
  flight_land(flight: Flight, claim: number): number;
  flight_landed(flight: Flight): number;
  flight_recall(flight: Flight): number;
  mm_run_deferred(): number;
  mm_users(mm: Mm): number;
  mm_count(mm: Mm): number;
  mm_stat(mm: Mm, stat: number): number;
  mm_limit_set(mm: Mm, limit: number, bytes: number): void;
  mm_caps_set(mm: Mm, caps: number): void;
  mm_flags_set(mm: Mm, flags: number): void;
  mm_brk_init(mm: Mm, startBrk: number, brk: number, dataSegment: number, startStack: number): void;
  mm_validate(mm: Mm): number;
  mm_validate_under_lock(mm: Mm): number;
  mm_is_valid(mm: Mm): number;
  mm_tree_height(mm: Mm, region: number): number;
  mm_tree_nodes(mm: Mm, leaves: number): number;
  fork_locked(mm: Mm): number;
  mlockall_locked(mm: Mm, flags: number): number;
  munlockall_locked(mm: Mm): number;
  mm_first(): Mm;
  mm_next(mm: Mm): Mm;

  file_create(): number;
  file_get(file: File): number;
  file_put(file: File): void;
  file_info(file: File): void;

  /** Under the write lock; u32[0] of scratch: the VMA to call the mmap hook with, or 0. */
  mmap_begin(
    mm: Mm,
    address: bigint,
    length: bigint,
    prot: number,
    flags: number,
    file: File,
    offset: bigint,
  ): bigint;
  mmap_commit(mm: Mm, vma: Vma, flags: number): number;
  mmap_abort(mm: Mm, vma: Vma): void;
  vma_update_flags(vma: Vma, set: number, unset: number): void;
  vma_insert_page(vma: Vma, address: number, page: number): number;
  vma_zap_page_range(vma: Vma, address: number, size: number): void;
  mm_has_pages(mm: Mm): number;
  mm_pages_present(mm: Mm, address: number, count: number): number;
  page_create(): number;
  page_get(page: number): number;
  page_put(page: number): void;
  page_refs(page: number): number;

  mmap_read_trylock(mm: Mm): number;
  mmap_write_trylock(mm: Mm): number;
  mmap_lock_is_contended(mm: Mm): number;
  mmap_read_lock(mm: Mm): number;
  mmap_write_lock(mm: Mm): number;
  mmap_read_unlock(mm: Mm): void;
  mmap_write_unlock(mm: Mm): void;
  mmap_write_downgrade(mm: Mm): number;
  mmap_read_queue(mm: Mm): number;
  mmap_write_queue(mm: Mm): number;
  mmap_read_queued(mm: Mm, ticket: number): number;
  mmap_write_queued(mm: Mm): number;
  mmap_read_cancel(mm: Mm, ticket: number): number;
  mmap_write_cancel(mm: Mm): number;

  vma_end_read(vma: Vma): void;
  vma_start(vma: Vma): number;
  vma_end(vma: Vma): number;
  vma_flags(vma: Vma): number;
  vma_pgoff(vma: Vma): number;
  vma_file(vma: Vma): File;
  vma_mm(vma: Vma): Mm;
  vma_anon_vma(vma: Vma): number;
  vma_anon_name(vma: Vma): number;
  vma_read(vma: Vma, out: number): void;
  vma_name(name: number): number;
  lookup_many(mm: Mm, addresses: number, out: number, n: number): number;
  vma_install(mm: Mm, start: number, end: number, flags: number, pgoff: number, file: File): number;
  vma_explain(mm: Mm, address: number): number;
  unmapped_area(
    mm: Mm,
    address: number,
    length: number,
    pgoff: number,
    flags: number,
    file: File,
  ): number;
  guard_in(mm: Mm, start: number, end: number): number;
}

/** Puts the module on a memory. Changes no byte of it. */
export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): CoreExports {
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  const exports = instance.exports as unknown as CoreExports;
  if (typeof exports.layout_version !== "function") {
    throw new TypeError("the wasm is not a vmaple engine");
  }
  checkVersion(exports.layout_version(), "the wasm");
  return exports;
}

/** One worker's instance: exports, its seat, views on memory and on its scratch area. */
export class Core {
  /** Replaced as a whole when the engine is disposed: every later call throws. */
  x!: CoreExports;
  /** System calls that take the mmap write lock themselves. */
  calls!: CallTable;
  /** System calls under a write lock that the caller holds. */
  lockedCalls!: CallTable;
  /** The raw plane on this core, whose calls follow. */
  plane: { fill(): void } | undefined;
  readonly memory: WebAssembly.Memory;
  /** The whole arena, to wait on. */
  readonly i32: Int32Array<ArrayBufferLike>;
  /** This worker's seat. */
  readonly seat: number;
  /** Byte address of the scratch area, and the area as f64, u32 and bytes. */
  readonly scratch: number;
  readonly f64: Float64Array<ArrayBufferLike>;
  readonly u32: Uint32Array<ArrayBufferLike>;
  readonly u8: Uint8Array<ArrayBufferLike>;

  /** `seat`: what worker_attach returned. */
  constructor(exports: CoreExports, memory: WebAssembly.Memory, seat: number) {
    this.replace(exports);
    this.memory = memory;
    this.i32 = new Int32Array(memory.buffer);
    this.seat = seat;
    this.scratch = exports.worker_scratch() >>> 0;
    this.f64 = new Float64Array(memory.buffer, this.scratch, Abi.SCRATCH_BYTES / 8);
    this.u32 = new Uint32Array(memory.buffer, this.scratch, Abi.SCRATCH_BYTES / 4);
    this.u8 = new Uint8Array(memory.buffer, this.scratch, Abi.SCRATCH_BYTES);
  }

  /** Calls go through these from here on: lockdep.ts looks at what passes. */
  replace(exports: CoreExports): void {
    this.x = exports;
    this.calls = callTable(exports, "");
    this.lockedCalls = callTable(exports, "_locked");
    this.plane?.fill();
  }

  /** After the seat is given back: whoever still holds a piece of this engine learns it. */
  kill(): void {
    const dead = new Proxy(
      {},
      {
        get() {
          throw new TypeError("engine used after dispose");
        },
      },
    );
    this.x = dead as CoreExports;
    this.calls = dead as CallTable;
    this.lockedCalls = dead as CallTable;
    if (this.plane) Object.setPrototypeOf(this.plane, dead);
  }
}

/** The system calls are what exists a second time, as `NAME_locked`. */
function callTable(exports: CoreExports, suffix: "" | "_locked"): CallTable {
  const source = exports as unknown as Record<string, unknown>;
  const wide: Record<string, unknown> = {};
  const table: Record<string, unknown> = {};
  for (const locked in source) {
    const name = locked.replace(/_locked$/, "");
    if (name === locked) continue;
    table[name] = source[name + suffix];
    wide[name] = source[`${name}${suffix}_i64`];
  }
  const mm_fork = suffix === "" ? exports.mm_fork : exports.fork_locked;
  // A copy: V8 makes what is filled one by one a hash table, in which each call is looked up.
  return { ...table, wide, mm_fork } as unknown as CallTable;
}
