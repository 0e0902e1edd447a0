// What a scenario is, and the small address spaces that scenarios play in.

import { MmStat } from "../../assembly/shared/abi";
import type { Edit } from "./compile";
import type { Core } from "./exports";
import { HOLD, MM, RW_LOCK, SEAT, SLABS, VMA } from "./layout";
import { type Body, type Call, Violation, type World } from "./world";

export interface Mutant {
  name: string;
  edits: Edit[];
}

/** What most scenarios set up: a space, and the live objects from before it. */
export interface Space {
  mm: number;
  before: number[];
}

// biome-ignore lint/suspicious/noExplicitAny: each scenario has a setup type of its own
export interface Scenario<S = any> {
  name: string;
  title: string;
  /** Races of upstream Linux (numbers of the specification's list) that this is a test for. */
  upstream?: number[];
  fibers: number;
  /** Builds the state that every schedule begins with. */
  setup(world: World): S;
  /** The fibers of one schedule, and what must hold at its end. */
  run(world: World, setup: S): { fibers: Body[]; check(): void };
  /** Changes of the core that this scenario must notice. */
  mutants: Mutant[];
  /** Pre-emptions in the quick run; 2 if not given. */
  bound?: number;
  /** World.ticks; 0 if not given. */
  ticks?: number;
  /** Schedules in the quick run, if not the usual number. */
  cap?: number;
}

export const PAGE = 4096;
export const READ = 1;
export const WRITE = 2;
const PRIVATE_ANONYMOUS_FIXED = 0x02 | 0x20 | 0x10;
export const GROWSDOWN = 0x100;
/** The access argument of handle_mm_fault. */
export const ACCESS_WRITE = 1;

/** VmaOut words that peek writes. */
export interface Seen {
  start: number;
  end: number;
  flags: number;
  pgoff: number;
}

export function expect(condition: boolean, message: string): void {
  if (!condition) throw new Violation(message);
}

/** The address of page `n` of the small space: above mmap_min_addr. */
export function at(page: number): number {
  return 0x100000 + page * PAGE;
}

/** Writes what mm_create reads, for an mm of one region, to the worker's scratch. */
export function writeMmWords(world: World, x: Core): void {
  const words = [12, 2 ** 40, 2 ** 39, 65536, 0, 4, 65530, 2 ** 30, 0, 0, -1, -1, -1, -1];
  const scratch = x.worker_scratch() >> 3;
  for (let i = 0; i < 64; i++) world.f64[scratch + i] = words[i] ?? 0;
  world.f64[scratch + 16] = 2 ** 20; // TOTALRAM_PAGES
  world.f64[scratch + 17] = 2 ** 39; // LEGACY_BASE
}

/** An empty mm of one region: mm_users 1, mm_count 1. */
export function makeMm(world: World, x: Core = world.control): number {
  writeMmWords(world, x);
  const mm = x.mm_create();
  if (mm <= 0) throw new Error(`mm_create: ${mm}`);
  return mm;
}

/** Maps pages [first, first + n) of the small space; traps as an Error, not a violation. */
export function map(x: Core, mm: number, first: number, n: number, prot: number, flags = 0): void {
  const result = mapFixed(x, mm, first, n, prot, flags);
  if (result !== at(first)) throw new Error(`mmap: ${result}`);
}

export function mapFixed(x: Core, mm: number, first: number, n: number, prot: number, flags = 0) {
  return x.mmap(mm, at(first), n * PAGE, prot, PRIVATE_ANONYMOUS_FIXED | flags, 0, 0);
}

/** Fills every fiber's magazines, so that no schedule goes to the depots. */
export function warm(world: World): void {
  for (const { x } of world.fibers) {
    const mm = makeMm(world, x);
    for (let i = 0; i < 6; i++) map(x, mm, 4 * i, 2, READ);
    for (const kind of [0, 1, 2, 3]) x.slab_reserve(kind, 8);
    x.mmput(mm);
  }
}

/** The VMAs of these pages have been read-locked since they were last marked: the usual case. */
export function lockOnce(world: World, mm: number, pages: number[]): void {
  const x = world.control;
  for (const page of pages) {
    const vma = x.lock_vma_under_rcu(mm, at(page));
    if (vma !== 0) x.vma_end_read(vma);
  }
}

/** Live objects of each SlabKind. */
export function live(world: World): number[] {
  return SLABS.map((_, kind) => world.control.slab_live(kind));
}

/** No fiber's seat names a VMA or a lock. */
export function checkHolds(world: World): void {
  for (const [index, seat] of world.seats.entries()) {
    for (let i = 0; i < HOLD.SLOTS; i++) {
      const vma = world.u32[(seat + SEAT.VMA_HOLDS + i * 4) >> 2];
      const lock = world.u32[(seat + SEAT.LOCK_HOLDS + i * HOLD.LOCK_STRIDE) >> 2];
      expect(vma === 0 && lock === 0, `fiber ${index} still holds ${vma} ${lock}`);
    }
  }
}

/** Nobody waits for `mm`'s lock any more: what told so is gone with the next release (W5). */
export function checkWaited(world: World, mm: number): void {
  const x = world.control;
  expect(x.mmap_write_trylock(mm) === 1, "the mmap lock was left held");
  x.mmap_write_unlock(mm);
  const waited = world.u32[(mm + MM.LOCK + RW_LOCK.WAITED) >> 2];
  expect(waited === 0, "somebody who is gone still waits for the mmap lock");
}

/** Every invariant of `mm`, and that nobody holds its lock. */
export function checkMm(world: World, mm: number): void {
  const x = world.control;
  checkHolds(world);
  expect(x.mmap_write_trylock(mm) === 1, "the mmap lock was left held");
  const code = x.mm_validate_under_lock(mm);
  x.mmap_write_unlock(mm);
  const where = world.f64[x.worker_scratch() >> 3];
  expect(code === 0, `mm_validate: ${code} at ${where}`);
}

/** Puts `mm`'s only user back: nothing may stay alive but what was before the mm. */
export function checkTeardown(world: World, mm: number, before: number[]): void {
  world.control.mmput(mm);
  expect(String(live(world)) === String(before), `leak: live ${live(world)}, before ${before}`);
}

/** Every VMA of these pages is attached to `mm`. */
export function checkRefcounts(world: World, mm: number, pages: number[]): void {
  for (const page of pages) {
    const vma = world.control.vma_lookup(mm, at(page));
    const owner = vma === 0 ? mm : world.u32[(vma + VMA.LIFE) >> 2]! & ~1;
    expect(owner === mm, `the VMA at page ${page} is attached to ${owner}, not ${mm}`);
  }
}

export function mutant(file: string, name: string, from: string, to: string): Mutant {
  return { name, edits: [{ file, from, to }] };
}

/**
 * Read-locks the VMA at `page`, holds it over a point where others may come, and lets it
 * go. World.hold asserts that it is the right one and stays as it is.
 */
export function* lockVma(world: World, x: Core, mm: number, page: number): Body {
  const vma = yield () => x.lock_vma_under_rcu(mm, at(page));
  if (vma === 0) return;
  world.hold(vma, mm, at(page));
  yield () => x.mm_stat(mm, MmStat.SEQUENCE);
  world.release(vma);
  yield () => x.vma_end_read(vma);
}

/** One call. */
export function* call(once: Call): Body {
  yield once;
}

/** What peek wrote to this worker's scratch. */
export function seen(world: World, x: Core): Seen {
  const scratch = x.worker_scratch() >> 3;
  const word = (i: number) => world.f64[scratch + i]!;
  return { start: word(0), end: word(1), flags: word(2), pgoff: word(3) };
}
