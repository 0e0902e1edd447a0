// The whole tree: every node, its leaves side by side. Ctrl + wheel or + and - zoom, dragging
// moves; what is pointed at is hovered in every view, a click chooses it.

import { type Signal, useComputed, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { type Nodes, SLOTS } from "../../app/arena.js";
import { type Rows, rowBehind } from "../../app/rows.js";
import type { PaneProps } from "../../app/slots.js";
import { theme } from "../../app/theme.js";
import { paletteOf } from "../bar/palette.js";
import { Canvas } from "../canvas.js";
import { address, plural } from "../format.js";
import {
  clampedLeaves,
  type Forest,
  forestOf,
  type Leaves,
  leavesAround,
  nodeAt,
  wayTo,
  zoomedLeaves,
} from "./forest.js";
import { depthAt, forestHeight, paintForest } from "./paint.js";

/** Less is a click. */
const DRAG_PX = 4;

/** The leaves shown; null: all. */
export type Shown = Signal<Leaves | null>;

interface WholeProps extends PaneProps {
  /** Bytes: what is looked up. */
  readonly at: number;
  readonly shown: Shown;
}

/** What the window shows of a forest: all, or the leaves chosen, as far as there are so many. */
function windowOf(forest: Forest, shown: Leaves | null): Leaves {
  return shown === null ? { from: 0, to: forest.leaves } : clampedLeaves(forest, shown);
}

export function zoomTree(
  store: PaneProps["store"],
  shown: Shown,
  at: number,
  factor: number,
): void {
  const forest = forestOf(store.settled.peek().nodes);
  if (forest.leaves === 0) return;
  const leaf = forest.first[wayTo(forest, at).at(-1)!]!;
  const window = leavesAround(forest, windowOf(forest, shown.peek()), leaf);
  const zoomed = zoomedLeaves(forest, window, leaf + 0.5, factor);
  shown.value = zoomed.to - zoomed.from >= forest.leaves ? null : zoomed;
}

export function WholeTree({ store, at, shown }: WholeProps) {
  const box = useRef<HTMLDivElement>(null);
  const hovered = useSignal(-1);
  const drag = useRef<{ x: number; window: Leaves; moved: boolean } | null>(null);
  const forest = useComputed(() => forestOf(store.settled.value.nodes));
  const { nodes, leaves } = forest.value;
  const { after, changedNodes } = store.settled.value;
  const way = wayTo(forest.value, at);
  const leaf = way.length === 0 ? 0 : forest.value.first[way.at(-1)!]!;
  // Someone else's choice is brought into sight; what the pointer here rests on is.
  const base = windowOf(forest.value, shown.value);
  const window = hovered.value < 0 ? leavesAround(forest.value, base, leaf) : base;
  const leafAt = (event: MouseEvent) => {
    const { left, width } = box.current!.getBoundingClientRect();
    return window.from + ((event.clientX - left) / width) * (window.to - window.from);
  };
  const under = (event: MouseEvent) => {
    const y = event.clientY - box.current!.getBoundingClientRect().top;
    return nodeAt(forest.value, depthAt(forest.value, y), Math.floor(leafAt(event)));
  };
  const point = (i: number) => {
    hovered.value = i;
    store.hover.value = i < 0 ? null : firstMapped(after, nodes, i);
  };
  const moved = (event: PointerEvent) => {
    const from = drag.current;
    if (from === null || event.buttons === 0) return point(under(event));
    const pixels = event.clientX - from.x;
    if (Math.abs(pixels) < DRAG_PX && !from.moved) return;
    from.moved = true;
    const perPixel = (from.window.to - from.window.from) / box.current!.clientWidth;
    const by = -pixels * perPixel;
    shown.value = clampedLeaves(forest.value, {
      from: from.window.from + by,
      to: from.window.to + by,
    });
  };
  const picture = {
    ...{ forest: forest.value, window, rows: after, arena: store.machine.arena },
    ...{ changed: changedNodes, way, hovered: hovered.value < nodes.count ? hovered.value : -1 },
  };
  return (
    <div class="whole-tree">
      <div
        ref={box}
        class="whole-tree-box"
        style={{ height: `${forestHeight(forest.value)}px` }}
        onPointerMove={moved}
        onPointerDown={(event) => {
          drag.current = { x: event.clientX, window, moved: false };
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerUp={(event) => {
          const i = drag.current?.moved === false ? under(event) : -1;
          drag.current = null;
          if (i >= 0) store.select(firstMapped(after, nodes, i));
        }}
        onPointerLeave={() => point(-1)}
        onWheel={(event) => {
          if (!event.ctrlKey && !event.metaKey && !event.shiftKey) return;
          event.preventDefault();
          const factor = 2 ** ((event.deltaY || event.deltaX) / 200);
          const zoomed = zoomedLeaves(forest.value, window, leafAt(event), factor);
          shown.value = zoomed.to - zoomed.from >= leaves ? null : zoomed;
        }}
      >
        <Canvas
          key={theme.value}
          class="whole-tree-canvas"
          paint={(context, width) => paintForest(context, width, picture, paletteOf(theme.value))}
        />
      </div>
      <p class="whole-tree-words muted">{wordsOf(picture.forest, picture.hovered, window)}</p>
    </div>
  );
}

/** Bytes: where node `i` covers something, its start if that is mapped. */
function firstMapped(rows: Rows, { start, end }: Nodes, i: number): number {
  const first = rows.start[rowBehind(rows, start[i]!)];
  return first !== undefined && first < end[i]! ? Math.max(first, start[i]!) : start[i]!;
}

function wordsOf({ nodes, leaves }: Forest, i: number, { from, to }: Leaves): string {
  if (i >= 0) {
    const kind = nodes.depth[i] === 1 ? "leaf" : "inner node";
    const range = `${address(nodes.start[i]!)}-${address(nodes.end[i]!)}`;
    return `${kind} 0x${nodes.address[i]!.toString(16)}, ${nodes.used[i]} of ${SLOTS} slots, ${range}`;
  }
  const all = plural(leaves, "leaf", "leaves");
  if (to - from >= leaves) return `${all} side by side, what leads to them above; + and - zoom`;
  const last = Math.ceil(to).toLocaleString("en-US");
  return `leaves ${Math.floor(from + 1).toLocaleString("en-US")} to ${last} of ${all}`;
}
