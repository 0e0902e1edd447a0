// The peers from npm: ordered maps and an interval tree, each used as its manual says.
//
// Key: start of the range; value: its end and the user's value. None searches holes, so
// that is a walk downwards from the highest range; the interval tree has no order at all.
// None can be shared between workers (docs/performance.md).

import { createRequire } from "node:module";
import { looped } from "./looped.mjs";

const require = createRequire(import.meta.url);
const byNumber = (a, b) => a - b;

/** @type {Record<string, (n: number) => import("../workload/index.mjs").Subject>} */
export const PEERS = {
  "sorted-btree": () => looped(sortedBTree),
  "sonic-forest AVL": () => looped(sonicForest),
  "js-sdsl OrderedMap": () => looped(jsSdsl),
  "node-interval-tree": () => looped(intervalTree),
};

/** @returns {import("./looped.mjs").RangeSet} */
function sortedBTree() {
  const BTree = require("sorted-btree").default;
  const tree = new BTree(undefined, byNumber);
  const pair = [0, null];
  return {
    insert(start, end, value) {
      tree.set(start, { end, value });
    },
    erase(start) {
      tree.delete(start);
    },
    lookup(address) {
      const found = tree.getPairOrNextLower(address, pair);
      return found !== undefined && address < found[1].end ? found[1].value : 0;
    },
    iterate() {
      let sum = 0;
      for (const range of tree.values()) sum += range.value;
      return sum;
    },
    carve(start, end, from, to, value, middle) {
      tree.get(start).end = from;
      tree.set(from, { end: to, value: middle });
      tree.set(to, { end, value });
    },
    merge(start, end, from, to) {
      tree.get(start).end = end;
      tree.delete(from);
      tree.delete(to);
    },
    gap(low, high, size) {
      let top = high;
      for (const [start, range] of tree.entriesReversed(high, pair, true)) {
        if (top - range.end >= size) return top - size;
        top = start;
      }
      return top - low >= size ? top - size : -1;
    },
  };
}

/** @returns {import("./looped.mjs").RangeSet} */
function sonicForest() {
  const { AvlMap } = require("sonic-forest/lib/avl/AvlMap");
  const { prev } = require("sonic-forest/lib/util");
  const map = new AvlMap(byNumber);
  return {
    insert(start, end, value) {
      map.set(start, { end, value });
    },
    erase(start) {
      map.del(start);
    },
    lookup(address) {
      const node = map.getOrNextLower(address);
      return node !== undefined && address < node.v.end ? node.v.value : 0;
    },
    iterate() {
      let sum = 0;
      map.forEach((node) => {
        sum += node.v.value;
      });
      return sum;
    },
    carve(start, end, from, to, value, middle) {
      map.get(start).end = from;
      map.set(from, { end: to, value: middle });
      map.set(to, { end, value });
    },
    merge(start, end, from, to) {
      map.get(start).end = end;
      map.del(from);
      map.del(to);
    },
    gap(low, high, size) {
      let top = high;
      for (let node = map.getOrNextLower(high - 1); node !== undefined; node = prev(node)) {
        if (top - node.v.end >= size) return top - size;
        top = node.k;
      }
      return top - low >= size ? top - size : -1;
    },
  };
}

/** @returns {import("./looped.mjs").RangeSet} */
function jsSdsl() {
  const { OrderedMap } = require("@js-sdsl/ordered-map");
  const map = new OrderedMap([], byNumber);
  return {
    insert(start, end, value) {
      map.setElement(start, { end, value });
    },
    erase(start) {
      map.eraseElementByKey(start);
    },
    lookup(address) {
      const iterator = map.reverseLowerBound(address);
      if (!iterator.isAccessible()) return 0;
      const [, range] = iterator.pointer;
      return address < range.end ? range.value : 0;
    },
    iterate() {
      let sum = 0;
      map.forEach(([, range]) => {
        sum += range.value;
      });
      return sum;
    },
    carve(start, end, from, to, value, middle) {
      map.getElementByKey(start).end = from;
      map.setElement(from, { end: to, value: middle });
      map.setElement(to, { end, value });
    },
    merge(start, end, from, to) {
      map.getElementByKey(start).end = end;
      map.eraseElementByKey(from);
      map.eraseElementByKey(to);
    },
    gap(low, high, size) {
      let top = high;
      const iterator = map.reverseUpperBound(high); // the last key below `high`
      while (iterator.isAccessible()) {
        const [start, range] = iterator.pointer;
        if (top - range.end >= size) return top - size;
        top = start;
        if (iterator.equals(map.begin())) break;
        iterator.pre();
      }
      return top - low >= size ? top - size : -1;
    },
  };
}

/**
 * Intervals are inclusive, and their removal wants the value.
 *
 * @returns {import("./looped.mjs").RangeSet}
 */
function intervalTree() {
  const IntervalTree = require("node-interval-tree").default;
  const tree = new IntervalTree();
  const values = new Map();
  const set = {
    insert(start, end, value) {
      values.set(start, value);
      tree.insert(start, end - 1, value);
    },
    erase(start, end) {
      tree.remove(start, end - 1, values.get(start));
      values.delete(start);
    },
    lookup(address) {
      const found = tree.search(address, address);
      return found.length === 0 ? 0 : found[0];
    },
    iterate() {
      let sum = 0;
      for (const interval of tree.inOrder()) sum += interval.data;
      return sum;
    },
    carve(start, end, from, to, value, middle) {
      set.erase(start, end);
      set.insert(start, from, value);
      set.insert(from, to, middle);
      set.insert(to, end, value);
    },
    merge(start, end, from, to, value) {
      set.erase(start, from);
      set.erase(from, to);
      set.erase(to, end);
      set.insert(start, end, value);
    },
  };
  return set;
}
