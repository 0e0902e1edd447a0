// Under the bar: what the reader looks at, and the calls that can be made on it.

import type { PaneProps } from "../../app/slots.js";
import { lengthWord } from "../../command/values.js";
import { address } from "../format.js";
import { placeAt } from "../words.js";

const CALLS = ["mprotect", "munmap", "madvise", "fault"] as const;

export function Readout({ store }: PaneProps) {
  const at = store.focus.value;
  const chosen = store.selected.value === null ? null : placeAt(store, store.selected.value);
  const place = at === null ? null : placeAt(store, at);
  const propose = (call: (typeof CALLS)[number]) => {
    if (chosen === null) return;
    const start = `0x${chosen.start.toString(16)}`;
    const length = lengthWord(chosen.end - chosen.start);
    const tail = {
      mprotect: `${length} r`,
      munmap: length,
      madvise: `${length} dontneed`,
      fault: "write",
    };
    store.proposal.value = { line: `${call} ${start} ${tail[call]}` };
  };
  return (
    <div class="readout">
      <p class="readout-text">
        {place === null ? (
          <span class="muted">
            Point at a mapping, or walk with the arrow keys. Ctrl + wheel zooms.
          </span>
        ) : (
          <>
            <code>
              {address(place.start)}-{address(place.end)} {place.perms}
            </code>{" "}
            <strong>{place.name}</strong> <span class="muted">{place.facts}</span>
          </>
        )}
      </p>
      <div class="readout-calls">
        {CALLS.map((call) => (
          <button
            key={call}
            type="button"
            class="button is-small mono"
            disabled={chosen === null || chosen.row === null}
            title={`Puts ${call} of what is chosen into the command line`}
            onClick={() => propose(call)}
          >
            {call}
          </button>
        ))}
      </div>
    </div>
  );
}
