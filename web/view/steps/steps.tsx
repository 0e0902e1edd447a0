// Step and scrub: where in the log the page stands, the call made there, and what it did.

import { useRef } from "preact/hooks";
import type { PaneProps } from "../../app/slots.js";
import { shortLine, straceLine } from "../../log/lines.js";
import { sentenceOf } from "../../why/sentence.js";
import { count } from "../format.js";
import { IconButton } from "../icon-button.js";
import { BackIcon, FirstIcon, LastIcon, StepIcon } from "../icons.js";
import "./steps.css";

export function Steps({ store }: PaneProps) {
  const cursor = store.cursor.value;
  const entries = store.entries.value;
  const moment = store.moment.value;
  const next = entries[cursor];
  const sentence = moment.passing ? { text: "…", page: null } : sentenceOf(moment, store.machine);
  const refused = typeof moment.entry?.outcome === "string";
  const asked = useRef<number | null>(null);
  const scrub = (to: number) => {
    // Many inputs a frame, one seek.
    if (asked.current === null) {
      requestAnimationFrame(() => {
        const at = asked.current;
        asked.current = null;
        if (at !== null) store.scrub(at);
      });
    }
    asked.current = to;
  };
  return (
    <section class="card steps" aria-label="Steps">
      <div class="steps-row">
        <div class="steps-buttons">
          <IconButton name="To the start" disabled={cursor === 0} onClick={() => store.seek(0)}>
            <FirstIcon />
          </IconButton>
          <IconButton name="Back" disabled={cursor === 0} onClick={() => store.seek(cursor - 1)}>
            <BackIcon />
          </IconButton>
          <button
            type="button"
            class="button is-primary"
            disabled={next === undefined}
            onClick={() => store.seek(cursor + 1)}
          >
            Step <StepIcon />
          </button>
          <IconButton
            name="To the end"
            disabled={next === undefined}
            onClick={() => store.seek(entries.length)}
          >
            <LastIcon />
          </IconButton>
        </div>
        <p class="steps-next muted">
          {next === undefined ? (
            "End of the log"
          ) : (
            <>
              Next: <span class="mono">{shortLine(next.call)}</span>
            </>
          )}
        </p>
        <input
          class="scrubber"
          type="range"
          aria-label="Place in the log"
          min={0}
          max={entries.length}
          value={cursor}
          disabled={entries.length === 0}
          onInput={(event) => scrub(Number(event.currentTarget.value))}
        />
        <output class="number">
          {count(cursor)} / {count(entries.length)}
        </output>
      </div>
      <div class="steps-now" data-state={refused ? "refused" : "done"}>
        <p class="steps-call mono">
          {moment.entry === null ? (
            <span class="muted">start of the log</span>
          ) : (
            straceLine(moment.entry)
          )}
        </p>
        <p class="steps-why" role="status">
          {sentence.text}{" "}
          {sentence.page === null ? null : <span class="chip">{sentence.page}</span>}
        </p>
      </div>
    </section>
  );
}
