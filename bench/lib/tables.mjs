// The tables of a run's figures, for README.md and docs/performance.md: rows of cells, the heading first.

import { CALLS_LABEL, WASM_LABEL } from "../subjects/vmaple-index.mjs";
import { number, ratio } from "./print.mjs";
import { ROWS } from "./rows.mjs";

const LINUX = "Linux, real calls";
const RAW_LABEL = "vmaple raw from JS";
const GUARDS_LABEL = "vmaple guards";
const OBJECTS_LABEL = "vmaple objects";
const FAR_PEERS = ["js-sdsl OrderedMap", "node-interval-tree"];

const INDEX_ROWS = {
  lookup_rand: "look-up",
  iterate: "iterate",
  insert_asc: "insert ascending",
  insert_rand: "insert random",
  erase_rand: "erase random",
  mixed: "mixed",
  split_merge: "split and merge",
  gap_0: "find a gap, empty",
  gap_50: "find a gap, half full",
  gap_99: "find a gap, 99 % full",
  bytes: "bytes a range",
};

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

const READER_ROWS = {
  loss_walk: "a walk is slower by, %",
  loss_lock_vma: "a VMA lock is slower by, %",
  loss_peek: "peek is slower by, %",
  fault_p50: "a fault, p50",
  fault_p99: "p99",
  "fault_p99.9": "p99.9",
  fault_max: "max",
};

/**
 * By the first word of a table's name; the other words are handed over. Each gives rows of
 * cells, or null where the run has nothing for it.
 *
 * @type {Record<string, (run: any, ...words: string[]) => string[][] | null>}
 */
export const TABLES = {
  index: (run, n) => indexTable(run, Number(n), { isWhole: false }),
  indexes: (run, n) => indexTable(run, Number(n), { isWhole: true }),
  scaling: scalingTable,
  space: (run, n) => spaceTable(run, Number(n)),
  locks: (run, n) => lockTable(run, Number(n)),
  programs: programTable,
  readers: readerTable,
  shapes: shapeTable,
};

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

/** @param {{ isWhole: boolean }} what  every row and peer, or those that README has room for */
function indexTable(run, n, { isWhole }) {
  const at = (workload, impl) => find(run, "index", workload, impl, { n });
  if (at("lookup_rand", WASM_LABEL) === undefined) return null;
  const present = peers(isWhole ? [] : FAR_PEERS).filter((impl) => at("lookup_rand", impl));
  const shown = Object.entries(INDEX_ROWS).filter(
    ([workload]) => isWhole || !["gap_0", "gap_50"].includes(workload),
  );
  const rows = shown.map(([workload, title]) => {
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

/** Who is measured beside us in row `index`. */
function peers(without) {
  const ours = [WASM_LABEL, CALLS_LABEL];
  const { impls } = ROWS.find(({ name }) => name === "index");
  return impls.filter((impl) => !ours.includes(impl) && !without.includes(impl));
}

/** A look-up at each size, and how many times the smallest size's that is. */
function scalingTable(run) {
  const figures = run.figures.filter((f) => f.row === "index" && f.workload === "lookup_rand");
  const sizes = [...new Set(figures.map(({ n }) => n))].sort((a, b) => a - b);
  if (sizes.length < 3) return null;
  const impls = [WASM_LABEL, ...peers([])].filter((impl) =>
    figures.some((figure) => figure.impl === impl),
  );
  const rows = impls.map((impl) => {
    const line = sizes.map((n) => figures.find((f) => f.n === n && f.impl === impl));
    const first = line[0]?.value.median;
    return [
      impl,
      ...line.map((f) =>
        f === undefined ? "" : `${cell(f)} (x${number(f.value.median / first)})`,
      ),
    ];
  });
  return [["ns a look-up", ...sizes.map((n) => n.toLocaleString("en"))], ...rows];
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

function readerTable(run) {
  const at = (workload, impl) => find(run, "readers", workload, impl);
  const [ours, without] = ROWS.find(({ name }) => name === "readers").impls;
  if (at("fault_p50", ours) === undefined) return null;
  const rows = Object.entries(READER_ROWS).map(([workload, title]) => {
    return [title, cell(at(workload, ours)), cell(at(workload, without))];
  });
  const fallbacks = (impl) => number(at("fault_p50", impl).notes["% fell back"]);
  const lines = [...rows, ["faults by the mmap lock, %", fallbacks(ours), fallbacks(without)]];
  return [["beside a writer that never pauses, ns", "per-VMA locks", without], ...lines];
}

function shapeTable(run) {
  const { workloads, impls } = ROWS.find(({ name }) => name === "shapes");
  const at = (workload, impl) => find(run, "shapes", workload, impl);
  if (at(workloads[0], WASM_LABEL) === undefined) return null;
  const rows = workloads.map((workload) => {
    const ours = at(workload, WASM_LABEL);
    const others = impls.slice(1).map((impl) => beside(ours, at(workload, impl)));
    return [workload, cell(ours), ...others];
  });
  return [["ns", ...impls], ...rows];
}
