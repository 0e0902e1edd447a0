// What the views compute before they draw: scales, zoom, search, table lines, the look-up's way.

import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { Machine } from "../../web/app/machine.js";
import { type Rows, rowAt } from "../../web/app/rows.js";
import { type ScaleName, Store } from "../../web/app/store.js";
import { readCommand } from "../../web/command/read.js";
import { MPROTECT_THE_MIDDLE, SMALL_PROCESS } from "../../web/presets/first.js";
import { clampedSpan, PAGE_BYTES, projectionOf, zoomed } from "../../web/view/bar/scale.js";
import { itemsOf } from "../../web/view/table/items.js";
import { findRows, parseSearch } from "../../web/view/table/search.js";
import { pathTo } from "../../web/view/tree/path.js";

const END = 2 ** 47 - PAGE_BYTES;
const REGION_BYTES = 2 ** 30 * PAGE_BYTES;
const SCALES: readonly ScaleName[] = ["linear", "log", "gaps"];
const BUFFER = 0x7fff_f7d8_0000;

let store: Store;
let rows: Rows;

beforeAll(async () => {
  store = new Store(await Machine.create(), SMALL_PROCESS);
  await store.load(SMALL_PROCESS, MPROTECT_THE_MIDDLE);
  store.seek(2);
  rows = store.moment.value.after;
});

describe("a scale", () => {
  const spans = fc
    .tuple(fc.integer({ min: 0, max: 2 ** 35 - 2 }), fc.integer({ min: 0, max: 2 ** 35 - 2 }))
    .map(([a, b]) =>
      clampedSpan({ start: Math.min(a, b) * PAGE_BYTES, end: Math.max(a, b) * PAGE_BYTES }, END),
    );

  test.each(SCALES)(
    "%s is monotone, covers the window to its borders, and can be inverted",
    (name) => {
      fc.assert(
        fc.property(spans, fc.array(fc.double({ min: 0, max: 1, noNaN: true })), (span, shares) => {
          const { x, address } = projectionOf(name, rows, span, 800);
          expect(x(span.start)).toBeCloseTo(0, 6);
          expect(x(span.end)).toBeCloseTo(800, 6);
          let before = -1;
          for (const share of shares.sort((a, b) => a - b)) {
            const at = span.start + share * (span.end - span.start);
            expect(x(at)).toBeGreaterThanOrEqual(before);
            before = x(at);
            expect(Math.abs(x(address(x(at))) - x(at))).toBeLessThan(1e-3);
          }
        }),
      );
    },
  );

  test("gaps gives every mapping of a small process a place of its own", () => {
    const { x } = projectionOf("gaps", rows, { start: 0, end: END }, 800);
    for (let row = 0; row < rows.count; row++) {
      expect(x(rows.end[row]!) - x(rows.start[row]!)).toBeGreaterThan(10);
    }
  });

  test.each(SCALES)("%s zooms from the whole space to one page and back", (name) => {
    let span = { start: 0, end: END };
    const target = BUFFER + 5 * PAGE_BYTES + 100;
    for (let i = 0; i < 200 && span.end - span.start > PAGE_BYTES; i++) {
      const projection = projectionOf(name, rows, span, 800);
      const x = projection.x(target);
      span = zoomed(projection, span, { x, width: 800, factor: 0.5, taskSize: END });
      expect(span.start).toBeLessThanOrEqual(target);
      expect(span.end).toBeGreaterThan(target);
    }
    expect(span).toEqual({ start: BUFFER + 5 * PAGE_BYTES, end: BUFFER + 6 * PAGE_BYTES });
    for (let i = 0; i < 200; i++) {
      const projection = projectionOf(name, rows, span, 800);
      span = zoomed(projection, span, { x: 400, width: 800, factor: 2, taskSize: END });
    }
    expect(span).toEqual({ start: 0, end: END });
  });
});

describe("a search", () => {
  test.each([
    ["", { kind: "all" }],
    ["0x7fff", { kind: "address", address: 0x7fff }],
    ["7ffff7d84000", { kind: "address", address: BUFFER + 0x4000 }],
    ["cafe", { kind: "name", part: "cafe" }],
    ["rw", { kind: "perms", letters: "rw" }],
    ["R-X", { kind: "perms", letters: "r-x" }],
    ["---p", { kind: "perms", letters: "---p" }],
    [" libC ", { kind: "name", part: "libc" }],
    ["[heap]", { kind: "name", part: "[heap]" }],
  ])("%j", (text, search) => {
    expect(parseSearch(text)).toEqual(search);
  });

  test("finds by address, permissions and name", () => {
    const found = (text: string) =>
      findRows(rows, parseSearch(text))?.map((row) => rows.start[row]!.toString(16));
    expect(found("")).toBeUndefined();
    expect(found("7ffff7d85123")).toEqual(["7ffff7d84000"]);
    expect(found("0x1000")).toEqual([]);
    expect(found("r-xp")).toEqual(["555555556000", "7ffff7de6000", "7ffff7ffb000"]);
    expect(found("x")).toEqual(found("r-xp"));
    expect(found("anon")).toEqual(["7ffff7d80000", "7ffff7d84000", "7ffff7d88000"]);
    expect(found("libc")).toHaveLength(4);
  });
});

describe("the lines of the table", () => {
  test("show where a row went, and what came in its place", () => {
    const { before, after, changes } = store.moment.value;
    const items = itemsOf(store.moment.value, null);
    const lines = Array.from({ length: items.count }, (_, place) => items.at(place));
    expect(items.count).toBe(after.count + 1);
    const at = lines.findIndex((item) => item < 0);
    expect(before.start[~lines[at]!]).toBe(BUFFER);
    expect(lines.slice(at + 1, at + 4)).toEqual(changes.fresh);
    expect(lines.filter((item) => item >= 0)).toEqual(
      Array.from({ length: after.count }, (_, i) => i),
    );
    lines.forEach((item, place) => {
      if (item >= 0) expect(items.placeOf(item)).toBe(place);
    });
    expect(items.placeOf(-1)).toBe(-1);
    const some = itemsOf(store.moment.value, [2, 5, 7]);
    expect([some.count, some.at(1), some.placeOf(5), some.placeOf(6)]).toEqual([3, 5, 1, -1]);
  });

  test("keep the order of addresses, wherever rows are gone", async () => {
    const log = new Store(await Machine.create(), SMALL_PROCESS);
    const calls = [
      "mprotect 555555554000 4K rw", // the first row goes, two come
      "munmap 7ffff7dc0000 2M", // four in the middle
      "munmap 7ffffffde000 132K", // the last one
      "munmap 0 100T", // all below
    ].map((line) => ({ call: readCommand(line) }));
    await log.load(SMALL_PROCESS, calls);
    for (let index = calls.length; index > 0; index--) {
      log.seek(index);
      const moment = log.moment.value;
      expect(moment.changes.gone.length).toBeGreaterThan(0);
      const items = itemsOf(moment, null);
      const starts = Array.from({ length: items.count }, (_, place) => {
        const item = items.at(place);
        return item < 0 ? moment.before.start[~item]! : moment.after.start[item]!;
      });
      expect(starts).toEqual([...starts].sort((a, b) => a - b));
      expect(starts).toHaveLength(moment.after.count + moment.changes.gone.length);
    }
  });
});

describe("the way of a look-up", () => {
  test("ends at the VMA that the table has", () => {
    const { arena } = store.machine;
    for (let row = 0; row < rows.count; row++) {
      const levels = pathTo(arena, rows.end[row]! - 1);
      const { nodes, onPath, slot } = levels.at(-1)!;
      const leaf = nodes[onPath]!;
      expect(leaf.depth).toBe(1);
      expect(leaf.slots[slot]!.entry).toBe(rows.vma[row]);
      expect(leaf.slots[slot]).toMatchObject({ start: rows.start[row], end: rows.end[row] });
    }
  });

  test("goes through inner nodes whose gaps are those of their children", async () => {
    const big = new Store(await Machine.create(), SMALL_PROCESS);
    const calls = Array.from({ length: 600 }, (_, i) => ({
      call: {
        op: "mmap" as const,
        args: [0x10_0000_0000 + i * 0x3000, 0x1000, i % 2, 0x32, -1, 0],
        text: "",
      },
    }));
    await big.load(SMALL_PROCESS, calls);
    const { after } = big.moment.value;
    const { arena } = big.machine;
    for (let row = 0; row < after.count; row += 7) {
      const levels = pathTo(arena, after.start[row]!);
      const leaf = levels.at(-1)!;
      expect(leaf.nodes[leaf.onPath]!.slots[leaf.slot]!.entry).toBe(after.vma[row]);
      for (const [i, level] of levels.slice(0, -1).entries()) {
        const below = levels[i + 1]!;
        const child = below.nodes[below.onPath]!;
        const slot = level.nodes[level.onPath]!.slots[level.slot]!;
        expect(child.start).toBe(slot.start);
        // The hole at the region's end is in no record (assembly/maple/gaps.ts G1).
        const counted = child.slots.filter(
          ({ end }) => child.depth > 1 || end % REGION_BYTES !== 0,
        );
        expect(Math.max(0, ...counted.map(({ gap }) => gap))).toBe(slot.gap);
      }
    }
    expect(pathTo(arena, 0x10_0000_0000).length).toBe(3);
    expect(rowAt(after, 0x10_0000_1000)).toBe(-1);
  });
});
