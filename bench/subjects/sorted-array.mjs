// The peer within the project: three sorted typed arrays on shared memory, binary search.
//
// What a program would do that wants its ranges visible to all workers without a library.
// Look-ups are as good as an array's can be; each insert and erase moves what lies above.

import { looped } from "./looped.mjs";

export const label = "sorted array";

/** @returns {import("../workload/index.mjs").Subject} */
export function create() {
  return looped(() => new SortedArray());
}

export class SortedArray {
  #capacity = 1024;
  #n = 0;
  #starts;
  #ends;
  #values;

  constructor() {
    [this.#starts, this.#ends, this.#values] = arrays(this.#capacity);
  }

  /** Ranges that start at or below `address`. */
  #upTo(address) {
    const starts = this.#starts;
    let low = 0;
    let high = this.#n;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle] <= address) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #open(at, by) {
    if (this.#n + by > this.#capacity) this.#grow(this.#n + by);
    this.#starts.copyWithin(at + by, at, this.#n);
    this.#ends.copyWithin(at + by, at, this.#n);
    this.#values.copyWithin(at + by, at, this.#n);
    this.#n += by;
  }

  #close(at, by) {
    this.#starts.copyWithin(at, at + by, this.#n);
    this.#ends.copyWithin(at, at + by, this.#n);
    this.#values.copyWithin(at, at + by, this.#n);
    this.#n -= by;
  }

  #grow(wanted) {
    while (wanted > this.#capacity) this.#capacity *= 2;
    const [starts, ends, values] = arrays(this.#capacity);
    starts.set(this.#starts);
    ends.set(this.#ends);
    values.set(this.#values);
    this.#starts = starts;
    this.#ends = ends;
    this.#values = values;
  }

  #put(at, start, end, value) {
    this.#starts[at] = start;
    this.#ends[at] = end;
    this.#values[at] = value;
  }

  /** Index of the range that contains `address`, -1: none. */
  indexOf(address) {
    const at = this.#upTo(address) - 1;
    return at >= 0 && address < this.#ends[at] ? at : -1;
  }

  start(at) {
    return this.#starts[at];
  }

  insert(start, end, value) {
    const at = this.#upTo(start);
    this.#open(at, 1);
    this.#put(at, start, end, value);
  }

  erase(start) {
    this.#close(this.#upTo(start) - 1, 1);
  }

  lookup(address) {
    const at = this.#upTo(address) - 1;
    return at >= 0 && address < this.#ends[at] ? this.#values[at] : 0;
  }

  iterate() {
    const values = this.#values;
    let sum = 0;
    for (let i = 0; i < this.#n; i++) sum += values[i];
    return sum;
  }

  carve(start, end, from, to, value, middle) {
    const at = this.#upTo(start) - 1;
    this.#open(at + 1, 2);
    this.#put(at, start, from, value);
    this.#put(at + 1, from, to, middle);
    this.#put(at + 2, to, end, value);
  }

  merge(start, end) {
    const at = this.#upTo(start) - 1;
    this.#ends[at] = end;
    this.#close(at + 1, 2);
  }

  gap(low, high, size) {
    let top = high;
    for (let i = this.#upTo(high - 1) - 1; i >= 0; i--) {
      if (top - this.#ends[i] >= size) return top - size;
      top = this.#starts[i];
    }
    return top - low >= size ? top - size : -1;
  }

  bytes() {
    return this.#n * 20;
  }
}

function arrays(capacity) {
  return [
    new Float64Array(new SharedArrayBuffer(8 * capacity)),
    new Float64Array(new SharedArrayBuffer(8 * capacity)),
    new Uint32Array(new SharedArrayBuffer(4 * capacity)),
  ];
}
