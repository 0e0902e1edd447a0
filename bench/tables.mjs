// Writes the tables of README.md out of one run's figures:
//
//   npm run bench -- index space locks programs --n 10000,100000 --native --json run.json
//   node bench/tables.mjs run.json
//
// A table stands between <!-- bench NAME --> and <!-- /bench -->; NAME is a key of TABLES.
// A run that lacks a table's rows leaves that table, and its date, as it was.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./lib/build.mjs";
import { markdown, number, ratio } from "./lib/print.mjs";
import { CALLS_LABEL, WASM_LABEL } from "./subjects/vmaple-index.mjs";

const README = join(ROOT, "README.md");
const LINUX = "Linux, real calls";
const RAW_LABEL = "vmaple raw from JS";
const GUARDS_LABEL = "vmaple guards";
const OBJECTS_LABEL = "vmaple objects";

const INDEX_ROWS = {
  lookup_rand: "look-up",
  iterate: "iterate",
  insert_asc: "insert ascending",
  insert_rand: "insert random",
  erase_rand: "erase random",
  mixed: "mixed",
  split_merge: "split and merge",
  gap_99: "find a gap, 99 % full",
  bytes: "bytes a range",
};
const PEERS = [
  "sorted array",
  "sorted-btree",
  "sonic-forest AVL",
  "std::map",
  "absl::btree_map",
  "Rust BTreeMap",
];

const SPACE_ROWS = {
  mmap_munmap: "mmap + munmap of a page",
  mprotect: "mprotect of a page",
  mremap_grow: "mremap, grow and shrink",
  mremap_move: "mremap, move",
  fork: "fork",
};

const LOCK_ROWS = {
  walk: "walk alone",
  lookup: "vma_lookup",
  lock_distinct: "per-VMA lock and unlock, distinct",
  lock_one: "the same, all on one VMA",
  peek: "peek",
  mmap_read: "mmap lock, read",
  mmap_write: "mmap lock, write",
};

/** Each gives rows of cells, the heading first, or null where the run has nothing for it. */
const TABLES = {
  "index 100000": (run) => indexTable(run, 100_000),
  "space 1000": (run) => spaceTable(run, 1000),
  "locks 10000": (run) => lockTable(run, 10_000),
  programs: (run) => programTable(run),
};

function main([file]) {
  if (file === undefined) {
    process.stderr.write("usage: node bench/tables.mjs RUN.json (of npm run bench -- --json)\n");
    return 2;
  }
  const run = JSON.parse(readFileSync(file, "utf8"));
  if (run.mismatches.length + run.failures.length > 0) {
    process.stderr.write(`${file}: a run in which results differ or a case failed\n`);
    return 1;
  }
  const text = readFileSync(README, "utf8");
  let told = false; // where the figures are from, above the first table
  const written = text.replace(
    /(<!-- bench ([\w ]+) -->\n)[\s\S]*?(<!-- \/bench -->)/g,
    (whole, open, table, close) => {
      if (!(table in TABLES)) throw new Error(`README.md: no table is called "${table}"`);
      const rows = TABLES[table](run);
      process.stdout.write(`${table}: ${rows === null ? "not in this run" : "written"}\n`);
      if (rows === null) return whole;
      const head = told ? "" : `\n${origin(run)}\n`;
      told = true;
      return `${open}${head}\n${markdown(rows)}\n\n${close}`;
    },
  );
  if (written !== text) writeFileSync(README, written);
  return 0;
}

function origin({ date, machine, system, node, options, vmaple }) {
  const { rows, sizes, workers, rounds, native } = options;
  const command = [
    "npm run bench --",
    ...rows,
    `--n ${sizes.join(",")}`,
    `--rounds ${rounds} --workers ${workers} --budget ${options.budgetMs}`,
    ...(native ? ["--native"] : []),
  ].join(" ");
  // The kernel's version, not what its builder called it.
  const where = [machine, system.replace(/-\S*/, ""), `Node ${node}`].join("; ");
  return `_${date.slice(0, 10)}, vmaple ${vmaple}; ${where}: \`${command}\`._`;
}

/** @returns the figure of one place, or undefined */
function find({ figures }, row, workload, impl, place = {}) {
  return figures.find(
    (f) =>
      f.row === row &&
      f.workload === workload &&
      f.impl === impl &&
      Object.entries(place).every(([key, value]) => f[key] === value),
  );
}

function cell(figure) {
  return figure === undefined ? "" : `${number(figure.value.median)}${figure.partial ? "+" : ""}`;
}

/** Theirs, and in brackets ours / theirs. */
function beside(ours, theirs) {
  if (theirs === undefined) return "";
  return `${cell(theirs)} (${ratio(ours.value.median / theirs.value.median)})`;
}

function indexTable(run, n) {
  const at = (workload, impl) => find(run, "index", workload, impl, { n });
  if (at("lookup_rand", WASM_LABEL) === undefined) return null;
  const present = PEERS.filter((impl) => at("lookup_rand", impl) !== undefined);
  const rows = Object.entries(INDEX_ROWS).map(([workload, title]) => {
    const ours = at(workload, WASM_LABEL);
    return [
      title,
      cell(ours),
      cell(at(workload, CALLS_LABEL)),
      ...present.map((impl) => beside(ours, at(workload, impl))),
    ];
  });
  return [[`${n.toLocaleString("en")} ranges`, "in wasm", "from JS", ...present], ...rows];
}

function spaceTable(run, n) {
  const at = (workload, impl) => find(run, "space", workload, impl, { n });
  if (at("mprotect", WASM_LABEL) === undefined) return null;
  const head = [`${n.toLocaleString("en")} VMAs, ns`, "in wasm", "raw from JS", "objects"];
  const rows = Object.entries(SPACE_ROWS).map(([workload, title]) => {
    const ours = at(workload, WASM_LABEL);
    return [
      title,
      cell(ours),
      cell(at(workload, RAW_LABEL)),
      cell(at(workload, OBJECTS_LABEL)),
      beside(ours, at(workload, LINUX)),
    ];
  });
  return [[...head, LINUX], ...rows];
}

function lockTable(run, n) {
  const at = (workload, impl, workers) => find(run, "locks", workload, impl, { n, workers });
  if (at("lookup", WASM_LABEL, 1) === undefined) return null;
  const head = [`${n.toLocaleString("en")} VMAs, ns`, "in wasm", "raw from JS", "guards"];
  const rows = Object.entries(LOCK_ROWS).map(([workload, title]) => {
    const one = at(workload, WASM_LABEL, 1);
    const two = at(workload, WASM_LABEL, 2);
    const gain = two === undefined ? "" : ratio(two.notes["M/s"] / one.notes["M/s"]);
    return [
      title,
      cell(one),
      cell(at(workload, RAW_LABEL, 1)),
      cell(at(workload, GUARDS_LABEL, 1)),
      gain,
    ];
  });
  return [[...head, "two workers against one"], ...rows];
}

function programTable(run) {
  const real = find(run, "programs", "python-stdlib", LINUX);
  if (real === undefined) return null;
  const rows = [WASM_LABEL, RAW_LABEL, "perVmaLock: false"].map((impl) => [
    impl,
    ...[0, 1, 2].map((workers) => {
      const ours = find(run, "programs", "python-stdlib", impl, { workers });
      if (ours === undefined) return "";
      return `${cell(ours)} (${ratio(ours.value.median / real.value.median)})`;
    }),
  ]);
  const head = ["ns a call of a recorded Python", "alone", "1 fault worker", "2 fault workers"];
  return [head, ...rows, [LINUX, cell(real), "", ""]];
}

process.exitCode = main(process.argv.slice(2));
