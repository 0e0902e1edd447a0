// Paints all nodes of the tree, a row a depth: as boxes filled as far as their slots are in
// use, with the slots of leaves that are wide enough; as columns of pixels where many share one.

import { type ArenaReader, SLOTS } from "../../app/arena.js";
import { type Rows, rowAt } from "../../app/rows.js";
import type { Palette } from "../bar/palette.js";
import { Strip } from "../bar/strip.js";
import { kindOf } from "../kinds.js";
import { type Forest, type Leaves, lastOf, visit } from "./forest.js";

const ROW_PX = 14;
const ROW_GAP_PX = 5;
const EDGE_PX = 2;
/** Narrower nodes are pixels. */
const MIN_BOX_PX = 3;
const MIN_SLOT_PX = 2.5;

export interface ForestPicture {
  readonly forest: Forest;
  readonly window: Leaves;
  readonly rows: Rows;
  readonly arena: ArenaReader;
  /** Byte addresses. */
  readonly changed: ReadonlySet<number>;
  /** The nodes that the look-up goes through. */
  readonly way: readonly number[];
  /** Under the pointer; -1: none. */
  readonly hovered: number;
}

/** CSS pixels. */
export function forestHeight({ depth }: Forest): number {
  return Math.max(1, depth) * (ROW_PX + ROW_GAP_PX) - ROW_GAP_PX + 2 * EDGE_PX;
}

/** The depth of the row at `y`; 0: below the leaves. */
export function depthAt({ depth }: Forest, y: number): number {
  return depth - Math.floor((y - EDGE_PX + ROW_GAP_PX / 2) / (ROW_PX + ROW_GAP_PX));
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

export function paintForest(
  context: CanvasRenderingContext2D,
  width: number,
  picture: ForestPicture,
  palette: Palette,
): void {
  const { forest, window, changed, way, hovered } = picture;
  const { nodes, first, depth } = forest;
  const leafPx = width / (window.to - window.from);
  const boxOf = (i: number): Box => ({
    x: (first[i]! - window.from) * leafPx,
    y: EDGE_PX + (depth - nodes.depth[i]!) * (ROW_PX + ROW_GAP_PX),
    width: (lastOf(forest, i) - first[i]!) * leafPx,
  });
  context.clearRect(0, 0, width, forestHeight(forest));
  const scale = context.getTransform().a;
  const strips = Array.from({ length: depth }, () => new Strip(width, scale));
  const marked: number[] = [];
  visit(forest, window, (i) => {
    const box = boxOf(i);
    if (changed.has(nodes.address[i]!)) marked.push(i);
    if (box.width >= MIN_BOX_PX) paintNode(context, i, box, picture, palette);
    else if (box.x >= 0) {
      const share = nodes.used[i]! / SLOTS;
      strips[depth - nodes.depth[i]!]!.fill(box.x, box.x + box.width, shade(palette.shade, share));
    }
  });
  strips.forEach((strip, row) => {
    const top = EDGE_PX + row * (ROW_PX + ROW_GAP_PX);
    strip.paint(context, top, top + ROW_PX);
  });
  const frame = (i: number, colour: string, thickness: number) => {
    const { x, y, width: w } = boxOf(i);
    if (x + w < 0 || x > width) return;
    const left = Math.max(x, 0);
    context.strokeStyle = colour;
    context.lineWidth = thickness;
    context.strokeRect(left, y, Math.max(2, Math.min(width, x + w) - left - 1), ROW_PX);
  };
  for (const i of way) frame(i, palette.accent, 2);
  for (const i of marked) frame(i, palette.good, 2);
  if (hovered >= 0) frame(hovered, palette.ink, 1.5);
}

/** How full a node is, as a word of an image's bytes: the more the darker. */
function shade(pixel: number, share: number): number {
  return ((pixel & 0xffffff) | (Math.round(60 + 150 * share) << 24)) >>> 0;
}

function paintNode(
  context: CanvasRenderingContext2D,
  i: number,
  { x, y, width }: Box,
  picture: ForestPicture,
  palette: Palette,
): void {
  const { nodes } = picture.forest;
  const inner = width - (width > 6 ? 2 : 1);
  context.fillStyle = palette.trough;
  context.fillRect(x, y, inner, ROW_PX);
  if (nodes.depth[i] === 1 && inner / SLOTS >= MIN_SLOT_PX) {
    paintSlots(context, i, { x, y, width: inner }, picture, palette);
    return;
  }
  const full = (nodes.used[i]! / SLOTS) * ROW_PX;
  context.globalAlpha = 0.6;
  context.fillStyle = palette.muted;
  context.fillRect(x, y + ROW_PX - full, inner, full);
  context.globalAlpha = 1;
}

/** What each slot of a leaf holds, by kind; NULL is empty. */
function paintSlots(
  context: CanvasRenderingContext2D,
  i: number,
  { x, y, width }: Box,
  { forest, rows, arena }: ForestPicture,
  palette: Palette,
): void {
  const { address, depth, start, end } = forest.nodes;
  const slots = arena.node(address[i]! + depth[i]!, start[i]!, end[i]!).slots;
  const slotPx = width / SLOTS;
  slots.forEach((slot, n) => {
    const row = slot.entry === 0 ? -1 : rowAt(rows, slot.start);
    if (row < 0) return;
    context.fillStyle = palette.fills[kindOf(rows.flags[row]!)];
    context.fillRect(x + n * slotPx, y, slotPx > 4 ? slotPx - 1 : slotPx, ROW_PX);
  });
}
