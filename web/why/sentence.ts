// One sentence about a step: which rule acted.

import type { Moment } from "../app/store.js";

export interface Sentence {
  readonly text: string;
  /** The manual page that tells of it, such as `mprotect(2)`; null without one. */
  readonly page: string | null;
}

export function sentenceOf({ entry, changes, before, after }: Moment): Sentence {
  if (entry === null)
    return { text: "The start of the log: nothing has been called yet.", page: null };
  const page = entry.call.op === "fault" ? null : `${entry.call.op}(2)`;
  if (typeof entry.outcome === "string") {
    return {
      text: `${entry.call.op} was refused with ${entry.outcome}; the map is as before.`,
      page,
    };
  }
  const { gone, fresh } = changes;
  if (gone.length === 0 && fresh.length === 0) return { text: "The map is as before.", page };
  const more = after.count - before.count;
  const text = `${gone.length} rows became ${fresh.length}: the map has ${Math.abs(more)} ${more < 0 ? "fewer" : "more"}.`;
  return { text, page };
}
