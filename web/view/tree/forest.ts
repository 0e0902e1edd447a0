// Where every node of the tree lies when its leaves stand side by side, and who is where.
//
// Places are counted in leaves from the left: a leaf is one wide, an inner node as wide as
// the leaves below it. Rows are depths: leaves lie in the lowest one, whatever their root.

import type { Nodes } from "../../app/arena.js";

/** Leaves `[from, to)`; fractions where the window cuts through one. */
export interface Leaves {
  readonly from: number;
  readonly to: number;
}

export interface Forest {
  readonly nodes: Nodes;
  /** By index of the node: leaves before it. */
  readonly first: Int32Array;
  /** How many leaves there are. */
  readonly leaves: number;
  /** Of the highest root. */
  readonly depth: number;
}

const LEAF = 1;
/** Zooming in ends here: its slots can be told apart. */
const FEWEST_LEAVES = 2;

export function forestOf(nodes: Nodes): Forest {
  const first = new Int32Array(nodes.count);
  let leaves = 0;
  let depth = 0;
  for (let i = 0; i < nodes.count; i++) {
    first[i] = leaves;
    const own = nodes.depth[i]!;
    if (own === LEAF) leaves++;
    if (own > depth) depth = own;
  }
  return { nodes, first, leaves, depth };
}

/** The leaf behind the last one below node `i`. */
export function lastOf({ nodes, first, leaves }: Forest, i: number): number {
  const next = nodes.next[i]!;
  return next < nodes.count ? first[next]! : leaves;
}

/** Calls `each` with every node that the window shows; nodes before their children. */
export function visit(forest: Forest, { from, to }: Leaves, each: (i: number) => void): void {
  const { nodes, first } = forest;
  let i = 0;
  while (i < nodes.count && first[i]! < to) {
    if (lastOf(forest, i) <= from) i = nodes.next[i]!;
    else each(i++);
  }
}

/** The node of a depth that has leaf `leaf` below it; -1: none. */
export function nodeAt(forest: Forest, depth: number, leaf: number): number {
  const { nodes } = forest;
  let i = 0;
  while (i < nodes.count && leaf >= 0) {
    if (leaf >= lastOf(forest, i)) i = nodes.next[i]!;
    else if (nodes.depth[i]! <= depth) return nodes.depth[i] === depth ? i : -1;
    else i++;
  }
  return -1;
}

/** The nodes from a root down to the leaf that covers `address` (bytes), or the nearest one. */
export function wayTo({ nodes }: Forest, address: number): number[] {
  const way: number[] = [];
  let i = 0;
  let end = nodes.count;
  while (i < end) {
    // Of the nodes side by side, the first that ends above the address; the last if none does.
    while (address >= nodes.end[i]! && nodes.next[i]! < end) i = nodes.next[i]!;
    way.push(i);
    end = nodes.next[i]!;
    i++;
  }
  return way;
}

/** Inside the forest, and not narrower than can be told apart. */
export function clampedLeaves({ leaves }: Forest, { from, to }: Leaves): Leaves {
  const width = Math.min(leaves, Math.max(FEWEST_LEAVES, to - from));
  const start = Math.max(0, Math.min(leaves - width, from));
  return { from: start, to: start + width };
}

/** Around `leaf`, `factor` times as many; below 1 zooms in. `leaf` stays where it is. */
export function zoomedLeaves(
  forest: Forest,
  { from, to }: Leaves,
  leaf: number,
  factor: number,
): Leaves {
  const width = Math.max(FEWEST_LEAVES, (to - from) * factor);
  const share = (leaf - from) / (to - from);
  return clampedLeaves(forest, { from: leaf - share * width, to: leaf + (1 - share) * width });
}

/** The same number of leaves; `leaf` in their middle if it was not among them. */
export function leavesAround(forest: Forest, { from, to }: Leaves, leaf: number): Leaves {
  if (leaf >= from && leaf + 1 <= to) return { from, to };
  const half = (to - from) / 2;
  return clampedLeaves(forest, { from: leaf + 0.5 - half, to: leaf + 0.5 + half });
}
