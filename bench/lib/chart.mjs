// The chart of a run: what --chart writes.
//
//   bars      index workloads at one size, system calls, shapes, a whole program
//   curves    index workloads over the number of ranges, locks over the number of workers

import { unique } from "./stats.mjs";
import { barPanel, barsHeight, colours, curvePanel, curvesHeight, PANEL, text } from "./svg.mjs";

/** @typedef {import("./stats.mjs").Figure} Figure */

const COLUMNS = 3;
const WIDTH = COLUMNS * (PANEL.width + PANEL.gap) + PANEL.gap;
const HEADER = 74;
const HEADING = 40;
/** Which curves are worth a panel. */
const OVER_SIZE = ["lookup_rand", "iterate", "insert_rand", "mixed", "split_merge", "gap_99"];
const OVER_WORKERS = ["lookup", "lock_distinct", "lock_one", "peek", "mmap_read", "mmap_write"];
const PREFERRED_SIZE = 10_000;

/**
 * @param {Figure[]} figures
 * @param {import("./rows.mjs").Row[]} rows
 * @param {Record<string, string>} head of lib/machine.mjs
 */
export function chartSvg(figures, rows, head) {
  const sections = rows.flatMap((row) => {
    const own = figures.filter((figure) => figure.row === row.name);
    return own.length === 0 ? [] : sectionsOf(own, row);
  });
  const parts = [];
  let y = HEADER;
  for (const { title, panels } of sections) {
    parts.push(text(PANEL.gap, y + 16, title, { size: 15, weight: "bold" }));
    y += HEADING;
    for (let i = 0; i < panels.length; i += COLUMNS) {
      const line = panels.slice(i, i + COLUMNS);
      for (const [column, panel] of line.entries()) {
        const x = PANEL.gap + column * (PANEL.width + PANEL.gap);
        parts.push(`<g transform="translate(${x} ${y})">\n${panel.svg}\n</g>`);
      }
      y += Math.max(...line.map(({ height }) => height)) + 18;
    }
  }
  const machine = [head.machine, head.system, `Node ${head.node}`, head.vmaple].join(" · ");
  const size = `width="${WIDTH}" height="${y}"`;
  const titles = [
    text(PANEL.gap, 32, "vmaple beside its peers", { size: 20, weight: "bold" }),
    text(PANEL.gap, 54, machine, {
      size: 12,
    }),
    text(
      PANEL.gap,
      70,
      "Medians; thin line: min to max. Less is better, but for operations a second. Logarithmic.",
      { size: 11 },
    ),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} viewBox="0 0 ${WIDTH} ${y}"`,
    `  font-family="system-ui, sans-serif">`,
    `<rect width="${WIDTH}" height="${y}" fill="#ffffff"/>`,
    ...titles,
    ...parts,
    "</svg>\n",
  ].join("\n");
}

/** @param {Figure[]} figures of one row @param {import("./rows.mjs").Row} row */
function sectionsOf(figures, row) {
  const colour = colours(row.impls);
  const sizes = unique(figures.map(({ n }) => n ?? 0)).sort((a, b) => a - b);
  const size = sizes.includes(PREFERRED_SIZE) ? PREFERRED_SIZE : sizes[sizes.length - 1];
  const workers = Math.min(...figures.map((figure) => figure.workers ?? 0));
  const at = figures.filter((f) => (f.n ?? 0) === size && (f.workers ?? 0) === workers);
  const title = size > 0 ? `${row.name}: ${row.title}, n ${size}` : `${row.name}: ${row.title}`;
  const sections = [{ title, panels: bars(at, row, colour) }];
  if (sizes.length > 1) {
    const panels = curves(figures, row, { names: OVER_SIZE, colour, ...BY_SIZE });
    sections.push({ title: `${row.name} over the number of ranges, ns`, panels });
  }
  if (unique(figures.map((figure) => figure.workers)).length > 1) {
    const panels = curves(figures, row, { names: OVER_WORKERS, colour, ...BY_WORKERS });
    sections.push({ title: `${row.name} over workers, million operations a second`, panels });
  }
  return sections.filter(({ panels }) => panels.length > 0);
}

const BY_SIZE = {
  xName: "ranges",
  point: ({ n, value }) => ({ x: n, y: value.median }),
};
const BY_WORKERS = {
  xName: "workers",
  point: ({ workers, notes }) => ({ x: workers, y: notes["M/s"] }),
};

function bars(figures, row, colour) {
  return row.workloads.flatMap((workload) => {
    const group = inOrder(figures, row, workload).filter(({ value }) => value.median > 0);
    if (group.length === 0) return [];
    const lines = group.map(({ impl, value, unit, partial }) => {
      const { median, min, max } = value;
      return { label: impl, value: median, min, max, unit: partial ? `${unit} +` : unit };
    });
    return [{ svg: barPanel(workload, lines, colour), height: barsHeight(lines.length) }];
  });
}

function curves(figures, row, { names, colour, xName, point }) {
  return row.workloads
    .filter((workload) => names.includes(workload))
    .flatMap((workload) => {
      const group = inOrder(figures, row, workload);
      const lines = unique(group.map(({ impl }) => impl)).flatMap((label) => {
        const own = group.filter(({ impl }) => impl === label).map(point);
        const points = own.filter(({ x, y }) => x > 0 && y > 0).sort((a, b) => a.x - b.x);
        return points.length < 2 ? [] : [{ label, points }];
      });
      if (lines.length === 0) return [];
      const svg = curvePanel(workload, lines, { colour, xName });
      return [{ svg, height: curvesHeight(lines.length) }];
    });
}

function inOrder(figures, { impls }, workload) {
  const group = figures.filter((figure) => figure.workload === workload);
  return group.sort((a, b) => impls.indexOf(a.impl) - impls.indexOf(b.impl));
}
