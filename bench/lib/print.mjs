// Figures as text: a block a size and number of workers, a line an implementation.
//
//   n 10000                          ns/op    spread       wall   wasm /   JS /
//   lookup_rand   vmaple in wasm      31.0    30.1..32.4   31.2
//                 sorted array        98.2    97.0..110    98.9     0.32   0.41
//
// The ratio columns hold ours / theirs: below 1 we are faster.

import { unique } from "./stats.mjs";

/** @typedef {import("./stats.mjs").Figure} Figure */

/**
 * @param {Figure[]} figures of one row
 * @param {{ name: string, title: string, workloads: string[], impls: string[],
 *   references: { impl: string, short: string }[] }} row
 */
export function rowText(figures, row) {
  const lines = [`${row.name}: ${row.title}`];
  const places = unique(figures.map(({ n, workers }) => JSON.stringify([n ?? 0, workers ?? 0])));
  const ordered = places.map((text) => JSON.parse(text));
  ordered.sort(([n, w], [m, v]) => n - m || w - v);
  for (const [n, workers] of ordered) {
    const here = figures.filter((f) => (f.n ?? 0) === n && (f.workers ?? 0) === workers);
    lines.push("", ...blockText(here, row, { n, workers }));
  }
  return lines.join("\n");
}

function blockText(figures, row, { n, workers }) {
  const title = [n > 0 && `n ${n}`, workers > 0 && plural(workers)].filter(Boolean).join(", ");
  const ratios = row.references.map(({ short }) => `${short} /`);
  const head = [title, "", "value", "spread", "wall", ...ratios, ""];
  const body = row.workloads.flatMap((workload) => {
    const group = figures.filter((figure) => figure.workload === workload);
    group.sort((a, b) => row.impls.indexOf(a.impl) - row.impls.indexOf(b.impl));
    return group.map((figure, i) => cells(figure, i === 0, group, row));
  });
  return align([head, ...body]);
}

function plural(workers) {
  return workers === 1 ? "1 worker" : `${workers} workers`;
}

/** @param {Figure} figure */
function cells(figure, first, group, { references }) {
  const { workload, impl, unit, value, wall, partial, notes } = figure;
  const ratios = references.map((reference) => {
    const ours = group.find((other) => other.impl === reference.impl);
    if (ours === undefined || ours === figure) return "";
    return ratio(ours.value.median / value.median);
  });
  return [
    first ? workload : "",
    impl,
    `${number(value.median)}${partial ? "+" : ""} ${unit}`,
    value.rounds > 1 ? `${number(value.min)}..${number(value.max)}` : "",
    wall === null ? "" : number(wall.median),
    ...ratios,
    Object.entries(notes)
      .map(([name, x]) => `${name} ${number(x)}`)
      .join(", "),
  ];
}

/** Text columns left, number columns right. */
function align(rows) {
  const widths = rows[0].map((_, c) => Math.max(...rows.map((row) => row[c].length)));
  const last = rows[0].length - 1;
  return rows.map((row) => {
    const padded = row.map((cell, c) =>
      c < 2 ? cell.padEnd(widths[c]) : c === last ? cell : cell.padStart(widths[c]),
    );
    return `  ${padded.join("  ")}`.trimEnd();
  });
}

/** Three digits that matter. @param {number} x */
export function number(x) {
  if (!Number.isFinite(x)) return "-";
  const size = Math.abs(x);
  if (size >= 1e6) return `${(x / 1e6).toFixed(size < 1e7 ? 2 : 1)}M`;
  if (size >= 1e5) return `${(x / 1e3).toFixed(0)}k`;
  if (size >= 1e4) return `${(x / 1e3).toFixed(1)}k`;
  return x.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0);
}

/** @param {number} x */
export function ratio(x) {
  if (!Number.isFinite(x)) return "-";
  return x < 0.1 ? x.toFixed(3) : x < 10 ? x.toFixed(2) : x.toFixed(1);
}

/** A table, its first column left, the others right. @param {string[][]} rows heading first */
export function markdown([head, ...body]) {
  const widths = head.map((_, c) => Math.max(...[head, ...body].map((row) => row[c].length), 4));
  const line = (row) =>
    `| ${row.map((x, c) => (c === 0 ? x.padEnd(widths[c]) : x.padStart(widths[c]))).join(" | ")} |`;
  const rule = widths.map((w, c) => (c === 0 ? "-".repeat(w) : `${"-".repeat(w - 1)}:`));
  return [line(head), line(rule), ...body.map(line)].join("\n");
}
