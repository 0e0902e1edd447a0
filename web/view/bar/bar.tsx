// The bar: the address space from low to high, in one of three scales, zoomed at will.
//
// For the keyboard it is a slider over the mappings: arrows walk, + and - zoom, 0 shows all.

import { type ReadonlySignal, type Signal, useComputed, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { rowAt } from "../../app/rows.js";
import type { PaneProps } from "../../app/slots.js";
import type { ScaleName, Span, Store } from "../../app/store.js";
import { theme } from "../../app/theme.js";
import { Canvas } from "../canvas.js";
import { bytes, plural } from "../format.js";
import { wordsOf } from "../words.js";
import { ZOOM_STEP, ZoomButtons } from "../zoom.js";
import { Legend } from "./legend.js";
import { Minimap } from "./minimap.js";
import { paintBar, paintOutlines } from "./paint.js";
import { paletteOf } from "./palette.js";
import { Readout } from "./readout.js";
import { clampedSpan, type Projection, projectionOf, zoomed } from "./scale.js";
import "./bar.css";

const SCALES: readonly (readonly [ScaleName, string, string])[] = [
  ["gaps", "Compact", "Gaps are cut short; sizes by logarithm"],
  ["log", "Log", "By the logarithm of the distance from the left edge"],
  ["linear", "Linear", "In proportion"],
];
/** Always the same: not drawn again with the figures beside it. */
const LEGEND = <Legend />;

export function Bar({ store }: PaneProps) {
  const width = useSignal(1000);
  const box = useRef<HTMLDivElement>(null);
  const projection = useComputed(() =>
    projectionOf(store.scale.value, store.moment.value.after, store.window.value, width.value),
  );
  const { after } = store.moment.value;
  const addressAt = (event: MouseEvent) => {
    const left = box.current!.getBoundingClientRect().left;
    return projection.value.address(event.clientX - left);
  };
  const zoom = (factor: number, x = xOfSelected(store, projection.value.x, width.value)) => {
    store.window.value = zoomed(projection.value, store.window.value, {
      x,
      width: width.value,
      factor,
      taskSize: store.taskSize,
    });
  };
  return (
    <section class="card bar-card" aria-label="Address space">
      <BarHead store={store} zoom={zoom} />
      <div
        ref={box}
        class="bar"
        data-shortcut="bar"
        role="slider"
        tabIndex={0}
        aria-label="Mappings from low to high"
        aria-valuemin={0}
        aria-valuemax={Math.max(0, after.count - 1)}
        aria-valuenow={Math.max(0, rowOf(store, store.selected.value))}
        aria-valuetext={
          store.selected.value === null ? "none" : wordsOf(store, store.selected.value)
        }
        onPointerMove={(event) => {
          store.hover.value = addressAt(event);
        }}
        onPointerLeave={() => {
          store.hover.value = null;
        }}
        onClick={(event) => {
          store.select(addressAt(event));
        }}
        onDblClick={(event) => zoomTo(store, addressAt(event))}
        onWheel={(event) => {
          if (!event.ctrlKey && !event.metaKey && !event.shiftKey) return;
          event.preventDefault();
          const x = event.clientX - box.current!.getBoundingClientRect().left;
          zoom(2 ** ((event.deltaY || event.deltaX) / 200), x);
        }}
        onKeyDown={(event) => onKey(event, store, zoom)}
      >
        <Blocks store={store} projection={projection} width={width} />
        <Outlines store={store} projection={projection} />
      </div>
      <Minimap store={store} />
      <Readout store={store} />
    </section>
  );
}

interface LayerProps extends PaneProps {
  readonly projection: ReadonlySignal<Projection>;
}

/** What is mapped: painted again when the moment or the window changes. */
function Blocks({ store, projection, width }: LayerProps & { readonly width: Signal<number> }) {
  const { after, changes } = store.moment.value;
  const picture = { rows: after, projection: projection.value, fresh: changes.fresh };
  return (
    <Canvas
      key={theme.value}
      class="bar-canvas"
      paint={(context, w, height) => {
        width.value = w;
        paintBar(context, { width: w, height }, picture, paletteOf(theme.value));
      }}
    />
  );
}

/** What is under the pointer and what is chosen: a layer of its own, painted at every move. */
function Outlines({ store, projection }: LayerProps) {
  const { after } = store.moment.value;
  const hovered = rowOf(store, store.hover.value);
  const selected = rowOf(store, store.selected.value);
  if (hovered < 0 && selected < 0) return null;
  const chosen = { rows: after, projection: projection.value, hovered, selected };
  return (
    <Canvas
      key={theme.value}
      class="bar-canvas is-overlay"
      paint={(context, w, height) =>
        paintOutlines(context, { width: w, height }, chosen, paletteOf(theme.value))
      }
    />
  );
}

interface BarHeadProps extends PaneProps {
  readonly zoom: (factor: number) => void;
}

function BarHead({ store, zoom }: BarHeadProps) {
  const { after } = store.moment.value;
  const whole = store.window.value.end - store.window.value.start === store.taskSize;
  return (
    <div class="card-head">
      <h2>Address space</h2>
      <span class="muted number">
        {plural(after.count, "mapping")}, {bytes(after.mappedBytes)}
      </span>
      <span class="spacer" />
      {LEGEND}
      <fieldset class="segmented">
        <legend class="visually-hidden">Scale</legend>
        {SCALES.map(([name, title, hint]) => (
          <label key={name} title={hint}>
            <input
              type="radio"
              name="scale"
              checked={store.scale.value === name}
              onChange={() => {
                store.scale.value = name;
              }}
            />
            <span>{title}</span>
          </label>
        ))}
      </fieldset>
      <ZoomButtons zoom={zoom} showAll={() => showAll(store)} isWhole={whole} />
    </div>
  );
}

function onKey(event: KeyboardEvent, store: Store, zoom: (factor: number) => void): void {
  const { after } = store.moment.value;
  const row = rowOf(store, store.selected.value);
  const to = (next: number) => {
    const clamped = Math.max(0, Math.min(after.count - 1, next));
    if (after.count > 0) store.select(after.start[clamped]!);
  };
  const actions: Record<string, () => void> = {
    ArrowRight: () => to(row + 1),
    ArrowUp: () => to(row + 1),
    ArrowLeft: () => to(row < 0 ? after.count - 1 : row - 1),
    ArrowDown: () => to(row < 0 ? after.count - 1 : row - 1),
    PageUp: () => to(row + 10),
    PageDown: () => to(row - 10),
    Home: () => to(0),
    End: () => to(after.count - 1),
    "+": () => zoom(1 / ZOOM_STEP),
    "=": () => zoom(1 / ZOOM_STEP),
    "-": () => zoom(ZOOM_STEP),
    "0": () => showAll(store),
    Enter: () => store.selected.value !== null && zoomTo(store, store.selected.value),
  };
  const action = event.ctrlKey || event.metaKey ? undefined : actions[event.key];
  if (action === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  action();
}

function showAll(store: Store): void {
  store.window.value = { start: 0, end: store.taskSize };
}

/** Shows the mapping at `address` with a quarter of its size on either side. */
function zoomTo(store: Store, address: number): void {
  const { after } = store.moment.value;
  const row = rowAt(after, address);
  if (row < 0) return;
  const margin = (after.end[row]! - after.start[row]!) / 4;
  const span: Span = { start: after.start[row]! - margin, end: after.end[row]! + margin };
  store.window.value = clampedSpan(span, store.taskSize);
}

function rowOf(store: Store, address: number | null): number {
  return address === null ? -1 : rowAt(store.moment.value.after, address);
}

/** Where zooming by keyboard or button aims: at what is chosen if it is in sight. */
function xOfSelected(store: Store, xOf: (address: number) => number, width: number): number {
  const x = store.selected.value === null ? -1 : xOf(store.selected.value);
  return x >= 0 && x <= width ? x : width / 2;
}
