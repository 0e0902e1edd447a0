// The workload: ranges, orders and queries, the same in every language and run.
//
// Twin of native/workload.h: same generator, same seeds, same streams, same checksums.
// Addresses are bytes as numbers (47 bits, exact): no key is a small integer.
//
//   layout(n)         range i is [start, end), 1..512 pages; three in ten have a hole above
//   layout(n, fill)   for hole searches: with probability 1 - fill a hole of 1..16 pages
//   value of range i  i + 1

export const PAGE = 4096;
export const BASE_PAGE = 0x555555555;
/** Value of the page that split_merge puts into the middle of a range. */
export const SPLIT_VALUE = 0x7fffff;

const Seed = { LAYOUT: 1, LOOKUPS: 2, INSERT: 3, ERASE: 4, TOGGLES: 5, PRESENT: 6, HOLES: 7 };
const SEED_GAP_QUERIES = 8;
const SEED_SPLITS = 9;

/** sfc32: twelve rounds of warm-up. */
export class Random {
  #a;
  #b = 0x9e3779b9 | 0;
  #c = 0x243f6a88;
  #d = 1;

  /** @param {number} seed */
  constructor(seed) {
    this.#a = seed | 0;
    for (let i = 0; i < 12; i++) this.next();
  }

  /** A u32. */
  next() {
    const result = (this.#a + this.#b + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0;
    return result >>> 0;
  }

  /** 0..n-1; exact for n < 2^21. @param {number} n */
  below(n) {
    return Math.floor((this.next() * n) / 4294967296);
  }

  /** 1..512, evenly over powers of two. */
  pages() {
    const power = this.below(10);
    return Math.min((1 << power) + this.below(1 << power), 512);
  }
}

/**
 * @typedef {object} Layout
 * @property {number} n
 * @property {Float64Array} start bytes
 * @property {Float64Array} end bytes
 * @property {Uint32Array} length pages
 * @property {Uint32Array} gap pages free above the range
 */

/**
 * @param {number} n
 * @param {number} [fill] percent of ranges without a hole above; left out: the usual layout
 * @returns {Layout}
 */
export function layout(n, fill) {
  const forHoles = fill !== undefined;
  const random = new Random(forHoles ? Seed.HOLES : Seed.LAYOUT);
  const start = new Float64Array(n);
  const end = new Float64Array(n);
  const length = new Uint32Array(n);
  const gap = new Uint32Array(n);
  let page = BASE_PAGE + (forHoles ? 16 : 0);
  for (let i = 0; i < n; i++) {
    start[i] = page * PAGE;
    length[i] = random.pages();
    page += length[i];
    end[i] = page * PAGE;
    if (forHoles) gap[i] = random.below(100) >= fill ? 1 + random.below(16) : 0;
    else gap[i] = random.below(10) < 3 ? random.pages() : 0;
    page += gap[i];
  }
  return { n, start, end, length, gap };
}

/** @param {number} n */
export function ascending(n) {
  return Uint32Array.from({ length: n }, (_, i) => i);
}

/** Fisher and Yates. @param {number} n @param {number} seed */
export function shuffled(n, seed) {
  const random = new Random(seed);
  const order = ascending(n);
  for (let i = n; i > 1; i--) {
    const j = random.below(i);
    const other = order[i - 1];
    order[i - 1] = order[j];
    order[j] = other;
  }
  return order;
}

/** @param {number} n */
export const insertOrder = (n) => shuffled(n, Seed.INSERT);
/** @param {number} n */
export const eraseOrder = (n) => shuffled(n, Seed.ERASE);
/** Of 2n slots the first n of this order are present at the start. @param {number} n */
export const presentOrder = (n) => shuffled(2 * n, Seed.PRESENT);

/**
 * Byte addresses: even over ranges, then over a range and the hole above it.
 *
 * @param {Layout} ranges
 * @param {number} m
 */
export function lookups(ranges, m) {
  const random = new Random(Seed.LOOKUPS);
  const addresses = new Float64Array(m);
  for (let k = 0; k < m; k++) {
    const i = random.below(ranges.n);
    const page = random.below(ranges.length[i] + ranges.gap[i]);
    addresses[k] = ranges.start[i] + page * PAGE + random.below(PAGE);
  }
  return addresses;
}

/** Slots to toggle. @param {number} slots @param {number} m */
export function toggles(slots, m) {
  const random = new Random(Seed.TOGGLES);
  return Uint32Array.from({ length: m }, () => random.below(slots));
}

/**
 * Pairs: the range below whose start to search, pages wanted.
 *
 * @param {number} n
 * @param {number} m
 */
export function gapQueries(n, m) {
  const random = new Random(SEED_GAP_QUERIES);
  const pairs = new Uint32Array(2 * m);
  for (let k = 0; k < m; k++) {
    pairs[2 * k] = random.below(n);
    pairs[2 * k + 1] = 1 + random.below(16);
  }
  return pairs;
}

/**
 * Pairs: a range of at least three pages, a page in its middle.
 *
 * @param {Layout} ranges
 * @param {number} m
 */
export function splits(ranges, m) {
  const random = new Random(SEED_SPLITS);
  const pairs = new Uint32Array(2 * m);
  for (let k = 0; k < m; k++) {
    let i = 0;
    do i = random.below(ranges.n);
    while (ranges.length[i] < 3);
    pairs[2 * k] = i;
    pairs[2 * k + 1] = 1 + random.below(ranges.length[i] - 2);
  }
  return pairs;
}
