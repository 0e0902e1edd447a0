// What is at an address, in one line: for the command line tool and the playground. Pure.

import type { Address } from "../address.js";
import { formatMapsLine, type MapsEntry } from "./maps-line.js";
import { fileOffset, findEntry, pathOf } from "./maps-query.js";

export interface AtAnswer {
  readonly text: string;
  readonly data:
    | {
        readonly address: bigint;
        readonly entry: MapsEntry;
        /** Bytes from the entry's start. */
        readonly offset: bigint;
        /** Bytes into its file; null without one. */
        readonly fileOffset: Address | null;
      }
    | {
        readonly address: bigint;
        readonly entry: null;
        readonly below: MapsEntry | null;
        readonly above: MapsEntry | null;
      };
}

/** The mapping at `address`, or what lies on either side of the hole. */
export function whatIsAt(entries: readonly MapsEntry[], address: bigint): AtAnswer {
  const entry = findEntry(entries, address);
  return entry === null ? nothingAt(entries, address) : mappedAt(entry, address);
}

function mappedAt(entry: MapsEntry, address: bigint): AtAnswer {
  const offset = address - BigInt(entry.start);
  let text = `${hex(address)}: ${formatMapsLine(entry).trimEnd().replace(/ {2,}/, " ")} +${hex(offset)}`;
  const isFile = pathOf(entry) !== null;
  const inFile = isFile ? fileOffset(entry, address) : null;
  if (inFile !== null) text += ` (file offset ${hex(inFile)})`;
  return { text, data: { address, entry, offset, fileOffset: inFile } };
}

function nothingAt(entries: readonly MapsEntry[], address: bigint): AtAnswer {
  const below = entries.findLast((entry) => entry.end <= address);
  const above = entries.find((entry) => entry.start > address);
  const text =
    `${hex(address)}: not mapped; ` +
    (below === undefined ? "nothing below" : `${named(below)} ends at ${hex(below.end)}`) +
    (above === undefined ? ", nothing above" : `, ${named(above)} starts at ${hex(above.start)}`);
  const data = { address, entry: null, below: below ?? null, above: above ?? null };
  return { text, data };
}

function named(entry: MapsEntry): string {
  return entry.name === "" ? "anonymous memory" : entry.name;
}

function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}
