// Model test: the index against one entry a cell.
//
// Goal     any sequence of stores and erases leaves index and model alike, and every query
//          answers alike; also where two workers take turns, each of whom begins its stores at
//          the leaf of its last one (maple/cursor.ts C3; the verify build walks beside it).
// Method   after every step: mt_validate, equal pieces, queries at random places compared
//          with linear scans. Spaces: a few hundred pages (every collision happens), and
//          cells around the region borders with whole regions between.
//          fast-check prints the seed and shrinks; rerun with SEED=<n>.

import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { type Arena, attachMaple, freshArena, Prng, pieces, REGION } from "../support/maple";
import { CellModel, joined } from "../support/maple-model";

const SEED = process.env["SEED"] ? Number(process.env["SEED"]) : undefined;
const RUNS = Number(process.env["RUNS"] ?? 60);
const parameters = {
  numRuns: RUNS,
  // Shrinking stops here too: a smaller failure is worth half a minute, not more.
  interruptAfterTimeLimit: 30_000,
  ...(SEED === undefined ? {} : { seed: SEED }),
};

/** [kind, place, length, salt]: what they mean depends on the space (apply below). */
const steps = fc.array(fc.tuple(fc.nat(9), fc.nat(1 << 16), fc.nat(1 << 16), fc.nat(1 << 16)), {
  minLength: 1,
  maxLength: 220,
  size: "max",
});

function pagesUpTo(n: number): number[] {
  return Array.from({ length: n + 1 }, (_, i) => i);
}

/** Forty pages on each side of every border, and the wide middle of each region. */
function borderPoints(regions: number): number[] {
  const points: number[] = [];
  for (let border = 0; border <= regions * REGION; border += REGION) {
    for (let d = -40; d <= 40; d++) {
      const point = border + d;
      if (point >= 0 && point <= regions * REGION) points.push(point);
    }
  }
  return points;
}

function lengthOf(kind: number, raw: number, room: number): number {
  if (kind < 6) return 1 + (raw % Math.min(room, 3));
  if (kind < 8) return 1 + (raw % Math.min(room, 24));
  return 1 + (raw % room);
}

function apply(arena: Arena, model: CellModel, step: readonly number[], serial: number): void {
  const [kind, place, raw, salt] = step as [number, number, number, number];
  const from = place % model.cells.length;
  const to = from + lengthOf(kind, raw, model.cells.length - from);
  // A third erases; a few entries come again, next to themselves.
  const entry = salt % 3 === 0 ? 0 : salt % 7 === 0 ? 7 : 100 + serial;
  model.store(from, to, entry);
  expect(arena.maple.tree_store(model.points[from]!, model.points[to]!, entry)).toBe(0);
}

function agree(arena: Arena, model: CellModel, prng: Prng): void {
  const { maple } = arena;
  expect(maple.tree_validate()).toBe(0);
  expect(joined(pieces(arena, model.top))).toEqual(model.pieces());
  for (let i = 0; i < 4; i++) {
    const at = prng.below(model.points.length);
    const low = model.points[at]!;
    const high = model.points[Math.min(at + prng.below(60), model.points.length - 1)]!;
    const size = prng.below(4) === 0 ? 1 + prng.below(high - low + 2) : 1 + prng.below(8);
    expect(maple.tree_gap_highest(low, high, size)).toBe(model.highest(low, high, size));
    expect(maple.tree_gap_lowest(low, high, size)).toBe(model.lowest(low, high, size));
    expect(maple.tree_gap_highest(0, high, size)).toBe(model.highest(0, high, size));
    expect(maple.tree_gap_lowest(low, model.top, size)).toBe(model.lowest(low, model.top, size));
    expect(maple.tree_find(low, high)).toBe(model.find(low, high));
    expect(maple.tree_prev(low)).toBe(model.prev(low));
  }
}

/** Entries in order, once a range: like neighbours are two if stored as two. */
function iterated({ maple }: Arena, page: number): number[] {
  const all: number[] = [];
  maple.tree_iter_begin(page);
  for (let entry = maple.tree_iter_next(); entry !== 0; entry = maple.tree_iter_next()) {
    if (all[all.length - 1] !== entry) all.push(entry);
  }
  return all;
}

const arenas = new Map<number, Arena>();
function arenaOf(regions: number): Arena {
  const arena = arenas.get(regions) ?? freshArena({ regions });
  arenas.set(regions, arena);
  return arena;
}

afterEach(() => {
  for (const { maple } of arenas.values()) maple.tree_destroy();
});

function check(points: readonly number[], regions: number): void {
  const arena = arenaOf(regions);
  fc.assert(
    fc.property(steps, fc.nat(), (list, seed) => {
      const model = new CellModel(points);
      const prng = new Prng(seed);
      arena.maple.tree_destroy();
      expect(arena.maple.live(0) + arena.maple.live(1)).toBe(0);
      list.forEach((step, serial) => {
        apply(arena, model, step, serial);
        agree(arena, model, prng);
      });
      const page = points[prng.below(points.length)]!;
      const expected = model.pieces().filter((p) => p.entry !== 0 && p.end > page);
      const entries: number[] = [];
      for (const { entry } of expected)
        if (entries[entries.length - 1] !== entry) entries.push(entry);
      expect(iterated(arena, page)).toEqual(entries);
    }),
    parameters,
  );
}

test("the index agrees with the model on forty pages", () => check(pagesUpTo(40), 1));

test("the index agrees with the model on three hundred pages", () => check(pagesUpTo(300), 1));

test("the index agrees with the model around region borders", () => check(borderPoints(4), 4));

test("the index agrees with the model over a hundred thousand steps and deep trees", () => {
  const arena = arenaOf(1);
  const { maple } = arena;
  const model = new CellModel(pagesUpTo(8192));
  const seed = SEED ?? 20;
  const prng = new Prng(seed);
  let deepest = 0;
  for (let step = 0; step < 100_000; step++) {
    const from = prng.below(8192);
    // Waves: filling with single pages, then tearing down with wide stores.
    const wide = step % 20_000 > 15_000 && prng.below(100) === 0;
    const to = Math.min(8192, from + 1 + prng.below(wide ? 1500 : 4));
    const entry = prng.below(3) === 0 ? 0 : step + 1;
    model.store(from, to, entry);
    expect(maple.tree_store(from, to, entry)).toBe(0);
    if (step % 16 === 0) expect(maple.tree_validate(), `seed ${seed} step ${step}`).toBe(0);
    if (step % 64 === 0) {
      const probe = prng.below(8192);
      expect(maple.tree_load(probe)).toBe(model.cells[probe]);
      const high = probe + prng.below(8192 - probe) + 1;
      const size = 1 + prng.below(6);
      for (const low of [0, probe]) {
        const where = `seed ${seed} step ${step}: ${size} pages in [${low}, ${high})`;
        expect(maple.tree_gap_highest(low, high, size), where).toBe(model.highest(low, high, size));
        expect(maple.tree_gap_lowest(low, high, size), where).toBe(model.lowest(low, high, size));
      }
    }
    if (step % 2000 === 0) {
      expect(joined(pieces(arena, 8192))).toEqual(model.pieces());
      deepest = Math.max(deepest, maple.tree_height(0));
    }
  }
  expect(deepest).toBeGreaterThanOrEqual(4);
});

/** Stores near one another, so that most begin at the last one's leaf; now and then far away. */
class Walker {
  readonly maple: Arena["maple"];
  #at = 0;

  constructor(arena: Arena, seat: number) {
    this.maple = seat === 0 ? arena.maple : attachMaple(arena.memory);
    if (seat !== 0) this.maple.attach(seat);
  }

  next(prng: Prng, top: number): [number, number] {
    this.#at = prng.below(12) === 0 ? prng.below(top) : this.#at + prng.below(9) - 4;
    this.#at = Math.min(Math.max(this.#at, 0), top - 1);
    const length = 1 + prng.below(prng.below(30) === 0 ? 200 : 3);
    return [this.#at, Math.min(this.#at + length, top)];
  }
}

test("two workers who take turns leave what one would have", () => {
  const arena = freshArena({ regions: 3 });
  const points = borderPoints(3);
  const seed = SEED ?? 26;
  const prng = new Prng(seed);
  const walkers = [new Walker(arena, 0), new Walker(arena, 1)];
  let model = new CellModel(points);
  let [walker] = walkers;
  let deepest = 0;
  for (let step = 0; step < 60_000; step++) {
    if (prng.below(6) === 0) walker = walkers[prng.below(2)];
    const { maple } = walker!;
    if (prng.below(3000) === 0) {
      maple.tree_destroy();
      model = new CellModel(points);
    }
    if (prng.below(4000) === 0) {
      expect(maple.tree_dup()).toBe(0);
      maple.twin_destroy();
    }
    const [from, to] = walker!.next(prng, model.cells.length);
    const entry = prng.below(3) === 0 ? 0 : step + 1;
    model.store(from, to, entry);
    expect(maple.tree_store(points[from]!, points[to]!, entry), `seed ${seed} step ${step}`).toBe(
      0,
    );
    deepest = Math.max(deepest, maple.tree_height(0));
    if (step % 16 === 0) expect(maple.tree_validate(), `seed ${seed} step ${step}`).toBe(0);
    if (step % 500 === 0) expect(joined(pieces(arena, model.top))).toEqual(model.pieces());
  }
  expect(deepest).toBeGreaterThanOrEqual(2);
});
