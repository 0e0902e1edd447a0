// Curves of both legs over the seconds of a race, one above the other.

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { theme } from "../app/theme.js";
import { MODE_COLOURS, MODE_NAMES, resolved } from "./modes.js";
import { MODES, type Mode, SAMPLE_MS, type Sample } from "./run.js";

export type Curves = Readonly<Record<Mode, readonly Sample[]>>;

const CHARTS: readonly { title: string; of: keyof Sample }[] = [
  { title: "Operations per second", of: "operations" },
  { title: "Faults under the mmap lock per second", of: "fallbacks" },
  { title: "VMA lock retries and refusals per second", of: "retries" },
];
const HEIGHT_PX = 150;
const SHORT = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

export function Charts({ curves, seconds }: { curves: Curves; seconds: number }) {
  return (
    <div class="race-charts">
      {CHARTS.map(({ title, of }) => (
        <figure key={of} class="race-chart">
          <figcaption>{title}</figcaption>
          <Chart key={theme.value} curves={curves} seconds={seconds} of={of} title={title} />
        </figure>
      ))}
    </div>
  );
}

interface ChartProps {
  readonly curves: Curves;
  readonly seconds: number;
  readonly of: keyof Sample;
  readonly title: string;
}

function Chart({ curves, seconds, of, title }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  useEffect(() => {
    const element = box.current!;
    const made = new uPlot(optionsOf(element), [[], [], []], element);
    plot.current = made;
    const observer = new ResizeObserver(() => {
      made.setSize({ width: element.clientWidth, height: HEIGHT_PX });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, []);
  useEffect(() => {
    plot.current?.setData(dataOf(curves, of), false);
    const most = Math.max(1, ...MODES.flatMap((mode) => curves[mode].map((sample) => sample[of])));
    plot.current?.setScale("x", { min: 0, max: seconds });
    plot.current?.setScale("y", { min: 0, max: most * 1.08 });
  });
  return <div ref={box} class="race-plot" role="img" aria-label={labelOf(curves, of, title)} />;
}

function dataOf(curves: Curves, of: keyof Sample): uPlot.AlignedData {
  const length = Math.max(...MODES.map((mode) => curves[mode].length));
  const seconds = Array.from({ length }, (_, i) => ((i + 1) * SAMPLE_MS) / 1000);
  const values = (mode: Mode) => seconds.map((_, i) => curves[mode][i]?.[of] ?? null);
  return [seconds, values("mmapLock"), values("vmaLock")];
}

/** For those who do not see the curves. */
function labelOf(curves: Curves, of: keyof Sample, title: string): string {
  const parts = MODES.filter((mode) => curves[mode].length > 0).map((mode) => {
    const values = curves[mode].map((sample) => sample[of]);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return `${MODE_NAMES[mode]}: ${SHORT.format(mean)} on average`;
  });
  return `${title}. ${parts.join("; ")}`;
}

function optionsOf(element: HTMLElement): uPlot.Options {
  const style = getComputedStyle(element);
  const font = `11px ${style.fontFamily}`;
  const grid = { stroke: resolved(element, "--line"), width: 1 };
  const axis = { stroke: resolved(element, "--muted"), font, grid, ticks: { show: false } };
  const line = (mode: Mode): uPlot.Series => ({
    label: MODE_NAMES[mode],
    stroke: resolved(element, MODE_COLOURS[mode]),
    width: 2,
    ...(mode === "mmapLock" ? { dash: [5, 4] } : {}),
    points: { show: false },
  });
  return {
    width: element.clientWidth,
    height: HEIGHT_PX,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false } },
    axes: [
      { ...axis, size: 24, values: (_, ticks) => ticks.map((tick) => `${tick} s`) },
      { ...axis, size: 48, values: (_, ticks) => ticks.map((tick) => SHORT.format(tick)) },
    ],
    series: [{}, line("mmapLock"), line("vmaLock")],
  };
}
