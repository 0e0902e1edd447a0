// TypeScript to a script that a worker can run: types go, imports of vmaple become look-ups.
//
// Lines stay lines, so that an error's line is the reader's.

import { transform } from "sucrase";

/** What a snippet may import. */
export const MODULES = [
  "vmaple",
  "vmaple/maps",
  "vmaple/process",
  "vmaple/strace",
  "vmaple/why",
] as const;
export type ModuleName = (typeof MODULES)[number];

/** A place in the snippet; lines from 1. */
export interface Place {
  readonly line: number;
  readonly message: string;
}

export type Compiled = { readonly code: string } | { readonly error: Place };

/** Compiles a snippet, or says in which line it is no TypeScript. */
export function compile(source: string): Compiled {
  try {
    const { code } = transform(source, {
      transforms: ["typescript", "imports"],
      disableESTransforms: true,
      preserveDynamicImport: true,
    });
    return { code };
  } catch (error) {
    const line = (error as { loc?: { line: number } }).loc?.line ?? 1;
    const message = error instanceof Error ? error.message : String(error);
    return { error: { line, message: message.replace(/ \(\d+:\d+\)$/, "") } };
  }
}

/**
 * The line of the snippet in which an error was thrown, from its stack; null: not in it.
 *
 * @param url of the script that was made of the compiled code
 */
export function lineOf(stack: string, url: string): number | null {
  const at = stack.indexOf(`${url}:`);
  if (at < 0) return null;
  const line = Number.parseInt(stack.slice(at + url.length + 1), 10);
  return Number.isNaN(line) ? null : line;
}
