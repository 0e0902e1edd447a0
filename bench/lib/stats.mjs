// From results of single processes to figures: medians, spread, checksums compared.

/**
 * What one process measured of one workload.
 *
 * @typedef {object} Result
 * @property {string} row
 * @property {string} workload
 * @property {string} impl
 * @property {number} [n] ranges
 * @property {number} [workers]
 * @property {number} [wall] ns an operation
 * @property {number} [cpu] ns an operation
 * @property {number} [value] for what is not a time
 * @property {string} [unit] of value; left out: ns
 * @property {boolean} [partial] cut off by the budget
 * @property {string | number} [checksum] equal for all implementations
 * @property {Record<string, number>} [notes] further numbers, by name
 */

/**
 * All rounds of one workload of one implementation.
 *
 * @typedef {object} Figure
 * @property {string} row
 * @property {string} workload
 * @property {string} impl
 * @property {number | undefined} n
 * @property {number | undefined} workers
 * @property {string} unit
 * @property {Spread} value CPU time if there is one, else wall time or the value itself
 * @property {Spread | null} wall
 * @property {boolean} partial
 * @property {Record<string, number>} notes medians
 *
 * @typedef {{ median: number, min: number, max: number, rounds: number }} Spread
 */

/** @param {number[]} values @returns {Spread} */
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    median: median(sorted),
    min: sorted[0],
    max: sorted[sorted.length - 1],
    rounds: sorted.length,
  };
}

function median(sorted) {
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle];
  return (sorted[middle - 1] + sorted[middle]) / 2;
}

/** @param {Result} result */
export function placeOf({ row, workload, n, workers }) {
  return JSON.stringify([row, workload, n ?? null, workers ?? null]);
}

/** @param {Result[]} results @returns {Figure[]} */
export function figures(results) {
  const groups = Map.groupBy?.(results, keyOf) ?? groupBy(results, keyOf);
  return [...groups.values()].map(figure);
}

const keyOf = (result) => `${placeOf(result)} ${result.impl}`;

function groupBy(items, key) {
  const groups = new Map();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}

/** @param {Result[]} group @returns {Figure} */
function figure(group) {
  const { row, workload, impl, n, workers, unit = "ns" } = group[0];
  const main = group.map((result) => result.value ?? result.cpu ?? result.wall);
  const walls = group.flatMap((result) => (result.wall === undefined ? [] : [result.wall]));
  const names = Object.keys(group[0].notes ?? {});
  const noteOf = (name) => spread(group.map((result) => result.notes?.[name] ?? 0)).median;
  return {
    row,
    workload,
    impl,
    n,
    workers,
    unit,
    value: spread(main),
    wall: walls.length === 0 ? null : spread(walls),
    partial: group.some((result) => result.partial === true),
    notes: Object.fromEntries(names.map((name) => [name, noteOf(name)])),
  };
}

/**
 * Places where two results have different checksums, in words.
 *
 * @param {Result[]} results
 * @returns {string[]}
 */
export function mismatches(results) {
  const found = [];
  const checked = results.filter((result) => result.checksum !== undefined);
  for (const group of groupBy(checked, placeOf).values()) {
    const sums = groupBy(group, (result) => String(result.checksum));
    const broken = group.some((result) => Number.isNaN(result.checksum));
    if (sums.size === 1 && !broken) continue;
    const { row, workload, n, workers } = group[0];
    const where = [row, workload, n && `n ${n}`, workers && `${workers} workers`].filter(Boolean);
    const who = [...sums].map(
      ([sum, of]) => `${sum} (${unique(of.map((r) => r.impl)).join(", ")})`,
    );
    found.push(`${where.join(", ")}: ${who.join(" against ")}`);
  }
  return found;
}

/** @template T @param {T[]} items */
export function unique(items) {
  return [...new Set(items)];
}
