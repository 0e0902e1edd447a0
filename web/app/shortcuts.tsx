// Keys for everything, and the dialog that lists them. Single keys can be switched off.

import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { HelpIcon } from "../view/icons.js";
import type { PaneProps } from "./slots.js";
import type { Store } from "./store.js";
import { toggleTheme } from "./theme.js";

interface Shortcut {
  /** As the key event has it. */
  readonly key: string;
  /** With Ctrl or Cmd; then it works in text fields too. */
  readonly ctrl?: boolean;
  readonly shift?: boolean;
  readonly words: string;
  readonly act: (store: Store) => void;
}

const SHORTCUTS: readonly Shortcut[] = [
  { key: "n", words: "Step", act: (store) => store.seek(store.cursor.value + 1) },
  { key: "p", words: "Back", act: (store) => store.seek(store.cursor.value - 1) },
  { key: "[", words: "To the start of the log", act: (store) => store.seek(0) },
  { key: "]", words: "To its end", act: (store) => store.seek(store.entries.value.length) },
  { key: "/", words: "Search the map", act: () => focusOn("search") },
  { key: "c", words: "To the command line", act: () => focusOn("command") },
  { key: "b", words: "To the bar", act: () => focusOn("bar") },
  { key: "m", words: "To the table", act: () => focusOn("table") },
  { key: "r", words: "To the tree", act: () => focusOn("tree") },
  { key: "t", words: "Light or dark", act: toggleTheme },
  { key: "z", ctrl: true, words: "Undo", act: (store) => store.seek(store.cursor.value - 1) },
  {
    key: "z",
    ctrl: true,
    shift: true,
    words: "Redo",
    act: (store) => store.seek(store.cursor.value + 1),
  },
];

/** What the views do with keys themselves. */
const IN_VIEWS = [
  ["← →", "Bar: from mapping to mapping. Tree: from slot to slot"],
  ["↑ ↓", "Table: from row to row. Tree: from level to level"],
  ["+ − 0", "Bar: zoom in, zoom out, show all"],
  ["Enter", "Bar: zoom to the chosen mapping"],
] as const;

const singleKeys = signal(true);

export function Shortcuts({ store }: PaneProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === "?" && singleKeys.value && !isTyping(event)) dialog.current?.showModal();
      else act(event, store);
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, [store]);
  return (
    <>
      <button
        type="button"
        class="button is-icon is-quiet"
        title="Keyboard shortcuts (?)"
        onClick={() => dialog.current?.showModal()}
      >
        <HelpIcon />
        <span class="visually-hidden">Keyboard shortcuts</span>
      </button>
      <dialog ref={dialog} class="shortcuts" aria-labelledby="shortcuts-title">
        <form method="dialog">
          <h2 id="shortcuts-title">Keyboard</h2>
          <dl>
            {SHORTCUTS.map(({ key, ctrl, shift, words }) => (
              <div key={words}>
                <dt>
                  {ctrl ? <kbd>Ctrl</kbd> : null} {shift ? <kbd>Shift</kbd> : null} <kbd>{key}</kbd>
                </dt>
                <dd>{words}</dd>
              </div>
            ))}
            {IN_VIEWS.map(([keys, words]) => (
              <div key={keys}>
                <dt>
                  <kbd>{keys}</kbd>
                </dt>
                <dd>{words}</dd>
              </div>
            ))}
          </dl>
          <label class="shortcuts-switch">
            <input
              type="checkbox"
              checked={singleKeys.value}
              onChange={(event) => {
                singleKeys.value = event.currentTarget.checked;
              }}
            />
            Single keys act anywhere on the page
          </label>
          <button type="submit" class="button is-primary">
            Close
          </button>
        </form>
      </dialog>
    </>
  );
}

function act(event: KeyboardEvent, store: Store): void {
  const ctrl = event.ctrlKey || event.metaKey;
  if (event.altKey || document.querySelector("dialog[open]") !== null) return;
  if (isTyping(event) || (!ctrl && !singleKeys.value)) return;
  const shortcut = SHORTCUTS.find(
    (candidate) =>
      candidate.key === event.key.toLowerCase() &&
      (candidate.ctrl ?? false) === ctrl &&
      (!ctrl || (candidate.shift ?? false) === event.shiftKey),
  );
  if (shortcut === undefined) return;
  event.preventDefault();
  shortcut.act(store);
}

/** Keys typed into a field are the field's, undo included. */
function isTyping({ target }: KeyboardEvent): boolean {
  return (
    target instanceof Element &&
    target.closest("input:not([type=range], [type=radio], [type=checkbox]), textarea, select") !==
      null
  );
}

/** @param name of `data-shortcut` */
function focusOn(name: string): void {
  document.querySelector<HTMLElement>(`[data-shortcut="${name}"]`)?.focus();
}
