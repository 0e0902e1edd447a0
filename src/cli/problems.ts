// How the command line tells of lines that a reader left out.

import type { Problem } from "../formats/lines.js";

const SHOWN = 10;

/** One line a problem, the first few; then how many more. */
export function problemText(file: string, problems: readonly Problem[]): string {
  const lines = problems
    .slice(0, SHOWN)
    .map(({ line, expected, text }) => `${file}:${line}: expected ${expected}, got ${text}\n`);
  const more = problems.length - SHOWN;
  if (more > 0) lines.push(`${file}: ${more} more lines that could not be read\n`);
  return lines.join("");
}
