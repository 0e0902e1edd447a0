// The drawing of a look-up: one row a level; the node on the way in full, its siblings small.

import { SLOTS, type TreeNode } from "../../app/arena.js";
import { rowAt } from "../../app/rows.js";
import type { Store } from "../../app/store.js";
import { address, bytes } from "../format.js";
import { kindOf } from "../kinds.js";
import type { Level } from "./path.js";

const LEVEL_PX = 66;
const NODE_PX = 26;
const TOP_PX = 18;
const SMALL_PX = 11;
const SPACE_PX = 4;
const MAX_SLOT_PX = 22;

interface Box {
  readonly x: number;
  readonly width: number;
}

interface DrawingProps {
  readonly store: Store;
  readonly levels: readonly Level[];
  readonly width: number;
  /** The level whose slots are listed below. */
  readonly active: number;
}

export function drawingHeight(levels: number): number {
  return TOP_PX + (Math.max(1, levels) - 1) * LEVEL_PX + NODE_PX + 4;
}

export function Drawing({ store, levels, width, active }: DrawingProps) {
  const boxes = levels.map((level) => boxesOf(level, width));
  return (
    <svg
      class="tree-drawing"
      width={width}
      height={drawingHeight(levels.length)}
      aria-hidden="true"
    >
      <title>The way of the look-up</title>
      {levels.map((level, i) =>
        i === 0 ? null : (
          <Links
            key={`links-${i}`}
            above={levels[i - 1]!}
            aboveBoxes={boxes[i - 1]!}
            level={level}
            boxes={boxes[i]!}
            y={yOf(i)}
          />
        ),
      )}
      {levels.map((level, i) => (
        <g
          key={`level-${i}`}
          transform={`translate(0 ${yOf(i)})`}
          class={i === active ? "is-active" : ""}
        >
          <text x={0} y={-6} class="tree-label">
            {labelOf(level, i)}
          </text>
          {level.nodes.map((node, n) =>
            n === level.onPath ? (
              <PathNode key={n} store={store} node={node} box={boxes[i]![n]!} slot={level.slot} />
            ) : (
              <SmallNode key={n} store={store} node={node} box={boxes[i]![n]!} />
            ),
          )}
        </g>
      ))}
    </svg>
  );
}

function yOf(level: number): number {
  return TOP_PX + level * LEVEL_PX;
}

function labelOf({ nodes, slots, onPath }: Level, level: number): string {
  const node = nodes[onPath]!;
  const kind = node.depth === 1 ? "leaf" : "inner node";
  const used = `${node.slots.length} of ${SLOTS} slots`;
  if (level > 0) return `${kind}, ${used}`;
  return `region ${slots[onPath]} (4 TiB from 0x${address(node.start)}): ${kind}, ${used}`;
}

/** All nodes of a level side by side: small ones, and the one on the path with its 16 slots. */
function boxesOf({ nodes, onPath }: Level, width: number): Box[] {
  const small = (nodes.length - 1) * (SMALL_PX + SPACE_PX);
  const slot = Math.max(8, Math.min(MAX_SLOT_PX, (width - small) / SLOTS));
  let x = 0;
  return nodes.map((_, n) => {
    const box = { x, width: n === onPath ? slot * SLOTS : SMALL_PX };
    x += box.width + SPACE_PX;
    return box;
  });
}

interface LinksProps {
  readonly above: Level;
  readonly aboveBoxes: readonly Box[];
  readonly level: Level;
  readonly boxes: readonly Box[];
  readonly y: number;
}

/** From each slot that leads somewhere to its child. */
function Links({ above, aboveBoxes, level, boxes, y }: LinksProps) {
  const parent = aboveBoxes[above.onPath]!;
  const slotWidth = parent.width / SLOTS;
  const top = y - LEVEL_PX + NODE_PX;
  return (
    <>
      {level.slots.map((slot, n) => {
        const from = parent.x + (slot + 0.5) * slotWidth;
        const to = boxes[n]!.x + boxes[n]!.width / 2;
        const middle = (top + y - 16) / 2;
        const d = `M${from} ${top}C${from} ${middle} ${to} ${middle} ${to} ${y - 1}`;
        return (
          <path key={slot} d={d} class={n === level.onPath ? "tree-link is-path" : "tree-link"} />
        );
      })}
    </>
  );
}

interface NodeProps {
  readonly store: Store;
  readonly node: TreeNode;
  readonly box: Box;
}

function PathNode({ store, node, box, slot }: NodeProps & { readonly slot: number }) {
  const { after, changedNodes } = store.settled.value;
  const width = box.width / SLOTS;
  return (
    <g transform={`translate(${box.x} 0)`}>
      {node.slots.map(({ start, end, entry, gap }, i) => {
        const row = node.depth === 1 && entry !== 0 ? rowAt(after, start) : -1;
        const kind = row < 0 ? (entry === 0 ? "null" : "child") : kindOf(after.flags[row]!);
        const what =
          entry === 0
            ? `NULL, ${bytes(end - start)} free`
            : row < 0
              ? `child, largest gap ${bytes(gap)}`
              : after.nameOf(row) || "anonymous";
        return (
          // biome-ignore lint/a11y/noStaticElementInteractions: the pane holds the focus and the keys
          <rect
            key={i}
            class={`tree-slot is-${kind} ${i === slot ? "is-path" : ""}`}
            x={i * width + 1}
            y={1}
            width={width - 2}
            height={NODE_PX - 2}
            rx={2}
            onPointerEnter={() => {
              store.hover.value = start;
            }}
            onPointerLeave={() => {
              store.hover.value = null;
            }}
            onClick={() => {
              store.select(start);
            }}
          >
            <title>
              slot {i}: {address(start)}-{address(end)}, {what}
            </title>
          </rect>
        );
      })}
      <rect
        class={`tree-node is-path ${changedNodes.has(node.address) ? "is-changed" : ""}`}
        x={-0.5}
        y={-1.5}
        width={box.width + 1}
        height={NODE_PX + 3}
        rx={4}
      />
    </g>
  );
}

function SmallNode({ store, node, box }: NodeProps) {
  const changed = store.settled.value.changedNodes.has(node.address);
  const full = (node.slots.length / SLOTS) * (NODE_PX - 2);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the pane holds the focus and the keys
    <g
      class="tree-small"
      transform={`translate(${box.x} 0)`}
      onClick={() => {
        store.select(node.start);
      }}
    >
      <title>
        {node.depth === 1 ? "leaf" : "inner node"} {address(node.start)}-{address(node.end)},{" "}
        {node.slots.length} of {SLOTS} slots
      </title>
      <rect
        class="tree-fill"
        x={1}
        y={NODE_PX - 1 - full}
        width={box.width - 2}
        height={full}
        rx={1.5}
      />
      <rect
        class={`tree-node ${changed ? "is-changed" : ""}`}
        x={0}
        y={0}
        width={box.width}
        height={NODE_PX}
        rx={3}
      />
    </g>
  );
}
