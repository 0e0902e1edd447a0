// A subject from a plain structure: the loops of bench/workload/index.mjs in JavaScript.
//
// One process runs one subject, so every call below has one target and is inlined as
// far as the compiler likes.

import { GAP_LOW } from "../workload/index.mjs";
import { BASE_PAGE, PAGE, SPLIT_VALUE } from "../workload/layout.mjs";

/**
 * Ranges `[start, end)` in bytes with a positive value; what is missing is not measured.
 *
 * @typedef {object} RangeSet
 * @property {(start: number, end: number, value: number) => void} insert
 * @property {(start: number, end: number) => void} [erase]
 * @property {(address: number) => number} lookup value, 0: none
 * @property {() => number} iterate sum of values
 * @property {(start: number, end: number, from: number, to: number, value: number,
 *   middle: number) => void} [carve] gives [from, to) inside the range another value
 * @property {(start: number, end: number, from: number, to: number,
 *   value: number) => void} [merge] takes that back
 * @property {(low: number, high: number, size: number) => number} [gap] highest hole, -1: none
 * @property {() => number} [bytes]
 */

/**
 * @param {() => RangeSet} create an empty structure
 * @returns {import("../workload/index.mjs").Subject}
 */
export function looped(create) {
  let set = create();
  const probe = set;
  return {
    reset() {
      set = create();
    },
    ranges: (ranges) => ranges,
    words: (words) => words,
    addresses: (addresses) => addresses,
    present: (present) => present,
    insert(ranges, order, from, to) {
      for (let k = from; k < to; k++) {
        const i = order[k];
        set.insert(ranges.start[i], ranges.end[i], i + 1);
      }
    },
    erase: probe.erase
      ? (ranges, order, from, to) => {
          for (let k = from; k < to; k++) {
            const i = order[k];
            set.erase(ranges.start[i], ranges.end[i]);
          }
        }
      : null,
    lookup(addresses, from, to) {
      let sum = 0;
      for (let k = from; k < to; k++) sum += set.lookup(addresses[k]);
      return sum;
    },
    iterate: () => set.iterate(),
    toggle: probe.erase
      ? (ranges, slots, present, from, to) => {
          for (let k = from; k < to; k++) {
            const i = slots[k];
            if (present[i] === 1) set.erase(ranges.start[i], ranges.end[i]);
            else set.insert(ranges.start[i], ranges.end[i], i + 1);
            present[i] ^= 1;
          }
        }
      : null,
    splitMerge: probe.carve
      ? (ranges, pairs, from, to) => {
          for (let k = from; k < to; k++) {
            const i = pairs[2 * k];
            const start = ranges.start[i];
            const end = ranges.end[i];
            const middle = start + pairs[2 * k + 1] * PAGE;
            set.carve(start, end, middle, middle + PAGE, i + 1, SPLIT_VALUE);
            set.merge(start, end, middle, middle + PAGE, i + 1);
          }
        }
      : null,
    gap: probe.gap
      ? (ranges, pairs, from, to) => {
          let sum = 0;
          for (let k = from; k < to; k++) {
            const found = set.gap(GAP_LOW, ranges.start[pairs[2 * k]], pairs[2 * k + 1] * PAGE);
            sum += found < 0 ? 1 : found / PAGE - BASE_PAGE;
          }
          return sum;
        }
      : null,
    bytes: probe.bytes ? () => set.bytes() : null,
  };
}
