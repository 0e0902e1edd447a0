// The final figures of both legs, and their ratio.

import { count } from "../view/format.js";
import { MODE_NAMES } from "./modes.js";
import type { Figures, LegResult, Mode } from "./run.js";

export type Results = Readonly<Record<Mode, LegResult>>;

/** Rows: each a number a second. */
const ROWS: readonly { words: string; of: (figures: Figures) => number }[] = [
  { words: "operations", of: ({ operations }) => operations },
  { words: "faults under a VMA lock", of: ({ counters }) => counters.faultVmaLock },
  { words: "faults under the mmap lock", of: ({ counters }) => counters.faultMmapLock },
  { words: "waits for the mmap lock, to read", of: (f) => f.counters.mmapLockReadContended },
  { words: "calls that change the map", of: ({ counters }) => counters.mmapLockWrite },
  { words: "waits for the mmap lock, to write", of: (f) => f.counters.mmapLockWriteContended },
  { words: "VMA locks refused: a writer was at work", of: ({ counters }) => counters.vmaLockAbort },
  { words: "VMA lock retries", of: ({ counters }) => counters.vmaLockRetry },
  { words: "errors and signals, all expected", of: ({ refused }) => refused },
];

export function FiguresTable({ results }: { readonly results: Results | null }) {
  return (
    <table class="race-figures">
      <caption class="visually-hidden">Figures of both runs, per second</caption>
      <thead>
        <tr>
          <th scope="col">per second</th>
          <th scope="col">{MODE_NAMES.mmapLock}</th>
          <th scope="col">{MODE_NAMES.vmaLock}</th>
          <th scope="col">ratio</th>
        </tr>
      </thead>
      <tbody>
        {ROWS.map(({ words, of }) => {
          const a = rate(results?.mmapLock, of);
          const b = rate(results?.vmaLock, of);
          return (
            <tr key={words}>
              <th scope="row">{words}</th>
              <td>{a === null ? "–" : count(a)}</td>
              <td>{b === null ? "–" : count(b)}</td>
              <td>{ratio(a, b)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function rate(result: LegResult | undefined, of: (figures: Figures) => number): number | null {
  if (result === undefined) return null;
  return (of(result.figures) * 1000) / result.figures.elapsedMs;
}

/** Per-VMA locks relative to the mmap lock alone. */
function ratio(a: number | null, b: number | null): string {
  if (a === null || b === null || a === 0) return "–";
  return `× ${(b / a).toFixed(2)}`;
}
