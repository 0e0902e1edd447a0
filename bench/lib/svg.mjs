// Two kinds of panels as SVG text: bars of one workload, and curves over sizes or workers.
//
// Scales are logarithmic: what matters is the ratio, and results lie far apart.

import { number } from "./print.mjs";

export const PANEL = { width: 380, gap: 30 };
const BAR = { height: 15, step: 21, label: 130 };
const CURVE = { height: 230, left: 46, right: 8, bottom: 26 };
const INK = "#1f2933";
const FAINT = "#c9d1d9";
const OURS = ["#0b5cad", "#5aa2e6", "#9cc9f2"];
const THEIRS = [
  "#8a6d3b",
  "#b5453c",
  "#6b7c32",
  "#8559a5",
  "#c58a2a",
  "#4d4d4d",
  "#a3a3a3",
  "#2f8f83",
];

/** One colour an implementation: blue is ours. @param {string[]} impls */
export function colours(impls) {
  const ours = impls.filter(isOurs);
  const theirs = impls.filter((impl) => !isOurs(impl));
  return new Map([
    ...ours.map((impl, i) => [impl, OURS[i % OURS.length]]),
    ...theirs.map((impl, i) => [impl, THEIRS[i % THEIRS.length]]),
  ]);
}

function isOurs(impl) {
  return impl.startsWith("vmaple") || impl.startsWith("perVmaLock");
}

export function text(
  x,
  y,
  content,
  { size = 11, anchor = "start", weight = "normal", fill = INK } = {},
) {
  const at = `x="${x.toFixed(1)}" y="${y.toFixed(1)}"`;
  const look = `font-size="${size}" text-anchor="${anchor}" font-weight="${weight}" fill="${fill}"`;
  return `<text ${at} ${look}>${escaped(content)}</text>`;
}

function escaped(content) {
  return content.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

/** @param {number} bars */
export function barsHeight(bars) {
  return 26 + bars * BAR.step;
}

/**
 * @param {string} title
 * @param {{ label: string, value: number, min: number, max: number, unit: string }[]} bars
 * @param {Map<string, string>} colour
 */
export function barPanel(title, bars, colour) {
  const low = 10 ** Math.floor(Math.log10(Math.min(...bars.map(({ value }) => value))) - 0.3);
  const high = Math.max(...bars.map(({ value }) => value));
  const room = PANEL.width - BAR.label - 70;
  const length = (value) => (room * Math.log(value / low)) / Math.log(high / low);
  const parts = [text(0, 12, title, { weight: "bold", size: 12 })];
  for (const [i, { label, value, min, max, unit }] of bars.entries()) {
    const y = 22 + i * BAR.step;
    const end = BAR.label + length(value);
    const middle = y + BAR.height / 2;
    parts.push(
      text(BAR.label - 6, y + 12, label, { anchor: "end" }),
      rect(BAR.label, y, length(value), BAR.height, colour.get(label)),
      line(BAR.label + length(Math.max(min, low)), middle, BAR.label + length(max), middle, INK, 1),
      text(Math.max(end, BAR.label + length(max)) + 5, y + 12, `${number(value)} ${unit}`),
    );
  }
  return parts.join("\n");
}

/** Of a curve panel with a legend of so many entries. @param {number} entries */
export function curvesHeight(entries) {
  return CURVE.height + 24 + legendRows(entries) * 15;
}

const LEGEND_COLUMNS = 2;
const legendRows = (entries) => Math.ceil(entries / LEGEND_COLUMNS);

/**
 * @param {string} title
 * @param {{ label: string, points: { x: number, y: number }[] }[]} curves
 * @param {{ colour: Map<string, string>, xName: string }} look
 */
export function curvePanel(title, curves, { colour, xName }) {
  const points = curves.flatMap((curve) => curve.points);
  const xs = [...new Set(points.map(({ x }) => x))].sort((a, b) => a - b);
  const ys = decades(points.map(({ y }) => y));
  const x = scale([xs[0], xs[xs.length - 1]], [CURVE.left, PANEL.width - CURVE.right]);
  const y = scale([ys[0], ys[ys.length - 1]], [CURVE.height - CURVE.bottom, 24]);
  const parts = [text(0, 12, title, { weight: "bold", size: 12 })];
  for (const value of ys) {
    parts.push(line(CURVE.left, y(value), PANEL.width - CURVE.right, y(value), FAINT, 0.7));
    parts.push(
      text(CURVE.left - 5, y(value) + 4, plain(value), {
        anchor: "end",
        size: 10,
      }),
    );
  }
  for (const value of xs) {
    const label = value >= 1000 ? `${value / 1000}k` : `${value}`;
    parts.push(text(x(value), CURVE.height - 10, label, { anchor: "middle", size: 10 }));
  }
  parts.push(text(PANEL.width - CURVE.right, CURVE.height + 3, xName, { anchor: "end", size: 10 }));
  for (const { label, points: own } of curves) {
    const path = own.map(
      (point, i) => `${i === 0 ? "M" : "L"}${x(point.x).toFixed(1)} ${y(point.y).toFixed(1)}`,
    );
    parts.push(
      `<path d="${path.join(" ")}" fill="none" stroke="${colour.get(label)}" stroke-width="2"/>`,
    );
    for (const point of own) {
      parts.push(dot(x(point.x), y(point.y), colour.get(label)));
    }
  }
  for (const [i, { label }] of curves.entries()) {
    const left = CURVE.left + (i % LEGEND_COLUMNS) * 165;
    const top = CURVE.height + 18 + Math.floor(i / LEGEND_COLUMNS) * 15;
    parts.push(rect(left, top - 8, 14, 4, colour.get(label)));
    parts.push(text(left + 19, top - 2, label, { size: 10 }));
  }
  return parts.join("\n");
}

/** 1, 2, 5 and their decades around the values. */
function decades(values) {
  const least = Math.min(...values);
  const most = Math.max(...values);
  const steps = [];
  for (let power = Math.floor(Math.log10(least)); 10 ** power < most * 10; power++) {
    for (const factor of most / least > 200 ? [1] : [1, 2, 5]) steps.push(factor * 10 ** power);
  }
  const from = steps.findLastIndex((step) => step <= least);
  const to = steps.findIndex((step) => step >= most);
  return steps.slice(Math.max(from, 0), to + 1);
}

/** Logarithmic. */
function scale([from, to], [a, b]) {
  if (from === to) return () => (a + b) / 2;
  return (value) => a + ((b - a) * Math.log(value / from)) / Math.log(to / from);
}

function line(x1, y1, x2, y2, stroke, width) {
  const ends = `x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2)}" y2="${at(y2)}"`;
  return `<line ${ends} stroke="${stroke}" stroke-width="${width}"/>`;
}

function rect(x, y, width, height, fill) {
  const box = `x="${at(x)}" y="${at(y)}" width="${at(width)}" height="${at(height)}"`;
  return `<rect ${box} fill="${fill}"/>`;
}

function dot(x, y, fill) {
  return `<circle cx="${at(x)}" cy="${at(y)}" r="2.6" fill="${fill}"/>`;
}

/** A coordinate. */
function at(value) {
  return value.toFixed(1);
}

/** 1000 as 1k. */
function plain(value) {
  if (value >= 1e6) return `${value / 1e6}M`;
  return value >= 1e3 ? `${value / 1e3}k` : `${value}`;
}
