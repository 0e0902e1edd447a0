// How the command line tells of what it could not read or write.

import type { Problem } from "../formats/lines.js";
import { InputError } from "../formats/ndjson.js";

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

/** Input that cannot be used and output that cannot be written are no bugs of ours. */
export function refused(error: unknown): number {
  const { syscall, path, code } = error as NodeJS.ErrnoException;
  if (error instanceof InputError) process.stderr.write(`${error.message}\n`);
  else if (syscall !== undefined && path !== undefined) {
    process.stderr.write(`${path}: cannot be written: ${code}\n`);
  } else throw error;
  return 2;
}
