// The command line: a combobox over the calls, with history, and the place of what is wrong.

import { useSignal, useSignalEffect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { permsAt } from "../app/rows.js";
import type { PaneProps } from "../app/slots.js";
import type { Store } from "../app/store.js";
import { accept, type Completion, completionsAt } from "./complete.js";
import { CommandHistory } from "./history.js";
import { readCommand } from "./read.js";
import { CommandError } from "./tokens.js";
import type { CommandContext } from "./values.js";
import { usageOf, VERB_OF_WORD } from "./verbs.js";
import "./console.css";

const LIST_ID = "console-suggestions";
const HISTORY_KEY = "vmaple.history";
/** Mappings offered by name: more would only slow typing down. */
const MOST_MAPPINGS = 2000;

/** A wrong line, as it was. */
interface Wrong {
  readonly line: string;
  readonly message: string;
  readonly caret: string;
}

export function Console({ store }: PaneProps) {
  const line = useSignal("");
  const completion = useSignal<Completion | null>(null);
  const chosen = useSignal(-1);
  const wrong = useSignal<Wrong | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const history = useRef<CommandHistory | null>(null);
  history.current ??= new CommandHistory(savedLines());

  /** What is to be done once the input shows the new text, before the next key is heard. */
  const shown = useRef<(() => void) | null>(null);
  useLayoutEffect(() => {
    shown.current?.();
    shown.current = null;
  });

  const show = (text: string, cursor = text.length, then?: () => void) => {
    const ready = () => {
      input.current?.setSelectionRange(cursor, cursor);
      then?.();
    };
    const there = line.value === text; // then nothing is drawn anew
    if (!there) shown.current = ready;
    line.value = text;
    completion.value = null;
    chosen.value = -1;
    if (there) ready();
  };
  useSignalEffect(() => {
    const proposal = store.proposal.value;
    if (proposal === null) return;
    show(proposal.line);
    wrong.value = null;
    input.current?.focus();
  });
  const suggest = () => {
    const element = input.current;
    if (element === null) return;
    const at = element.selectionStart ?? element.value.length;
    const found = completionsAt(element.value, at, contextOf(store));
    completion.value = found.suggestions.length === 0 ? null : found;
    chosen.value = -1;
  };
  const take = (index: number) => {
    const found = completion.value;
    const suggestion = found?.suggestions[index];
    if (found === null || suggestion === undefined) return;
    const { line: next, cursor } = accept(line.value, found, suggestion);
    show(next, cursor, suggest);
  };
  const run = () => {
    const text = line.value;
    if (text.trim() === "") return;
    const problem = runLine(store, text);
    wrong.value = problem;
    if (problem !== null) {
      completion.value = null;
      return;
    }
    history.current?.add(text);
    saveLines(history.current?.lines ?? []);
    show("");
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const list = completion.value;
    const act = keyAction(event, list !== null, chosen.value >= 0);
    if (act === null) return;
    event.preventDefault();
    if (act === "close") completion.value = null;
    else if (act === "open") suggest();
    else if (act === "take") take(Math.max(0, chosen.value));
    else if (act === "run") run();
    else if (act === "older" || act === "newer") {
      const text = act === "older" ? history.current?.older(line.value) : history.current?.newer();
      if (typeof text === "string") show(text);
    } else if (list !== null) {
      const count = list.suggestions.length;
      chosen.value =
        (chosen.value + (act === "next" ? 1 : count - (chosen.value < 0 ? 0 : 1))) % count;
    }
  };
  const verb = VERB_OF_WORD.get(/^\s*(\w+)/.exec(line.value)?.[1]?.toLowerCase() ?? "");
  return (
    <form
      class="console"
      aria-label="Command line"
      onSubmit={(event) => {
        event.preventDefault();
        run();
      }}
    >
      <div class="console-line">
        <label class="console-prompt mono" for="console-input" aria-hidden="true">
          &gt;
        </label>
        <input
          ref={input}
          id="console-input"
          data-shortcut="command"
          class="console-input mono"
          type="text"
          role="combobox"
          aria-label="Command"
          aria-expanded={completion.value !== null}
          aria-controls={LIST_ID}
          aria-autocomplete="list"
          aria-describedby="console-hint"
          aria-invalid={wrong.value !== null}
          {...(chosen.value >= 0 ? { "aria-activedescendant": `${LIST_ID}-${chosen.value}` } : {})}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          placeholder="mmap 64K rw"
          value={line.value}
          onInput={(event) => {
            line.value = event.currentTarget.value;
            wrong.value = null;
            if (line.value.trim() === "") completion.value = null;
            else suggest();
          }}
          onKeyDown={onKeyDown}
          onBlur={() => {
            completion.value = null;
          }}
        />
        <button type="submit" class="button is-primary is-small">
          Run
        </button>
        <Suggestions completion={completion.value} chosen={chosen.value} take={take} />
      </div>
      <Hint wrong={wrong.value} usage={verb === undefined ? null : usageOf(verb)} />
    </form>
  );
}

interface SuggestionsProps {
  readonly completion: Completion | null;
  readonly chosen: number;
  readonly take: (index: number) => void;
}

function Suggestions({ completion, chosen, take }: SuggestionsProps) {
  return (
    <div
      id={LIST_ID}
      class="console-list"
      role="listbox"
      aria-label="Suggestions"
      hidden={completion === null}
    >
      {completion?.suggestions.map(({ text, detail }, index) => (
        // The input keeps the focus: options are chosen with its arrow keys, or pressed.
        <div
          key={text}
          id={`${LIST_ID}-${index}`}
          role="option"
          tabIndex={-1}
          aria-selected={index === chosen}
          onMouseDown={(event) => {
            event.preventDefault();
            take(index);
          }}
        >
          <span class="mono">{text}</span> <span class="muted">{detail}</span>
        </div>
      ))}
    </div>
  );
}

function Hint({ wrong, usage }: { readonly wrong: Wrong | null; readonly usage: string | null }) {
  if (wrong !== null) {
    return (
      <div id="console-hint" class="console-hint is-wrong" role="alert">
        <pre aria-hidden="true">{`${wrong.line}\n${wrong.caret}`}</pre>
        <p>{wrong.message}</p>
      </div>
    );
  }
  return (
    <p id="console-hint" class="console-hint muted">
      {usage === null ? (
        "A call in short form, or a line of strace. Tab completes, ↑ recalls."
      ) : (
        <span class="mono">{usage}</span>
      )}
    </p>
  );
}

type Action = "close" | "open" | "take" | "run" | "older" | "newer" | "next" | "previous";

/** What a key does; null: what it does anyway. */
function keyAction(
  { key, altKey, ctrlKey, metaKey }: KeyboardEvent,
  isOpen: boolean,
  isChosen: boolean,
): Action | null {
  if (altKey || ctrlKey || metaKey) return key === " " && ctrlKey ? "open" : null;
  switch (key) {
    case "Escape":
      return isOpen ? "close" : null;
    case "Tab":
      return isOpen ? "take" : null;
    case "Enter":
      return isChosen ? "take" : "run";
    case "ArrowDown":
      return isOpen ? "next" : "newer";
    case "ArrowUp":
      return isChosen ? "previous" : "older";
    default:
      return null;
  }
}

/** Runs a line; what is wrong with it, or null. */
function runLine(store: Store, text: string): Wrong | null {
  try {
    const { call, outcome } = store.run(readCommand(text, contextOf(store)));
    const isPlace = call.op === "mmap" || call.op === "mremap";
    const address = isPlace && typeof outcome !== "string" ? outcome : call.args[0];
    if (address !== undefined && Number(address) > 0) store.selected.value = Number(address);
    return null;
  } catch (error) {
    if (error instanceof CommandError) {
      return { line: text, message: error.message, caret: error.caret };
    }
    if (error instanceof TypeError) {
      return { line: text, message: error.message, caret: "^".repeat(text.length) };
    }
    throw error;
  }
}

/** What names and `$` stand for at the cursor. */
function contextOf(store: Store): CommandContext {
  const { after } = store.moment.peek();
  const entries = store.entries.peek().slice(0, store.cursor.peek());
  const placed = entries.findLast(
    ({ call, outcome }) => /^(mmap|mremap)$/.test(call.op) && typeof outcome !== "string",
  );
  const mappings = Array.from({ length: Math.min(after.count, MOST_MAPPINGS) }, (_, row) => ({
    start: after.start[row] as number,
    end: after.end[row] as number,
    perms: permsAt(after, row),
    name: after.nameOf(row),
  }));
  return {
    last: placed === undefined ? null : Number(placed.outcome),
    mappings,
    brk: store.machine.mm.stat().brk,
  };
}

/** Commands of earlier visits: in this browser only. */
function savedLines(): string[] {
  try {
    const saved: unknown = JSON.parse(localStorage.getItem(HISTORY_KEY) ?? "[]");
    return Array.isArray(saved) ? saved.filter((entry) => typeof entry === "string") : [];
  } catch {
    return []; // storage is forbidden, or holds something else
  }
}

function saveLines(lines: readonly string[]): void {
  try {
    localStorage.setItem(HISTORY_KEY, JSON.stringify(lines.slice(-100)));
  } catch {
    // Without storage the history lasts as long as the page.
  }
}
