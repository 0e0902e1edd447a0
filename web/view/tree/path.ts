// The way from the root to the leaf that covers an address, with all nodes beside it.

import type { ArenaReader, TreeNode } from "../../app/arena.js";

export interface Level {
  /** The children of the node above that lead somewhere, in order; at the top: the roots. */
  readonly nodes: readonly TreeNode[];
  /** Slot of the node above that points to each. At the top: the number of the region. */
  readonly slots: readonly number[];
  /** Which of them the look-up goes through. */
  readonly onPath: number;
  /** The slot that the look-up takes in that node. */
  readonly slot: number;
}

/** Top first; empty if nothing is mapped. Where the address has no root: the nearest one. */
export function pathTo(arena: ArenaReader, address: number): Level[] {
  const roots = arena.roots();
  const nearest = roots.findIndex(({ end }) => address < end);
  const top = nearest < 0 ? roots.length - 1 : nearest;
  const regionBytes = roots.length === 0 ? 1 : roots[0]!.end - roots[0]!.start;
  const levels: Level[] = [];
  let nodes: readonly TreeNode[] = roots;
  let slots: readonly number[] = roots.map(({ start }) => start / regionBytes);
  let onPath = top;
  while (nodes.length > 0) {
    const node = nodes[onPath]!;
    const slot = slotOf(node, address);
    levels.push({ nodes, slots, onPath, slot });
    if (node.depth === 1) break;
    const used = node.slots.flatMap(({ entry }, i) => (entry === 0 ? [] : [i]));
    nodes = used.map((i) => {
      const { entry, start, end } = node.slots[i]!;
      return arena.node(entry, start, end);
    });
    slots = used;
    onPath = Math.max(0, used.indexOf(slot));
  }
  return levels;
}

/** The slot of a node that covers an address, the nearest one if it lies outside. */
export function slotOf(node: TreeNode, address: number): number {
  const above = node.slots.findIndex(({ end }) => address < end);
  return above < 0 ? node.slots.length - 1 : above;
}
