// The lock row's peer: a sorted array on shared memory with a reader count a range.
//
// Binary search, then Atomics.add on the range's own counter and Atomics.sub to let go.
// It protects nobody: no writer looks at the counts, and none could move a range.

import { PAGE } from "../workload/layout.mjs";
import { PIECE, SPACE_BASE } from "../workload/space.mjs";

export class CountedArray {
  /** @param {{ starts: Float64Array, ends: Float64Array, counts: Int32Array }} arrays */
  constructor({ starts, ends, counts }) {
    this.starts = starts;
    this.ends = ends;
    this.counts = counts;
  }

  /** The pieces of workload/space.mjs. @param {number} n */
  static arrays(n) {
    const starts = new Float64Array(new SharedArrayBuffer(8 * n));
    const ends = new Float64Array(new SharedArrayBuffer(8 * n));
    const counts = new Int32Array(new SharedArrayBuffer(4 * n));
    for (let i = 0; i < n; i++) {
      starts[i] = SPACE_BASE + i * PIECE;
      ends[i] = starts[i] + PIECE;
    }
    return { starts, ends, counts };
  }

  indexOf(address) {
    const { starts } = this;
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle] <= address) low = middle + 1;
      else high = middle;
    }
    return low > 0 && address < this.ends[low - 1] ? low - 1 : -1;
  }

  lock(address) {
    const at = this.indexOf(address);
    if (at >= 0) Atomics.add(this.counts, at, 1);
    return at;
  }

  unlock(at) {
    Atomics.sub(this.counts, at, 1);
  }

  startPage(address) {
    const at = this.indexOf(address);
    return at < 0 ? 0 : this.starts[at] / PAGE;
  }
}
