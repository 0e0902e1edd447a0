// What stands out in a map: guard pages, memory that is writable and executable. Pure.

import type { MapsEntry } from "../../src/formats/maps-line.js";

export interface Survey {
  /** Without any access: guard pages, and address space that is only kept. */
  readonly guards: readonly MapsEntry[];
  /** Writable and executable at once. */
  readonly writeExec: readonly MapsEntry[];
}

const PAGE = 4096;
/** Longer ranges without access are reservations, not guards. Bytes. */
const GUARD_MAX = 1024 * PAGE;

export function surveyOf(entries: readonly MapsEntry[]): Survey {
  return {
    guards: entries.filter(isGuard),
    writeExec: entries.filter(({ perms }) => perms[1] === "w" && perms[2] === "x"),
  };
}

/** `---p` and short, or marked by MADV_GUARD_INSTALL in smaps (`gu`). */
function isGuard({ start, end, perms, name, fields }: MapsEntry): boolean {
  const flags = fields?.["VmFlags"];
  if (typeof flags === "string" && flags.split(" ").includes("gu")) return true;
  const isKernels = name.startsWith("[v");
  return perms === "---p" && !isKernels && BigInt(end) - BigInt(start) <= BigInt(GUARD_MAX);
}

/** `0x7f..`, `7f..` or decimal digits; null: it is no address. */
export function addressOf(text: string): bigint | null {
  const word = text.trim();
  if (/^0x[\da-f]{1,16}$/i.test(word)) return BigInt(word);
  if (/^[\da-f]{1,16}$/i.test(word)) return BigInt(`0x${word}`);
  return null;
}
