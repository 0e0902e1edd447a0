// What kind of text a file is, by how it begins. Pure.

import { parseMapsLine } from "./maps-line.js";
import { readStrace } from "./strace.js";

export type TextKind = "maps" | "smaps" | "strace" | "perf" | "recording" | "trace";

/** So much of a file decides. Bytes. */
export const SNIFF_BYTES = 65536;

/** True if text that begins so is a log that can be read. */
export function isLog(bytes: Uint8Array): boolean {
  const text = beginning(bytes);
  return isPerf(text) || readStrace(text).rows.length > 0 || /^[^{\n]*\w\(.*\) += /m.test(text);
}

export function isPerf(text: string): boolean {
  return /\bPERF_RECORD_\w+/.test(text);
}

/** Null: none of these. A first line longer than {@link SNIFF_BYTES} decides by its beginning. */
export function sniff(bytes: Uint8Array): TextKind | null {
  const text = beginning(bytes);
  if (/^\s*\{/.test(text)) {
    const [line = ""] = text.split("\n", 1);
    if (/"k" *: *"header"/.test(line)) return "trace";
    return /"schema" *:/.test(line) ? "recording" : null;
  }
  const lines = text.split(/\r?\n/, MAPS_LINES);
  if (lines.some((line) => parseMapsLine(line) !== null)) {
    return /^VmFlags:|^Size: +\d+ kB$/m.test(text) ? "smaps" : "maps";
  }
  if (isPerf(text)) return "perf";
  return isLog(bytes) ? "strace" : null;
}

/** A line of maps stands among the first so many, whatever else does. */
const MAPS_LINES = 100;

function beginning(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes.subarray(0, SNIFF_BYTES));
}
