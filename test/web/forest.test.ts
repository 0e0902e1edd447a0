// The whole tree side by side: every node has its place, and is found there.

import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { Machine } from "../../web/app/machine.js";
import { Store } from "../../web/app/store.js";
import { SMALL_PROCESS } from "../../web/presets/first.js";
import {
  clampedLeaves,
  type Forest,
  forestOf,
  lastOf,
  leavesAround,
  nodeAt,
  visit,
  wayTo,
  zoomedLeaves,
} from "../../web/view/tree/forest.js";
import { pathTo } from "../../web/view/tree/path.js";

const PAGE = 4096;
const REGION = 2 ** 30 * PAGE;

let store: Store;
let forest: Forest;

beforeAll(async () => {
  store = new Store(await Machine.create(), SMALL_PROCESS);
  // Two regions, one of them with a leaf alone, beside that of the small process.
  const calls = Array.from({ length: 900 }, (_, i) => {
    const address = (i < 890 ? REGION : 3 * REGION) + i * 3 * PAGE;
    return { call: { op: "mmap" as const, args: [address, PAGE, i % 2, 0x32, -1, 0], text: "" } };
  });
  await store.load(SMALL_PROCESS, calls);
  forest = forestOf(store.moment.value.nodes);
});

describe("the forest", () => {
  test("is as wide as its leaves, and each node as those below it", () => {
    const { nodes, first, leaves, depth } = forest;
    expect(leaves).toBe(nodes.depth.subarray(0, nodes.count).filter((d) => d === 1).length);
    expect(leaves).toBeGreaterThan(60);
    expect(depth).toBe(3);
    for (let i = 0; i < nodes.count; i++) {
      let below = 0;
      for (let n = i; n < nodes.next[i]!; n++) if (nodes.depth[n] === 1) below++;
      expect(lastOf(forest, i) - first[i]!).toBe(below);
      expect(below).toBeGreaterThan(0);
    }
  });

  test("every node is found at each of its places", () => {
    const { nodes, first } = forest;
    for (let i = 0; i < nodes.count; i++) {
      for (let leaf = first[i]!; leaf < lastOf(forest, i); leaf++) {
        expect(nodeAt(forest, nodes.depth[i]!, leaf)).toBe(i);
      }
    }
    expect(nodeAt(forest, 1, -1)).toBe(-1);
    expect(nodeAt(forest, 1, forest.leaves)).toBe(-1);
    expect(nodeAt(forest, 0, 0)).toBe(-1);
  });

  test("where a root has fewer levels than others there is nothing above it", () => {
    const { nodes, first } = forest;
    const low = nodes.parent
      .subarray(0, nodes.count)
      .findIndex((p, i) => p < 0 && nodes.depth[i] === 1);
    expect(low).toBeGreaterThan(-1);
    expect(nodeAt(forest, 3, first[low]!)).toBe(-1);
  });

  test("the way to an address is the look-up's", () => {
    const { after } = store.moment.value;
    const addresses = [0, PAGE, 2 ** 46, 2 ** 47 - PAGE, ...after.start, ...after.end];
    for (const address of addresses) {
      const nodes = wayTo(forest, address).map((i) => forest.nodes.address[i]);
      const levels = pathTo(store.machine.arena, address);
      // A NULL slot has no child: both end at the nearest one, but not always the same.
      const isMapped = levels
        .at(-1)!
        .nodes[levels.at(-1)!.onPath]!.slots.some(
          ({ start, end, entry }) => entry !== 0 && start <= address && address < end,
        );
      if (isMapped)
        expect(nodes).toEqual(levels.map((level) => level.nodes[level.onPath]!.address));
      expect(forest.nodes.depth[wayTo(forest, address).at(-1)!]).toBe(1);
    }
  });

  test("of no nodes has no ways and no places", () => {
    const none = forestOf({ ...forest.nodes, count: 0 });
    expect([none.leaves, none.depth, wayTo(none, 0), nodeAt(none, 1, 0)]).toEqual([0, 0, [], -1]);
  });
});

describe("a window of leaves", () => {
  const place = fc.double({ min: 0, max: 1, noNaN: true });
  const windows = fc
    .tuple(place, place)
    .map(([a, b]) => clampedLeaves(forest, { from: a * forest.leaves, to: b * forest.leaves }));

  test("shows the nodes that overlap it, each once, and no other", () => {
    fc.assert(
      fc.property(windows, (window) => {
        const seen: number[] = [];
        visit(forest, window, (i) => seen.push(i));
        const wanted = Array.from({ length: forest.nodes.count }, (_, i) => i).filter(
          (i) => lastOf(forest, i) > window.from && forest.first[i]! < window.to,
        );
        expect(seen).toEqual(wanted);
      }),
    );
  });

  test("zoomed, it stays inside, and what is aimed at stays in place where it can", () => {
    fc.assert(
      fc.property(
        windows,
        place,
        fc.double({ min: 0.1, max: 10, noNaN: true }),
        (window, share, factor) => {
          const leaf = window.from + share * (window.to - window.from);
          const { from, to } = zoomedLeaves(forest, window, leaf, factor);
          expect(from).toBeGreaterThanOrEqual(0);
          expect(to).toBeLessThanOrEqual(forest.leaves + 1e-9);
          expect(to - from).toBeGreaterThan(1.99);
          if (from > 0 && to < forest.leaves)
            expect((leaf - from) / (to - from)).toBeCloseTo(share, 6);
        },
      ),
    );
  });

  test("moves to a leaf that is out of sight, and only then", () => {
    fc.assert(
      fc.property(windows, fc.nat({ max: 1000 }), (window, n) => {
        const leaf = n % forest.leaves;
        const moved = leavesAround(forest, window, leaf);
        const width = window.to - window.from;
        expect(moved.to - moved.from).toBeCloseTo(width, 6);
        expect(leaf).toBeGreaterThanOrEqual(moved.from - 1e-9);
        expect(leaf + 1).toBeLessThanOrEqual(moved.to + 1e-9);
        if (leaf >= window.from && leaf + 1 <= window.to) expect(moved).toEqual(window);
      }),
    );
  });
});
