// Where each mapping sits on the bar.
//
//     gap    cluster       gap    cluster    gap
//   |  //  |████▒▒ ░░██|   //   |▒▒▒▒████|   //   |
//
// Mappings with little room between them form a cluster, drawn to scale; the gaps between
// clusters, terabytes often, are breaks of fixed width. Within a cluster nothing is thinner
// than a few pixels.

import type { Mapping } from "../space/maps.js";

/** A range of addresses and of pixels. */
export interface Piece {
  /** Bytes; `[start, end)`. */
  readonly start: number;
  readonly end: number;
  /** Pixels. */
  readonly x: number;
  readonly width: number;
  /** Null: nothing is mapped there. */
  readonly mapping: Mapping | null;
}

export interface Cluster {
  readonly x: number;
  readonly width: number;
  readonly mappings: readonly Mapping[];
}

export interface Scale {
  /** All of the space from left to right, without overlap. */
  readonly pieces: readonly Piece[];
  /** The gaps among the pieces that are drawn as breaks. */
  readonly breaks: readonly Piece[];
  readonly clusters: readonly Cluster[];
}

const PAGE = 4096;
/** Larger gaps end a cluster. */
const BREAK_BYTES = 1024 * 1024;
const MIN_PIECE_PX = 3;

export function scaleOf(mappings: readonly Mapping[], end: number, width: number): Scale {
  const groups = clustersOf(mappings);
  const breakWidth = width < 640 ? 12 : 26;
  const tail = (mappings.at(-1)?.end ?? 0) < end ? 1 : 0;
  const room = Math.max(0, width - breakWidth * (groups.length + tail));
  const weights = groups.map(weightOf);
  const totalWeight = weights.reduce((sum, weight) => sum + weight, 0);
  const pieces: Piece[] = [];
  const breaks: Piece[] = [];
  const clusters: Cluster[] = [];
  let x = 0;
  let at = 0;
  const breakUntil = (address: number) => {
    const piece = { start: at, end: address, x, width: breakWidth, mapping: null };
    pieces.push(piece);
    breaks.push(piece);
    x += breakWidth;
  };
  groups.forEach((group, i) => {
    breakUntil(group[0]?.start ?? at);
    const share = (room * (weights[i] ?? 0)) / totalWeight;
    pieces.push(...piecesOf(group, x, share));
    clusters.push({ x, width: share, mappings: group });
    x += share;
    at = group.at(-1)?.end ?? at;
  });
  if (at < end) breakUntil(end);
  return { pieces, breaks, clusters };
}

function clustersOf(mappings: readonly Mapping[]): Mapping[][] {
  const groups: Mapping[][] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const mapping of mappings) {
    if (mapping.start - end > BREAK_BYTES) groups.push([]);
    groups.at(-1)?.push(mapping);
    end = mapping.end;
  }
  return groups;
}

/** Grows with the size, but slowly: a gigabyte must not squeeze out a page. */
function weightOf(group: readonly Mapping[]): number {
  const pages = ((group.at(-1)?.end ?? 0) - (group[0]?.start ?? 0)) / PAGE;
  return Math.log2(pages + 4) ** 2;
}

/** The mappings of a cluster and the holes between them, over `width` pixels from `x`. */
function piecesOf(group: readonly Mapping[], x: number, width: number): Piece[] {
  const parts: { start: number; end: number; mapping: Mapping | null }[] = [];
  for (const mapping of group) {
    const before = parts.at(-1);
    if (before !== undefined && before.end < mapping.start) {
      parts.push({ start: before.end, end: mapping.start, mapping: null });
    }
    parts.push({ start: mapping.start, end: mapping.end, mapping });
  }
  const widths = share(
    parts.map(({ start, end }) => end - start),
    width,
  );
  let at = x;
  return parts.map((part, i) => {
    const piece = { ...part, x: at, width: widths[i] ?? 0 };
    at += piece.width;
    return piece;
  });
}

/** Shares `width` in proportion to `sizes`, none below the minimum if there is room for that. */
function share(sizes: readonly number[], width: number): number[] {
  const least = Math.min(MIN_PIECE_PX, width / sizes.length);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const small = sizes.map((size) => (size / total) * width < least);
  const left = width - small.filter(Boolean).length * least;
  const largeTotal = sizes.reduce((sum, size, i) => sum + (small[i] ? 0 : size), 0);
  return sizes.map((size, i) => (small[i] ? least : (size / largeTotal) * left));
}
