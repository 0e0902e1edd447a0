// A chart of one or more series over the same steps, as SVG text: each in a panel of its
// own, with its scale. Pure.

export interface Series {
  readonly name: string;
  readonly unit: "count" | "bytes";
  readonly colour: string;
  readonly values: readonly number[];
}

export interface Chart {
  readonly title: string;
  /** What the steps are. */
  readonly axis: string;
  /** The step of each value. */
  readonly steps: readonly number[];
  readonly series: readonly Series[];
}

const WIDTH = 800;
const PANEL = 140;
const LEFT = 90;
const RIGHT = 20;
const TOP = 40;
const GAP = 30;

export function chartSvg({ title, axis, steps, series }: Chart): string {
  const height = TOP + series.length * (PANEL + GAP) + 20;
  const last = Math.max(1, steps.at(-1) ?? 1);
  const x = (step: number) => round(LEFT + (step / last) * (WIDTH - LEFT - RIGHT));
  const panels = series.map((one, n) => panel(one, steps, x, TOP + n * (PANEL + GAP)));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="${LEFT}" y="20" font-size="14">${escaped(title)}</text>`,
    ...panels,
    `<text x="${LEFT}" y="${height - 8}">0</text>`,
    `<text x="${WIDTH - RIGHT}" y="${height - 8}" text-anchor="end">${last} ${escaped(axis)}</text>`,
    "</svg>",
    "",
  ].join("\n");
}

function panel(
  { name, unit, colour, values }: Series,
  steps: readonly number[],
  x: (step: number) => number,
  top: number,
): string {
  const highest = values.reduce((most, value) => Math.max(most, value), 1);
  const bottom = top + PANEL - 20;
  const y = (value: number) => round(bottom - (value / highest) * (PANEL - 40));
  // Steps, not slopes: between two calls nothing changes.
  let path = "";
  let before: number | undefined;
  values.forEach((value, n) => {
    const at = x(steps[n] ?? 0);
    const height = y(value);
    if (n === 0) path += `M${at} ${height}`;
    else if (height !== before) path += `H${at}V${height}`;
    before = height;
  });
  path += `H${x(steps[values.length - 1] ?? 0)}`;
  return [
    `<text x="${LEFT}" y="${top + 12}" fill="${colour}">${escaped(name)}</text>`,
    `<path d="M${LEFT} ${bottom}H${WIDTH - RIGHT}" stroke="#999" fill="none"/>`,
    `<text x="${LEFT - 6}" y="${bottom}" text-anchor="end">0</text>`,
    `<text x="${LEFT - 6}" y="${y(highest) + 4}" text-anchor="end">${amount(highest, unit)}</text>`,
    `<path d="${path}" stroke="${colour}" fill="none" stroke-width="1.5"/>`,
  ].join("\n");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** `12.5 MiB`, or the number itself. */
export function amount(value: number, unit: Series["unit"]): string {
  if (unit === "count") return `${value}`;
  let scaled = value;
  let step = 0;
  while (scaled >= 1024 && step < UNITS.length - 1) {
    scaled /= 1024;
    step++;
  }
  return `${Number(scaled.toFixed(scaled < 100 ? 1 : 0))} ${UNITS[step]}`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
