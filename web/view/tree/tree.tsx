// The tree: all its nodes, and how the maple tree finds what the reader looks at: nodes, pivots,
// slots, gaps.
//
// One stop of the Tab key: up and down choose the level, left and right the slot in it; + and -
// zoom the whole tree, 0 shows it all.

import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { rowAt } from "../../app/rows.js";
import type { PaneProps } from "../../app/slots.js";
import type { Store } from "../../app/store.js";
import { address, bytes, plural } from "../format.js";
import { wordsOf } from "../words.js";
import { ZOOM_STEP, ZoomButtons } from "../zoom.js";
import { Drawing, drawingHeight } from "./drawing.js";
import { type Level, pathTo } from "./path.js";
import { type Shown, WholeTree, zoomTree } from "./whole.js";
import "./tree.css";

export function Tree({ store }: PaneProps) {
  const width = useSignal(440);
  const chosen = useSignal<number | null>(null);
  const shown: Shown = useSignal(null);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const observer = new ResizeObserver(() => {
      width.value = box.current?.clientWidth ?? 0;
    });
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);

  const moment = store.settled.value;
  const at = addressOf(store);
  const levels = pathTo(store.machine.arena, at);
  const active = Math.min(chosen.value ?? levels.length - 1, levels.length - 1);
  const zoom = (factor: number) => zoomTree(store, shown, at, factor);
  return (
    <section class="card tree-card" aria-label="Maple tree">
      <div class="card-head">
        <h2>Maple tree</h2>
        <span class="muted number">{plural(moment.nodes.count, "node")}</span>
        <span class="spacer" />
        <span class="muted number">{changedWords(moment.changedNodes.size)}</span>
        {moment.nodes.count > 1 ? (
          <ZoomButtons
            names={["Zoom the tree out", "Zoom the tree in", "Show the whole tree"]}
            zoom={zoom}
            showAll={() => {
              shown.value = null;
            }}
            isWhole={shown.value === null}
          />
        ) : null}
      </div>
      <div class="tree-body">
        <div
          ref={box}
          class="tree-pane"
          data-shortcut="tree"
          role="slider"
          tabIndex={0}
          aria-label="Look-up in the maple tree: left and right change the slot, up and down the level"
          aria-valuemin={0}
          aria-valuemax={15}
          aria-valuenow={levels[active]?.slot ?? 0}
          aria-valuetext={`level ${active + 1} of ${levels.length}, slot ${levels[active]?.slot}: ${wordsOf(store, at)}`}
          style={{ minHeight: `${drawingHeight(levels.length)}px` }}
          onKeyDown={(event) => onKey(event, store, levels, active, { chosen, shown, zoom })}
        >
          {moment.nodes.count > 1 ? <WholeTree store={store} at={at} shown={shown} /> : null}
          <Drawing store={store} levels={levels} width={width.value} active={active} />
        </div>
        {levels[active] === undefined ? (
          <p class="empty">The tree is empty.</p>
        ) : (
          <Slots store={store} level={levels[active]} />
        )}
      </div>
    </section>
  );
}

/** The slots of one node as a list. */
function Slots({ store, level }: PaneProps & { readonly level: Level }) {
  const { after } = store.settled.value;
  const node = level.nodes[level.onPath]!;
  const leaf = node.depth === 1;
  return (
    <table class="slots">
      <caption>
        {leaf ? "Leaf" : "Inner node"} at <code>0x{node.address.toString(16)}</code>, covers{" "}
        {bytes(node.end - node.start)}
      </caption>
      <thead>
        <tr>
          <th scope="col">Slot</th>
          <th scope="col">From pivot</th>
          <th scope="col">{leaf ? "Entry" : "Child"}</th>
          <th scope="col">{leaf ? "Size" : "Largest gap"}</th>
        </tr>
      </thead>
      <tbody>
        {node.slots.map(({ start, end, entry, gap }, i) => {
          const row = leaf && entry !== 0 ? rowAt(after, start) : -1;
          const what =
            entry === 0
              ? "NULL"
              : row < 0
                ? `0x${(entry & ~63).toString(16)}`
                : after.nameOf(row) || "anonymous";
          return (
            <tr
              key={i}
              class={i === level.slot ? "is-path" : ""}
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
              <td>{i}</td>
              <td>{address(start)}</td>
              <td class={entry === 0 ? "muted" : ""} title={what}>
                {what}
              </td>
              <td>{bytes(leaf ? end - start : gap)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** What is looked up: the focus, else what the last call changed, else the first VMA. */
function addressOf(store: Store): number {
  const { after, changes } = store.settled.value;
  const row = changes.fresh[0] ?? 0;
  return store.focus.value ?? (after.count > 0 ? after.start[row]! : 0);
}

function changedWords(changed: number): string {
  return changed === 0 ? "" : `${plural(changed, "node")} changed`;
}

/** What keys change. */
interface Choices {
  /** The level whose slots are listed; null: the lowest. */
  readonly chosen: Signal<number | null>;
  readonly shown: Shown;
  readonly zoom: (factor: number) => void;
}

function onKey(
  event: KeyboardEvent,
  store: Store,
  levels: readonly Level[],
  active: number,
  { chosen, shown, zoom }: Choices,
): void {
  const level = levels[active];
  if (level === undefined || event.ctrlKey || event.metaKey) return;
  const { slots } = level.nodes[level.onPath]!;
  const toSlot = (slot: number) => {
    const next = slots[Math.max(0, Math.min(slots.length - 1, slot))]!;
    chosen.value = active;
    store.select(next.start);
  };
  const actions: Record<string, () => void> = {
    ArrowLeft: () => toSlot(level.slot - 1),
    ArrowRight: () => toSlot(level.slot + 1),
    Home: () => toSlot(0),
    End: () => toSlot(slots.length - 1),
    "+": () => zoom(1 / ZOOM_STEP),
    "=": () => zoom(1 / ZOOM_STEP),
    "-": () => zoom(ZOOM_STEP),
    "0": () => {
      shown.value = null;
    },
    ArrowUp: () => {
      chosen.value = Math.max(0, active - 1);
    },
    ArrowDown: () => {
      chosen.value = Math.min(levels.length - 1, active + 1);
    },
  };
  const action = actions[event.key];
  if (action === undefined) return;
  event.preventDefault();
  action();
}
