// Step and scrub: where in the log the page stands, the call made there, and what it did.

import type { PaneProps } from "../app/slots.js";
import { straceLine } from "../log/lines.js";
import { sentenceOf } from "../why/sentence.js";

export function Steps({ store }: PaneProps) {
  const cursor = store.cursor.value;
  const { length } = store.entries.value;
  const moment = store.moment.value;
  return (
    <section class="steps" aria-label="Steps">
      <button type="button" disabled={cursor === 0} onClick={() => store.seek(cursor - 1)}>
        Back
      </button>
      <button type="button" disabled={cursor === length} onClick={() => store.seek(cursor + 1)}>
        Step
      </button>
      <input
        type="range"
        aria-label="Place in the log"
        min={0}
        max={length}
        value={cursor}
        onInput={(event) => store.seek(Number(event.currentTarget.value))}
      />
      <output>
        {cursor} / {length}
      </output>
      <code>{moment.entry === null ? "" : straceLine(moment.entry)}</code>
      <p role="status">{sentenceOf(moment).text}</p>
    </section>
  );
}
