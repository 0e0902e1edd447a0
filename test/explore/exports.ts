// What the two wasm modules of the explorer export (assembly/explore-entry.ts, -filter.ts).

/** docs/abi.md has the meanings; addresses and lengths are bytes. */
export interface Core {
  asyncify_start_unwind(stack: number): void;
  asyncify_stop_unwind(): void;
  asyncify_start_rewind(stack: number): void;
  asyncify_stop_rewind(): void;
  arena_init(bytes: number, workers: number, flags: number): number;
  worker_attach(mayBlock: number): number;
  worker_scratch(): number;
  worker_sit(seat: number, generation: number, mayBlock: number): number;
  worker_seat(): number;
  mm_create(): number;
  mm_count(mm: number): number;
  mm_users(mm: number): number;
  mm_stat(mm: number, stat: number): number;
  mm_validate(mm: number): number;
  mm_validate_under_lock(mm: number): number;
  mm_tree_height(mm: number, region: number): number;
  mm_tree_nodes(mm: number, leaves: number): number;
  mm_run_deferred(): number;
  mm_fork(mm: number): number;
  mm_first(): number;
  mm_next(mm: number): number;
  mmget(mm: number): number;
  mmget_not_zero(mm: number): number;
  mmput(mm: number): void;
  mmput_async(mm: number): void;
  mmgrab(mm: number): number;
  mmdrop(mm: number): void;
  mmap(
    mm: number,
    address: number,
    length: number,
    prot: number,
    flags: number,
    file: number,
    offset: number,
  ): number;
  mmap_locked: Core["mmap"];
  munmap(mm: number, address: number, length: number): number;
  munmap_locked(mm: number, address: number, length: number): number;
  mprotect(mm: number, address: number, length: number, prot: number): number;
  mremap(
    mm: number,
    address: number,
    oldLength: number,
    newLength: number,
    flags: number,
    newAddress: number,
  ): number;
  handle_mm_fault(mm: number, address: number, access: number): number;
  lock_vma_under_rcu(mm: number, address: number): number;
  vma_end_read(vma: number): void;
  vma_lookup(mm: number, address: number): number;
  brk(mm: number, address: number): number;
  madvise(mm: number, address: number, length: number, advice: number): number;
  mlockall(mm: number, flags: number): number;
  set_vma_name(mm: number, address: number, length: number, nameLength: number): number;
  mmap_begin(
    mm: number,
    address: bigint,
    length: bigint,
    prot: number,
    flags: number,
    file: number,
    offset: bigint,
  ): bigint;
  mmap_commit(mm: number, vma: number, flags: number): number;
  mmap_abort(mm: number, vma: number): void;
  vma_update_flags(vma: number, set: number, unset: number): void;
  vma_insert_page(vma: number, address: number, page: number): number;
  page_create(): number;
  page_put(page: number): void;
  file_create(): number;
  file_get(file: number): number;
  file_put(file: number): void;
  find_vma(mm: number, address: number): number;
  peek(mm: number, address: number, out: number): number;
  mmap_read_lock(mm: number): number;
  mmap_read_trylock(mm: number): number;
  mmap_read_unlock(mm: number): void;
  mmap_read_queue(mm: number): number;
  mmap_read_queued(mm: number, ticket: number): number;
  mmap_read_cancel(mm: number, ticket: number): number;
  mmap_write_lock(mm: number): number;
  mmap_write_trylock(mm: number): number;
  mmap_write_unlock(mm: number): void;
  mmap_write_downgrade(mm: number): void;
  mmap_write_queue(mm: number): number;
  mmap_write_queued(mm: number): number;
  mmap_write_cancel(mm: number): number;
  slab_alloc(kind: number): number;
  slab_free(kind: number, object: number): void;
  slab_reserve(kind: number, n: number): number;
  slab_drain(): void;
  worker_reap(seat: number): number;
  refs_give_back(): number;
  flight_launch(kind: number, object: number): number;
  flight_land(flight: number, claim: number): number;
  flight_recall(flight: number): number;
  worker_mark_dead(seat: number, generation: number): number;
  worker_look(): number;
  worker_generation(seat: number): number;
  slab_live(kind: number): number;
  slab_bytes(kind: number): number;
}

export interface FilterExports {
  touch(address: number, how: number): void;
  snapshot(): void;
  restore(): void;
  set_fiber(bit: number, rewind: number): void;
  set_mode(live: number, stop: number): void;
  step(): number;
  take_grown(): number;
  point_address(): number;
  point_how(): number;
}
