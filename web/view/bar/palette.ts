// The theme's colours as a canvas needs them, with one pattern a kind.

import { KIND_NAMES, type Kind } from "../kinds.js";

export interface Palette {
  readonly fills: Readonly<Record<Kind, CanvasPattern | string>>;
  /** The same without the pattern, as a word of an image's bytes. */
  readonly pixels: Readonly<Record<Kind, number>>;
  /** The muted colour, as a word of an image's bytes. */
  readonly shade: number;
  readonly trough: string;
  readonly surface: string;
  readonly ink: string;
  readonly muted: string;
  readonly accent: string;
  readonly good: string;
  readonly font: string;
}

const TILE = 8;

let last: { readonly key: string; readonly palette: Palette } | null = null;

/** The palette of a theme at the screen's present resolution. */
export function paletteOf(theme: string): Palette {
  const key = `${theme} ${devicePixelRatio}`;
  if (last?.key !== key) last = { key, palette: makePalette(devicePixelRatio) };
  return last.palette;
}

/** @param scale device pixels of one CSS pixel: patterns keep their size */
function makePalette(scale: number): Palette {
  const probe = document.createElement("span");
  document.body.append(probe);
  const colour = (name: string) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const fills = Object.fromEntries(
    KIND_NAMES.map((kind) => [
      kind,
      patternOf(kind, colour(`--kind-${kind}`), colour(`--kind-${kind}-mark`), scale),
    ]),
  ) as Record<Kind, CanvasPattern>;
  const pixels = Object.fromEntries(
    KIND_NAMES.map((kind) => [kind, pixelOf(colour(`--kind-${kind}`))]),
  ) as Record<Kind, number>;
  const palette = {
    fills,
    pixels,
    shade: pixelOf(colour("--muted")),
    trough: colour("--sunken"),
    surface: colour("--surface"),
    ink: colour("--ink"),
    muted: colour("--muted"),
    accent: colour("--accent"),
    good: colour("--good"),
    font: `11px ${getComputedStyle(document.body).fontFamily}`,
  };
  probe.remove();
  return palette;
}

function pixelOf(colour: string): number {
  const context = new OffscreenCanvas(1, 1).getContext("2d")!;
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  return new Uint32Array(context.getImageData(0, 0, 1, 1).data.buffer)[0]!;
}

function patternOf(kind: Kind, fill: string, mark: string, scale: number): CanvasPattern {
  const canvas = document.createElement("canvas");
  canvas.width = TILE * scale;
  canvas.height = TILE * scale;
  const context = canvas.getContext("2d")!;
  context.scale(scale, scale);
  context.fillStyle = fill;
  context.fillRect(0, 0, TILE, TILE);
  context.strokeStyle = mark;
  context.fillStyle = mark;
  context.lineWidth = 1;
  MARKS[kind](context);
  const pattern = context.createPattern(canvas, "repeat")!;
  pattern.setTransform(new DOMMatrix().scale(1 / scale));
  return pattern;
}

type Draw = (context: CanvasRenderingContext2D) => void;

/** No access: rising lines. Read: plain. Write: dots. Exec: upright lines. Both: a grid. */
const MARKS: Readonly<Record<Kind, Draw>> = {
  none: (context) => {
    for (const shift of [-TILE, 0, TILE]) line(context, shift, TILE, shift + TILE, 0);
  },
  read: () => {},
  write: (context) => {
    context.fillRect(1, 1, 1.5, 1.5);
    context.fillRect(5, 5, 1.5, 1.5);
  },
  exec: (context) => {
    line(context, 2.5, 0, 2.5, TILE);
    line(context, 6.5, 0, 6.5, TILE);
  },
  "write-exec": (context) => {
    line(context, 0, 0, TILE, TILE);
    line(context, 0, TILE, TILE, 0);
  },
};

function line(context: CanvasRenderingContext2D, ...[x, y, toX, toY]: number[]): void {
  context.beginPath();
  context.moveTo(x!, y!);
  context.lineTo(toX!, toY!);
  context.stroke();
}
