// Paints the bar: what is mapped in the window as blocks by kind, what changed, what is chosen.
//
// Where many rows share a pixel the pixel shows the first of them, and the others are never
// looked at: what painting costs does not grow beyond the width. Blocks too narrow for their
// kind's pattern are columns of one image (strip.ts).

import { type Rows, rowBehind } from "../../app/rows.js";
import { baseName } from "../../command/names.js";
import { type Kind, kindOf } from "../kinds.js";
import type { Palette } from "./palette.js";
import type { Projection } from "./scale.js";
import { Strip } from "./strip.js";

export interface Picture {
  readonly rows: Rows;
  readonly projection: Projection;
  /** Row numbers that are new at this moment, ascending. */
  readonly fresh: readonly number[];
}

export interface Chosen {
  readonly rows: Rows;
  readonly projection: Projection;
  /** Row numbers under the pointer and chosen; -1 none. */
  readonly hovered: number;
  readonly selected: number;
}

export interface Frame {
  readonly width: number;
  readonly height: number;
}

/** Room above the blocks for the marks of what changed, px. */
const MARK_ROOM = 10;
/** Room below for the labels. */
const LABEL_ROOM = 18;
const MIN_BLOCK = 1.5;
const MIN_PATTERN = 4;
const MIN_LABEL = 34;
/** More marks than this say nothing. */
const MARKS_MAX = 2000;

export function paintBar(
  context: CanvasRenderingContext2D,
  { width, height }: Frame,
  picture: Picture,
  palette: Palette,
): void {
  const top = MARK_ROOM;
  const bottom = height - LABEL_ROOM;
  context.clearRect(0, 0, width, height);
  context.fillStyle = palette.trough;
  context.fillRect(0, top, width, bottom - top);
  paintBlocks(context, picture, { width, top, bottom }, palette, true);
  paintMarks(context, picture, { width, top, bottom }, palette);
}

/** Only the blocks, for the minimap. */
export function paintMinimap(
  context: CanvasRenderingContext2D,
  { width, height }: Frame,
  picture: Picture,
  palette: Palette,
): void {
  context.clearRect(0, 0, width, height);
  context.fillStyle = palette.trough;
  context.fillRect(0, 0, width, height);
  paintBlocks(context, picture, { width, top: 0, bottom: height }, palette, false);
}

interface Band {
  readonly width: number;
  readonly top: number;
  readonly bottom: number;
}

function paintBlocks(
  context: CanvasRenderingContext2D,
  { rows, projection }: Picture,
  { width, top, bottom }: Band,
  palette: Palette,
  labels: boolean,
): void {
  const strip = new Strip(width, context.getTransform().a);
  let painted = 0;
  let fill: Kind | null = null;
  let labelled = 0;
  let next = rowBehind(rows, projection.address(0));
  while (next < rows.count) {
    const row = next++;
    let from = projection.x(rows.start[row]!);
    if (from >= width) break;
    const to = Math.min(width, projection.x(rows.end[row]!));
    if (to <= painted) {
      next = Math.max(next, rowBehind(rows, projection.address(painted)));
      continue;
    }
    from = Math.max(0, from, painted);
    const right = Math.min(width, Math.max(to, from + MIN_BLOCK));
    const kind = kindOf(rows.flags[row]!);
    painted = right;
    if (right - from <= MIN_PATTERN) {
      strip.fill(from, right, palette.pixels[kind]);
      continue;
    }
    if (kind !== fill) {
      context.fillStyle = palette.fills[kind];
      fill = kind;
    }
    context.fillRect(from, top, right - from, bottom - top);
    if (!labels) continue;
    context.fillStyle = palette.surface;
    context.fillRect(right - 1, top, 1, bottom - top);
    fill = null;
    if (right - from < MIN_LABEL || from < labelled) continue;
    label(context, rows.nameOf(row), from, right, bottom, palette);
    labelled = right;
  }
  strip.paint(context, top, bottom);
}

function label(
  context: CanvasRenderingContext2D,
  name: string,
  from: number,
  to: number,
  bottom: number,
  palette: Palette,
): void {
  context.fillStyle = palette.muted;
  context.font = palette.font;
  const room = to - from - 4;
  let text = name === "" ? "anon" : baseName(name);
  if (context.measureText(text).width > room) {
    const letters = Math.floor((room / context.measureText("0").width) * 0.95) - 1;
    if (letters < 2) return;
    text = `${text.slice(0, letters)}…`;
  }
  context.fillText(text, from + 2, bottom + LABEL_ROOM - 5);
}

function paintMarks(
  context: CanvasRenderingContext2D,
  { rows, projection, fresh }: Picture,
  { width, top }: Band,
  palette: Palette,
): void {
  context.fillStyle = palette.good;
  for (const row of fresh.slice(0, MARKS_MAX)) {
    const from = projection.x(rows.start[row]!);
    const to = projection.x(rows.end[row]!);
    if (to < 0 || from > width) continue;
    const left = Math.max(0, from);
    const right = Math.max(left + 2, Math.min(width, to) - 1);
    context.fillRect(left, top - 5, right - left, 3);
  }
}

/** Frames around what is under the pointer and what is chosen. */
export function paintOutlines(
  context: CanvasRenderingContext2D,
  { width, height }: Frame,
  { rows, projection, hovered, selected }: Chosen,
  palette: Palette,
): void {
  context.clearRect(0, 0, width, height);
  const outline = (row: number, colour: string, thickness: number) => {
    if (row < 0) return;
    const from = Math.max(0, projection.x(rows.start[row]!));
    const to = Math.min(width, Math.max(projection.x(rows.end[row]!), from + 3));
    if (to < 0 || from > width) return;
    context.strokeStyle = colour;
    context.lineWidth = thickness;
    const half = thickness / 2;
    const tall = height - MARK_ROOM - LABEL_ROOM;
    context.strokeRect(
      from + half - 1,
      MARK_ROOM + half - 1,
      to - from + 2 - thickness,
      tall + 2 - thickness,
    );
  };
  outline(hovered, palette.ink, 1.5);
  outline(selected, palette.accent, 3);
}
