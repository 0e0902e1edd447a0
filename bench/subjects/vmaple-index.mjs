// Ours, the index alone (assembly/maple-bench.ts): loops inside wasm, or one call a step
// from JavaScript.

import { instantiate } from "../lib/wasm.mjs";
import { BASE_PAGE, PAGE } from "../workload/layout.mjs";
import { looped } from "./looped.mjs";

export const WASM_LABEL = "vmaple in wasm";
export const CALLS_LABEL = "vmaple from JS";

const WASM_PAGE = 65536;
const PAGES_A_BYTE = 1 / PAGE;
/** The whole of a 47-bit space: 2^35 pages in regions of 2^30. */
const REGIONS = 32;
/** Nodes are well below this, and the rest is never touched. */
const NODE_BYTES_A_RANGE = 64;
const NODE_BYTES_MIN = 16 * 1024 * 1024;
/** Streams: two layouts of 2n ranges, orders and queries. */
const STREAM_BYTES_A_RANGE = 160;
const STREAM_BYTES_MIN = 32 * 1024 * 1024;
const SLAB_LEAF = 0;
const SLAB_INNER = 1;

/** An empty tree with room for `n` ranges and their streams. */
function open(n) {
  const streams = STREAM_BYTES_MIN + n * STREAM_BYTES_A_RANGE;
  const bytes = roundUp(streams + NODE_BYTES_MIN + n * NODE_BYTES_A_RANGE, WASM_PAGE);
  const pages = bytes / WASM_PAGE;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const maple = instantiate("maple-bench", memory);
  maple.init(bytes, streams, REGIONS);
  return { memory, maple, nodeBytes: () => nodeBytes(maple, memory) };
}

/** Bytes of the nodes in use. */
function nodeBytes(maple, memory) {
  const { object_size } = instantiate("mm-bench", memory);
  return [SLAB_LEAF, SLAB_INNER].reduce((sum, k) => sum + maple.live(k) * object_size(k), 0);
}

/** Loops inside wasm. @param {number} n @returns {import("../workload/index.mjs").Subject} */
export function createWasm(n) {
  const { memory, maple, nodeBytes: bytes } = open(n);
  let top = maple.streams();
  const place = (length) => {
    const at = top;
    top = roundUp(top + length, 16);
    return at;
  };
  return {
    reset: () => maple.tree_destroy(),
    ranges({ n: count, start, end }) {
      const at = place(count * 16);
      const words = new BigUint64Array(memory.buffer, at, count * 2);
      for (let i = 0; i < count; i++) {
        words[2 * i] = BigInt(start[i] / PAGE);
        words[2 * i + 1] = BigInt(end[i] / PAGE);
      }
      return at;
    },
    words(words) {
      const at = place(words.byteLength);
      new Uint32Array(memory.buffer, at, words.length).set(words);
      return at;
    },
    addresses(addresses) {
      const at = place(addresses.length * 8);
      const pages = new BigUint64Array(memory.buffer, at, addresses.length);
      for (let k = 0; k < addresses.length; k++) pages[k] = BigInt(Math.floor(addresses[k] / PAGE));
      return at;
    },
    present(present) {
      const at = place(present.length);
      new Uint8Array(memory.buffer, at, present.length).set(present);
      return at;
    },
    insert: (ranges, order, from, to) => maple.bench_insert(order + from * 4, ranges, to - from),
    erase: (ranges, order, from, to) => maple.bench_erase(order + from * 4, ranges, to - from),
    lookup: (addresses, from, to) => maple.bench_lookup(addresses + from * 8, to - from),
    iterate: () => maple.bench_iterate(1),
    toggle: (ranges, slots, present, from, to) =>
      maple.bench_mixed(slots + from * 4, ranges, present, to - from),
    splitMerge: (ranges, pairs, from, to) =>
      maple.bench_split_merge(pairs + from * 8, ranges, to - from),
    gap: (ranges, pairs, from, to) =>
      maple.bench_gap(pairs + from * 8, ranges, BASE_PAGE, to - from),
    bytes,
  };
}

/**
 * One exported call a step.
 *
 * @param {number} n
 * @returns {import("../workload/index.mjs").Subject}
 */
export function createCalls(n) {
  const { maple, nodeBytes: bytes } = open(n);
  const { tree_store, tree_load, tree_iter_begin, tree_iter_next, tree_gap_highest } = maple;
  const set = {
    insert(start, end, value) {
      tree_store(start * PAGES_A_BYTE, end * PAGES_A_BYTE, value);
    },
    erase(start, end) {
      tree_store(start * PAGES_A_BYTE, end * PAGES_A_BYTE, 0);
    },
    lookup: (address) => tree_load(address * PAGES_A_BYTE),
    iterate() {
      let sum = 0;
      tree_iter_begin(0);
      for (let value = tree_iter_next(); value !== 0; value = tree_iter_next()) sum += value;
      return sum;
    },
    carve(_start, _end, from, to, _value, middle) {
      tree_store(from * PAGES_A_BYTE, to * PAGES_A_BYTE, middle);
    },
    merge(start, end, _from, _to, value) {
      tree_store(start * PAGES_A_BYTE, end * PAGES_A_BYTE, value);
    },
    gap(low, high, size) {
      const found = tree_gap_highest(low * PAGES_A_BYTE, high * PAGES_A_BYTE, size * PAGES_A_BYTE);
      return found < 0 ? found : found * PAGE;
    },
    bytes,
  };
  return looped(() => {
    maple.tree_destroy();
    return set;
  });
}

function roundUp(value, to) {
  return Math.ceil(value / to) * to;
}
