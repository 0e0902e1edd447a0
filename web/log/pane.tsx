// The log: every line is a call, shown as strace prints it or in short form. Only the lines in
// sight are in the document. One stop of the Tab key; arrows step through it.

import { useSignal, useSignalEffect } from "@preact/signals";
import type { Entry, Outcome } from "../app/call.js";
import type { PaneProps } from "../app/slots.js";
import { useLines } from "../view/lines.js";
import { Plain } from "../view/plain.js";
import { shortLine, straceLine } from "./lines.js";
import "./pane.css";

const LINE_PX = 24;
const OVERSCAN = 8;
const PAGE_LINES = 20;

export function LogPane({ store }: PaneProps) {
  const isShort = useSignal(false);
  const lines = useLines<HTMLDivElement>({ linePx: LINE_PX, overscan: OVERSCAN });
  const entries = store.entries.value;
  const cursor = store.cursor.value;

  useSignalEffect(() => {
    if (store.cursor.value > 0) lines.reveal(store.cursor.value - 1);
  });
  const { first, last } = lines.range(entries.length);
  // Lines that scroll out are used again for those that scroll in.
  const pool = Math.ceil(lines.height.value / LINE_PX) + 2 * OVERSCAN + 1;
  return (
    <div class="log">
      <div class="log-head">
        <span class="muted number">
          {entries.length === 0
            ? "no call yet"
            : `${cursor.toLocaleString("en-US")} of ${entries.length.toLocaleString("en-US")} made`}
        </span>
        <span class="spacer" />
        <fieldset class="segmented" aria-label="How calls are shown">
          {[false, true].map((value) => (
            <label key={`${value}`}>
              <input
                type="radio"
                name="log-form"
                checked={isShort.value === value}
                onChange={() => {
                  isShort.value = value;
                }}
              />
              <span>{value ? "short" : "strace"}</span>
            </label>
          ))}
        </fieldset>
      </div>
      {entries.length === 0 ? (
        <p class="empty">Type a call below, open a file, or choose an example.</p>
      ) : null}
      <div
        ref={lines.frame}
        class="log-lines"
        hidden={entries.length === 0}
        role="listbox"
        tabIndex={0}
        aria-label="Calls; arrow keys step through them"
        {...(cursor > 0 ? { "aria-activedescendant": `log-${cursor - 1}` } : {})}
        onScroll={lines.onScroll}
        onKeyDown={(event) => {
          const to = keyTarget(event.key, cursor, entries.length);
          if (to === null) return;
          event.preventDefault();
          store.seek(to);
        }}
        onMouseDown={(event) => {
          const line = (event.target as Element).closest<HTMLElement>("[data-place]");
          if (line !== null) store.seek(Number(line.dataset["place"]));
        }}
      >
        <div
          role="presentation"
          style={{
            height: `${entries.length * LINE_PX}px`,
            paddingTop: `${first * LINE_PX}px`,
          }}
        >
          {entries.slice(first, last).map((entry, n) => (
            <Line
              key={(first + n) % pool}
              index={first + n}
              entry={entry}
              isShort={isShort.value}
              isDone={first + n < cursor}
              isLast={first + n === cursor - 1}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

interface LineProps {
  readonly index: number;
  readonly entry: Entry;
  readonly isShort: boolean;
  /** The call has been made. */
  readonly isDone: boolean;
  /** It is the last one that has. */
  readonly isLast: boolean;
}

class Line extends Plain<LineProps> {
  override render({ index, entry, isShort, isDone, isLast }: LineProps) {
    const { outcome, recorded } = entry;
    const differs = recorded !== undefined && recorded !== outcome;
    const text = straceLine(entry);
    return (
      <div
        id={`log-${index}`}
        class="log-line"
        role="option"
        tabIndex={-1}
        aria-selected={isLast}
        data-place={index + 1}
        data-done={isDone}
        data-refused={typeof outcome === "string"}
        title={text}
      >
        <span class="log-number number">{index + 1}</span>
        <span class="log-text mono">{isShort ? shortLine(entry.call) : callOf(text)}</span>
        <span class="log-result mono">{resultOf(text)}</span>
        {differs ? <span class="chip is-bad">file: {outcomeWord(recorded)}</span> : null}
      </div>
    );
  }
}

/** A line of strace before its result. */
function callOf(text: string): string {
  const at = text.lastIndexOf(" = ");
  return at < 0 ? text : text.slice(0, at);
}

/** Its result, without the words behind an errno. */
function resultOf(text: string): string {
  const at = text.lastIndexOf(" = ");
  return at < 0 ? "" : text.slice(at + 1).replace(/^= -1 (\w+).*/, "= $1");
}

function outcomeWord(outcome: Outcome): string {
  return typeof outcome === "string" ? outcome : `0x${outcome.toString(16)}`;
}

/** Where a key leads; null: nowhere. */
function keyTarget(key: string, cursor: number, length: number): number | null {
  switch (key) {
    case "ArrowDown":
      return Math.min(length, cursor + 1);
    case "ArrowUp":
      return Math.max(0, cursor - 1);
    case "PageDown":
      return Math.min(length, cursor + PAGE_LINES);
    case "PageUp":
      return Math.max(0, cursor - PAGE_LINES);
    case "Home":
      return 0;
    case "End":
      return length;
    default:
      return null;
  }
}
