// The command line of the bench.

import { parseArgs } from "node:util";

export const HELP = `Measures vmaple beside its peers, in one run on one machine.

Usage: npm run bench -- [ROW...] [options]

Rows (default: all)
  index      look-ups, stores, hole searches: in wasm and called from JavaScript
  space      mmap, munmap, mprotect, mremap, fork; on Linux the real calls beside them
  locks      per-VMA locks, mmap lock, peek, with 1, 2 and 4 workers
  programs   a recorded program's calls with fault workers; latency of a fault
  shapes     alloc, query, map, and alloc + fault + modify
  control    starting workers and tasks, memory of an idle engine

Options
  --n A,B         numbers of ranges             (default 1000,10000,100000,1000000)
  --workers N     most workers                  (default 4)
  --rounds N      processes a case, at least 3 for a spread  (default 3)
  --only WORDS    implementations whose name contains one of these, comma-separated
  --budget MS     longest a workload may take before it is cut off  (default 250)
  --native        also std::map, Abseil and Rust, if their compilers are here
  --json FILE     everything that was measured
  --chart FILE    bars and scaling curves as SVG
  --quick         seconds: small and once; the times mean nothing, only checksums count
  --help

Times are ns an operation. Exit status: 0; 1 results differ between implementations or a
case failed; 2 bad usage.
`;

export class UsageError extends Error {}

/**
 * @typedef {object} Options
 * @property {string[]} rows
 * @property {number[]} sizes
 * @property {number} workers
 * @property {number} rounds
 * @property {string[]} only
 * @property {number} budgetMs
 * @property {boolean} native
 * @property {string | undefined} json
 * @property {string | undefined} chart
 * @property {boolean} quick
 * @property {boolean} help
 */

/** @param {string[]} argv @param {string[]} knownRows @returns {Options} */
export function parseOptions(argv, knownRows) {
  const { values, positionals } = parse(argv);
  const unknown = positionals.find((row) => !knownRows.includes(row));
  if (unknown !== undefined) {
    throw new UsageError(`no row "${unknown}"; there are ${knownRows.join(", ")}`);
  }
  const quick = values.quick ?? false;
  const sizes = (values.n ?? (quick ? "1000" : "1000,10000,100000,1000000")).split(",");
  return {
    rows: positionals.length === 0 ? knownRows : positionals,
    sizes: sizes.map((text) => whole(text, "--n")),
    workers: whole(values.workers ?? (quick ? "2" : "4"), "--workers"),
    rounds: whole(values.rounds ?? (quick ? "1" : "3"), "--rounds"),
    only: values.only?.split(",") ?? [],
    budgetMs: whole(values.budget ?? "250", "--budget"),
    native: values.native ?? false,
    json: values.json,
    chart: values.chart,
    quick,
    help: values.help ?? false,
  };
}

function parse(argv) {
  const text = { type: "string" };
  const flag = { type: "boolean" };
  const options = {
    n: text,
    workers: text,
    rounds: text,
    only: text,
    budget: text,
    json: text,
    chart: text,
    native: flag,
    quick: flag,
    help: flag,
  };
  try {
    return parseArgs({ args: argv, options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error.message);
  }
}

function whole(text, name) {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new UsageError(`${name} takes whole numbers above 0, not "${text}"`);
}
