// The whole space in small, and the window of the bar in it; drag to move the window.

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { PaneProps } from "../../app/slots.js";
import { theme } from "../../app/theme.js";
import { Canvas } from "../canvas.js";
import { paintMinimap } from "./paint.js";
import { paletteOf } from "./palette.js";
import { clampedSpan, projectionOf } from "./scale.js";

/** Narrower windows are drawn this wide, px. */
const MIN_FRAME = 4;

export function Minimap({ store }: PaneProps) {
  const width = useSignal(1000);
  const box = useRef<HTMLDivElement>(null);
  const { after } = store.moment.value;
  const whole = { start: 0, end: store.taskSize };
  const projection = projectionOf(store.scale.value, after, whole, width.value);
  const { start, end } = store.window.value;
  const from = projection.x(start);
  const to = Math.max(projection.x(end), from + MIN_FRAME);
  const moveTo = (clientX: number) => {
    const half = (to - from) / 2;
    const x = clientX - box.current!.getBoundingClientRect().left;
    const centre = Math.max(half, Math.min(width.value - half, x));
    const span = {
      start: projection.address(centre - half),
      end: projection.address(centre + half),
    };
    store.window.value = clampedSpan(span, store.taskSize);
  };
  return (
    <div
      ref={box}
      class="minimap"
      aria-hidden="true"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        moveTo(event.clientX);
      }}
      onPointerMove={(event) => {
        if (event.buttons !== 0) moveTo(event.clientX);
      }}
    >
      <Canvas
        key={theme.value}
        class="minimap-canvas"
        paint={(context, w, height) => {
          width.value = w;
          const picture = { rows: after, projection, fresh: [] };
          paintMinimap(context, { width: w, height }, picture, paletteOf(theme.value));
        }}
      />
      <div
        class="minimap-frame"
        style={{
          left: `${(from / width.value) * 100}%`,
          width: `${((to - from) / width.value) * 100}%`,
        }}
      />
    </div>
  );
}
