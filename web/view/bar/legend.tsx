// Which colour and pattern is which kind.

import { theme } from "../../app/theme.js";
import { Canvas } from "../canvas.js";
import { KIND_NAMES, type Kind } from "../kinds.js";
import { paletteOf } from "./palette.js";

const SHORT: Readonly<Record<Kind, string>> = {
  none: "none",
  read: "r",
  write: "rw",
  exec: "rx",
  "write-exec": "rwx",
};

export function Legend() {
  return (
    <ul class="legend" aria-label="Kinds of mappings">
      {KIND_NAMES.map((kind) => (
        <li key={kind}>
          <Canvas
            key={theme.value}
            class="legend-canvas"
            paint={(context, width, height) => {
              context.fillStyle = paletteOf(theme.value).fills[kind];
              context.fillRect(0, 0, width, height);
            }}
          />
          {SHORT[kind]}
        </li>
      ))}
    </ul>
  );
}
